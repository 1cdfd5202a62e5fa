"""TLS that fails: what the text says, and whether the wait goes on."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from requests import exceptions

from httsleep import GaveUp, httsleep
from httsleep.command.main import main

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def context(certificate):
    """Return the server side of TLS with a certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


def self_signed(ca):
    """Return the server side of TLS with the certificate of a CA itself."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with ca.private_key_pem.tempfile() as key, ca.cert_pem.tempfile() as certificate:
        made.load_cert_chain(certificate, key)
    return made


def without_intermediate(ca):
    """Return the server side of TLS that leaves a certificate of the chain out."""
    leaf = ca.create_child_ca().issue_cert("127.0.0.1")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with (
        leaf.private_key_pem.tempfile() as key,
        leaf.cert_chain_pems[0].tempfile() as certificate,
    ):
        made.load_cert_chain(certificate, key)
    return made


UNKNOWN = "unable to get local issuer certificate"
CERTIFICATES = {
    "for another address": (
        lambda ca: context(ca.issue_cert("10.0.0.1")),
        "IP address mismatch, certificate is not valid for '127.0.0.1'",
    ),
    "for another host": (
        lambda ca: context(ca.issue_cert("server.example")),
        "mismatch, certificate is not valid for ",
    ),
    "expired": (
        lambda ca: context(
            ca.issue_cert("127.0.0.1", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
        ),
        "certificate has expired",
    ),
    "of tomorrow": (
        lambda ca: context(
            ca.issue_cert("127.0.0.1", not_before=NOW + DAY, not_after=NOW + 9 * DAY)
        ),
        "certificate is not yet valid",
    ),
    "of another CA": (
        lambda _: context(trustme.CA().issue_cert("127.0.0.1")),
        UNKNOWN,
    ),
    "without the intermediate": (without_intermediate, UNKNOWN),
    "self-signed": (lambda _: self_signed(trustme.CA()), "certificate"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_refused_certificate_is_described_in_the_words_of_openssl(
    serve, private_ca, ca_bundle, naps, name, capfd
):
    """The text says why; the command proposes --cacert only for an unknown issuer."""
    make, words = CERTIFICATES[name]
    server = serve(200, tls=make(private_ca))
    with pytest.raises(GaveUp) as caught:
        httsleep(
            server.url,
            status_code=200,
            verify=ca_bundle,
            ignore_exceptions=exceptions.SSLError,
            max_retries=1,
        )
    said = "SSLError: certificate not accepted: "
    assert said in str(caught.value)
    assert words in str(caught.value).partition(said)[2]
    assert main([server.url, "--cacert", ca_bundle]) == 3
    err = capfd.readouterr().err
    assert err.startswith(f"httsleep: failed in poll 1: {said}")
    is_unknown = words in (UNKNOWN, "certificate")
    assert ("; --cacert names a CA to trust\n" in err) is is_unknown
    assert server.seen == []


def alert(number):
    """Return the bytes of a TLS alert that ends the handshake."""
    return bytes([21, 3, 3, 0, 2, 2, number])


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "the server does not speak TLS: http://?",
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the server does not speak TLS: http://?"),
        (alert(40), "TLS failed: sslv3 alert handshake failure"),
        (alert(80), "TLS failed: tlsv1 alert internal error"),
    ],
    ids=["plain HTTP", "SSH", "no common cipher", "internal error"],
)
def test_other_failures_of_tls_say_what_came(listen, naps, capfd, sent, words):
    """Bytes that are not TLS, and alerts, are no broken connection, and are named."""

    def talk(peer):
        peer.sock.recv(65536)
        peer.send(sent)
        peer.sock.recv(1)

    url = listen(talk).secure_url
    with pytest.raises(exceptions.SSLError):
        httsleep(url, status_code=200, ignore_exceptions=[ConnectionError])
    assert main([url]) == 3
    error = f"httsleep: failed in poll 1: SSLError: {words}\n  GET {url}\n"
    assert capfd.readouterr().err == error
    assert main([url, "--ignore", "SSLError", "--max-retries", "1"]) == 124
    assert f"polls: 1 x SSLError: {words}\n" in capfd.readouterr().err
    assert naps == []


def test_plain_http_to_a_server_of_tls_says_so(serve, tls, listen, capfd):
    """An alert of TLS in place of an HTTP answer is named."""

    def talk(peer):
        peer.request()
        peer.send(alert(70))

    url = listen(talk).url
    assert main([url, "--fail-fast"]) == 3
    assert "ConnectionError: the server speaks TLS: https://?" in capfd.readouterr().err


def closed(peer, _):
    """Close the connection as soon as it is made."""


def closed_after_hello(peer, _):
    """Close the connection after the first message of the client."""
    peer.sock.recv(65536)


def closed_with_alert(peer, _):
    """Say in TLS that the connection ends."""
    peer.sock.recv(65536)
    peer.send(bytes([21, 3, 3, 0, 2, 1, 0]))


def half_a_handshake(peer, tls):
    """Send half of the first answer, and close the connection."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    sealed = tls.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(peer.sock.recv(65536))
    with pytest.raises(ssl.SSLWantReadError):
        sealed.do_handshake()
    data = outgoing.read()
    peer.send(data[: len(data) // 2])


def reset(peer, _):
    """Reset the connection after the first message of the client."""
    peer.sock.recv(10)  # what is left unread makes the kernel send an RST


BREAKS = [closed, closed_after_hello, closed_with_alert, half_a_handshake, reset]


@pytest.fixture
def breaking(listen, tls):
    """Start a server whose first two connections break, over TLS or in plain HTTP."""

    def start(how, secure):
        connections = []

        def talk(peer):
            connections.append(peer)
            if len(connections) < 3:
                how(peer, tls)
                return
            if secure:
                peer.seal(tls)
            peer.request()
            peer.send(ANSWER)

        server = listen(talk)
        return server.secure_url if secure else server.url

    return start


@pytest.mark.parametrize("how", BREAKS)
def test_a_handshake_that_is_cut_off_is_a_broken_connection(
    breaking, ca_bundle, naps, how
):
    """ConnectionError covers it, as it covers the same state of a port of HTTP."""
    response = httsleep(
        breaking(how, secure=True),
        text="up",
        verify=ca_bundle,
        ignore_exceptions=[ConnectionError],
    )
    assert response.text == "up"
    assert naps == [2, 2]


@pytest.mark.parametrize("how", [closed, closed_after_hello, reset])
def test_http_in_the_same_state_is_waited_through(breaking, naps, how):
    """A port of HTTP that accepts and closes is a broken connection."""
    url = breaking(how, secure=False)
    assert httsleep(url, text="up", ignore_exceptions=ConnectionError).text == "up"
    assert naps == [2, 2]


@pytest.mark.parametrize("how", BREAKS)
def test_the_command_goes_on_after_a_handshake_that_is_cut_off(
    breaking, ca_bundle, naps, how, capfdbinary
):
    """The command needs no option for it, and with --fail-fast it is the end."""
    url = breaking(how, secure=True)
    assert main([url, "--cacert", ca_bundle, "--fail-fast"]) == 3
    assert main([url, "--cacert", ca_bundle]) == 0
    assert capfdbinary.readouterr().out == b"up"
    assert naps == [0.25]


def test_a_certificate_that_is_yet_to_be_issued_can_be_waited_for(
    listen, tls, ca_bundle, naps, capfdbinary
):
    """With --ignore SSLError the wait goes on until the certificate is accepted."""
    other, connections = context(trustme.CA().issue_cert("127.0.0.1")), []

    def talk(peer):
        connections.append(peer)
        peer.seal(tls if len(connections) > 2 else other)
        peer.request()
        peer.send(ANSWER)

    url = listen(talk).secure_url
    assert main([url, "--cacert", ca_bundle, "--ignore", "SSLError"]) == 0
    assert capfdbinary.readouterr().out == b"up"
    assert naps == [0.25, 0.3125]
