"""The operators of a ``jsonpath`` entry.

Each function below checks what a condition expects, at construction, and returns a
:data:`ValueCheck`. In this module the *matches* are the values that the expression of
the entry has found in an answer.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Protocol, Required, TypedDict

from .checks import bad_argument
from .comparison import Matches, is_orderable, matcher
from .formatting import beside, safe_repr, with_kind
from .wording import worded

_MAX_BESIDE = 8  # of the values of "in", which a reason compares with one by kind

#: What ``in`` and ``not_in`` take.
_Several = list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any] | range


class CompiledExpression(Protocol):
    """A compiled expression of any JSONPath library."""

    def find(self, document: Any, /) -> Any:
        """Return what the expression finds."""


# Not as a class, because "in" is a keyword.
_In = TypedDict("_In", {"in": _Several}, total=False)


class JSONPathEntry(_In, total=False):
    """The type of an entry of ``jsonpath``, for annotations: a plain dict.

    The operator ``in``, of which the name is a keyword of Python, takes a list of
    values, of which each match is one.
    """

    expression: Required[str | CompiledExpression]
    """The JSONPath: a str, or a compiled expression of any JSONPath library."""

    value: Any
    """The value of the match; of several matches a list."""

    not_in: _Several
    """A list of values, of which no match is one."""

    gt: float | str
    """A number or a str; every match is above it."""

    ge: float | str
    """A number or a str; every match is at least that."""

    lt: float | str
    """A number or a str; every match is below it."""

    le: float | str
    """A number or a str; every match is at most that."""

    any: Any
    """A value, or a list of values; at least one match is among them."""

    all: Any
    """A value, or a list of values; all matches are among them."""

    exists: bool
    """``True`` if there is a match, ``False`` if there is none."""


#: A function of the matches, of which there is at least one. It returns ``None`` if the
#: operator holds, else in a few words what the matches are instead.
ValueCheck = Callable[[list[Any]], str | None]


#: The operators in words, before the expected value.
_IN_WORDS = {
    "in": "one of",
    "not_in": "none of",
    "gt": "above",
    "ge": "at least",
    "lt": "below",
    "le": "at most",
    "any": "any of",
    "all": "only",
}


def in_words(entry: Mapping[str, Any]) -> str:
    """Return what the operators of an entry expect; empty if that is a value."""
    words = [
        f"{_IN_WORDS[key]} {safe_repr(expected)}"
        for key, expected in entry.items()
        if key in _IN_WORDS
    ]
    return " and ".join(words)


def _value(expected: Any) -> ValueCheck:
    """Return a check that the matches equal a value.

    A single match is compared itself, and as a list of one. Several matches are
    compared as a list.
    """
    matches = matcher("value", expected)
    is_list = isinstance(expected, list) and bool(expected)
    is_element = _one_of("value", expected)[0] if is_list else None

    def check(found: list[Any]) -> str | None:
        actual = found[0] if len(found) == 1 else found
        if matches(actual) or (len(found) == 1 and matches(found)):
            return None
        reason = f"is {beside(actual, expected)}, not {safe_repr(expected)}"
        if _is_quoted(actual, expected):
            reason += ", of which the quotes are a part"
        if is_element is not None and len(found) == 1 and is_element(actual):
            reason += " as a whole; 'in' would allow each of them"
        return reason

    return check


def _is_quoted(actual: Any, expected: Any) -> bool:
    """Return whether the expected value is the actual one in quotes, as in a shell."""
    if not (isinstance(actual, str) and isinstance(expected, str)):
        return False
    return expected[:1] in ("'", '"') and expected == expected[0] + actual + expected[0]


def _one_of(name: str, expected: Any) -> tuple[Matches, str]:
    """Return a matcher for any one of the expected values, and their description."""
    if not isinstance(expected, (list, tuple, set, frozenset, range)):
        raise bad_argument(name, expected, "give a list of values")
    if not expected:
        raise bad_argument(name, expected, "give a list with at least one value")
    values = list(map(safe_repr, expected))
    if isinstance(expected, (set, frozenset)):
        values.sort()  # so that the description is the same in every process
    matchers = [matcher(name, each) for each in expected]
    if len(matchers) == 1:
        return matchers[0], values[0]
    return (
        lambda actual: any(matches(actual) for matches in matchers),
        f"one of {', '.join(values)}",
    )


def _one_or_one_of(name: str, expected: Any) -> tuple[Matches, str]:
    """Return matcher and description for a list of values, or for one value."""
    return _one_of(name, expected if isinstance(expected, list) else [expected])


def _beside_one_of(actual: Any, values: Iterable[Any]) -> str:
    """Return the repr of a value, and its kind if one of the values differs in it."""
    few = islice(values, _MAX_BESIDE)
    return max((beside(actual, each) for each in few), key=len)


def _in(expected: Any) -> ValueCheck:
    """Return a check that every match is one of the values."""
    is_allowed, description = _one_of("in", expected)

    def check(found: list[Any]) -> str | None:
        for actual in found:
            if not is_allowed(actual):
                return f"is {_beside_one_of(actual, expected)}, not {description}"
        return None

    return check


def _not_in(expected: Any) -> ValueCheck:
    """Return a check that no match is one of the values."""
    is_excluded, _ = _one_of("not_in", expected)

    def check(found: list[Any]) -> str | None:
        for actual in found:
            if is_excluded(actual):
                return f"is {safe_repr(actual)}, which not_in excludes"
        return None

    return check


def _ordered(
    name: str, compare: Callable[[Any, Any], bool]
) -> Callable[[Any], ValueCheck]:
    """Return the operator that compares every match with a number or a string."""

    def ordered(expected: Any) -> ValueCheck:
        if not is_orderable(expected, expected):
            instead = f"give a number or {worded('a str', 'a string')} to compare with"
            raise bad_argument(name, expected, instead)

        def check(found: list[Any]) -> str | None:
            for actual in found:
                if not (is_orderable(actual, expected) and compare(actual, expected)):
                    bound = f"{_IN_WORDS[name]} {safe_repr(expected)}"
                    return f"is {with_kind(actual, expected)}, not {bound}"
            return None

        return check

    return ordered


def _elements(found: list[Any]) -> list[Any]:
    """Return the matches; if the only match is a list, return its elements."""
    if len(found) == 1 and isinstance(found[0], list):
        return found[0]
    return found


def _any(expected: Any) -> ValueCheck:
    """Return a check that at least one element is the value, or one of them."""
    is_allowed, description = _one_or_one_of("any", expected)

    def check(found: list[Any]) -> str | None:
        elements = _elements(found)
        if any(map(is_allowed, elements)):
            return None
        return f"is {safe_repr(elements)}, without {description}"

    return check


def _all(expected: Any) -> ValueCheck:
    """Return a check that there are elements, all of them among the values."""
    is_allowed, description = _one_or_one_of("all", expected)
    values = expected if isinstance(expected, list) else [expected]

    def check(found: list[Any]) -> str | None:
        elements = _elements(found)
        for each in elements:
            if not is_allowed(each):
                return f"has {_beside_one_of(each, values)}, not only {description}"
        return None if elements else "is empty"

    return check


def _exists(expected: Any) -> ValueCheck:
    """Return a check that there is a match (``True``), or that there is none."""
    if not isinstance(expected, bool):
        instead = worded("give True or False", "give true or false")
        raise bad_argument("exists", expected, instead)

    def check(found: list[Any]) -> str | None:
        return None if expected else f"exists: {safe_repr(found[0])}"

    return check


#: The operators by the key that an entry has for them, beside ``expression``.
OPERATORS: Mapping[str, Callable[[Any], ValueCheck]] = {
    "value": _value,
    "in": _in,
    "not_in": _not_in,
    "gt": _ordered("gt", operator.gt),
    "ge": _ordered("ge", operator.ge),
    "lt": _ordered("lt", operator.lt),
    "le": _ordered("le", operator.le),
    "any": _any,
    "all": _all,
    "exists": _exists,
}
