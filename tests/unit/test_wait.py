import logging
import math
import pickle
import ssl
import threading
import traceback
from contextlib import nullcontext
from datetime import timedelta

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


def gave_up(*args, **kwargs):
    """Return the GaveUp that a wait ends with."""
    with pytest.raises(GaveUp) as info:
        poll_until(*args, **kwargs)
    return info.value


# One poll after the other.


def test_a_success_at_once_needs_no_sleep(answers, naps):
    """If the first answer is a success, it is returned without a sleep."""
    server = answers(200)
    response = poll_until(URL, status_code=200)
    assert isinstance(response, requests.Response)
    assert len(server.calls) == 1
    assert naps == []


def test_a_run_polls_until_the_answer_is_a_success(answers, naps):
    """A run sleeps for two seconds after each poll that is no success."""
    server = answers(503, RUNNING, SUCCESS)
    assert poll_until(URL, DONE).json() == SUCCESS
    assert len(server.calls) == 3
    assert naps == [2, 2]


def test_the_example_of_the_readme(answers, naps):
    """The README's example waits through refused connections, 503 and RUNNING."""
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
def test_an_alarm_ends_a_run(answers, naps, answer, alarm):
    """An answer that meets an alarm is raised together with that alarm."""
    answers(RUNNING, answer)
    with pytest.raises(Alarm) as info:
        poll_until(URL, DONE, [{"status_code": 500}, {"json": {"status": "TIMEOUT"}}])
    assert type(info.value) is Alarm
    assert info.value.alarm == alarm
    assert str(info.value).startswith("met an alarm")
    assert str(alarm) in str(info.value)
    assert "after 2 polls in 2 s" in str(info.value)
    assert info.value.response.status_code == (answer if answer == 500 else 200)
    assert (info.value.attempts, info.value.elapsed, naps) == (2, 2, [2])


def test_a_404_can_be_the_success(answers):
    """A 404, for which bool(response) is False, is a success if it is expected."""
    answers(200, 404)
    assert poll_until(URL, status_code=404).status_code == 404
    attempt = HttSleeper(URL, status_code=404).poll()
    assert attempt.met is True
    assert not attempt.response


def test_two_runs_in_two_threads_are_independent(stub_session, make_response):
    """Runs of two sleepers at the same time share no answers, polls or time."""
    results = {}

    def run(status):
        session = stub_session(lambda **_: make_response(status))
        arguments = {"session": session, "polling_interval": 0, "max_retries": 30}
        results[status] = gave_up(URL, status_code=200, **arguments)

    threads = [threading.Thread(target=run, args=(status,)) for status in (404, 503)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for status, error in results.items():
        assert error.attempts == 30
        assert error.reasons == (f"status_code is {status}, not 200",)
    assert len(results) == 2


# max_retries.


def test_a_run_makes_max_retries_polls(answers, naps):
    """A run gives up after exactly max_retries polls, without another sleep."""
    server = answers(404)
    error = gave_up(URL, status_code=200, max_retries=20)
    assert (error.attempts, error.limit) == (20, "max_retries")
    assert len(server.calls) == 20
    assert naps == [2] * 19
    assert "gave up after 20 polls in 38 s: max_retries=20 is reached" in str(error)


def test_a_run_without_limits_makes_fifty_polls(answers, naps):
    """If no limit is given, a run gives up after 50 polls."""
    answers(404)
    error = gave_up(URL, status_code=200)
    assert (error.attempts, error.limit, len(naps)) == (50, "max_retries", 49)


def test_max_retries_none_is_no_limit(answers, naps):
    """With max_retries=None a run ends with an answer only."""
    answers(*[404] * 60, 200)
    assert poll_until(URL, status_code=200, max_retries=None)
    assert len(naps) == 60


def test_a_refused_connection_is_a_poll(answers):
    """A poll without an answer counts towards max_retries."""
    server = answers(REFUSED)
    error = gave_up(URL, DONE, ignore_exceptions=ConnectionError, max_retries=3)
    assert error.attempts == len(server.calls) == 3


@pytest.mark.parametrize(
    ("method", "status", "headers", "note"),
    [
        ("POST", 202, {"Location": "/jobs/7"}, " (its Location is not followed)"),
        ("PUT", 201, {"location": "/jobs/7"}, " (its Location is not followed)"),
        ("POST", 202, {}, ""),
        ("POST", 503, {"Location": "/jobs/7"}, ""),
        ("GET", 202, {"Location": "/jobs/7"}, ""),
        ("get", 202, {"Location": "/jobs/7"}, ""),
        ("HEAD", 202, {"Location": "/jobs/7"}, ""),
    ],
)
def test_a_post_that_is_sent_again_is_told_of_the_location(
    server, naps, method, status, headers, note
):
    """Without follow, the reasons say that the answer names a URL."""
    server.add(method.upper(), URL, status=status, headers=headers)
    request = requests.Request(method, URL)
    error = gave_up(request, status_code=200, max_retries=2)
    assert error.reasons == (f"status_code is {status}, not 200{note}",)


# Exceptions of requests and callbacks.


def test_an_exception_that_is_not_ignored_reaches_the_caller(answers, naps):
    """The caller gets the exception of requests itself, with a note on the wait."""
    refused = broken.ConnectionError(ConnectionRefusedError())
    answers(404, refused)
    with pytest.raises(broken.ConnectionError) as info:
        poll_until(URL, status_code=200, ignore_exceptions=TimeoutError)
    assert info.value is refused
    assert info.value.__notes__ == [
        "failed after 2 polls in 2 s: ConnectionError: connection refused\n"
        "  GET http://server/endpoint\n"
        "  ignore_exceptions=[ConnectionError] would make it poll on"
    ]
    assert naps == [2]


def test_a_refused_certificate_proposes_nothing_to_ignore(answers):
    """The note says only why, where and when, because a wait does not repair it."""
    answers(broken.SSLError(ssl.SSLCertVerificationError()))
    with pytest.raises(broken.SSLError) as info:
        poll_until(URL, status_code=200)
    assert info.value.__notes__ == [
        "failed after 1 poll in 0 s: SSLError: certificate not accepted\n"
        "  GET http://server/endpoint"
    ]


def test_an_exception_of_a_session_gets_no_note(stub_session):
    """An exception that a session raises, and that is not requests', has no note."""

    def fail(**_):
        raise KeyError("token")

    with pytest.raises(KeyError) as info:
        poll_until(URL, status_code=200, session=stub_session(fail))
    assert not hasattr(info.value, "__notes__")


def test_an_exception_of_a_callback_has_notes(answers):
    """Notes on what a check raises name the condition, the poll and the answer."""
    answers(503, (200, "text"))
    until = [{"status_code": 201}, {"callback": lambda response: response.json()["x"]}]
    until[1]["status_code"] = 200
    with pytest.raises(broken.JSONDecodeError) as info:
        poll_until(URL, until)
    assert info.value.__notes__ == [
        "raised by 'callback' in until[1]",
        "poll 2 was answered 200 OK\n  text/html, 4 bytes\n  GET http://server/endpoint",
    ]


def test_a_callback_that_fails_for_an_error_page_is_told_to_ask_for_a_status(answers):
    """The first answer of many waits is a 503, which has no JSON."""
    answers(503)
    with pytest.raises(broken.JSONDecodeError) as info:
        poll_until(URL, callback=lambda response: response.json()["x"])
    note = info.value.__notes__[0]
    assert note.startswith(
        "raised by 'callback' in until\n  with status_code=200 beside"
    )


def test_an_exception_of_a_callback_can_be_ignored(answers, naps):
    """A callback that raises an ignored exception is a condition that is not met."""
    answers({}, SUCCESS)
    response = poll_until(
        URL, callback=lambda r: r.json()["status"], ignore_exceptions=KeyError
    )
    assert response.json() == SUCCESS
    assert naps == [2]


@pytest.mark.parametrize("given", [Exception, [Exception], (Exception, GaveUp, Alarm)])
def test_alarms_and_limits_are_never_ignored(answers, given):
    """Alarm and GaveUp end a run even if ignore_exceptions names them."""
    answers(REFUSED, 500)
    ignoring = {"ignore_exceptions": given, "max_retries": 3}
    assert gave_up(URL, status_code=200, **ignoring).attempts == 3
    with pytest.raises(Alarm):
        poll_until(URL, {"status_code": 200}, {"status_code": 500}, **ignoring)


def test_a_keyboard_interrupt_is_never_ignored(stub_session):
    """A KeyboardInterrupt during a request ends a run that ignores Exception."""

    def interrupt(**_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        poll_until(
            URL,
            status_code=200,
            session=stub_session(interrupt),
            ignore_exceptions=Exception,
        )


def test_a_body_that_is_too_large_can_be_ignored(answers):
    """A run that ignores BodyTooLarge goes on after a body that is too large."""
    answers("x" * 101, "x" * 100)
    arguments = {"max_body_size": 100, "ignore_exceptions": BodyTooLarge}
    assert len(poll_until(URL, status_code=200, **arguments).text) == 100


def test_a_traceback_has_no_text_of_requests(answers):
    """The traceback of a GaveUp shows no URL from the text of an ignored exception."""
    answers(broken.ConnectionError("HTTPConnectionPool: /endpoint?token=secret"))
    error = gave_up(URL, DONE, ignore_exceptions=ConnectionError, max_retries=2)
    assert "secret" not in "".join(traceback.format_exception(error))


# polling_interval.


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
    """polling_interval takes seconds, a timedelta, or a callable with the attempt."""
    answers(404)
    gave_up(URL, status_code=200, polling_interval=interval, max_retries=4)
    assert naps == waits


def test_an_interval_begins_at_the_end_of_a_poll(timed, naps):
    """The time that a request takes is no part of the interval after it."""
    session = timed((5, 404))
    error = gave_up(URL, status_code=200, session=session, max_retries=3)
    assert naps == [2, 2]
    assert session.starts == [0, 7, 14]
    assert error.elapsed == 19


def test_an_interval_is_computed_from_an_attempt_without_a_wait(answers):
    """While a callable computes the interval, next_wait of its attempt is None."""
    answers(404, 200)
    seen = []
    poll_until(URL, status_code=200, polling_interval=lambda a: seen.append(a) or 1)
    (attempt,) = seen
    assert attempt.next_wait is None
    assert attempt.outcome == "waiting"


@pytest.mark.parametrize(
    ("answer", "arguments", "end"),
    [
        (200, {}, nullcontext()),
        (500, {}, pytest.raises(Alarm)),
        (404, {"max_retries": 1}, pytest.raises(GaveUp)),
        (
            (503, "", {"Retry-After": "9"}),
            {"max_retry_after": 8},
            pytest.raises(GaveUp),
        ),
    ],
    ids=["success", "alarm", "max_retries", "max_retry_after"],
)
def test_no_interval_is_computed_after_the_last_poll(answers, answer, arguments, end):
    """The polling_interval callable is not called for a poll that ends the run."""
    answers(answer)
    seen = []
    with end:
        poll_until(
            URL,
            {"status_code": 200},
            {"status_code": 500},
            polling_interval=seen.append,
            **arguments,
        )
    assert seen == []


@pytest.mark.parametrize("nonsense", ["2", None, -1, math.nan, math.inf, True])
def test_an_interval_that_computes_nonsense_is_refused(answers, naps, nonsense):
    """A callable that returns no seconds is a ValueError that shows the value."""
    answers(404)
    with pytest.raises(
        ValueError, match=r"^the result of polling_interval is "
    ) as info:
        poll_until(URL, status_code=200, polling_interval=lambda attempt: nonsense)
    assert repr(nonsense) in str(info.value)
    assert naps == []


# Retry-After.


@pytest.mark.parametrize("status", [200, 202, 429, 503])
def test_retry_after_lengthens_the_next_wait(answers, naps, status):
    """Whatever its status is, an answer can make the next wait longer, and only it."""
    answers((status, "", {"Retry-After": "7"}), 404, 201)
    poll_until(URL, status_code=201)
    assert naps == [7, 2]


def test_retry_after_shortens_no_wait(answers, naps):
    """A polling_interval that is longer than Retry-After is kept."""
    answers((503, "", {"Retry-After": "7"}), 200)
    poll_until(URL, status_code=200, polling_interval=10)
    assert naps == [10]


def test_retry_after_beyond_its_limit_ends_a_run(answers, naps):
    """By default a run sleeps for a Retry-After of 300 s, and gives up on 301 s."""
    answers((503, "", {"Retry-After": "300"}), (503, "", {"Retry-After": "301"}))
    error = gave_up(URL, status_code=200)
    assert naps == [300]
    assert (error.limit, error.attempts) == ("max_retry_after", 2)
    assert "Retry-After asks for 301 s, max_retry_after=300 s" in str(error)


def test_the_limit_of_retry_after_is_an_argument(answers):
    """A Retry-After that is 1 s longer than max_retry_after ends a run."""
    answers((503, "", {"Retry-After": "400"}), 200)
    limit = timedelta(seconds=399)
    assert gave_up(URL, status_code=200, max_retry_after=limit).attempts == 1


@pytest.mark.parametrize(
    ("limit", "asked", "nap"), [(400, "400", 400), (None, "9" * 400, 10**9)]
)
def test_retry_after_within_its_limit_is_waited(answers, naps, limit, asked, nap):
    """A Retry-After up to max_retry_after is slept; with None any that can be."""
    answers((503, "", {"Retry-After": asked}), 200)
    poll_until(URL, status_code=200, max_retry_after=limit)
    assert naps == [nap]


def test_retry_after_can_be_switched_off(answers, naps):
    """With max_retry_after=0 neither run() nor poll() looks at Retry-After."""
    answers((503, "", {"Retry-After": "400"}))
    arguments = {"status_code": 200, "max_retry_after": 0}
    assert HttSleeper(URL, **arguments).poll().next_wait == 2
    gave_up(URL, max_retries=2, **arguments)
    assert naps == [2]


def test_retry_after_of_an_answer_that_ends_a_run_is_not_looked_at(answers, naps):
    """A Retry-After on a success or an alarm has no effect."""
    answers((503, "", {"Retry-After": "400"}))
    poll_until(URL, status_code=503)
    with pytest.raises(Alarm):
        poll_until(URL, {"status_code": 200}, {"status_code": 503})
    assert naps == []


def test_retry_after_of_an_earlier_answer_has_no_effect(answers, naps):
    """After a poll without an answer the wait is the interval again."""
    answers((503, "", {"Retry-After": "7"}), REFUSED, 200)
    poll_until(URL, status_code=200, ignore_exceptions=ConnectionError)
    assert naps == [7, 2]


def test_retry_after_beyond_max_time_moves_to_the_last_moment(answers, naps):
    """With max_time a longer Retry-After leads to one poll at the last-poll moment."""
    answers((503, "", {"Retry-After": "400"}), 503)
    error = gave_up(URL, status_code=200, max_time=20)
    assert naps == [19.9]
    assert error.limit == "max_time"


def test_both_limits_on_retry_after_count(answers):
    """A max_retry_after that is given counts beside max_time."""
    answers((503, "", {"Retry-After": "15"}))
    error = gave_up(URL, status_code=200, max_time=20, max_retry_after=10)
    assert (error.limit, error.attempts) == ("max_retry_after", 1)


# max_time: test_limits.py has the rule, these tests the wait that follows it.


def test_max_time_ends_a_run(answers, naps):
    """With polls that take no time the last one is 0.1 s before max_time."""
    answers(404)
    error = gave_up(URL, status_code=200, max_time=7)
    assert naps == pytest.approx([2, 2, 2, 0.9])
    assert (error.limit, error.attempts) == ("max_time", 5)
    assert error.elapsed == pytest.approx(6.9)
    assert "max_time=7 s leaves no time for another poll" in str(error)


def test_max_time_takes_away_the_default_limit_of_polls(answers):
    """With max_time the limit of 50 polls counts only if it is given."""
    answers(404)
    error = gave_up(URL, status_code=200, max_time=timedelta(minutes=10))
    assert error.attempts == 301
    error = gave_up(URL, status_code=200, max_time=600, max_retries=50)
    assert (error.attempts, error.limit) == (50, "max_retries")


def test_max_time_begins_with_each_run(timed):
    """The time before a run, and that of an earlier run, is no part of max_time."""
    session = timed((0, 404))
    sleeper = HttSleeper(URL, status_code=200, session=session, max_time=7)
    for number in (1, 2):
        with pytest.raises(GaveUp) as info:
            sleeper.run()
        assert len(session.starts) == 5 * number
        assert info.value.elapsed == pytest.approx(6.9)


def test_the_shortest_max_time_has_one_poll(answers):
    """A max_time that is over as soon as the run begins leaves it the first poll."""
    answers(404)
    error = gave_up(URL, status_code=200, max_time=0.0005)
    assert (error.attempts, error.limit) == (1, "max_time")


def test_a_slow_poll_moves_the_last_one_while_it_is_recent(timed):
    """A poll of 4 s moves the last poll to 1.5 times 4 s before max_time.

    It does so no more after three faster ones.
    """
    arguments = {"status_code": 200, "max_time": 20}
    session = timed((4, 404), (1, 404))
    gave_up(URL, session=session, polling_interval=3, **arguments)
    assert session.starts == pytest.approx([0, 7, 14, 18])
    session = timed((4, 404), (1, 404))
    gave_up(URL, session=session, polling_interval=1, **arguments)
    assert session.starts == pytest.approx([0, 5, 7, 9, 11, 13, 15, 17, 18.5])


def test_a_slow_first_answer_does_not_halve_max_time(timed):
    """A job that is done after 4 s of 6 s is seen, although the first poll took 2 s."""
    session = timed((2, 404), *[(0.01, 404)] * 5, (0.01, 200))
    arguments = {"max_time": 6, "polling_interval": 0.2}
    assert poll_until(URL, status_code=200, session=session, **arguments)
    assert session.starts[:3] == pytest.approx([0, 3, 3.21])


def test_a_request_that_hangs_costs_its_own_time_only(timed):
    """A first request that is cut off after 30 s of 60 s delays no other poll."""
    session = timed((100, 404), (0, 404))
    arguments = {"max_time": 60, "ignore_exceptions": TimeoutError}
    gave_up(URL, status_code=200, session=session, **arguments)
    assert session.starts[:3] == [0, 32, 34]
    assert session.starts[-1] == pytest.approx(59.9)


def test_nothing_sleeps_when_no_poll_can_follow(timed, naps):
    """A poll after which no other fits ends the run without a sleep."""
    session = timed((9.95, 404))
    error = gave_up(URL, status_code=200, session=session, max_time=10)
    assert naps == []
    assert (error.attempts, error.limit) == (1, "max_time")
    assert "max_time=10 s leaves no time for another poll" in str(error)


def test_a_check_that_takes_long_is_part_of_the_poll(answers, naps, clock):
    """The time that a callback takes counts as time of the poll."""
    answers(404)

    def callback(response):
        clock.now += 4

    error = gave_up(URL, callback=callback, max_time=20)
    assert naps == [2, 4]  # the polls are at 0, 6 and 20 - 1.5 * 4
    assert error.elapsed == 18


@pytest.mark.parametrize("kind", [broken.ReadTimeout, broken.ConnectTimeout])
def test_a_request_that_max_time_cuts_off_ends_the_run(
    stub_session, make_response, clock, kind
):
    """A request gets the time that is left, and its timeout is then a GaveUp."""

    def answer(timeout, **_):
        clock.now += 1 if len(session.sent) == 1 else timeout
        if len(session.sent) > 1:
            raise kind
        return make_response(404)

    session = stub_session(answer)
    error = gave_up(URL, status_code=200, session=session, max_time=10)
    assert [each["timeout"] for each in session.sent] == [10, 7]
    assert (error.elapsed, error.limit, error.attempts) == (10, "max_time", 2)
    assert error.response.status_code == 404
    assert error.reasons == ("status_code is 404, not 200",)
    assert isinstance(error.exception, kind)
    assert "max_time=10 s is over" in str(error)
    assert f"1 x {kind.__name__}" in str(error)


def test_a_first_request_that_is_cut_off_leaves_no_answer(timed):
    """If max_time cuts off the only request, GaveUp has no response."""
    session = timed((100, 200))
    error = gave_up(URL, status_code=200, session=session, max_time=10)
    assert error.response is None
    assert (error.attempts, error.elapsed, error.reasons) == (1, 10, ())


def test_a_failure_at_the_end_of_max_time_reaches_the_caller(stub_session, clock):
    """Only a timeout at the end of max_time is a GaveUp; TooManyRedirects is not."""

    def redirect(timeout, **_):
        clock.now += timeout
        raise broken.TooManyRedirects

    with pytest.raises(broken.TooManyRedirects):
        poll_until(URL, status_code=200, session=stub_session(redirect), max_time=10)


def test_a_success_just_before_max_time_is_a_success(timed):
    """An answer that comes before max_time is over is judged."""
    session = timed((9.9, 200))
    assert poll_until(URL, status_code=200, session=session, max_time=10)


def test_a_sleep_that_lasts_too_long_ends_a_run(answers, clock, monkeypatch):
    """If a sleep ends after max_time, no request follows it."""
    server = answers(404)

    def oversleep(seconds):
        clock.sleep(seconds + 60)

    monkeypatch.setattr(httsleep.main, "sleep", oversleep)
    error = gave_up(URL, status_code=200, max_time=10)
    assert len(server.calls) == error.attempts == 1
    assert error.limit == "max_time"
    assert "max_time=10 s is over" in str(error)


@pytest.mark.parametrize(
    ("seconds", "sleeps"),
    [(3, [6.9]), (9.95, []), (11, [])],
    ids=["a little", "past the last moment", "past max_time"],
)
def test_an_on_poll_that_takes_long_counts(answers, naps, clock, seconds, sleeps):
    """The time that on_poll takes shortens the sleep after it, or ends the run."""
    answers(404)

    def on_poll(attempt):
        clock.now += seconds

    arguments = {"max_time": 10, "polling_interval": 8, "on_poll": on_poll}
    error = gave_up(URL, status_code=200, **arguments)
    assert naps == pytest.approx(sleeps)
    assert (error.attempts, error.limit) == (len(sleeps) + 1, "max_time")


# request_timeout.


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
    """A request gets request_timeout, 30 s by default, or the rest of max_time."""
    session = timed((0, 200))
    poll_until(URL, status_code=200, session=session, **given)
    assert session.sent[0]["timeout"] == timeout


def test_each_request_has_the_whole_timeout(timed):
    """request_timeout counts from the beginning of each request."""
    session = timed((9, 404), (9, 200))
    poll_until(URL, status_code=200, session=session, request_timeout=10)
    assert [each["timeout"] for each in session.sent] == [10, 10]


def test_a_request_may_have_no_timeout(timed):
    """With request_timeout=None a request may take as long as sockets allow."""
    session = timed((10**6, 200))
    assert poll_until(URL, status_code=200, session=session, request_timeout=None)


@pytest.mark.parametrize("max_time", [None, 60])
def test_a_request_that_is_too_slow_is_a_read_timeout(timed, max_time):
    """A request longer than request_timeout ends a run that does not ignore it."""
    arguments = {"status_code": 200, "max_time": max_time}
    with pytest.raises(broken.ReadTimeout):
        poll_until(URL, session=timed((31, 200)), **arguments)
    session = timed((31, 200), (20, 200))
    assert poll_until(URL, session=session, ignore_exceptions=TimeoutError, **arguments)


# on_poll.


def test_on_poll_sees_every_attempt(answers):
    """on_poll is called with the attempt of each poll, ignored exceptions included."""
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


def test_on_poll_is_called_before_the_sleep(answers, naps):
    """When on_poll is called, the sleep that next_wait announces is still to come."""
    answers(404, 404, 200)
    seen = []
    poll_until(URL, status_code=200, on_poll=lambda attempt: seen.append([*naps]))
    assert seen == [[], [2], [2, 2]]


def test_on_poll_sees_an_alarm_before_it_is_raised(answers):
    """on_poll is called with the attempt that met an alarm; then Alarm is raised."""
    answers(500)
    seen = []
    with pytest.raises(Alarm):
        poll_until(URL, DONE, {"status_code": 500}, on_poll=seen.append)
    assert [(a.outcome, a.met, a.next_wait) for a in seen] == [("alarm", False, None)]


@pytest.mark.parametrize(
    "limit", [{"max_retries": 1}, {"max_time": 10}, {"max_retry_after": 5}], ids=str
)
def test_on_poll_sees_the_last_attempt_before_giving_up(timed, limit):
    """The attempt that a limit makes the last one has no next_wait."""
    seen, session = [], timed((9.95, 503), headers={"Retry-After": "9"})
    error = gave_up(URL, status_code=200, session=session, on_poll=seen.append, **limit)
    assert [error.limit] == list(limit)
    assert [(a.outcome, a.next_wait) for a in seen] == [("waiting", None)]


def test_an_exception_of_on_poll_ends_a_run(answers, naps):
    """An exception of on_poll reaches the caller, even if Exception is ignored."""
    answers(404)

    def on_poll(attempt):
        if attempt.number == 2:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        poll_until(URL, DONE, on_poll=on_poll, ignore_exceptions=[Exception])
    assert naps == [2]


# Which limit is named if a poll reaches several.


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (["cancel", "max_retries", "max_time", "max_retry_after"], "cancel"),
        (["max_retries", "max_time", "max_retry_after"], "max_retries"),
        (["max_time", "max_retry_after"], "max_time"),
        (["max_retry_after"], "max_retry_after"),
    ],
    ids=["cancel", "max_retries", "max_time", "max_retry_after"],
)
def test_the_first_of_several_limits_is_named(
    stub_session, make_response, clock, limits, named
):
    """A poll that reaches several limits is ended by cancel, then by max_retries.

    After these come max_time and max_retry_after.
    """
    cancel = threading.Event()

    def answer(**_):
        cancel.set()
        clock.now += 9.9995  # the rest is less than a rounding error
        return make_response(503, "", {"Retry-After": "400"})

    given = {"cancel": cancel, "max_retries": 1, "max_time": 10, "max_retry_after": 5}
    with pytest.raises((GaveUp, Cancelled)) as info:
        poll_until(
            URL,
            status_code=200,
            session=stub_session(answer),
            **{"max_retries": None} | {name: given[name] for name in limits},
        )
    assert info.value.limit == named


# The log.


def test_a_run_is_logged(answers, caplog):
    """The logger httsleep has INFO for beginning and end, and DEBUG for each poll."""
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


UNMET = "status_code is 503, not 200"


def end_another_wait(attempt):
    """Raise the GaveUp of another wait."""
    raise GaveUp("another wait", limit="max_retries")


@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        ({"max_retries": 1}, f"1 poll in 0 s: max_retries=1 is reached; {UNMET}"),
        ({"max_retries": 2}, f"2 polls in 4 s: max_retries=2 is reached; {UNMET}"),
        (
            {"max_time": 1},
            f"2 polls in 900 ms: max_time=1 s leaves no time for another poll; {UNMET}",
        ),
        (
            {"max_retry_after": 3},
            f"1 poll in 0 s: Retry-After asks for 4 s, max_retry_after=3 s; {UNMET}",
        ),
        (
            {"alarms": {"status_code": 503}},
            "1 poll in 0 s: alarm: {'status_code': 503}",
        ),
        ({"pending": []}, f"1 poll in 0 s: got an unexpected answer; {UNMET}"),
        ({"on_poll": lambda attempt: {}["x"]}, "1 poll in 0 s: KeyError"),
        ({"on_poll": end_another_wait}, "1 poll in 0 s: GaveUp"),
    ],
    ids=[
        *("one poll", "two polls", "max_time", "max_retry_after"),
        *("alarm", "pending", "on_poll", "GaveUp of on_poll"),
    ],
)
def test_the_reason_for_the_end_is_logged(answers, caplog, arguments, end):
    """The last INFO line has the limit or the alarm, and the first reason."""
    caplog.set_level(logging.INFO, "httsleep")
    answers((503, "", {"Retry-After": "4"}))
    with pytest.raises((GaveUp, Alarm, KeyError)):
        poll_until(URL, status_code=200, **arguments)
    assert caplog.messages[-1] == f"GET http://server/endpoint: ended after {end}"


def test_a_poll_is_logged_before_on_poll_is_called(answers, caplog):
    """A log that on_poll writes comes after the line of its poll."""
    caplog.set_level(logging.DEBUG, "httsleep")
    answers(200)
    logger = logging.getLogger("httsleep.test")
    poll_until(URL, status_code=200, on_poll=lambda _: logger.info("called"))
    assert caplog.messages[1].endswith("poll 1: met: 200 OK")
    assert caplog.messages[2] == "called"


def test_log_arguments_are_lazy(answers, caplog):
    """A log record carries its arguments, so that no text is made for nobody."""
    caplog.set_level(logging.DEBUG, "httsleep")
    answers(503, 200)
    poll_until(URL, status_code=200)
    assert all(record.args and "%s" in record.msg for record in caplog.records)


def test_a_server_cannot_forge_a_log_line(answers, caplog):
    """Newlines and control characters of an answer are escaped in the log."""
    caplog.set_level(logging.DEBUG, "httsleep")
    answers("x\nINFO forged\r\n\x1b[2J", "done")
    poll_until(URL, text="done")
    assert len(caplog.messages) == 4
    assert all(message.isprintable() for message in caplog.messages)


# pending.


def test_an_unexpected_answer_ends_a_run(answers, naps):
    """An answer that meets no alarm, no success and nothing pending is raised."""
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


def test_an_ignored_exception_need_not_be_pending(answers):
    """With pending a run still goes on after an ignored exception."""
    answers(REFUSED, SUCCESS)
    response = poll_until(
        URL, json=SUCCESS, pending=[], ignore_exceptions=ConnectionError
    )
    assert response.status_code == 200


def test_on_poll_sees_an_unexpected_answer_as_an_alarm(answers):
    """The outcome of the attempt of an unexpected answer is ``'alarm'``."""
    answers(404)
    seen = []
    with pytest.raises(UnexpectedResponse):
        poll_until(URL, status_code=200, pending=[], on_poll=seen.append)
    assert [attempt.outcome for attempt in seen] == ["alarm"]


# consecutive.

STABLE = {"status_code": 200, "consecutive": 3}


def test_a_run_waits_for_answers_in_a_row(answers, naps):
    """Another answer or an ignored exception sets the count of a condition to 0."""
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


def test_an_alarm_can_need_answers_in_a_row(answers):
    """An alarm with consecutive=2 is raised when two answers in a row meet it."""
    answers(503, 200, 503, 503)
    alarm = {"status_code": 503, "consecutive": 2}
    with pytest.raises(Alarm) as info:
        poll_until(URL, text="never", alarms=alarm)
    assert (info.value.alarm, info.value.attempts) == (alarm, 4)


def test_a_run_counts_from_zero(answers):
    """An earlier run does not count towards consecutive."""
    server = answers(200)
    sleeper = HttSleeper(URL, until=STABLE)
    sleeper.run()
    sleeper.run()
    assert len(server.calls) == 3 + 3


def test_poll_keeps_its_counts(answers):
    """From poll to poll the counts go on; those of conditions that are assigned not."""
    answers(200)
    sleeper = HttSleeper(URL, until=STABLE)
    assert sleeper.poll().reasons == ("1 of 3 in a row",)
    assert sleeper.poll().reasons == ("2 of 3 in a row",)
    sleeper.alarms, sleeper.pending = {"text": "x"}, {"text": ""}
    assert sleeper.poll().met
    sleeper.until = sleeper.until
    assert sleeper.poll().reasons == ("1 of 3 in a row",)


# Changes while a run is under way.


def changing(at, change, **arguments):
    """Return a sleeper that calls ``change(sleeper)`` in on_poll of one poll."""

    def on_poll(attempt):
        if attempt.number == at:
            change(sleeper)

    sleeper = HttSleeper(URL, on_poll=on_poll, **arguments)
    return sleeper


@pytest.mark.parametrize(
    ("name", "value", "before", "after"),
    [
        ("polling_interval", 7, [2, 2, 2], [7, 7, 7]),
        ("max_retries", 2, [2, 2, 2], [2]),
        ("max_time", 3, [2, 2, 2], [2, 0.9]),
        ("max_retry_after", 0.5, [2, 2, 2], []),
    ],
)
def test_a_setting_assigned_in_a_run_counts_from_the_next_one(
    answers, naps, name, value, before, after
):
    """The run in which an interval or a limit is assigned goes on as it began."""
    answers((404, "", {"Retry-After": "1"}))
    sleeper = changing(
        1, lambda it: setattr(it, name, value), status_code=200, max_retries=4
    )
    for sleeps in (before, after):
        naps.clear()
        with pytest.raises(GaveUp):
            sleeper.run()
        assert naps == pytest.approx(sleeps)


def test_a_request_timeout_assigned_in_a_run_counts_from_the_next_one(timed):
    """The run in which request_timeout is assigned sends with the earlier one."""
    session = timed((0, 404))
    sleeper = changing(
        1,
        lambda it: setattr(it, "request_timeout", 5),
        status_code=200,
        max_retries=2,
        session=session,
    )
    for _ in range(2):
        with pytest.raises(GaveUp):
            sleeper.run()
    assert [each["timeout"] for each in session.sent] == [30, 30, 5, 5]


def test_an_event_assigned_in_a_run_counts_from_the_next_one(answers, naps):
    """The run in which cancel is assigned neither ends nor sleeps by the new event."""
    answers(404)
    event = threading.Event()
    event.set()
    sleeper = changing(
        1, lambda it: setattr(it, "cancel", event), status_code=200, max_retries=3
    )
    with pytest.raises(GaveUp):
        sleeper.run()
    assert naps == [2, 2]
    with pytest.raises(Cancelled):
        sleeper.run()


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"until": {"status_code": 404}}, None),
        ({"alarms": {"status_code": 404}}, Alarm),
        ({"pending": []}, UnexpectedResponse),
    ],
    ids=["until", "alarms", "pending"],
)
def test_conditions_assigned_in_a_run_count_at_once(answers, change, ends):
    """The next answer is judged by the conditions that on_poll assigned."""
    server = answers(404)
    ((name, value),) = change.items()
    sleeper = changing(2, lambda it: setattr(it, name, value), status_code=200)
    if ends is None:
        sleeper.run()
    else:
        with pytest.raises(Alarm) as info:
            sleeper.run()
        assert type(info.value) is ends
    assert len(server.calls) == 3


def test_the_count_of_an_assigned_success_starts_at_zero(answers):
    """After until is assigned, its answers in a row are counted anew."""
    server = answers(200)
    sleeper = changing(2, lambda it: setattr(it, "until", it.until), until=STABLE)
    sleeper.run()
    assert len(server.calls) == 2 + 3


def test_the_count_of_an_assigned_alarm_starts_at_zero(answers):
    """After alarms is assigned, its answers in a row are counted anew."""
    answers(200)
    sleeper = changing(
        2, lambda it: setattr(it, "alarms", it.alarms), text="never", alarms=STABLE
    )
    with pytest.raises(Alarm) as info:
        sleeper.run()
    assert info.value.attempts == 2 + 3


def test_the_count_of_a_success_goes_on_when_alarms_are_assigned(answers):
    """An assignment to alarms or pending leaves the count of until as it is."""

    def change(sleeper):
        sleeper.alarms = {"status_code": 200, "consecutive": 2}
        sleeper.pending = {"status_code": 200}

    server = answers(200)
    changing(2, change, until=STABLE).run()
    assert len(server.calls) == 3


def test_the_count_of_an_alarm_goes_on_when_until_is_assigned(answers):
    """An assignment to until leaves the counts of the alarms as they are."""
    answers(200)

    def change(sleeper):
        sleeper.until = [{"text": "never"}, {"status_code": 200, "consecutive": 2}]

    with pytest.raises(Alarm) as info:
        changing(2, change, text="never", alarms=STABLE).run()
    assert info.value.attempts == 3


def test_a_count_does_not_move_to_another_condition(answers):
    """A condition that takes the place of another one does not take its count."""
    server = answers(200)

    def change(sleeper):
        sleeper.until = [{"status_code": 200, "consecutive": 4}, *sleeper.until]

    changing(2, change, until=STABLE).run()
    assert len(server.calls) == 2 + 3


# cancel.


def test_a_run_that_is_cancelled_before_it_begins_sends_nothing(answers, naps, caplog):
    """An event that is set already ends the run before its first request."""
    caplog.set_level(logging.INFO, "httsleep")
    server, cancel = answers(503), threading.Event()
    cancel.set()
    with pytest.raises(Cancelled) as info:
        poll_until(URL, status_code=200, cancel=cancel)
    error = info.value
    assert (len(server.calls), naps) == (0, [])
    assert (error.attempts, error.response, error.limit) == (0, None, "cancel")
    assert not isinstance(error, GaveUp)
    assert caplog.messages[-1].endswith("ended after 0 polls in 0 s: cancel is set")


def test_a_sleep_ends_when_the_run_is_cancelled(answers, naps):
    """With cancel a run sleeps in ``Event.wait()``, and ends when that returns."""
    server = answers(503)

    class Event(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            self.set()
            return True

    waits = []
    with pytest.raises(Cancelled) as info:
        poll_until(URL, status_code=200, cancel=Event())
    error = info.value
    assert (waits, naps, len(server.calls)) == ([2], [], 1)
    assert error.response.status_code == 503
    assert error.reasons == ("status_code is 503, not 200",)
    assert "stopped after 1 poll in 0 s: cancel is set" in str(error)
    assert pickle.loads(pickle.dumps(error)).reasons == error.reasons


def test_a_request_under_way_is_answered_before_the_run_is_cancelled(answers):
    """An event that is set while a success is on its way does not hide the success."""
    answers(200)
    cancel = threading.Event()
    response = poll_until(
        URL, callback=lambda response: cancel.set() or True, cancel=cancel
    )
    assert response.status_code == 200


def test_an_alarm_comes_before_a_cancellation(answers):
    """An event that on_poll sets does not hide the alarm of the same poll."""
    answers(500)
    cancel = threading.Event()
    with pytest.raises(Alarm):
        poll_until(
            URL,
            {"status_code": 200},
            {"status_code": 500},
            cancel=cancel,
            on_poll=lambda _: cancel.set(),
        )


def test_a_run_that_is_cancelled_during_a_request_plans_no_poll(answers):
    """If the event is set when an answer is judged, its attempt has no next_wait."""
    answers(503)
    cancel, seen, intervals = threading.Event(), [], []
    with pytest.raises(Cancelled) as info:
        poll_until(
            URL,
            callback=lambda response: cancel.set(),
            cancel=cancel,
            on_poll=seen.append,
            polling_interval=intervals.append,
        )
    assert info.value.attempts == 1
    assert [attempt.next_wait for attempt in seen] == [None]
    assert intervals == []


def test_a_run_that_on_poll_cancels_does_not_sleep(answers):
    """If on_poll sets the event, the run ends without a call of ``Event.wait()``."""

    class Event(threading.Event):
        def wait(self, timeout=None):
            raise AssertionError("the event is set already")

    answers(503)
    cancel = Event()
    with pytest.raises(Cancelled) as info:
        poll_until(URL, status_code=200, cancel=cancel, on_poll=lambda _: cancel.set())
    assert info.value.attempts == 1


def test_a_request_that_a_cancelled_run_cuts_off_is_no_failure(stub_session):
    """A timeout of a request is Cancelled if the event was set meanwhile."""

    def answer(**_):
        cancel.set()
        raise broken.ReadTimeout

    cancel = threading.Event()
    with pytest.raises(Cancelled) as info:
        poll_until(URL, status_code=200, session=stub_session(answer), cancel=cancel)
    assert info.value.attempts == 1
    assert isinstance(info.value.exception, broken.ReadTimeout)


def test_a_failure_in_a_cancelled_run_reaches_the_caller(stub_session):
    """A refused connection is raised although the event was set meanwhile."""

    def answer(**_):
        cancel.set()
        raise REFUSED

    cancel = threading.Event()
    with pytest.raises(broken.ConnectionError):
        poll_until(URL, status_code=200, session=stub_session(answer), cancel=cancel)


# The tally.


def test_equal_outcomes_are_counted_together(answers):
    """The text of an exception says how often each status and exception came."""
    answers(404, REFUSED, 404, 503)
    arguments = {"ignore_exceptions": ConnectionError, "max_retries": 5}
    tally = str(gave_up(URL, status_code=200, **arguments)).splitlines()[-1]
    assert tally == (
        "  polls: 2 x 404 Not Found, 1 x ConnectionError: connection refused, "
        "2 x 503 Service Unavailable"
    )


def test_the_tally_is_bounded(answers):
    """Of 200 different statuses 20 are counted apart, and the text names three.

    The others are one entry of the tally, and a status that is known counts on.
    """
    answers(200, *range(200, 300), *range(400, 500), 200)
    error = gave_up(URL, text="never", max_retries=202)
    tally = str(error).splitlines()[-1]
    assert tally == "  polls: 3 x 200 OK, 1 x 201 Created, 1 x 202 Accepted, 18 more"
