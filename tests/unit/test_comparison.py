"""JSON values: whether an actual one is what was expected."""

import inspect
import json
import math
import re
import sys
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from httsleep.comparison import differences, is_orderable, json_equal, matcher

scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.text("ab")
values = st.recursive(
    scalars,
    lambda some: (
        st.lists(some, max_size=3) | st.dictionaries(st.text("ab"), some, max_size=3)
    ),
    max_leaves=8,
)
expected_values = values.filter(lambda value: "nan" not in repr(value))


def plain_same(actual, expected):
    """Equality of JSON, said in the plainest Python."""
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if isinstance(actual, dict) and isinstance(expected, dict):
        return set(actual) == set(expected) and all(
            plain_same(actual[key], expected[key]) for key in actual
        )
    if isinstance(actual, list) and isinstance(expected, list):
        return len(actual) == len(expected) and all(
            plain_same(*pair) for pair in zip(actual, expected, strict=True)
        )
    return actual == expected


def plain_contains(actual, expected):
    """Containment of JSON, said in the plainest Python."""
    if not isinstance(expected, dict):
        return plain_same(actual, expected)
    return isinstance(actual, dict) and all(
        key in actual and plain_contains(actual[key], expected[key]) for key in expected
    )


@given(values, expected_values)
def test_values_are_the_same_if_plain_python_says_so(actual, expected):
    """``json_equal`` and a matcher treat ``True`` and ``1`` as different."""
    assert json_equal(actual, expected) == plain_same(actual, expected)
    assert matcher("json", expected)(actual) == plain_same(actual, expected)


@given(expected_values)
def test_a_value_is_the_same_as_itself(value):
    """Every JSON value but nan equals itself."""
    assert json_equal(value, value)
    assert matcher("json", value)(value)


@given(values, expected_values)
def test_a_value_lacks_nothing_if_plain_python_finds_all_in_it(actual, expected):
    """``json_contains`` looks at objects by key, and at all else as a whole."""
    assert (not list(differences(actual, expected))) == plain_contains(actual, expected)


class Bare(Enum):
    OK = "done"


class Text(str, Enum):  # noqa: UP042  as it was written before StrEnum
    OK = "done"


class StrText(StrEnum):
    OK = "done"


class Code(IntEnum):
    OK = 5


class Anything:
    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (False, 0),
        (True, 1.0),
        ([True], [1]),
        ([[0]], [[False]]),
        ({"a": {"b": [1]}}, {"a": {"b": [True]}}),
        ([{"a": 1}, 2], [{"a": True}, 2]),
        (None, False),
        ("", None),
        ([], {}),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1, "b": 2}),
    ],
)
def test_different_values_are_not_the_same(one, other):
    """A boolean equals no number at any depth, and a false value only itself."""
    assert not json_equal(one, other)
    assert not json_equal(other, one)


@pytest.mark.parametrize(
    "value", [None, True, 0, 1.5, "a", [], {}, [1, [True]], {"a": [None, {"b": False}]}]
)
def test_equal_values_are_the_same(value):
    """A value equals its copy from decoded JSON."""
    assert json_equal(json.loads(json.dumps(value)), value)


def test_an_int_is_the_same_as_an_equal_float():
    """An int equals the same number as a float."""
    assert json_equal([1], [1.0])


def nested(leaf, depth=200):
    for _ in range(depth):
        leaf = {"a": leaf}
    return leaf


@pytest.mark.parametrize("leaf", [1, re.compile("1")], ids=["value", "pattern"])
def test_a_comparison_that_goes_too_deep(leaf):
    """A comparison for which the stack is too small is not met, and no exception."""
    expected, actual = nested(leaf), nested(2)
    matches = matcher("json", expected)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 150)
    try:
        found = matches(actual), list(differences(actual, expected))
    finally:
        sys.setrecursionlimit(limit)
    assert found == (False, ["$ is too deep to be compared"])


@pytest.mark.parametrize(
    ("actual", "expected", "matches"),
    [
        ("job 7 done", re.compile("done$"), True),
        ("job 7 done.", re.compile("done$"), False),
        (7, re.compile("7"), False),
        (None, re.compile(""), False),
        ({"a": ["x1", 2]}, {"a": [re.compile("x"), 2]}, True),
        ({"a": ["x1", 2.0]}, {"a": [re.compile("x"), True]}, False),
        ({"a": ["x1"]}, {"a": [re.compile("x"), 2]}, False),
        ({"a": "x1", "b": 1}, {"a": re.compile("x")}, False),
        (["x1"], {"a": re.compile("x")}, False),
        ({"a": "x1"}, [re.compile("x")], False),
    ],
)
def test_an_expression_stands_for_the_strings_it_is_found_in(actual, expected, matches):
    """A compiled regular expression may stand anywhere in an expected value."""
    assert matcher("json", expected)(actual) is matches


@pytest.mark.parametrize(
    ("actual", "expected", "told"),
    [
        ({"a": 1}, {"a": 2}, ["$.a is 1, not 2"]),
        (
            {"a": {}},
            {"a": {"b": 1}, "c": None, "d": 1},
            [
                "$.a.b is missing",
                "$.c is missing (there is 'a')",
                "$.d is missing",
            ],
        ),
        ({"a": 25}, {"a": "25"}, ["$.a is 25 (a number), not '25'"]),
        ([1], {"a": 1}, ["$ is [1], not an object"]),
        ({"a": [1, 2]}, {"a": [1]}, ["$.a is [1, 2], not [1]"]),
        ({"a": "b"}, {"a": re.compile("^c")}, ["$.a is 'b', not re.compile('^c')"]),
        ({"a": None}, {"a": None}, []),
    ],
)
def test_what_is_lacking_is_told_with_its_place(actual, expected, told):
    """Each difference names its path, what is there and what was expected."""
    assert list(differences(actual, expected)) == told


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        ((1, 2), "a tuple is not JSON"),
        ({"a": {1, 2}}, "a set is not JSON"),
        ([frozenset()], "a frozenset is not JSON"),
        (range(3), "a range is not JSON"),
        (b"OK", "a bytes is not JSON"),
        (bytearray(b"OK"), "a bytearray is not JSON"),
        ({1: 2}, "1 is not a str"),
        ({"a": {None: 2}}, "None is not a str"),
        (math.nan, "NaN is never equal to anything"),
        (uuid.UUID(int=1), "give str(...); a UUID is not JSON"),
        ({"at": date(2026, 1, 2)}, "give isoformat(), or the text"),
        ([datetime(2026, 1, 2, tzinfo=UTC)], "give isoformat(), or the text"),
        (time(1, 2), "give isoformat(), or the text"),
        (timedelta(1), "give a number such as total_seconds()"),
        (Decimal(1), "give an int or a float; a Decimal is not JSON"),
        (Fraction(1, 2), "give an int or a float"),
        (1j, "give an int or a float"),
        (Path("x"), "give str(...)"),
        (Bare.OK, "give its value; a Bare is not JSON"),
        (len, "give its result, or use the key 'callback'"),
        (lambda: 1, "give its result"),
        ("".upper, "give its result"),
        (int, "give a JSON value; a type is not JSON"),
        (object(), "give a JSON value; an object is not JSON"),
        (partial(len), "give a JSON value"),
        (mock.Mock(), "give a JSON value"),
        (re.compile(b"OK"), "not for bytes"),
    ],
)
def test_what_no_body_can_equal_is_refused(expected, why):
    """A value that JSON cannot have is refused, because no body would equal it."""
    with pytest.raises(ValueError, match=r"^json is ") as caught:
        matcher("json", expected)
    assert why in str(caught.value)


numbers = st.integers() | st.floats()


@example("a", "b")
@example(1, 1.5)
@example("a", 1)
@given(st.none() | st.booleans() | numbers | st.text() | st.lists(numbers), values)
def test_only_numbers_and_only_strings_have_an_order(actual, expected):
    """Numbers compare with numbers, strings with strings, booleans with nothing."""

    def kind(value):
        if isinstance(value, bool) or value != value:
            return None
        return "number" if isinstance(value, (int, float)) else type(value)

    comparing = {kind(actual), kind(expected)}
    assert is_orderable(actual, expected) == (comparing in ({"number"}, {str}))


@pytest.mark.parametrize(
    "expected",
    [Text.OK, Code.OK, mock.ANY, Anything()],
    ids=["str", "int", "ANY", "own"],
)
def test_an_object_that_compares_itself_with_json_is_kept(expected):
    """Members of an Enum of str or int, and objects with an ``__eq__``, can match."""
    assert matcher("json", {"a": [expected]})({"a": [getattr(expected, "value", 5)]})


@pytest.mark.parametrize("actual", [True, False, None, 0, "x", [1]], ids=repr)
def test_any_equals_every_value(actual):
    """``mock.ANY`` equals booleans as it equals all other values."""
    assert matcher("json", mock.ANY)(actual)
    assert matcher("json", {"a": [mock.ANY]})({"a": [actual]})


@pytest.mark.parametrize("expected", [Text.OK, StrText.OK], ids=["mixin", "StrEnum"])
def test_a_member_of_an_enum_is_shown_as_its_value(expected):
    """A reason shows the text that the server would have to send."""
    assert list(differences({"a": "x"}, {"a": expected})) == ["$.a is 'x', not 'done'"]
    assert list(differences(["x"], [expected])) == ["$ is ['x'], not ['done']"]
