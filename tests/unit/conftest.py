"""A clock that only sleeps and requests move, and answers without a network."""

import io
import json
import logging
import socket
from contextlib import contextmanager
from http.client import responses as reasons

import pytest
import requests
import responses
import urllib3
from requests.exceptions import ReadTimeout

URL = "http://server/endpoint"


class Clock:
    """A clock that moves when httsleep sleeps, or when a test assigns ``now``."""

    def __init__(self):
        self.now = 1000.0
        self.naps = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0
        self.naps.append(seconds)
        self.now += seconds


class StubSession(requests.Session):
    """A session that calls ``answer(**kwargs)`` for a request, and keeps the kwargs."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.sent = []

    def request(self, **kwargs):
        self.sent.append(kwargs)
        return self.answer(**kwargs)


def _response(status=200, body=b"", headers=(), *, url=URL, connection=None):
    """Return a response as an adapter makes it; a body that is no text is JSON."""
    headers = dict(headers)
    if not isinstance(body, (str, bytes)):
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(body)
    body = body.encode() if isinstance(body, str) else body
    raw = urllib3.HTTPResponse(
        body=io.BytesIO(body),
        headers=headers,
        status=status,
        reason=reasons.get(status),
        preload_content=False,
        connection=connection,
    )
    request = requests.Request("GET", url).prepare()
    return requests.adapters.HTTPAdapter().build_response(request, raw)


def _patched_clock(patch):
    """Return a :class:`Clock` that httsleep takes for the real one."""
    clock = Clock()
    patch.setattr("httsleep.history.monotonic", clock.monotonic)
    patch.setattr("httsleep.main.sleep", clock.sleep)
    return clock


@contextmanager
def _virtual_clock():
    """Put a :class:`Clock` of its own in the place of the one of the test."""
    with pytest.MonkeyPatch.context() as patch:
        yield _patched_clock(patch)


@pytest.fixture(scope="session")
def virtual_clock():
    return _virtual_clock


@pytest.fixture(scope="session")
def make_response():
    return _response


@pytest.fixture(scope="session")
def stub_session():
    return StubSession


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Return the clock of the test; no unit test really sleeps.

    It uses the ``monkeypatch`` of the test, so that a test that patches the same names
    once more has its patch undone before this one.
    """
    return _patched_clock(monkeypatch)


@pytest.fixture
def naps(clock):
    """Return the list of the sleeps so far, in seconds."""
    return clock.naps


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def connect(*_):
        raise AssertionError("a unit test opens a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def _logger_as_it_was():
    logger = logging.getLogger("httsleep")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def server():
    """Put ``responses`` in the place of every server."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as server:
        yield server


@pytest.fixture
def answers(server):
    """Return a function that sets the answers of http://server/endpoint, in order.

    The last one is repeated. An int is a status, an exception is raised, a str is a
    text, other JSON is a document; a tuple is ``(status, body)`` or
    ``(status, body, headers)``.
    """

    def script(*answers):
        for answer in answers:
            if isinstance(answer, int):
                answer = (answer, "")
            elif not isinstance(answer, tuple):
                answer = (200, answer)
            status, body, headers = (*answer, {})[:3]
            if isinstance(body, (str, bytes, Exception)):
                kind = {"content_type": "text/html"}
                server.get(URL, body=body, status=status, headers=headers, **kind)
            else:
                server.get(URL, json=body, status=status, headers=headers)
        return server

    return script


@pytest.fixture
def timed(clock):
    """Return a function that makes a session whose requests take time.

    Each answer is ``(seconds, status)``, and the last one is repeated. A request that
    would take longer than its timeout raises ReadTimeout after it. The attribute
    ``starts`` of the session has the seconds at which the requests began.
    """

    def script(*answers, headers=()):
        def answer(timeout, **_):
            cost, status = answers[min(len(session.sent), len(answers)) - 1]
            session.starts.append(clock.now - began)
            clock.now += min(cost, timeout)
            if cost > timeout:
                raise ReadTimeout
            return _response(status, "", headers)

        began, session = clock.now, StubSession(answer)
        session.starts = []
        return session

    return script
