import math
import pickle
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from unittest.mock import Mock

import pytest

from httsleep import Attempt, exponential
from httsleep.intervals import retry_after


def attempt(number):
    return Attempt(number, None, None, "waiting", (), 0.0, None)


# exponential()


def waits(interval, count=6):
    return [interval(attempt(number)) for number in range(1, count + 1)]


def test_exponential_doubles_up_to_a_minute():
    """By default each wait is twice the one before, and none exceeds 60 seconds."""
    assert waits(exponential(1), 8) == [1, 2, 4, 8, 16, 32, 60, 60]


def test_exponential_grows_as_it_is_told():
    """Factor and maximum count, and durations may be timedeltas."""
    interval = exponential(timedelta(seconds=0.5), 3, timedelta(seconds=10))
    assert waits(interval, 4) == [0.5, 1.5, 4.5, 10]


def test_exponential_with_factor_1_is_constant():
    """A factor of 1, or a maximum of ``initial``, makes all waits the same."""
    assert waits(exponential(5, 1)) == [5] * 6
    assert waits(exponential(5, maximum=5)) == [5] * 6


@pytest.mark.parametrize("initial", [0, 0.0, timedelta(0)])
@pytest.mark.parametrize("factor", [2, 2.0, 1000])
def test_exponential_of_zero_stays_zero(initial, factor):
    """0 stays 0, however many polls there were."""
    interval = exponential(initial, factor)
    assert interval(attempt(1)) == interval(attempt(10**6)) == 0


@pytest.mark.parametrize("number", [10**3, 10**6, 10**12, sys.maxsize, 10**400])
@pytest.mark.parametrize("factor", [1.0001, 2, 2.0, 1000])
def test_exponential_does_not_overflow(number, factor):
    """After any number of polls the wait is at most the maximum."""
    assert exponential(1, factor)(attempt(number)) <= 60


def test_exponential_reaches_its_maximum():
    """Where floats overflow, the wait is the maximum."""
    assert exponential(1)(attempt(5000)) == 60


def test_jitter_shortens_a_wait(monkeypatch):
    """Jitter takes away a random share of the wait, up to what was given."""
    interval = exponential(10, jitter=0.5)
    monkeypatch.setattr("random.random", lambda: 0.0)
    assert interval(attempt(1)) == 10
    monkeypatch.setattr("random.random", lambda: 0.5)
    assert interval(attempt(1)) == 7.5
    assert interval(attempt(10)) == 45
    assert exponential(10)(attempt(1)) == 10


def test_exponential_pickles():
    """What exponential() returns can be sent to another process."""
    interval = exponential(1, 3, 20)
    other = pickle.loads(pickle.dumps(interval))
    assert waits(other) == waits(interval)
    assert repr(interval)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"initial": -1}, ["initial is -1"]),
        ({"initial": "1"}, ["initial is '1'"]),
        ({"initial": math.nan}, ["initial is nan"]),
        ({"maximum": None}, ["maximum is None"]),
        ({"maximum": 0.5}, ["maximum is 0.5", "at least initial, 1"]),
        ({"factor": 0.5}, ["factor is 0.5", "from 1 to 1000"]),
        ({"factor": 1001}, ["factor is 1001", "from 1 to 1000"]),
        ({"factor": math.nan}, ["factor is nan"]),
        ({"factor": True}, ["factor is True"]),
        ({"factor": "2"}, ["factor is '2'"]),
        ({"jitter": -0.1}, ["jitter is -0.1", "from 0 to 1"]),
        ({"jitter": 1.1}, ["jitter is 1.1", "from 0 to 1"]),
        ({"jitter": False}, ["jitter is False"]),
        ({"jitter": None}, ["jitter is None"]),
    ],
    ids=str,
)
def test_exponential_refuses_what_cannot_work(arguments, words):
    """A ValueError names the argument, its value and what is right."""
    with pytest.raises(ValueError, match=f"^{re.escape(words[0])}") as info:
        exponential(**{"initial": 1, **arguments})
    for word in words:
        assert word in str(info.value)


# Retry-After

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def asked(make_response, monkeypatch):
    """The seconds that a Retry-After header asks for at noon of 1 January 2026."""
    monkeypatch.setattr("httsleep.intervals.time", NOW.timestamp)
    return lambda value: retry_after(make_response(503, "", {"Retry-After": value}))


@pytest.mark.parametrize(
    ("value", "number"), [("0", 0), ("5", 5), (" 120 ", 120), ("007", 7)]
)
def test_retry_after_may_be_seconds(asked, value, number):
    """A number is that many seconds."""
    assert asked(value) == number
    assert type(asked(value)) is float


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30),
        ("Thu, 01 Jan 2026 13:00:30 +0100", 30),
        ("Thursday, 01-Jan-26 12:00:30 GMT", 30),
        ("Thu Jan  1 12:00:30 2026", 30),
    ],
)
def test_retry_after_may_be_a_date(asked, value, number):
    """A date counts from now, and one that has passed is 0; none is local time."""
    assert asked(value) == number


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone is fixed")
@pytest.mark.parametrize("value", ["Thu Jan  1 12:00:30 2026", "1 Jan 2026 12:00:30"])
def test_retry_after_without_a_zone_is_utc(asked, monkeypatch, value):
    """A date that names no zone is not in that of this machine."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        seconds = asked(value)
    time.tzset()
    assert seconds == 30


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "soon",
            "-5",
            "+5",
            "1.",
            ".5",
            "1e3",
            "5 s",
            "٣",
            "²",
            "nan",
            "inf",
        ),
        *("Thu, 99 Jan 2026 12:00:30 GMT", "Thu", "GMT", ", , , ,"),
        *("1, soon", "1, Thu, 01 Jan 2026 12:00:30 GMT", "1;5"),
        *("Thu, 01 Jan 99999 12:00:30 GMT", "Thu, 01 Jan 2026 99:99:99 GMT"),
        "\x00",
    ],
)
def test_retry_after_that_is_garbage_is_none(asked, value):
    """What is neither seconds nor a date asks for nothing."""
    assert asked(value) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [("1.5", 2), ("0.001", 1), ("2.0", 2), ("1, 1", 1), ("1, 5", 5), ("7 ,1.2,3", 7)],
)
def test_retry_after_may_be_several_numbers(asked, value, number):
    """Of several numbers the largest counts, and a fraction is rounded up."""
    assert asked(value) == number


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_retry_after_is_compared_with_the_clock_of_the_server(make_response, hours):
    """A date counts from the Date of the answer, whatever this machine's clock says."""
    server = NOW + timedelta(hours=hours)
    headers = {
        "Date": format_datetime(server, usegmt=True),
        "Retry-After": format_datetime(server + timedelta(seconds=90), usegmt=True),
    }
    assert retry_after(make_response(503, "", headers)) == 90


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Jan 2026 12:00:30 GMT"])
def test_retry_after_without_a_valid_date_counts_from_here(
    make_response, monkeypatch, date
):
    """Without a valid Date the clock of this machine is the only one."""
    monkeypatch.setattr("httsleep.intervals.time", NOW.timestamp)
    after = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    headers = {"Date": date, "Retry-After": after}
    assert retry_after(make_response(503, "", headers)) == 90


def test_retry_after_of_a_test_double_is_none(make_response):
    """A header that is not a str, as a Mock has it, asks for nothing."""
    response = make_response(503)
    response.headers = Mock()
    assert retry_after(response) is None


def test_retry_after_may_be_missing(make_response):
    """Without the header nothing is asked for."""
    assert retry_after(make_response(503)) is None


@pytest.mark.parametrize(
    "value", ["9" * 20, "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_retry_after_without_end_is_bounded(asked, value):
    """An absurd wait is a finite number that can still be slept."""
    assert asked(value) == 10**9
