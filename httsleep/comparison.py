"""Whether two JSON values are equal, and where not.

Equality is Python's, but ``True`` is not ``1``. A compiled regular expression in an
expected value equals every string in which it is found.
"""

import math
import re
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from enum import Enum
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from .checks import bad_argument
from .formatting import a_kind, beside, safe_repr, there_are

_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)

#: A function that returns whether an actual value equals the expected one.
Matches = Callable[[Any], bool]


def json_equal(actual: Any, expected: Any) -> bool:
    """Return whether two JSON values are equal: ``==``, but ``True`` is not ``1``."""
    try:
        return bool(actual == expected) and _same_booleans(actual, expected)
    except RecursionError:
        return False


def _same_booleans(actual: Any, expected: Any) -> bool:
    """Return whether two equal values have their booleans in the same places."""
    if isinstance(expected, dict):
        return all(_same_booleans(actual[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return all(map(_same_booleans, actual, expected))
    if not isinstance(expected, (int, float)):
        return True  # for instance mock.ANY, which equals True as well
    return isinstance(actual, bool) is isinstance(expected, bool)


def matcher(argument: str, expected: Any) -> Matches:
    """Return a function that compares values with the expected one.

    :param argument: the name of what ``expected`` was given for.
    :raises ValueError: no JSON value can equal ``expected``.
    """
    check_comparable(argument, expected)
    if type(expected) is str:  # the usual case, often for many values
        return lambda actual: bool(actual == expected)
    if not _has_pattern(expected):
        return lambda actual: json_equal(actual, expected)

    def matches(actual: Any) -> bool:
        try:
            return _matches(actual, expected)
        except RecursionError:
            return False

    return matches


def check_comparable(argument: str, expected: Any) -> None:
    """Check that a JSON value can equal the expected one.

    :raises ValueError: no JSON value can.
    """
    if isinstance(expected, dict):
        for key, each in expected.items():
            if not isinstance(key, str):
                instead = f"give a str for every key; {safe_repr(key)} is not a str"
                raise bad_argument(argument, expected, instead)
            check_comparable(argument, each)
    elif isinstance(expected, list):
        for each in expected:
            check_comparable(argument, each)
    elif isinstance(expected, (tuple, set, frozenset, range, bytes, bytearray)):
        instead = f"give a list or a str; a {type(expected).__name__} is not JSON"
        raise bad_argument(argument, expected, instead)
    elif isinstance(expected, float) and math.isnan(expected):
        instead = "give another value; NaN is never equal to anything"
        raise bad_argument(argument, expected, instead)
    elif isinstance(expected, re.Pattern) and isinstance(expected.pattern, bytes):
        instead = "give an expression for str, not for bytes"
        raise bad_argument(argument, expected, instead)
    elif not isinstance(expected, (str, int, float, re.Pattern, type(None))):
        _check_object(argument, expected)


def _check_object(argument: str, expected: Any) -> None:
    """Check that an object that is not JSON can equal a JSON value.

    An object with an ``__eq__`` of its own, such as ``mock.ANY``, can.

    :raises ValueError: the object cannot.
    """
    from numbers import Number  # imported only for an unusual value
    from uuid import UUID

    kinds: tuple[tuple[Any, str], ...] = (
        ((UUID, PurePath), "give str(...)"),
        ((date, time), "give isoformat(), or the text that the server sends"),
        (timedelta, "give a number such as total_seconds()"),
        (Number, "give an int or a float"),
        (Enum, "give its value"),
        (_FUNCTIONS, "give its result, or use the key 'callback'"),
    )
    why = f"{a_kind(expected)} is not JSON"
    for kind, instead in kinds:
        if isinstance(expected, kind):
            raise bad_argument(argument, expected, f"{instead}; {why}")
    equality: Any = type(expected).__eq__
    if equality is object.__eq__:
        raise bad_argument(argument, expected, f"give a JSON value; {why}")


def _has_pattern(expected: Any) -> bool:
    """Return whether there is a compiled regular expression anywhere in a value."""
    if isinstance(expected, dict):
        return any(map(_has_pattern, expected.values()))
    if isinstance(expected, list):
        return any(map(_has_pattern, expected))
    return isinstance(expected, re.Pattern)


def _matches(actual: Any, expected: Any) -> bool:
    """Return whether a value equals the expected one, which may have expressions."""
    if isinstance(expected, re.Pattern):
        return isinstance(actual, str) and expected.search(actual) is not None
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and actual.keys() == expected.keys()
            and all(_matches(actual[key], each) for key, each in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(expected)
            and all(map(_matches, actual, expected))
        )
    return json_equal(actual, expected)


def differences(actual: Any, expected: Any) -> Iterator[str]:
    """Yield a reason for each place where ``actual`` does not contain ``expected``.

    Objects are compared by the keys of the expected one, all other values as a whole.
    """
    try:
        yield from _differences(actual, expected, "$")
    except RecursionError:
        yield "$ is too deep to be compared"


def _differences(actual: Any, expected: Any, path: str) -> Iterator[str]:
    """Yield the reasons for the values at a path."""
    if not isinstance(expected, dict):
        if not _matches(actual, expected):
            yield f"{path} is {beside(actual, expected)}, not {safe_repr(expected)}"
    elif not isinstance(actual, dict):
        yield f"{path} is {safe_repr(actual)}, not an object"
    else:
        is_said = False  # what there is, once for each object
        for key, each in expected.items():
            if key in actual:
                yield from _differences(actual[key], each, f"{path}.{key}")
            else:
                there = "" if is_said else there_are(actual)
                yield f"{path}.{key} is missing{there}"
                is_said = True


def is_orderable(actual: Any, expected: Any) -> bool:
    """Return whether both values are numbers, or both are strings."""
    if isinstance(expected, str):
        return isinstance(actual, str)
    return _is_number(actual) and _is_number(expected)


def _is_number(value: Any) -> bool:
    """Return whether a value is a number, and neither a bool nor NaN."""
    if isinstance(value, float):
        return not math.isnan(value)
    return isinstance(value, int) and not isinstance(value, bool)
