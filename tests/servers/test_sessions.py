"""The caller's session, one of the sleeper's own, cookies and connections."""

from contextlib import suppress

import pytest
import requests

from httsleep import Alarm, GaveUp, HttSleeper, httsleep


def sets(status, value, name="n", path="/"):
    """An answer that sets a cookie."""
    return (status, b"", {"Set-Cookie": f"{name}={value}; Path={path}"})


def cookies(server):
    return [seen.headers.get("Cookie") for seen in server.seen]


class TokenSession(requests.Session):
    """The shape of an OAuth session: ``request()`` adds what counts."""

    token = 0

    def request(self, method, url, *args, headers=None, **kwargs):
        self.token += 1
        headers = {**(headers or {}), "Authorization": f"Bearer {self.token}"}
        return super().request(method, url, *args, headers=headers, **kwargs)


class BaseSession(requests.Session):
    """A session that completes relative URLs."""

    def __init__(self, root):
        super().__init__()
        self.root = root

    def request(self, method, url, *args, **kwargs):
        return super().request(method, self.root + url, *args, **kwargs)


def test_a_subclass_that_overrides_request(serve, naps):
    """Every poll calls the ``request()`` of a subclass of Session."""
    server = serve(200, 202, 202, 200)
    with TokenSession() as session:
        session.get(server.url, timeout=5)
        session.token = 0
        httsleep(server.url, status_code=200, session=session)
    sent = [seen.headers["Authorization"] for seen in server.seen]
    assert sent == ["Bearer 1", "Bearer 1", "Bearer 2", "Bearer 3"]
    assert server.seen[0] == server.seen[1]


def test_a_subclass_that_completes_urls(serve, naps):
    """A session of the caller's may complete a URL that is no whole one."""
    server = serve(202, 200)
    with BaseSession(server.root) as session:
        httsleep("/endpoint", status_code=200, session=session)
    assert [seen.path for seen in server.seen] == ["/endpoint"] * 2


def test_an_adapter_of_the_callers_session(serve, naps):
    """An adapter that is mounted on the caller's session sends the requests."""

    class Adapter(requests.adapters.HTTPAdapter):
        sent = 0

        def send(self, *args, **kwargs):
            Adapter.sent += 1
            return super().send(*args, **kwargs)

    server = serve(202, 200)
    with requests.Session() as session:
        session.mount(server.root, Adapter())
        httsleep(server.url, status_code=200, session=session)
    assert Adapter.sent == 2


@pytest.mark.parametrize("own", [True, False], ids=["own session", "session"])
def test_cookies_go_from_poll_to_poll(serve, naps, own):
    """A cookie of an answer is sent with the next poll, as by ``session.get``."""
    script = [sets(202, 1), 202, sets(202, 2), sets(202, "x; Max-Age=0"), 200]
    plain, server = serve(*script), serve(*script)
    with requests.Session() as session:
        for _ in script:
            session.get(plain.url, timeout=5)
    with requests.Session() as session:
        mine = {} if own else {"session": session}
        httsleep(server.url, status_code=200, **mine)
    assert cookies(server) == cookies(plain) == [None, "n=1", "n=1", "n=2", None]


@pytest.mark.parametrize("own", [True, False], ids=["own session", "session"])
def test_cookies_of_a_redirect(serve, naps, own):
    """A cookie of a redirect is sent with all later requests."""
    script = (302, b"", {"Location": "/job", "Set-Cookie": "n=1; Path=/"})
    plain, server = (serve(script, paths={"/job": [202, 200]}) for _ in "ab")
    with requests.Session() as session:
        for _ in "ab":
            session.get(plain.url, timeout=5)
    with requests.Session() as session:
        mine = {} if own else {"session": session}
        httsleep(server.url, status_code=200, **mine)
    assert cookies(server) == cookies(plain) == [None, "n=1", "n=1", "n=1"]


def test_cookies_of_a_request_are_sent_beside_those_of_answers(serve, naps):
    """A Request's own cookies go with every poll, those of answers join them."""
    script = [sets(202, 1), 202, 200]
    plain, server = serve(*script), serve(*script)
    fields = {"method": "GET", "cookies": {"mine": "m"}}
    with requests.Session() as session:
        for _ in script:
            session.request(**fields, url=plain.url, timeout=5)
    httsleep(requests.Request(**fields, url=server.url), status_code=200)
    assert cookies(server) == cookies(plain)
    assert cookies(server)[0] == "mine=m"


def test_cookies_of_an_answer_that_was_cut_short(serve, naps):
    """A cookie of an answer whose body was cut short is sent with the next poll."""
    cut = b"HTTP/1.1 200 OK\r\nSet-Cookie: n=1\r\nContent-Length: 9\r\n\r\n{"
    server = serve(cut, 200)
    httsleep(server.url, status_code=200, ignore_exceptions=ConnectionError)
    assert cookies(server) == [None, "n=1"]


@pytest.mark.parametrize("body", [b"", "text", b"x" * 300_000], ids=len)
@pytest.mark.parametrize("end", ["success", "alarm", "max_retries", "on_poll"])
def test_the_polls_of_a_run_share_a_connection(serve, naps, body, end):
    """All polls of a run use one connection, which is closed however the run ends."""

    def on_poll(attempt):
        if end == "on_poll" and attempt.number == 4:
            raise KeyboardInterrupt

    last = {"success": 200, "alarm": 500}.get(end, 404)
    server = serve((202, body), (503, body), (404, body), (last, body))
    sleeper = HttSleeper(
        server.url,
        {"status_code": 200},
        {"status_code": 500},
        max_retries=4,
        on_poll=on_poll,
    )
    with suppress(Alarm, GaveUp, KeyboardInterrupt):
        sleeper.run()
    assert (len(server.seen), server.connections) == (4, 1)
    assert server.eof.acquire(timeout=5)


def test_http_1_0_is_a_connection_for_each_poll(serve, naps):
    """A server of HTTP/1.0 gets a connection for each poll."""
    server = serve(202, 202, 200, protocol="HTTP/1.0")
    httsleep(server.url, status_code=200)
    assert server.connections == 3


@pytest.mark.parametrize("options", [{}, {"max_retries": 1}, {"max_time": 5}], ids=str)
def test_the_callers_session_is_never_closed(serve, naps, options):
    """Neither a run nor close() ends the connections of the caller's session."""
    server = serve(200)
    with requests.Session() as session:
        session.get(server.url, timeout=5)
        with HttSleeper(
            server.url, status_code=200, session=session, **options
        ) as sleeper:
            assert sleeper.session is session
            sleeper.run()
            sleeper.poll()
        session.get(server.url, timeout=5)
        assert not server.eof.acquire(blocking=False)
    assert server.connections == 1
    assert len(server.seen) == 4


def test_poll_keeps_connection_and_cookies_until_close(serve):
    """Several poll() share connection and cookies until the sleeper is closed."""
    server = serve(sets(202, 1), 202, 200)
    with HttSleeper(server.url, status_code=200) as sleeper:
        for _ in range(3):
            sleeper.poll()
        assert server.connections == 1
        assert not server.eof.acquire(timeout=0.05)
    assert server.eof.acquire(timeout=5)
    assert not sleeper.poll().response.cookies
    sleeper.close()
    assert cookies(server) == [None, "n=1", "n=1", None]
    assert server.connections == 2
