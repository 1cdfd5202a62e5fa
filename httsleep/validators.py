"""One validator for each key of a condition.

A validator is called once, at construction. It takes what the condition expects for the
key, raises a :class:`ValueError` for what makes no sense, and returns a :data:`Check`.
The check is called with each :class:`Answer`.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from functools import cached_property
from itertools import islice
from json import loads
from types import MappingProxyType
from typing import Any, Literal

import requests

from .checks import bad_argument
from .comparison import check_comparable, differences, json_equal, matcher
from .decoding import decoded_json
from .formatting import (
    beside,
    body_of,
    describe_body,
    header_of,
    one_line,
    safe_repr,
    there_are,
    written,
)
from .guesses import guess, nearest
from .operators import OPERATORS, JSONPathEntry, in_words
from .wording import worded

#: A function that returns ``None`` if the answer matches, else the reason in a few
#: words.
Check = Callable[["Answer"], str | None]
#: The result of each check of an answer, of those that always have the same result
#: for the same body.
Results = Mapping[Check, str | None]
#: A function that returns a :data:`Check` for what a condition expects.
Validator = Callable[[Any], Check]

#: The values of the key ``status_code``.
StatusCode = int | str | Sequence[int | str] | Set[int | str]
#: The values of the key ``headers``.
ExpectedHeaders = Mapping[str, str | re.Pattern[str] | Literal[True]]
#: The values of the key ``text``.
Text = str | re.Pattern[str]
#: The values of the key ``jsonpath``.
JSONPath = JSONPathEntry | dict[Any, Any] | list[JSONPathEntry] | list[dict[str, Any]]
#: The values of the key ``callback``.
Callback = Callable[[requests.Response], Any]

_STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_RANGE = re.compile(r"-|\.\.|to")  # of statuses, between the first and the last
_MAX_DIFFERENCES = 5  # in a reason of json_contains
_NOTHING: Results = MappingProxyType({})
_NO_JSON = object()  # not None, because the JSON document null is decoded to None
#: What an expression has that is written as a str, and a text has rarely.
_LIKE_EXPRESSION = re.compile(r"\.[*+]|\\[dswbDSW]|^\^|\$$")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")  # of a JSONPath: a name or an index
_PLAIN = re.compile(rf"\$(?:{_STEP.pattern})+")  # such steps, at its beginning
_KINDS: Mapping[Any, str] = {dict: "an object", list: "a list"}


class Answer:
    """Wraps a response, and decodes its text and its JSON at most once.

    :ivar response: the :class:`requests.Response`.
    """

    def __init__(
        self, response: requests.Response, known: Results | None = None
    ) -> None:
        self.response = response
        self.known = known or {}  # the results for an answer with the same body
        self.results: dict[Check, str | None] = {}

    @cached_property
    def text(self) -> str | None:
        """The body as text; ``None`` if it cannot be decoded."""
        try:
            return self.response.text
        except (ValueError, Warning):  # the charset is "idna" or "unicode_escape"
            return None

    @cached_property
    def _document(self) -> Any:
        """The decoded body, or ``_NO_JSON``."""
        try:
            return decoded_json(self.response)
        except (ValueError, RecursionError, Warning):
            return _NO_JSON

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return self._document is not _NO_JSON

    @property
    def json(self) -> Any:
        """The decoded body. Only valid if :attr:`is_json` is true."""
        return self._document

    @cached_property
    def json_repr(self) -> str:
        """The repr of the decoded body, shortened."""
        return safe_repr(self._document)

    @property
    def not_json(self) -> str:
        """The reason for a check to return if the body is not JSON."""
        return f"body is not JSON ({describe_body(self.response)})"


def are_alike(response: requests.Response, before: requests.Response | None) -> bool:
    """Return whether two answers have the same status, text and JSON, byte for byte."""
    return (
        before is not None
        and type(response) is type(before) is requests.Response
        and "json" not in vars(response)  # a hook has set it
        and "json" not in vars(before)
        and response.status_code == before.status_code
        and body_of(response) == body_of(before)
        and response.encoding == before.encoding
        and header_of(response, "Content-Type") == header_of(before, "Content-Type")
    )


class TwoStepCheck:
    """A check that can be asked without a reason, which an alarm has no use for.

    :ivar is_met: a function that returns whether an answer matches.
    :ivar reason: a function that returns why it does not, in a few words.
    """

    def __init__(
        self, is_met: Callable[[Answer], bool], reason: Callable[[Answer], str]
    ) -> None:
        self.is_met = is_met
        self.reason = reason

    def __call__(self, answer: Answer) -> str | None:
        """Return ``None`` if the answer matches, else the reason."""
        return None if self.is_met(answer) else self.reason(answer)


def status_code(expected: Any) -> Check:
    """Return a check that the status is the expected one, or one of them.

    :param expected: an int, a numeric string, a class such as ``'2xx'``, or a list,
        tuple, set or range of these.
    """
    is_several = isinstance(expected, (list, tuple, set, frozenset, range))
    if is_several and not expected:
        instead = "give at least one status; an empty list expects nothing"
        raise bad_argument("status_code", expected, instead)
    allowed = set().union(*map(_statuses, expected if is_several else [expected]))
    description = str(expected)
    if is_several and not isinstance(expected, range):
        names = list(map(str, expected))
        if isinstance(expected, (set, frozenset)):
            names.sort()  # so that the description is the same in every process
        description = f"one of {', '.join(names)}"

    def check(answer: Answer) -> str | None:
        actual = answer.response.status_code
        if actual in allowed:
            return None
        return f"status_code is {actual}, not {description}"

    return check


def _statuses(expected: Any) -> set[int]:
    """Return the statuses of an int, a numeric string or a class such as ``'2xx'``."""
    instead = (
        f"give {worded('an int', 'a number')} from 100 to 999, or a class such as "
        f"{written('2xx')}"
    )
    if isinstance(expected, str):
        if expected.lower() in _STATUS_CLASSES:
            first = int(expected[0]) * 100
            return set(range(first, first + 100))
        if not (expected.isascii() and expected.isdigit() and len(expected) < 10):
            statuses = re.findall(r"\b[1-5](?:\d\d|xx)\b", expected)
            if len(statuses) > 1 and _RANGE.search(expected) is None:
                instead = f"give a list: {written(statuses)}"
            raise bad_argument("status_code", expected, instead)
        expected = int(expected)
    if isinstance(expected, bool) or not isinstance(expected, int):
        raise bad_argument("status_code", expected, instead)
    if not 100 <= expected <= 999:
        raise bad_argument("status_code", expected, instead)
    return {expected}


def headers(expected: Any) -> Check:
    """Return a check that every header has its expected value.

    :param expected: a dict of names and values. A value is a str that the header
        equals, a compiled regular expression that is found in it, or ``True`` for any
        value. Names are case-insensitive (RFC 9110 §5.1).
    """
    if not isinstance(expected, dict) or not expected:
        instead = f"give {worded('a dict', 'an object')} of names and values"
        raise bad_argument("headers", expected, instead)
    for name, value in expected.items():
        if not isinstance(name, str) or not name:
            kind = worded("a str", "a string")
            instead = f"give {kind} for every name; {written(name)} is not a name"
            raise bad_argument("headers", expected, instead)
        if value is not True and not _is_text(value):
            instead = worded(
                "give a str, a compiled expression for str, or True for 'present'",
                "give a string, or true for 'present'",
            )
            raise bad_argument(f"headers: {one_line(name, 80)}", value, instead)

    def check(answer: Answer) -> str | None:
        reasons = []
        for name, value in expected.items():
            actual = answer.response.headers.get(name)
            if actual is None:
                reasons.append(f"header {name} is missing")
            elif value is not True and not _is_found(value, actual):
                reasons.append(
                    f"header {name} is {safe_repr(actual)}, not {safe_repr(value)}"
                )
        return "; ".join(reasons) or None

    return check


def _is_text(value: Any) -> bool:
    """Return whether a value is a str or a compiled expression for str."""
    text = value.pattern if isinstance(value, re.Pattern) else value
    return isinstance(text, str)


def _is_found(expected: str | re.Pattern[str], actual: str) -> bool:
    """Return whether a text equals a str, or has an expression in it."""
    if isinstance(expected, re.Pattern):
        return expected.search(actual) is not None
    return actual == expected


def text(expected: Any) -> Check:
    """Return a check that the whole text equals a str, or has an expression in it."""
    if not _is_text(expected):
        instead = worded(
            "give the whole text as a str, or a compiled expression for str",
            "give the whole text as a string",
        )
        raise bad_argument("text", expected, instead)
    finds, matched_by = worded("a regular expression", "--text-matches"), ""
    if isinstance(expected, re.Pattern):
        matched_by = worded("", "matched by ")

    def is_met(answer: Answer) -> bool:
        return answer.text is not None and _is_found(expected, answer.text)

    def reason(answer: Answer) -> str:
        actual = answer.text
        if actual is None:
            return "text cannot be decoded: the answer's charset is wrong"
        shown = safe_repr(expected.pattern if matched_by else expected)
        reason = f"text is {safe_repr(actual)}, not {matched_by}{shown}"
        if isinstance(expected, str) and expected and expected in actual:
            reason += f" alone; {finds} would find it"
        elif isinstance(expected, str) and _LIKE_EXPRESSION.search(expected):
            reason += f", which is a text; {finds} would be searched for"
        return reason

    return TwoStepCheck(is_met, reason)


def json(expected: Any) -> Check:
    """Return a check that the whole decoded body equals a JSON value."""
    matches, value = matcher("json", expected), _value_of_text(expected)
    contains = worded("json_contains", "--until '{\"json_contains\": ...}'")

    def is_met(answer: Answer) -> bool:
        return answer.is_json and matches(answer.json)

    def reason(answer: Answer) -> str:
        if not answer.is_json:
            return answer.not_json
        actual = answer.json_repr
        if isinstance(expected, (int, float)):
            actual = beside(answer.json, expected)
        reason = f"json is {actual}, not {safe_repr(expected)}"
        if (
            isinstance(expected, dict)
            and expected
            and not any(differences(answer.json, expected))
        ):
            reason += f" alone; {contains} would allow the other keys"
        if value is not _NO_JSON and json_equal(answer.json, value):
            reason += ", which is its text: give the value itself"
        elif isinstance(value, dict) and isinstance(answer.json, dict):
            reason += ", which is the text of an object: give the object itself"
        return reason

    return TwoStepCheck(is_met, reason)


def _value_of_text(expected: Any) -> Any:
    """Return the value if a str is JSON, as if written for one; else ``_NO_JSON``."""
    with suppress(ValueError, RecursionError):
        return loads(expected) if isinstance(expected, str) else _NO_JSON
    return _NO_JSON


def json_contains(expected: Any) -> Check:
    """Return a check that the decoded body contains a JSON value.

    Objects are compared by the keys of the expected one, all other values as a whole.
    """
    check_comparable("json_contains", expected)

    def check(answer: Answer) -> str | None:
        if not answer.is_json:
            return answer.not_json
        reasons = islice(differences(answer.json, expected), _MAX_DIFFERENCES)
        return "; ".join(reasons) or None

    return check


def jsonpath(expected: Any) -> Check:
    """Return a check that every entry holds.

    An entry holds if its operators hold for the values that its expression finds.

    :param expected: a list of entries, one entry, or a dict of expressions and values.
    """
    given = _jsonpath_entries(expected)
    entries = [_jsonpath_entry(entry) for entry in given]
    _check_contradiction(given)

    def check(answer: Answer) -> str | None:
        if not answer.is_json:
            return answer.not_json
        reasons = [why for entry in entries if (why := entry(answer)) is not None]
        return "; ".join(reasons) or None

    return check


def _jsonpath_entries(expected: Any) -> list[Any]:
    """Return the entries of a list, of one entry or of a dict of paths and values."""
    if not isinstance(expected, (dict, list)):
        instead = worded(
            "give {'$.path': value}, {'expression': ..., 'value': ...} or a list",
            'give {"$.path": value}, {"expression": "$.path", "value": ...} or a list',
        )
        raise bad_argument("jsonpath", expected, instead)
    if not expected:
        instead = "give at least one path; an empty one expects nothing"
        raise bad_argument("jsonpath", expected, instead)
    if isinstance(expected, list):
        return expected
    if "expression" in expected or any(map(_means_expression, expected.items())):
        return [expected]
    if all(key in OPERATORS for key in expected):
        instead = f"write {written({'expression': '$.path', **expected})}"
        why = f"there is no {written('expression')}"
        raise bad_argument("jsonpath", expected, f"{why}; {instead}")
    for path, value in expected.items():
        if isinstance(value, dict) and value and all(key in OPERATORS for key in value):
            instead = f"write {written({'expression': path, **value})}"
            raise bad_argument("jsonpath", expected, instead)
        if isinstance(value, dict) and any(map(_is_sign, value)):
            _check_entry({"expression": path, **value})  # raises what was meant
    return [{"expression": path, "value": each} for path, each in expected.items()]


def _check_contradiction(entries: list[dict[str, Any]]) -> None:
    """Check that no path has to have two values, of which one is probably enough."""
    values: dict[str, Any] = {}
    for entry in entries:
        path, value = entry["expression"], entry.get("value", [])
        if isinstance(path, str) and isinstance(value, (str, int, float, type(None))):
            before = values.setdefault(path, value)
            if not json_equal(before, value):
                either = {"expression": path, "in": [before, value]}
                instead = f"no value is both; for one of them write {written(either)}"
                raise bad_argument("jsonpath", entries, instead)


def _is_sign(key: Any) -> bool:
    """Return whether a key is a sign such as ``>=``, and no name of a body."""
    return isinstance(key, str) and re.fullmatch("[<>=!~]+", key) is not None


def _means_expression(item: tuple[Any, Any]) -> bool:
    """Return whether a key means ``expression``, and its value is a path."""
    key, value = item
    is_path = isinstance(value, str) and value.startswith("$")
    return is_path and bool(guess(key, ("expression",)))


def _check_entry(entry: Any) -> None:
    """Check that an entry is a dict with an expression and known operators."""
    if not isinstance(entry, dict):
        instead = worded(
            "give a dict such as {'expression': ..., 'value': ...}",
            'give an object such as {"expression": "$.path", "value": ...}',
        )
        raise bad_argument("jsonpath entry", entry, instead)
    for key in entry:
        if key != "expression" and key not in OPERATORS:
            keys = ("expression", *OPERATORS)
            instead = f"unknown key {written(key)}: {nearest(key, keys)}"
            raise bad_argument("jsonpath entry", entry, instead)
    if "expression" not in entry:
        why = f"there is no {written('expression')}"
        instead = f"{why}; give one, such as {written('$.status')}"
        raise bad_argument("jsonpath entry", entry, instead)
    if len(entry) == 1:
        instead = f"there is no operator; give one of {', '.join(OPERATORS)}"
        raise bad_argument("jsonpath entry", entry, instead)
    if entry.get("exists") is False and len(entry) > 2:
        instead = "leave the other operators out; a missing value has no value"
        raise bad_argument("jsonpath entry", entry, instead)


def _jsonpath_entry(entry: Any) -> Check:
    """Return a check that the operators of an entry hold."""
    _check_entry(entry)
    find = finder(entry["expression"])
    must_be_missing = entry.get("exists") is False
    name = one_line(str(entry["expression"]))
    plain = _PLAIN.match(name)
    found_steps = _STEP.findall(plain[0]) if plain else []
    steps = [key or int(index) for key, index in found_steps]
    checks = [OPERATORS[key](each) for key, each in entry.items() if key in OPERATORS]
    expected = in_words(entry)
    missing = f"{name} is missing" + (expected and f", expected {expected}")

    def check(answer: Answer) -> str | None:
        try:
            found = find(answer.json)
        except Exception as exc:  # such as len() of a number
            return f"{name} cannot be evaluated ({type(exc).__name__})"
        if not found:
            if must_be_missing:
                return None
            return f"{missing}{_there(steps, answer.json)}"
        reasons = [why for check in checks if (why := check(found)) is not None]
        return f"{name} {' and '.join(reasons)}" if reasons else None

    return check


def _there(steps: list[Any], document: Any) -> str:
    """Return what there is in place of the first nested name or index that is missing.

    Empty if nothing of these is missing, or if there is nothing in its place.
    """
    place = "$"
    for step in steps:
        is_index = isinstance(step, int)
        if not isinstance(document, list if is_index else dict):
            return f" ({place} is {_KINDS.get(type(document)) or safe_repr(document)})"
        if is_index and step >= len(document):
            return f" (the length of {place} is {len(document)})"
        if not is_index and step not in document:
            return there_are(document, "" if place == "$" else place)
        document = document[step]
        place += f"[{step}]" if is_index else f".{step}"
    return ""


def finder(expression: Any) -> Callable[[Any], list[Any]]:
    """Return a function that returns the values that a JSONPath finds in a document.

    :param expression: a str, or a compiled expression of any JSONPath library.
    """
    # Imported only here, because jsonpath-ng takes 7 % of the time of the whole import.
    from .paths import compiled, searcher

    instead = worded("give a str or a compiled JSONPath", "give a JSONPath as a string")
    if isinstance(expression, str):
        try:
            return compiled(expression)
        except Exception as exc:  # the errors of the parser have no common base class
            instead = f"give a valid JSONPath ({one_line(str(exc))})"
    elif callable(getattr(expression, "find", None)):
        return searcher(expression)
    raise bad_argument("expression", expression, instead)


def callback(expected: Any) -> Check:
    """Return a check that a callable returns something true for the response."""
    if not callable(expected):
        instead = "give a callable that takes the response"
        raise bad_argument("callback", expected, instead)
    name = one_line(getattr(expected, "__qualname__", type(expected).__qualname__))

    def check(answer: Answer) -> str | None:
        result = expected(answer.response)
        return None if result else f"callback {name} returned {safe_repr(result)}"

    return check


#: The validators by the key that a condition has for them.
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
