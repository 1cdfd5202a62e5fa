"""Proxies of the environment: what the text says of them, and how they fail."""

import select
import socket
import ssl

import pytest
import requests
import trustme
from requests import exceptions

from httsleep import BoundedSession, GaveUp, httsleep
from httsleep.command.main import main

SECRET = "hunter2"
REFUSING = {
    b"407 Who?": "407 Proxy Authentication Required",
    b"403 No": "403 Forbidden",
    b"502 Down": "502 Bad Gateway",
    b"599 \x1b[2J": "599",
}


def account(url, **options):
    """Return the text of a GaveUp after one poll that meets nothing."""
    with pytest.raises(GaveUp) as caught:
        httsleep(
            url,
            text="never",
            max_retries=1,
            ignore_exceptions=exceptions.RequestException,
            **options,
        )
    return str(caught.value)


def with_password(url):
    return url.replace("://", f"://user:{SECRET}@")


@pytest.fixture(params=["own session", "session"])
def mine(request):
    """Return the arguments for a session of httsleep's, or for one of the caller's."""
    if request.param == "own session":
        yield {}
    else:
        with requests.Session() as session:
            yield {"session": session}


@pytest.mark.parametrize("host", ["server", "localhost", "127.0.0.1"])
def test_an_answer_through_a_proxy_says_so(serve, monkeypatch, mine, host):
    """The last answer names host and port of the proxy, also for localhost."""
    proxy = serve(502)
    monkeypatch.setenv("HTTP_PROXY", with_password(proxy.root))
    text = account(f"http://{host}:1/", **mine)
    where = f", through the proxy 127.0.0.1:{proxy.port}\n"
    assert f"last answer (poll 1): 502 Bad Gateway, no body{where}" in text
    assert SECRET not in text


def test_an_answer_without_a_proxy_names_none(serve, monkeypatch, mine):
    """A host of NO_PROXY is asked directly, and the text names no proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert "proxy" not in account(serve(503).url, **mine)


def tunnel(head):
    """Return the talk of a proxy that answers CONNECT, and opens a tunnel after 200."""

    def talk(peer):
        request = peer.request()
        peer.send(b"HTTP/1.1 " + head + b"\r\n\r\n")
        if head.startswith(b"200"):
            peer.tunnel(int(request.split()[1].rpartition(b":")[2]))

    return talk


def test_an_answer_through_a_tunnel_says_so(
    serve, listen, tls, ca_bundle, monkeypatch, mine
):
    """An https URL goes through a tunnel of the proxy, which the text names."""
    server, proxy = serve(503, tls=tls), listen(tunnel(b"200 OK"))
    monkeypatch.setenv("https_proxy", with_password(proxy.url))
    text = account(server.url, verify=ca_bundle, **mine)
    assert f"no body, through the proxy 127.0.0.1:{proxy.port}\n" in text
    assert SECRET not in text


@pytest.mark.parametrize(("head", "status"), REFUSING.items())
def test_a_refused_connect_says_its_status(listen, monkeypatch, mine, head, status):
    """The text has the status with which the proxy refused, in words of ours."""
    proxy = listen(tunnel(head))
    monkeypatch.setenv("https_proxy", with_password(proxy.url))
    error = f"ProxyError: the proxy answered {status} (proxy 127.0.0.1:{proxy.port})"
    assert f"polls: 1 x {error}" in account("https://server/", **mine)


def test_a_proxy_that_refuses_connections_is_named(monkeypatch, mine):
    """A proxy that refuses connections is named as the cause."""
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, f"http://user:{SECRET}@127.0.0.1:1")
    for url in ("http://server/", "https://server/"):
        text = account(url, **mine)
        assert "1 x ProxyError: connection refused (proxy 127.0.0.1:1)" in text
        assert SECRET not in text


def test_a_proxy_that_does_not_speak_tls_is_no_broken_connection(
    serve, monkeypatch, mine
):
    """A proxy with a wrong scheme fails in each poll, so ConnectionError is not it."""
    proxy = serve(200)
    monkeypatch.setenv("https_proxy", proxy.root.replace("http://", "https://"))
    text = account("https://server/", **mine)
    assert "ProxyError: the proxy does not speak TLS: http://?" in text
    with pytest.raises(exceptions.ProxyError):
        httsleep(
            "https://server/",
            status_code=200,
            ignore_exceptions=[ConnectionError],
            **mine,
        )


@pytest.mark.parametrize(
    "proxy",
    [
        *("http://", "http://[::1", "http://server:x", "http://server:99999"),
        *("http://user:hunter2@server:x", "nowhere://user:hunter2@server"),
    ],
)
def test_a_bad_url_of_a_proxy_is_not_blamed_on_a_redirect(monkeypatch, capfd, proxy):
    """The command says that the proxy has no valid URL, without showing it."""
    monkeypatch.setenv("http_proxy", proxy)
    assert main(["http://server/"]) == 3
    err = capfd.readouterr().err
    assert err.startswith("httsleep: failed in poll 1: Invalid")
    assert "URL: the proxy has no valid URL\n  GET http://server/\n" in err
    assert SECRET not in err


@pytest.mark.parametrize("proxy", ["socks9://user:hunter2@server", "http://a..b"])
def test_no_bad_url_of_a_proxy_is_a_traceback(monkeypatch, capfd, proxy):
    """What urllib3 refuses with a ValueError of its own is a failed poll as well."""
    monkeypatch.setenv("http_proxy", proxy)
    assert main(["http://server/"]) == 3
    err = capfd.readouterr().err
    assert err.startswith("httsleep: failed in poll 1: ")
    assert "redirected" not in err
    assert SECRET not in err


def socks(*replies):
    """Return the talk of a SOCKS5 proxy that sends these, one for each message."""

    def talk(peer):
        for reply in replies:
            peer.sock.recv(300)
            peer.send(reply)
        peer.hang()

    return talk


NO_AUTHENTICATION, PASSWORD = b"\5\0", b"\5\2"
SOCKS = {
    "refused by the server": (
        (NO_AUTHENTICATION, b"\5\5\0\1\0\0\0\0\0\0"),
        "SOCKS: 0x05: Connection refused",
    ),
    "not allowed": (
        (NO_AUTHENTICATION, b"\5\2\0\1\0\0\0\0\0\0"),
        "SOCKS: 0x02: Connection not allowed by ruleset",
    ),
    "wrong password": ((PASSWORD, b"\1\1"), "SOCKS: SOCKS5 authentication failed"),
    "no SOCKS": ((b"HT",), "SOCKS: SOCKS5 proxy server sent invalid data"),
}


@pytest.mark.parametrize(("replies", "words"), SOCKS.values(), ids=SOCKS)
def test_a_failure_of_socks_has_its_cause(listen, monkeypatch, mine, replies, words):
    """The words of PySocks are in the text, with host and port of the proxy."""
    proxy = listen(socks(*replies))
    monkeypatch.setenv("http_proxy", f"socks5h://user:{SECRET}@127.0.0.1:{proxy.port}")
    text = account("http://server/", **mine)
    error = f"ConnectionError: {words} (proxy 127.0.0.1:{proxy.port})"
    assert f"polls: 1 x {error}" in text
    assert SECRET not in text


def test_a_socks_proxy_that_refuses_has_its_cause(monkeypatch, mine):
    """A refused connection to a SOCKS proxy is described like any other."""
    monkeypatch.setenv("http_proxy", "socks5h://127.0.0.1:1")
    error = "ConnectionError: connection refused (proxy 127.0.0.1:1)"
    attempts = []
    text = account("http://server/", on_poll=attempts.append, **mine)
    assert f"polls: 1 x {error}" in text
    assert str(attempts[0]) == f"poll 1: ignored: {error}"


def test_an_answer_through_socks_says_so(serve, listen, monkeypatch, mine):
    """An answer through a SOCKS proxy names it, too."""
    server = serve(503)

    def talk(peer):
        peer.sock.recv(300)
        peer.send(NO_AUTHENTICATION)
        peer.sock.recv(300)
        peer.send(b"\5\0\0\1\0\0\0\0\0\0")
        peer.tunnel(server.port)

    proxy = listen(talk)
    monkeypatch.setenv("http_proxy", f"socks5h://127.0.0.1:{proxy.port}")
    text = account("http://server/", **mine)
    assert f"no body, through the proxy 127.0.0.1:{proxy.port}\n" in text


# TLS to the server, through a proxy


def relay(client, target):
    """Pass on, both ways, what comes, in one thread: TLS is read by nobody else."""
    other = {client: target, target: client}
    while True:
        both = [client, target]
        is_pending = isinstance(client, ssl.SSLSocket) and client.pending()
        for each in [client] if is_pending else select.select(both, [], [])[0]:
            data = each.recv(65536)
            if not data:
                return
            other[each].sendall(data)


@pytest.fixture
def client_certificate(private_ca, tmp_path):
    """Return the path of a certificate that the private CA has issued."""
    issued, path = private_ca.issue_cert("client.example"), tmp_path / "client"
    issued.private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_tls_through_a_proxy_trusts_only_what_is_said(
    serve, listen, private_ca, ca_bundle, client_certificate, tmp_path, scheme
):
    """A CA and a certificate count for their own requests, also over a TLS proxy.

    The proxy does not get the certificate.
    """
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private_ca.issue_cert("127.0.0.1").configure_cert(asking)
    private_ca.configure_trust(asking)
    asking.verify_mode = ssl.CERT_OPTIONAL
    of_proxy = []

    def talk(peer):
        if scheme == "https":
            peer.seal(asking)
            of_proxy.append(peer.sock.getpeercert())
        peer.request()
        peer.send(b"HTTP/1.1 200 Go\r\n\r\n")
        with socket.create_connection(("127.0.0.1", server.port)) as target:
            relay(peer.sock, target)

    def certificate(handler):
        return 204 if handler.connection.getpeercert() else 200

    server, other = serve(certificate, tls=asking), tmp_path / "other"
    trustme.CA().cert_pem.write_to_path(other)
    proxies = {"https": listen(talk).url.replace("http:", f"{scheme}:")}

    def status(**options):
        return session.get(server.url, proxies=proxies, timeout=5, **options)

    with BoundedSession() as session:
        for _ in range(2):
            with pytest.raises(exceptions.ConnectionError, match="verify failed"):
                status(verify=str(other))
            with pytest.raises(exceptions.ConnectionError, match="verify failed"):
                status()
            assert status(verify=False).status_code == 200
            assert status(verify=ca_bundle).status_code == 200
            with_certificate = {"verify": ca_bundle, "cert": client_certificate}
            assert status(**with_certificate).status_code == 204
    assert not any(of_proxy)
