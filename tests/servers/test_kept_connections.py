"""A server that closes a kept connection just as the next request is sent on it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests
from requests import exceptions

from httsleep import GaveUp, httsleep
from httsleep.session import BoundedSession


def once(answer, end=lambda handler: b""):
    """Answer the first request of each connection, and end it at the second one."""

    def handle(handler):
        if handler.__dict__.setdefault("is_used", False):
            return end(handler)
        handler.is_used = True
        return answer

    return handle


def reset(handler):
    handler.reset()


def request(method, server, **fields):
    return requests.Request(method, server.url, **fields)


@pytest.mark.parametrize("end", [lambda _: b"", reset], ids=["closed", "reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_request_is_sent_once_more(serve, naps, method, end):
    """Each poll is answered, on a new connection."""
    server = serve(once((202, b""), end))
    with pytest.raises(GaveUp) as caught:
        httsleep(request(method, server), status_code=200, max_retries=3)
    assert "3 x 202" in str(caught.value)
    assert server.connections == 3
    assert len(server.seen) == 5


def test_over_tls(serve, tls, ca_bundle, naps):
    """A connection with TLS that ends is replaced as well."""
    server = serve(once((202, b"")), tls=tls)
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_retries=3, verify=ca_bundle)
    assert "3 x 202" in str(caught.value)


def test_through_a_proxy(serve, naps, monkeypatch):
    """A connection to a proxy that ends is replaced as well."""
    proxy = serve(once((202, b"")))
    monkeypatch.setenv("HTTP_PROXY", proxy.root)
    with pytest.raises(GaveUp) as caught:
        httsleep("http://server/endpoint", status_code=200, max_retries=2)
    assert "2 x 202" in str(caught.value)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_request_with_an_effect_is_not_sent_again(serve, naps, method):
    """The server may have executed it before the connection ended."""
    server = serve(once((202, b"")))
    with pytest.raises(exceptions.ConnectionError):
        httsleep(request(method, server), status_code=200)
    assert len(server.seen) == 2


def test_a_body_of_an_unknown_kind_is_not_sent_again(serve):
    """A body that a generator makes can be sent only once."""
    server = serve(once((202, b"")))
    with BoundedSession() as session:
        session.get(server.url, timeout=5)
        with pytest.raises(exceptions.ConnectionError):
            session.get(server.url, data=iter([b"body"]), timeout=5)
    assert len(server.seen) == 2


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\n"])
def test_after_a_byte_of_an_answer_it_is_not_sent_again(serve, naps, begun):
    """A server that has begun to answer has the request."""
    server = serve(once((202, b""), lambda _: begun))
    with pytest.raises(exceptions.ConnectionError):
        httsleep(server.url, status_code=200)
    assert len(server.seen) == 2


def test_it_is_sent_no_third_time(serve, naps):
    """A new connection that ends without an answer is an error."""
    server = serve(202, b"")
    with pytest.raises(exceptions.ConnectionError):
        httsleep(server.url, status_code=200)
    assert len(server.seen) == 3


def test_on_a_new_connection_it_is_not_sent_again(serve, naps):
    """A first request without an answer is an error."""
    server = serve(b"")
    with pytest.raises(exceptions.ConnectionError):
        httsleep(server.url, status_code=200)
    assert len(server.seen) == 1


def test_a_connection_that_is_opened_again_is_new(serve, naps):
    """A connection object that has lost its socket is not a kept connection."""
    closed = b"HTTP/1.1 202 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    server = serve(closed, b"", 200)
    with pytest.raises(exceptions.ConnectionError):
        httsleep(server.url, status_code=200)
    assert len(server.seen) == 2


def test_an_earlier_request_does_not_count(serve):
    """A refused connection is an error, although a POST before it had no answer."""
    server, gone = serve(once((202, b""))), serve(200, listening=False)
    with BoundedSession() as session:
        session.get(server.url, timeout=5)
        for method, url in (("POST", server.url), ("GET", gone.url)):
            with pytest.raises(exceptions.ConnectionError):
                session.request(method, url, timeout=5)


def test_other_connections_of_the_pool_may_have_ended(serve):
    """The second try uses no connection that the pool has kept."""
    both = Barrier(2, timeout=10)

    def answer(handler):
        if handler.path == "/first":
            both.wait()
        return (200, b"")

    def handle(handler):
        ended = once(None)(handler)
        return answer(handler) if ended is None else ended

    server = serve(handle)
    with BoundedSession() as session, ThreadPoolExecutor(2) as threads:
        url = f"{server.root}/first"
        list(threads.map(lambda _: session.get(url, timeout=5), range(2)))
        assert server.connections == 2
        httsleep(server.url, status_code=200, session=session)
        assert server.connections == 3


def test_within_the_same_time(serve, naps, within):
    """Both tries together have the time of one request."""
    server = serve((202, b""), b"", lambda handler: handler.hang())
    with within(0.3), pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=200, request_timeout=0.3)
    assert len(server.seen) == 3


def test_a_timeout_is_no_reason_to_send_again(serve, naps):
    """A kept connection on which nothing comes is a timeout."""
    server = serve((202, b""), lambda handler: handler.hang())
    with pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=200, request_timeout=0.3)
    assert len(server.seen) == 2


def test_by_hand(serve):
    """A session that is used by hand sends once more as well."""
    server = serve(once((200, b"")))
    with BoundedSession() as session:
        for _ in range(3):
            assert session.get(server.url, timeout=5).ok
    assert server.connections == 3


def test_not_on_a_session_of_the_callers(serve, naps):
    """A plain session is used as it is."""
    server = serve(once((202, b"")))
    with requests.Session() as session, pytest.raises(exceptions.ConnectionError):
        httsleep(server.url, status_code=200, session=session)
    assert len(server.seen) == 2


def test_consecutive_is_reached(serve, naps):
    """Answers in a row remain answers in a row."""
    server = serve(once((200, b"")))
    until = {"status_code": 200, "consecutive": 4}
    httsleep(server.url, until, ignore_exceptions=ConnectionError, max_retries=4)
