"""Promise 2: no server makes a run outgrow ``max_body_size`` and 16 MiB.

Each run is that of a process of its own, whose peak Linux tells.
"""

import json
import os
import zlib

import pytest

MIB = 2**20
OK = b"HTTP/1.1 200 OK\r\n"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: /next\r\n"
ROOM = 16 * MIB  # beyond max_body_size
LONG_RUN = int(os.environ.get("LONG_RUN", 5000))  # polls; the soak makes more

CHILD = """
import json, re, sys
from httsleep import httsleep

def peak():  # ru_maxrss would be that of the parent, if that is larger
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read())[1])

good, bad, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
httsleep(good, status_code=200, text="done")
before = peak()
try:
    httsleep(bad, status_code=201, max_body_size=most, request_timeout=20)
except Exception as exc:
    ended = type(exc).__name__
print(json.dumps([ended, peak() - before]))
"""

GROWTH = """
import gc, json, sys, tracemalloc, weakref
import requests
from httsleep import GaveUp, httsleep

url, polls = sys.argv[1], int(sys.argv[2])
session = requests.Session() if sys.argv[3] == "callers" else None
seen, sizes = [], []

def watch(attempt):
    seen.append(weakref.ref(attempt.response or attempt.exception))

def weigh(attempt):
    if attempt.number in (polls // 4, polls):
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])

def run(on_poll):
    try:
        httsleep(
            url, status_code=200, jsonpath={"$.a": 1}, polling_interval=0,
            max_retries=polls, on_poll=on_poll, session=session,
            ignore_exceptions=[ConnectionError],
        )
    except GaveUp:
        pass

gc.disable()
run(watch)
alive = sum(each() is not None for each in seen)
gc.enable()
tracemalloc.start()
polls //= 5
run(weigh)
print(json.dumps([len(seen), alive, sizes[1] - sizes[0]]))
"""


def many(piece, size):
    """``piece`` again and again, ``size`` bytes of it, in pieces of a MiB."""
    piece = piece * max(1, MIB // len(piece))
    for _ in range(size // len(piece)):
        yield piece


def sized(head=OK):
    yield head + b"Content-Length: %d\r\n\r\n" % (500 * MIB)
    yield from many(b"x", 500 * MIB)


def until_the_end(head=OK):
    yield head + b"\r\n"
    yield from many(b"x", 500 * MIB)


def chunked(head=OK):
    yield head + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from many(b"10000\r\n" + b"x" * 2**16 + b"\r\n", 500 * MIB)


def one_chunk(head=OK):
    yield head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (500 * MIB)
    yield from many(b"x", 500 * MIB)


def tiny_chunks(head=OK):
    """Each costs far more memory than it has bytes, if kept as it is."""
    yield head + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from many(b"2\r\nxx\r\n", 500 * MIB)


def bomb(head=OK, coding=b"gzip"):
    """10 GiB of zeros in 10 MB."""
    deflate = zlib.compressobj(9, wbits=31)
    yield head + b"Content-Encoding: " + coding + b"\r\n\r\n"
    block = bytes(10 * MIB)
    first = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    again = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    yield first
    for _ in range(1023):
        yield again


def undecodable(head=OK):
    """Good gzip at first, so that it cannot be read in any other way from there."""
    yield head + b"Content-Encoding: gzip\r\n\r\n"
    deflate = zlib.compressobj(wbits=31)
    yield deflate.compress(bytes(10_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
    yield from many(b"\xff", 500 * MIB)


def redirects(head=None):
    """Each with a body that is not too large; all together they are."""
    body = bytes(4 * MIB)
    yield MOVED + b"Content-Length: %d\r\n\r\n" % len(body) + body


TOO_LARGE = {
    "a body": sized,
    "a body until the end": until_the_end,
    "chunks": chunked,
    "one chunk": one_chunk,
    "a bomb": bomb,
    "a redirect's body": lambda: sized(MOVED),
    "a redirect's chunks": lambda: chunked(MOVED),
    "a redirect's one chunk": lambda: one_chunk(MOVED),
    "a redirect's bomb": lambda: bomb(MOVED),
    "the bodies of redirects": redirects,
}


@pytest.fixture
def peak(listen, run_child):
    """``peak(body, most)``: how a run ends, and the bytes by which its peak rose."""

    def peak(body, most):
        def talk(peer):
            while request := peer.request():
                if b"GET /good" in request:
                    peer.send(OK + b"Content-Length: 4\r\n\r\ndone")
                else:
                    for each in body():
                        peer.send(each)
                    if body is not redirects:
                        return

        url = listen(talk).url
        child = run_child(CHILD, url.replace("/endpoint", "/good"), url, most)
        out, errors = child.communicate()
        assert not errors
        return json.loads(out)

    return peak


@pytest.mark.parametrize("body", TOO_LARGE.values(), ids=TOO_LARGE)
def test_too_large(peak, body):
    """A body of more than 16 MiB, packed in any way, is BodyTooLarge and not kept."""
    most = 16 * MIB
    ended, rose = peak(body, most)
    assert ended == "BodyTooLarge"
    assert rose < most + ROOM


def test_tiny_chunks(peak):
    """A hundred thousand chunks of two bytes take the room of their bytes."""
    ended, rose = peak(tiny_chunks, MIB // 4)
    assert ended == "BodyTooLarge"
    assert rose < MIB // 4 + ROOM // 4


def test_a_redirect_that_cannot_be_decoded(peak):
    """A redirect whose body cannot be decoded is followed, and its rest is not read."""
    ended, rose = peak(lambda: undecodable(MOVED), 16 * MIB)
    assert ended == "TooManyRedirects"
    assert rose < 32 * MIB


@pytest.mark.parametrize(("session", "polls"), [("own", LONG_RUN), ("callers", 500)])
def test_a_long_run_grows_by_nothing(listen, run_child, session, polls):
    """A long run keeps none of its responses and exceptions alive."""

    def talk(peer):
        for _ in range(19):
            if not peer.request():
                return
            peer.send(OK + b'Content-Length: 8\r\n\r\n{"a": 2}')
        if peer.request():
            peer.send(OK + b"Content-Length: 8\r\n\r\n{")

    child = run_child(GROWTH, listen(talk).url, polls, session)
    out, errors = child.communicate()
    assert not errors
    seen, alive, grown = json.loads(out)
    assert (seen, alive) == (polls, 0)
    assert grown < 20_000
