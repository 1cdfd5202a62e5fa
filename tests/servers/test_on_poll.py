"""``on_poll`` and ``polling_interval``: what each attempt brings, and the next wait."""

import math
import pickle
from datetime import timedelta

import pytest
import requests

from httsleep import Alarm, GaveUp, exponential, httsleep


def test_on_poll_sees_every_attempt(serve, naps):
    """Refused, not ready, not done and done: each is an Attempt of its own."""
    server = serve(
        (503, "<html>"),
        (200, {"status": "new"}),
        (200, {"status": "done"}),
        listening=False,
    )
    naps.during = lambda number: server.listen() if number == 1 else None
    seen = []
    response = httsleep(
        server.url,
        status_code=200,
        json={"status": "done"},
        ignore_exceptions=ConnectionError,
        polling_interval=5,
        on_poll=seen.append,
    )
    assert [each.number for each in seen] == [1, 2, 3, 4]
    outcomes = [each.outcome for each in seen]
    assert outcomes == ["ignored", "waiting", "waiting", "met"]
    assert [each.met for each in seen] == [False, False, False, True]
    assert [each.next_wait for each in seen] == [5, 5, 5, None]
    assert [len(each.reasons) for each in seen] == [0, 2, 1, 0]
    assert isinstance(seen[0].exception, requests.exceptions.ConnectionError)
    assert [each.exception for each in seen[1:]] == [None] * 3
    assert seen[0].response is None
    assert seen[3].response is response
    assert seen[1].reasons[0] == "status_code is 503, not 200"
    assert "text/html" in seen[1].reasons[1]
    elapsed = [each.elapsed for each in seen]
    assert elapsed == sorted(elapsed)


def test_on_poll_comes_before_the_alarm(serve, naps):
    """The attempt that meets an alarm is seen before Alarm is raised."""
    server = serve(202, 500)
    seen = []
    with pytest.raises(Alarm) as caught:
        httsleep(
            server.url, {"status_code": 200}, {"status_code": 500}, on_poll=seen.append
        )
    assert [each.outcome for each in seen] == ["waiting", "alarm"]
    assert seen[1].response is caught.value.response
    assert (seen[1].met, seen[1].next_wait) == (False, None)


def test_on_poll_sees_the_last_attempt_of_a_run_that_gives_up(serve, naps):
    """The last attempt has no next wait."""
    seen = []
    with pytest.raises(GaveUp):
        httsleep(serve(202).url, status_code=200, max_retries=3, on_poll=seen.append)
    assert [each.next_wait for each in seen] == [2, 2, None]
    assert [each.outcome for each in seen] == ["waiting"] * 3


def test_on_poll_can_stop_the_run(serve, naps):
    """What it raises ends the run, even on the poll that was a success."""
    server = serve(200)

    def on_poll(attempt):
        raise StopIteration("enough")

    with pytest.raises(StopIteration):
        httsleep(server.url, status_code=200, on_poll=on_poll)
    assert (len(server.seen), naps) == (1, [])


@pytest.mark.parametrize(
    ("interval", "nap"),
    [
        (0.25, 0.25),
        (3, 3),
        (timedelta(minutes=1, milliseconds=500), 60.5),
        (lambda attempt: 0.25, 0.25),
        (lambda attempt: timedelta(seconds=9), 9),
        (lambda attempt: 0, 0),
    ],
    ids=["float", "int", "timedelta", "callable", "callable timedelta", "callable 0"],
)
def test_intervals(serve, naps, interval, nap):
    """Seconds as int, float or timedelta, or a callable that returns any of these."""
    httsleep(serve(202, 202, 200).url, status_code=200, polling_interval=interval)
    assert naps == [nap, nap]


def test_an_interval_of_0(serve, naps):
    """0 polls without a pause."""
    server = serve(202, 202, 200)
    httsleep(server.url, status_code=200, polling_interval=0)
    assert sum(naps) == 0
    assert len(server.seen) == 3


def test_2_seconds_unless_told_otherwise(serve, naps):
    """Without polling_interval there are two seconds between two polls."""
    httsleep(serve(202, 200).url, status_code=200)
    assert naps == [2]


def test_a_callable_interval_is_given_the_attempt(serve, naps):
    """It sees the last Attempt, in which the next wait is not known yet."""
    given, seen = [], []

    def interval(attempt):
        given.append(attempt)
        return attempt.number * 10

    httsleep(
        serve(202, 503, 200).url,
        status_code=200,
        polling_interval=interval,
        on_poll=seen.append,
    )
    assert [each.number for each in given] == [1, 2]
    assert [each.response.status_code for each in given] == [202, 503]
    assert [each.next_wait for each in given] == [None, None]
    assert [each.next_wait for each in seen] == [10, 20, None]
    assert naps == [10, 20]


@pytest.mark.parametrize(
    "nonsense",
    ["soon", None, math.nan, math.inf, -1, -0.001, True, 1j, [], 10**30],
    ids=repr,
)
def test_a_callable_interval_that_returns_nonsense(serve, naps, nonsense):
    """It is a ValueError that names the argument and the value."""
    server = serve(202, 200)
    with pytest.raises(ValueError, match="polling_interval") as caught:
        httsleep(
            server.url,
            status_code=200,
            polling_interval=lambda attempt: nonsense,
            ignore_exceptions=[Exception],
        )
    assert repr(nonsense)[:20] in str(caught.value)
    assert (len(server.seen), naps) == (1, [])


def test_exponential(serve, naps):
    """Each wait is twice the one before, up to the maximum."""
    interval = exponential(0.5, maximum=timedelta(seconds=5))
    httsleep(serve(*[202] * 6, 200).url, status_code=200, polling_interval=interval)
    assert naps == [0.5, 1, 2, 4, 5, 5]


def test_exponential_with_a_factor(serve, naps):
    """Each wait is ``factor`` times the one before."""
    interval = exponential(timedelta(seconds=1), 3)
    httsleep(serve(*[202] * 4, 200).url, status_code=200, polling_interval=interval)
    assert naps == [1, 3, 9, 27]


def test_exponential_with_jitter(serve, naps):
    """Jitter shortens a wait by a random share of it."""
    interval = exponential(4, 1, jitter=0.5)
    httsleep(serve(*[202] * 20, 200).url, status_code=200, polling_interval=interval)
    assert all(2 <= nap <= 4 for nap in naps)
    assert len(set(naps)) > 1


def test_exponential_after_a_pickle(serve, naps):
    """An interval that has been pickled is the same interval."""
    interval = pickle.loads(pickle.dumps(exponential(1, 2, 60)))
    httsleep(serve(*[202] * 3, 200).url, status_code=200, polling_interval=interval)
    assert naps == [1, 2, 4]


def test_exponential_does_not_overflow(serve, naps):
    """After hundreds of polls the wait is still the maximum."""
    answers = [202] * 400 + [200]
    interval = exponential(1, 1000.0, 7)
    httsleep(
        serve(*answers).url,
        status_code=200,
        polling_interval=interval,
        max_retries=None,
    )
    assert naps == [1] + [7] * 399
