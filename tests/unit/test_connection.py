"""The parts of connection.py that need no server.

``tests/servers/hostile/test_connection_hooks.py`` shows that urllib3 and http.client
call each hook; the other files of that folder and
``tests/servers/test_max_body_size.py`` show which limits hold.
"""

import http.client
import io
import socket
import threading
import types
import zlib
from contextlib import suppress

import pytest
import requests
import urllib3
from requests.exceptions import ReadTimeout
from urllib3.util import Timeout

from httsleep import BodyTooLarge, connection
from httsleep.connection import (
    Bounds,
    bound_body,
    bound_pools,
    bounded,
    current_bounds,
)

BODY = bytes(range(250)) * 4


def a_minute():
    return 60.0


# the bounds


@pytest.mark.parametrize("left", [1e-9, 0, -1, -1e9])
def test_a_timeout_is_above_zero(left):
    """A socket accepts the timeout when no time is left."""
    assert Bounds(lambda: left).timeout() > 0


def test_a_timeout_is_finite():
    """A socket accepts the timeout when the time is without a limit."""
    assert 10**6 < Bounds(lambda: float("inf")).timeout() < 2**32 / 1000


@pytest.mark.parametrize(
    ("timeout", "shortened"),
    [
        (None, 60),
        (5, 5),
        (0.5, 0.5),
        (300, 60),
        ((5, 300), (5, 60)),
        ((None, None), (60, 60)),
        ((0.5, 7), (0.5, 7)),
    ],
    ids=str,
)
def test_the_smaller_of_two_timeouts_counts(timeout, shortened):
    """A timeout is kept if less is asked for than is left, each part of a pair too."""
    assert Bounds(a_minute).shorten(timeout) == shortened


@pytest.mark.parametrize(("total", "shortened"), [(None, 60), (5, 5), (300, 60)])
def test_a_timeout_of_urllib3_is_shortened_as_a_whole(total, shortened):
    """The total of a copy is shortened; the caller's object stays as it is."""
    given = Timeout(connect=3, total=total)
    result = Bounds(a_minute).shorten(given)
    assert (result.total, result.connect_timeout) == (shortened, 3)
    assert given.total == total


@pytest.mark.parametrize(
    ("own", "applied"),
    [(None, 60), (5, 5), (300, 60), (60.002, 60), (60.0005, 60.0005)],
)
def test_a_step_has_the_time_that_is_left(own, applied):
    """The timeout of a socket becomes what is left, if that is over 1 ms less."""
    with socket.socket() as sock:
        sock.settimeout(own)
        Bounds(a_minute).apply_to(sock)
        assert sock.gettimeout() == applied


def test_a_step_without_time_is_a_timeout():
    """No step begins when no time is left."""
    with socket.socket() as sock, pytest.raises(TimeoutError, match="took too long"):
        Bounds(lambda: 0.0).apply_to(sock)


def test_bytes_count_up_to_the_limit():
    """The limit can be reached, and one byte more is BodyTooLarge."""
    bounds = Bounds(a_minute, 100)
    bounds.count(60)
    bounds.count(40)
    with pytest.raises(BodyTooLarge) as caught:
        bounds.count(1)
    assert caught.value.limit == 100


def test_a_piece_that_comes_too_late_is_a_timeout():
    """Counting a piece looks at the clock as well."""
    with pytest.raises(ReadTimeout):
        Bounds(lambda: 0.0).count(1)


# the bounds of a thread


def test_the_bounds_end_with_the_block():
    """They are given back after an exception as well."""
    bounds, seen = Bounds(a_minute), []

    def fail():
        with bounded(bounds):
            seen.append(current_bounds())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (seen, current_bounds()) == ([bounds], None)


def test_a_poll_within_a_poll_has_no_more_time():
    """The smaller time counts, the inner size counts, and the outer bounds return."""
    outer, seconds = Bounds(lambda: seconds[0], 100), [5.0]
    with bounded(outer):
        with bounded(Bounds(lambda: 7.0, 300)):
            inner = current_bounds()
            assert (inner.seconds_left(), inner.max_size) == (5.0, 300)
            seconds[0] = 9.0
            assert inner.seconds_left() == 7.0
        assert current_bounds() is outer


def test_another_thread_has_bounds_of_its_own():
    """The bounds of one thread do not reach another one."""
    seen = []
    with bounded(Bounds(a_minute)):
        thread = threading.Thread(target=lambda: seen.append(current_bounds()))
        thread.start()
        thread.join()
    assert seen == [None]


# the classes


def test_pools_and_connections_keep_their_names():
    """The texts of requests name the classes of urllib3."""
    manager = urllib3.PoolManager()
    bound_pools(manager)
    for scheme, name in (("http", "HTTPConnectionPool"), ("https", "HTTPSConnection")):
        pool = manager.connection_from_host("server", scheme=scheme)
        assert name in str(pool)
        assert pool.ConnectionCls.__name__ == f"{scheme.upper()}Connection"
        assert pool.ConnectionCls.__mro__[1].__name__ != pool.ConnectionCls.__name__


def test_pools_are_bound_once():
    """Pools that are bounded already are left as they are."""
    manager = urllib3.PoolManager()
    bound_pools(manager)
    classes = dict(manager.pool_classes_by_scheme)
    bound_pools(manager)
    assert manager.pool_classes_by_scheme == classes


def test_a_connection_that_is_made_too_late_is_closed(monkeypatch):
    """The new socket is closed if connecting has taken all of the time."""
    sock, manager = socket.socket(), urllib3.PoolManager()
    create = "urllib3.util.connection.create_connection"
    monkeypatch.setattr(create, lambda *_, **__: sock)
    bound_pools(manager)
    made = manager.connection_from_host("server").ConnectionCls("server")
    with bounded(Bounds(lambda: 0.0)), pytest.raises(TimeoutError):
        made.connect()
    assert sock.fileno() == -1


# the body of a response


def response_of(body, headers=(), **kwargs):
    file = io.BytesIO(body)
    headers = dict(headers)
    return urllib3.HTTPResponse(file, headers, preload_content=False, **kwargs)


def read_all(response):
    return response.read()


def read_much(response):
    return response.read(10**9)


def read_twice(response):
    return response.read(700) + response.read(700)


def read_once_each(response):
    return b"".join(iter(response.read1, b""))


def read_into(response):
    buffer = bytearray(2000)
    return bytes(buffer[: response.readinto(buffer)])


WAYS = {
    "read()": read_all,
    "read(amt)": read_twice,
    "read(large)": read_much,
    "read1()": read_once_each,
    "readinto()": read_into,
    "stream()": lambda response: b"".join(response.stream(100)),
    "data": lambda response: response.data,
    "iteration": b"".join,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_body_counts_however_it_is_read(way):
    """In a poll each byte of a body counts, and the body comes whole."""
    for limit in (None, len(BODY)):
        response = response_of(BODY)
        bound_body(response)
        with bounded(Bounds(a_minute, limit)):
            assert way(response) == BODY
    response = response_of(BODY)
    bound_body(response)
    with bounded(Bounds(a_minute, len(BODY) - 1)), pytest.raises(BodyTooLarge):
        way(response)
    assert response.closed


@pytest.mark.parametrize("read", ["read", "read1"])
def test_a_negative_amount_is_all_of_a_body(read):
    """In a poll -1 means no limit, which old releases of urllib3 do not know."""
    response = response_of(BODY)
    bound_body(response)
    with bounded(Bounds(a_minute)):
        assert getattr(response, read)(-1) == BODY


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_outside_of_a_poll_a_body_does_not_count(way):
    """A response that a poll has opened can be read after it without limits."""
    response = response_of(BODY)
    with bounded(Bounds(a_minute, 1)):
        bound_body(response)
    assert way(response) == BODY


def test_a_stream_of_a_poll_is_one_piece():
    """In a poll stream() yields the body at once, and after it the pieces asked for."""
    response = response_of(BODY)
    bound_body(response)
    with bounded(Bounds(a_minute)):
        assert list(response.stream(100)) == [BODY]
    response = response_of(BODY)
    bound_body(response)
    assert list(map(len, response.stream(100))) == [100] * 10


class CountingFile(io.BytesIO):
    """The file of a body, which notes how many bytes were read at a time."""

    def __init__(self, body):
        super().__init__(body)
        self.read_sizes = []

    def read(self, size=-1):
        piece = super().read(size)
        self.read_sizes.append(len(piece))
        return piece


def reads_of(size, limit=None, **headers):
    """Return the sizes of the reads by which a poll reads a body of so many bytes."""
    file = CountingFile(bytes(size))
    response = urllib3.HTTPResponse(file, headers, preload_content=False)
    bound_body(response)
    with bounded(Bounds(a_minute, limit)), suppress(BodyTooLarge):
        list(response.stream(100))
    return file.read_sizes


def test_a_body_of_a_known_size_is_read_at_once(monkeypatch):
    """A body of up to 16 MiB is read in one piece, and a larger one in small pieces."""
    monkeypatch.setattr(connection, "_AT_ONCE", 2**24)  # less with an old urllib3
    for size, piece in ((3 * 10**6, 3 * 10**6), (2**24, 2**24), (2**24 + 1, 2**18)):
        assert reads_of(size, **{"Content-Length": str(size)})[0] == piece


def test_of_a_body_that_is_too_large_one_byte_too_many_is_read():
    """No more is read than shows that it is too large, whatever size is stated."""
    known = {"Content-Length": str(3 * 10**6)}
    assert reads_of(3 * 10**6, limit=1000, **known) == [1001]
    assert reads_of(3 * 10**6, limit=1000) == [1001]


def test_a_body_that_is_read_at_once_is_not_copied():
    """The stream of a poll yields the very bytes that were read."""
    file = CountingFile(BODY)
    file.read = lambda _: file.close() or BODY
    headers = {"Content-Length": str(len(BODY))}
    response = urllib3.HTTPResponse(file, headers, preload_content=False)
    bound_body(response)
    with bounded(Bounds(a_minute)):
        assert next(response.stream(100, decode_content=False)) is BODY


def test_a_body_may_be_longer_than_its_stated_size():
    """Of a body that does not end where it says, all that comes is read."""
    response = response_of(BODY, {"Content-Length": "10"}, enforce_content_length=False)
    bound_body(response)
    with bounded(Bounds(a_minute)):
        assert response.read(20) + response.read(10**6) + response.read() == BODY


class ChunkedFile(io.BytesIO):
    """The part of an http.client.HTTPResponse that urllib3 reads chunks from."""

    def __init__(self, body):
        super().__init__(body)
        self.fp = self

    def _safe_read(self, amt):
        return self.read(amt)


@pytest.mark.parametrize("amt", [None, -1, 3, 10**9])
def test_chunks_count(amt):
    """In a poll read_chunked() counts each piece, and after it none."""

    def chunks():
        file = ChunkedFile(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        headers = {"Transfer-Encoding": "chunked"}
        response = urllib3.HTTPResponse(file, headers, preload_content=False)
        bound_body(response)
        return response.read_chunked(amt)

    with bounded(Bounds(a_minute, 11)):
        assert b"".join(chunks()) == b"hello world"
    with bounded(Bounds(a_minute, 10)), pytest.raises(BodyTooLarge):
        b"".join(chunks())
    if amt != -1:  # without an end in old releases of urllib3
        assert b"".join(chunks()) == b"hello world"


def test_the_rest_of_a_body_that_cannot_be_decoded_is_empty():
    """After a decoding error requests can drain the body, and nothing is read."""
    deflate = zlib.compressobj(wbits=31)
    good = deflate.compress(bytes(10**6)) + deflate.flush(zlib.Z_FULL_FLUSH)
    headers = {"Content-Encoding": "gzip"}
    response = response_of(good + b"\xff" * 10**6, headers)
    bound_body(response)
    with bounded(Bounds(a_minute)):
        with pytest.raises(urllib3.exceptions.DecodeError):
            list(response.stream(100, decode_content=True))
        assert response.closed
        assert response.read(decode_content=False) == b""


@pytest.mark.parametrize("raw", [None, io.BytesIO(), requests.Response()], ids=type)
def test_an_object_that_is_no_response_of_urllib3_is_left_as_it_is(raw):
    """A test double of a body is neither changed nor refused."""
    before = type(raw)
    bound_body(raw)
    assert type(raw) is before


# a response of another connection


@pytest.fixture
def foreign():
    """A response that urllib3 has read from a plain connection, and its socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)
        answer = http.client.HTTPResponse(ours)
        answer.begin()
        kwargs = {"preload_content": False, "original_response": answer}
        yield urllib3.HTTPResponse(answer, **kwargs), ours, theirs
        answer.close()


def test_each_read_of_a_foreign_body_has_the_time_that_is_left(foreign):
    """The socket's timeout is what is left, anew for each read."""
    response, ours, theirs = foreign
    left, timeouts = iter(range(20, 0, -1)), []
    theirs.close()
    bound_body(response)
    with bounded(Bounds(lambda: next(left))):
        while response.read1(300):
            timeouts.append(ours.gettimeout())
    assert timeouts == sorted(set(timeouts), reverse=True)
    assert len(timeouts) > 1


def test_a_foreign_body_that_stalls_is_a_timeout(foreign):
    """A read without time left ends, and what was buffered before it is not lost."""
    response, _, _ = foreign
    bound_body(response)
    left = iter([5, 5, 5, 5])
    with bounded(Bounds(lambda: next(left, 0))):
        assert response.read(len(BODY)) == BODY
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            response.read(1)


def test_a_foreign_body_is_bound_once(foreign):
    """A response that is bounded already is left as it is."""
    response, _, _ = foreign
    bound_body(response)
    file = response._original_response.fp
    bound_body(response)
    assert response._original_response.fp is file


def test_a_response_without_a_socket_counts_all_the_same():
    """Where the socket is not found, the pieces are counted."""
    answer = types.SimpleNamespace(fp=io.BytesIO(), close=lambda: None)
    answer.isclosed = lambda: False
    response = response_of(BODY, original_response=answer)
    bound_body(response)
    with bounded(Bounds(a_minute, 5)), pytest.raises(BodyTooLarge):
        response.read()
