"""Answers that are legal and rare: without a body, not final, or to another poll."""

import pytest
import requests

from httsleep import GaveUp, httsleep


def interim(status, gap):
    """Answer with ``status`` before the real answer, as RFC 9110 §15.2 allows."""
    polls = []

    def answer(handler):
        polls.append(None)
        handler.send(b"HTTP/1.1 %d Interim\r\nLink: </a.css>\r\n\r\n" % status)
        handler.server.stopping.wait(gap)
        return (200, {"answer_to": len(polls)})

    return answer


@pytest.mark.parametrize("gap", [0, 0.05])
@pytest.mark.parametrize("status", [102, 103])
def test_no_answer_of_an_earlier_poll(serve, naps, status, gap):
    """What follows an interim answer is never taken for the answer to the next poll."""
    server = serve(interim(status, gap))
    seen = []
    with pytest.raises(GaveUp):
        httsleep(server.url, text="never", max_retries=4, on_poll=seen.append)
    for attempt in seen:
        if attempt.response.status_code == 200:
            assert attempt.response.json() == {"answer_to": attempt.number}
    assert len(seen) == len(server.seen) == 4


def test_100_is_skipped(serve, naps):
    """100 Continue is not the answer; what follows is."""

    def answer(handler):
        handler.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return (200, "real")

    assert httsleep(serve(answer).url, status_code=200).text == "real"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(serve, naps, status):
    """A 204 or 304 has no body, and its connection is used again."""
    bare = f"HTTP/1.1 {status} X\r\n\r\n".encode()
    server = serve(lambda handler: handler.send(bare))
    for condition in ({"status_code": status}, {"text": ""}):
        assert httsleep(server.url, condition).content == b""
    with pytest.raises(GaveUp):
        httsleep(server.url, json=None, text="x", max_retries=3)
    assert len(server.seen) == 5
    assert server.connections == 3


def test_head(serve, naps):
    """The answer to a HEAD has headers and no body, whatever its Content-Length."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-State: done\r\n\r\n"
    server = serve(503, lambda handler: handler.send(head))
    request = requests.Request("HEAD", server.url)
    response = httsleep(
        request, {"callback": lambda r: "X-State" in r.headers, "text": ""}
    )
    assert response.headers["Content-Length"] == "100"
    assert {seen.method for seen in server.seen} == {"HEAD"}


def test_a_connection_that_the_server_closes_between_polls(serve, naps):
    """A keep-alive connection that has ended meanwhile is replaced, not an error."""

    def last_on_its_connection(handler):
        handler.close_connection = True
        return (202, "running")

    server = serve(last_on_its_connection, last_on_its_connection, (200, "done"))
    naps.during = lambda number: server.stopping.wait(0.05)
    assert httsleep(server.url, status_code=200).text == "done"
    assert server.connections == 3


def test_the_reason_and_headers_of_the_answer_are_kept(serve, naps):
    """What is returned is requests' own Response, read to its end."""
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
