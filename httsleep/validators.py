"""One validator for each key of a condition: does an answer match, and if not, why not.

A validator is made once, at construction, from what the condition expects, and refuses
what makes no sense with a :class:`ValueError`. What it returns is called with each
:class:`Answer`: it says ``None`` for a match, else in few words what it found instead.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import requests
from jsonpath_ng.ext.parser import parse

from .words import nearest, one_line, refusal, shown, shown_body

#: Says nothing (``None``) if the answer matches, else in a few words how it does not.
Check = Callable[["Answer"], str | None]
#: Makes a :data:`Check` from what a condition expects.
Validator = Callable[[Any], Check]

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
        except ValueError:  # a charset such as "idna", which no body can be in
            return None

    @cached_property
    def _document(self) -> Any:
        try:
            return self.response.json()
        except (ValueError, RecursionError):
            return _NO_JSON

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return self._document is not _NO_JSON

    @property
    def json(self) -> Any:
        """The decoded body; look at :attr:`is_json` before."""
        return self._document

    @property
    def not_json(self) -> str:
        """The reason to give when a body should have been JSON."""
        return f"body is not JSON ({shown_body(self.response)})"


def same(actual: Any, expected: Any) -> bool:
    """Whether two JSON values are equal: ``==``, but ``True`` is not ``1``."""
    try:
        return bool(actual == expected) and _same_kinds(actual, expected)
    except RecursionError:
        return False


def _same_kinds(actual: Any, expected: Any) -> bool:
    """Whether two equal values have their booleans in the same places."""
    if isinstance(expected, dict):
        return all(_same_kinds(actual[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return all(map(_same_kinds, actual, expected))
    return isinstance(actual, bool) is isinstance(expected, bool)


def status_code(expected: Any) -> Check:
    """The status is the expected one: an int, or a numeric string."""
    if isinstance(expected, str) and expected.isascii() and expected.isdigit():
        expected = int(expected[:4])
    if isinstance(expected, bool) or not isinstance(expected, int):
        raise refusal("status_code", expected, "give an int such as 200")
    if not 100 <= expected <= 999:
        raise refusal("status_code", expected, "a status is an int from 100 to 999")

    def check(answer: Answer) -> str | None:
        actual = answer.response.status_code
        if actual == expected:
            return None
        return f"status_code is {actual}, not {expected}"

    return check


def json(expected: Any) -> Check:
    """The whole decoded body equals the expected JSON value."""

    def check(answer: Answer) -> str | None:
        if not answer.is_json:
            return answer.not_json
        if same(answer.json, expected):
            return None
        return f"json is {shown(answer.json)}, not {shown(expected)}"

    return check


def text(expected: Any) -> Check:
    """The whole decoded text equals the expected string."""
    if not isinstance(expected, str):
        raise refusal("text", expected, "give the whole text as a str")

    def check(answer: Answer) -> str | None:
        if answer.text == expected:
            return None
        if answer.text is None:
            return "text cannot be decoded: the answer's charset is wrong"
        return f"text is {shown(answer.text)}, not {shown(expected)}"

    return check


def jsonpath(expected: Any) -> Check:
    """Every expression finds something, and what it finds equals the value."""
    if not isinstance(expected, list):
        right = "give a list of {'expression': ..., 'value': ...}"
        raise refusal("jsonpath", expected, right)
    if not expected:
        raise refusal("jsonpath", expected, "an empty list expects nothing")
    entries = [_jsonpath_entry(entry) for entry in expected]

    def check(answer: Answer) -> str | None:
        if not answer.is_json:
            return answer.not_json
        misses = [miss for entry in entries if (miss := entry(answer)) is not None]
        return "; ".join(misses) or None

    return check


def _jsonpath_entry(entry: Any) -> Check:
    """One expression finds something, and what it finds equals the value."""
    if not isinstance(entry, dict):
        right = "an entry is {'expression': ..., 'value': ...}"
        raise refusal("jsonpath entry", entry, right)
    for key in entry:
        if key not in ("expression", "value"):
            right = f"unknown key {shown(key)}: {nearest(key, ('expression', 'value'))}"
            raise refusal("jsonpath entry", entry, right)
    for key in ("expression", "value"):
        if key not in entry:
            raise refusal("jsonpath entry", entry, f"there is no {key!r} in it")
    find, expected = _compiled(entry["expression"]).find, entry["value"]
    name = one_line(str(entry["expression"]))

    def check(answer: Answer) -> str | None:
        try:
            found = [match.value for match in find(answer.json)]
        except Exception as exc:  # some expressions raise on some documents
            return f"{name} cannot be evaluated ({type(exc).__name__})"
        if not found:
            return f"{name} is missing"
        actual = found[0] if len(found) == 1 else found
        if same(actual, expected) or (len(found) == 1 and same(found, expected)):
            return None
        return f"{name} is {shown(actual)}, not {shown(expected)}"

    return check


def _compiled(expression: Any) -> Any:
    """``expression`` with a ``find`` method, from whichever JSONPath library."""
    if isinstance(expression, str):
        try:
            return parse(expression)
        except Exception as exc:  # the parser's errors have no common base
            right = f"not a JSONPath ({one_line(str(exc))})"
            raise refusal("expression", expression, right) from None
    if not callable(getattr(expression, "find", None)):
        raise refusal("expression", expression, "give a str or a compiled JSONPath")
    return expression


def callback(expected: Any) -> Check:
    """The callable returns something true for the :class:`requests.Response`."""
    if not callable(expected):
        raise refusal("callback", expected, "give a callable that takes the response")
    name = one_line(getattr(expected, "__qualname__", type(expected).__qualname__))

    def check(answer: Answer) -> str | None:
        result = expected(answer.response)
        return None if result else f"callback {name} returned {shown(result)}"

    return check


#: The base validators by the key that a condition has for them.
VALIDATORS: Mapping[str, Validator] = MappingProxyType(
    {
        "status_code": status_code,
        "json": json,
        "jsonpath": jsonpath,
        "text": text,
        "callback": callback,
    }
)
