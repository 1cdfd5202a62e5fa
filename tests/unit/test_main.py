import copy
import logging
import math
import pickle
import re
import sys
import threading
import traceback
import types
import warnings
from datetime import timedelta

import pytest
import requests
from requests import exceptions as broken

from httsleep import Alarm, BodyTooLarge, GaveUp, HttSleeper, exponential
from httsleep import httsleep as poll_until
from httsleep.checks import Setting

URL = "http://server/endpoint"
SUCCESS = {"status": "SUCCESS"}
DONE = {"status_code": 200, "json": SUCCESS}
REFUSED = broken.ConnectionError(ConnectionRefusedError())


# Success conditions.


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
    """The five base keys as arguments form one success condition."""
    answers((500, "other"), answer)
    poll_until(URL, **shorthand)
    assert naps == [2]
    assert HttSleeper(URL, **shorthand).until == HttSleeper(URL, shorthand).until


def test_any_condition_of_a_list_is_a_success(answers):
    """A list of conditions in until is met if one of them is."""
    answers(500, 404)
    until = [{"status_code": 200}, {"status_code": 404}]
    assert poll_until(URL, until).status_code == 404


# Settings.

LIMITS = ["polling_interval", "max_time", "request_timeout", "max_retry_after"]


def test_a_sleeper_can_be_read():
    """The attributes that existing users read have what was given."""
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


def test_the_defaults_can_be_read():
    """The attributes of a sleeper with few arguments have the defaults."""
    sleeper = HttSleeper(URL, status_code=200, json={})
    assert sleeper.kwargs == {}
    assert sleeper.until == [{"status_code": 200, "json": {}}]
    assert (sleeper.alarms, sleeper.pending) == ([], None)
    assert sleeper.ignore_exceptions == ()
    assert (sleeper.polling_interval, repr(sleeper.max_retries)) == (2, "50")
    assert repr(sleeper.max_retry_after) == "300"
    assert (sleeper.request_timeout, sleeper.max_body_size) == (30, 16 * 2**20)
    assert sleeper.max_time is sleeper.on_poll is sleeper.cancel is None
    assert sleeper.allow_redirects is True


def test_the_limits_in_force_can_be_read():
    """With max_time the defaults of max_retries and max_retry_after are None."""
    sleeper = HttSleeper(URL, status_code=200, max_time=60)
    assert sleeper.max_retries is sleeper.max_retry_after is None
    given = {"max_retries": 50, "max_retry_after": 300}
    sleeper = HttSleeper(URL, status_code=200, max_time=60, **given)
    assert (sleeper.max_retries, sleeper.max_retry_after) == (50, 300)
    none = {"max_retries": None, "max_retry_after": None}
    sleeper = HttSleeper(URL, status_code=200, **none)
    assert sleeper.max_retries is sleeper.max_retry_after is None


@pytest.mark.parametrize("name", [*LIMITS[1:], "max_retries", "max_body_size"])
def test_a_limit_can_be_none(name):
    """Each limit can be given as None, and be set to None and to 1."""
    sleeper = HttSleeper(URL, status_code=200, **{name: None})
    assert getattr(sleeper, name) is None
    for value in (1, None):
        setattr(sleeper, name, value)
        assert getattr(sleeper, name) == value


@pytest.mark.parametrize("name", LIMITS)
def test_a_timedelta_is_taken_for_seconds(name):
    """Each setting in seconds takes a timedelta and is then a number."""
    sleeper = HttSleeper(URL, status_code=200, **{name: timedelta(minutes=1)})
    assert getattr(sleeper, name) == 60


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("polling_interval", -7),
        ("max_retries", 0),
        ("max_time", "x"),
        ("request_timeout", 0),
        ("max_retry_after", -1),
        ("max_body_size", 1.5),
        ("max_body_excerpt", -1),
        ("max_body_excerpt", None),
        ("max_body_excerpt", True),
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


def test_a_setting_belongs_to_one_sleeper():
    """A setting that is assigned to one sleeper is that of no other."""
    one, other = HttSleeper(URL, status_code=200), HttSleeper(URL, status_code=200)
    one.polling_interval = 7
    assert (one.polling_interval, other.polling_interval) == (7, 2)


def test_a_setting_of_the_class_is_its_check():
    """On the class a setting is the descriptor, so that tools can look at it."""
    names = [
        name for name in vars(HttSleeper) if name in vars(HttSleeper("http://a", DONE))
    ]
    assert names
    for name in names:
        assert isinstance(getattr(HttSleeper, name), Setting)


def test_a_setting_that_is_not_set_yet_is_an_attribute_error():
    """So hasattr() works in the constructor of a subclass, and in error trackers."""
    assert not hasattr(object.__new__(HttSleeper), "max_time")


def test_the_session_and_the_ignored_exceptions_cannot_be_assigned():
    """``session`` and ``ignore_exceptions`` stay as they were given."""
    sleeper = HttSleeper(URL, status_code=200)
    with pytest.raises(AttributeError):
        sleeper.session = requests.Session()
    with pytest.raises(AttributeError):
        sleeper.ignore_exceptions = (KeyError,)


def test_sixteen_mebibytes_of_a_body_are_read(answers):
    """By default a body of 16 MiB is read, and one more byte is BodyTooLarge."""
    answers(b"x" * (16 * 2**20), b"x" * (16 * 2**20 + 1))
    assert poll_until(URL, status_code=200)
    with pytest.raises(BodyTooLarge):
        poll_until(URL, status_code=200)


def test_a_body_has_at_most_max_body_size(answers):
    """A body of more bytes than max_body_size is BodyTooLarge; None is no limit."""
    answers("x" * 101)
    with pytest.raises(BodyTooLarge) as info:
        poll_until(URL, status_code=200, max_body_size=100)
    assert info.value.limit == 100
    assert poll_until(URL, status_code=200, max_body_size=101)
    assert poll_until(URL, status_code=200, max_body_size=None)


# Conditions as properties.


def test_conditions_that_are_read_are_copies():
    """A caller who changes the lists that he has read changes no condition."""
    a, b, c = ({"json": {key: [1]}} for key in "abc")
    sleeper = HttSleeper(URL, a, b, pending=c)
    for name in ("until", "alarms", "pending"):
        (condition,) = getattr(sleeper, name)
        before = str(condition)
        next(iter(condition["json"].values())).append(2)
        getattr(sleeper, name).append({})
        assert str(getattr(sleeper, name)) == f"[{before}]"


def test_conditions_can_be_assigned(answers):
    """Conditions that are assigned are checked, and the next run uses them."""
    answers(404)
    sleeper = HttSleeper(URL, status_code=200, max_retries=1)
    sleeper.until = {"status_code": "404"}
    assert sleeper.until == [{"status_code": 404}]
    assert sleeper.run().status_code == 404
    sleeper.alarms = [{"status_code": 404}]
    with pytest.raises(Alarm):
        sleeper.run()
    sleeper.pending = {"status_code": "503"}
    assert sleeper.pending == [{"status_code": 503}]
    sleeper.pending = None
    assert sleeper.pending is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("until", None, "a condition is a dict"),
        ("until", [], "give at least one condition"),
        ("until", {"status": 200}, "did you mean 'status_code'"),
        ("alarms", {"status": 404}, "did you mean 'status_code'"),
        ("alarms", None, "a condition is a dict"),
        ("pending", {"statuscode": 503}, "did you mean 'status_code'"),
        ("pending", {"text": "", "consecutive": 2}, "leave it out"),
    ],
)
def test_a_bad_condition_cannot_be_assigned(name, value, words):
    """A condition is refused when it is assigned, and those of before are kept."""
    condition = {"status_code": 404}
    sleeper = HttSleeper(URL, condition, condition, pending=condition)
    with pytest.raises(ValueError, match=rf"^{name} is .*: .*{words}"):
        setattr(sleeper, name, value)
    assert getattr(sleeper, name) == [condition]


def test_a_subclass_can_add_a_validator(answers):
    """A key that a subclass adds works in until, in alarms and in pending."""

    def header(name):
        return lambda answer: None if name in answer.response.headers else "no header"

    class WithHeader(HttSleeper):
        validators = {**HttSleeper.validators, "header": header}  # noqa: RUF012

    answers((200, "", {"X-A": "1"}), (200, "", {"X-B": "1"}))
    pending = {"header": "X-A"}
    sleeper = WithHeader(URL, {"header": "X-B"}, {"header": "X-C"}, pending=pending)
    assert "X-B" in sleeper.run().headers
    with pytest.raises(ValueError, match="unknown key 'header'"):
        HttSleeper(URL, {"header": "X-B"})


# The caller's own objects.


def test_nothing_that_was_passed_is_changed(answers):
    """Dicts, lists, headers and the Request of the caller stay as they were."""
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


def test_all_that_is_given_for_sending_is_sent(answers):
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
def test_redirects_are_followed_by_default(answers, own):
    """With allow_redirects=False the redirect itself is the answer."""
    server = answers((302, "", {"Location": "http://server/other"}))
    server.get("http://server/other", status=200)
    session = None if own else requests.Session()
    assert poll_until(URL, status_code=200, session=session).history
    arguments = {"session": session, "allow_redirects": False}
    assert not poll_until(URL, status_code=302, **arguments).history


# Sessions.


def test_a_run_starts_with_an_empty_jar(answers):
    """Cookies are kept from poll to poll, and not from run to run."""
    server = answers((404, "", {"Set-Cookie": "seen=1"}))
    sleeper = HttSleeper(URL, status_code=200, max_retries=2)
    for _ in range(2):
        with pytest.raises(GaveUp):
            sleeper.run()
    sent = [call.request.headers.get("Cookie") for call in server.calls]
    assert sent == [None, "seen=1", None, "seen=1"]


def test_poll_keeps_cookies_until_close(answers):
    """Cookies are kept from one poll() to the next, until close()."""
    server = answers((404, "", {"Set-Cookie": "seen=1"}))
    with HttSleeper(URL, status_code=200) as sleeper:
        sleeper.poll(), sleeper.poll()
    sleeper.poll()
    sent = [call.request.headers.get("Cookie") for call in server.calls]
    assert sent == [None, "seen=1", None]


def closed(sleeper, monkeypatch):
    """Return a list that grows whenever the session of the sleeper is closed."""
    count = []
    monkeypatch.setattr(sleeper.session, "close", lambda: count.append(1))
    return count


def test_a_run_closes_a_session_of_its_own(answers, monkeypatch):
    """After a success and after an exception a run closes its own session."""
    answers(404, 200, REFUSED)
    sleeper = HttSleeper(URL, status_code=200)
    count = closed(sleeper, monkeypatch)
    sleeper.run()
    assert count == [1]
    with pytest.raises(broken.ConnectionError):
        sleeper.run()
    assert count == [1, 1]


def test_a_context_manager_closes_a_session_of_its_own(answers, monkeypatch):
    """poll() leaves the session open, and the end of a with block closes it."""
    answers(404)
    with HttSleeper(URL, status_code=200) as sleeper:
        count = closed(sleeper, monkeypatch)
        sleeper.poll()
        assert count == []
    assert count == [1]


def test_a_session_of_the_caller_is_left_alone(answers, monkeypatch):
    """A session that was given is not closed, and nothing in it is changed."""
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
    assert session.cookies.get("a") == "b"
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
    """Two sleepers that were given no session do not share one."""
    one, other = HttSleeper(URL, DONE), HttSleeper(URL, DONE)
    assert isinstance(one.session, requests.Session)
    assert one.session is not other.session


# run() and poll().


def test_a_run_can_be_run_again(answers, naps):
    """A second run has polls, time and limits of its own."""
    server = answers(404)
    sleeper = HttSleeper(URL, status_code=200, max_retries=2)
    for _ in range(2):
        with pytest.raises(GaveUp) as info:
            sleeper.run()
        assert info.value.attempts == 2
        assert info.value.elapsed == 2
    assert len(server.calls) == 4
    assert naps == [2, 2]


def test_poll_returns_an_attempt_and_never_sleeps(answers, naps):
    """One poll() is one request, and its attempt says when the next poll is due."""
    server = answers(404, (503, "", {"Retry-After": "7"}), 200)
    sleeper = HttSleeper(URL, status_code=200)
    first, second, third = sleeper.poll(), sleeper.poll(), sleeper.poll()
    assert [first.met, second.met, third.met] == [False, False, True]
    assert [a.next_wait for a in (first, second, third)] == [2, 7, None]
    assert [a.number for a in (first, second, third)] == [1, 2, 3]
    assert third.response.status_code == 200
    assert len(server.calls) == 3
    assert naps == []


def test_poll_has_the_limits_of_one_request(timed, answers):
    """poll() applies request_timeout and max_body_size."""
    session = timed((6, 200))
    sleeper = HttSleeper(URL, status_code=200, session=session, request_timeout=5)
    with pytest.raises(broken.ReadTimeout):
        sleeper.poll()
    answers("x" * 101)
    with pytest.raises(BodyTooLarge):
        HttSleeper(URL, status_code=200, max_body_size=100).poll()


def test_poll_raises_an_alarm(answers):
    """poll() raises an alarm after the call of on_poll; its polls are counted."""
    answers(404, 500)
    seen = []
    sleeper = HttSleeper(URL, DONE, {"status_code": 500}, on_poll=seen.append)
    sleeper.poll()
    with pytest.raises(Alarm, match="after 2 polls in 0 s") as info:
        sleeper.poll()
    assert info.value.attempts == 2
    assert [a.outcome for a in seen] == ["waiting", "alarm"]


def test_poll_ignores_exceptions_as_run_does(answers):
    """poll() returns the attempt of an ignored exception, and raises others."""
    answers(REFUSED)
    attempt = HttSleeper(URL, DONE, ignore_exceptions=ConnectionError).poll()
    assert (attempt.outcome, attempt.exception) == ("ignored", REFUSED)
    assert attempt.response is None
    with pytest.raises(broken.ConnectionError):
        HttSleeper(URL, DONE).poll()


def test_poll_counts_a_poll_that_raised(answers):
    """The poll after one that ended in an exception has the next number."""
    answers(REFUSED, 404)
    sleeper = HttSleeper(URL, DONE)
    with pytest.raises(broken.ConnectionError):
        sleeper.poll()
    assert sleeper.poll().number == 2


# Pickles.


def test_a_sleeper_pickles(answers):
    """A sleeper read from a pickle has all that was given, and polls as before."""
    answers(503, REFUSED, SUCCESS)
    sleeper = HttSleeper(
        URL,
        until={"json": SUCCESS, "status_code": "200"},
        alarms=[{"status_code": 500}],
        pending={"status_code": "5xx"},
        ignore_exceptions=[ConnectionError],
        polling_interval=exponential(1),
        headers={"X-Token": "a"},
        max_time=60,
    )
    again = pickle.loads(pickle.dumps(sleeper))
    for name in ("until", "alarms", "pending", "ignore_exceptions", "polling_interval"):
        assert getattr(again, name) == getattr(sleeper, name)
    assert (again.max_time, again.max_retries) == (60, None)
    assert again.request.headers == {"X-Token": "a"}
    assert again.run().json() == SUCCESS


def test_a_pickled_sleeper_keeps_its_counts(answers):
    """A sleeper read from a pickle goes on with the number of its polls.

    It also goes on with the counts of each condition.
    """
    answers(200, 404, 404)
    ok, not_found = {"status_code": 200}, {"status_code": 404}
    sleeper = HttSleeper(
        URL,
        until=[{**ok, "consecutive": 2}, {**not_found, "consecutive": 3}],
        alarms=[{**ok, "consecutive": 3}, {**not_found, "consecutive": 4}],
    )
    reasons = []
    for number in (1, 2, 3):
        sleeper = pickle.loads(pickle.dumps(sleeper))
        attempt = sleeper.poll()
        assert attempt.number == number
        reasons.append(attempt.reasons)
    one, two = "status_code is 200, not 404", "status_code is 404, not 200"
    assert reasons == [
        ("1 of 2 in a row", one),
        (two, "1 of 3 in a row"),
        (two, "2 of 3 in a row"),
    ]
    assert pickle.loads(pickle.dumps(sleeper)).poll().met


def test_a_pickled_sleeper_keeps_the_counts_of_its_alarms(answers):
    """An alarm that was met once before the pickle is raised at the second time."""
    answers(503)
    sleeper = HttSleeper(
        URL, status_code=200, alarms={"status_code": 503, "consecutive": 2}
    )
    sleeper.poll()
    with pytest.raises(Alarm):
        pickle.loads(pickle.dumps(sleeper)).poll()


# The frame of httsleep(), which error trackers show.


def test_no_variable_of_a_run_holds_all_arguments(answers):
    """While httsleep() waits, its frame has each argument in the one of its name.

    The frame of its wrapper has none.
    """
    answers(200)
    shown = []

    def on_poll(attempt):
        frame = sys._getframe()
        while frame.f_code is not poll_until.__wrapped__.__code__:
            frame = frame.f_back
        assert frame.f_back.f_code is poll_until.__code__
        for each in (frame, frame.f_back):
            found = {k for k, value in each.f_locals.items() if "s3" in str(value)}
            shown.append(found)

    poll_until(URL, status_code=200, auth=("a", "s3"), on_poll=on_poll)
    assert shown == [{"auth"}, set()]


# The repr.


def test_a_sleeper_shows_request_conditions_and_limits():
    """The repr of a sleeper says what it waits for, and how long."""
    sleeper = HttSleeper(URL, status_code=200)
    assert repr(sleeper) == (
        f"<HttSleeper GET {URL}, until=[{{'status_code': 200}}], alarms=[], "
        "max_retries=50>"
    )

    class JobSleeper(HttSleeper):
        pass

    request = requests.Request("POST", URL)
    sleeper = JobSleeper(request, DONE, DONE, pending=[], max_time=60)
    assert repr(sleeper) == (
        f"<JobSleeper POST {URL}, until=[{DONE}], alarms=[{DONE}], pending=[], "
        "max_time=60>"
    )


def test_the_repr_of_a_sleeper_shows_no_secret():
    """Neither URL, headers, auth nor body of the request come with a secret."""
    request = requests.Request(
        "PUT", "http://me:SECRET@server/a?key=SECRET#SECRET", params={"p": "SECRET"}
    )
    request.cookies, request.json = {"c": "SECRET"}, {"j": "SECRET"}
    sleeper = HttSleeper(
        request, DONE, auth=("SECRET", "SECRET"), headers={"X-A": "SECRET"}
    )
    assert "PUT http://server/a?key=…," in repr(sleeper)
    assert "SECRET" not in repr(sleeper)


def test_the_repr_of_a_sleeper_is_short():
    """Long conditions are shortened, and it is on one line."""
    many = [{"text": "line\n" * 100, "status_code": 200}] * 50
    sleeper = HttSleeper(URL, many, many, pending=many)
    assert len(repr(sleeper)) < 400
    assert repr(sleeper).isprintable()


def test_the_repr_of_a_sleeper_that_was_refused_is_in_a_traceback_with_locals():
    """The repr needs no attribute that a sleeper does not have during construction."""
    with pytest.raises(ValueError, match="max_retries is 0") as info:
        HttSleeper(URL, DONE, max_retries=0)
    shown = traceback.TracebackException.from_exception(info.value, capture_locals=True)
    assert "self = <HttSleeper, not yet made>" in "".join(shown.format())


# Arguments that cannot work. test_conditions.py, test_validators.py and
# test_request.py have the whole tables of conditions, expected values and requests.


def once():
    yield b"x"


REFUSED_SUCCESSES = [
    ({}, ["no success condition", "until, status_code, json, jsonpath, text, callb"]),
    (
        {"headers": {"X-A": "x"}},
        ["no success", "; headers are sent, until={'headers': {...}} expects them"],
    ),
    ({"until": DONE, "json": {}}, ["until and json are given", "until={'json': ...}"]),
    (
        {"until": DONE, "text": "", "status_code": 1},
        ["until and status_code and text", "until={'status_code': ..., 'text': ...}"],
    ),
    ({"until": []}, ["until is []", "give at least one condition"]),
    ({"until": ()}, ["until is ()"]),
    ({"until": 200}, ["until is 200", "a dict such as"]),
    ({"until": {"json_path": []}}, ["until", "did you mean 'jsonpath'?"]),
    ({"until": {"status_code": "x"}}, ["until: status_code is 'x'", "such as '2xx'"]),
    ({"status_code": 99}, ["until: status_code is 99", "from 100 to 999"]),
    ({"text": b"x"}, ["text is b'x'", "str"]),
    ({"jsonpath": []}, ["jsonpath is []"]),
    ({"callback": 5}, ["callback is 5", "a callable"]),
]
REFUSED_BESIDE_A_SUCCESS = [
    ({"alarms": 500}, ["alarms is 500", "a dict such as"]),
    ({"alarms": [DONE, {"stats_code": 1}]}, ["alarms[1]", "did you mean 'status_co"]),
    ({"pending": {}}, ["pending is {}", "expects nothing"]),
    (
        {"pending": {"text": "", "consecutive": 2}},
        ["pending is {", "'consecutive' cannot be used in pending; leave it out"],
    ),
    ({"url_or_request": "server/a"}, ["url_or_request", "give 'http://server/a'"]),
    ({"url_or_request": "/endpoint"}, ["url_or_request", "a whole URL such as"]),
    ({"url_or_request": None}, ["url_or_request", "a URL or a requests.Request"]),
    ({"url_or_request": requests.Request(url=URL)}, ["has no valid method", "'GET'"]),
    (
        {"url_or_request": requests.Request("POST", URL, data=once())},
        ["url_or_request", "data can be sent only once", "give bytes"],
    ),
    ({"auth": "user:password"}, ["auth is a str", "a (user, password) tuple"]),
    ({"headers": {"X-A": 1}}, ["headers: 'X-A'", "str or bytes"]),
    (
        {"headers": {"X-A": True}},
        ["headers: 'X-A'", "until={'headers': {...}} expects"],
    ),
    ({"headers": {"X-A": re.compile("a")}}, ["until={'headers': {...}} expects"]),
    ({"session": "session"}, ["session is <class 'str'>: give a requests.Session"]),
    ({"session": requests.Session}, ["session is <class", "give a requests.Session"]),
    ({"session": object()}, ["session is <class 'object'>"]),
    ({"verify": ""}, ["verify is ''", "give True, False, or the path"]),
    ({"allow_redirects": 1}, ["allow_redirects is 1", "True or False"]),
    ({"allow_redirects": None}, ["allow_redirects is None", "True or False"]),
    *(
        ({name: value}, [f"{name} is {value!r}", "give seconds"])
        for name in LIMITS
        for value in ("5", math.nan, -1, True, (3, 27))
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
    *(
        ({"cancel": value}, ["cancel is ", "give a threading.Event"])
        for value in (True, threading.Event, threading.Lock())
    ),
]
REFUSED_ARGUMENTS = REFUSED_SUCCESSES + [
    ({"status_code": 200, **arguments}, words)
    for arguments, words in REFUSED_BESIDE_A_SUCCESS
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
    """A ValueError names argument, value and what to give; nothing is sent."""
    with pytest.raises(ValueError, match=re.escape(words[0])) as info:
        use(**{"url_or_request": URL} | arguments)
    for word in words:
        assert word in str(info.value)
    assert len(server.calls) == 0
    assert naps == []
    assert str(info.value).isprintable()


def test_an_unknown_or_missing_argument_is_a_type_error():
    """Python refuses an unknown argument, and a missing URL, with a TypeError."""
    with pytest.raises(TypeError):
        HttSleeper()
    with pytest.raises(TypeError):
        poll_until(URL, status=200)


# loglevel.


def test_no_level_is_set_by_default():
    """Without loglevel a sleeper changes the level of no logger."""
    before = logging.root.level, logging.getLogger("httsleep").level
    HttSleeper(URL, DONE)
    assert (logging.root.level, logging.getLogger("httsleep").level) == before
    assert before[1] == logging.NOTSET


@pytest.mark.parametrize("level", [logging.DEBUG, "DEBUG"])
@pytest.mark.parametrize("use", [HttSleeper, poll_until], ids=["class", "function"])
def test_loglevel_is_deprecated(answers, level, use):
    """loglevel sets the level of the logger httsleep only, with a warning."""
    answers(200)
    root = logging.root.level
    with pytest.warns(DeprecationWarning, match=r"getLogger\('httsleep'\)") as caught:
        use(URL, status_code=200, loglevel=level)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert logging.getLogger("httsleep").level == logging.DEBUG
    assert logging.root.level == root


@pytest.mark.parametrize("level", ["LOUD", [], 1.5])
def test_an_unknown_loglevel_is_refused(level):
    """A loglevel that logging does not know is a ValueError that shows it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"^loglevel is .*: give a level") as info:
            HttSleeper(URL, status_code=200, loglevel=level)
    assert repr(level) in str(info.value)


def test_the_request_can_be_assigned(answers):
    """Another request is checked and copied as the first was, and then is sent."""
    answers(200)
    sleeper = HttSleeper("http://server/other", status_code=200)
    sleeper.request = URL
    assert sleeper.run().url == URL
    with pytest.raises(ValueError, match=r"^url_or_request"):
        sleeper.request = "ftp://server/"
    assert sleeper.request.url == URL
    with pytest.raises(AttributeError):
        sleeper.kwargs = {"verify": False}


class Unpicklable:
    """An interval, a callback, a session: whatever is asked for, with a lock."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, _):
        return 1

    request = __call__


@pytest.mark.parametrize(
    ("arguments", "name", "instead"),
    [
        ({"cancel": threading.Event()}, "cancel is <", "leave it out, and raise in"),
        ({"callback": lambda response: True}, "until[0] is {'text'", "no lambda"),
        (
            {"alarms": [{"status_code": 500}, {"callback": Unpicklable()}]},
            "alarms[1] is {'callback'",
            "give functions and classes of a module",
        ),
        ({"pending": {"callback": lambda response: True}}, "pending[0] is", "lambda"),
        ({"on_poll": lambda attempt: None}, "on_poll is <function", "no lambda"),
        ({"polling_interval": Unpicklable()}, "polling_interval is", "or open file"),
        ({"session": Unpicklable()}, "session is", "leave it out, or give one"),
        ({"auth": lambda request: request}, "url_or_request is <Request", "an auth"),
        ({"ignore_exceptions": type("Own", (OSError,), {})}, "ignore_exceptions", ""),
    ],
)
def test_a_sleeper_that_cannot_be_pickled_names_the_argument(arguments, name, instead):
    """The refusal names the argument and says what to give in place of it."""
    sleeper = HttSleeper(URL, **({"text": "x"} | arguments))
    with pytest.raises(pickle.PicklingError) as info:
        pickle.dumps(sleeper)
    assert str(info.value).startswith(name)
    assert ": it cannot be pickled; " in str(info.value)
    assert instead in str(info.value)
    assert info.value.__cause__ is not None
    assert copy.copy(sleeper).until == sleeper.until


class Job:
    """An object that has a sleeper, which calls the object."""

    def __init__(self):
        self.sleeper = HttSleeper(URL, text="x", on_poll=self.note)

    def note(self, attempt):
        """Take an attempt."""


@pytest.mark.parametrize(
    "how", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_a_sleeper_may_call_an_object_that_refers_to_it(how):
    """Such a cycle can be pickled and copied."""
    job = how(Job())
    assert job.sleeper.on_poll.__self__ is job
    sleeper = how(Job().sleeper)
    assert sleeper.on_poll.__self__.sleeper is sleeper


def test_parts_that_can_be_pickled_alone_are_not_refused(monkeypatch):
    """If no argument is at fault, the refusal is pickle's own."""
    sleeper, calls = HttSleeper(URL, text="x"), []

    class Picky:
        @staticmethod
        def dumps(value):
            calls.append(value)
            if len(calls) == 1:
                raise ValueError

    monkeypatch.setitem(sys.modules, "cloudpickle", Picky)
    assert pickle.loads(pickle.dumps(sleeper)).until == sleeper.until
    assert len(calls) > 5


def test_what_cloudpickle_can_pickle_is_not_refused(monkeypatch):
    """Where an engine has imported cloudpickle, a lambda is no reason to refuse."""
    module = types.SimpleNamespace(dumps=lambda value: b"")
    monkeypatch.setitem(sys.modules, "cloudpickle", module)
    sleeper = HttSleeper(URL, callback=lambda response: True)
    assert sleeper.__reduce_ex__(4)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(sleeper)


def test_a_copy_of_a_sleeper_shares_what_cannot_be_pickled(answers):
    """copy.copy shares the event and goes on with the wait; a deep copy has its own."""
    answers(503)
    sleeper = HttSleeper(URL, text="x", cancel=threading.Event())
    sleeper.poll()
    copied = copy.copy(sleeper)
    assert copied.cancel is sleeper.cancel
    assert copied.checkpoint["polls"] == 1
    sleeper = HttSleeper(URL, callback=lambda response: True, headers={"X": "1"})
    deep = copy.deepcopy(sleeper)
    assert deep.until == sleeper.until
    assert deep.request.headers is not sleeper.request.headers
