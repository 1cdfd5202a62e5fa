"""What cannot work is refused at construction, in words that help, before any poll."""

import io
import math
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from httsleep import HttSleeper, exponential, httsleep

FILE = Path(__file__)
OK = {"status_code": 200}
PATH = {"expression": "$.a", "value": 1}
NUMBERS = (math.nan, math.inf, -math.inf, -1, -0.5, True, "2", 1j, [])
TIMES = (*NUMBERS, timedelta(seconds=-1))
LIMITS = (*TIMES, 0, timedelta(0), (3, 30))
COUNTS = (*NUMBERS, 0, 1.5, timedelta(seconds=1))


def conditions(where):
    """Conditions that make no sense, and the words that say so."""
    return [
        ({"status": 200}, [where, "'status'", "did you mean 'status_code'"]),
        ({"jsonPath": [PATH]}, [where, "'jsonPath'", "did you mean 'jsonpath'"]),
        ({"status_code": 200, "txt": "a"}, [where, "'txt'", "did you mean 'text'"]),
        ([OK, {"jsn": {}}], [f"{where}[1]", "'jsn'", "did you mean 'json'"]),
        ({"zzz": 1}, [where, "'zzz'", "status_code", "jsonpath", "callback"]),
        ({1: 2}, [where, "1", "status_code"]),
        ({}, [where, "{}"]),
        ([{}], [where, "{}"]),
        ([OK, {}], [f"{where}[1]", "{}"]),
        ("status_code", [where, "'status_code'", "dict"]),
        (200, [where, "200", "dict"]),
        ([200], [f"{where}[0]", "200", "dict"]),
        ([[OK]], [f"{where}[0]", "status_code", "dict"]),
        ({"status_code": "ok"}, [where, "status_code", "'ok'", "int"]),
        ({"status_code": True}, [where, "status_code", "True", "int"]),
        ({"status_code": None}, [where, "status_code", "None", "int"]),
        ({"status_code": 200.0}, [where, "status_code", "200.0", "int"]),
        ({"status_code": 20}, [where, "status_code", "20", "100"]),
        ({"status_code": "²00"}, [where, "status_code", "²00", "int"]),
        ({"status_code": ""}, [where, "status_code", "''", "int"]),
        ({"text": 5}, [where, "text", "5", "str"]),
        ({"text": b"ok"}, [where, "text", "b'ok'", "str"]),
        ({"text": None}, [where, "text", "None", "str"]),
        ({"callback": "len"}, [where, "callback", "'len'", "callable"]),
        ({"callback": None}, [where, "callback", "None", "callable"]),
        ({"jsonpath": "$.a"}, [where, "jsonpath", "'$.a'", "list"]),
        ({"jsonpath": []}, [where, "jsonpath", "[]"]),
        ({"jsonpath": None}, [where, "jsonpath", "None", "list"]),
        ({"jsonpath": ["$.a"]}, [where, "jsonpath", "'$.a'", "expression"]),
        ({"jsonpath": [{}]}, [where, "jsonpath", "{}", "expression"]),
        ({"jsonpath": [{"value": 1}]}, [where, "jsonpath", "'expression'"]),
        ({"jsonpath": [{"expression": "$.a"}]}, [where, "jsonpath", "value, in,"]),
        (
            {"jsonpath": [{"expresion": "$.a", "value": 1}]},
            [where, "'expresion'", "did you mean 'expression'"],
        ),
        (
            {"jsonpath": [{"expression": "$.a", "value": 1, "values": 2}]},
            [where, "'values'", "did you mean 'value'"],
        ),
        ({"jsonpath": [{**PATH, "expression": "$.[a"}]}, [where, "'$.[a'", "JSONPath"]),
        ({"jsonpath": [{**PATH, "expression": ""}]}, [where, "''", "JSONPath"]),
        ({"jsonpath": [{**PATH, "expression": 5}]}, [where, "5", "expression"]),
        ({"jsonpath": [{**PATH, "expression": None}]}, [where, "None", "expression"]),
    ]


def arguments():
    """Arguments that make no sense, and the words that say so."""
    for name, values in {
        "polling_interval": TIMES,
        "max_retry_after": (*TIMES, (3, 30)),
        "max_time": LIMITS,
        "request_timeout": LIMITS,
        "max_retries": COUNTS,
        "max_body_size": COUNTS,
    }.items():
        for value in values:
            yield {name: value}, [name, repr(value)[:30]]
    yield {"request_timeout": (3, 30)}, ["request_timeout", "(3, 30)", "connect, read"]
    yield {"polling_interval": None}, ["polling_interval", "None"]
    for value in ("ConnectionError", 5, KeyboardInterrupt, BaseException, object):
        words = ["ignore_exceptions", "Exception"]
        yield {"ignore_exceptions": value}, words
        yield {"ignore_exceptions": [ValueError, value]}, words
    yield {"ignore_exceptions": ValueError()}, ["ignore_exceptions"]
    yield {"on_poll": 5}, ["on_poll", "5", "callable"]
    yield {"on_poll": "print"}, ["on_poll", "'print'", "callable"]
    yield {"allow_redirects": "no"}, ["allow_redirects", "'no'", "True"]
    yield {"verify": "/no/such.pem"}, ["verify", "'/no/such.pem'"]
    yield {"verify": 5}, ["verify", "5", "True"]
    yield {"verify": ""}, ["verify", "''"]
    yield {"headers": "X-A: b"}, ["headers", "dict"]
    yield {"headers": [("X-A", "b")]}, ["headers", "dict"]
    yield {"headers": {"X-A": 5}}, ["headers", "X-A", "str"]
    yield {"headers": {"X-A": "b\r\nX-B: c"}}, ["headers", "X-A"]
    yield {"auth": "user"}, ["auth", "tuple"]
    yield {"auth": ("user",)}, ["auth", "tuple"]
    yield {"session": 5}, ["session", "Session"]
    yield {"session": requests.Session}, ["session", "Session"]


def numbered(cases):
    """An id for each case: its number, and what it is about."""
    return [f"{index} {value}"[:50] for index, (value, _) in enumerate(cases)]


CONDITIONS = numbered(conditions("until"))
ARGUMENTS = list(arguments())


def once(body):
    yield body


ONCE = {
    "open file": lambda: {"data": FILE.open("rb")},
    "BytesIO": lambda: {"data": io.BytesIO(b"a")},
    "StringIO": lambda: {"data": io.StringIO("a")},
    "generator": lambda: {"data": once(b"a")},
    "iterator": lambda: {"data": iter([b"a"])},
    "map": lambda: {"data": map(bytes, [])},
    "form with a generator": lambda: {"data": {"a": once("b")}},
    "file to upload": lambda: {"files": {"f": FILE.open("rb")}},
    "BytesIO to upload": lambda: {"files": {"f": io.BytesIO(b"a")}},
    "named file": lambda: {"files": {"f": ("f.txt", io.BytesIO(b"a"))}},
    "pairs of files": lambda: {"files": [("f", ("f.txt", io.BytesIO(b"a"), "a/b"))]},
    "params": lambda: {"params": iter([("a", "b")])},
    "a param": lambda: {"params": {"a": once("b")}},
}


@pytest.fixture
def refused(serve):
    """The text of the ValueError; a poll would have been refused instead."""
    server = serve(200, listening=False)

    def refused(url=server.url, *args, **options):
        texts = []
        for make in (HttSleeper, httsleep):
            with pytest.raises(ValueError) as caught:  # noqa: PT011
                make(url, *args, **options)
            assert type(caught.value) is ValueError
            texts.append(str(caught.value))
        assert texts[0] == texts[1]
        return texts[0]

    refused.server = server
    return refused


@pytest.mark.parametrize(("until", "words"), conditions("until"), ids=CONDITIONS)
def test_success_conditions(refused, until, words):
    """A success that makes no sense is refused by name, with the nearest right one."""
    text = refused(until=until)
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(("alarms", "words"), conditions("alarms"), ids=CONDITIONS)
def test_alarms(refused, alarms, words):
    """So is an alarm."""
    text = refused(until=OK, alarms=alarms)
    assert [word for word in words if word not in text] == []


def test_an_empty_list_of_successes(refused):
    """Without a condition nothing is a success."""
    for empty in ([], ()):
        assert "until" in refused(until=empty)


def test_an_empty_list_of_alarms(serve):
    """No alarm is no mistake."""
    for empty in ([], (), None):
        assert HttSleeper(serve(200).url, OK, empty).alarms == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("status_code", "ok"), ("text", 5), ("jsonpath", []), ("callback", 5)],
)
def test_shorthand(refused, name, value):
    """A shorthand argument is refused like the key of a condition."""
    text = refused(**{name: value})
    assert name in text
    assert repr(value) in text


def test_no_condition(refused):
    """No success condition at all: the words name those that there are."""
    text = refused()
    for name in ("until", "status_code", "json", "jsonpath", "text", "callback"):
        assert name in text


@pytest.mark.parametrize("shorthand", [{"status_code": 200}, {"json": {}, "text": ""}])
def test_until_and_a_shorthand(refused, shorthand):
    """Either ``until`` or the shorthand, even if it is a falsy one."""
    text = refused(until=OK, **shorthand)
    for name in ("until", *shorthand):
        assert name in text


@pytest.mark.parametrize(("options", "words"), ARGUMENTS, ids=numbered(ARGUMENTS))
def test_arguments(refused, options, words):
    """The text has the argument, the value and what would be right."""
    text = refused(until=OK, **options)
    assert [word for word in words if word not in text] == []
    assert len(text) < 500


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (None, "NoneType"),
        (5, "int"),
        (b"http://server/", "bytes"),
        ("", "URL"),
        ("server/endpoint", "server/endpoint"),
        ("/endpoint", "/endpoint"),
        ("http://", "http"),
        ("ftp://server/file", "ftp://server/file"),
        ("http://[bad/", "http"),
        ("http://server:port/", "http"),
    ],
)
def test_urls(refused, url, word):
    """What is no URL that can be polled is refused."""
    text = refused(url, status_code=200)
    assert "url_or_request" in text
    assert word in text


def test_a_request_without_a_method(refused):
    """A Request must say what it does."""
    text = refused(requests.Request(url=refused.server.url), status_code=200)
    assert "method" in text
    assert "'GET'" in text


def test_a_request_without_a_url(refused):
    """A Request must say where to."""
    assert "URL" in refused(requests.Request("GET"), status_code=200)


@pytest.mark.parametrize("make", ONCE.values(), ids=ONCE)
def test_bodies_that_can_be_sent_only_once(refused, make):
    """The second poll would send an empty one: refused, saying which and why."""
    fields = make()
    request = requests.Request("POST", refused.server.url, **fields)
    try:
        text = refused(request, status_code=200)
    finally:
        for each in (fields.get("data"), *dict(fields.get("files") or {}).values()):
            if hasattr(each, "close"):
                each.close()
    assert "once" in text
    assert next(iter(fields)) in text


def test_a_json_body_that_cannot_be_sent(refused):
    """A body that JSON has no words for is refused now, not at the first poll."""
    for body in ({1, 2}, object(), math.nan):
        request = requests.Request("POST", refused.server.url, json=body)
        assert "json" in refused(request, status_code=200)


def test_no_secret_is_shown(refused):
    """Values that may be secret are not repeated in the text."""
    url = "ftp://user:hunter2@server/?token=hunter2"
    texts = [
        refused(url, status_code=200),
        refused(status_code=200, auth="hunter2"),
        refused(status_code=200, headers={"Authorization": "hunter2\n"}),
        refused(status_code=200, headers="hunter2"),
    ]
    assert not any("hunter2" in text for text in texts)


def test_assigning_a_condition_that_makes_no_sense(serve):
    """Assigning to ``.until`` and ``.alarms`` checks as well, and changes nothing."""
    sleeper = HttSleeper(serve(200).url, OK, alarms={"status_code": 500})
    with pytest.raises(
        ValueError, match=r"until.*'status'.*did you mean 'status_code'"
    ):
        sleeper.until = {"status": 404}
    with pytest.raises(ValueError, match="alarms"):
        sleeper.alarms = [{}]
    with pytest.raises(ValueError, match="until"):
        sleeper.until = []
    assert sleeper.until == [OK]
    assert sleeper.alarms == [{"status_code": 500}]


def test_a_loglevel_that_is_none(refused):
    """A deprecated argument is checked as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for level in ("LOUD", 1.5, []):
            assert "loglevel" in refused(status_code=200, loglevel=level)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"initial": -1}, "initial"),
        ({"initial": "1"}, "initial"),
        ({"initial": 1, "factor": 0.5}, "factor"),
        ({"initial": 1, "factor": math.nan}, "factor"),
        ({"initial": 1, "maximum": math.inf}, "maximum"),
        ({"initial": 2, "maximum": 1}, "maximum"),
        ({"initial": 1, "jitter": 2}, "jitter"),
        ({"initial": 1, "jitter": True}, "jitter"),
    ],
)
def test_exponential(options, word):
    """The arguments of ``exponential()`` are checked like all others."""
    with pytest.raises(ValueError, match=f"^{word} is "):
        exponential(**options)


def test_type_errors_are_left_to_python(serve):
    """An unknown, a missing or a positional argument is Python's own TypeError."""
    url = serve(200).url
    for make in (HttSleeper, httsleep):
        with pytest.raises(TypeError):
            make(url, status=200)
        with pytest.raises(TypeError):
            make(status_code=200)
        with pytest.raises(TypeError):
            make(url, OK, [], 200)
