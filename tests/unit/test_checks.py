import math
from datetime import timedelta

import pytest

from httsleep.checks import (
    bad_argument,
    or_none,
    positive_int,
    positive_seconds,
    seconds,
)

# the form of a refusal


def test_a_refusal_names_argument_value_and_what_is_right():
    """A refusal is a ValueError with the argument, its value and what to give."""
    error = bad_argument("max_retries", 0, "give an int of at least 1")
    assert type(error) is ValueError
    assert str(error) == "max_retries is 0: give an int of at least 1"


# durations and counts


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        (2, 2),
        (0.5, 0.5),
        (timedelta(minutes=1), 60.0),
        (timedelta(milliseconds=250), 0.25),
        (10**9, 10**9),
    ],
)
def test_seconds_are_an_int_a_float_or_a_timedelta(value, number):
    """An int, a float and a timedelta are accepted; an int remains an int."""
    assert seconds("max_time", value) == number
    assert type(seconds("max_time", value)) is type(number)


NO_SECONDS = {
    "str": "2",
    "bool": True,
    "None": None,
    "nan": math.nan,
    "infinite": math.inf,
    "below 0": -1,
    "just below 0": -0.001,
    "timedelta below 0": timedelta(seconds=-1),
    "too long": 10**9 + 1,
    "far too long": timedelta.max,
    "huge": 10**400,
    "list": [1],
    "complex": 1j,
}


@pytest.mark.parametrize("value", NO_SECONDS.values(), ids=NO_SECONDS)
def test_what_are_no_seconds_is_refused(value):
    """Anything else is a ValueError with the argument, the value and what to give."""
    with pytest.raises(ValueError, match=r"^max_time is ") as info:
        seconds("max_time", value)
    assert "give seconds (an int, a float or a timedelta)" in str(info.value)


def test_a_timeout_tuple_is_refused_with_the_reason():
    """The refusal of a (connect, read) tuple says that it limits no whole request."""
    with pytest.raises(ValueError, match="neither of these limits how long") as info:
        seconds("request_timeout", (3, 27))
    assert "request_timeout is (3, 27)" in str(info.value)
    assert "(connect, read) tuple" in str(info.value)


@pytest.mark.parametrize("argument", ["max_time", "polling_interval"])
def test_a_tuple_for_other_seconds_is_refused_without_that_reason(argument):
    """Only what bounds a request can be meant as a (connect, read) tuple."""
    with pytest.raises(ValueError, match=rf"{argument} is \(3, 27\): give ") as info:
        seconds(argument, (3, 27))
    assert str(info.value).endswith("give seconds (an int, a float or a timedelta)")


@pytest.mark.parametrize("value", [0, 0.0, timedelta(0)])
def test_zero_is_refused_where_nothing_could_happen(value):
    """A duration that has to be above 0 is refused if it is 0."""
    with pytest.raises(ValueError, match=r"max_time is .*above 0"):
        positive_seconds("max_time", value)
    assert positive_seconds("max_time", 0.001) == 0.001


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1", None, math.inf])
def test_a_number_of_polls_is_a_whole_one(value):
    """A count is an int of at least 1."""
    with pytest.raises(ValueError, match=r"^max_retries is .* at least 1, or None"):
        positive_int("max_retries", value)
    assert positive_int("max_retries", 1) == 1


def test_none_is_no_limit():
    """An optional argument can be None; another value is checked."""
    check = or_none(positive_int)
    assert check("max_retries", None) is None
    assert check("max_retries", 5) == 5
    with pytest.raises(ValueError, match="max_retries"):
        check("max_retries", 0)
