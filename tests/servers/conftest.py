"""Servers that do what a test says, on real sockets of 127.0.0.1 only.

``serve(answer, ...)`` starts one; it gives the answers in turn, the last for good. An
answer is

* ``204``: a status without a body;
* ``(200, body)`` or ``(200, body, headers)``: a str is sent as HTML, bytes as they are,
  anything else as JSON;
* ``b'HTTP/1.1 ...'``: these bytes, whatever they are, and then the end of the
  connection;
* a callable: it is given the :class:`Handler` of the request, and does what it likes.
"""

import json
import os
import signal
import socket
import ssl
import struct
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from time import monotonic
from urllib.parse import urlsplit

import pytest
import trustme
from requests.structures import CaseInsensitiveDict

LONGEST_TEST = 30 + int(os.environ.get("LONG_RUN", 0)) // 200  # seconds
OTHER_VARIABLES = (
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    "NETRC",
)


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it; two are equal if every line of them is."""

    method: str
    path: str
    lines: tuple[tuple[str, str], ...]
    body: bytes
    connection: int = field(compare=False)

    @property
    def headers(self):
        """The headers, by a name in whichever case."""
        return CaseInsensitiveDict(self.lines)


class Handler(BaseHTTPRequestHandler):
    """One connection, and the misbehaviour that a real server is capable of."""

    disable_nagle_algorithm = True

    def setup(self):
        self.protocol_version = self.server.protocol
        self.connection_number = self.server.opened(self.request)
        if self.server.tls is not None:
            self.request.do_handshake()
        super().setup()

    def handle_one_request(self):
        super().handle_one_request()
        if not self.raw_requestline:
            self.server.eof.release()

    def answer(self):
        """Note the request, and answer it with what comes next."""
        body = self._body()
        seen = Seen(
            self.command,
            self.path,
            tuple(self.headers.items()),
            body,
            self.connection_number,
        )
        answer = self.server.next_answer(seen)
        if callable(answer):
            answer = answer(self)
        if isinstance(answer, bytes):
            self.send(answer)
            self.close_connection = True
        elif isinstance(answer, tuple):
            self.reply(*answer)
        elif answer is not None:
            self.reply(answer)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = answer

    def reply(self, status, body=b"", headers=()):
        """A complete and correct answer."""
        kind = "application/octet-stream"
        if isinstance(body, str):
            kind, body = "text/html; charset=utf-8", body.encode()
        elif not isinstance(body, bytes):
            kind, body = "application/json", json.dumps(body).encode()
        pairs = CaseInsensitiveDict({"Content-Type": kind, "Content-Length": len(body)})
        pairs.update(dict(headers))
        self.send_response_only(status)
        for name, value in pairs.items():
            for each in value if isinstance(value, list) else [value]:
                self.send_header(name, str(each))
        self.end_headers()
        self.send(body)

    def send(self, data):
        self.connection.sendall(data)

    def hang(self):
        """Say no more until the test is over."""
        self.close_connection = True
        self.server.stopping.wait()

    def stall(self, data):
        """Begin to answer, and hang."""
        self.send(data)
        self.hang()

    def drip(self, head, body, gap=0.1):
        """Send the head at once, and then a byte of the body every ``gap`` seconds."""
        self.close_connection = True
        self.send(head)
        for byte in body:
            if self.server.stopping.wait(gap):
                return
            self.send(bytes([byte]))

    def reset(self, data=b""):
        """End the connection with an RST."""
        self.send(data)
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.rfile.close()
        self.connection.close()
        self.close_connection = True

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_):
        pass


class Server(ThreadingTCPServer):
    """A server with a script; ``seen`` are the requests that it got."""

    request_queue_size = 100

    def __init__(self, answers, paths, protocol, tls):
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.protocol, self.tls = protocol, tls
        self.seen = []
        self.connections = 0
        self.eof = threading.Semaphore(0)  # one for each connection that a client ended
        self.stopping = threading.Event()
        self.errors = []
        self._scripts = {None: list(answers), **{p: list(a) for p, a in paths.items()}}
        self._lock = threading.Lock()
        self._open = []
        self._thread = None
        self.server_bind()  # from here on connections are refused, until listen()
        self.port = self.server_address[1]
        scheme = "http" if tls is None else "https"
        self.root = f"{scheme}://127.0.0.1:{self.port}"
        self.url = f"{self.root}/endpoint"

    def listen(self):
        """Begin to accept connections."""
        self.server_activate()
        self._thread = threading.Thread(target=self.serve_forever, args=[0.002])
        self._thread.start()

    def stop(self):
        """End all that is going on, and wait for its end."""
        self.stopping.set()
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        for sock in self._open:
            with suppress(OSError):  # it has ended already
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self.server_close()

    def get_request(self):
        sock, address = super().get_request()
        if self.tls is not None:
            options = {"server_side": True, "do_handshake_on_connect": False}
            sock = self.tls.wrap_socket(sock, **options)
        return sock, address

    def opened(self, sock):
        with self._lock:
            self._open.append(sock)
            self.connections += 1
            return self.connections

    def next_answer(self, seen):
        with self._lock:
            self.seen.append(seen)
            path = urlsplit(seen.path).path
            script = self._scripts[path if path in self._scripts else None]
            return script.pop(0) if len(script) > 1 else script[0]

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # clients are allowed to go away
            self.errors.append(error)


@pytest.fixture
def serve():
    """Start a server: ``serve(answer, ..., paths={'/path': [answer, ...]})``.

    With ``listening=False`` it refuses connections until its ``listen()`` is called.
    """
    servers = []

    def start(*answers, paths=(), protocol="HTTP/1.1", tls=None, listening=True):
        server = Server(answers, dict(paths), protocol, tls)
        servers.append(server)
        if listening:
            server.listen()
        return server

    yield start
    for server in servers:
        server.stop()
    assert [server.errors for server in servers] == [[] for _ in servers]


@pytest.fixture
def deaf_url():
    """A URL where every connection is made, and nothing is ever read from it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def full_url():
    """A URL where nobody is let in: those who wait for that fill the queue."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        ExitStack() as all_of,
    ):
        for waiting in [all_of.enter_context(socket.socket()) for _ in range(3)]:
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


class Naps(list):
    """The naps that were taken, in seconds; none of them took any time."""

    during = None  # called in each nap with its number, counted from 1

    def __call__(self, seconds):
        assert 0 <= seconds < 9e9  # what time.sleep() takes
        self.append(seconds)
        if self.during is not None:
            self.during(len(self))


@pytest.fixture
def naps(monkeypatch):
    """The naps of the run, which take no time."""
    naps = Naps()
    monkeypatch.setattr("httsleep.main.sleep", naps)
    return naps


@pytest.fixture
def named_server(monkeypatch):
    """``named_server(server)``: the name ``server``, port 80, leads to it."""
    real = socket.getaddrinfo

    def reach(server):
        def look_up(host, port, *args, **kwargs):
            assert (host, port) == ("server", 80)
            return real("127.0.0.1", server.port, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return reach


@pytest.fixture
def within():
    """``with within(limit)``: it takes no longer than that, and a generous second."""

    @contextmanager
    def within(limit):
        began = monotonic()
        yield
        assert monotonic() - began < limit + 1

    return within


@pytest.fixture(scope="session")
def private_ca():
    """A CA that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_bundle(private_ca, tmp_path_factory):
    """The path of the private CA's certificate."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    private_ca.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(scope="session")
def tls(private_ca):
    """The server side of TLS, with a certificate of the private CA for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private_ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home directory without a netrc."""
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, home):
    """No proxy, CA bundle or netrc of this machine counts."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in OTHER_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", home)


@pytest.fixture(autouse=True)
def bounded():
    """No test takes longer than half a minute, whatever goes wrong."""

    def too_long(*_):
        pytest.fail(f"took longer than {LONGEST_TEST} s")  # a BaseException

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_TEST)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
