"""A clock that only naps and requests move, and answers that never touch a network."""

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

URL = "http://server/endpoint"


class Clock:
    """Time that passes when somebody sleeps, or when a test says that it did."""

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
    """A session whose ``request()`` asks ``answer(**kwargs)`` and keeps the kwargs."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.sent = []

    def request(self, **kwargs):
        self.sent.append(kwargs)
        return self.answer(**kwargs)


def _response(status=200, body=b"", headers=(), *, url=URL, connection=None):
    """A response as an adapter makes it; a body that is no str or bytes is JSON."""
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


@contextmanager
def _virtual_clock():
    """A :class:`Clock` that httsleep takes for the real one."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httsleep.wait.monotonic", clock.monotonic)
        patch.setattr("httsleep.main.sleep", clock.sleep)
        yield clock


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
def clock():
    """The clock of every unit test: none of them sleeps."""
    with _virtual_clock() as clock:
        yield clock


@pytest.fixture
def naps(clock):
    """How long each wait was."""
    return clock.naps


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def connect(*_):
        raise AssertionError("a unit test reached for the network")

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def _logger_as_it_was():
    logger = logging.getLogger("httsleep")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def server():
    """``responses``, in the place of every server."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as server:
        yield server


@pytest.fixture
def answers(server):
    """Say what http://server/endpoint answers, poll by poll; the last one stays.

    An int is a status, an exception is raised, a str is a text; other JSON is a
    document; a ``(status, body)`` or ``(status, body, headers)`` is what it says.
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
