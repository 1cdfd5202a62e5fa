"""What must not be read in our words: the caller's secrets, and what a server injects.

The words are log records, exceptions, attempts, warnings, and our notes on exceptions
of requests; the text of those is requests' own.
"""

import base64
import logging
import pickle
import re
import threading
import traceback
from urllib.parse import unquote

import pytest
import requests
from requests import exceptions as broken

from httsleep import (
    Alarm,
    BodyTooLarge,
    Cancelled,
    GaveUp,
    HttSleeper,
    HttSleepError,
    UnexpectedResponse,
    httsleep,
)

CANARY = "c4n4ry"
OK = b"HTTP/1.1 200 OK\r\n"


class Words:
    """All texts of httsleep that a run makes."""

    def __init__(self, caplog):
        self.caplog = caplog
        self.attempts = []
        self.others = []

    def on_poll(self, attempt):
        self.attempts.append(attempt)

    def of(self, error):
        """Note all that can be read of an exception."""
        self.others += traceback.format_tb(error.__traceback__)
        self.others += getattr(error, "__notes__", [])
        if type(error) is ValueError or isinstance(error, HttSleepError):
            self.others += [str(error), repr(error), *map(str, error.args)]
            self.others += traceback.format_exception(error)
        if isinstance(error, HttSleepError):
            copy = pickle.loads(pickle.dumps(error))
            self.others += [str(copy), repr(copy)]

    def __iter__(self):
        for record in self.caplog.records:
            if record.name.startswith("httsleep"):
                yield logging.Formatter().format(record)
                yield repr(record.args)
        for attempt in self.attempts:
            yield from (str(attempt), repr(attempt), *attempt.reasons)
        yield from self.others


@pytest.fixture
def words(caplog):
    caplog.set_level(logging.DEBUG, "httsleep")
    return Words(caplog)


# The caller's secrets


class Token(requests.auth.AuthBase):
    """An authentication that shows itself."""

    def __call__(self, request):
        request.headers["X-Token"] = CANARY
        return request

    def __repr__(self):
        return CANARY


def with_session(**attributes):
    """A session with these attributes."""
    session = requests.Session()
    for name, value in attributes.items():
        getattr(session, name).update(value)
    return session


def in_netrc(monkeypatch, tmp_path, root):
    path = tmp_path / "netrc"
    path.write_text(f"machine 127.0.0.1 login {CANARY} password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(path))
    return {"url_or_request": f"{root}/endpoint"}


def in_proxy(monkeypatch, tmp_path, root):
    proxy = root.replace("//", f"//user:{CANARY}@")
    monkeypatch.setenv("http_proxy", proxy)
    return {"url_or_request": "http://server.test/endpoint"}


def in_proxy_of_session(monkeypatch, tmp_path, root):
    proxy = root.replace("//", f"//{CANARY}:{CANARY}@")
    session = with_session(proxies={"http": proxy})
    return {"url_or_request": "http://server.test/endpoint", "session": session}


def asking(method="GET", url="/endpoint", **fields):
    """The secret is in a Request."""
    return lambda monkeypatch, tmp_path, root: {
        "url_or_request": requests.Request(method, root + url, **fields)
    }


def beside(url="/endpoint", **arguments):
    """The secret is in the URL or in another argument."""
    return lambda monkeypatch, tmp_path, root: {
        "url_or_request": root + url,
        **arguments,
    }


def in_userinfo(userinfo):
    return lambda monkeypatch, tmp_path, root: {
        "url_or_request": root.replace("//", f"//{userinfo}@") + "/endpoint"
    }


PLACES = {
    "password in the URL": in_userinfo(f"user:{CANARY}"),
    "user in the URL": in_userinfo(f"{CANARY}:password"),
    "query": beside(f"/endpoint?token={CANARY}&other=1"),
    "query without a name": beside(f"/endpoint?{CANARY}"),
    "params": asking(params={"token": CANARY}),
    "auth": beside(auth=(CANARY, CANARY)),
    "auth of the request": asking(auth=("user", CANARY)),
    "callable auth": beside(auth=Token()),
    "headers": beside(headers={"Authorization": f"Bearer {CANARY}"}),
    "headers in bytes": beside(headers={"X-Key": CANARY.encode()}),
    "headers of the request": asking(headers={"X-Key": CANARY}),
    "cookies of the request": asking(cookies={"session": CANARY}),
    "json": asking("POST", json={"password": CANARY}),
    "data": asking("POST", data={"password": CANARY}),
    "text": asking("POST", data=CANARY),
    "files": asking("POST", files={"file": CANARY.encode()}),
    "headers of the session": lambda *args: {
        **beside()(*args),
        "session": with_session(headers={"X-Key": CANARY}),
    },
    "cookies of the session": lambda *args: {
        **beside()(*args),
        "session": with_session(cookies={"session": CANARY}),
    },
    "netrc": in_netrc,
    "proxy": in_proxy,
    "proxy of the session": in_proxy_of_session,
}


def sent(seen):
    """Whether the canary is in a request, as it is or in base64."""
    values = " ".join([seen.path, *(value for _, value in seen.lines)])
    coded = [
        base64.b64decode(each + "===").decode("latin-1")
        for each in re.findall(r"Basic ([\w+/]+)", values)
    ]
    return CANARY in values + seen.body.decode() + "".join(coded)


def a_test(error):
    """A function that raises."""

    def function(_):
        raise error

    return function


def cancelled():
    event = threading.Event()
    event.set()
    return event


DROP = b""
CUT = OK + b"Content-Length: 9\r\n\r\n{"
RUNNING, DONE = (200, {"state": "running"}), (200, {"state": "done"})
LATER = (503, "", {"Retry-After": "1000"})
RUNS = {"status_code": 200}
LOOP = (302, b"", {"Location": "/endpoint"})
ALL = {"ignore_exceptions": [ConnectionError, broken.RequestException]}
#: By its name: the answers, the arguments, and the exception.
ENDINGS = {
    "success": ([DROP, CUT, RUNNING, DONE], ALL, None),
    "alarm": ([DROP, RUNNING, (500, "oops")], ALL, Alarm),
    "unexpected": ([RUNNING, 404], {"pending": RUNS}, UnexpectedResponse),
    "gave up": ([RUNNING, DROP, CUT, LOOP], {**ALL, "max_retries": 4}, GaveUp),
    "never answered": ([DROP], {**ALL, "max_retries": 3}, GaveUp),
    "Retry-After": ([LATER], {}, GaveUp),
    "cancelled": ([RUNNING], {"cancel": cancelled()}, Cancelled),
    "dropped": ([RUNNING, DROP], {}, broken.ConnectionError),
    "cut": ([RUNNING, CUT], {}, broken.ChunkedEncodingError),
    "loop": ([LOOP], {}, broken.TooManyRedirects),
    "too large": ([(200, bytes(99))], {"max_body_size": 50}, BodyTooLarge),
    "no http": ([b"220 smtp\r\n"], {}, broken.ConnectionError),
    "on_poll": ([RUNNING], {"on_poll": a_test(KeyError("other"))}, KeyError),
    "check": ([RUNNING], {"until": {"callback": a_test(KeyError())}}, KeyError),
}  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "arguments", "error"), ENDINGS.values(), ids=ENDINGS
)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_secret_is_in_no_word_of_ours(
    serve, naps, words, monkeypatch, tmp_path, place, answers, arguments, error
):
    """No text of httsleep shows a secret of the caller, however a run ends."""
    server = serve(*answers)
    arguments = {
        "until": {"jsonpath": {"$.state": "done"}},
        "alarms": {"status_code": 500},
        "on_poll": words.on_poll,
        **place(monkeypatch, tmp_path, server.root),
        **arguments,
    }
    sleeper = HttSleeper(**arguments)
    words.others += [repr(sleeper), str(sleeper)]
    if error is None:
        sleeper.run()
    else:
        with pytest.raises(error) as caught:
            sleeper.run()
        words.of(caught.value)
    sleeper.close()
    assert all(map(sent, server.seen[:1]))
    assert not [each for each in words if CANARY in unquote(each)]


def test_our_note_says_where_and_when_without_a_secret(serve, naps):
    """The note on an exception of requests shows the URL without its secrets."""
    server = serve(DROP)
    url = server.url.replace("//", f"//user:{CANARY}@") + f"?token={CANARY}#{CANARY}"
    with pytest.raises(broken.ConnectionError) as caught:
        httsleep(url, status_code=200)
    (note,) = caught.value.__notes__
    assert note.startswith("failed: ConnectionError: connection closed")
    assert "\n  after 1 poll in " in note
    assert f"\n  GET {server.url}?token=…\n" in note


# What a server injects

#: A line of its own, colours and bells, text from right to left, other ends of a line.
EVIL = "a\r\nERROR forged\x1b[31m\x07\x00\x85\u2028\u202e\u2066\ufeff\U000e0041\udcff"
HUGE = EVIL + "x" * 10_000_000
LATIN = EVIL.encode("latin-1", "ignore").replace(b"\r\n", b"").decode("latin-1")
LONG = LATIN + "x" * 50_000
WRONG = {"value": "good", "any": "good", "all": "good", "in": ["good"], "gt": "good"}
CONDITIONS = [
    {"text": "good"},
    {"text": re.compile("^good")},
    {"json": "good"},
    {"json": {"state": re.compile("good")}},
    {"json_contains": {"state": "good"}},
    {"headers": {"X-State": "good", "Content-Type": "good", "Retry-After": "good"}},
    *({"jsonpath": {"expression": "$.state", name: WRONG[name]}} for name in WRONG),
    {"jsonpath": {"expression": "$.*", "exists": False}},
    {"jsonpath": {"expression": "$", "value": "good"}},
    {"callback": lambda response: []},
]


def raw(*lines, body=b""):
    """An answer with these lines, whatever they are."""
    length = f"Content-Length: {len(body)}"
    return "\r\n".join([*lines, length, "", ""]).encode("latin-1") + body


def in_utf_8(text):
    return text.encode("utf-8", "surrogatepass")


MOVED = "HTTP/1.1 302 Found"
INJECTED = {
    "text": (200, in_utf_8(HUGE), {"Content-Type": "a/b; charset=utf-8"}),
    "short text": (200, in_utf_8(EVIL)),
    "str": (200, {"state": HUGE}),
    "short str": (200, {"state": EVIL}),
    "str alone": (200, [HUGE]),
    "key": (200, {HUGE: 1, "state": {HUGE: HUGE}}),
    "short key": (200, {EVIL: 1, "state": {EVIL: EVIL}}),
    "many": (200, {"state": [EVIL] * 10_000}),
    "many keys": (200, {str(number) + EVIL: EVIL for number in range(10_000)}),
    "digits": (200, b'{"state":' + b"9" * 4300 + b"}"),
    "reason phrase": raw(f"HTTP/1.1 200 {LONG}"),
    "header": raw("HTTP/1.1 200 OK", f"X-State: {LONG}"),
    "short header": raw("HTTP/1.1 200 OK", f"X-State: {LATIN}"),
    "folded header": raw("HTTP/1.1 200 OK", f"X-State: a\r\n b{LATIN}"),
    "Content-Type": raw("HTTP/1.1 200 OK", f"Content-Type: {LONG}", body=b"x"),
    "charset": raw("HTTP/1.1 200 OK", f"Content-Type: a/b; charset={LONG}", body=b"x"),
    "Retry-After": raw("HTTP/1.1 200 OK", f"Retry-After: {LONG}"),
    "digits in Retry-After": raw("HTTP/1.1 200 OK", f"Retry-After: {'9' * 50_000}"),
    "status line": raw(f"HTTP/1.1 2\x1b[31m0 {LATIN}"),
    "no http": in_utf_8(EVIL),
    "Location": raw(MOVED, f"Location: /to/{LATIN}{'x' * 500}?a{LATIN}=1"),
    "Location that is none": raw(MOVED, f"Location: http://[{LATIN}"),
    "Location elsewhere": raw(MOVED, f"Location: ftp://{LATIN}/"),
    "a name in Location": raw(MOVED, f"Location: http://a..{LATIN}/"),
}  # fmt: skip
ENDS = {
    "gave up": ({"max_retries": 2}, GaveUp),
    "unexpected": ({"pending": CONDITIONS[:-1]}, UnexpectedResponse),
    "alarm": ({"alarms": {"status_code": [200, 404]}}, Alarm),
}


@pytest.mark.parametrize(("arguments", "error"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("answer", INJECTED.values(), ids=INJECTED)
def test_a_server_gets_nothing_through(serve, naps, words, answer, arguments, error):
    """Text of the server is cut, escaped and shown on one line."""
    server = serve(answer, paths={"/endpoint": [answer], None: [(404, "elsewhere")]})
    with pytest.raises((error, GaveUp)) as caught:
        httsleep(
            server.url,
            CONDITIONS,
            on_poll=words.on_poll,
            ignore_exceptions=Exception,
            **{"max_retries": 2, **arguments},
        )
    shown = [
        *(record.getMessage() for record in words.caplog.records if ours(record)),
        *(text for each in words.attempts for text in (str(each), repr(each))),
        *(reason for each in words.attempts for reason in each.reasons),
        str(caught.value),
        repr(caught.value),
        *getattr(caught.value, "__notes__", []),
    ]
    assert len(shown) > 5
    for text in shown:
        assert text.replace("\n  ", "").isprintable()
        assert not re.search(r"^\s*ERROR", text, re.MULTILINE)
        assert len(text) < 10_000
        assert max(map(len, text.splitlines())) < 10_000
    assert len(str(caught.value)) < 3000


def ours(record):
    return record.name.startswith("httsleep")


def test_what_a_callback_returns_is_shown_in_short(serve, naps):
    """The false value that a callback returns is cut and escaped."""

    class Falsy(str):
        __slots__ = ()

        def __bool__(self):
            return False

    server = serve((200, {"state": HUGE}))
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, callback=lambda r: Falsy(r.json()["state"]), max_retries=1)
    (reason,) = caught.value.reasons
    assert reason.isprintable()
    assert len(reason) < 500
