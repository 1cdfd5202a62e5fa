"""Polls of the caller's own origin: his headers, cookies, auth and session."""

import base64

import pytest
import requests

from httsleep import HttSleeper, httsleep
from httsleep.session import BoundedSession

TO_JOB = (202, b"", {"Location": "/jobs/7"})


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def jobs(serve):
    """A server that takes a submit, and whose job is done at its second poll."""
    return serve(TO_JOB, paths={"/jobs/7": [202, 200]})


def of_polls(server):
    """Return the headers of the polls."""
    submitted, *polls = server.seen
    assert submitted.method != "GET"
    assert [seen.method for seen in polls] == ["GET"] * len(polls)
    return [seen.headers for seen in polls]


def test_headers(jobs, submit, mine):
    """The headers of the Request and those of ``headers`` are sent with each poll."""
    request = submit(jobs.url, headers={"X-Api-Key": "key", "Accept": "a/b"})
    httsleep(
        request,
        status_code=200,
        follow="Location",
        headers={"Authorization": "Bearer token", "X-Other": "other"},
        **mine,
    )
    for headers in of_polls(jobs):
        assert headers["X-Api-Key"] == "key"
        assert headers["Accept"] == "a/b"
        assert headers["Authorization"] == "Bearer token"
        assert headers["X-Other"] == "other"


ABOUT_THE_BODY = {
    "Content-Type": "application/json",
    "content-encoding": "identity",
    "CONTENT-MD5": "xyz",
    "Content-Language": "en",
    "Content-Disposition": "inline",
    "If-Match": '"a"',
    "if-none-match": "*",
    "If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT",
    "If-Unmodified-Since": "Thu, 01 Jan 2026 00:00:00 GMT",
    "If-Range": '"a"',
}


@pytest.mark.parametrize("given", ["headers", "request"])
def test_headers_about_a_body_or_a_condition(jobs, submit, mine, given):
    """They are for the submit alone."""
    if given == "request":
        request, more = submit(jobs.url, headers=ABOUT_THE_BODY, data=b"{}"), {}
    else:
        request, more = submit(jobs.url, data=b"{}"), {"headers": ABOUT_THE_BODY}
    httsleep(request, status_code=200, follow="Location", **more, **mine)
    assert jobs.seen[0].headers.items() >= ABOUT_THE_BODY.items()
    for headers in of_polls(jobs):
        names = {name.lower() for name in headers}
        assert not [name for name in names if name.startswith(("content-", "if-"))]


@pytest.mark.parametrize(
    ("name", "value"), [("Expect", "x"), ("expect", "x"), ("TRANSFER-ENCODING", "x")]
)
def test_headers_about_how_a_body_is_sent(jobs, submit, mine, name, value):
    """Expect and Transfer-Encoding are for the submit alone."""
    httsleep(
        submit(jobs.url),
        status_code=200,
        follow="Location",
        headers={name: value},
        **mine,
    )
    assert jobs.seen[0].headers[name] == value
    for headers in of_polls(jobs):
        assert name not in headers


def test_other_headers_of_a_submit(jobs, submit):
    """Prefer and Idempotency-Key are headers like any other."""
    headers = {"Prefer": "respond-async", "Idempotency-Key": "1", "Iffy": "a"}
    httsleep(submit(jobs.url), status_code=200, follow="Location", headers=headers)
    for each in of_polls(jobs):
        assert each.items() >= headers.items()


def test_a_header_that_removes_one_of_the_session(jobs, submit):
    """A header that is None removes the session's for the polls as well."""
    headers = {"User-Agent": None, "X-Session": None}
    with requests.Session() as session:
        session.headers["X-Session"] = "s"
        httsleep(
            submit(jobs.url),
            status_code=200,
            follow="Location",
            headers=headers,
            session=session,
        )
    for each in of_polls(jobs):
        assert "X-Session" not in each


@pytest.mark.parametrize("given", ["auth", "request"])
def test_basic_auth(jobs, submit, mine, given):
    """User and password are sent with each poll."""
    auth = ("user", "password")
    fields, more = ({"auth": auth}, {}) if given == "request" else ({}, {"auth": auth})
    request = submit(jobs.url, **fields)
    httsleep(request, status_code=200, follow="Location", **more, **mine)
    for headers in of_polls(jobs):
        assert headers["Authorization"] == basic("user", "password")


class Token(requests.auth.AuthBase):
    """A token that is another one each time."""

    calls = 0

    def __call__(self, request):
        self.calls += 1
        request.headers["Authorization"] = f"Bearer {self.calls} for {request.method}"
        return request


def test_a_callable_auth_is_called_anew(jobs, submit, mine):
    """The token of each poll is made for it."""
    httsleep(submit(jobs.url), status_code=200, follow="Location", auth=Token(), **mine)
    tokens = [seen.headers["Authorization"] for seen in jobs.seen]
    assert tokens == ["Bearer 1 for POST", "Bearer 2 for GET", "Bearer 3 for GET"]


def test_cookies(serve, submit, mine):
    """The cookies of the Request and those of the answers are sent."""
    sets = {"Location": "/jobs/7", "Set-Cookie": "session=s; Path=/"}
    server = serve((202, b"", sets), paths={"/jobs/7": [202, 200]})
    request = submit(server.url, cookies={"mine": "m"})
    httsleep(request, status_code=200, follow="Location", **mine)
    assert server.seen[0].headers["Cookie"] == "mine=m"
    for headers in of_polls(server):
        assert set(headers["Cookie"].split("; ")) == {"mine=m", "session=s"}


def test_cookies_of_one_wait_reach_no_other(serve, submit):
    """A wait on the sleeper's own session begins with an empty cookie jar."""
    sets = {"Location": "/jobs/7", "Set-Cookie": "session=s; Path=/"}
    server = serve((202, b"", sets), paths={"/jobs/7": [200]})
    sleeper = HttSleeper(submit(server.url), status_code=200, follow="Location")
    sleeper.run()
    sleeper.run()
    cookies = [seen.headers.get("Cookie") for seen in server.seen]
    assert cookies == [None, "session=s"] * 2


@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_what_the_session_has(jobs, submit, kind):
    """Headers, auth, cookies and params of the session are sent with each poll."""
    with kind() as session:
        session.headers["X-Session"] = "s"
        session.auth = ("its", "own")
        session.params = {"p": "q"}
        session.cookies.set("c", "d")
        httsleep(submit(jobs.url), status_code=200, follow="Location", session=session)
    assert [seen.path for seen in jobs.seen[1:]] == ["/jobs/7?p=q"] * 2
    for headers in of_polls(jobs):
        assert headers["X-Session"] == "s"
        assert headers["Authorization"] == basic("its", "own")
        assert headers["Cookie"] == "c=d"


class Signing(requests.Session):
    """The shape of an OAuth session: ``request()`` adds what counts."""

    def request(self, method, url, *args, headers=None, **kwargs):
        headers = {**(headers or {}), "Authorization": f"Bearer {method}"}
        return super().request(method, url, *args, headers=headers, **kwargs)


def test_a_session_with_a_request_of_its_own(jobs, submit):
    """Polls go through ``request()`` of the caller's session."""
    with Signing() as session:
        httsleep(submit(jobs.url), status_code=200, follow="Location", session=session)
    tokens = [seen.headers["Authorization"] for seen in jobs.seen]
    assert tokens == ["Bearer POST", "Bearer GET", "Bearer GET"]


def test_params_and_body_of_the_request(jobs, submit, mine):
    """They are for the submit alone."""
    request = submit(jobs.url, params={"a": "b"}, json={"c": "d"})
    httsleep(request, status_code=200, follow="Location", **mine)
    assert jobs.seen[0].path == "/endpoint?a=b"
    assert jobs.seen[0].body == b'{"c": "d"}'
    assert [seen.path for seen in jobs.seen[1:]] == ["/jobs/7"] * 2
    assert [seen.body for seen in jobs.seen[1:]] == [b""] * 2


def test_files_of_the_request(jobs, submit, mine):
    """An upload is for the submit alone."""
    request = submit(jobs.url, files={"f": ("f.txt", b"content")})
    httsleep(request, status_code=200, follow="Location", **mine)
    assert b"content" in jobs.seen[0].body
    assert [seen.body for seen in jobs.seen[1:]] == [b""] * 2
    for headers in of_polls(jobs):
        assert "Content-Type" not in headers


def test_hooks_of_the_request(jobs, submit, mine):
    """They are called for the submit alone."""
    called = []

    def hook(response, **_):
        called.append(response.request.method)

    request = submit(jobs.url, hooks={"response": hook})
    httsleep(request, status_code=200, follow="Location", **mine)
    assert called == ["POST"]


def test_hooks_of_the_session(jobs, submit):
    """They are the session's business, and called for all."""
    called = []
    with requests.Session() as session:
        session.hooks["response"].append(
            lambda response, **_: called.append(response.request.method)
        )
        httsleep(submit(jobs.url), status_code=200, follow="Location", session=session)
    assert called == ["POST", "GET", "GET"]


def test_netrc(jobs, submit, mine, netrc):
    """The entry of the host counts for the polls as well."""
    netrc("machine 127.0.0.1 login user password secret")
    httsleep(submit(jobs.url), status_code=200, follow="Location", **mine)
    sent = [seen.headers["Authorization"] for seen in jobs.seen]
    assert sent == [basic("user", "secret")] * 3


def test_a_header_beats_netrc(jobs, submit, mine, netrc):
    """An Authorization that is given goes before netrc in the polls as well."""
    netrc("default login user password secret")
    headers = {"authorization": "Bearer token"}
    httsleep(
        submit(jobs.url), status_code=200, follow="Location", headers=headers, **mine
    )
    sent = [seen.headers["Authorization"] for seen in jobs.seen]
    assert sent == ["Bearer token"] * 3


# Userinfo.


@pytest.mark.parametrize(
    "location", ["/jobs/7", "../jobs/7", "//127.0.0.1:PORT/jobs/7"]
)
def test_userinfo_of_the_callers_url_is_auth(serve, submit, mine, location):
    """It is sent with each poll, and is no part of a URL that is joined."""
    server = serve(404, paths={"/jobs/7": [202, 200]})
    location = location.replace("PORT", str(server.port))
    server._scripts["/endpoint"] = [(202, b"", {"Location": location})]
    url = server.url.replace("://", "://us%65r:p4ss@")
    response = httsleep(submit(url), status_code=200, follow="Location", **mine)
    sent = [seen.headers["Authorization"] for seen in server.seen]
    assert sent == [basic("user", "p4ss")] * 3
    assert response.url == f"{server.root}/jobs/7"


def test_userinfo_of_the_callers_url_beats_netrc(jobs, submit, mine, netrc):
    """netrc counts only where nobody has named credentials."""
    netrc("default login other password secret")
    url = jobs.url.replace("://", "://user:p4ss@")
    httsleep(submit(url), status_code=200, follow="Location", **mine)
    sent = [seen.headers["Authorization"] for seen in jobs.seen]
    assert sent == [basic("user", "p4ss")] * 3


def test_auth_beats_userinfo_of_the_callers_url(jobs, submit, mine):
    """``auth`` takes precedence, as for requests."""
    url = jobs.url.replace("://", "://user:p4ss@")
    httsleep(
        submit(url), status_code=200, follow="Location", auth=("my", "own"), **mine
    )
    sent = [seen.headers["Authorization"] for seen in jobs.seen]
    assert sent == [basic("my", "own")] * 3


@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_auth_of_the_session_beats_userinfo(jobs, submit, kind):
    """It takes precedence for the polls as it does for the submit."""
    url = jobs.url.replace("://", "://user:p4ss@")
    with kind() as session:
        session.auth = ("its", "own")
        httsleep(submit(url), status_code=200, follow="Location", session=session)
    sent = {seen.headers["Authorization"] for seen in jobs.seen}
    assert len(sent) == 1


@pytest.mark.parametrize("auth", [None, ("my", "own")], ids=["no auth", "auth"])
def test_userinfo_of_a_named_url_is_dropped(serve, submit, mine, auth, netrc):
    """A server cannot make the caller log in as somebody else."""
    server = serve(404, paths={"/jobs/7": [202, 200]})
    location = server.root.replace("://", "://eve:3v3@") + "/jobs/7"
    server._scripts["/endpoint"] = [(202, b"", {"Location": location})]
    response = httsleep(
        submit(server.url), status_code=200, follow="Location", auth=auth, **mine
    )
    expected = None if auth is None else basic(*auth)
    sent = [seen.headers.get("Authorization") for seen in server.seen]
    assert sent == [expected] * 3
    assert "eve" not in response.url


def test_an_at_in_a_path_is_no_userinfo(serve, submit):
    """What follows the host belongs to the path."""
    server = serve(
        (202, b"", {"Location": "/jobs/a@b:c"}), paths={"/jobs/a@b:c": [200]}
    )
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert server.seen[1].path == "/jobs/a@b:c"


# What is home.

KEY = {"X-Api-Key": "key"}


def polled(server):
    """Return the X-Api-Key of the last request that the server saw."""
    assert server.seen[-1].method == "GET"
    return server.seen[-1].headers.get("X-Api-Key")


SAME = {
    "the port is named": ("http://a.example/jobs", "http://a.example:80/jobs/7"),
    "the port is not named": ("http://a.example:80/jobs", "http://a.example/jobs/7"),
    "an empty port": ("http://a.example/jobs", "http://a.example:/jobs/7"),
    "the host in capitals": ("http://a.example/jobs", "http://A.EXAMPLE/jobs/7"),
    "the caller's in capitals": ("HTTP://A.Example/jobs", "http://a.example/jobs/7"),
    "an international name": (
        "http://b\xfccher.example/",
        "http://xn--bcher-kva.example/",
    ),
}


@pytest.mark.parametrize(("url", "location"), SAME.values(), ids=SAME)
def test_the_same_origin_in_other_words(serve, submit, names, mine, url, location):
    """However the origin is written, it is home."""
    server = serve((202, b"", {"Location": location}), 200)
    for host in ("a.example", "A.EXAMPLE", "A.Example", "xn--bcher-kva.example"):
        names[host, 80] = names[host.encode(), 80] = server
    httsleep(submit(url), status_code=200, follow="Location", headers=KEY, **mine)
    assert polled(server) == "key"


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("http://a.example/jobs", "https://a.example/jobs/7"),
        ("http://a.example:80/jobs", "https://a.example:443/jobs/7"),
    ],
)
def test_from_http_to_https_on_the_default_ports(
    serve, submit, names, any_tls, ca_bundle, mine, url, location
):
    """It is home: a site that moves to https, as requests has it for redirects."""
    names["a.example", 80] = serve((202, b"", {"Location": location}))
    names["a.example", 443] = secure = serve(202, 200, tls=any_tls)
    httsleep(
        submit(url),
        status_code=200,
        follow="Location",
        headers=KEY,
        verify=ca_bundle,
        **mine,
    )
    assert len(secure.seen) == 2
    assert polled(secure) == "key"


def test_home_again(serve, submit, mine):
    """An answer of another origin may lead back home, where all is sent again."""
    server = serve(404, paths={"/jobs/7": [202, 200]})
    other = serve((202, b"", {"Location": f"{server.root}/jobs/7"}))
    server._scripts["/endpoint"] = [(202, b"", {"Location": other.url})]
    httsleep(
        submit(server.url), status_code=200, follow="Location", headers=KEY, **mine
    )
    assert "X-Api-Key" not in other.seen[0].headers
    assert [seen.headers.get("X-Api-Key") for seen in server.seen] == ["key"] * 3


def test_home_is_where_the_caller_sent_it(serve, submit, mine):
    """A submit that a 307 forwards does not make another origin home."""
    other = serve(404)
    other._scripts["/endpoint"] = [(202, b"", {"Location": "/jobs/7"})]
    other._scripts["/jobs/7"] = [200]
    server = serve((307, b"", {"Location": other.url}))
    httsleep(
        submit(server.url), status_code=200, follow="Location", headers=KEY, **mine
    )
    assert [seen.path for seen in other.seen] == ["/endpoint", "/jobs/7"]
    assert "X-Api-Key" not in other.seen[1].headers


@pytest.mark.parametrize("verify", ["verify", "environment"])
def test_tls_at_home(serve, submit, any_tls, ca_bundle, mine, verify, monkeypatch):
    """``verify`` or the environment's bundle holds for the polls as well."""
    server = serve(TO_JOB, paths={"/jobs/7": [202, 200]}, tls=any_tls)
    more = {"verify": ca_bundle}
    if verify == "environment":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_bundle)
        more = {}
    httsleep(
        submit(server.url),
        status_code=200,
        follow="Location",
        headers=KEY,
        **more,
        **mine,
    )
    assert polled(server) == "key"


def test_the_connection_is_kept_at_home(jobs, submit):
    """The submit and its polls share one connection."""
    httsleep(submit(jobs.url), status_code=200, follow="Location")
    assert jobs.connections == 1


def test_what_the_caller_passed_is_as_it_was(jobs, submit, mine):
    """Following changes neither the Request of the caller nor that of the sleeper."""
    fields = {
        "headers": {"Content-Type": "a/b", "X-Api-Key": "key"},
        "params": {"a": "b"},
        "cookies": {"c": "d"},
        "data": b"body",
        "auth": ("user", "password"),
    }
    request = submit(jobs.url, **fields)
    sleeper = HttSleeper(request, status_code=200, follow="Location", **mine)
    before = dict(vars(sleeper.request))
    sleeper.run()
    assert {name: getattr(request, name) for name in fields} == fields
    assert vars(sleeper.request) == before
    assert (sleeper.request.method, sleeper.request.url) == ("POST", jobs.url)
