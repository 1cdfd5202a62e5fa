"""The operators of a ``jsonpath`` entry: what its matches have to be.

An operator is made at construction from what it expects. It is then called with the
values that the expression found, of which there is at least one, and says ``None``, or
in a few words what they are instead.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from .checks import bad_argument
from .comparison import Matches, is_orderable, matcher
from .formatting import safe_repr

#: Says nothing (``None``) if the values found are right, else what they are instead.
ValueCheck = Callable[[list[Any]], str | None]


def _value(expected: Any) -> ValueCheck:
    """A single match is equal, itself or as a list of one; several are, as a list."""
    matches = matcher("value", expected)

    def test(found: list[Any]) -> str | None:
        actual = found[0] if len(found) == 1 else found
        if matches(actual) or (len(found) == 1 and matches(found)):
            return None
        return f"is {safe_repr(actual)}, not {safe_repr(expected)}"

    return test


def _several(name: str, expected: Any) -> tuple[list[Matches], str]:
    """The values as matchers, and in words."""
    if not isinstance(expected, (list, tuple, set, frozenset, range)):
        raise bad_argument(name, expected, "give a list of values")
    if not expected:
        raise bad_argument(name, expected, "an empty list says nothing")
    told = list(map(safe_repr, expected))
    if isinstance(expected, (set, frozenset)):
        told.sort()
    words = ", ".join(told)
    words = f"one of {words}" if len(told) > 1 else words
    return [matcher(name, each) for each in expected], words


def _one_or_several(name: str, expected: Any) -> tuple[list[Matches], str]:
    """The same for one value, or a list of them."""
    return _several(name, expected if isinstance(expected, list) else [expected])


def _in(expected: Any) -> ValueCheck:
    """Every match is one of the values."""
    allowed, told = _several("in", expected)

    def test(found: list[Any]) -> str | None:
        for actual in found:
            if not any(matches(actual) for matches in allowed):
                return f"is {safe_repr(actual)}, not {told}"
        return None

    return test


def _not_in(expected: Any) -> ValueCheck:
    """No match is one of the values."""
    excluded, _ = _several("not_in", expected)

    def test(found: list[Any]) -> str | None:
        for actual in found:
            if any(matches(actual) for matches in excluded):
                return f"is {safe_repr(actual)}, which not_in excludes"
        return None

    return test


def _ordered(name: str, words: str, compare: Callable[[Any, Any], bool]) -> Any:
    """Every match is in this order to the expected number or string."""

    def make(expected: Any) -> ValueCheck:
        right = "give a number or a str to compare with"
        if not is_orderable(expected, expected):
            raise bad_argument(name, expected, right)

        def test(found: list[Any]) -> str | None:
            for actual in found:
                if not (is_orderable(actual, expected) and compare(actual, expected)):
                    return f"is {safe_repr(actual)}, not {words} {safe_repr(expected)}"
            return None

        return test

    return make


def _elements(found: list[Any]) -> list[Any]:
    """The matches; or, if the only one is a list, its elements."""
    if len(found) == 1 and isinstance(found[0], list):
        return found[0]
    return found


def _any(expected: Any) -> ValueCheck:
    """At least one element is the value, or one of the values."""
    allowed, told = _one_or_several("any", expected)

    def test(found: list[Any]) -> str | None:
        elements = _elements(found)
        if any(matches(each) for each in elements for matches in allowed):
            return None
        return f"is {safe_repr(elements)}, without {told}"

    return test


def _all(expected: Any) -> ValueCheck:
    """There are elements, and every one is the value, or one of the values."""
    allowed, told = _one_or_several("all", expected)

    def test(found: list[Any]) -> str | None:
        elements = _elements(found)
        for each in elements:
            if not any(matches(each) for matches in allowed):
                return f"has {safe_repr(each)}, not only {told}"
        return None if elements else "is empty"

    return test


def _exists(expected: Any) -> ValueCheck:
    """Something is found (``True``), or nothing is (``False``)."""
    if not isinstance(expected, bool):
        raise bad_argument("exists", expected, "give True or False")

    def test(found: list[Any]) -> str | None:
        return None if expected else f"exists: {safe_repr(found[0])}"

    return test


#: What can stand beside ``expression``.
OPERATORS: Mapping[str, Callable[[Any], ValueCheck]] = {
    "value": _value,
    "in": _in,
    "not_in": _not_in,
    "gt": _ordered("gt", "above", operator.gt),
    "ge": _ordered("ge", "at least", operator.ge),
    "lt": _ordered("lt", "below", operator.lt),
    "le": _ordered("le", "at most", operator.le),
    "any": _any,
    "all": _all,
    "exists": _exists,
}
