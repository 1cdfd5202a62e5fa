"""Arguments and answers that Hypothesis makes up, sensible and absurd.

``FUZZ=20000 pytest tests/unit/test_fuzz.py`` tries as many, others each time.
"""

import http.client
import inspect
import io
import json
import math
import os
import pickle
import re
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus
from typing import Any

import jsonpath_ng
import pytest
import requests
import urllib3
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from model import Expected, Model
from requests import exceptions as broken
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.utils import get_encoding_from_headers

from httsleep import (
    Alarm,
    BodyTooLarge,
    Cancelled,
    GaveUp,
    HttSleeper,
    exponential,
)
from httsleep.intervals import retry_after
from httsleep.operators import OPERATORS
from httsleep.validators import VALIDATORS, Answer

URL = "http://server/endpoint"
EXAMPLES = int(os.environ.get("FUZZ", 0))
MOST_POLLS = 40
PARAMETERS = list(inspect.signature(HttSleeper).parameters)


def fuzz(examples):
    """So many examples, the same in each run of the gate; or as many as FUZZ says."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        phases=[Phase.generate] if EXAMPLES else list(Phase),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


class Own(Exception):
    """Raised by the code of the caller's, who may see it again."""


class Refused(Exception):
    """requests itself does not make a Request of that."""


class Enough(BaseException):
    """Ends a run that would go on for ever."""


# Values of all sorts


class Hostile:
    """Nothing can be done with it."""

    def __repr__(self):
        raise Own

    __str__ = __repr__


def own_error(response):
    raise Own


def endless():
    value = {}
    value["a"] = [value]
    return value


ABSURD = [
    *(None, True, False, 0, 1, -1, 2, 300, 10**10, 10**400, 10**5000, -(10**5000)),
    *(0.0, -0.0, 0.5, 1e-300, 1e300, float("nan"), float("inf"), float("-inf")),
    *("", "a", "200", "2xx", "٣", "\ud800", "\x1b[31m\n", "a" * 10_000),
    *(b"", b"a", b"\xff", bytearray(b"a"), [], {}, (), set(), frozenset(), range(3)),
    *([[]], [None], {"a": 1}, {1: 2}, {None: {}}, [{}], (1, 2), ("a", "b"), {"a"}),
    *(object(), Hostile(), own_error, HTTPStatus.OK, Decimal(1), Fraction(1, 3)),
    *(timedelta(0), timedelta(1), timedelta(-1), timedelta.max, endless()),
    *(re.compile("a"), re.compile(b"a"), re.compile("(a+)?$"), iter([]), 1j),
    *(jsonpath_ng.parse("$.a"), GaveUp("a"), threading.Event()),
]


def outcome(function):
    """What a function returns, or the exception that it raises."""
    try:
        return function()
    except (Exception, Enough) as error:
        return error


@dataclass(frozen=True)
class Odd:
    """Stands for an absurd value, of which Hypothesis could not take the repr."""

    index: int


@dataclass(frozen=True)
class Asked:
    """Stands for a Request."""

    method: Any
    url: Any
    fields: Any


def real(value):
    """``value`` with the absurd values in it."""
    if isinstance(value, Odd):
        return ABSURD[value.index]
    if isinstance(value, Asked):
        fields = [real(each) for each in (value.method, value.url)]
        request = outcome(lambda: requests.Request(*fields, **real(value.fields)))
        if not isinstance(request, requests.Request):
            raise Refused
        return request
    if type(value) is dict:
        return {real(key): real(each) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(real, value))
    return value


absurd = st.integers(0, len(ABSURD) - 1).map(Odd)
HASHABLE = [
    Odd(index)
    for index, value in enumerate(ABSURD)
    if not isinstance(value, (list, dict, set, bytearray))
]
hashable = st.sampled_from(HASHABLE)
texts = st.text(max_size=5) | st.sampled_from(["done", "a", "\ud800", "\x1b", "ü漢"])
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([10**399, 1.5, float("inf"), float("-inf"), float("nan")])
    | texts
)
documents = st.recursive(
    leaves,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(texts, each, max_size=3),
    max_leaves=6,
)
#: Documents as a condition can expect them.
expected = st.recursive(
    leaves | st.sampled_from([re.compile("d"), re.compile("^$")]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(texts, each, max_size=3),
    max_leaves=6,
)


def mostly(sensible, other=absurd):
    """What makes sense, seven times out of eight."""
    return st.integers(0, 7).flatmap(lambda n: other if n == 7 else sensible)


# Conditions


def truth(response):
    return response.status_code % 2


def lost(response):
    raise broken.ConnectionError("lost")


def looking(response):
    try:
        return response.json()["a"]
    except Exception:
        raise Own from None


def hostile(response):
    return Hostile()


CALLBACKS = [truth, own_error, lost, looking, hostile]
EXPRESSIONS = [
    *("$", "a", "$.a", "$.*", "$[0]", "$[*]", "$..a", "$.a.b", "$[0:2]", "$['ü漢']"),
    *("$.a.`len`", "$.`keys`", "$.a.`sub(/a/, b)`", "$.`sorted`", "$.`parent`"),
    *("$[?(@.a > 1)]", "$[?(@.a =~ '(')]", "$.a + $.b", "$.a * 2", "$[\\a]", "$.a[-5]"),
    *("$[", "", "$.a b", "$.a & $.b", "a|b", "`sub(/(/, b)`", "$" + ".a" * 400),
]
paths = mostly(st.sampled_from(EXPRESSIONS), hashable)
statuses = st.integers(100, 599) | st.sampled_from(["200", "2xx", "5XX", "099", "600"])
operators = st.sampled_from(["value", "in", "not_in", "any", "all", "exists"])
ordered = st.sampled_from(["gt", "ge", "lt", "le"])
entries = st.builds(
    lambda path, one, two: {"expression": path, **one, **two},
    mostly(st.sampled_from(EXPRESSIONS) | texts),
    st.dictionaries(operators, mostly(expected | st.lists(expected)), max_size=1),
    st.dictionaries(ordered, mostly(leaves), max_size=2),
)
HEADERS = st.sampled_from(["Content-Type", "X", "x", "retry-after"])
VALUES = {
    "status_code": statuses | st.lists(statuses, max_size=3) | st.just(range(200, 300)),
    "headers": st.dictionaries(
        mostly(HEADERS | texts, hashable),
        mostly(texts | st.sampled_from([True, re.compile("j"), re.compile("^$")])),
        max_size=2,
    ),
    "text": texts | st.sampled_from([re.compile("a"), re.compile("^$")]),
    "json": expected,
    "json_contains": expected,
    "jsonpath": (
        entries
        | st.lists(mostly(entries), max_size=2)
        | st.dictionaries(paths, expected, max_size=2)
    ),
    "callback": st.sampled_from(CALLBACKS),
    "consecutive": st.integers(1, 3),
}
WRONG_KEYS = ["status", "JSON", "xconsecutive", "x" * 1000]
condition = st.fixed_dictionaries(
    {}, optional={key: mostly(value) for key, value in VALUES.items()}
).flatmap(
    lambda written: mostly(
        st.just(written),
        (st.sampled_from(WRONG_KEYS) | hashable).map(lambda key: {**written, key: 1}),
    )
)
conditions = mostly(condition | st.lists(mostly(condition), max_size=3))


# Answers

RETRY_AFTER = [
    *("0", "5", "301", "9" * 5000, "-1", "1.5", "", "Wed, 21 Oct 2499 07:28:00 GMT"),
    *("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Oct 99999 99:99:99", "\x1b[31m", "٣"),
]
TYPES = [
    *("application/json", "text/html", "", "a/b; charset=idna", "a; charset=undefined"),
    *("text/plain; charset=utf-16", "a/b;charset=utf\0 8", ";" * 9),
]
with suppress(AttributeError):  # of requests before 2.33, on a caller's session
    get_encoding_from_headers({"content-type": "text/x; charset"})
    TYPES.append("text/x; charset")
LOCATIONS = [
    *("/a", "", "//", "http://[", "http://a:99999/", "http://a:x/", "ftp://a/", "?a"),
    *("http://user:a@other/", "http://ÿþ/", "http://a..b/", "\x00", "http://:80", "#"),
]
bodies = (
    st.binary(max_size=20)
    | documents.map(lambda each: json.dumps(each).encode())
    | documents.map(lambda each: json.dumps(each).encode("utf-16"))
    | st.sampled_from([b"[" * 5000, b"1" * 5000, b'{"a":', b"done", b"x" * 2000])
)
answers = st.tuples(
    st.sampled_from([200, 200, 200, 202, 204, 404, 500, 503, 100, 103, 302, 999]),
    bodies,
    st.fixed_dictionaries(
        {},
        optional={
            "Content-Type": st.sampled_from(TYPES),
            "Retry-After": st.sampled_from(RETRY_AFTER) | st.text(max_size=5),
            "Location": st.sampled_from(LOCATIONS),
            "Set-Cookie": st.sampled_from(["a=b", "=", ";;", "a=b; expires=x; path"]),
            "X": st.text(max_size=3),
        },
    ),
)
FAULTS = [
    *(broken.ConnectionError, broken.ReadTimeout, broken.ChunkedEncodingError),
    *(broken.SSLError, broken.ContentDecodingError, broken.TooManyRedirects),
    *(broken.InvalidHeader, broken.ConnectTimeout, MemoryError),
]
scripts = st.lists(
    st.tuples(
        mostly(answers, st.sampled_from(FAULTS)), st.sampled_from([0, 0.001, 1, 50])
    ),
    min_size=1,
    max_size=6,
)


class Wire(BaseAdapter):
    """Answers in turn, after what it is given has really become the bytes of HTTP."""

    def __init__(self, script, clock):
        super().__init__()
        self.script, self.clock = list(script), clock
        self.sent = 0
        self.raised = []

    def send(self, request, **options):
        self.sent += 1
        if self.sent > MOST_POLLS:
            raise Enough
        connection = urllib3.connection.HTTPConnection("server")
        connection.sock = Socket()
        connection.request(
            request.method, request.path_url, request.body, dict(request.headers)
        )
        answer, seconds = self.script.pop(0) if self.script[1:] else self.script[0]
        self.clock.now += seconds
        if isinstance(answer, type):
            self.raised.append(answer("lost"))
            raise self.raised[-1]
        status, body, headers = answer
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(body),
            headers=headers,
            status=status,
            reason=http.client.responses.get(status),
            preload_content=False,
        )
        return HTTPAdapter().build_response(request, raw)

    def close(self):
        pass


class Socket:
    """Takes what is sent."""

    def sendall(self, data):
        assert isinstance(data, (bytes, bytearray, memoryview))

    def settimeout(self, seconds):
        pass

    def close(self):
        pass


class Event(threading.Event):
    """One that waits on the clock of the test, and is set after some time."""

    def __init__(self, clock, waits):
        super().__init__()
        self.clock, self.waits = clock, waits

    def wait(self, timeout=None):
        assert 0 <= timeout <= 1e9
        self.clock.now += timeout
        self.waits -= 1
        if self.waits <= 0:
            self.set()
        return self.is_set()


# What has to come of it


def names_an_argument(error, arguments):
    """Whether the text has the name of an argument that was given, or of a part."""
    names = {"until", "JSONPath"}  # what the shorthand is a part of
    if isinstance(arguments.get("url_or_request"), requests.Request):
        names |= {"auth", "headers"}
    names.update(arguments)
    return any(name in str(error) for name in names)


def play(arguments, script, clock, *, own_session=True):
    """Construct, and run if that was possible; check what either brings."""
    try:
        arguments = real(arguments)
    except Refused:
        return
    if not own_session:
        arguments.setdefault("session", requests.Session())
        script = [without_location(each) for each in script]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # loglevel; a | in a path
        sleeper = outcome(lambda: HttSleeper(**arguments))
    if isinstance(sleeper, Exception):
        assert type(sleeper) is ValueError, repr(sleeper)
        assert names_an_argument(sleeper, arguments), sleeper
        assert len(str(sleeper)) < 5000
        return
    wire = Wire(script, clock)
    if type(sleeper.cancel) is threading.Event:
        return  # which would really wait
    if not isinstance(sleeper.session, requests.Session):
        return  # but something that has a request
    sleeper.session.mount("http://", wire)
    sleeper.session.mount("https://", wire)
    attempts = []
    is_modelled = not (sleeper.on_poll or sleeper.cancel or sleeper.max_time)
    if is_modelled and not callable(sleeper.polling_interval):
        sleeper.on_poll = attempts.append
    with sleeper:
        ended = outcome(sleeper.run)
    check(ended, sleeper, wire)
    if attempts:
        compare(ended, attempts, sleeper)
        assert clock.naps == [a.next_wait for a in attempts if a.next_wait is not None]


def without_location(step):
    """A step without a redirect: of a caller's session it may be a ValueError."""
    answer, seconds = step
    if isinstance(answer, tuple):
        status, body, headers = answer
        answer = status, body, {**headers, "Location": ""}
    return answer, seconds


def check(ended, sleeper, wire):
    """What a run may end with is what is documented, and nothing else."""
    if isinstance(ended, (Alarm, GaveUp, Cancelled)):
        assert str(ended).replace("\n  ", "").isprintable()
        assert len(str(ended)) < 5000
        assert type(pickle.loads(pickle.dumps(ended))) is type(ended)
    elif isinstance(ended, ValueError) and not isinstance(ended, OSError):
        assert str(ended).startswith("the result of polling_interval is "), repr(ended)
    elif isinstance(ended, MemoryError):
        assert ended in wire.raised
    elif isinstance(ended, (BodyTooLarge, Own, broken.RequestException)):
        by_on_poll = isinstance(ended, Own) and sleeper.on_poll is own_error
        assert by_on_poll or not isinstance(ended, sleeper.ignore_exceptions)
    else:
        assert isinstance(ended, (Enough, requests.Response)), repr(ended)


class Brought:
    """What a poll brought, for the model."""

    def __init__(self, attempt):
        self.fails = attempt.exception and type(attempt.exception)
        if attempt.response is not None:
            self.answer = Answer(attempt.response)
            self.status = attempt.response.status_code
            self.asks = retry_after(attempt.response) or 0


class Unknown(Exception):
    """A callback raised an exception that the model cannot tell the end of."""


def holds(source, sleeper):
    """Return whether an answer meets a condition, as a function for the model."""
    keys = sorted(source.keys() - {"consecutive"}, key="callback".__eq__)
    checks = [VALIDATORS[key](source[key]) for key in keys]

    def function(brought):
        try:
            return all(check(brought.answer) is None for check in checks)
        except Exception as error:
            if isinstance(error, sleeper.ignore_exceptions):
                return False
            raise Unknown from error

    return function


def expected_by(sleeper):
    """Return what the sleeper was told, in the words of the model."""

    def pairs(sources):
        return [(holds(each, sleeper), each.get("consecutive", 1)) for each in sources]

    pending, limits = sleeper.pending, (sleeper.max_retries, sleeper.max_retry_after)
    interval = sleeper.polling_interval
    return Expected(
        pairs(sleeper.until),
        pairs(sleeper.alarms),
        None if pending is None else [each for each, _ in pairs(pending)],
        sleeper.ignore_exceptions,
        interval.total_seconds() if isinstance(interval, timedelta) else interval,
        *(math.inf if limit is None else limit for limit in limits),
    )


def compare(ended, attempts, sleeper):
    """Check that the attempts and the end are those of the model."""
    model, end = Model(expected_by(sleeper)), None
    for attempt in attempts:
        assert end is None
        brought = Brought(attempt)
        try:
            record, end = model.poll(brought)
        except Unknown:
            return
        what = brought.status if brought.fails is None else brought.fails.__name__
        really = (attempt.number, attempt.outcome, what, attempt.next_wait)
        assert really == record
    name = type(ended).__name__
    if isinstance(ended, requests.Response):
        assert end == "met"
    elif isinstance(ended, (Alarm, GaveUp)):
        assert end == (f"GaveUp: {ended.limit}" if name == "GaveUp" else name)
    else:
        assert end is None
        assert not model.expected.ignores(type(ended))


def arguments_of(**strategies):
    """Some of these arguments."""
    return st.fixed_dictionaries({}, optional=strategies)


limits = {
    "polling_interval": mostly(
        st.sampled_from([0, 1, 2.5, timedelta(seconds=3), exponential(1)])
        | mostly(leaves).map(lambda each: lambda attempt: each)
    ),
    "max_retries": mostly(st.integers(1, 9) | st.none()),
    "max_time": mostly(st.sampled_from([0.001, 1, 99.5, timedelta(hours=1), None])),
    "request_timeout": mostly(st.sampled_from([0.001, 1, timedelta(hours=1), None])),
    "max_retry_after": mostly(st.sampled_from([0, 4, 5.5, timedelta(1), None])),
    "max_body_size": mostly(st.sampled_from([1, 100, 10**6, None])),
    "max_body_excerpt": mostly(st.sampled_from([0, 1, 10**6])),
    "allow_redirects": mostly(st.booleans()),
    "verify": mostly(st.booleans() | st.none()),
    "loglevel": mostly(st.sampled_from([None, 10, "DEBUG"])),
    "on_poll": mostly(st.sampled_from([None, str, repr, own_error])),
    "ignore_exceptions": mostly(
        st.sampled_from([(), [ConnectionError], TimeoutError, Exception, OSError])
        | st.lists(st.sampled_from([Own, ValueError, *FAULTS]), max_size=3)
    ),
}
wanted = {
    "until": conditions,
    "alarms": conditions,
    "pending": conditions,
    **{key: mostly(VALUES[key]) for key in ("status_code", "json", "jsonpath")},
    **{key: mostly(VALUES[key]) for key in ("text", "callback")},
}
urls = st.sampled_from(
    [
        *(URL, URL.upper(), "http://server", "https://server/?a=b#c", "http://[::1]/"),
        *("http://u:p@server:8080/", "http://é.example/ü", "http://server/%zz\ud800"),
        *("", "server", "ftp://server/", "http://", "http://[", "http://a:x/", "//a/"),
        *("http://a..b/", "http://a:99999/", "http://\x00/", "http://*/", "http://a b"),
        *("http://" + "a" * 64 + "/", "http://server/" + "a" * 9000, "http://a:0/"),
    ]
) | st.text(max_size=9).map(lambda text: f"http://{text}/")  # fmt: skip
METHODS = ["GET", "post", "X-Y", "", "G T", "GET\r\nX: y", "é", None, 5, b"GET"]
names = st.sampled_from(
    ["X-A", "Content-Length", "", "a b", "a\n", "漢", b"a", b"\xff"]
)
fields = {
    "headers": mostly(st.dictionaries(names | texts, mostly(texts), max_size=2)),
    "data": mostly(st.binary() | texts | st.dictionaries(texts, mostly(texts))),
    "json": mostly(documents),
    "params": mostly(st.dictionaries(texts, mostly(texts | st.lists(texts)))),
    "cookies": mostly(st.dictionaries(texts, mostly(texts))),
    "files": mostly(st.dictionaries(texts, mostly(texts | st.binary()))),
    "auth": mostly(st.tuples(texts, texts)),
}


asked = {
    "url_or_request": mostly(
        urls
        | st.builds(
            Asked,
            st.sampled_from(METHODS[:2] * 5 + METHODS),
            mostly(urls),
            arguments_of(**fields),
        )
    ),
    "auth": mostly(st.tuples(texts, texts) | st.tuples(mostly(texts), mostly(texts))),
    "headers": fields["headers"],
}
FEW = {"max_retries": 6}


def named(name):
    """The value is that argument."""
    return lambda odd: {name: odd}


def in_until(key):
    """The value is expected by that key of a condition."""
    return lambda odd: {"until": {key: odd, "text": "a"}}


def in_entry(key):
    """The value is that part of an entry of jsonpath."""
    return lambda odd: {"jsonpath": {"expression": "$.a", key: odd}}


def in_request(name, *, nested=False):
    """The value is that field of a Request, or in it."""
    return lambda odd: {
        "url_or_request": Asked("POST", URL, {name: {"a": odd} if nested else odd})
    }


PLACES = {
    **{name: named(name) for name in PARAMETERS},
    **{f"until {key}": in_until(key) for key in [*VALIDATORS, "consecutive"]},
    **{f"entry {key}": in_entry(key) for key in ["expression", *OPERATORS]},
    **{f"request {name}": in_request(name) for name in [*fields, "hooks"]},
    **{f"in {name}": in_request(name, nested=True) for name in [*fields, "hooks"]},
    "key": lambda odd: {"until": {"text": "a", odd: 1}},
    "path": lambda odd: {"jsonpath": {"$": 1, "a": odd}},
    "condition": lambda odd: {"until": [odd]},
    "alarm": lambda odd: {"alarms": [{"json_contains": {"a": odd}}]},
    "method": lambda odd: {"url_or_request": Asked(odd, URL, {})},
    "url": lambda odd: {"url_or_request": Asked("GET", odd, {})},
    "header": lambda odd: {"headers": {"X-A": odd}},
    "auth in it": lambda odd: {"auth": ("user", odd)},
    "computed": lambda odd: {"polling_interval": lambda attempt: real(odd)},
    "ignored": lambda odd: {"ignore_exceptions": [KeyError, odd]},
}


ONE_ANSWER = [((200, b'{"a": [1, "a", {"b": 2}]}', {"Content-Type": "a/json"}), 1)]


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_each_absurd_value(virtual_clock, place):
    """An absurd value, wherever it stands alone, is refused by name or does no harm."""
    for index in range(len(ABSURD)):
        if place is not PLACES["key"] or Odd(index) in HASHABLE:
            with virtual_clock() as clock:
                arguments = {"url_or_request": URL, **FEW, **place(Odd(index))}
                arguments.setdefault("status_code", 200)
                if "until" in arguments or "jsonpath" in arguments:
                    del arguments["status_code"]
                play(arguments, ONE_ANSWER, clock)


@fuzz(250)
@given(arguments_of(**wanted), scripts, st.booleans())
def test_conditions(virtual_clock, arguments, script, own_session):
    """A run with any conditions and any answers goes and ends as the model says."""
    arguments = {"url_or_request": URL, **FEW, **arguments}
    with virtual_clock() as clock:
        play(arguments, script, clock, own_session=own_session)


#: Conditions and answers of which many meet each other.
sensible = st.fixed_dictionaries(
    {"consecutive": st.sampled_from([1, 1, 1, 2, 3])},
    optional={
        "status_code": st.sampled_from([200, "2xx", [404, 503], "5xx"]),
        "jsonpath": st.sampled_from(
            [{"$.a": 1}, {"expression": "$.a", "exists": True}]
        ),
        "json": st.sampled_from([{"a": 1}, {"a": 2}]),
        "text": st.sampled_from(["", re.compile("a")]),
        "callback": st.sampled_from([truth, lost, looking]),
    },
).filter(lambda written: len(written) > 1)
uncounted = sensible.map(
    lambda written: {key: written[key] for key in written if key != "consecutive"}
)
plain_answers = st.tuples(
    st.sampled_from([200, 404, 503]),
    st.sampled_from([b"", b"a", b'{"a": 1}', b'{"a": 2}', b"{}"]),
    st.sampled_from([{}, {}, {"Retry-After": "5"}, {"Retry-After": "301"}]),
)
plain_scripts = st.lists(
    st.tuples(mostly(plain_answers, st.sampled_from(FAULTS)), st.just(1)),
    min_size=2,
    max_size=9,
)


@fuzz(400)
@given(
    st.fixed_dictionaries(
        {"until": st.lists(sensible, min_size=1, max_size=3)},
        optional={
            "alarms": st.lists(sensible, max_size=2),
            "pending": st.lists(uncounted, max_size=3),
            "max_retries": st.integers(1, 9) | st.none(),
            "max_retry_after": st.sampled_from([0, 4, 5, None]),
            "polling_interval": st.sampled_from([0, 3, 9.5]),
            "ignore_exceptions": st.sampled_from(
                [Exception, [ConnectionError, Own], [TimeoutError, ConnectionError]]
            ),
        },
    ),
    plain_scripts,
)
def test_the_model(virtual_clock, arguments, script):
    """A run with sensible conditions and answers goes and ends as the model says."""
    with virtual_clock() as clock:
        play({"url_or_request": URL, **arguments}, script, clock)


@fuzz(150)
@given(arguments_of(**limits), condition, scripts, st.booleans())
def test_settings(virtual_clock, arguments, until, script, own_session):
    """Settings are refused by name, or the run goes and ends as the model says."""
    arguments = {"url_or_request": URL, "until": until, **arguments}
    with virtual_clock() as clock:
        play(arguments, script, clock, own_session=own_session)


@fuzz(200)
@given(arguments_of(**asked), scripts)
def test_requests(virtual_clock, arguments, script):
    """A request with any parts is refused by name, or can be sent."""
    arguments = {"url_or_request": URL, "status_code": 200, **arguments}
    with virtual_clock() as clock:
        play({**arguments, **FEW}, script, clock)


@fuzz(200)
@given(
    st.sampled_from(PARAMETERS),
    absurd,
    arguments_of(**limits, **asked),
    conditions,
    scripts,
    st.integers(0, 3),
)
def test_everything(virtual_clock, name, value, arguments, until, script, waits):
    """One absurd argument among others is refused by name, or does no harm."""
    arguments = {"url_or_request": URL, "until": until, **arguments, name: value}
    with virtual_clock() as clock:
        if waits:
            arguments.setdefault("cancel", Event(clock, waits))
        play(arguments, script, clock)
