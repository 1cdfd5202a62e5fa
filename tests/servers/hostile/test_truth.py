"""Promise 3: what is cut off, late or not final is never taken for a match."""

import gzip
import threading
from contextlib import nullcontext, suppress
from urllib.parse import urlsplit

import pytest
import requests
from requests import exceptions

from httsleep import GaveUp, httsleep

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = {"text": ""}  # what an answer that was cut in its headers looks like
ZIPPED = gzip.compress(b"done" * 1000)

SESSIONS = [nullcontext, requests.Session]

CUT_HEADERS = {
    "after the version": b"HTTP/1.1",
    "in the status line": b"HTTP/1.1 200",
    "after the reason": b"HTTP/1.1 200 OK",
    "in the status line's end": b"HTTP/1.1 200 OK\r",
    "after the status line": OK,
    "in a name": OK + b"X-A: b\r\nConte",
    "in a value": OK + b"X-A: b",
    "in a header's end": OK + b"X-A: b\r",
    "after a header": OK + b"X-A: b\r\n",
    "in the last line": OK + b"X-A: b\r\n\r",
    "of HTTP/1.0": b"HTTP/1.0 200 OK\r\nX-A: b\r\n",
    "with no body to come": OK + b"Content-Length: 0\r\n",
    "of a 204": b"HTTP/1.1 204 No Content\r\n",
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "after 100 and a status": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "within 103": b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n",
    "after 103": b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n",
    "after 103 and a status": b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
}
CUT_BODIES = {
    "a length": OK + b"Content-Length: 10\r\n\r\ndone",
    "no byte of a length": OK + b"Content-Length: 10\r\n\r\n",
    "a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\na\r\ndone",
    "between chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n",
    "a chunk's end": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\ndone",
    "a chunk's size": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n1",
    "no chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n",
    "gzip with a length": OK
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(ZIPPED)
    + ZIPPED[:-9],
}
LOOK_ALIKE = {
    "empty": OK + b"Content-Length: 0\r\n\r\n",
    "empty until the end": OK + b"\r\n",
    "empty, closing": OK + b"Connection: close\r\n\r\n",
    "HTTP/1.0, nothing but a status": b"HTTP/1.0 200 OK\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nX-A: b\n\n",
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "no chunk but the last": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "100 first": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n",
    "103 first": b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + OK + b"\r\n",
}


def reset(data):
    """End in an RST instead."""
    return lambda handler: handler.reset(data)


@pytest.mark.parametrize("answer", CUT_HEADERS.values(), ids=CUT_HEADERS)
def test_a_cut_in_the_headers(serve, answer):
    """An answer that is cut off in its headers is a ConnectionError."""
    server = serve(answer)
    for condition in (EMPTY, {"callback": lambda response: True}):
        with pytest.raises(exceptions.ConnectionError):
            httsleep(server.url, condition)


@pytest.mark.parametrize("pause", [0, 0.02])
def test_a_cut_that_comes_later(listen, pause):
    """A cut in the headers is a ConnectionError if the end comes later, too."""

    def talk(peer):
        peer.request()
        peer.send(OK + b"X-A: b\r\n")
        peer.stopping.wait(pause)

    with pytest.raises(exceptions.ConnectionError):
        httsleep(listen(talk).url, EMPTY)


def test_a_cut_over_tls(serve, tls, ca_bundle):
    """A cut in the headers is a ConnectionError over TLS."""
    server = serve(CUT_HEADERS["after a header"], tls=tls)
    with pytest.raises(exceptions.ConnectionError):
        httsleep(server.url, EMPTY, verify=ca_bundle)


def test_a_cut_behind_a_proxy(serve, monkeypatch):
    """A cut in the headers is a ConnectionError behind a proxy."""
    monkeypatch.setenv("http_proxy", serve(CUT_HEADERS["after a header"]).root)
    with pytest.raises(exceptions.ConnectionError):
        httsleep("http://server.test/", EMPTY)


def test_a_cut_in_a_redirect(serve):
    """A redirect that was cut off is not followed."""
    server = serve(
        b"HTTP/1.1 302 Found\r\nLocation: /next\r\n",
        paths={"/next": [(200, b"")]},
    )
    with pytest.raises(exceptions.ConnectionError):
        httsleep(server.url, EMPTY)
    assert len(server.seen) == 1


@pytest.mark.parametrize("answer", LOOK_ALIKE.values(), ids=LOOK_ALIKE)
def test_what_only_looks_like_a_cut(serve, answer):
    """A complete answer without a body is no cut."""
    assert httsleep(serve(answer).url, EMPTY).content == b""


@pytest.mark.parametrize("session", SESSIONS, ids=["own", "callers"])
@pytest.mark.parametrize("how", [bytes, reset])
@pytest.mark.parametrize("answer", CUT_BODIES.values(), ids=CUT_BODIES)
def test_a_cut_in_the_body(serve, answer, how, session):
    """The builtin ConnectionError stands for an answer that is cut off in its body."""
    server = serve(how(answer), (200, "whole"))
    with session() as given:
        response = httsleep(
            server.url,
            status_code=200,
            session=given,
            polling_interval=0,
            ignore_exceptions=ConnectionError,
        )
    assert (response.text, len(server.seen)) == ("whole", 2)


# --- what belongs to another poll ------------------------------------------------


@pytest.mark.parametrize("gap", [0, 0.03])
@pytest.mark.parametrize("status", [102, 103, 199])
def test_interim_answers_are_skipped(serve, naps, status, gap):
    """The answer after interim answers is the one to its own poll."""
    polls = []

    def answer(handler):
        polls.append(None)
        for _ in range(2):
            handler.send(b"HTTP/1.1 %d Interim\r\nX-A: b\r\n\r\n" % status)
            handler.server.stopping.wait(gap)
        return (200, {"answer_to": len(polls)})

    server = serve(answer)
    response = httsleep(server.url, json={"answer_to": 4})
    assert len(server.seen) == 4
    assert response.headers["Content-Type"] == "application/json"
    assert "X-A" not in response.headers
    assert server.connections == 1


def test_101_is_no_answer_to_wait_behind(serve, naps):
    """After 101 the connection is not used again."""
    server = serve(lambda h: h.send(b"HTTP/1.1 101 Go\r\n\r\n" + b"noise"), 200)
    assert httsleep(server.url, status_code=200).content == b""
    assert server.connections == 2


@pytest.mark.parametrize("gap", [0, 0.02])
@pytest.mark.parametrize("session", SESSIONS, ids=["own", "callers"])
def test_an_answer_that_nobody_asked_for(serve, session, gap):
    """What follows a whole answer is not the answer to the next poll."""
    polls, twice_answered = [], threading.Semaphore(0)

    def twice(handler):
        polls.append(None)
        handler.reply(200, {"answer_to": len(polls)})
        handler.server.stopping.wait(gap)
        with suppress(OSError):  # the connection may have been given up meanwhile
            handler.reply(200, {"answer_to": "nothing"})
        twice_answered.release()

    def check(attempt):
        assert attempt.response.json() == {"answer_to": attempt.number}
        assert twice_answered.acquire(timeout=10)

    server = serve(twice)
    with session() as given:
        httsleep(
            server.url,
            json={"answer_to": 3},
            on_poll=check,
            polling_interval=0,
            session=given,
        )


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_body_where_none_belongs(serve, method):
    """The body of a HEAD or of a 204 is not the answer to the next poll."""
    status = b"200 OK" if method == "HEAD" else b"204 No Content"
    bad = b"HTTP/1.1 " + status + b"\r\nContent-Length: 400\r\n\r\n"
    server = serve(*[lambda h: h.send(bad + OK + b"\r\n" + b"x" * 400)] * 3, 404)
    request = requests.Request(method, server.url)
    response = httsleep(request, status_code=404, polling_interval=0.05)
    assert (response.status_code, len(server.seen)) == (404, 4)


@pytest.mark.parametrize("ending", ["silently", "reset", "in the status line"])
@pytest.mark.parametrize("session", SESSIONS, ids=["own", "callers"])
def test_a_connection_that_ends_as_the_poll_arrives(serve, ending, session):
    """A connection that ends as a poll arrives is a ConnectionError of that poll.

    A session of httsleep's own sends once more, unless a byte of an answer has come.
    """
    second = {
        "silently": b"",
        "reset": reset(b""),
        "in the status line": b"HTTP/1.1 2",
    }
    server = serve((200, 1), second[ending], (200, 3))
    polls = []
    with session() as given:
        httsleep(
            server.url,
            json=3,
            polling_interval=0,
            session=given,
            on_poll=polls.append,
            ignore_exceptions=ConnectionError,
        )
    outcomes = ["waiting", "ignored", "met"]
    if session is SESSIONS[0] and ending != "in the status line":
        outcomes.remove("ignored")
    assert [each.outcome for each in polls] == outcomes


@pytest.mark.realtime
def test_the_answer_to_a_poll_that_was_cut_off(serve):
    """The late answer to a poll that was cut off is not that of a later poll."""

    def late(handler):
        handler.server.stopping.wait(0.15)
        return (200, "late")

    server = serve(late, (200, "second"), (200, "third"))
    seen = []
    response = httsleep(
        server.url,
        text="third",
        request_timeout=0.1,
        polling_interval=0.1,
        ignore_exceptions=TimeoutError,
        on_poll=seen.append,
    )
    assert response.text == "third"
    assert [each.outcome for each in seen] == ["ignored", "waiting", "met"]


# --- what redirects carry --------------------------------------------------------

NEXT = {
    "same origin": lambda server, other: f"{server.root}/next",
    "other port": lambda server, other: f"{other.root}/next",
    "other host": lambda server, other: f"http://localhost:{server.port}/next",
    "userinfo": lambda server, other: f"http://a:b@localhost:{server.port}/next",
}
SECRETS = {
    "auth": {"auth": ("user", "password")},
    "header": {"headers": {"Authorization": "Bearer secret"}},
    "userinfo": {},
    "netrc": {},
    "cookies": {},
    "proxy": {"headers": {"Proxy-Authorization": "Basic secret"}},
}


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("to", NEXT.values(), ids=NEXT)
@pytest.mark.parametrize("secret", SECRETS)
def test_credentials_in_redirects(serve, monkeypatch, tmp_path, status, to, secret):
    """A redirect carries the credentials that a redirect of requests carries."""
    moved = {}
    server = serve((status, b"", moved), paths={"/next": [(200, "done")]})
    other = serve((200, "done"))
    location = moved["Location"] = to(server, other)
    if secret == "cookies":
        moved["Set-Cookie"] = "session=secret"
    url = server.url
    if secret == "userinfo":
        url = url.replace("://", "://user:password@")
    if secret == "netrc":
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login user password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))

    def sent():
        every = [*server.seen, *other.seen]
        server.seen.clear()
        other.seen.clear()
        return every

    requests.get(url, timeout=5, **SECRETS[secret])
    plain = sent()
    for _ in range(2):  # the second time a prepared request is at hand
        assert httsleep(url, text="done", **SECRETS[secret]).text == "done"
        assert sent() == plain
    if urlsplit(location).netloc != urlsplit(server.root).netloc and (
        secret in ("auth", "header", "userinfo")
    ):
        assert "Authorization" in plain[0].headers
        carried = plain[1].headers.get("Authorization", "")
        assert carried in ("", "Basic YTpi")  # of the Location itself


def test_a_session_of_many_polls_keeps_its_credentials_to_itself(serve):
    """After a redirect to another port the next poll begins as the first one did."""
    other = serve((503, "busy"), (200, "done"))
    server = serve((302, b"", {"Location": f"{other.root}/next"}))
    auth = ("user", "password")
    httsleep(server.url, status_code=200, auth=auth, polling_interval=0)
    assert ["Authorization" in each.headers for each in server.seen] == [True, True]
    assert ["Authorization" in each.headers for each in other.seen] == [False, False]


def test_giving_up_on_answers_that_are_cut(serve):
    """A run of cut answers gives up without a response."""
    server = serve(CUT_HEADERS["after a header"])
    with pytest.raises(GaveUp) as caught:
        httsleep(
            server.url,
            status_code=200,
            polling_interval=0,
            max_retries=5,
            ignore_exceptions=ConnectionError,
        )
    assert caught.value.response is None
