"""CA bundles, proxies and netrc of the environment, and TLS: as for ``session.get``."""

import os
import pathlib
import ssl

import pytest
import requests
import trustme
from requests import exceptions
from urllib3.exceptions import InsecureRequestWarning

from httsleep import GaveUp, HttSleeper, httsleep
from httsleep.session import BoundedSession


@pytest.fixture(params=["own session", "session"])
def mine(request):
    """The arguments for a session of the caller's, or for one of the sleeper's."""
    if request.param == "own session":
        yield {}
    else:
        with requests.Session() as session:
            yield {"session": session}


@pytest.fixture
def netrc(monkeypatch, tmp_path):
    """Write a netrc into a home directory of its own."""

    def write(text, variable="HOME"):
        path = tmp_path / ".netrc"
        path.write_text(text)
        path.chmod(0o600)
        monkeypatch.setenv(variable, str(path if variable == "NETRC" else tmp_path))

    return write


@pytest.fixture
def same(serve):
    """Whether each poll sends what ``session.get`` sends in the same situation."""

    def same(url, server, mine, **options):
        count = len(server.seen)
        with requests.Session() as session:
            session.get(url, **options, timeout=5)
        httsleep(url, status_code=200, **mine, **options)
        plain, *ours = server.seen[count:]
        return ours == [plain] * 3

    return same


SCRIPT = (200, 202, 202, 200)  # the first for session.get, the others for a run


def test_a_private_ca_is_not_trusted(serve, tls, naps, mine):
    """A certificate of a private CA is refused without ``verify``."""
    server = serve(200, tls=tls)
    with pytest.raises(exceptions.SSLError):
        httsleep(server.url, status_code=200, **mine)
    assert server.seen == []


@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_verify_with_a_private_ca(serve, tls, ca_bundle, naps, mine, kind):
    """``verify`` is the path of a CA bundle."""
    server = serve(202, 200, tls=tls)
    response = httsleep(server.url, status_code=200, verify=kind(ca_bundle), **mine)
    assert response.url.startswith("https://")
    assert len(server.seen) == 2


def test_verify_with_the_wrong_ca(serve, tls, naps, tmp_path, mine):
    """A certificate of another CA is refused."""
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(path)
    server = serve(200, tls=tls)
    with pytest.raises(exceptions.SSLError):
        httsleep(server.url, status_code=200, verify=str(path), **mine)


def test_verify_false(serve, tls, naps, mine):
    """With ``verify=False`` any certificate will do; urllib3 warns of that."""
    server = serve(202, 200, tls=tls)
    with pytest.warns(InsecureRequestWarning):
        httsleep(server.url, status_code=200, verify=False, **mine)
    assert len(server.seen) == 2


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_of_the_environment(
    serve, tls, ca_bundle, naps, mine, same, monkeypatch, variable
):
    """The CA bundle that the environment names is used."""
    monkeypatch.setenv(variable, ca_bundle)
    server = serve(*SCRIPT, tls=tls)
    assert same(server.url, server, mine)


def test_verify_beats_the_environment(
    serve, tls, ca_bundle, naps, mine, monkeypatch, tmp_path
):
    """``verify`` takes precedence over a CA bundle of the environment."""
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    server = serve(200, tls=tls)
    assert httsleep(server.url, status_code=200, verify=ca_bundle, **mine).ok
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_bundle)
    with pytest.raises(exceptions.SSLError):
        httsleep(server.url, status_code=200, verify=str(path), **mine)


def test_verify_of_the_session(serve, tls, ca_bundle, naps):
    """The ``verify`` of a session counts."""
    server = serve(202, 200, tls=tls)
    with requests.Session() as session:
        session.verify = ca_bundle
        httsleep(server.url, status_code=200, session=session)
        assert session.verify == ca_bundle
    assert len(server.seen) == 2


def test_the_environment_beats_verify_of_the_session(
    serve, tls, ca_bundle, naps, monkeypatch, tmp_path
):
    """A CA bundle of the environment takes precedence over ``verify`` of a session.

    That is surprising, and as ``session.get`` does it.
    """
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    server = serve(200, tls=tls)
    with requests.Session() as session:
        session.verify = ca_bundle
        with pytest.raises(exceptions.SSLError):
            session.get(server.url, timeout=5)
        with pytest.raises(exceptions.SSLError):
            httsleep(server.url, status_code=200, session=session)


def test_a_client_certificate(serve, private_ca, ca_bundle, naps, tmp_path):
    """The client certificate of a session is shown with every poll."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private_ca.issue_cert("127.0.0.1").configure_cert(context)
    private_ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    path = tmp_path / "client.pem"
    private_ca.issue_cert(
        "client@example.org"
    ).private_key_and_cert_chain_pem.write_to_path(path)
    server = serve(202, 200, tls=context)
    with pytest.raises(exceptions.RequestException):
        httsleep(server.url, status_code=200, verify=ca_bundle)
    with requests.Session() as session:
        session.cert = str(path)
        httsleep(server.url, status_code=200, verify=ca_bundle, session=session)
    assert len(server.seen) == 2


def test_tls_connections_are_used_again(serve, tls, ca_bundle, naps):
    """The polls of a run share a TLS connection, which ends with the run."""
    server = serve(202, 202, 200, tls=tls)
    httsleep(server.url, status_code=200, verify=ca_bundle)
    assert server.connections == 1
    assert server.eof.acquire(timeout=5)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment(serve, naps, mine, same, monkeypatch, variable):
    """The proxy that the environment names is asked for the whole URL."""
    proxy = serve(*SCRIPT)
    monkeypatch.setenv(variable, proxy.root)
    assert same("http://server/endpoint", proxy, mine)
    assert proxy.seen[-1].path == "http://server/endpoint"


def test_a_proxy_with_a_password(serve, naps, mine, same, monkeypatch):
    """User and password of the proxy's URL are sent to the proxy."""
    proxy = serve(*SCRIPT)
    root = proxy.root.replace("http://", "http://user:password@")
    monkeypatch.setenv("HTTP_PROXY", root)
    assert same("http://server/endpoint", proxy, mine)
    assert "Proxy-Authorization" in proxy.seen[-1].headers


@pytest.mark.parametrize("hosts", ["127.0.0.1", "example.org, 127.0.0.1", "*"])
def test_no_proxy(serve, naps, mine, same, monkeypatch, hosts):
    """A host of NO_PROXY is asked directly."""
    proxy, server = serve(500), serve(*SCRIPT)
    monkeypatch.setenv("HTTP_PROXY", proxy.root)
    monkeypatch.setenv("NO_PROXY", hosts)
    assert same(server.url, server, mine)
    assert proxy.connections == 0


def test_proxies_of_the_session(serve, naps):
    """The proxies that a session has are used."""
    proxy = serve(*SCRIPT)
    with requests.Session() as session:
        session.proxies = {"http": proxy.root}
        session.get("http://server/endpoint", timeout=5)
        httsleep("http://server/endpoint", status_code=200, session=session)
    plain, *ours = proxy.seen
    assert ours == [plain] * 3


@pytest.mark.parametrize("own", [True, False], ids=["own session", "session"])
def test_the_environment_of_each_run(serve, naps, monkeypatch, own):
    """A run uses the proxy that the environment names when it begins."""
    first, second = serve(200), serve(200)
    with requests.Session() as session:
        mine = {} if own else {"session": session}
        sleeper = HttSleeper("http://server/endpoint", status_code=200, **mine)
        for proxy in (first, second):
            monkeypatch.setenv("HTTP_PROXY", proxy.root)
            sleeper.run()
    assert (len(first.seen), len(second.seen)) == (1, 1)


def test_trust_env_false(serve, naps, monkeypatch, netrc):
    """A session with ``trust_env=False`` uses neither proxy nor netrc."""
    proxy, server = serve(500), serve(200)
    monkeypatch.setenv("HTTP_PROXY", proxy.root)
    netrc("machine 127.0.0.1 login user password secret")
    with requests.Session() as session:
        session.trust_env = False
        httsleep(server.url, status_code=200, session=session)
    assert proxy.connections == 0
    assert "Authorization" not in server.seen[0].headers


@pytest.mark.parametrize("variable", ["HOME", "NETRC"])
def test_netrc(serve, naps, mine, same, netrc, variable):
    """User and password of the netrc are sent with each poll."""
    netrc("machine 127.0.0.1 login user password secret", variable)
    server = serve(*SCRIPT)
    assert same(server.url, server, mine)
    assert server.seen[-1].headers["Authorization"].startswith("Basic ")


BEARER = "Bearer token"
NAMED = {
    "headers": {"headers": {"Authorization": BEARER}},
    "lower case": {"headers": {"authorization": BEARER}},
    "upper case": {"headers": {"AUTHORIZATION": BEARER}},
    "bytes": {"headers": {b"Authorization": BEARER.encode()}},
}


def in_all_forms(url):
    """Yield an argument for the URL, and other arguments, that name a Bearer token."""
    for more in NAMED.values():
        yield url, more
        yield requests.Request("GET", url, **more), {}


@pytest.mark.parametrize("entry", ["machine 127.0.0.1", "default"])
def test_a_header_beats_netrc(serve, naps, mine, netrc, entry):
    """An Authorization header that is given is sent with each poll."""
    netrc(f"{entry} login user password secret")
    server = serve(*[202, 200] * 2 * len(NAMED))
    for url_or_request, more in in_all_forms(server.url):
        httsleep(url_or_request, status_code=200, **mine, **more)
    sent = [each.headers["Authorization"] for each in server.seen]
    assert sent == [BEARER] * 4 * len(NAMED)


@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_a_header_of_the_session_beats_netrc(serve, naps, netrc, kind):
    """An Authorization that a session has for all requests is sent."""
    netrc("default login user password secret")
    server = serve(202, 200)
    with kind() as session:
        session.headers["authorization"] = BEARER
        httsleep(server.url, status_code=200, session=session)
    assert [each.headers["Authorization"] for each in server.seen] == [BEARER] * 2


@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_a_header_that_is_removed_does_not_count(serve, naps, netrc, kind):
    """netrc counts if a request removes the Authorization of the session."""
    netrc("default login user password secret")
    server = serve(200)
    with kind() as session:
        session.headers["Authorization"] = BEARER
        headers = {"authorization": None}
        httsleep(server.url, status_code=200, session=session, headers=headers)
    assert server.seen[0].headers["Authorization"].startswith("Basic ")


def test_the_auth_of_a_session_is_used(serve, naps, netrc):
    """``auth`` of a session replaces a header, as for ``session.get``."""
    netrc("default login user password secret")
    server = serve(*SCRIPT)
    with requests.Session() as session:
        session.auth = ("its", "own")
        headers = {"Authorization": BEARER}
        session.get(server.url, headers=headers, timeout=5)
        httsleep(server.url, status_code=200, session=session, headers=headers)
    plain, *ours = server.seen
    assert ours == [plain] * 3


@pytest.mark.parametrize("given", [str, str.encode], ids=["str", "bytes"])
def test_userinfo_beats_netrc(serve, naps, mine, netrc, given):
    """User and password of the URL are sent, and not those of netrc."""
    server = serve(200)
    url = given(server.url.replace("://", "://us%65r:own@"))
    for entry in ("machine example.org", "default"):
        netrc(f"{entry} login other password secret")
        httsleep(requests.Request("GET", url), status_code=200, **mine)
    sent = [each.headers["Authorization"] for each in server.seen]
    assert sent == ["Basic dXNlcjpvd24="] * 2


def keep(request):
    request.headers["Authorization"] = BEARER
    return request


@pytest.mark.parametrize(
    "named", [*NAMED.values(), {"auth": keep}], ids=[*NAMED, "auth=callable"]
)
@pytest.mark.parametrize("status", [302, 307])
def test_redirects_of_the_host_keep_the_header(serve, naps, netrc, named, status):
    """On the same host and port the redirect has the header, and not netrc."""
    netrc("default login user password secret")
    moved = (status, b"", {"Location": "/next"})
    server = serve(moved, paths={"/next": [202, 200]})
    httsleep(server.url, status_code=200, **named)
    assert [each.headers["Authorization"] for each in server.seen] == [BEARER] * 4


def test_an_auth_without_a_header_is_kept_in_redirects(serve, naps, netrc):
    """An ``auth`` with a header of its own gets no netrc after a redirect."""

    def auth(request):
        request.headers["X-Token"] = "token"
        return request

    netrc("default login user password secret")
    moved = (302, b"", {"Location": "/next"})
    server = serve(moved, paths={"/next": [200]})
    httsleep(server.url, status_code=200, auth=auth)
    assert [each.headers.get("Authorization") for each in server.seen] == [None] * 2


def test_netrc_counts_where_a_redirect_strips_the_header(serve, naps, netrc):
    """Another host gets no header, but the entry that netrc has for it."""
    netrc("machine localhost login user password secret")
    other = serve(200)
    location = other.url.replace("127.0.0.1", "localhost")
    server = serve((302, b"", {"Location": location}))
    httsleep(server.url, status_code=200, headers={"Authorization": BEARER})
    assert server.seen[0].headers["Authorization"] == BEARER
    assert other.seen[0].headers["Authorization"] == "Basic dXNlcjpzZWNyZXQ="


def test_a_redirect_gets_no_netrc_of_another_host(serve, naps, netrc):
    """An entry is for its own host, whatever a redirect looks like."""
    netrc("machine localhost login user password secret")
    other = serve(200)
    odd = f"http://localhost:@127.0.0.1:{other.port}/"
    server = serve((302, b"", {"Location": odd}))
    httsleep(server.url, status_code=200)
    assert "Authorization" not in other.seen[0].headers


def test_by_hand_the_same_credentials_count(serve, netrc):
    """A session that is used by hand sends the header that is given."""
    netrc("default login user password secret")
    server = serve(200)
    with BoundedSession() as session:
        session.get(server.url, headers={"Authorization": BEARER}, timeout=5)
        session.get(server.url, timeout=5)
        with pytest.raises(ValueError, match="Invalid IPv6 URL"):
            session.get("http://[")
    sent = [each.headers["Authorization"] for each in server.seen]
    assert sent == [BEARER, "Basic dXNlcjpzZWNyZXQ="]


def test_auth_beats_netrc(serve, naps, mine, same, netrc):
    """``auth`` takes precedence over the netrc."""
    netrc("machine 127.0.0.1 login user password secret")
    server = serve(*SCRIPT, *SCRIPT)
    assert same(server.url, server, mine, auth=("other", "auth"))
    with_netrc = server.seen[-1].headers["Authorization"]
    assert same(server.url, server, mine)
    assert server.seen[-1].headers["Authorization"] != with_netrc


def test_netrc_of_another_host(serve, naps, mine, same, netrc):
    """A netrc without the host changes nothing."""
    netrc("machine example.org login user password secret")
    server = serve(*SCRIPT)
    assert same(server.url, server, mine)
    assert "Authorization" not in server.seen[-1].headers


def test_a_proxy_that_refuses(serve, naps, mine, monkeypatch):
    """A proxy that refuses is a broken connection like any other."""
    proxy = serve(200, listening=False)
    monkeypatch.setenv("HTTP_PROXY", proxy.root)
    with pytest.raises(GaveUp) as caught:
        httsleep(
            "http://server/endpoint",
            status_code=200,
            ignore_exceptions=ConnectionError,
            max_retries=2,
            **mine,
        )
    assert isinstance(caught.value.exception, exceptions.ProxyError)


def test_the_environment_is_left_alone(serve, naps, monkeypatch):
    """A run writes nothing into the environment."""
    before = dict(os.environ)
    httsleep(serve(202, 200).url, status_code=200)
    assert dict(os.environ) == before
