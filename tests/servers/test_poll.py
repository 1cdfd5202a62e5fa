"""``poll()``: one poll for a scheduler, which does the waiting itself."""

import time
from dataclasses import FrozenInstanceError
from email.utils import formatdate

import pytest
import requests

from httsleep import Alarm, Attempt, GaveUp, HttSleeper, exponential


@pytest.fixture(autouse=True)
def no_nap(naps):
    """There is never a sleep in here."""
    yield
    assert naps == []


@pytest.fixture
def sleeper(serve):
    """A sleeper for a server with the given answers, closed at the end."""
    made = []

    def make(*answers, **options):
        server = serve(*answers)
        options = options if "until" in options else {"status_code": 200, **options}
        made.append(HttSleeper(server.url, **options))
        made[-1].server = server
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_met(sleeper):
    """A success is an Attempt that is met, with the answer and no next wait."""
    attempt = sleeper((200, "done")).poll()
    assert isinstance(attempt, Attempt)
    assert attempt.met is True
    assert attempt.outcome == "met"
    assert attempt.response.text == "done"
    assert (attempt.number, attempt.reasons) == (1, ())
    assert (attempt.exception, attempt.next_wait) == (None, None)
    assert 0 < attempt.elapsed < 10


def test_waiting(sleeper):
    """Not yet is an Attempt that is not met, with the reasons and the next wait."""
    until = {"status_code": 200, "json": {"status": "done"}}
    attempt = sleeper((202, {"status": "new"}), until=until, polling_interval=7).poll()
    assert attempt.met is False
    assert attempt.outcome == "waiting"
    assert attempt.response.status_code == 202
    assert len(attempt.reasons) == 2
    assert attempt.reasons[0] == "status_code is 202, not 200"
    assert attempt.next_wait == 7


def test_a_404_that_means_success(sleeper):
    """``attempt.met`` is what tells, for a response of 404 is false."""
    attempt = sleeper((404, "gone"), until={"status_code": 404}).poll()
    assert attempt.met
    assert not attempt.response
    assert attempt.response is not None


def test_an_alarm(sleeper):
    """An alarm is raised, with the response and what was written."""
    seen = []
    failing = sleeper(
        202, (500, "down"), alarms=[{"status_code": "500"}], on_poll=seen.append
    )
    failing.poll()
    with pytest.raises(Alarm) as caught:
        failing.poll()
    assert caught.value.response.text == "down"
    assert caught.value.alarm == {"status_code": 500}
    assert [attempt.outcome for attempt in seen] == ["waiting", "alarm"]


def test_it_never_gives_up(sleeper):
    """More polls than max_retries are no reason to raise GaveUp."""
    patient = sleeper(503, max_retries=1)
    attempts = [patient.poll() for _ in range(60)]
    assert not any(attempt.met for attempt in attempts)
    assert all(attempt.next_wait == 2 for attempt in attempts)
    assert len(patient.server.seen) == 60


def test_max_time_does_not_apply(sleeper):
    """Neither is max_time, whether for the request or for what comes next."""

    def late(handler):
        handler.server.stopping.wait(0.2)
        return (202, "late")

    slow = sleeper(late, max_time=0.1)
    attempt = slow.poll()
    assert attempt.response.text == "late"
    assert attempt.next_wait == 2
    assert slow.poll().next_wait == 2


def test_max_retry_after_does_not_apply(sleeper):
    """A Retry-After beyond max_retry_after is the next wait."""
    asked = (503, b"", {"Retry-After": "3600"})
    assert sleeper(asked).poll().next_wait == 3600
    assert sleeper(asked, max_retry_after=10).poll().next_wait == 3600
    assert sleeper(asked, max_retry_after=0).poll().next_wait == 2


@pytest.mark.parametrize("status", [202, 429, 503])
def test_retry_after_is_in_next_wait(sleeper, status):
    """The next wait is at least what the answer asks for, in seconds or as a date."""
    date = formatdate(time.time() + 100, usegmt=True)
    answers = [(status, b"", {"Retry-After": value}) for value in ("30", "1", date)]
    asking = sleeper(*answers)
    assert asking.poll().next_wait == 30
    assert asking.poll().next_wait == 2
    assert 50 < asking.poll().next_wait <= 100


def test_the_number_counts_the_polls(sleeper):
    """The number of the attempt goes up, and a callable interval sees it."""
    growing = sleeper(202, polling_interval=exponential(1))
    assert [growing.poll().number for _ in range(3)] == [1, 2, 3]
    assert growing.poll().next_wait == 8


def test_an_ignored_exception(sleeper):
    """No answer, but an exception that is ignored: an Attempt that says so."""
    seen = []
    broken = sleeper(b"", 200, ignore_exceptions=ConnectionError, on_poll=seen.append)
    attempt = broken.poll()
    assert (attempt.met, attempt.outcome) == (False, "ignored")
    assert (attempt.response, attempt.reasons) == (None, ())
    assert isinstance(attempt.exception, requests.exceptions.ConnectionError)
    assert attempt.next_wait == 2
    assert broken.poll().met
    assert [each.outcome for each in seen] == ["ignored", "met"]


def test_an_exception_that_is_not_ignored(sleeper):
    """It reaches the caller, and the next poll is as good as any."""
    broken = sleeper(b"", 200)
    with pytest.raises(requests.exceptions.ConnectionError):
        broken.poll()
    assert broken.poll().met


def test_request_timeout_applies(sleeper, within):
    """A request that hangs is cut off by request_timeout."""
    hanging = sleeper(lambda handler: handler.hang(), request_timeout=0.2)
    with within(0.2), pytest.raises(requests.exceptions.ReadTimeout):
        hanging.poll()


def test_on_poll_sees_what_poll_returns(sleeper):
    """on_poll is given the Attempt that is returned."""
    seen = []
    watched = sleeper(202, 200, on_poll=seen.append)
    assert [watched.poll(), watched.poll()] == seen


def test_the_elapsed_time_is_that_of_the_poll(sleeper):
    """What passes between two polls is not counted."""
    resting = sleeper(202)
    resting.poll()
    time.sleep(0.3)
    began = time.monotonic()
    attempt = resting.poll()
    assert attempt.elapsed <= time.monotonic() - began


def test_an_attempt_is_frozen(sleeper):
    """What an Attempt says cannot be changed."""
    attempt = sleeper(202).poll()
    with pytest.raises(FrozenInstanceError):
        attempt.outcome = "met"


def test_a_run_after_a_poll(sleeper):
    """A run counts its own polls, and begins with an empty cookie jar."""
    cookie = (202, b"", {"Set-Cookie": "a=b"})
    both = sleeper(cookie, 202, max_retries=1)
    both.poll()
    with pytest.raises(GaveUp) as caught:
        both.run()
    assert caught.value.attempts == 1
    assert "Cookie" not in both.server.seen[1].headers
