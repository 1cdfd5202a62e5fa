"""The parts of session.py that need no server.

``tests/servers/test_bounded_session.py`` has a session that is used by hand,
``tests/servers/test_sessions.py`` its cookies and connections, and
``tests/servers/hostile`` its limits.
"""

import io
import itertools
import pickle
import sys
import threading

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from httsleep.connection import Bounds, bounded
from httsleep.session import BoundedSession, auth_before_netrc

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


# the pool of the last call


def pool_of(adapter, url=URL, verify=True, proxies=None, cert=None):
    request = requests.Request("GET", url).prepare()
    return adapter.get_connection_with_tls_context(request, verify, proxies, cert)


OTHERS = {
    "host": {"url": "http://other/endpoint"},
    "port": {"url": "http://server:81/endpoint"},
    "scheme": {"url": "https://server/endpoint"},
    "proxies": {"proxies": {"http": "http://proxy:3128"}},
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_target_has_another_pool(other):
    """The pool that was used last is not taken for another target."""
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        first, second = pool_of(adapter), pool_of(adapter, **OTHERS[other])
        assert second is not first
        assert pool_of(adapter, **OTHERS[other]) is second
        assert pool_of(adapter) is first


@pytest.mark.parametrize(
    "changes", [{"verify": False}, {"verify": __file__}, {"cert": __file__}], ids=str
)
def test_other_tls_settings_have_another_pool(changes):
    """The pool that was used last is not taken for another verify or cert."""
    url = "https://server/endpoint"
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        first = pool_of(adapter, url)
        assert pool_of(adapter, url, **changes) is not first


def test_proxies_that_change_in_place_count():
    """The proxies are remembered by value, and not as the dict that was given."""
    with BoundedSession() as session:
        adapter, proxies = session.get_adapter(URL), {}
        first = pool_of(adapter, proxies=proxies)
        proxies["http"] = "http://proxy:3128"
        assert pool_of(adapter, proxies=proxies) is not first


def test_a_closed_pool_is_not_used():
    """After close(), and after the pool alone was closed, there is a new pool."""
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        first = pool_of(adapter)
        adapter.close()
        second = pool_of(adapter)
        assert second is not first
        adapter.poolmanager.clear()
        second.close()
        assert pool_of(adapter) not in (first, second)


class Stepped(threading.Thread):
    """A thread that asks an adapter for a pool, and executes one line at a time."""

    def __init__(self, adapter, url):
        super().__init__()
        self.adapter, self.url = adapter, url
        self.resume, self.paused = threading.Semaphore(0), threading.Semaphore(0)

    def run(self):
        sys.settrace(self.trace)
        self.pool = pool_of(self.adapter, self.url)
        sys.settrace(None)
        self.paused.release()

    def trace(self, frame, event, argument):
        code = type(self.adapter).get_connection_with_tls_context.__code__
        if frame.f_code is not code:
            return None
        if event == "line":
            self.paused.release()
            self.resume.acquire()
        return self.trace

    def step(self):
        self.resume.release()
        self.paused.acquire()


def interleaved(adapter, schedule):
    """Return the hosts of the pools that two threads get for the hosts "0" and "1".

    :param schedule: the thread that executes a line, for each line.
    """
    threads = [Stepped(adapter, f"http://{number}/") for number in range(2)]
    for thread in threads:
        thread.start()
        thread.paused.acquire()  # at the first line
    for number in schedule:
        if threads[number].is_alive() and not hasattr(threads[number], "pool"):
            threads[number].step()
    for thread in threads:
        thread.resume.release(20)  # more lines than it has
        thread.join()
    return [thread.pool.host for thread in threads]


@pytest.mark.parametrize("last", ["http://0/", "http://2/"])
def test_no_thread_gets_the_pool_of_another(last):
    """However the lines of two calls alternate, each call gets its own host's pool."""
    lines = 6  # of a call that does not return early
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        for first in itertools.combinations(range(2 * lines), lines):
            pool_of(adapter, last)
            schedule = [0 if place in first else 1 for place in range(2 * lines)]
            assert interleaved(adapter, schedule) == ["0", "1"]


# a Content-Type that requests before 2.33 cannot read


def built(headers):
    body = io.BytesIO(b"\xe4")
    raw = urllib3.HTTPResponse(body, headers, 200, preload_content=False)
    request = requests.Request("GET", URL).prepare()
    with BoundedSession() as session:
        return session.get_adapter(URL).build_response(request, raw)


@pytest.fixture
def before_2_33(monkeypatch):
    """The encoding of a Content-Type as requests 2.32 finds it."""

    def encoding(headers):
        _, *parameters = headers["content-type"].split("; ")
        if "charset" in parameters or "failure" in parameters:
            raise AttributeError("'bool' object has no attribute 'strip'")
        return "ISO-8859-1"

    monkeypatch.setattr("requests.adapters.get_encoding_from_headers", encoding)


@pytest.mark.usefixtures("before_2_33")
def test_a_charset_without_a_value_is_none():
    """The answer has its Content-Type, and the charset of one without parameters."""
    response = built({"Content-Type": "text/html; charset"})
    assert response.headers["Content-Type"] == "text/html; charset"
    assert response.raw.headers["Content-Type"] == "text/html; charset"
    assert response.encoding == "ISO-8859-1"
    assert response.text == "\xe4"


@pytest.mark.usefixtures("before_2_33")
def test_another_attribute_error_is_not_hidden():
    """Only a charset is a reason to read the Content-Type in another way."""
    with pytest.raises(AttributeError):
        built({"Content-Type": "text/html; failure"})


def test_an_object_without_headers_names_no_credentials():
    """A session of another kind may have neither headers nor ``auth``."""
    assert auth_before_netrc("http://server/", None, object()) is None
