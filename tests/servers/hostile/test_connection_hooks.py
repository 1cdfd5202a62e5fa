"""Contracts with urllib3, http.client and requests: each hook is called in a poll.

A release that renames one of them would let a limit vanish without an error.
"""

import pytest
import requests

from httsleep import connection, httsleep, session

CONNECT = {
    "_BoundedConnection.__init__",
    "_BoundedConnection._new_conn",
    "_BoundedConnection.send",
    "_BoundedConnection.putrequest",
    "_BoundedConnection.getresponse",
    "_BoundedAnswer.__init__",
    "_BoundedAnswer.begin",
    "_BoundedFile.readinto",
    "_BoundedFile.close",
}
BODY = {"_BoundedResponse.stream"}
READ = BODY | {"_BoundedResponse.read"}
READ_CHUNKS = BODY | {"_BoundedResponse.read_chunked"}
ADAPTER = {
    "_BoundedAdapter.init_poolmanager",
    "_BoundedAdapter.get_connection_with_tls_context",
    "_BoundedAdapter.build_connection_pool_key_attributes",
    "_BoundedAdapter.request_url",
    "_BoundedAdapter.cert_verify",
    "_BoundedAdapter._context",
    "_BoundedAdapter._leave_connections_to_parent",
    "_BoundedAdapter._pools",
    "_BoundedAdapter.send",
    "_BoundedAdapter._send_once",
    "_BoundedAdapter.build_response",
    "_BoundedAdapter.close",
}
TLS = {"_BoundedAdapter._made", "_BoundedAdapter._make"}
TUNNEL = {"_BoundedConnection._tunnel", "_BoundedAdapter.proxy_manager_for"}
CLASSES = (
    connection._BoundedConnection,
    connection._BoundedAnswer,
    connection._BoundedFile,
    connection._BoundedResponse,
    session._BoundedAdapter,
)
#: Methods that a poll need not call: what only this module calls, what io asks once,
#: a way to read that is left to hooks of the caller, and rare cases.
OTHERS = {
    "_BoundedFile.__init__",
    "_BoundedFile.readable",
    "_BoundedAdapter._without_charset",
    "_BoundedResponse._at_once",
    "_BoundedResponse.read1",
    "_BoundedResponse._counted",
    "_BoundedResponse._pieces",
    "_BoundedResponse._whole_body",
}


@pytest.fixture
def called(monkeypatch):
    """The names of the hooks that were called."""
    called = set()

    def record(owner, name, method):
        def wrapper(*args, **kwargs):
            called.add(f"{owner.__name__}.{name}")
            return method(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrapper)

    for owner in CLASSES:
        for name, method in vars(owner).items():
            if callable(method):
                record(owner, name, method)
    return called


def tunnel_to(server):
    """Return a proxy that connects each client with the server."""

    def talk(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 Go\r\n\r\n")
        peer.tunnel(server.port)

    return talk


def test_the_lists_above_are_complete():
    """Each method that replaces one of a library is in one of the lists."""
    hooks = {
        f"{owner.__name__}.{name}"
        for owner in CLASSES
        for name, method in vars(owner).items()
        if callable(method)
    }
    assert hooks == CONNECT | READ | READ_CHUNKS | ADAPTER | TLS | TUNNEL | OTHERS


def test_over_tls(serve, tls, ca_bundle, called):
    """A poll over TLS calls the hooks of connecting, sending, reading and closing."""
    server = serve((200, "done"), tls=tls)
    httsleep(server.url, text="done", verify=ca_bundle)
    assert called >= CONNECT | READ | ADAPTER | TLS


def test_through_a_tunnel(serve, tls, ca_bundle, called, listen, monkeypatch):
    """A poll through a proxy calls those of the tunnel as well."""
    server = serve((200, "done"), tls=tls)
    monkeypatch.setenv("https_proxy", listen(tunnel_to(server)).url)
    httsleep(server.url, text="done", verify=ca_bundle)
    assert called >= CONNECT | READ | ADAPTER | TLS | TUNNEL


def test_a_chunked_body(serve, called):
    """A body in chunks is read chunk by chunk."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    httsleep(serve(head + b"4\r\ndone\r\n0\r\n\r\n").url, text="done")
    assert called >= CONNECT | READ_CHUNKS | ADAPTER


@pytest.mark.parametrize("secure", [False, True])
def test_a_session_of_the_callers(serve, tls, ca_bundle, called, secure):
    """The body of a plain connection is read through the file and counted."""
    server = serve((200, "done"), tls=tls if secure else None)
    with requests.Session() as plain:
        httsleep(server.url, text="done", session=plain, verify=ca_bundle)
    body = {"_BoundedFile.__init__", "_BoundedFile.readinto", "_BoundedFile.close"}
    assert called >= READ | body


def test_another_answer_is_read_after_an_interim_one(serve):
    """begin() of http.client reads again once the headers are None."""
    interim = b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n"
    server = serve(interim + b"HTTP/1.1 200 OK\r\n\r\ndone")
    assert httsleep(server.url, status_code=200).text == "done"
