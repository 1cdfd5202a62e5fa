"""Servers that mean harm: raw ones, proxies, and children that suffer them.

``listen(talk)`` starts a raw server, of which ``talk(peer)`` is one connection: it does
what it likes with the :class:`Peer`, and should end when ``peer.stopping`` is set.
``run_child(script, *arguments)`` runs Python code in a process of its own.
"""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

import httsleep


def end(sock):
    """Let both sides know that it is over."""
    with suppress(OSError):  # it has ended already
        sock.shutdown(socket.SHUT_RDWR)


class Peer:
    """A server's side of one connection."""

    def __init__(self, sock, stopping):
        self.sock, self.stopping = sock, stopping

    def request(self):
        """Read a request without a body; what came before the end, if there is none."""
        read = b""
        while b"\r\n\r\n" not in read:
            data = self.sock.recv(65536)
            if not data:
                break
            read += data
        return read

    def send(self, data):
        self.sock.sendall(data)

    def seal(self, context):
        """Speak TLS from here on."""
        self.sock = context.wrap_socket(
            self.sock, server_side=True, do_handshake_on_connect=False
        )
        self.sock.do_handshake()

    def every(self, gap, pieces):
        """Send a piece each ``gap`` seconds."""
        for piece in pieces:
            if self.stopping.wait(gap):
                return
            self.send(piece)

    def drip(self, data, gap=0.05):
        """Send a byte each ``gap`` seconds."""
        self.every(gap, (data[i : i + 1] for i in range(len(data))))

    def hang(self):
        self.stopping.wait()

    def tunnel(self, port):
        """Pass on, both ways, what comes, to a port of this machine and from it."""
        with socket.create_connection(("127.0.0.1", port)) as target:
            back = threading.Thread(target=self._pump, args=[target, self.sock])
            back.start()
            self._pump(self.sock, target)
            back.join()

    def _pump(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass  # one of the two has gone away
        for each in (source, target):
            end(each)


class RawServer:
    """Accepts connections, and talks on each in a thread of its own."""

    def __init__(self, talk):
        self.talk = talk
        self.stopping = threading.Event()
        self.errors, self._socks, self._threads = [], [], []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._listener.settimeout(0.02)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/endpoint"
        self.secure_url = f"https://127.0.0.1:{self.port}/endpoint"
        self._start(self._accept)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, name="hostile server")
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socks.append(sock)
            self._start(self._talk, sock)

    def _talk(self, sock):
        peer = Peer(sock, self.stopping)
        try:
            self.talk(peer)
        except OSError:
            pass  # clients are allowed to go away
        except Exception as exc:
            self.errors.append(exc)
        finally:
            peer.sock.close()
            sock.close()

    def stop(self):
        self.stopping.set()
        for sock in self._socks:
            end(sock)
        for thread in self._threads:
            thread.join()
        self._listener.close()


@pytest.fixture
def listen():
    """Start a raw server: ``listen(talk)``."""
    servers = []

    def start(talk):
        servers.append(RawServer(talk))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
    assert [server.errors for server in servers] == [[] for _ in servers]


class TlsByHand:
    """The server's side of TLS of which each byte can be sent at will."""

    def __init__(self, peer, context):
        self.peer, self._in, self._out = peer, ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    def handshake(self, send):
        """Shake hands; what is to be sent is given to ``send``."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                send(self._out.read())
                data = self.peer.sock.recv(65536)
                if not data:
                    return
                self._in.write(data)
            else:
                send(self._out.read())
                return

    def sealed(self, data):
        """``data`` as it goes over the wire."""
        self._tls.write(data)
        return self._out.read()


@pytest.fixture
def tls_by_hand(tls):
    """``tls_by_hand(peer)``: TLS of the test server, byte by byte."""
    return lambda peer: TlsByHand(peer, tls)


@pytest.fixture
def run_child():
    """Start ``run_child(script, *arguments)``: Python in a process of its own."""
    children = []

    def start(script, *arguments):
        place = str(Path(httsleep.__file__).parent.parent)
        child = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", script, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": place, "PYTHONSAFEPATH": "1"},
        )
        children.append(child)
        return child

    yield start
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        child.communicate()
