"""Polls of another origin: nothing of the caller's reaches it."""

import base64
import logging
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from httsleep import GaveUp, HttSleeper, UnexpectedResponse, httsleep
from httsleep.command.main import main
from httsleep.session import BoundedSession

SECRETS = ("s3cret", base64.b64encode(b"s3cret:s3cret").decode())
#: The headers that requests makes by itself.
PLAIN = {"host", "user-agent", "accept", "accept-encoding", "connection"}
ANOTHER = "(another origin: sent without credentials)"


def assert_plain(server, polls=2):
    """Assert that the server saw plain GETs, with nothing that a caller gave."""
    assert len(server.seen) == polls
    for seen in server.seen:
        assert seen.method == "GET"
        assert seen.body == b""
        assert {name.lower() for name, _ in seen.lines} == PLAIN
        assert seen.headers["User-Agent"].startswith("python-requests/")
        assert seen.headers["Accept"] == "*/*"
        everything = repr((seen.path, seen.lines))
        assert not [secret for secret in SECRETS if secret in everything]


def sign(request):
    """An ``auth`` that adds headers of its own."""
    request.headers["Authorization"] = request.headers["X-Signature"] = "s3cret"
    return request


@pytest.fixture(params=["port", "name"])
def other(request, serve):
    """A server that is another origin: by its port, or by its name as well."""
    server = serve(202, 200)
    if request.param == "name":
        server.root = server.root.replace("127.0.0.1", "localhost")
    server.url = f"{server.root}/jobs/7"
    return server


@pytest.fixture
def home_server(serve, other):
    """The caller's server, which sets a cookie and names the other one."""
    headers = {"Location": other.url, "Set-Cookie": "set=s3cret; Path=/"}
    return serve((202, b"", headers))


FIELDS = {
    "headers": {"headers": {"X-Api-Key": "s3cret", "authorization": "s3cret"}},
    "a user agent": {"headers": {"User-Agent": "s3cret", "Accept": "s3/cret"}},
    "auth": {"auth": ("s3cret", "s3cret")},
    "a callable auth": {"auth": sign},
    "cookies": {"cookies": {"mine": "s3cret"}},
    "params": {"params": {"key": "s3cret"}},
    "data": {"data": {"key": "s3cret"}},
    "json": {"json": {"key": "s3cret"}},
    "files": {"files": {"key": b"s3cret"}},
    "a Cookie header": {"headers": {"Cookie": "mine=s3cret"}},
    "a referrer": {"headers": {"Referer": "http://s3cret/", "Origin": "s3cret"}},
    "a proxy's": {"headers": {"Proxy-Authorization": "s3cret"}},
}


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_what_the_request_has(home_server, other, submit, mine, fields):
    """Nothing of the Request is sent."""
    request = submit(home_server.url, **fields)
    httsleep(request, status_code=200, follow="Location", **mine)
    assert len(home_server.seen) == 1
    assert_plain(other)


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-Api-Key": "s3cret", "Authorization": "s3cret"}},
        {"auth": ("s3cret", "s3cret")},
        {"auth": sign},
    ],
    ids=["headers", "auth", "callable auth"],
)
def test_what_the_arguments_have(home_server, other, submit, mine, options):
    """Neither ``headers`` nor ``auth`` is sent."""
    httsleep(
        submit(home_server.url), status_code=200, follow="Location", **options, **mine
    )
    assert_plain(other)


def test_a_callable_auth_is_not_called(home_server, other, submit, mine):
    """It is not even asked for a token."""
    called = []

    def auth(request):
        called.append(request.url)
        return request

    httsleep(
        submit(home_server.url), status_code=200, follow="Location", auth=auth, **mine
    )
    assert called == [home_server.url]


def test_a_get_that_is_led_away(serve, other, mine):
    """It is the same for a wait that begins with a GET."""
    server = serve((202, b"", {"Location": other.url}))
    httsleep(
        server.url,
        status_code=200,
        follow="Location",
        headers={"X-Api-Key": "s3cret"},
        auth=("s3cret", "s3cret"),
        **mine,
    )
    assert_plain(other)


@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_what_the_session_has(home_server, other, submit, kind):
    """Headers, auth, params, cookies and hooks of the session do not count."""
    called = []
    with kind() as session:
        session.headers["X-Session"] = session.headers["User-Agent"] = "s3cret"
        session.auth = ("s3cret", "s3cret")
        session.params = {"key": "s3cret"}
        session.cookies.set("its", "s3cret")
        session.hooks["response"].append(lambda r, **_: called.append(r.url))
        httsleep(
            submit(home_server.url), status_code=200, follow="Location", session=session
        )
        assert len(called) == 1
    assert "X-Session" in home_server.seen[0].headers
    assert_plain(other)


class Signing(requests.Session):
    """The shape of an OAuth session: ``request()`` adds what counts."""

    def request(self, method, url, *args, headers=None, **kwargs):
        headers = {**(headers or {}), "X-Token": "s3cret"}
        return super().request(method, url, *args, headers=headers, **kwargs)


def test_a_session_with_a_request_of_its_own(home_server, other, submit):
    """The caller's session is not asked."""
    with Signing() as session:
        httsleep(
            submit(home_server.url), status_code=200, follow="Location", session=session
        )
    assert_plain(other)


def test_a_session_with_an_adapter(home_server, other, submit):
    """An adapter that signs requests is not used."""

    class Adapter(requests.adapters.HTTPAdapter):
        def add_headers(self, request, **_):
            request.headers["X-Signature"] = "s3cret"

    with requests.Session() as session:
        session.mount("http://", Adapter())
        httsleep(
            submit(home_server.url), status_code=200, follow="Location", session=session
        )
    assert home_server.seen[0].headers["X-Signature"] == "s3cret"
    assert_plain(other)


@pytest.mark.parametrize(
    "entries",
    [
        "machine 127.0.0.1 login s3cret password s3cret\n"
        "machine localhost login s3cret password s3cret",
        "default login s3cret password s3cret",
    ],
    ids=["both hosts", "default"],
)
@pytest.mark.parametrize("named", [True, False], ids=["headers", "no headers"])
def test_netrc(home_server, other, submit, mine, netrc, entries, named):
    """Neither the entry of the first host nor that of the other counts."""
    netrc(entries)
    more = {"headers": {"Authorization": "s3cret"}} if named else {}
    httsleep(
        submit(home_server.url), status_code=200, follow="Location", **more, **mine
    )
    assert "Authorization" in home_server.seen[0].headers
    assert_plain(other)


@pytest.mark.parametrize("whose", ["caller", "named", "both"])
def test_userinfo(serve, other, submit, mine, whose):
    """Neither that of the caller's URL nor that of the named one is sent."""
    location = other.url
    if whose != "caller":
        location = location.replace("://", "://s3cret:s3cret@")
    server = serve((202, b"", {"Location": location}))
    url = server.url
    if whose != "named":
        url = url.replace("://", "://s3cret:s3cret@")
    response = httsleep(submit(url), status_code=200, follow="Location", **mine)
    assert_plain(other)
    assert response.url == other.url


def test_cookies_that_the_other_origin_sets(serve, submit):
    """They do not get into the cookie jar of the caller's session."""
    other = serve((200, b"", {"Set-Cookie": "theirs=x; Path=/"}))
    server = serve((202, b"", {"Location": other.url}))
    with requests.Session() as session:
        session.cookies.set("its", "s3cret")
        httsleep(
            submit(server.url), status_code=200, follow="Location", session=session
        )
        assert dict(session.cookies) == {"its": "s3cret"}
    assert_plain(other, 1)


def test_cookies_do_not_come_home_from_another_origin(serve, submit, mine):
    """A cookie that another port of the host has set is not sent at home."""
    server = serve(404)
    home_again = {"Location": f"{server.root}/jobs/7", "Set-Cookie": "theirs=x; Path=/"}
    other = serve((202, b"", home_again))
    server._scripts["/endpoint"] = [(202, b"", {"Location": other.url})]
    server._scripts["/jobs/7"] = [200]
    httsleep(submit(server.url), status_code=200, follow="Location", **mine)
    assert "Cookie" not in server.seen[-1].headers


def test_a_proxy_of_the_environment(serve, submit, mine, monkeypatch):
    """The environment's proxy is used for the other origin as well."""
    proxy = serve((202, b"", {"Location": "http://b.example/jobs/7"}), 202, 200)
    monkeypatch.setenv("HTTP_PROXY", proxy.root)
    httsleep(
        submit("http://a.example/jobs"),
        status_code=200,
        follow="Location",
        headers={"X-Api-Key": "s3cret"},
        **mine,
    )
    del proxy.seen[0]
    assert [seen.path for seen in proxy.seen] == ["http://b.example/jobs/7"] * 2
    for seen in proxy.seen:
        seen.headers.pop("Proxy-Connection", None)
        assert "s3cret" not in repr(seen.lines)


@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_an_environment_that_does_not_count(serve, submit, monkeypatch, kind):
    """With ``trust_env=False`` of the session, no proxy sees the URL."""
    proxy, other = serve(500), serve(202, 200)
    monkeypatch.setenv("HTTP_PROXY", proxy.root)
    server = serve((202, b"", {"Location": other.url}))
    with kind() as session:
        session.trust_env = False
        httsleep(
            submit(server.url), status_code=200, follow="Location", session=session
        )
    assert proxy.seen == []
    assert_plain(other)


# TLS.


@pytest.fixture
def two_way_tls(private_ca):
    """TLS that asks for a client certificate, and takes none for an answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private_ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    private_ca.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_a_client_certificate(
    serve, submit, two_way_tls, private_ca, ca_bundle, tmp_path, kind
):
    """The certificate of the caller is shown at home only."""
    shown = {}

    def answer(name, *answer):
        def handle(handler):
            shown.setdefault(name, []).append(bool(handler.connection.getpeercert()))
            return answer

        return handle

    path = tmp_path / "client.pem"
    certificate = private_ca.issue_cert("client@example.org")
    certificate.private_key_and_cert_chain_pem.write_to_path(path)
    other = serve(answer("other", 200), tls=two_way_tls)
    server = serve(
        answer("submit", 202, b"", {"Location": "/jobs/7"}),
        paths={"/jobs/7": [answer("home", 202, b"", {"Location": other.url})]},
        tls=two_way_tls,
    )
    with kind() as session:
        session.cert = str(path)
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            session=session,
            verify=ca_bundle,
        )
    assert shown == {"submit": [True], "home": [True], "other": [False]}
    assert_plain(other, 1)


def test_verify_holds_for_the_other_origin(serve, submit, mine, any_tls, ca_bundle):
    """A certificate of a private CA is accepted there with ``verify=`` only."""
    other = serve(200, tls=any_tls)
    server = serve((202, b"", {"Location": other.url}))
    request = submit(server.url)
    httsleep(request, status_code=200, follow="Location", verify=ca_bundle, **mine)
    with pytest.raises(requests.exceptions.SSLError):
        httsleep(request, status_code=200, follow="Location", **mine)
    assert_plain(other, 1)


def test_a_ca_bundle_of_the_environment(
    serve, submit, mine, any_tls, ca_bundle, monkeypatch
):
    """The environment's CA bundle counts there as well."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_bundle)
    other = serve(200, tls=any_tls)
    server = serve((202, b"", {"Location": other.url}), tls=any_tls)
    httsleep(submit(server.url), status_code=200, follow="Location", **mine)
    assert_plain(other, 1)


# Which origins are others.

KEY = {"X-Api-Key": "s3cret"}


def test_https_on_another_port(serve, submit, any_tls, ca_bundle, mine):
    """From http to https, other ports than the default ones are another origin."""
    other = serve(200, tls=any_tls)
    server = serve((202, b"", {"Location": other.url}))
    httsleep(
        submit(server.url),
        status_code=200,
        follow="Location",
        headers=KEY,
        verify=ca_bundle,
        **mine,
    )
    assert_plain(other, 1)


OTHERS = {
    "another port": ("http://a.example/", "http://a.example:8080/"),
    "the port of https": ("http://a.example/", "http://a.example:443/"),
    "https, and another port": ("http://a.example:8080/", "https://a.example/"),
    "https on the port of http": ("http://a.example/", "https://a.example:80/"),
    "a subdomain": ("http://a.example/", "http://www.a.example/"),
    "the parent domain": ("http://www.a.example/", "http://a.example/"),
    "https of another host": ("http://a.example/", "https://b.example/"),
    "a host that begins alike": ("http://a.example/", "http://a.example.b.example/"),
    "a host in the userinfo": ("http://a.example/", "http://a.example@b.example/"),
    "a port in the userinfo": ("http://a.example/", "http://a.example:80@b.example/"),
    "a full stop at the end": ("http://a.example/", "http://b.example./"),
}


@pytest.mark.parametrize(("url", "location"), OTHERS.values(), ids=OTHERS)
def test_other_origins(serve, submit, monkeypatch, mine, url, location, sent):
    """Scheme, host and port make an origin."""
    # A proxy sees where a request leads; for https only host and port.
    proxy = serve((202, b"", {"Location": location}), 502)
    monkeypatch.setenv("HTTP_PROXY", proxy.root)
    monkeypatch.setenv("HTTPS_PROXY", proxy.root)
    attempts = []
    proxy.RequestHandlerClass.do_CONNECT = proxy.RequestHandlerClass.do_GET
    with pytest.raises((GaveUp, requests.exceptions.ProxyError)):
        httsleep(
            submit(url),
            status_code=200,
            follow="Location",
            headers=KEY,
            max_retries=2,
            on_poll=attempts.append,
            **mine,
        )
    first, second = proxy.seen
    assert first.headers["X-Api-Key"] == "s3cret"
    assert "s3cret" not in repr(second.lines)
    assert ANOTHER in attempts[0].reasons[0]


def test_a_url_that_two_parsers_read_differently(serve, submit, mine):
    """The host before a backslash is the one that requests goes to."""
    server, other = serve(404), serve(200)
    at_home = f"127.0.0.1:{server.port}"
    location = f"http://127.0.0.1:{other.port}\\@{at_home}/jobs/7"
    server._scripts["/endpoint"] = [(202, b"", {"Location": location})]
    attempts = []
    httsleep(
        submit(server.url),
        status_code=200,
        follow="Location",
        headers=KEY,
        on_poll=attempts.append,
        **mine,
    )
    assert len(server.seen) == 1
    assert_plain(other, 1)
    assert attempts[0].reasons == (
        f"Location is http://127.0.0.1:{other.port} {ANOTHER}",
    )


def test_such_a_url_may_lead_home(serve, submit, mine):
    """The other way round it is home that requests goes to."""
    server, other = serve(200), serve(404)
    location = f"http://127.0.0.1:{server.port}\\@127.0.0.1:{other.port}/jobs/7"
    server._scripts["/endpoint"] = [(202, b"", {"Location": location})]
    httsleep(
        submit(server.url), status_code=200, follow="Location", headers=KEY, **mine
    )
    assert len(server.seen) == 2
    assert server.seen[1].headers["X-Api-Key"] == "s3cret"
    assert other.seen == []


def test_such_a_url_of_the_caller(serve, submit, mine):
    """Home is where requests sends the caller's request, however it is written."""
    server, other = serve(200), serve(200)
    url = f"http://127.0.0.1:{server.port}\\@127.0.0.1:{other.port}/endpoint"
    server._scripts[None] = [
        (202, b"", {"Location": f"http://127.0.0.1:{other.port}/jobs/7"}),
        200,
    ]
    httsleep(submit(url), status_code=200, follow="Location", headers=KEY, **mine)
    assert len(server.seen) == 1
    assert server.seen[0].headers["X-Api-Key"] == "s3cret"
    assert_plain(other, 1)


@pytest.mark.parametrize("start", ["/\\", "\\\\", "\\/", "/\t/", "\t//", "/\\/"])
def test_a_url_without_scheme_in_disguise(serve, submit, mine, start):
    """Some read these as ``//host``; whoever is asked gets no more than is his."""
    server, other = serve(200), serve(200)
    location = f"{start}127.0.0.1:{other.port}/jobs/7"
    body = {"url": location}
    server._scripts["/endpoint"] = [(202, body)]
    httsleep(submit(server.url), status_code=200, follow="$.url", headers=KEY, **mine)
    assert len(server.seen) + len(other.seen) == 2
    if other.seen:
        assert_plain(other, 1)


def test_a_chain_of_another_origin(serve, submit, other, sent):
    """A relative URL of another origin's answer stays there, and is plain."""
    other._scripts["/jobs/7"] = [(202, b"", {"Location": "8"})]
    other._scripts["/jobs/8"] = [200]
    server = serve((202, b"", {"Location": other.url}))
    httsleep(submit(server.url), status_code=200, follow="Location", headers=KEY)
    assert sent(other) == ["GET /jobs/7", "GET /jobs/8"]
    assert_plain(other)


def test_by_poll(home_server, other, submit):
    """``poll()`` sends nothing of the caller's either."""
    with HttSleeper(
        submit(home_server.url), status_code=200, follow="Location", headers=KEY
    ) as sleeper:
        while not sleeper.poll().met:
            pass
    assert_plain(other)


# What is shown.


def test_what_is_shown_of_another_origin(serve, submit, caplog):
    """Log, attempts and account have the origin, and say what was left out."""
    caplog.set_level(logging.DEBUG, "httsleep")
    other = serve((401, b"s3cret"))
    location = f"{other.root}/s3cret/s3cret?s3cret=s3cret#s3cret"
    server = serve((202, b"", {"Location": location}))
    attempts = []
    with pytest.raises(GaveUp) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            max_retries=3,
            on_poll=attempts.append,
        )
    assert attempts[0].reasons == (f"Location is {other.root} {ANOTHER}",)
    lines = str(caught.value).splitlines()
    assert lines[1] == f"  POST {server.url}, then GET {other.root} {ANOTHER}"
    shown = str(caught.value) + caplog.text + "".join(map(str, attempts))
    assert "s3cret" not in shown
    assert ANOTHER in caplog.text
    assert len(other.seen) == 2


def test_what_an_unexpected_answer_shows(serve, submit, caplog):
    """A 401 that is not pending is explained by what stands behind the URL."""
    caplog.set_level(logging.DEBUG, "httsleep")
    other = serve(401)
    server = serve((202, b"", {"Location": f"{other.root}/s3cret"}))
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", pending=[])
    text = str(caught.value)
    assert f"then GET {other.root} {ANOTHER}" in text
    assert "s3cret" not in text + caplog.text


def test_where_it_was_redirected(serve, submit, caplog):
    """Of a redirect there only the origin is shown as well."""
    caplog.set_level(logging.DEBUG, "httsleep")
    other = serve((302, b"", {"Location": "/s3cret/2"}), paths={"/s3cret/2": [404]})
    server = serve((202, b"", {"Location": f"{other.root}/s3cret/1"}))
    attempts = []
    with pytest.raises(GaveUp) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            max_retries=2,
            on_poll=attempts.append,
        )
    assert f"redirected to {other.root}" in str(caught.value)
    assert "s3cret" not in str(caught.value) + caplog.text + str(attempts[-1])


def test_a_success_at_another_origin_after_redirects(serve, submit, caplog):
    """The line of a success shows no more either."""
    caplog.set_level(logging.DEBUG, "httsleep")
    other = serve((302, b"", {"Location": "/s3cret/2"}), paths={"/s3cret/2": [200]})
    server = serve((202, b"", {"Location": f"{other.root}/s3cret/1"}))
    attempts = []
    httsleep(
        submit(server.url), status_code=200, follow="Location", on_poll=attempts.append
    )
    assert "s3cret" not in caplog.text + str(attempts[-1])
    assert f"redirected to {other.root}" in caplog.text


def test_the_note_of_a_poll_that_breaks(serve, submit):
    """The note shows the origin only."""
    other = serve(lambda handler: handler.reset())
    server = serve((202, b"", {"Location": f"{other.root}/s3cret"}))
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    notes = "\n".join(caught.value.__notes__)
    assert f"{other.root} {ANOTHER}" in notes
    assert "s3cret" not in notes


def test_the_note_of_a_check_that_raises(serve, submit):
    """A callback that raises has a note, which shows the origin only."""

    def broken(response):
        raise KeyError("mine")

    other = serve((302, b"", {"Location": "/s3cret/2"}), paths={"/s3cret/2": [200]})
    server = serve((202, b"", {"Location": f"{other.root}/s3cret/1"}))
    with pytest.raises(KeyError) as caught:
        httsleep(submit(server.url), callback=broken, follow="Location")
    notes = "\n".join(caught.value.__notes__)
    assert other.root in notes
    assert "s3cret" not in notes


def test_home_is_shown_as_ever(serve, submit, caplog):
    """Of a URL at home the path is shown, and nothing stands behind it."""
    caplog.set_level(logging.DEBUG, "httsleep")
    server = serve((202, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [404]})
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", max_retries=2)
    assert f"then GET {server.root}/jobs/7\n" in str(caught.value)
    assert "another origin" not in str(caught.value) + caplog.text


@pytest.mark.parametrize("options", [["-v"], ["--log-format", "json"], []])
def test_what_the_command_shows(serve, capfd, options):
    """Neither its lines nor its JSON have more than the origin."""
    other = serve(
        (302, b"", {"Location": "/s3cret/2"}), paths={"/s3cret/2": [202, 401]}
    )
    server = serve((202, b"", {"Location": f"{other.root}/s3cret/1"}))
    arguments = [
        server.url,
        "-d",
        "{}",
        "-H",
        "X-Api-Key: s3cret",
        "--follow",
        "Location",
    ]
    arguments += ["--status-code", "200", "--alarm-status-code", "401", *options]
    assert main(arguments) != 0
    shown = capfd.readouterr()
    assert "s3cret" not in shown.err + shown.out
    assert other.root in shown.err
    assert {name.lower() for name, _ in other.seen[0].lines} == PLAIN


def test_many_waits_on_one_session(serve, submit):
    """Waits in several threads, on one session of the caller's, are kept apart."""
    other = serve(202, 200, paths={f"/{n}": [202, 200] for n in range(8)})
    server = serve(
        404,
        paths={
            f"/submit/{n}": [(202, b"", {"Location": f"{other.root}/{n}"})]
            for n in range(8)
        },
    )
    with BoundedSession() as session, ThreadPoolExecutor(8) as threads:
        session.headers["X-Session"] = "s3cret"
        session.cookies.set("its", "s3cret")

        def wait(number):
            return httsleep(
                submit(f"{server.root}/submit/{number}"),
                status_code=200,
                follow="Location",
                headers={"X-Api-Key": f"s3cret {number}"},
                session=session,
            )

        urls = [response.url for response in threads.map(wait, range(8))]
    assert urls == [f"{other.root}/{n}" for n in range(8)]
    assert len(server.seen) == 8
    assert_plain(other, 16)
