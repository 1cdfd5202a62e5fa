"""Answers that are legal and rare, and what an answer keeps of its way."""

import time
from email.utils import formatdate

import pytest
import requests

from httsleep import httsleep


def test_a_connection_that_the_server_closes_between_polls(serve, naps):
    """A kept connection that the server has closed between two polls is replaced."""

    def last_on_its_connection(handler):
        handler.close_connection = True
        return (202, "running")

    server = serve(last_on_its_connection, last_on_its_connection, (200, "done"))
    naps.during = lambda number: server.stopping.wait(0.05)
    assert httsleep(server.url, status_code=200).text == "done"
    assert server.connections == 3


def test_the_reason_and_headers_of_the_answer_are_kept(serve, naps):
    """A run returns the Response of requests itself, with its body read."""
    server = serve((200, "done", {"X-A": "b"}))
    response = httsleep(server.url, status_code=200)
    assert type(response) is requests.Response
    assert (response.reason, response.headers["X-A"]) == ("OK", "b")
    assert (response.url, response.history) == (server.url, [])
    assert response.elapsed.total_seconds() > 0
    assert response.raw.closed or response.raw.read() == b""


CHUNKED = {
    "a space behind": b"Transfer-Encoding: chunked \r\n",
    "a space before": b"Transfer-Encoding:   chunked\r\n",
    "capitals": b"Transfer-Encoding: Chunked\r\n",
    "after gzip": b"Transfer-Encoding: gzip, chunked\r\n",
    "after identity": b"Transfer-Encoding: identity, chunked\r\n",
    "with a length": b"Transfer-Encoding: chunked \r\nContent-Length: 5\r\n",
}


@pytest.mark.parametrize("closes", [False, True], ids=["kept", "closed"])
@pytest.mark.parametrize("session", [None, requests.Session], ids=["own", "callers"])
@pytest.mark.parametrize("headers", CHUNKED.values(), ids=CHUNKED)
def test_a_body_in_chunks_is_recognised(serve, headers, session, closes):
    """requests, httsleep and a session of the caller's read the same body."""
    answer = b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n2\r\n{}\r\n0\r\n\r\n"
    server = serve(answer if closes else lambda handler: handler.send(answer))
    given = session and session()
    response = httsleep(server.url, json={}, session=given, max_retries=1)
    assert response.content == requests.get(server.url, timeout=5).content == b"{}"
    if given:
        given.close()


def test_the_body_of_a_redirect_in_chunks_is_recognised(serve):
    """A redirect whose chunks http.client does not recognise is followed at once."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nTransfer-Encoding: gzip, chunked"
    answer = moved + b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    server = serve(lambda h: h.send(answer), paths={"/next": [(200, "done")]})
    assert httsleep(server.url, status_code=200, request_timeout=5).text == "done"


def test_retry_after(serve, naps):
    """Retry-After lengthens the next wait, be it in seconds or a date."""
    date = formatdate(time.time() + 60, usegmt=True)
    answers = [(503, b"", {"Retry-After": value}) for value in ("7", date)]
    httsleep(serve(*answers, 200).url, status_code=200)
    assert naps[0] == 7
    assert 30 < naps[1] <= 60


def test_retry_after_of_a_redirect(serve, naps):
    """Only the last answer of a poll can ask to wait, not a redirect before it."""
    moved = (302, b"", {"Location": "/job", "Retry-After": "30"})
    server = serve(moved, paths={"/job": [202, 200]})
    httsleep(server.url, status_code=200)
    assert naps == [2]
