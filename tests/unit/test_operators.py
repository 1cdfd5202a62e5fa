"""The operators of a jsonpath entry, against what they mean in plain Python."""

import math
import operator
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from httsleep.operators import OPERATORS, JSONPathEntry

from .test_comparison import expected_values, plain_same, values

found_values = st.lists(values, min_size=1, max_size=4)
several = st.lists(expected_values, min_size=1, max_size=3)


def is_in(value, allowed):
    return any(plain_same(value, each) for each in allowed)


def elements(found):
    return found[0] if len(found) == 1 and isinstance(found[0], list) else found


def test_the_type_of_an_entry_has_its_keys():
    """The keys that editors complete are those that an entry can have."""
    keys = JSONPathEntry.__required_keys__ | JSONPathEntry.__optional_keys__
    assert keys == OPERATORS.keys() | {"expression"}
    assert JSONPathEntry.__required_keys__ == {"expression"}


def holds(name, expected, found):
    """Return whether the operator gives no reason for the values found."""
    return OPERATORS[name](expected)(found) is None


@given(found_values, expected_values)
def test_value(found, expected):
    """``value`` compares one match, itself or as a list of one, several as a list."""
    plain = plain_same(found, expected)
    if len(found) == 1:
        plain = plain or plain_same(found[0], expected)
    assert holds("value", expected, found) == plain


@given(found_values, several)
def test_in(found, allowed):
    """``in`` is met if every match is one of the values."""
    assert holds("in", allowed, found) == all(is_in(each, allowed) for each in found)


@given(found_values, several)
def test_not_in(found, excluded):
    """``not_in`` is met if no match is one of the values."""
    plain = not any(is_in(each, excluded) for each in found)
    assert holds("not_in", excluded, found) == plain


@given(found_values, several)
def test_any(found, allowed):
    """``any`` is met if at least one element is one of the values."""
    plain = any(is_in(each, allowed) for each in elements(found))
    assert holds("any", allowed, found) == plain


@given(found_values, several)
def test_all(found, allowed):
    """``all`` is met if there are elements, and each is one of the values."""
    plain = elements(found) != [] and all(
        is_in(each, allowed) for each in elements(found)
    )
    assert holds("all", allowed, found) == plain


@given(found_values, expected_values)
def test_any_and_all_take_one_value(found, expected):
    """``any`` and ``all`` take one value for a list of it."""
    assume(not isinstance(expected, list))
    for name in ("any", "all"):
        assert holds(name, expected, found) == holds(name, [expected], found)


@pytest.mark.parametrize("name", ["gt", "ge", "lt", "le"])
@given(
    found=st.lists(st.integers(-2, 2) | st.floats() | st.text("ab") | st.booleans()),
    expected=st.integers(-2, 2) | st.text("ab"),
)
def test_order(name, found, expected):
    """An order is met if every match is of the value's kind and in that order."""
    assume(found)

    def plain(actual):
        if isinstance(actual, bool) or isinstance(actual, str) != isinstance(
            expected, str
        ):
            return False
        return getattr(operator, name)(actual, expected)

    assert holds(name, expected, found) == all(map(plain, found))


@pytest.mark.parametrize("expected", [True, False])
def test_exists(expected):
    """A match exists, even if it is null."""
    assert holds("exists", expected, [None]) is expected


def test_allowed_values_may_be_regular_expressions():
    """A compiled expression stands for the strings that it is found in."""
    pattern = re.compile("^DONE")
    assert holds("value", pattern, ["DONE (2 rows)"])
    assert holds("in", [pattern, None], ["DONE (2 rows)", None])
    assert holds("any", pattern, [["RUNNING", "DONE"]])
    assert not holds("not_in", [pattern], ["DONE"])


@pytest.mark.parametrize(
    ("name", "expected", "found", "told"),
    [
        ("value", 1, [True], "is True, not 1"),
        ("value", ["a"], ["a", "b"], "is ['a', 'b'], not ['a']"),
        ("value", ["a", "b"], ["c"], "is 'c', not ['a', 'b']"),
        (
            *("value", "'a'", ["a"]),
            """is 'a', not "'a'", of which the quotes are a part""",
        ),
        ("value", "'b'", ["a"], """is 'a', not "'b'\""""),
        ("value", "", ["a"], "is 'a', not ''"),
        (
            *("value", ["a", "b"], ["b"]),
            "is 'b', not ['a', 'b'] as a whole; 'in' would allow each of them",
        ),
        ("in", ["b", "a"], ["c"], "is 'c', not one of 'b', 'a'"),
        ("in", ["a"], ["c"], "is 'c', not 'a'"),
        ("in", {"b", "a"}, ["c"], "is 'c', not one of 'a', 'b'"),
        ("in", frozenset("edab"), ["c"], "is 'c', not one of 'a', 'b', 'd', 'e'"),
        ("in", range(2), [2], "is 2, not one of 0, 1"),
        ("not_in", ("a", "b"), ["c", "b"], "is 'b', which not_in excludes"),
        ("gt", 1, [1], "is 1, not above 1"),
        ("ge", 100, ["100"], "is '100' (a string), not at least 100"),
        ("gt", "2026-01-01", [5], "is 5 (a number), not above '2026-01-01'"),
        ("lt", 1, [True], "is True (a boolean), not below 1"),
        ("lt", 1, [None], "is None, not below 1"),
        ("lt", 1, [math.nan], "is nan, not below 1"),
        ("le", "b", ["c"], "is 'c', not at most 'b'"),
        ("any", ["a", "b"], [["c", "d"]], "is ['c', 'd'], without one of 'a', 'b'"),
        ("all", "a", ["a", "b"], "has 'b', not only 'a'"),
        ("all", 25, [25, "25"], "has '25' (a string), not only 25"),
        ("all", ["a", "25"], [25], "has 25 (a number), not only one of 'a', '25'"),
        ("all", "a", [[]], "is empty"),
        ("exists", False, [0], "exists: 0"),
    ],
)
def test_what_is_wrong_is_told(name, expected, found, told):
    """The reason of an operator has the match and the expected value."""
    assert OPERATORS[name](expected)(found) == told


@pytest.mark.parametrize(
    ("name", "expected", "right"),
    [
        ("value", (1,), "a tuple is not JSON"),
        ("in", "DONE", "give a list of values"),
        ("in", {"a": 1}, "give a list of values"),
        ("in", [], "give a list with at least one value"),
        ("in", [{1: 2}], "1 is not a str"),
        ("not_in", None, "give a list of values"),
        ("any", [], "give a list with at least one value"),
        ("all", {1}, "a set is not JSON"),
        ("gt", True, "give a number or a str"),
        ("ge", None, "give a number or a str"),
        ("lt", float("nan"), "give a number or a str"),
        ("le", [1], "give a number or a str"),
        ("exists", 1, "give True or False"),
    ],
)
def test_what_makes_no_sense_is_refused(name, expected, right):
    """A senseless value is a ValueError with the operator and what to give."""
    with pytest.raises(ValueError, match=f"^{name} is ") as caught:
        OPERATORS[name](expected)
    assert right in str(caught.value)
