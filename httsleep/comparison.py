"""JSON values: whether an actual one is what was expected, and where it is not.

Equality is Python's, but ``True`` is not ``1``; in an expected value a compiled regular
expression stands for every string in which it is found.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from .checks import bad_argument
from .formatting import safe_repr

#: Whether an actual value is what was expected.
Matches = Callable[[Any], bool]


def json_equal(actual: Any, expected: Any) -> bool:
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


def matcher(argument: str, expected: Any) -> Matches:
    """Whether a value is the expected one, which may have regular expressions in it."""
    patterns = [each for each in _leaves(argument, expected) if _is_pattern(each)]
    if not patterns:
        return lambda actual: json_equal(actual, expected)

    def matches(actual: Any) -> bool:
        try:
            return _matches(actual, expected)
        except RecursionError:
            return False

    return matches


def _leaves(argument: str, expected: Any) -> Iterator[Any]:
    """What ``expected`` is made of; refuses what no JSON can be equal to."""
    if isinstance(expected, dict):
        for key, each in expected.items():
            if not isinstance(key, str):
                right = (
                    f"no body can equal it, for the key {safe_repr(key)} is not a str"
                )
                raise bad_argument(argument, expected, right)
            yield from _leaves(argument, each)
    elif isinstance(expected, list):
        for each in expected:
            yield from _leaves(argument, each)
    elif isinstance(expected, (tuple, set, frozenset, range, bytes, bytearray)):
        right = f"no body can equal it, for a {type(expected).__name__} is not JSON"
        raise bad_argument(argument, expected, f"{right}: give a list or a str")
    elif isinstance(expected, float) and math.isnan(expected):
        raise bad_argument(argument, expected, "no body can equal it, nan least of all")
    elif isinstance(expected, re.Pattern) and isinstance(expected.pattern, bytes):
        raise bad_argument(
            argument, expected, "give an expression for str, not for bytes"
        )
    else:
        yield expected


def _is_pattern(value: Any) -> bool:
    return isinstance(value, re.Pattern)


def _matches(actual: Any, expected: Any) -> bool:
    """Whether ``actual`` equals ``expected``, string by regular expression."""
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
    """Where ``actual`` does not contain ``expected``: objects by key, recursively."""
    try:
        yield from _differences(actual, expected, "$")
    except RecursionError:
        yield "$ is too deep to be compared"


def _differences(actual: Any, expected: Any, path: str) -> Iterator[str]:
    if not isinstance(expected, dict):
        if not _matches(actual, expected):
            yield f"{path} is {safe_repr(actual)}, not {safe_repr(expected)}"
    elif not isinstance(actual, dict):
        yield f"{path} is {safe_repr(actual)}, not an object"
    else:
        for key, each in expected.items():
            if key in actual:
                yield from _differences(actual[key], each, f"{path}.{key}")
            else:
                yield f"{path}.{key} is missing"


def is_orderable(actual: Any, expected: Any) -> bool:
    """Whether there is an order between the two: both numbers, or both strings."""
    if isinstance(expected, str):
        return isinstance(actual, str)
    return _is_number(actual) and _is_number(expected)


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isnan(value)
    return isinstance(value, int) and not isinstance(value, bool)
