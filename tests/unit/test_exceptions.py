"""The exceptions: their classes, facts, texts and pickles."""

import copy
import gc
import multiprocessing
import pickle
import threading
import traceback
import weakref
from concurrent.futures import ProcessPoolExecutor

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.exceptions import InvalidSchema, RequestException, SSLError

from httsleep import (
    Alarm,
    BodyTooLarge,
    Cancelled,
    GaveUp,
    HttSleepError,
    UnexpectedResponse,
    exceptions,
    httsleep,
)

URL = "http://server/endpoint"
HTML = (503, "<html>" + "x" * 1194)
SUCCESS = {"status_code": 200, "json": {"status": "SUCCESS"}}
STATUS = [{"expression": "$.status", "value": "SUCCESS"}]


_ALARM = {"response": None, "alarm": None, "attempts": 1, "elapsed": 0.0}
_UNFINISHED = {"limit": None, "response": None, "exception": None, "reasons": ()}
_UNFINISHED |= {"attempts": 0, "elapsed": 0.0}

#: The attributes of each exception that is made from its text.
FROM_TEXT = {
    Alarm: _ALARM,
    UnexpectedResponse: _ALARM,
    GaveUp: _UNFINISHED,
    Cancelled: _UNFINISHED,
    BodyTooLarge: {"request": None, "response": None, "limit": None},
}

# the family


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (Alarm, (HttSleepError,)),
        (GaveUp, (HttSleepError, TimeoutError, OSError)),
        (BodyTooLarge, (HttSleepError, RequestException)),
    ],
)
def test_each_exception_has_the_bases_that_callers_catch(cls, bases):
    """All exceptions derive from HttSleepError; GaveUp is a TimeoutError as well."""
    assert issubclass(cls, bases)
    assert all(issubclass(cls, base) for base in bases)


def test_giving_up_is_no_stop_iteration():
    """A GaveUp is no StopIteration, which a generator would turn into RuntimeError."""
    assert not issubclass(GaveUp, StopIteration)


def test_an_alarm_can_be_made_by_hand(make_response):
    """An Alarm can be made of a response and the alarm that it met."""
    response = make_response(500)
    alarm = Alarm(response, {"status_code": 500})
    assert alarm.response is response
    assert alarm.alarm == {"status_code": 500}
    assert (alarm.attempts, alarm.elapsed) == (1, 0.0)
    assert str(alarm) == "alarm: {'status_code': 500}"


def test_a_gave_up_can_be_made_by_hand():
    """A GaveUp can be made without arguments."""
    error = GaveUp()
    assert str(error) == "gave up"
    assert error.limit is error.response is error.exception is None
    assert (error.reasons, error.attempts, error.elapsed) == ((), 0, 0.0)


def test_a_body_that_is_too_large_says_the_limit():
    """The text of BodyTooLarge has its limit."""
    error = BodyTooLarge(16 * 2**20)
    assert error.limit == 16 * 2**20
    assert str(error) == "the body is larger than 16.8 MB"


@pytest.mark.parametrize("cls", [HttSleepError, *FROM_TEXT])
def test_an_exception_can_be_made_again_from_its_text(cls):
    """Result backends that store JSON call the class with the text alone."""
    error = cls("text")
    assert (type(error), str(error), error.args) == (cls, "text", ("text",))
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other), vars(other)) == (cls, "text", vars(error))
    assert vars(error) == FROM_TEXT.get(cls, {})


# the facts


def test_an_alarm_carries_the_facts(answers):
    """Alarm has the response, the dict that the caller wrote, the polls, the time."""
    answers(404, 404, 500)
    alarm = {"status_code": "500"}
    with pytest.raises(Alarm) as info:
        httsleep(URL, SUCCESS, [{"text": "no"}, alarm])
    assert info.value.response.status_code == 500
    assert info.value.alarm == {"status_code": 500}
    assert info.value.attempts == 3
    assert info.value.elapsed == 4.0


def test_a_gave_up_carries_the_facts(answers):
    """GaveUp has the last answer, what it lacks, the polls, the time and the limit."""
    answers({"status": "RUNNING"})
    with pytest.raises(GaveUp) as info:
        httsleep(URL, status_code=201, text="done", max_retries=3)
    error = info.value
    assert error.limit == "max_retries"
    assert error.response.json() == {"status": "RUNNING"}
    assert error.exception is None
    assert error.reasons == (
        "status_code is 200, not 201",
        """text is '{"status": "RUNNING"}', not 'done'""",
    )
    assert (error.attempts, error.elapsed) == (3, 4.0)


def test_a_gave_up_keeps_the_last_answer_and_the_last_exception(answers):
    """An exception after the last answer does not hide that answer."""
    answers(503, ConnectionResetError())
    with pytest.raises(GaveUp) as info:
        httsleep(URL, SUCCESS, ignore_exceptions=ConnectionError, max_retries=2)
    assert info.value.response.status_code == 503
    assert isinstance(info.value.exception, ConnectionResetError)
    assert info.value.reasons


def test_a_gave_up_without_an_answer_has_no_response(answers):
    """A GaveUp of a wait without an answer has no response and no reasons."""
    answers(ConnectionResetError())
    with pytest.raises(GaveUp) as info:
        httsleep(URL, SUCCESS, ignore_exceptions=ConnectionError, max_retries=2)
    assert info.value.response is None
    assert info.value.reasons == ()


# the texts


def told(error, *fragments):
    """Check that the text is short and has the fragments in their order."""
    text, position = str(error), 0
    for fragment in fragments:
        assert fragment in text[position:], f"{fragment!r} is not in:\n{text}"
        position = text.index(fragment, position) + len(fragment)
    assert len(text.splitlines()) <= 12
    assert max(map(len, text.splitlines())) <= 300


REFUSED = requests.exceptions.ConnectionError(ConnectionRefusedError())
LIMIT = "max_retries=5 is reached"
GIVING_UP = {
    "never up": (
        [REFUSED],
        {"until": SUCCESS, "max_retries": 5},
        ["5 polls in 8 s", LIMIT, "no answer ever came"],
        ["5 x ConnectionError: connection refused"],
    ),
    "up but wrong status": (
        [REFUSED, HTML],
        {"status_code": 200, "max_retries": 5},
        ["5 polls in 8 s", LIMIT, "poll 5", "503 Service Unavailable"],
        ["status_code is 503, not 200", "1 x ConnectionError", "4 x 503"],
    ),
    "right status and wrong field": (
        [{"status": "RUNNING"}],
        {"status_code": 200, "jsonpath": STATUS, "max_retries": 5},
        [LIMIT, "200 OK, application/json"],
        ["$.status is 'RUNNING', not 'SUCCESS'", "5 x 200 OK"],
    ),
    "body not JSON": (
        [HTML],
        {"json": {"status": "SUCCESS"}, "max_retries": 5},
        [LIMIT, "503 Service Unavailable, text/html, 1.2 kB"],
        ["body is not JSON (text/html, 1.2 kB)"],
    ),
    "flapping": (
        [REFUSED, HTML, {"status": "RUNNING"}, REFUSED],
        {"json": {"status": "SUCCESS"}, "max_retries": 5},
        [LIMIT, "last answer (poll 3): 200 OK"],
        [
            "json is {'status': 'RUNNING'}, not {'status': 'SUCCESS'}",
            "polls: 3 x ConnectionError: connection refused, 1 x 503",
            "1 x 200 OK",
        ],
    ),
    "ended by time": (
        [{"status": "RUNNING"}],
        {"jsonpath": STATUS, "max_time": 7},
        [
            "gave up: max_time=7 s leaves no time for another poll\n",
            "after 5 polls in 6.9",
        ],
        ["$.status is 'RUNNING', not 'SUCCESS'", "5 x 200 OK"],
    ),
    "ended by Retry-After": (
        [(503, "down", {"Retry-After": "3600"})],
        {"status_code": 200},
        [
            "gave up: Retry-After asks for 3600 s, max_retry_after=300 s\n",
            "after 1 poll",
        ],
        ["503 Service Unavailable", "status_code is 503, not 200"],
    ),
}


@pytest.mark.parametrize("situation", GIVING_UP)
def test_the_text_of_gave_up_tells_the_story(answers, situation):
    """The text of GaveUp has URL, polls, seconds, limit, last answer and tally."""
    script, arguments, head, rest = GIVING_UP[situation]
    answers(*script)
    with pytest.raises(GaveUp) as info:
        httsleep(URL, ignore_exceptions=ConnectionError, **arguments)
    told(info.value, "gave up", "\n  GET http://server/endpoint\n")
    told(info.value, *head, *rest)


ALARM = {"json": {"status": "FAILED"}}
ALARMS = {
    "by status": (
        [REFUSED, HTML, 500],
        {"status_code": 500},
        ["after 3 polls in 4 s: {'status_code': 500}"],
        ["last answer (poll 3): 500 Internal Server Error, no body"],
    ),
    "by body": (
        [{"status": "FAILED"}],
        ALARM,
        ["met an alarm: {'json': {'status': 'FAILED'}}\n", "\n  after 1 poll in 0 s\n"],
        ["1 x 200 OK"],
    ),
    "by callback": (
        [404],
        {"callback": repr},
        ["{'callback': <built-in function repr>}\n", "after 1 poll", "404 Not Found"],
        [],
    ),
    "after flapping": (
        [REFUSED, HTML, REFUSED, 404, 500],
        {"status_code": 500},
        ["5 polls in 8 s", "(poll 5): 500", "2 x ConnectionError: connection refused"],
        ["1 x 503 Service Unavailable", "1 x 404 Not Found", "1 x 500"],
    ),
    "of a large dict": (
        [dict.fromkeys(map(str, range(100)), "x" * 100)],
        {"json": dict.fromkeys(map(str, range(100)), "x" * 100)},
        [
            "met an alarm after 1 poll in 0 s\n",
            "why: {'json': {",
            "200 OK, application",
        ],
        [],
    ),
}


@pytest.mark.parametrize("situation", ALARMS)
def test_the_text_of_an_alarm_tells_the_story(answers, situation):
    """The text of Alarm has URL, polls, seconds, alarm, last answer and tally."""
    script, alarms, head, rest = ALARMS[situation]
    answers(*script)
    with pytest.raises(Alarm) as info:
        httsleep(URL, {"status_code": 201}, alarms, ignore_exceptions=ConnectionError)
    told(info.value, "met an alarm", "\n  GET http://server/endpoint\n")
    told(info.value, *head, *rest)


# the first line, as tracebacks print it on a terminal of 80 columns

LONG = {"json": {f"key {number}": "x" * 30 for number in range(9)}}


def first_line(error):
    """Return the first line that a traceback prints for an exception."""
    return traceback.format_exception_only(error)[0].splitlines()[0]


def cancelled():
    event = threading.Event()
    event.set()
    return event


LATER = (503, "", {"Retry-After": "86400"})
FOLLOW = {"follow": "Location", "polling_interval": 0}
ENDINGS = {
    "max_retries": ([503], {}, "after 50 polls in 98 s: max_retries=50 is reached"),
    "no time left": ([503], {"max_time": 3600}, "max_time=3600 s leaves no time for"),
    "max_retry_after": ([LATER], {}, "Retry-After asks for 86400 s, max_retry_after="),
    "cancel": ([503], {"cancel": cancelled()}, "stopped after 0 polls in 0 s: cancel "),
    "alarm of status": ([503], {"alarms": {"status_code": 503}}, "'status_code': 503}"),
    "alarm of a path": (
        [{"status": "FAILED"}],
        {"alarms": {"jsonpath": {"$.status": "FAILED"}}},
        "met an alarm: {'jsonpath': {'$.status': 'FAILED'}}",
    ),
    "long alarm": ([LONG["json"]], {"alarms": LONG}, "met an alarm after 1 poll in"),
    "unexpected": ([404], {"pending": []}, "got an unexpected answer after 1 poll in"),
    "no URL": ([200], FOLLOW, "the answer to the submit names no URL"),
    "not accepted": ([503], FOLLOW, "the submit was not accepted (503)"),
    "BodyTooLarge": ([(200, "x" * 99)], {"max_body_size": 9}, "larger than 9 bytes"),
}


@pytest.mark.parametrize(("script", "arguments", "why"), ENDINGS.values(), ids=ENDINGS)
def test_the_first_line_says_why_and_fits_a_terminal(
    answers, server, script, arguments, why
):
    """The first line has at most 79 characters, and says why the wait ended."""
    answers(*script)
    request = requests.Request("GET", URL)
    if "follow" in arguments:
        request.method = "POST"
        server.post(URL, status=script[0])
    with pytest.raises(HttSleepError) as info:
        httsleep(request, status_code=201, **arguments)
    assert first_line(info.value).startswith(f"httsleep.{type(info.value).__name__}: ")
    assert why in first_line(info.value)
    assert len(first_line(info.value)) <= 79


@pytest.mark.parametrize(
    ("error", "arguments", "first"),
    [
        (
            REFUSED,
            {},
            "failed after 1 poll in 0 s: ConnectionError: connection refused",
        ),
        (SSLError("x" * 200), {}, "failed after 1 poll in 0 s: SSLError: TLS failed"),
        (
            None,
            {"callback": lambda _: 1 / 0},
            "poll 1 was answered 500 Internal Server",
        ),
    ],
    ids=["request", "TLS", "callback"],
)
def test_the_first_line_of_a_note_fits_a_terminal(server, error, arguments, first):
    """URLs, and what the answer is, have lines of their own in a note."""
    url = URL + "/long" * 20
    server.add("POST", url, status=500, body=error or "")
    with pytest.raises((RequestException, ZeroDivisionError)) as info:
        httsleep(requests.Request("POST", url), **{"callback": bool} | arguments)
    lines = info.value.__notes__[-1].splitlines()
    assert lines[0].startswith(first)
    assert len(lines[0]) <= 79
    assert f"  POST {url}" in lines


@given(
    kind=st.sampled_from([GaveUp, Alarm, UnexpectedResponse, Cancelled]),
    polls=st.integers(0, 10**9),
    seconds=st.floats(0, 10**9),
    why=st.text("x", max_size=300),
)
def test_the_first_line_is_never_too_long(kind, polls, seconds, why):
    """What does not fit has a line of its own, and nothing is lost."""
    when = f"after {polls} polls in {seconds:.1f} s"
    name = exceptions.shown_name(kind)
    first, others = exceptions.first_line(name, "met an alarm", when, why)
    assert len(f"httsleep.{kind.__name__}: {first}") <= 79
    assert first.startswith("met an alarm")
    assert when in [first[len("met an alarm ") :][: len(when)], *others]
    assert first.endswith(why) or others == [f"why: {why}"]


def test_the_alarm_of_an_alarm_that_is_made_by_hand_has_its_line(make_response):
    """An Alarm without a text fits a terminal as well."""
    assert first_line(Alarm(make_response(), LONG)) == "httsleep.Alarm: alarm"
    assert "alarm\n  why: {'json': {'key 0': " in str(Alarm(make_response(), LONG))


def lines_about(answers, number):
    """Return the text of a GaveUp with that many reasons and kinds of answers."""
    answers(*range(501, 501 + number))
    until = [{"text": f"x{each}"} for each in range(number)]
    with pytest.raises(GaveUp) as info:
        httsleep(URL, until, max_retries=number)
    return str(info.value).splitlines()


def test_a_text_about_many_reasons_is_cut(answers):
    """Of many unmet keys and of many kinds of answers only the first are named."""
    lines = lines_about(answers, 8)
    assert [line for line in lines if "not met" in line] == [
        *(f"  not met: text is '', not 'x{number}'" for number in range(3)),
        "  not met: 5 more",
    ]
    assert lines[-1].count(" x ") == 3
    assert lines[-1].endswith(", 5 more")


def test_a_text_about_four_reasons_is_whole(answers):
    """Four unmet keys and four kinds of answers are all named."""
    lines = lines_about(answers, 4)
    assert "  not met: text is '', not 'x3'" in lines
    assert lines[-1].count(" x ") == 4
    assert not any("more" in line for line in lines)


def test_a_server_cannot_forge_a_line(server):
    """Line breaks and escapes of a server do not get into the text as they are."""
    server.get(
        URL,
        json={"status": "x\n  polls: 1 x SUCCESS\x1b[2J"},
        headers={"Content-Type": "application/json\x1b[2J"},
    )
    with pytest.raises(GaveUp) as info:
        httsleep(URL, status_code=201, jsonpath=STATUS, text="", max_retries=1)
    assert len(str(info.value).splitlines()) == 7
    assert all(line.isprintable() for line in str(info.value).splitlines())


# pickles


def assert_same(error, other):
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert other.args == error.args
    facts = dict(vars(error))
    facts.pop("response", None), facts.pop("exception", None)
    assert {name: vars(other)[name] for name in facts} == facts


@pytest.mark.parametrize("how", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_each_exception_survives_a_pickle(make_response, how):
    """A pickled or copied exception has the same text and the same facts."""
    response = make_response(503, "x")
    assert response.content == b"x"
    for error in (
        HttSleepError("base"),
        Alarm(response, {"status_code": 503}, attempts=3, elapsed=4.5, message="text"),
        GaveUp(
            "text",
            limit="max_time",
            response=response,
            exception=ConnectionResetError("x"),
            reasons=("a", "b"),
            attempts=3,
            elapsed=4.5,
        ),
        BodyTooLarge(5),
    ):
        other = how(error)
        assert_same(error, other)
        if hasattr(error, "attempts"):
            assert other.response.status_code == 503
            assert other.response.content == b"x"
    assert type(how(GaveUp(exception=KeyError())).exception) is KeyError


def test_a_pickle_leaves_out_a_response_that_cannot_be_pickled(make_response):
    """A pickle leaves out a response that cannot be pickled, and nothing else."""
    response = make_response(503)
    response.connection = response.reason = lambda: None
    other = pickle.loads(pickle.dumps(Alarm(response, {"status_code": 503})))
    assert other.response is None
    assert other.alarm == {"status_code": 503}


def test_a_pickle_leaves_out_a_callback(make_response):
    """A pickle keeps the keys of an alarm that can be pickled."""
    alarm = {"status_code": 503, "json": None, "callback": lambda response: True}
    other = pickle.loads(pickle.dumps(Alarm(make_response(503), alarm)))
    assert other.alarm == {"status_code": 503, "json": None}


class NeverBack(Exception):
    """Pickles, but cannot be made again: its constructor needs more than args."""

    def __init__(self, one, two):
        super().__init__(one)


def test_a_pickle_leaves_out_what_could_not_be_read_again():
    """A pickle leaves out an exception that pickles but does not unpickle."""
    error = GaveUp("text", exception=NeverBack(1, 2), attempts=3)
    other = pickle.loads(pickle.dumps(error))
    assert other.exception is None
    assert (str(other), other.attempts) == ("text", 3)


def test_a_subclass_with_a_constructor_of_its_own_pickles():
    """A subclass whose constructor takes other arguments can be pickled."""

    global OwnAlarm  # pickle finds classes by name

    class OwnAlarm(HttSleepError):
        def __init__(self, one, two):
            super().__init__("text")
            self.both = one, two

    OwnAlarm.__qualname__ = "OwnAlarm"
    other = pickle.loads(pickle.dumps(OwnAlarm(1, 2)))
    assert other.both == (1, 2)


def test_a_gave_up_crosses_a_process_pool():
    """A GaveUp of a wait in a process pool reaches the caller with its facts."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        future = pool.submit(
            httsleep,
            "nowhere://server/endpoint",
            status_code=200,
            session=requests.Session(),
            ignore_exceptions=InvalidSchema,
            max_retries=1,
        )
        with pytest.raises(GaveUp) as info:
            future.result()
    assert info.value.attempts == 1
    assert isinstance(info.value.exception, InvalidSchema)
    assert "1 x InvalidSchema" in str(info.value)


# what they hold on to


def outcome(session, **arguments):
    """Return the exception of a run of one poll, and a weak reference to its answer."""
    try:
        httsleep(URL, status_code=201, session=session, max_retries=1, **arguments)
    except HttSleepError as error:
        return error, weakref.ref(error.response)
    pytest.fail("nothing was raised")


@pytest.mark.parametrize("arguments", [{}, {"alarms": {"status_code": 200}}])
def test_an_exception_is_no_part_of_a_reference_cycle(
    make_response, stub_session, arguments
):
    """The response of an exception is freed with it, without the garbage collector."""
    session = stub_session(lambda **_: make_response(200))
    gc.disable()
    try:
        error, response = outcome(session, **arguments)
        assert response() is not None
        del error
        assert response() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "arguments", [{"max_retries": 2}, {"alarms": {"status_code": 503}}]
)
def test_what_ends_a_run_hides_only_exceptions_of_requests(answers, arguments):
    """The caller's exception stays the context; an ignored one, with its URL, is none.

    The text of an ignored exception could hold a credential.
    """
    answers(REFUSED, 503)
    handled = KeyError("of the caller")
    try:
        raise handled
    except KeyError:
        with pytest.raises(HttSleepError) as info:
            httsleep(
                URL, status_code=200, ignore_exceptions=ConnectionError, **arguments
            )
    assert info.value.__cause__ is None
    assert info.value.__context__ is handled
    assert not info.value.__suppress_context__
