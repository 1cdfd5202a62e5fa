"""One validator for each key of a condition: does an answer match, and if not, why not.

A validator is made once, at construction, from what the condition expects, and refuses
what makes no sense with a :class:`ValueError`. What it returns is called with each
:class:`Answer`: it says ``None`` for a match, else in few words what it found instead.
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Any

import requests
from jsonpath_ng.ext.parser import parse

from .checks import bad_argument, nearest
from .comparison import differences, matcher
from .formatting import describe_body, one_line, safe_repr
from .operators import OPERATORS

#: Says nothing (``None``) if the answer matches, else in a few words how it does not.
Check = Callable[["Answer"], str | None]
#: Makes a :data:`Check` from what a condition expects.
Validator = Callable[[Any], Check]

#: What the key ``status_code`` expects.
StatusCode = int | str | Collection[int | str]
#: What the key ``jsonpath`` expects.
JSONPath = dict[Any, Any] | list[dict[str, Any]]

_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_MOST = 5  # reasons that one key gives at most
_NO_JSON = object()  # not None: null is a document like any other


class Answer:
    """One response, with its text and its JSON decoded at most once.

    :ivar response: the :class:`requests.Response` itself.
    """

    def __init__(self, response: requests.Response) -> None:
        self.response = response

    @cached_property
    def text(self) -> str | None:
        """The body as text; ``None`` if it cannot be decoded."""
        try:
            return self.response.text
        except (ValueError, Warning):  # a charset such as "idna" or "unicode_escape"
            return None

    @cached_property
    def _document(self) -> Any:
        try:
            return self.response.json()
        except (ValueError, RecursionError, Warning):
            return _NO_JSON

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return self._document is not _NO_JSON

    @property
    def json(self) -> Any:
        """The decoded body; look at :attr:`is_json` before."""
        return self._document

    @cached_property
    def json_repr(self) -> str:
        """The decoded body in words, bounded."""
        return safe_repr(self._document)

    @property
    def not_json(self) -> str:
        """The reason to give when a body should have been JSON."""
        return f"body is not JSON ({describe_body(self.response)})"


def status_code(expected: Any) -> Check:
    """The status is the expected one, or one of them.

    An int or numeric string, a class such as ``'2xx'``, or a list, tuple, set or range
    of these.
    """
    several = isinstance(expected, (list, tuple, set, frozenset, range))
    if several and not expected:
        raise bad_argument("status_code", expected, "an empty list expects nothing")
    allowed = _statuses(expected) if not several else set()
    for each in expected if several else ():
        allowed |= _statuses(each)
    told = "one of " + ", ".join(map(str, expected)) if several else str(expected)
    told = str(expected) if isinstance(expected, range) else told

    def check(answer: Answer) -> str | None:
        actual = answer.response.status_code
        return None if actual in allowed else f"status_code is {actual}, not {told}"

    return check


def _statuses(expected: Any) -> set[int]:
    """The statuses that an int, a numeric string or a class such as ``'2xx'`` means."""
    right = "give an int from 100 to 999, or a class such as '2xx'"
    if isinstance(expected, str):
        if expected.lower() in _CLASSES:
            first = int(expected[0]) * 100
            return set(range(first, first + 100))
        if not (expected.isascii() and expected.isdigit() and len(expected) < 10):
            right = f"{right}; {nearest(expected, _CLASSES)}"
            raise bad_argument("status_code", expected, right)
        expected = int(expected)
    if isinstance(expected, bool) or not isinstance(expected, int):
        raise bad_argument("status_code", expected, right)
    if not 100 <= expected <= 999:
        raise bad_argument("status_code", expected, right)
    return {expected}


def headers(expected: Any) -> Check:
    """Every header is there with the expected value; names as HTTP compares them.

    A value is a str that it is equal to, a compiled regular expression that is found in
    it, or ``True`` if any will do. Names are case-insensitive (RFC 9110 §5.1).
    """
    if not isinstance(expected, dict) or not expected:
        raise bad_argument("headers", expected, "give a dict of names and values")
    for name, value in expected.items():
        if not isinstance(name, str) or not name:
            raise bad_argument(
                "headers", expected, f"the name {safe_repr(name)} is not a str"
            )
        if value is not True and not _is_text(value):
            right = "give a str, a compiled expression for str, or True for 'present'"
            raise bad_argument(f"headers: {one_line(name, 80)}", value, right)

    def check(answer: Answer) -> str | None:
        misses = []
        for name, value in expected.items():
            actual = answer.response.headers.get(name)
            if actual is None:
                misses.append(f"header {name} is missing")
            elif value is not True and not _is_found(value, actual):
                misses.append(
                    f"header {name} is {safe_repr(actual)}, not {safe_repr(value)}"
                )
        return "; ".join(misses) or None

    return check


def _is_text(value: Any) -> bool:
    """Whether ``value`` is a str or an expression for str."""
    return isinstance(getattr(value, "pattern", value), str)


def _is_found(expected: str | re.Pattern[str], actual: str) -> bool:
    """Whether the text is equal, or has the expression in it."""
    if isinstance(expected, re.Pattern):
        return expected.search(actual) is not None
    return actual == expected


def text(expected: Any) -> Check:
    """The whole decoded text equals the str, or has the regular expression in it."""
    if not _is_text(expected):
        right = "give the whole text as a str, or a compiled expression for str"
        raise bad_argument("text", expected, right)

    def check(answer: Answer) -> str | None:
        actual = answer.text
        if actual is None:
            return "text cannot be decoded: the answer's charset is wrong"
        if _is_found(expected, actual):
            return None
        reason = f"text is {safe_repr(actual)}, not {safe_repr(expected)}"
        if isinstance(expected, str) and expected and expected in actual:
            reason += " alone; a regular expression would find it"
        return reason

    return check


def json(expected: Any) -> Check:
    """The whole decoded body equals the expected JSON value."""
    matches = matcher("json", expected)

    def check(answer: Answer) -> str | None:
        if not answer.is_json:
            return answer.not_json
        actual = answer.json
        if matches(actual):
            return None
        reason = f"json is {answer.json_repr}, not {safe_repr(expected)}"
        if (
            isinstance(expected, dict)
            and expected
            and not any(differences(actual, expected))
        ):
            reason += " alone; json_contains would allow the other keys"
        return reason

    return check


def json_contains(expected: Any) -> Check:
    """The decoded body has what is expected: objects by key, all else equal."""
    matcher("json_contains", expected)

    def check(answer: Answer) -> str | None:
        if not answer.is_json:
            return answer.not_json
        return "; ".join(islice(differences(answer.json, expected), _MOST)) or None

    return check


def jsonpath(expected: Any) -> Check:
    """Every entry holds: what its expression finds is what its operators say.

    A list of entries, one entry, or a mapping of expressions to values.
    """
    entries = [_jsonpath_entry(entry) for entry in _jsonpath_entries(expected)]

    def check(answer: Answer) -> str | None:
        if not answer.is_json:
            return answer.not_json
        misses = [miss for entry in entries if (miss := entry(answer)) is not None]
        return "; ".join(misses) or None

    return check


def _jsonpath_entries(expected: Any) -> list[Any]:
    """The entries that a list, one entry or a mapping of paths to values stands for."""
    if not isinstance(expected, (dict, list)):
        right = "give {'$.path': value}, {'expression': ..., 'value': ...} or a list"
        raise bad_argument("jsonpath", expected, right)
    if not expected:
        raise bad_argument("jsonpath", expected, "an empty one expects nothing")
    if isinstance(expected, list):
        return expected
    if "expression" in expected:
        return [expected]
    if all(key in OPERATORS for key in expected):
        right = f"write {{'expression': '$.path', {_inside(expected)}}}"
        raise bad_argument("jsonpath", expected, f"there is no expression: {right}")
    for path, value in expected.items():
        if isinstance(value, dict) and value and all(key in OPERATORS for key in value):
            right = f"write {{'expression': {safe_repr(path)}, {_inside(value)}}}"
            raise bad_argument("jsonpath", expected, right)
    return [{"expression": path, "value": each} for path, each in expected.items()]


def _inside(mapping: dict[Any, Any]) -> str:
    """What stands between the braces of the mapping's repr."""
    return safe_repr(mapping)[1:-1]


def _jsonpath_entry(entry: Any) -> Check:
    """What the expression finds is what the operators say."""
    if not isinstance(entry, dict):
        right = "an entry is {'expression': ..., 'value': ...}"
        raise bad_argument("jsonpath entry", entry, right)
    for key in entry:
        if key != "expression" and key not in OPERATORS:
            words = ("expression", *OPERATORS)
            right = f"unknown key {safe_repr(key)}: {nearest(key, words)}"
            raise bad_argument("jsonpath entry", entry, right)
    if "expression" not in entry:
        raise bad_argument("jsonpath entry", entry, "there is no 'expression' in it")
    if len(entry) == 1:
        right = f"there is no operator: give one of {', '.join(OPERATORS)}"
        raise bad_argument("jsonpath entry", entry, right)
    absent = entry.get("exists") is False
    if absent and len(entry) > 2:
        right = "what does not exist has no value: let exists stand alone"
        raise bad_argument("jsonpath entry", entry, right)
    find = _compiled(entry["expression"]).find
    name = one_line(str(entry["expression"]))
    tests = [OPERATORS[key](each) for key, each in entry.items() if key in OPERATORS]

    def check(answer: Answer) -> str | None:
        try:
            found = [match.value for match in find(answer.json)]
        except Exception as exc:  # some expressions raise on some documents
            return f"{name} cannot be evaluated ({type(exc).__name__})"
        if not found:
            return None if absent else f"{name} is missing"
        misses = [miss for test in tests if (miss := test(found)) is not None]
        return f"{name} {' and '.join(misses)}" if misses else None

    return check


def _compiled(expression: Any) -> Any:
    """``expression`` with a ``find`` method, from whichever JSONPath library."""
    if isinstance(expression, str):
        try:
            return parse(expression)
        except Exception as exc:  # the parser's errors have no common base
            right = f"not a JSONPath ({one_line(str(exc))})"
            raise bad_argument("expression", expression, right) from None
    if not callable(getattr(expression, "find", None)):
        raise bad_argument(
            "expression", expression, "give a str or a compiled JSONPath"
        )
    return expression


def callback(expected: Any) -> Check:
    """The callable returns something true for the :class:`requests.Response`."""
    if not callable(expected):
        raise bad_argument(
            "callback", expected, "give a callable that takes the response"
        )
    name = one_line(getattr(expected, "__qualname__", type(expected).__qualname__))

    def check(answer: Answer) -> str | None:
        result = expected(answer.response)
        return None if result else f"callback {name} returned {safe_repr(result)}"

    return check


#: The base validators by the key that a condition has for them.
VALIDATORS: Mapping[str, Validator] = MappingProxyType(
    {
        "status_code": status_code,
        "headers": headers,
        "text": text,
        "json": json,
        "json_contains": json_contains,
        "jsonpath": jsonpath,
        "callback": callback,
    }
)
