import logging
import math
import pickle
import re
import threading
import traceback
import warnings
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
from requests import exceptions as broken

import httsleep.main
from httsleep import (
    Alarm,
    BodyTooLarge,
    Cancelled,
    GaveUp,
    HttSleeper,
    UnexpectedResponse,
    exponential,
)
from httsleep import httsleep as poll_until

URL = "http://server/endpoint"
RUNNING, SUCCESS = {"status": "RUNNING"}, {"status": "SUCCESS"}
DONE = {"status_code": 200, "json": SUCCESS}
REFUSED = broken.ConnectionError(ConnectionRefusedError())


@pytest.fixture
def timed(stub_session, make_response, clock):
    """A session whose requests take time: each answer is ``(seconds, status)``.

    A request that would take longer than its timeout is a ReadTimeout after it.
    """

    def script(*answers, headers=()):
        answers = list(answers)

        def answer(timeout, **_):
            cost, status = answers.pop(0) if len(answers) > 1 else answers[0]
            clock.now += min(cost, timeout)
            if cost > timeout:
                raise broken.ReadTimeout
            return make_response(status, "", headers)

        return stub_session(answer)

    return script


def gave_up(*args, **kwargs):
    with pytest.raises(GaveUp) as info:
        poll_until(*args, **kwargs)
    return info.value


# the loop


def test_the_first_answer_may_be_the_last(answers, naps):
    """A success at once is returned at once."""
    server = answers(200)
    response = poll_until(URL, status_code=200)
    assert isinstance(response, requests.Response)
    assert len(server.calls) == 1
    assert naps == []


def test_it_polls_until_the_answer_is_right(answers, naps):
    """Between two polls are two seconds, and the answer that is right is returned."""
    server = answers(503, RUNNING, SUCCESS)
    assert poll_until(URL, DONE).json() == SUCCESS
    assert len(server.calls) == 3
    assert naps == [2, 2]


def test_the_example_of_the_readme(answers, naps):
    """Refused connections, 503 and RUNNING are waited out; SUCCESS is returned."""
    server = answers(REFUSED, REFUSED, (503, "<html>"), RUNNING, SUCCESS)
    response = poll_until(
        "http://server/endpoint",
        until={"json": {"status": "SUCCESS"}, "status_code": 200},
        alarms=[{"status_code": 500}, {"json": {"status": "TIMEOUT"}}],
        ignore_exceptions=[ConnectionError],
        max_retries=20,
    )
    assert response.json() == SUCCESS
    assert len(server.calls) == 5
    assert naps == [2] * 4


@pytest.mark.parametrize(
    ("answer", "alarm"),
    [
        (500, {"status_code": 500}),
        ({"status": "TIMEOUT"}, {"json": {"status": "TIMEOUT"}}),
    ],
    ids=["status", "field"],
)
def test_an_alarm_ends_the_run(answers, naps, answer, alarm):
    """The answer that meets an alarm is raised with it."""
    answers(RUNNING, answer)
    with pytest.raises(Alarm) as info:
        poll_until(URL, DONE, [{"status_code": 500}, {"json": {"status": "TIMEOUT"}}])
    assert info.value.alarm == alarm
    assert info.value.response.status_code == (answer if answer == 500 else 200)
    assert naps == [2]


def test_an_alarm_goes_before_a_success(answers):
    """What is both is an alarm."""
    answers(200)
    with pytest.raises(Alarm):
        poll_until(URL, {"status_code": 200}, {"status_code": 200})


def test_a_404_can_be_the_success(answers):
    """The status that is waited for counts, not whether the response is true."""
    answers(200, 404)
    assert poll_until(URL, status_code=404).status_code == 404


def test_n_polls_are_n_minus_1_waits(answers, naps):
    """After exactly max_retries polls it gives up, without another wait."""
    server = answers(404)
    assert gave_up(URL, status_code=200, max_retries=20).attempts == 20
    assert len(server.calls) == 20
    assert naps == [2] * 19


def test_fifty_polls_are_the_default(answers, naps):
    """Without any limit given there are 50 polls."""
    answers(404)
    error = gave_up(URL, status_code=200)
    assert (error.attempts, error.limit, len(naps)) == (50, "max_retries", 49)


def test_no_limit_is_no_limit(answers, naps):
    """With max_retries=None only an answer ends the run."""
    answers(*[404] * 60, 200)
    assert poll_until(URL, status_code=200, max_retries=None)
    assert len(naps) == 60


def test_refused_connections_are_polls(answers):
    """A poll that brought no answer counts."""
    server = answers(REFUSED)
    error = gave_up(URL, DONE, ignore_exceptions=ConnectionError, max_retries=3)
    assert error.attempts == len(server.calls) == 3


def test_a_run_can_be_run_again(answers, naps):
    """Nothing of one run is left for the next."""
    server = answers(404)
    sleeper = HttSleeper(URL, status_code=200, max_retries=2)
    for _ in range(2):
        with pytest.raises(GaveUp) as info:
            sleeper.run()
        assert info.value.attempts == 2
        assert info.value.elapsed == 2
    assert len(server.calls) == 4
    assert naps == [2, 2]


def test_two_sleepers_in_two_threads_do_not_meet(stub_session, make_response):
    """Each run has its own answers, polls and time."""
    results = {}

    def run(status):
        session = stub_session(lambda **_: make_response(status))
        arguments = {"session": session, "polling_interval": 0, "max_retries": 30}
        with pytest.raises(GaveUp) as info:
            poll_until(URL, status_code=200, **arguments)
        results[status] = info.value

    threads = [threading.Thread(target=run, args=(status,)) for status in (404, 503)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for status, error in results.items():
        assert error.attempts == 30
        assert error.reasons == (f"status_code is {status}, not 200",)
    assert len(results) == 2


# success conditions


@pytest.mark.parametrize(
    ("shorthand", "answer"),
    [
        ({"status_code": 404}, 404),
        ({"status_code": "404"}, 404),
        ({"json": SUCCESS}, SUCCESS),
        ({"json": {}}, {}),
        ({"json": []}, []),
        ({"json": False}, (200, "false")),
        ({"text": "done"}, "done"),
        ({"text": ""}, ""),
        ({"jsonpath": [{"expression": "$.status", "value": "SUCCESS"}]}, SUCCESS),
        ({"callback": lambda response: response.text == "done"}, "done"),
        ({"status_code": 202, "json": SUCCESS}, (202, SUCCESS)),
    ],
)
def test_the_shorthand_is_one_condition(answers, naps, shorthand, answer):
    """The five base validators as arguments form one success condition."""
    answers((500, "other"), answer)
    poll_until(URL, **shorthand)
    assert naps == [2]


def test_a_list_of_conditions_is_an_or(answers):
    """Any condition of a list will do."""
    answers(500, 404)
    until = [{"status_code": 200}, {"status_code": 404}]
    assert poll_until(URL, until).status_code == 404


# exceptions


def test_what_is_not_ignored_reaches_the_caller(answers, naps):
    """An exception that is not ignored comes as it is, with a note of ours."""
    answers(404, REFUSED)
    with pytest.raises(broken.ConnectionError) as info:
        poll_until(URL, status_code=200, ignore_exceptions=TimeoutError)
    assert info.value is REFUSED
    note = info.value.__notes__.pop()
    assert note == (
        "GET http://server/endpoint failed after 2 polls in 2 s; "
        "ignore_exceptions would make it poll on"
    )
    assert naps == [2]


def test_what_a_session_raises_of_its_own_gets_no_note(stub_session):
    """An exception that is not requests' own is left alone."""

    def fail(**_):
        raise KeyError("token")

    with pytest.raises(KeyError) as info:
        poll_until(URL, status_code=200, session=stub_session(fail))
    assert not hasattr(info.value, "__notes__")


def test_what_a_callback_raises_gets_no_note(answers):
    """The caller's own exception is left alone."""
    answers(200)
    with pytest.raises(KeyError) as info:
        poll_until(URL, callback=lambda response: {}["status"])
    assert not hasattr(info.value, "__notes__")


def test_what_a_callback_raises_can_be_ignored(answers, naps):
    """A check that raises what is ignored is not met, and the run goes on."""
    answers({}, SUCCESS)
    response = poll_until(
        URL, callback=lambda r: r.json()["status"], ignore_exceptions=KeyError
    )
    assert response.json() == SUCCESS
    assert naps == [2]


@pytest.mark.parametrize("given", [Exception, [Exception], (Exception, GaveUp, Alarm)])
def test_ignoring_all_ignores_neither_alarm_nor_limit(answers, given):
    """Even [Exception] swallows neither Alarm nor GaveUp."""
    answers(REFUSED, 500)
    ignoring = {"ignore_exceptions": given, "max_retries": 3}
    assert gave_up(URL, status_code=200, **ignoring).attempts == 3
    with pytest.raises(Alarm):
        poll_until(URL, {"status_code": 200}, {"status_code": 500}, **ignoring)


def test_a_keyboard_interrupt_is_not_ignored(stub_session):
    """Ctrl-C ends the run, whatever is ignored."""

    def interrupt(**_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        poll_until(
            URL,
            status_code=200,
            session=stub_session(interrupt),
            ignore_exceptions=Exception,
        )


def test_a_body_that_is_too_large_ends_the_run(answers):
    """A larger body is BodyTooLarge, and one that fits is read."""
    answers("x" * 101)
    with pytest.raises(BodyTooLarge) as info:
        poll_until(URL, status_code=200, max_body_size=100)
    assert info.value.limit == 100
    assert poll_until(URL, status_code=200, max_body_size=101)
    assert poll_until(URL, status_code=200, max_body_size=None)


def test_a_body_that_is_too_large_can_be_ignored(answers):
    """BodyTooLarge can be ignored like requests' own exceptions."""
    answers("x" * 101, "x" * 100)
    arguments = {"max_body_size": 100, "ignore_exceptions": BodyTooLarge}
    assert len(poll_until(URL, status_code=200, **arguments).text) == 100


def test_sixteen_mebibytes_are_the_default(answers):
    """By default 16 MiB are read and not a byte more."""
    answers(b"x" * (16 * 2**20), b"x" * (16 * 2**20 + 1))
    assert poll_until(URL, status_code=200)
    with pytest.raises(BodyTooLarge):
        poll_until(URL, status_code=200)


# intervals


@pytest.mark.parametrize(
    ("interval", "waits"),
    [
        (5, [5, 5, 5]),
        (0.25, [0.25] * 3),
        (0, [0, 0, 0]),
        (timedelta(minutes=1), [60, 60, 60]),
        (lambda attempt: attempt.number, [1, 2, 3]),
        (lambda attempt: timedelta(seconds=attempt.elapsed + 1), [1, 2, 4]),
        (exponential(1, 3), [1, 3, 9]),
        (exponential(1, 3, 5), [1, 3, 5]),
    ],
    ids=["int", "float", "0", "timedelta", "number", "elapsed", "exponential", "max"],
)
def test_an_interval_is_a_number_or_computes_one(answers, naps, interval, waits):
    """Seconds, a timedelta, or a callable that is given the last attempt."""
    answers(404)
    gave_up(URL, status_code=200, polling_interval=interval, max_retries=4)
    assert naps == waits


def test_an_interval_begins_when_the_answer_has_come(timed, naps, clock):
    """The interval is between the end of a poll and the beginning of the next."""
    session = timed((5, 404))
    error = gave_up(URL, status_code=200, session=session, max_retries=3)
    assert naps == [2, 2]
    assert error.elapsed == 19


def test_an_interval_is_computed_from_an_attempt_without_a_wait(answers):
    """While the interval is computed, the attempt has no next_wait."""
    answers(404, 200)
    seen = []
    poll_until(URL, status_code=200, polling_interval=lambda a: seen.append(a) or 1)
    (attempt,) = seen
    assert attempt.next_wait is None
    assert attempt.outcome == "waiting"


@pytest.mark.parametrize("nonsense", ["2", None, -1, math.nan, math.inf, True])
def test_an_interval_that_computes_nonsense_is_named(answers, naps, nonsense):
    """What a callable returns is checked, and the ValueError names it."""
    answers(404)
    with pytest.raises(ValueError, match=r"polling_interval returned is ") as info:
        poll_until(URL, status_code=200, polling_interval=lambda attempt: nonsense)
    assert repr(nonsense) in str(info.value)
    assert naps == []


def test_an_interval_that_was_assigned_counts(answers, naps):
    """The interval can be changed between runs; nonsense is refused when assigned."""
    answers(404)
    sleeper = HttSleeper(URL, status_code=200, max_retries=2)
    sleeper.polling_interval = 7
    with pytest.raises(GaveUp):
        sleeper.run()
    assert naps == [7]
    with pytest.raises(ValueError, match="polling_interval is -7"):
        sleeper.polling_interval = -7
    assert sleeper.polling_interval == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_retries", 0),
        ("max_time", "x"),
        ("request_timeout", 0),
        ("max_retry_after", -1),
        ("max_body_size", 1.5),
        ("allow_redirects", None),
        ("on_poll", 5),
        ("cancel", True),
    ],
)
def test_a_setting_is_checked_when_it_is_assigned(name, value):
    """An attribute takes only a value that the constructor takes."""
    sleeper = HttSleeper(URL, status_code=200)
    before = getattr(sleeper, name)
    with pytest.raises(ValueError, match=rf"^{name} is {value!r}: give"):
        setattr(sleeper, name, value)
    assert getattr(sleeper, name) == before


def test_the_session_cannot_be_assigned():
    """A sleeper has the session that it was made with."""
    with pytest.raises(AttributeError):
        HttSleeper(URL, status_code=200).session = requests.Session()


# Retry-After


@pytest.mark.parametrize("status", [200, 202, 429, 503])
def test_retry_after_lengthens_a_wait(answers, naps, status):
    """Whatever the status, the next wait is at least what the answer asks for."""
    answers((status, "", {"Retry-After": "7"}), 404, 201)
    poll_until(URL, status_code=201)
    assert naps == [7, 2]


def test_retry_after_shortens_no_wait(answers, naps):
    """An interval that is longer stays as it is."""
    answers((503, "", {"Retry-After": "7"}), 200)
    poll_until(URL, status_code=200, polling_interval=10)
    assert naps == [10]


def test_retry_after_may_be_a_date(answers, naps, monkeypatch):
    """A date counts from now."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr("httsleep.intervals.time", now.timestamp)
    date = format_datetime(now + timedelta(seconds=30), usegmt=True)
    answers((503, "", {"Retry-After": date}), 200)
    poll_until(URL, status_code=200)
    assert naps == [30]


def test_retry_after_beyond_its_limit_ends_the_run(answers, naps):
    """Better no wait than one that nobody agreed to; the limit itself is waited."""
    answers((503, "", {"Retry-After": "300"}), (503, "", {"Retry-After": "301"}))
    error = gave_up(URL, status_code=200)
    assert naps == [300]
    assert error.limit == "max_retry_after"
    assert error.attempts == 2
    assert "Retry-After asks for 301 s, max_retry_after=300 s" in str(error)


def test_the_limit_of_retry_after_is_an_argument(answers):
    """max_retry_after is in seconds; one second more ends the run."""
    answers((503, "", {"Retry-After": "400"}), 200)
    limit = timedelta(seconds=399)
    assert gave_up(URL, status_code=200, max_retry_after=limit).attempts == 1


@pytest.mark.parametrize(
    ("limit", "asked", "nap"), [(400, "400", 400), (None, "9" * 400, 10**9)]
)
def test_retry_after_within_its_limit_is_waited(answers, naps, limit, asked, nap):
    """As much as was agreed to is waited; with None all that can be slept."""
    answers((503, "", {"Retry-After": asked}), 200)
    poll_until(URL, status_code=200, max_retry_after=limit)
    assert naps == [nap]


def test_retry_after_can_be_disregarded(answers, naps):
    """With max_retry_after=0 the header is not looked at."""
    answers((503, "", {"Retry-After": "400"}), 200)
    poll_until(URL, status_code=200, max_retry_after=0)
    assert naps == [2]


def test_retry_after_of_the_last_poll_is_not_the_limit(answers):
    """If there are no more polls, it is max_retries that ended the run."""
    answers((503, "", {"Retry-After": "400"}))
    assert gave_up(URL, status_code=200, max_retries=1).limit == "max_retries"


def test_retry_after_of_a_success_or_an_alarm_is_not_looked_at(answers, naps):
    """An answer that ends the run asks for nothing."""
    answers((503, "", {"Retry-After": "400"}))
    poll_until(URL, status_code=503)
    with pytest.raises(Alarm):
        poll_until(URL, {"status_code": 200}, {"status_code": 503})
    assert naps == []


@pytest.mark.parametrize("garbage", ["", "soon", "-5", "1.5", "nan"])
def test_retry_after_that_is_garbage_is_ignored(answers, naps, garbage):
    """What is neither seconds nor a date changes nothing."""
    answers((503, "", {"Retry-After": garbage}), 200)
    poll_until(URL, status_code=200)
    assert naps == [2]


def test_retry_after_beyond_max_time_moves_to_the_last_moment(answers, naps):
    """With max_time there is one last poll, and no limit on Retry-After."""
    answers((503, "", {"Retry-After": "400"}), 503)
    error = gave_up(URL, status_code=200, max_time=20)
    assert naps == [19.9]
    assert error.limit == "max_time"


def test_both_limits_on_retry_after_count(answers):
    """A max_retry_after that was given counts beside max_time."""
    answers((503, "", {"Retry-After": "15"}))
    error = gave_up(URL, status_code=200, max_time=20, max_retry_after=10)
    assert (error.limit, error.attempts) == ("max_retry_after", 1)


# max_time


def test_max_time_ends_a_run(answers, naps, clock):
    """The last poll comes a tenth of a second before the end."""
    answers(404)
    error = gave_up(URL, status_code=200, max_time=7)
    assert naps == pytest.approx([2, 2, 2, 0.9])
    assert error.limit == "max_time"
    assert error.attempts == 5
    assert error.elapsed == pytest.approx(6.9)


def test_max_time_takes_away_the_limit_of_polls(answers):
    """With max_time there is no limit of 50 polls, unless one is given."""
    answers(404)
    error = gave_up(URL, status_code=200, max_time=timedelta(minutes=10))
    assert error.attempts == 301
    error = gave_up(URL, status_code=200, max_time=600, max_retries=50)
    assert (error.attempts, error.limit) == (50, "max_retries")


def test_the_last_poll_has_time_for_the_slowest_so_far(timed, naps):
    """The margin is one and a half times the slowest poll."""
    session = timed((2, 404), (4, 404), (1, 404))
    error = gave_up(
        URL, status_code=200, session=session, max_time=30, polling_interval=10
    )
    # polls at 0-2, 12-16, and, as one at 26 would be too late, at 30 - 1.5 * 4
    assert naps == [10, 8, 3.5]
    assert error.elapsed == 29.5


def test_a_poll_that_would_meet_the_last_one_is_moved_to_it(timed, naps):
    """A poll that would still run at the last moment is made then instead."""
    session = timed((2, 404))
    gave_up(URL, status_code=200, session=session, max_time=20, polling_interval=14)
    # The last moment is 17: a poll at 16 would end at 18. Two polls do not tell how
    # fast one can be, so there is a third, which is cut off.
    assert naps == pytest.approx([15, 0.9])


def test_a_poll_that_would_end_at_the_last_moment_is_moved_to_it(timed, naps):
    """Nor may a poll end at that very moment: there would be no time for another."""
    session = timed((2, 404))
    gave_up(URL, status_code=200, session=session, max_time=20, polling_interval=13)
    assert naps == pytest.approx([15, 0.9])


def test_the_margin_is_at_most_half_of_max_time(timed, naps):
    """However slow polls are, the last one is not before half of the time."""
    session = timed((4, 404))
    error = gave_up(URL, status_code=200, session=session, max_time=10)
    assert naps == pytest.approx([1, 0.9])
    assert (error.attempts, error.elapsed) == (3, 10)


def test_a_short_max_time_has_a_last_poll_as_well(answers, naps):
    """Where a tenth of a second is more than half, half counts."""
    answers(404)
    assert gave_up(URL, status_code=200, max_time=0.1).attempts == 2
    assert naps == pytest.approx([0.05])


def test_nothing_sleeps_when_no_poll_can_follow(timed, naps):
    """A poll after which no other fits is the last, and there is no wait."""
    session = timed((9, 404))
    error = gave_up(URL, status_code=200, session=session, max_time=10)
    assert naps == pytest.approx([0.9])
    assert (error.attempts, error.elapsed) == (2, 10)
    session = timed((9.95, 404))
    error = gave_up(URL, status_code=200, session=session, max_time=10)
    assert naps == pytest.approx([0.9])
    assert error.attempts == 1
    assert "max_time=10 s leaves no time for another poll" in str(error)


def test_a_request_in_flight_is_cut_off(timed, clock):
    """A request gets no more time than is left, and then the run ends."""
    session = timed((1, 404), (100, 404))
    error = gave_up(URL, status_code=200, session=session, max_time=10)
    assert [each["timeout"] for each in session.sent] == [10, 7]
    assert error.elapsed == 10
    assert error.limit == "max_time"
    assert error.response.status_code == 404
    assert error.reasons == ("status_code is 404, not 200",)
    assert "max_time=10 s is over" in str(error)
    assert "1 x ReadTimeout" in str(error)


def test_a_first_request_that_is_cut_off_leaves_no_answer(timed):
    """If the only request is cut off there is no answer to tell of."""
    session = timed((100, 200))
    error = gave_up(URL, status_code=200, session=session, max_time=10)
    assert error.response is None
    assert (error.attempts, error.elapsed, error.reasons) == (1, 10, ())


def test_a_failure_at_the_end_is_no_cut_off_request(stub_session, clock):
    """Only slowness is the end of the run; another failure reaches the caller."""

    def redirect(timeout, **_):
        clock.now += timeout
        raise broken.TooManyRedirects

    with pytest.raises(broken.TooManyRedirects):
        poll_until(URL, status_code=200, session=stub_session(redirect), max_time=10)


def test_a_success_that_comes_late_is_a_success(timed):
    """An answer that came in time is judged."""
    session = timed((9.9, 200))
    assert poll_until(URL, status_code=200, session=session, max_time=10)


def test_a_machine_that_oversleeps_gives_up(answers, naps, clock, monkeypatch):
    """If a wait ends after max_time, no request is sent with no time left."""
    server = answers(404)

    def oversleep(seconds):
        clock.sleep(seconds + 60)

    monkeypatch.setattr(httsleep.main, "sleep", oversleep)
    error = gave_up(URL, status_code=200, max_time=10)
    assert len(server.calls) == error.attempts == 1
    assert error.limit == "max_time"
    assert "is over" in str(error)


def test_an_on_poll_that_takes_long_counts(answers, naps, clock):
    """What on_poll takes is part of max_time; nothing sleeps if none is left."""
    answers(404)

    def on_poll(attempt):
        clock.now += 11

    error = gave_up(URL, status_code=200, max_time=10, on_poll=on_poll)
    assert error.attempts == 1
    assert naps == []


def test_an_on_poll_that_misses_the_last_moment_ends_the_run(answers, naps, clock):
    """If on_poll lets the last moment pass, the run gives up without a wait."""
    answers(404)

    def on_poll(attempt):
        clock.now += 9.95

    error = gave_up(URL, status_code=200, max_time=10, on_poll=on_poll)
    assert (error.attempts, error.limit) == (1, "max_time")
    assert naps == []


def test_an_on_poll_that_takes_a_little_shortens_the_wait(answers, naps, clock):
    """A wait after a slow on_poll ends at the last moment all the same."""
    answers(404)

    def on_poll(attempt):
        clock.now += 3

    gave_up(URL, {"status_code": 200}, max_time=10, on_poll=on_poll, polling_interval=8)
    assert naps == [6.9]


def test_a_check_that_takes_long_counts(answers, naps, clock):
    """What a callback takes is part of the poll."""
    answers(404)

    def callback(response):
        clock.now += 4

    error = gave_up(URL, callback=callback, max_time=20)
    assert naps == [2, 4]
    assert error.elapsed == 18


# request_timeout


@pytest.mark.parametrize(
    ("given", "timeout"),
    [
        ({}, 30),
        ({"request_timeout": 5}, 5),
        ({"request_timeout": timedelta(minutes=1)}, 60),
        ({"request_timeout": 5, "max_time": 3}, 3),
        ({"request_timeout": 3, "max_time": 5}, 3),
        ({"request_timeout": None, "max_time": 5}, 5),
    ],
    ids=str,
)
def test_a_request_has_a_timeout(timed, given, timeout):
    """30 seconds, what was given, or what is left of max_time."""
    session = timed((0, 200))
    poll_until(URL, status_code=200, session=session, **given)
    assert session.sent[0]["timeout"] == timeout


def test_a_request_may_have_no_timeout(timed):
    """With None a request may take as long as sockets let it."""
    session = timed((10**6, 200))
    assert poll_until(URL, status_code=200, session=session, request_timeout=None)


def test_a_request_that_is_too_slow_is_a_read_timeout(timed, clock):
    """A request that takes longer ends the run, unless that is ignored."""
    session = timed((31, 200))
    with pytest.raises(broken.ReadTimeout):
        poll_until(URL, status_code=200, session=session)
    session = timed((31, 200), (29, 200))
    arguments = {"session": session, "ignore_exceptions": TimeoutError}
    assert poll_until(URL, status_code=200, **arguments)


def test_a_timeout_before_max_time_is_not_its_end(timed):
    """A request_timeout within max_time is a ReadTimeout like any other."""
    with pytest.raises(broken.ReadTimeout):
        poll_until(
            URL,
            status_code=200,
            session=timed((5, 200)),
            request_timeout=3,
            max_time=60,
        )


# on_poll


def test_on_poll_sees_every_attempt(answers):
    """Each poll is told of, ignored exceptions and the last one included."""
    answers(REFUSED, 503, 200)
    seen = []
    poll_until(
        URL, status_code=200, ignore_exceptions=ConnectionError, on_poll=seen.append
    )
    assert [a.number for a in seen] == [1, 2, 3]
    assert [a.outcome for a in seen] == ["ignored", "waiting", "met"]
    assert [a.met for a in seen] == [False, False, True]
    assert [a.elapsed for a in seen] == [0, 2, 4]
    assert [a.next_wait for a in seen] == [2, 2, None]
    assert [a.response is None for a in seen] == [True, False, False]
    assert [a.exception for a in seen] == [REFUSED, None, None]
    assert [a.reasons for a in seen] == [(), ("status_code is 503, not 200",), ()]


def test_on_poll_sees_an_alarm_before_it_is_raised(answers):
    """The attempt that met an alarm is told of, and then the alarm is raised."""
    answers(500)
    seen = []
    with pytest.raises(Alarm):
        poll_until(URL, DONE, {"status_code": 500}, on_poll=seen.append)
    assert [(a.outcome, a.met, a.next_wait) for a in seen] == [("alarm", False, None)]


@pytest.mark.parametrize(
    "limit", [{"max_retries": 1}, {"max_time": 10}, {"max_retry_after": 5}], ids=str
)
def test_on_poll_sees_the_attempt_before_giving_up(timed, limit):
    """The last attempt of a run that gives up has no next wait."""
    seen, session = [], timed((9.95, 503), headers={"Retry-After": "9"})
    gave_up(URL, status_code=200, session=session, on_poll=seen.append, **limit)
    assert [(a.outcome, a.next_wait) for a in seen] == [("waiting", None)]


def test_what_on_poll_raises_ends_the_run(answers, naps):
    """Even with [Exception], on_poll can end a run by raising."""
    answers(404)

    def on_poll(attempt):
        if attempt.number == 2:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        poll_until(URL, DONE, on_poll=on_poll, ignore_exceptions=[Exception])
    assert naps == [2]


# poll()


def test_poll_returns_an_attempt_and_never_sleeps(answers, naps):
    """One call is one poll, and says when the next one is due."""
    server = answers(404, (503, "", {"Retry-After": "7"}), 200)
    sleeper = HttSleeper(URL, status_code=200)
    first, second, third = sleeper.poll(), sleeper.poll(), sleeper.poll()
    assert [first.met, second.met, third.met] == [False, False, True]
    assert [a.next_wait for a in (first, second, third)] == [2, 7, None]
    assert [a.number for a in (first, second, third)] == [1, 2, 3]
    assert third.response.status_code == 200
    assert len(server.calls) == 3
    assert naps == []


def test_poll_can_meet_a_404(answers):
    """attempt.met is a bool, also if the response is false."""
    answers(404)
    attempt = HttSleeper(URL, status_code=404).poll()
    assert attempt.met is True
    assert not attempt.response


def test_poll_never_gives_up(timed, naps):
    """Neither polls nor time nor Retry-After are limited."""
    session = timed((6, 503), headers={"Retry-After": "4000"})
    sleeper = HttSleeper(
        URL, status_code=200, session=session, max_retries=1, max_retry_after=1
    )
    assert [sleeper.poll().next_wait for _ in range(3)] == [4000] * 3
    sleeper = HttSleeper(URL, status_code=200, session=session, max_time=1)
    assert sleeper.poll().elapsed == 6


def test_poll_has_the_limits_of_one_request(timed, answers):
    """request_timeout and max_body_size apply."""
    session = timed((6, 200))
    sleeper = HttSleeper(URL, status_code=200, session=session, request_timeout=5)
    with pytest.raises(broken.ReadTimeout):
        sleeper.poll()
    answers("x" * 101)
    with pytest.raises(BodyTooLarge):
        HttSleeper(URL, status_code=200, max_body_size=100).poll()


def test_poll_may_be_told_not_to_look_at_retry_after(answers):
    """max_retry_after=0 applies to poll() as well."""
    answers((503, "", {"Retry-After": "7"}))
    assert HttSleeper(URL, status_code=200, max_retry_after=0).poll().next_wait == 2


def test_poll_raises_an_alarm(answers):
    """An alarm is raised, after on_poll was told."""
    answers(500)
    seen = []
    sleeper = HttSleeper(URL, DONE, {"status_code": 500}, on_poll=seen.append)
    with pytest.raises(Alarm) as info:
        sleeper.poll()
    assert info.value.attempts == 1
    assert [a.outcome for a in seen] == ["alarm"]


def test_poll_ignores_what_is_ignored(answers):
    """An ignored exception is an attempt; another one reaches the caller."""
    answers(REFUSED)
    attempt = HttSleeper(URL, DONE, ignore_exceptions=ConnectionError).poll()
    assert (attempt.outcome, attempt.exception) == ("ignored", REFUSED)
    assert attempt.response is None
    with pytest.raises(broken.ConnectionError):
        HttSleeper(URL, DONE).poll()


def test_poll_counts_a_poll_that_raised(answers):
    """A poll that ended in an exception has had its number."""
    answers(REFUSED, 404)
    sleeper = HttSleeper(URL, DONE)
    with pytest.raises(broken.ConnectionError):
        sleeper.poll()
    assert sleeper.poll().number == 2


def test_poll_keeps_cookies_until_close(answers):
    """From poll to poll the own session has its cookies; close() clears them."""
    server = answers((404, "", {"Set-Cookie": "seen=1"}))
    with HttSleeper(URL, status_code=200) as sleeper:
        sleeper.poll(), sleeper.poll()
    sleeper.poll()
    sent = [call.request.headers.get("Cookie") for call in server.calls]
    assert sent == [None, "seen=1", None]


# sessions


def test_a_run_starts_with_an_empty_jar(answers):
    """Cookies last from poll to poll, and not from run to run."""
    server = answers((404, "", {"Set-Cookie": "seen=1"}))
    sleeper = HttSleeper(URL, status_code=200, max_retries=2)
    for _ in range(2):
        with pytest.raises(GaveUp):
            sleeper.run()
    sent = [call.request.headers.get("Cookie") for call in server.calls]
    assert sent == [None, "seen=1", None, "seen=1"]


def closed(sleeper, monkeypatch):
    count = []
    monkeypatch.setattr(sleeper.session, "close", lambda: count.append(1))
    return count


def test_a_run_closes_a_session_of_its_own(answers, monkeypatch):
    """However a run ends, the connections of its own session are closed."""
    answers(404, 200, REFUSED)
    sleeper = HttSleeper(URL, status_code=200)
    count = closed(sleeper, monkeypatch)
    sleeper.run()
    assert count == [1]
    with pytest.raises(broken.ConnectionError):
        sleeper.run()
    assert count == [1, 1]


def test_a_context_manager_closes_a_session_of_its_own(answers, monkeypatch):
    """Leaving the block closes the session, and poll() does not."""
    answers(404)
    with HttSleeper(URL, status_code=200) as sleeper:
        count = closed(sleeper, monkeypatch)
        sleeper.poll()
        assert count == []
    assert count == [1]


def test_a_session_of_the_callers_is_left_alone(answers, monkeypatch):
    """It is neither closed nor are its cookies cleared, nor anything set in it."""
    session = requests.Session()
    session.cookies.set("a", "b")
    settings = {name: getattr(session, name) for name in session.__attrs__}
    server = answers(404, 200)
    with HttSleeper(
        URL, status_code=200, session=session, auth=("a", "b"), headers={"X": "1"}
    ) as sleeper:
        assert sleeper.session is session
        count = closed(sleeper, monkeypatch)
        sleeper.run()
    assert count == []
    assert server.calls[0].request.headers["Cookie"] == "a=b"
    for name, value in settings.items():
        assert getattr(session, name) is value
    assert "X" not in session.headers
    assert session.auth is None


def test_a_new_header_of_the_callers_session_counts_at_once(answers):
    """A header that on_poll sets on the session is sent with the next poll."""
    session = requests.Session()
    server = answers(404, 200)
    poll_until(
        URL,
        status_code=200,
        session=session,
        on_poll=lambda attempt: session.headers.update({"X-Token": "new"}),
    )
    sent = [call.request.headers.get("X-Token") for call in server.calls]
    assert sent == [None, "new"]


def test_each_sleeper_has_a_session_of_its_own():
    """There is no session that two sleepers share."""
    one, other = HttSleeper(URL, DONE), HttSleeper(URL, DONE)
    assert isinstance(one.session, requests.Session)
    assert one.session is not other.session


def test_what_is_given_for_sending_is_sent(answers):
    """Method, params, body, auth and headers reach the server."""
    server = answers()
    server.post(URL, status=200)
    poll_until(
        requests.Request("POST", URL, params={"a": "b"}, json={"c": "d"}),
        status_code=200,
        auth=("user", "password"),
        headers={"X-A": "1"},
    )
    request = server.calls[0].request
    assert (request.method, request.url) == ("POST", f"{URL}?a=b")
    assert request.body == b'{"c": "d"}'
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-A"] == "1"


@pytest.mark.parametrize("own", [True, False])
def test_redirects_are_followed_unless_not_wanted(answers, own):
    """With allow_redirects=False the redirect itself is the answer."""
    server = answers((302, "", {"Location": "http://server/other"}))
    server.get("http://server/other", status=200)
    session = None if own else requests.Session()
    assert poll_until(URL, status_code=200, session=session).history
    arguments = {"session": session, "allow_redirects": False}
    assert not poll_until(URL, status_code=302, **arguments).history


# what the caller passed, and what can be read


def test_nothing_that_was_passed_is_changed(answers):
    """Dicts, lists, Request and headers of the caller are as they were."""
    answers(404, 200)
    until = {"status_code": "200"}
    alarms = [{"json": {"a": [1]}}]
    headers = {"X-A": "1"}
    ignored = [KeyError]
    request = requests.Request("GET", URL, headers={"X-B": "2"})
    before = dict(vars(request))
    poll_until(
        request,
        until,
        alarms,
        headers=headers,
        ignore_exceptions=ignored,
        auth=("a", "b"),
    )
    assert until == {"status_code": "200"}
    assert alarms == [{"json": {"a": [1]}}]
    assert headers == {"X-A": "1"}
    assert ignored == [KeyError]
    assert vars(request) == before
    assert request.headers == {"X-B": "2"}


def test_a_sleeper_can_be_read():
    """The attributes that existing users read are there."""
    session = requests.Session()
    sleeper = HttSleeper(
        URL,
        {"status_code": "200"},
        [{"text": "x"}],
        session=session,
        verify=False,
        polling_interval=0.5,
        max_retries=7,
        ignore_exceptions=[KeyError, ValueError],
    )
    assert (sleeper.request.method, sleeper.request.url) == ("GET", URL)
    assert sleeper.session is session
    assert sleeper.kwargs == {"verify": False}
    assert sleeper.until == [{"status_code": 200}]
    assert sleeper.alarms == [{"text": "x"}]
    assert sleeper.max_retries == 7
    assert sleeper.polling_interval == 0.5
    assert sleeper.ignore_exceptions == (KeyError, ValueError)


def test_a_sleeper_can_be_read_without_having_been_told_much():
    """The defaults can be read as well."""
    sleeper = HttSleeper(URL, status_code=200, json={})
    assert sleeper.kwargs == {}
    assert sleeper.until == [{"status_code": 200, "json": {}}]
    assert sleeper.alarms == []
    assert sleeper.ignore_exceptions == ()
    assert (sleeper.polling_interval, repr(sleeper.max_retries)) == (2, "50")
    assert repr(sleeper.max_retry_after) == "300"
    assert (sleeper.request_timeout, sleeper.max_body_size) == (30, 16 * 2**20)
    assert sleeper.max_time is sleeper.on_poll is None
    assert sleeper.allow_redirects is True


def test_the_limits_in_force_can_be_read():
    """With max_time the defaults of the other limits give way."""
    sleeper = HttSleeper(URL, status_code=200, max_time=60)
    assert sleeper.max_retries is sleeper.max_retry_after is None
    given = {"max_retries": 50, "max_retry_after": 300}
    sleeper = HttSleeper(URL, status_code=200, max_time=60, **given)
    assert (sleeper.max_retries, sleeper.max_retry_after) == (50, 300)
    none = {"max_retries": None, "max_retry_after": None}
    sleeper = HttSleeper(URL, status_code=200, **none)
    assert sleeper.max_retries is sleeper.max_retry_after is None


def test_conditions_that_are_read_are_copies():
    """Writing into what was read changes nothing."""
    sleeper = HttSleeper(URL, {"json": {"a": [1]}}, {"json": {"b": [1]}})
    sleeper.until[0]["json"]["a"].append(2)
    sleeper.until.append({})
    sleeper.alarms[0]["json"]["b"].append(2)
    assert sleeper.until == [{"json": {"a": [1]}}]
    assert sleeper.alarms == [{"json": {"b": [1]}}]


def test_conditions_can_be_assigned(answers):
    """What is assigned is checked like what was given, and then counts."""
    answers(404)
    sleeper = HttSleeper(URL, status_code=200, max_retries=1)
    sleeper.until = {"status_code": "404"}
    assert sleeper.until == [{"status_code": 404}]
    assert sleeper.run().status_code == 404
    sleeper.alarms = [{"status_code": 404}]
    with pytest.raises(Alarm):
        sleeper.run()
    with pytest.raises(ValueError, match="until is None"):
        sleeper.until = None
    with pytest.raises(ValueError, match="until is "):
        sleeper.until = []
    with pytest.raises(ValueError, match="did you mean 'status_code'"):
        sleeper.alarms = {"status": 404}
    assert sleeper.until == [{"status_code": 404}]
    assert sleeper.alarms == [{"status_code": 404}]


def test_a_subclass_can_add_a_validator(answers):
    """A key of the subclass's own works in until and in alarms."""

    class WithHeader(HttSleeper):
        validators = {  # noqa: RUF012
            **HttSleeper.validators,
            "header": lambda name: (
                lambda answer: (
                    None if name in answer.response.headers else f"no header {name}"
                )
            ),
        }

    answers((200, "", {"X-A": "1"}), (200, "", {"X-B": "1"}))
    sleeper = WithHeader(URL, {"header": "X-B"}, {"header": "X-C"})
    assert "X-B" in sleeper.run().headers
    with pytest.raises(ValueError, match="unknown key 'header'"):
        HttSleeper(URL, {"header": "X-B"})


# what cannot work


def once():
    yield b"x"


REFUSED_ARGUMENTS = [
    ({}, ["no success condition", "until, status_code, json, jsonpath, text, callb"]),
    ({"until": DONE, "json": {}}, ["until and json are given", "not both"]),
    ({"until": DONE, "text": "", "status_code": 1}, ["until and status_code and text"]),
    ({"until": []}, ["until is []", "give at least one condition"]),
    ({"until": ()}, ["until is ()"]),
    ({"until": {}}, ["until is {}", "expects nothing"]),
    ({"until": [{}]}, ["until[0] is {}", "expects nothing"]),
    ({"until": 200}, ["until is 200", "a dict such as"]),
    ({"until": "SUCCESS"}, ["until is 'SUCCESS'"]),
    ({"until": {"status": 200}}, ["until", "'status'", "did you mean 'status_code'?"]),
    ({"until": {"json_path": []}}, ["until", "did you mean 'jsonpath'?"]),
    ({"until": {"status_code": "x"}}, ["until: status_code is 'x'", "such as '2xx'"]),
    ({"status_code": 99}, ["until: status_code is 99", "from 100 to 999"]),
    ({"status_code": True}, ["status_code is True"]),
    ({"text": b"x"}, ["text is b'x'", "str"]),
    ({"jsonpath": "$.a"}, ["jsonpath is '$.a'", "or a list"]),
    ({"jsonpath": []}, ["jsonpath is []"]),
    ({"jsonpath": [{"expression": "$[", "value": 1}]}, ["expression is '$['"]),
    ({"callback": 5}, ["callback is 5", "a callable"]),
    ({"alarms": 500}, ["alarms is 500", "a dict such as"]),
    ({"alarms": {}}, ["alarms is {}", "expects nothing"]),
    ({"alarms": [DONE, {"stats_code": 1}]}, ["alarms[1]", "did you mean 'status_co"]),
    ({"url_or_request": "server/endpoint"}, ["url_or_request", "a whole URL such as"]),
    ({"url_or_request": "ftp://server/"}, ["url_or_request", "not http or https"]),
    ({"url_or_request": None}, ["url_or_request", "a URL or a requests.Request"]),
    ({"url_or_request": requests.Request(url=URL)}, ["has no valid method", "'GET'"]),
    (
        {"url_or_request": requests.Request("POST", URL, data=once())},
        ["url_or_request", "data can be sent only once", "give bytes"],
    ),
    ({"auth": "user:password"}, ["auth is a str", "a (user, password) tuple"]),
    ({"headers": "X-A: 1"}, ["headers is a str: give a dict"]),
    ({"headers": {"X-A": 1}}, ["headers: 'X-A'", "str or bytes"]),
    ({"headers": {5: "a"}}, ["headers: 5", "str or bytes"]),
    ({"session": "session"}, ["session is", "give a requests.Session"]),
    ({"verify": "/no/such/file"}, ["verify is '/no/such/file'", "that exists"]),
    ({"verify": 1}, ["verify is 1", "True, False, or the path"]),
    ({"allow_redirects": 1}, ["allow_redirects is 1", "True or False"]),
    ({"allow_redirects": None}, ["allow_redirects is None", "True or False"]),
    *(
        ({name: value}, [f"{name} is {value!r}", "give seconds"])
        for name in (
            *("polling_interval", "max_time", "request_timeout", "max_retry_after"),
        )
        for value in ("5", math.nan, math.inf, -1, True, 10**10, [5], (3, 27))
    ),
    ({"polling_interval": None}, ["polling_interval is None", "give seconds"]),
    ({"max_time": 0}, ["max_time is 0", "above 0"]),
    ({"max_time": 10**400}, ["max_time is ", "give seconds"]),
    ({"request_timeout": 0}, ["request_timeout is 0", "above 0"]),
    (
        {"request_timeout": (3, 27)},
        ["(connect, read)", "neither of these limits how long"],
    ),
    *(
        ({name: value}, [f"{name} is {value!r}", "an int of at least 1, or None"])
        for name in ("max_retries", "max_body_size")
        for value in (0, -1, 1.0, True, "5", math.inf)
    ),
    ({"ignore_exceptions": "KeyError"}, ["ignore_exceptions is 'KeyError'"]),
    ({"ignore_exceptions": [int]}, ["ignore_exceptions is <class 'int'>"]),
    ({"ignore_exceptions": KeyboardInterrupt}, ["KeyboardInterrupt", "Exception or"]),
    ({"on_poll": "print"}, ["on_poll is 'print'", "a callable"]),
]


@pytest.mark.parametrize(
    ("arguments", "words"),
    REFUSED_ARGUMENTS,
    ids=[
        f"{number} {' '.join(arguments)}"
        for number, (arguments, _) in enumerate(REFUSED_ARGUMENTS)
    ],
)
@pytest.mark.parametrize("use", [HttSleeper, poll_until], ids=["class", "function"])
def test_an_argument_that_cannot_work_is_refused(server, naps, use, arguments, words):
    """A ValueError names argument, value and what is right; nothing is sent."""
    arguments = {"url_or_request": URL, **arguments}
    shorthand = {"until", "status_code", "json", "jsonpath", "text", "callback"}
    if not shorthand & set(arguments) and set(arguments) != {"url_or_request"}:
        arguments["status_code"] = 200
    if "success" in words[0]:
        arguments.pop("status_code", None)
    with pytest.raises(ValueError, match=re.escape(words[0])) as info:
        use(**arguments)
    for word in words:
        assert word in str(info.value)
    assert len(server.calls) == 0
    assert naps == []
    assert str(info.value).isprintable()


def test_what_python_refuses_is_a_type_error():
    """An unknown or missing argument is a TypeError."""
    with pytest.raises(TypeError):
        HttSleeper()
    with pytest.raises(TypeError):
        poll_until(URL, status=200)


# logging


def test_a_run_is_logged(answers, caplog):
    """INFO for start and end, DEBUG for each poll, all on the logger httsleep."""
    caplog.set_level(logging.DEBUG, "httsleep")
    answers(503, 200)
    poll_until(URL, status_code=200)
    assert caplog.record_tuples == [
        ("httsleep", logging.INFO, "GET http://server/endpoint: polling"),
        (
            "httsleep",
            logging.DEBUG,
            "GET http://server/endpoint: poll 1: waiting: "
            "status_code is 503, not 200; next in 2 s",
        ),
        ("httsleep", logging.DEBUG, "GET http://server/endpoint: poll 2: met: 200 OK"),
        (
            "httsleep",
            logging.INFO,
            "GET http://server/endpoint: success after 2 polls in 2 s",
        ),
    ]


@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        ({"max_retries": 1}, "ended after 1 poll in 0 s: max_retries=1 is reached"),
        ({"alarms": {"status_code": 503}}, "ended after 1 poll in 0 s: Alarm"),
        ({"on_poll": lambda attempt: {}["x"]}, "ended after 1 poll in 0 s: KeyError"),
    ],
    ids=["GaveUp", "Alarm", "on_poll"],
)
def test_how_a_run_ended_is_logged(answers, caplog, arguments, end):
    """The last INFO line says why a run ended."""
    caplog.set_level(logging.INFO, "httsleep")
    answers(503)
    with pytest.raises((GaveUp, Alarm, KeyError)):
        poll_until(URL, status_code=200, **arguments)
    assert caplog.messages[-1] == f"GET http://server/endpoint: {end}"


def test_log_arguments_are_lazy(answers, caplog):
    """Texts are made only for those who listen: each record has its arguments."""
    caplog.set_level(logging.DEBUG, "httsleep")
    answers(503, 200)
    poll_until(URL, status_code=200)
    assert all(record.args and "%s" in record.msg for record in caplog.records)


def test_a_server_cannot_forge_a_log_line(answers, caplog):
    """A newline in an answer does not make a line of its own."""
    caplog.set_level(logging.DEBUG, "httsleep")
    answers("x\nINFO forged\r\n\x1b[2J", "done")
    poll_until(URL, text="done")
    assert len(caplog.messages) == 4
    assert all(message.isprintable() for message in caplog.messages)


def test_no_level_is_set():
    """Without loglevel the level of no logger is touched."""
    before = logging.root.level, logging.getLogger("httsleep").level
    HttSleeper(URL, DONE)
    assert (logging.root.level, logging.getLogger("httsleep").level) == before
    assert before[1] == logging.NOTSET


@pytest.mark.parametrize("level", [logging.DEBUG, "DEBUG"])
@pytest.mark.parametrize("use", [HttSleeper, poll_until], ids=["class", "function"])
def test_loglevel_is_deprecated(answers, level, use):
    """It sets the level of our logger only, and the warning says what to do instead."""
    answers(200)
    root = logging.root.level
    with pytest.warns(DeprecationWarning, match=r"getLogger\('httsleep'\)") as caught:
        use(URL, status_code=200, loglevel=level)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert logging.getLogger("httsleep").level == logging.DEBUG
    assert logging.root.level == root


@pytest.mark.parametrize("level", ["LOUD", [], 1.5])
def test_a_loglevel_that_is_none_is_refused(level):
    """A level that logging does not know is a ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"^loglevel is .*: give a level") as info:
            HttSleeper(URL, status_code=200, loglevel=level)
    assert re.escape(repr(level)) in re.escape(str(info.value))


def test_what_is_printed_shows_no_url_of_requests(answers):
    """The whole traceback of a GaveUp has none of requests' own texts."""
    answers(broken.ConnectionError("HTTPConnectionPool: /endpoint?token=secret"))
    error = gave_up(URL, DONE, ignore_exceptions=ConnectionError, max_retries=2)
    assert "secret" not in "".join(traceback.format_exception(error))


# pending


def test_an_unexpected_answer_ends_the_run(answers, naps):
    """What is no alarm, no success and not pending is an Alarm of its own at once."""
    answers(503, (200, {"status": "PAUSED"}))
    with pytest.raises(UnexpectedResponse) as info:
        poll_until(
            URL, json=SUCCESS, alarms={"text": "no"}, pending={"status_code": 503}
        )
    error = info.value
    assert isinstance(error, Alarm)
    assert (error.alarm, error.attempts, naps) == (None, 2, [2])
    assert error.response.json() == {"status": "PAUSED"}
    text = str(error)
    assert "got an unexpected answer after 2 polls" in text
    assert "not met: json is {'status': 'PAUSED'}, not {'status': 'SUCCESS'}" in text
    assert "not pending: status_code is 200, not 503" in text
    assert pickle.loads(pickle.dumps(error)).alarm is None


def test_ignored_exceptions_are_no_answers(answers):
    """What was ignored need not be pending."""
    answers(REFUSED, SUCCESS)
    response = poll_until(
        URL, json=SUCCESS, pending=[], ignore_exceptions=ConnectionError
    )
    assert response.status_code == 200


def test_on_poll_sees_an_unexpected_answer_as_an_alarm(answers):
    """Its outcome is ``'alarm'``."""
    answers(404)
    seen = []
    with pytest.raises(UnexpectedResponse):
        poll_until(URL, status_code=200, pending=[], on_poll=seen.append)
    assert [attempt.outcome for attempt in seen] == ["alarm"]


def test_pending_can_be_read_and_assigned(answers):
    """A copy can be read, and what is assigned is checked."""
    sleeper = HttSleeper(URL, status_code=200)
    assert sleeper.pending is None
    sleeper.pending = {"status_code": "503"}
    assert sleeper.pending == [{"status_code": 503}]
    with pytest.raises(ValueError, match=r"^pending is .* did you mean 'status_code'"):
        sleeper.pending = {"statuscode": 503}
    assert sleeper.pending == [{"status_code": 503}]
    sleeper.pending = None
    assert sleeper.pending is None


def test_nothing_counts_in_pending():
    """``consecutive`` leads to an end, which pending is not."""
    with pytest.raises(ValueError, match=r"^pending is .* leave it out"):
        HttSleeper(URL, status_code=200, pending={"text": "", "consecutive": 2})


# consecutive

STABLE = {"status_code": 200, "consecutive": 3}


def test_a_run_waits_for_answers_in_a_row(answers, naps):
    """Other answers and ignored exceptions start the count again."""
    answers(200, 200, 503, 200, 200, REFUSED, 200, 200, 200)
    reasons = []
    poll_until(
        URL,
        until=STABLE,
        ignore_exceptions=ConnectionError,
        on_poll=lambda attempt: reasons.append(attempt.reasons[:1]),
    )
    assert len(naps) == 8
    assert reasons[4:] == [
        ("2 of 3 in a row",),
        (),
        ("1 of 3 in a row",),
        ("2 of 3 in a row",),
        (),
    ]


def test_an_alarm_may_be_tolerated(answers, naps):
    """An alarm that is met twice in a row is one, a single one is not."""
    answers(503, 200, 503, 503)
    alarm = {"status_code": 503, "consecutive": 2}
    with pytest.raises(Alarm) as info:
        poll_until(URL, text="never", alarms=alarm)
    assert (info.value.alarm, info.value.attempts) == (alarm, 4)


def test_a_run_counts_from_nothing(answers):
    """What an earlier run or poll counted does not matter to a run."""
    server = answers(200)
    sleeper = HttSleeper(URL, until=STABLE)
    sleeper.run()
    sleeper.poll()
    sleeper.run()
    assert len(server.calls) == 3 + 1 + 3


def test_poll_keeps_its_counts(answers):
    """From one poll to the next, in a pickle too, until ``until`` is assigned."""
    answers(200)
    sleeper = HttSleeper(URL, until=STABLE)
    assert sleeper.poll().reasons == ("1 of 3 in a row",)
    sleeper = pickle.loads(pickle.dumps(sleeper))
    assert sleeper.poll().reasons == ("2 of 3 in a row",)
    sleeper.run()
    sleeper.alarms, sleeper.pending = {"text": "x"}, {"text": ""}
    assert sleeper.poll().met
    sleeper.until = sleeper.until
    assert sleeper.poll().reasons == ("1 of 3 in a row",)


def test_a_sleeper_pickles(answers):
    """All that was given survives, and it polls as before."""
    answers(503, REFUSED, SUCCESS)
    sleeper = HttSleeper(
        URL,
        until={"json": SUCCESS, "status_code": "200"},
        alarms=[{"status_code": 500}],
        pending={"status_code": "5xx"},
        ignore_exceptions=[ConnectionError],
        polling_interval=exponential(1),
        headers={"X-Token": "a"},
    )
    again = pickle.loads(pickle.dumps(sleeper))
    for name in ("until", "alarms", "pending", "ignore_exceptions", "polling_interval"):
        assert getattr(again, name) == getattr(sleeper, name)
    assert again.request.headers == {"X-Token": "a"}
    assert again.run().json() == SUCCESS


# cancel


def test_a_run_that_is_cancelled_before_it_begins_sends_nothing(answers, naps):
    """An event that is set already ends the run at once."""
    server, cancel = answers(503), threading.Event()
    cancel.set()
    with pytest.raises(Cancelled) as info:
        poll_until(URL, status_code=200, cancel=cancel)
    error = info.value
    assert (len(server.calls), naps) == (0, [])
    assert (error.attempts, error.response, error.limit) == (0, None, "cancel")
    assert not isinstance(error, GaveUp)


def test_a_wait_ends_when_it_is_cancelled(answers, naps):
    """The wait is one for the event, and the last answer and its reasons are told."""
    answers(503)

    class Event(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            self.set()
            return True

    waits = []
    with pytest.raises(Cancelled) as info:
        poll_until(URL, status_code=200, cancel=Event())
    error = info.value
    assert (waits, naps) == ([2], [])
    assert error.response.status_code == 503
    assert error.reasons == ("status_code is 503, not 200",)
    assert "stopped after 1 poll" in str(error)
    assert pickle.loads(pickle.dumps(error)).reasons == error.reasons


def test_a_verdict_goes_before_a_cancellation(answers):
    """The answer that a request under way brings still counts."""
    answers(200)
    cancel = threading.Event()
    response = poll_until(
        URL, status_code=200, cancel=cancel, on_poll=lambda _: cancel.set()
    )
    assert response.status_code == 200


def test_poll_does_not_look_at_cancel(answers):
    """One poll is short enough."""
    answers(503)
    cancel = threading.Event()
    cancel.set()
    assert HttSleeper(URL, status_code=200, cancel=cancel).poll().outcome == "waiting"


@pytest.mark.parametrize("cancel", [True, threading.Event, threading.Lock()])
def test_what_cannot_cancel_is_refused(cancel):
    """``cancel`` is a threading.Event."""
    with pytest.raises(ValueError, match=r"^cancel is .* give a threading.Event"):
        HttSleeper(URL, status_code=200, cancel=cancel)


# a server that always says something new


def test_the_tally_is_bounded(answers):
    """Of a thousand different answers the text tells a few, and memory holds a few."""
    answers(*range(200, 300), *range(400, 500))
    error = gave_up(URL, text="never", max_retries=200)
    assert len(str(error).splitlines()) < 12
    assert "more" in str(error)
    assert len(str(error)) < 1000
