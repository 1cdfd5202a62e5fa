"""The parts of session.py that need no server.

``tests/servers/test_bounded_session.py`` has a session that is used by hand,
``tests/servers/test_sessions.py`` its cookies and connections, and
``tests/servers/hostile`` its limits.
"""

import copy
import io
import itertools
import os
import pickle
import re
import shutil
import ssl
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import trustme
import urllib3
from cryptography.hazmat.primitives import serialization
from requests.adapters import HTTPAdapter

from httsleep import session as session_module
from httsleep.connection import Bounds, bounded
from httsleep.session import BoundedSession, auth_before_netrc

URL = "http://server/endpoint"
SECURE = "https://server/endpoint"


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


@pytest.mark.parametrize("size", [0, -1, True, None, 1.0, "10"])
def test_a_bad_pool_maxsize(size):
    """A ValueError says what to give instead."""
    text = re.escape(f"pool_maxsize is {size!r}: give an int of at least 1")
    with pytest.raises(ValueError, match=f"^{text}$"):
        BoundedSession(pool_maxsize=size)


@pytest.mark.parametrize("size", [1, 10, 300])
@pytest.mark.parametrize(
    "copied", [lambda s: pickle.loads(pickle.dumps(s)), copy.copy, copy.deepcopy]
)
def test_the_pool_maxsize(size, copied):
    """Each pool keeps so many connections, also of a copy, and through a proxy."""
    with copied(BoundedSession(size)) as session:
        adapter = session.get_adapter(URL)
        for proxies in (None, {"http": "http://proxy:3128"}):
            assert pool_of(adapter, proxies=proxies).pool.maxsize == size


def test_adapters_are_mounted_as_on_a_session_of_requests():
    """The prefixes are those of requests, and an adapter of the caller's counts."""
    mine = HTTPAdapter()
    with BoundedSession() as session, requests.Session() as plain:
        assert list(session.adapters) == list(plain.adapters)
        bounded_adapter = session.get_adapter(SECURE)
        session.mount("https://server/", mine)
        assert session.get_adapter(SECURE) is mine
        assert session.get_adapter("https://other/") is bounded_adapter
        assert session.get_adapter(URL) is bounded_adapter


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


def test_the_target_is_that_of_requests():
    """The target that was used last is not taken for another URL or other proxies."""
    proxies = {"http": "http://proxy:3128"}
    calls = [(URL, {}), (f"{URL}//2?x=1", None), (URL, proxies), (URL, {})]
    with BoundedSession() as session:
        adapter, plain = session.get_adapter(URL), HTTPAdapter()
        for url, given in calls:
            request = requests.Request("GET", url).prepare()
            expected = plain.request_url(request, given)
            assert adapter.request_url(request, given) == expected
            assert adapter.request_url(request, given) == expected


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The paths of a CA, of a directory, of a certificate with its key, and of both."""
    folder = tmp_path_factory.mktemp("tls")
    ca, empty = trustme.CA(), folder / "empty"
    empty.mkdir()
    issued = ca.issue_cert("server")
    blobs = {
        "ca": ca.cert_pem,
        "cert": issued.cert_chain_pems[0],
        "key": issued.private_key_pem,
        "both": issued.private_key_and_cert_chain_pem,
    }
    for name, blob in blobs.items():
        blob.write_to_path(folder / name)
    return SimpleNamespace(
        directory=str(empty), **{name: str(folder / name) for name in blobs}
    )


TLS_SETTINGS = {
    "the default": lambda files: {},
    "no verification": lambda files: {"verify": False},
    "verify=None": lambda files: {"verify": None},
    "a CA": lambda files: {"verify": files.ca},
    "a directory": lambda files: {"verify": files.directory},
    "a certificate": lambda files: {"cert": files.both},
    "a certificate and a key": lambda files: {"cert": (files.cert, files.key)},
    "all": lambda files: {"verify": files.ca, "cert": files.both},
}
SAME = list(itertools.permutations(["no verification", "verify=None"]))


@pytest.mark.parametrize(
    ("one", "other"),
    [pair for pair in itertools.permutations(TLS_SETTINGS, 2) if pair not in SAME],
)
def test_other_tls_settings_have_another_pool(files, one, other):
    """The pool that was used last is not taken for another verify or cert."""
    one, other = TLS_SETTINGS[one](files), TLS_SETTINGS[other](files)
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        first, second = (pool_of(adapter, SECURE, **each) for each in (one, other))
        assert second is not first
        assert context_of(second) is not context_of(first)
        assert pool_of(adapter, SECURE, **one) is first


def context_of(pool):
    """Return the TLS context of all connections of a pool."""
    return pool.conn_kw["ssl_context"]


def test_a_context_serves_all_hosts(files):
    """Pools of several hosts share one context for the same verify and cert."""
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        urls = [f"https://{host}/" for host in ("a", "b", "c")]
        pools = [pool_of(adapter, url, files.ca) for url in urls]
        assert len(set(map(id, pools))) == 3
        assert len(set(map(context_of, pools))) == 1


def test_a_file_that_changed_is_read_again(files, tmp_path):
    """Pools with the old certificate are not used again; other pools are."""
    path = tmp_path / "ca"
    shutil.copy(files.ca, path)
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        other, plain = pool_of(adapter, SECURE), pool_of(adapter)
        first = pool_of(adapter, SECURE, verify=str(path))
        assert pool_of(adapter, SECURE, verify=str(path)) is first
        os.utime(path, (1, 1))
        second = pool_of(adapter, SECURE, verify=str(path))
        assert context_of(second) is not context_of(first)
        assert len(adapter.poolmanager.pools) == 3
        assert pool_of(adapter, SECURE) is other
        assert pool_of(adapter) is plain


def test_a_file_that_is_slow_to_read_holds_up_no_other(files, monkeypatch):
    """While one thread makes a context, others get those that are made."""
    reading, goes_on = threading.Event(), threading.Event()
    real = session_module._Tls.new_context

    def slow(tls):
        if tls.cert_file:
            reading.set()
            assert goes_on.wait(10)
        return real(tls)

    monkeypatch.setattr(session_module._Tls, "new_context", slow)
    with BoundedSession() as session, ThreadPoolExecutor(2) as executor:
        adapter = session.get_adapter(URL)
        first = pool_of(adapter, SECURE, files.ca)
        calls = [(adapter, SECURE, files.ca, None, files.both)] * 2
        waits = [executor.submit(pool_of, *call) for call in calls]
        assert reading.wait(10)
        assert pool_of(adapter, SECURE, files.ca) is first
        goes_on.set()
        assert waits[0].result() is waits[1].result()


def test_close_forgets_the_contexts(files):
    """After close() the files are read again."""
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        first = context_of(pool_of(adapter, SECURE, files.ca))
        session.close()
        assert context_of(pool_of(adapter, SECURE, files.ca)) is not first


@pytest.mark.parametrize(
    ("scheme", "setting"),
    [("https", "verify"), ("https", "cert"), ("https", "key"), ("http", "key")],
)
def test_a_file_that_does_not_exist(files, scheme, setting):
    """The exception of requests arrives as it is, with the text of requests."""
    missing = {
        "verify": {"verify": "/missing"},
        "cert": {"cert": "/missing"},
        "key": {"cert": (files.cert, "/missing")},
    }
    texts = []
    for kind in (requests.Session, BoundedSession):
        failed = pytest.raises(OSError, match=r"^Could not find .*/missing$")
        with kind() as session, failed as caught:
            session.get(f"{scheme}://server/", **missing[setting])
        texts.append((type(caught.value), str(caught.value)))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", ["verify", "cert", "encrypted", "directory"])
def test_a_file_that_cannot_be_used(files, tmp_path, name):
    """It is an SSLError of requests that has the request."""
    bad = str(tmp_path / "bad")
    Path(bad).write_text("bad")
    if name == "encrypted":
        key = serialization.load_pem_private_key(Path(files.key).read_bytes(), None)
        Path(bad).write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.BestAvailableEncryption(b"secret"),
            )
        )
    settings = {
        "verify": {"verify": bad},
        "cert": {"cert": bad},
        "encrypted": {"cert": (files.cert, bad)},
        "directory": {"cert": (str(tmp_path))},
    }
    failed = pytest.raises(requests.exceptions.SSLError)
    with BoundedSession() as session, failed as caught:
        session.get(SECURE, timeout=5, **settings[name])
    assert caught.value.request.url == SECURE
    assert isinstance(caught.value.__cause__, OSError)


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


def test_a_fork_leaves_the_pools_to_the_parent(files, monkeypatch):
    """In another process there are new pools and contexts, also after close()."""
    session = BoundedSession()
    adapter = session.get_adapter(URL)
    pools = [pool_of(adapter), pool_of(adapter, SECURE, files.ca)]
    for number, use in enumerate([lambda: None, session.close]):
        monkeypatch.setattr(os, "getpid", lambda number=number: -number)
        use()
        new = [pool_of(adapter), pool_of(adapter, SECURE, files.ca)]
        assert not set(map(id, new)) & set(map(id, pools))
        assert context_of(new[1]) is not context_of(pools[1])
        assert all(pool.pool is not None for pool in pools)  # it is not closed
        pools = new
    monkeypatch.undo()
    adapter.close()


def test_a_place_that_was_not_used_is_given_back_to_a_full_pool():
    """urllib3 gives a pool None in place of a connection that has failed."""
    with BoundedSession(pool_maxsize=1) as session:
        kept = pool_of(session.get_adapter(URL)).pool
        assert kept.full()
        kept.put(None, block=False)
        assert kept.qsize() == 1


class Stepped(threading.Thread):
    """A thread that asks an adapter for a pool, and executes one line at a time."""

    def __init__(self, adapter, *arguments):
        super().__init__()
        self.adapter, self.arguments = adapter, arguments
        self.resume, self.paused = threading.Semaphore(0), threading.Semaphore(0)

    def run(self):
        sys.settrace(self.trace)
        self.pool = pool_of(self.adapter, *self.arguments)
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
        if not hasattr(self, "pool"):
            self.resume.release()
            self.paused.acquire()


def interleaved(adapter, calls, schedule):
    """Return the pools that two threads get.

    :param calls: the arguments of both.
    :param schedule: the thread that executes a line, for each line.
    """
    threads = [Stepped(adapter, *call) for call in calls]
    for thread in threads:
        thread.start()
        thread.paused.acquire()  # at the first line
        for _ in range(3):  # lines that only compute the key
            thread.step()
    for number in schedule:
        threads[number].step()
    for thread in threads:
        thread.resume.release(20)  # more lines than it has
        thread.join()
    return [thread.pool for thread in threads]


def schedules(lines=5):
    """Yield all orders in which two calls, which do not return early, can proceed."""
    for first in itertools.combinations(range(2 * lines), lines):
        yield [0 if place in first else 1 for place in range(2 * lines)]


@pytest.mark.parametrize("last", ["http://0/", "http://2/"])
def test_no_thread_gets_the_pool_of_another(last):
    """However the lines of two calls alternate, each call gets its own host's pool."""
    calls = [("http://0/",), ("http://1/",)]
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        for schedule in schedules():
            pool_of(adapter, last)
            pools = interleaved(adapter, calls, schedule)
            assert [pool.host for pool in pools] == ["0", "1"]


def test_no_thread_gets_the_tls_settings_of_another(files):
    """However the lines alternate, each call gets a pool with its own context."""
    calls = [(SECURE, files.ca, None, files.both), (SECURE, False)]
    with BoundedSession() as session:
        adapter = session.get_adapter(URL)
        expected = [context_of(pool_of(adapter, *call)) for call in calls]
        for schedule in schedules():
            pools = interleaved(adapter, calls, schedule)
            assert list(map(context_of, pools)) == expected


def test_no_password_is_asked_for(files, monkeypatch):
    """OpenSSL gets an empty one: without any it would ask for it on the terminal."""
    passwords = []

    def load_cert_chain(context, certfile, keyfile=None, password=None):
        passwords.append(password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load_cert_chain)
    with BoundedSession() as session:
        pool_of(session.get_adapter(URL), SECURE, cert=(files.cert, files.key))
    assert passwords == [""]


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
