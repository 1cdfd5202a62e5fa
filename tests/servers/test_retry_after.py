"""``Retry-After``: it lengthens a wait, moves the last poll, or ends the run."""

import time
from email.utils import formatdate

import pytest

from httsleep import Alarm, GaveUp, httsleep

GARBAGE = ("", "soon", "-1", "+5", "1.5", "5s", "5, 5", "0x10", "²", "1e3", "nan")
BAD_DATES = ("2099-01-01T00:00:00Z", "Fri, 99 Oct 2099 99:99:99 GMT", "Fri, 31 Dec")


def asks(value, status=202):
    """An answer that asks to wait."""
    return (status, b"", {"Retry-After": value})


def in_seconds(seconds):
    """The HTTP date so many seconds from now."""
    return formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize("status", [202, 429, 503, 200, 404])
def test_seconds_lengthen_the_wait(serve, naps, status):
    """The header counts whatever the status is."""
    server = serve(asks("7", status), asks(30, status), (200, "done"))
    assert httsleep(server.url, text="done").text == "done"
    assert naps == [7, 30]


@pytest.mark.parametrize("status", [202, 429, 503])
def test_a_date_lengthens_the_wait(serve, naps, status):
    """A date asks for the seconds until then."""
    server = serve(asks(in_seconds(60), status), (200, "done"))
    httsleep(server.url, text="done")
    (nap,) = naps
    assert 30 < nap <= 60


@pytest.mark.parametrize("value", ["0", "1", "00", -60, -1e8])
def test_it_never_shortens_the_wait(serve, naps, value):
    """Less than the interval, or a date that has passed, changes nothing."""
    server = serve(asks(value if isinstance(value, str) else in_seconds(value)), 200)
    httsleep(server.url, status_code=200)
    assert naps == [2]


@pytest.mark.parametrize("value", [*GARBAGE, *BAD_DATES, "9" * 5000 + "x"], ids=repr)
def test_garbage_is_ignored(serve, naps, value):
    """What is neither seconds nor a date changes nothing."""
    encoded = value.encode("utf-8")
    head = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nRetry-After: "
    server = serve(lambda h: h.send(head + encoded + b"\r\n\r\n"), 200)
    httsleep(server.url, status_code=200)
    assert naps == [2]


def test_it_is_compared_with_what_a_callable_interval_returns(serve, naps):
    """The longer one of the two counts."""
    server = serve(asks(5), asks(5), 200)
    httsleep(
        server.url, status_code=200, polling_interval=lambda a: {1: 3, 2: 8}[a.number]
    )
    assert naps == [5, 8]


@pytest.mark.parametrize("value", ["301", "9" * 400, 10**8])
def test_beyond_300_seconds_ends_the_run(serve, naps, value):
    """Not told otherwise, what is more than 300 seconds ends the run at once."""
    value = value if isinstance(value, str) else in_seconds(value)
    server = serve(asks(value, 503), 200)
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200)
    gave_up = caught.value
    assert (gave_up.limit, gave_up.attempts, naps) == ("max_retry_after", 1, [])
    assert gave_up.response.status_code == 503
    assert "Retry-After" in str(gave_up)


def test_300_seconds_are_waited_for(serve, naps):
    """Not told otherwise, 300 seconds are not too much."""
    server = serve(asks(300), 200)
    httsleep(server.url, status_code=200)
    assert naps == [300]


def test_max_retry_after_is_the_longest(serve, naps):
    """As much as max_retry_after is waited for, a second more is not."""
    server = serve(asks(10), asks(11), 200)
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_retry_after=10)
    assert (caught.value.limit, caught.value.attempts) == ("max_retry_after", 2)
    assert naps == [10]


def test_none_waits_however_long(serve, naps):
    """With ``None`` whatever is asked for is waited for."""
    server = serve(asks(100_000), 200)
    httsleep(server.url, status_code=200, max_retry_after=None)
    assert naps == [100_000]


def test_0_does_not_look(serve, naps):
    """With 0 the header is not looked at."""
    server = serve(asks(5), asks(100_000), 200)
    httsleep(server.url, status_code=200, max_retry_after=0)
    assert naps == [2, 2]


def test_beyond_max_time_moves_to_the_last_poll_moment(serve, naps):
    """With max_time, what is asked beyond it moves the next poll to the last moment."""
    server = serve(asks(100_000, 503), (200, "done"))
    response = httsleep(server.url, status_code=200, max_time=60)
    assert response.text == "done"
    (nap,) = naps
    assert 30 <= nap <= 59.9  # between half of max_time and max_time - 0.1


def test_the_last_poll_is_really_the_last(serve, within):
    """In real time: asked for an hour, the run polls once more and ends in time."""
    server = serve(asks(3600, 429))
    with within(1.5), pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_time=1.5)
    assert (caught.value.limit, caught.value.attempts) == ("max_time", 2)


def test_max_retry_after_counts_beside_max_time(serve, naps):
    """Both given, a Retry-After beyond max_retry_after ends the run at once."""
    server = serve(asks(30), 200)
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_time=20, max_retry_after=10)
    assert (caught.value.limit, naps) == ("max_retry_after", [])


def test_it_does_not_matter_on_the_answer_that_ends_the_run(serve, naps):
    """A success or an alarm is one, however long it asks to wait."""
    server = serve(asks(100_000, 200))
    assert httsleep(server.url, status_code=200).status_code == 200
    with pytest.raises(Alarm):
        httsleep(server.url, {"status_code": 404}, {"status_code": 200})
    assert naps == []


def test_max_retries_is_reached_first(serve, naps):
    """No nap is taken after the last poll, whatever it asks for."""
    server = serve(asks(5))
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_retries=2)
    assert (caught.value.limit, naps) == ("max_retries", [5])


def test_the_header_of_a_redirect_does_not_count(serve, naps):
    """It is the header of the answer that was judged."""
    moved = (302, b"", {"Location": "/job", "Retry-After": "30"})
    server = serve(moved, paths={"/job": [202, 200]})
    httsleep(server.url, status_code=200)
    assert naps == [2]
