"""The parts of session.py that need no server.

``tests/servers/test_bounded_session.py`` has a session that is used by hand,
``tests/servers/test_sessions.py`` its cookies and connections, and
``tests/servers/hostile`` its limits.
"""

import io
import pickle

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from httsleep.connection import Bounds, bounded
from httsleep.session import BoundedSession

URL = "http://server/endpoint"


@pytest.fixture
def timeouts(monkeypatch):
    """The timeouts that reach the adapter of requests."""
    seen = []

    def send(adapter, request, stream=False, timeout=None, *args, **kwargs):
        seen.append(timeout)
        response = requests.Response()
        response.status_code, response.url = 200, request.url
        response.raw = urllib3.HTTPResponse(io.BytesIO(), preload_content=False)
        return response

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return seen


@pytest.mark.parametrize("timeout", [None, 1, 0.5, (1, None), 10**6])
def test_outside_of_a_poll_the_timeout_is_the_callers(timeouts, timeout):
    """A session that is used by hand sends with the timeout that it was given."""
    with BoundedSession() as session:
        session.get(URL, timeout=timeout)
    assert timeouts == [timeout]


@pytest.mark.parametrize("timeout", [None, 1, (1, 10)])
def test_in_a_poll_the_smaller_timeout_counts(timeouts, timeout):
    """A request in a poll has no more time than the poll has left."""
    bounds = Bounds(lambda: 5.0)
    with BoundedSession() as session, bounded(bounds):
        session.get(URL, timeout=timeout)
    assert timeouts == [bounds.shorten(timeout)]


def test_a_request_without_time_is_not_sent(timeouts):
    """A redirect that is followed too late is a ReadTimeout."""
    too_long = pytest.raises(requests.exceptions.ReadTimeout, match="took too long")
    with BoundedSession() as session, bounded(Bounds(lambda: 0.0)), too_long:
        session.get(URL)
    assert timeouts == []


def test_a_session_pickles(timeouts):
    """A session that was pickled is bounded as the first one."""
    session = pickle.loads(pickle.dumps(BoundedSession()))
    bounds = Bounds(lambda: 5.0)
    with session, bounded(bounds):
        session.get(URL)
    pool = session.get_adapter(URL).poolmanager.connection_from_url(URL)
    plain = requests.Session().get_adapter(URL).poolmanager.connection_from_url(URL)
    assert timeouts == [5.0]
    assert issubclass(type(pool), type(plain))
    assert type(pool) is not type(plain)


def test_an_answer_that_urllib3_did_not_read_is_left_as_it_is():
    """The body of a foreign answer is not touched, in a poll either."""
    raw = requests.models.Response()
    raw.status, raw.reason = 200, "OK"
    request = requests.Request("GET", URL).prepare()
    with BoundedSession() as session, bounded(Bounds(lambda: 5.0)):
        response = session.get_adapter(URL).build_response(request, raw)
    assert response.raw is raw
