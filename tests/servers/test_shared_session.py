"""One BoundedSession for many hosts, threads, certificates and TLS contexts."""

import itertools
import logging
import random
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest
import requests
import trustme
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import SSLError

from httsleep import BoundedSession, HttSleeper, httsleep


def connection(handler):
    """Answer with the number of the connection."""
    return (200, str(handler.connection_number))


# connections


def test_twelve_hosts_have_twelve_connections(serve, naps):
    """Each host keeps its connection, where requests keeps those of ten hosts."""
    servers = [serve(202) for _ in range(12)]
    with BoundedSession() as session:
        sleepers = [
            HttSleeper(server.url, status_code=200, session=session)
            for server in servers
        ]
        for _ in range(5):
            for sleeper in sleepers:
                assert not sleeper.poll().met
    assert [server.connections for server in servers] == [1] * 12
    assert [len(server.seen) for server in servers] == [5] * 12


@pytest.mark.parametrize("size", [1, 2, 8])
def test_no_request_waits_for_a_connection(serve, caplog, size):
    """Eight requests at a time have eight connections, of which some are kept."""
    together = threading.Barrier(8, timeout=10)

    def answer(handler):
        together.wait()
        return connection(handler)

    server = serve(answer)
    with BoundedSession(pool_maxsize=size) as session, ThreadPoolExecutor(8) as pool:
        for number in range(2):
            waits = [pool.submit(session.get, server.url, timeout=9) for _ in range(8)]
            assert all(wait.result().status_code == 200 for wait in waits)
            assert server.connections == 8 + number * (8 - size)
            for _ in range(8 - size):  # the others are closed
                assert server.eof.acquire(timeout=5)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_a_closed_session_can_be_used(serve, tls, ca_bundle, naps):
    """close() closes each connection, and the next wait makes another one."""
    server = serve(202, 200, tls=tls)
    session = BoundedSession()
    for number in (1, 2):
        httsleep(server.url, status_code=200, session=session, verify=ca_bundle)
        assert server.connections == number
        session.close()
        assert server.eof.acquire(timeout=5)


def test_cookies_that_many_threads_receive(serve):
    """All threads can add cookies, while others send those that are there."""

    def answer(handler):
        path = handler.path.strip("/")
        return (200, b"", {"Set-Cookie": f"c{path}=1; Path=/"})

    server, names = serve(answer), range(120)
    with BoundedSession() as session, ThreadPoolExecutor(12) as pool:
        urls = [f"{server.root}/{name}" for name in names]
        sleepers = [HttSleeper(url, status_code=200, session=session) for url in urls]
        assert all(pool.map(HttSleeper.run, sleepers))
        assert sorted(session.cookies.keys()) == sorted(f"c{name}" for name in names)


# TLS contexts


@pytest.fixture
def authority(tmp_path_factory):
    """``authority()``: a CA of which a server and a client have certificates.

    ``tls`` is the server's side, which asks for the certificate of a client; ``ca``,
    ``cert``, ``key`` and ``both`` are paths.
    """

    def make(name):
        ca, folder = trustme.CA(), tmp_path_factory.mktemp(name)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("127.0.0.1").configure_cert(tls)
        ca.configure_trust(tls)
        tls.verify_mode = ssl.CERT_REQUIRED
        client = ca.issue_cert(f"{name}.example")
        ca.cert_pem.write_to_path(folder / "ca")
        client.cert_chain_pems[0].write_to_path(folder / "cert")
        client.private_key_pem.write_to_path(folder / "key")
        client.private_key_and_cert_chain_pem.write_to_path(folder / "both")
        paths = {each: str(folder / each) for each in ("ca", "cert", "key", "both")}
        return SimpleNamespace(tls=tls, **paths)

    return make


def name_of_client(handler):
    """Answer with the name in the client's certificate."""
    ((_, name),) = handler.connection.getpeercert()["subjectAltName"]
    return (200, name)


@pytest.mark.parametrize("pair", [False, True])
def test_a_client_certificate_is_a_path_or_a_pair(serve, authority, pair):
    """The server sees the certificate of the file, or of the file and its key."""
    a = authority("a")
    server = serve(name_of_client, tls=a.tls)
    with BoundedSession() as session:
        session.cert = (a.cert, a.key) if pair else a.both
        sleeper = HttSleeper(server.url, status_code=200, session=session, verify=a.ca)
        assert sleeper.run().text == "a.example"


def test_a_context_is_made_once(serve, tls, ca_bundle, monkeypatch):
    """However many connections share a context, it is not changed after it is made."""
    changes = []

    def record(name, real):
        def change(context, *args):
            changes.append((name, args))
            real(context, *args)

        monkeypatch.setattr(ssl.SSLContext, name, change)

    for name in ("load_verify_locations", "load_cert_chain", "set_alpn_protocols"):
        record(name, getattr(ssl.SSLContext, name))
    servers = [serve(200, tls=tls) for _ in range(3)]
    together = threading.Barrier(3, timeout=10)

    def get(server):
        together.wait()
        return session.get(server.url, verify=ca_bundle, timeout=5)

    with BoundedSession() as session, ThreadPoolExecutor(3) as pool:
        for server in servers:
            for _ in range(2):
                list(pool.map(get, [server] * 3))
    assert changes == [
        ("load_verify_locations", (ca_bundle, None)),
        ("set_alpn_protocols", (["http/1.1"],)),
    ]


def test_each_server_sees_only_what_is_meant_for_it(serve, authority):
    """Threads that share a session mix up neither CAs nor client certificates.

    A request that trusts another CA, or presents another certificate, fails each time.
    """
    authorities = [authority(name) for name in "abc"]
    servers = [serve(name_of_client, tls=each.tls) for each in authorities]
    uses = list(itertools.product(range(3), repeat=3)) * 6
    random.Random(1).shuffle(uses)

    def get(use):
        host, trusted, presented = use
        options = {
            "verify": authorities[trusted].ca,
            "cert": authorities[presented].both,
        }
        with suppress(NoConnection):
            return session.get(servers[host].url, timeout=9, **options).text
        return None

    with BoundedSession() as session, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(get, uses))
    for use, answer in zip(uses, answers, strict=True):
        expected = f"{'abc'[use[0]]}.example" if len(set(use)) == 1 else None
        assert answer == expected
    for server, name in zip(servers, "abc", strict=True):
        assert len(server.seen) == 6, name


def test_sleepers_with_different_trust(serve, tls, ca_bundle, authority, naps):
    """A CA that one sleeper trusts does not count for another one."""
    server, other = serve(202, 200, tls=tls), authority("other").ca
    with BoundedSession() as session:

        def run(verify):
            return httsleep(server.url, status_code=200, verify=verify, session=session)

        for _ in range(2):
            assert run(ca_bundle).status_code == 200
            for verify in (other, None, True):
                with pytest.raises(SSLError):
                    run(verify)
        with pytest.warns(match="Unverified HTTPS"):
            assert run(False).status_code == 200
        with pytest.raises(SSLError):
            run(None)


def test_a_certificate_that_is_renewed(serve, authority, naps):
    """New connections present the certificate that is in the file by then."""
    a, b = authority("a"), authority("b")
    for each in (a, b):
        for server_tls in (a.tls, b.tls):
            server_tls.load_verify_locations(each.ca)
    server = serve(name_of_client, tls=a.tls)
    with BoundedSession() as session:

        def name():
            return session.get(server.url, verify=a.ca, cert=a.both, timeout=5).text

        assert [name(), name()] == ["a.example"] * 2
        with open(a.both, "w") as renewed, open(b.both) as new:
            renewed.write(new.read())
        assert [name(), name()] == ["b.example"] * 2
    assert server.connections == 2


SETTINGS = {
    "the default": lambda a: {},
    "no verification": lambda a: {"verify": False},
    "a CA": lambda a: {"verify": a.ca},
    "a directory": lambda a: {"verify": a.ca.rpartition("/")[0]},
    "all": lambda a: {"verify": a.ca, "cert": (a.cert, a.key)},
}


def settings_of(context):
    """Return what can be read of a context."""
    names = (
        *("verify_mode", "check_hostname", "options", "verify_flags", "protocol"),
        *("minimum_version", "maximum_version", "hostname_checks_common_name"),
        *("post_handshake_auth", "security_level", "keylog_filename"),
    )
    return {
        **{name: getattr(context, name) for name in names},
        "ciphers": context.get_ciphers(),
        "authorities": context.get_ca_certs(binary_form=True),
    }


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_a_context_is_that_of_requests(serve, authority, monkeypatch, name):
    """The context has the settings and the CAs of one that requests makes."""
    a, made, real = authority("a"), [], ssl.SSLContext.wrap_socket
    options = SETTINGS[name](a)

    def wrap_socket(context, sock, *args, **kwargs):
        if kwargs.get("server_hostname"):  # not the server's side
            made.append(settings_of(context))
        return real(context, sock, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap_socket)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda context: None)
    server = serve(200, tls=a.tls)
    for kind in (requests.Session, BoundedSession):
        with kind() as session, suppress(NoConnection):
            session.get(server.url, timeout=5, **options)
    theirs, ours = made
    assert ours == theirs
