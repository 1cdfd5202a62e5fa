"""Servers with names of their own, so that a test has origins, with TLS or without.

``naps`` counts in all tests here: no test sleeps.
"""

import socket
import ssl

import pytest
import requests

from httsleep.session import BoundedSession

NAMES = ("a.example", "b.example")


@pytest.fixture(autouse=True)
def _no_real_sleep(naps):
    """Let no test of this folder sleep."""


@pytest.fixture(params=["own", "plain", "bounded"])
def mine(request):
    """The arguments for a session of the sleeper's own, or for one of the caller's."""
    if request.param == "own":
        yield {}
        return
    kind = requests.Session if request.param == "plain" else BoundedSession
    with kind() as session:
        yield {"session": session}


@pytest.fixture
def submit():
    """Return a function that makes a POST of a URL, or another request."""

    def submit(url, method="POST", **fields):
        return requests.Request(method, url, **fields)

    return submit


@pytest.fixture
def sent():
    """Return a function that lists the requests that a server saw: method and path."""

    def sent(server):
        return [f"{seen.method} {seen.path}" for seen in server.seen]

    return sent


@pytest.fixture
def names(monkeypatch):
    """Return a dict ``{(name, port): server}`` that says where a name leads."""
    real, places = socket.getaddrinfo, {}

    def look_up(host, port, *args, **kwargs):
        if (host, port) in places:
            host, port = "127.0.0.1", places[host, port].port
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return places


@pytest.fixture(scope="session")
def any_tls(private_ca):
    """The server side of TLS, with a certificate for all names of these tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private_ca.issue_cert("127.0.0.1", "localhost", *NAMES).configure_cert(context)
    return context


@pytest.fixture
def netrc(monkeypatch, tmp_path):
    """Return a function that writes a netrc into a home directory of its own."""

    def write(text):
        path = tmp_path / ".netrc"
        path.write_text(text)
        path.chmod(0o600)
        monkeypatch.delenv("NETRC", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))

    return write
