"""What is sent: each option as for ``session.get``, compared at the server."""

import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from httsleep import HttSleeper, httsleep

OPTIONS = {
    "nothing": {},
    "auth": {"auth": ("user", "p:ss wörd")},
    "auth object": {"auth": HTTPBasicAuth("user", "password")},
    "headers": {"headers": {"X-A": "b", "Accept": "application/json"}},
    "bytes header": {"headers": {"X-A": b"b"}},
    "one header less": {"headers": {"User-Agent": None, "accept": None}},
    "auth and header": {"auth": ("u", "p"), "headers": {"authorization": "Bearer t"}},
}


class Restarting:
    """A body that begins anew whenever it is sent."""

    def __iter__(self):
        return iter([b"first ", b"second"])


REQUESTS = {
    "params": {"params": {"q": "a b", "r": ["1", "2"]}},
    "form": {"method": "POST", "data": {"a": "b c", "d": ["1", "2"]}},
    "pairs": {"method": "POST", "data": [("a", "1"), ("a", "2")]},
    "bytes": {"method": "PUT", "data": b"\x00\xff"},
    "str": {"method": "POST", "data": "über".encode()},
    "restarting": {"method": "POST", "data": Restarting()},
    "json": {"method": "POST", "json": {"a": [1, None]}},
    "falsy json": {"method": "POST", "json": {}},
    "files": {"method": "POST", "files": {"f": ("f.txt", b"content", "text/plain")}},
    "headers": {"headers": {"X-A": "b"}},
    "cookies": {"cookies": {"a": "b"}},
    "auth": {"auth": ("user", "password")},
    "delete": {"method": "DELETE"},
    "own method": {"method": "PATCH", "data": "x"},
}


def session_like(**settings):
    session = requests.Session()
    for name, value in settings.items():
        if isinstance(value, dict):
            getattr(session, name).update(value)
        else:
            setattr(session, name, value)
    return session


SESSIONS = {
    "headers": {"headers": {"X-A": "session", "User-Agent": "mine"}},
    "auth": {"auth": ("user", "password")},
    "params": {"params": {"key": "value"}},
    "cookies": {"cookies": {"a": "b"}},
    "no environment": {"trust_env": False},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("own", [True, False], ids=["own session", "session"])
def test_each_poll_sends_what_session_get_does(serve, naps, options, own):
    """Every poll of a run is, line by line, the request of ``session.get``."""
    server = serve(200, 202, 202, 200)
    with requests.Session() as session:
        session.get(server.url, **options, timeout=5)
        mine = {} if own else {"session": session}
        httsleep(server.url, status_code=200, **options, **mine)
    plain, *ours = server.seen
    assert ours == [plain] * 3


@pytest.mark.parametrize("settings", SESSIONS.values(), ids=SESSIONS)
def test_the_settings_of_a_session_count(serve, naps, settings):
    """The settings of a session are sent with each poll."""
    server = serve(200, 202, 202, 200)
    with session_like(**settings) as session:
        session.get(server.url, timeout=5)
        httsleep(server.url, status_code=200, session=session)
    plain, *ours = server.seen
    assert ours == [plain] * 3


@pytest.mark.parametrize("fields", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("own", [True, False], ids=["own session", "session"])
def test_a_request_is_sent_with_each_poll(serve, naps, fields, own, monkeypatch):
    """Every part of a Request arrives with every poll, as ``session.request`` does."""
    monkeypatch.setattr("urllib3.filepost.choose_boundary", lambda: "boundary")
    server = serve(200, 202, 202, 200)
    fields = {"method": "GET", "url": server.url, **fields}
    with requests.Session() as session:
        session.request(**fields, timeout=5)
        mine = {} if own else {"session": session}
        httsleep(requests.Request(**fields), status_code=200, **mine)
    plain, *ours = server.seen
    assert ours == [plain] * 3


def test_auth_and_headers_go_on_top_of_a_request(serve, naps):
    """``auth`` and ``headers`` take precedence over those of a Request."""
    server = serve(200)
    request = requests.Request(
        "GET", server.url, headers={"X-A": "1", "X-B": "1"}, auth=("a", "a")
    )
    httsleep(request, status_code=200, auth=("b", "b"), headers={"x-b": "2"})
    requests.get(
        server.url, headers={"X-A": "1", "X-B": "2"}, auth=("b", "b"), timeout=5
    )
    ours, plain = server.seen
    assert ours.headers == plain.headers


def test_userinfo_in_the_url(serve, naps):
    """User and password of the URL are sent as for ``session.get``."""
    server = serve(200)
    url = server.url.replace("http://", "http://user:p%40ss@")
    requests.get(url, timeout=5)
    httsleep(url, status_code=200)
    plain, ours = server.seen
    assert ours == plain
    assert "Authorization" in ours.headers


@pytest.mark.parametrize("own", [True, False], ids=["own session", "session"])
def test_digest_auth(serve, naps, own):
    """Digest authentication is renewed whenever the server asks for it."""
    nonces = []

    def digest(handler):
        sent = handler.headers.get("Authorization", "")
        if nonces and f'nonce="{nonces[-1]}"' in sent:
            done = len(nonces) == 3
            return (200 if done else 202, {"nonces": len(nonces)})
        nonces.append(f"nonce{len(nonces)}")
        challenge = f'Digest realm="r", nonce="{nonces[-1]}", qop="auth"'
        return (401, "who?", {"WWW-Authenticate": challenge})

    def expire(number):
        nonces.append(f"nonce{len(nonces)}")

    server = serve(digest)
    naps.during = expire
    with requests.Session() as session:
        mine = {} if own else {"session": session}
        response = httsleep(
            server.url, status_code=200, auth=HTTPDigestAuth("user", "pass"), **mine
        )
    assert response.json() == {"nonces": 3}
    assert len(server.seen) == 4  # 401 and 202, then a stale nonce and a good one


@pytest.mark.parametrize("own", [True, False], ids=["own session", "session"])
def test_redirects_are_followed_as_session_get_does(serve, naps, own):
    """Each poll follows redirects as ``session.get``; the last answer is judged."""
    server = serve(
        (302, b"", {"Location": "/b?c=d"}),
        paths={
            "/b": [(307, b"", {"Location": "/c"})],
            "/c": [(200, "end"), (202, "not yet"), (200, "end")],
        },
    )
    with requests.Session() as session:
        session.get(server.url, auth=("u", "p"), timeout=5)
        mine = {} if own else {"session": session}
        response = httsleep(server.url, status_code=200, auth=("u", "p"), **mine)
    assert [seen.path for seen in server.seen] == ["/endpoint", "/b?c=d", "/c"] * 3
    assert server.seen[:3] == server.seen[3:6] == server.seen[6:]
    assert response.url == f"{server.root}/c"
    assert [each.status_code for each in response.history] == [302, 307]


def test_a_redirect_of_a_post(serve, naps):
    """A 307 sends the body again, a 303 does not, as for ``session.post``."""
    server = serve(
        paths={
            "/a": [(307, b"", {"Location": "/b"})],
            "/b": [(303, b"", {"Location": "/c"})],
            "/c": [200],
        }
    )
    with requests.Session() as session:
        session.post(f"{server.root}/a", data=b"body", timeout=5)
    httsleep(
        requests.Request("POST", f"{server.root}/a", data=b"body"), status_code=200
    )
    assert server.seen[:3] == server.seen[3:]
    assert [seen.body for seen in server.seen[3:]] == [b"body", b"body", b""]
    assert [seen.method for seen in server.seen[3:]] == ["POST", "POST", "GET"]


def test_what_the_own_session_is_told_counts_at_once(serve, naps):
    """A header, cookie, auth or param set on ``.session`` is in the next poll."""
    server = serve(*[202] * 5, 200)

    def on_poll(attempt):
        session = sleeper.session
        if attempt.number == 1:
            session.headers["X-A"] = "b"
        elif attempt.number == 2:
            session.auth = ("user", "password")
        elif attempt.number == 3:
            session.params["key"] = "value"
        elif attempt.number == 4:
            session.cookies.set("a", "b")
        elif attempt.number == 5:
            session.cookies.clear()
            session.auth = None
            session.params.clear()
            del session.headers["X-A"]

    sleeper = HttSleeper(server.url, status_code=200, on_poll=on_poll)
    sleeper.run()
    first, header, auth, params, cookie, last = server.seen
    assert header.headers["X-A"] == "b"
    assert "Authorization" in auth.headers
    assert params.path == "/endpoint?key=value"
    assert cookie.headers["Cookie"] == "a=b"
    assert first == last
