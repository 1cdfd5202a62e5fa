"""Promise 1: no server makes a request outlast its limits.

The limits are small, and each server would need several seconds more than the second
that a busy machine is granted.
"""

import gc
import gzip
import socket
import threading
import zlib

import pytest
import requests
from requests import exceptions
from requests.auth import HTTPDigestAuth
from urllib3.exceptions import ReadTimeoutError

from httsleep import GaveUp, HttSleeper, httsleep

pytestmark = pytest.mark.realtime

LIMIT = 0.15  # seconds
OK = b"HTTP/1.1 200 OK\r\n"
SIZED = OK + b"Content-Length: 200\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ZIPPED = OK + b"Content-Encoding: gzip\r\n\r\n"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: /next\r\n"
TEXT = b"x" * 200
NOISE = gzip.compress(bytes(range(200)))
INTERIM = b"HTTP/1.1 %d Interim\r\nX-A: b\r\n\r\n"


def drip(head, slowly):
    """Send ``head`` at once, and a byte of the rest each 50 ms: 10 s and more."""
    return lambda handler: handler.drip(head, slowly, gap=0.05)


def repeat(piece, gap):
    """Send the same, again and again; without a gap as fast as it goes."""

    def answer(handler):
        handler.close_connection = True
        while not handler.server.stopping.wait(gap):
            handler.send(piece)

    return answer


def flood(head, piece):
    """Send ``head``, and then without an end what brings no body any further."""

    def answer(handler):
        handler.send(head)
        repeat(piece * 1000, 0)(handler)

    return answer


def slow_redirect(handler):
    """One of a dozen redirects, each of which takes 250 ms."""
    handler.server.stopping.wait(0.25)
    return (302, b"", {"Location": f"{handler.path}x"})


def emptiness():
    """Blocks of deflate that hold nothing."""
    deflate = zlib.compressobj(wbits=-15)
    return deflate.flush(zlib.Z_FULL_FLUSH) + deflate.flush(zlib.Z_FULL_FLUSH)


IN_THE_BODY = {
    "no answer": lambda handler: handler.hang(),
    "a body that drips": drip(SIZED, TEXT),
    "a body until the end that drips": drip(OK + b"\r\n", TEXT),
    "chunks that drip": drip(CHUNKED, b"1\r\nx\r\n" * 50),
    "one chunk that drips": drip(CHUNKED + b"c8\r\n", TEXT),
    "a body until the end that stalls": lambda handler: handler.stall(OK + b"\r\nx"),
    "gzip that drips": drip(ZIPPED, NOISE),
    "a flood of empty gzip": flood(ZIPPED + NOISE[:10], emptiness()),
    "a chunk size that drips": drip(CHUNKED + b"1;", TEXT),
    "trailers that drip": drip(CHUNKED + b"1\r\nx\r\n0\r\nX-A: ", TEXT),
    "a flood of trailers": flood(CHUNKED + b"1\r\nx\r\n0\r\n", b"X-A: b\r\n"),
}
CUNNING = {
    "a status line that drips": drip(b"HTTP/1.1 200 ", TEXT),
    "headers that drip": drip(OK + b"X-A: ", TEXT),
    "100 for ever": repeat(INTERIM % 100, 0.05),
    "100 that drips": drip(b"", INTERIM % 100 * 10),
    "103 for ever": repeat(INTERIM % 103, 0.05),
    "a flood of 100": repeat(INTERIM % 100 * 1000, 0),
    "a flood of 102": repeat(INTERIM % 102 * 1000, 0),
    "slow redirects": slow_redirect,
    "a redirect's body that drips": drip(MOVED + b"Content-Length: 200\r\n\r\n", TEXT),
    "a redirect's headers that drip": drip(MOVED + b"X-A: ", TEXT),
    "a redirect's gzip that drips": drip(
        MOVED + b"Content-Encoding: gzip\r\n\r\n", NOISE
    ),
}
ALL = IN_THE_BODY | CUNNING
SOME = {
    name: ALL[name]
    for name in (
        *("no answer", "a body that drips", "headers that drip", "100 for ever"),
        *("gzip that drips", "slow redirects", "a redirect's body that drips"),
    )
}


@pytest.fixture(autouse=True)
def no_threads_left(request):
    """httsleep starts no thread: all those that are new belong to a server."""
    started, start = [], threading.Thread.start

    def note(thread):
        started.append(thread.name)
        start(thread)

    request.getfixturevalue("monkeypatch").setattr(threading.Thread, "start", note)
    yield
    foreign = ("process_request_thread", "serve_forever", "hostile", "_pump", "Timer")
    assert [n for n in started if not any(each in n for each in foreign)] == []


@pytest.mark.parametrize("answer", ALL.values(), ids=ALL)
def test_request_timeout(serve, within, answer):
    """A request is a ReadTimeout once request_timeout is over."""
    server = serve(answer)
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=201, request_timeout=LIMIT)


@pytest.mark.parametrize("answer", SOME.values(), ids=SOME)
def test_max_time(serve, within, answer):
    """A run ends with GaveUp when max_time is over, if no answer was complete."""
    server = serve(answer)
    with within(LIMIT), pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=201, max_time=LIMIT)
    assert (caught.value.limit, caught.value.response) == ("max_time", None)


@pytest.mark.parametrize("answer", SOME.values(), ids=SOME)
def test_over_tls(serve, tls, ca_bundle, within, answer):
    """A request over TLS is a ReadTimeout once request_timeout is over."""
    server = serve(answer, tls=tls)
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=201, request_timeout=LIMIT, verify=ca_bundle)


@pytest.mark.parametrize("answer", IN_THE_BODY.values(), ids=IN_THE_BODY)
def test_with_a_session_of_the_callers(serve, within, answer):
    """A server that does not begin, or that drips its body, is bounded everywhere."""
    server = serve(answer)
    options = {"status_code": 201, "request_timeout": LIMIT}
    slow = pytest.raises(exceptions.ReadTimeout)
    with requests.Session() as session, within(LIMIT), slow:
        httsleep(server.url, session=session, **options)


def test_poll(serve, within):
    """A single poll is bounded by request_timeout as well."""
    server = serve(CUNNING["headers that drip"])
    sleeper = HttSleeper(server.url, status_code=200, request_timeout=LIMIT)
    with sleeper, within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        sleeper.poll()


def test_the_next_request_has_its_whole_time(serve, within):
    """A request that was cut off takes nothing from the time of the next one."""
    server = serve(CUNNING["headers that drip"], (200, "done"))
    with within(LIMIT):
        response = httsleep(
            server.url,
            status_code=200,
            request_timeout=LIMIT,
            polling_interval=0,
            ignore_exceptions=TimeoutError,
        )
    assert response.text == "done"


def test_two_threads_with_one_sleeper(serve, within):
    """While a request is under way, those of another thread do not lift its bounds."""
    slow, over = threading.Event(), threading.Event()

    def once_slow(handler):
        if slow.is_set():
            return (503, "busy")
        slow.set()
        return CUNNING["headers that drip"](handler)

    def others():
        while slow.wait(5) and not over.is_set():
            sleeper.poll()

    server = serve(once_slow)
    with HttSleeper(
        server.url, status_code=200, request_timeout=LIMIT, max_retries=None
    ) as sleeper:
        thread = threading.Thread(target=others, name="hostile neighbour")
        thread.start()
        try:
            with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
                sleeper.poll()
        finally:
            over.set()
            thread.join()


def test_a_challenge_whose_body_drips(serve, within):
    """The body of a 401 that an auth callable reads before it answers is bounded."""
    challenge = (
        b"HTTP/1.1 401 No\r\nContent-Length: 200\r\n"
        b'WWW-Authenticate: Digest realm="a", nonce="b", qop="auth"\r\n\r\n'
    )
    server = serve(drip(challenge, TEXT))
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep(
            server.url,
            status_code=200,
            request_timeout=LIMIT,
            auth=HTTPDigestAuth("user", "password"),
        )


def test_a_hook_that_reads_a_body_that_drips(serve, within):
    """What a response hook reads of the raw answer is bounded; urllib3 says so."""
    server = serve(IN_THE_BODY["a chunk size that drips"])
    hooks = {"response": lambda response, **_: response.raw.read()}
    request = requests.Request("GET", server.url, hooks=hooks)
    with within(LIMIT), pytest.raises(ReadTimeoutError):
        httsleep(request, status_code=200, request_timeout=LIMIT)


# --- sending ---------------------------------------------------------------------


def slow_reader(peer):
    """Read at most 64 KiB each 10 ms; 20 MB take 3 s and more."""
    while not peer.stopping.wait(0.01):
        if not peer.sock.recv(65536):
            return


@pytest.mark.parametrize("reader", [lambda peer: peer.hang(), slow_reader])
@pytest.mark.parametrize("secure", [False, True])
def test_a_body_that_nobody_reads(listen, tls, ca_bundle, within, reader, secure):
    """A request body that is read slowly or never is cut off, a ReadTimeout."""

    def talk(peer):
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        if secure:
            peer.seal(tls)
        reader(peer)

    server = listen(talk)
    url = server.secure_url if secure else server.url
    request = requests.Request("POST", url, data=bytes(20_000_000))
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep(request, status_code=200, request_timeout=LIMIT, verify=ca_bundle)


def test_a_body_in_many_pieces_that_nobody_reads(listen, within):
    """The pieces of a body that is sent in chunks share the time that is left."""

    class Pieces:
        def __iter__(self):
            return iter([bytes(50_000)] * 400)

    server = listen(slow_reader)
    request = requests.Request("POST", server.url, data=Pieces())
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep(request, status_code=200, request_timeout=LIMIT)


# --- the handshake ---------------------------------------------------------------


def silent(peer, tls):
    peer.hang()


def dripping(peer, tls):
    tls.handshake(peer.drip)


def one_long_record(peer, tls):
    peer.send(b"\x16\x03\x03\x40\x00")
    peer.drip(bytes(200))


@pytest.mark.parametrize("shake", [silent, dripping, one_long_record])
def test_a_handshake_that_does_not_end(listen, tls_by_hand, ca_bundle, within, shake):
    """A TLS handshake that hangs or drips is cut off."""
    server = listen(lambda peer: shake(peer, tls_by_hand(peer)))
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep(
            server.secure_url,
            status_code=200,
            request_timeout=LIMIT,
            verify=ca_bundle,
        )


def test_a_record_that_drips(listen, tls_by_hand, ca_bundle, within):
    """One record of TLS, which holds the whole answer, is cut off as it drips."""

    def talk(peer):
        tls = tls_by_hand(peer)
        tls.handshake(peer.send)
        peer.drip(tls.sealed(SIZED + TEXT))

    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep(
            listen(talk).secure_url,
            status_code=200,
            request_timeout=LIMIT,
            verify=ca_bundle,
        )


# --- behind a proxy --------------------------------------------------------------

BEHIND_A_PROXY = {
    name: ALL[name]
    for name in (
        *("no answer", "a body that drips", "headers that drip", "100 for ever"),
        *("gzip that drips", "a chunk size that drips"),
    )
}


@pytest.mark.parametrize("answer", BEHIND_A_PROXY.values(), ids=BEHIND_A_PROXY)
def test_behind_a_proxy(serve, monkeypatch, within, answer):
    """What a proxy passes on is bounded as if there were none."""
    proxy = serve(answer)
    monkeypatch.setenv("http_proxy", proxy.root)
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep("http://server.test/", status_code=201, request_timeout=LIMIT)
    assert proxy.seen[0].path == "http://server.test/"


@pytest.mark.parametrize("answer", BEHIND_A_PROXY.values(), ids=BEHIND_A_PROXY)
def test_through_a_tunnel(serve, listen, tls, ca_bundle, monkeypatch, within, answer):
    """What comes through a proxy's tunnel is bounded as if there were none."""

    def talk(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 Go\r\n\r\n")
        peer.tunnel(server.port)

    server, proxy = serve(answer, tls=tls), listen(talk)
    monkeypatch.setenv("https_proxy", proxy.url)
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=201, request_timeout=LIMIT, verify=ca_bundle)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "talk",
    [
        lambda peer: peer.hang(),
        lambda peer: peer.request() and peer.drip(b"HTTP/1.1 200 " + TEXT),
        lambda peer: peer.request() and peer.drip(OK + b"X-A: " + TEXT),
        lambda peer: peer.request() and peer.every(0.05, [OK, *[b"X-A: b\r\n"] * 200]),
    ],
    ids=["hangs", "drips its status line", "drips its headers", "has many headers"],
)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_proxy_that_opens_no_tunnel(listen, monkeypatch, within, talk):
    """A proxy that does not get to the end of its answer to CONNECT is cut off."""
    proxy = listen(talk)
    monkeypatch.setenv("https_proxy", proxy.url)
    with within(LIMIT), pytest.raises(exceptions.ReadTimeout):
        httsleep("https://server.test/", status_code=200, request_timeout=LIMIT)
    gc.collect()  # the answer that http.client of Python 3.11.2 has left unclosed


def test_a_tunnel_that_opens_late(listen, monkeypatch, within):
    """The handshake through a tunnel has no more time than is left by then."""
    limit = 1.5

    def talk(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 Go\r\n\r")
        peer.every(limit - 0.1, [b"\n"])
        peer.hang()

    proxy = listen(talk)
    monkeypatch.setenv("https_proxy", proxy.url)
    with within(limit), pytest.raises(exceptions.ReadTimeout):
        httsleep("https://server.test/", status_code=200, request_timeout=limit)
