"""Connections that limit each step in time (private API of urllib3 and http.client).

requests limits the gap between two packets. Here one clock limits a poll as a whole:
connecting, the TLS handshake, sending, and each read of the status, the headers, the
body, interim answers and redirects. The bodies are limited in size as well.

These names are private. A release of urllib3 or of Python may change them, and then
``tests/servers/hostile/test_connection_hooks.py`` fails:

* of urllib3, the whole of ``urllib3.connection``, so that ``HTTPConnection`` (the class
  that a pool's ``ConnectionCls`` names), its ``_new_conn()`` and its ``_tunnel()`` are;
  ``HTTPResponse._original_response``; and that a response can be given a subclass of
  ``HTTPResponse`` as its class after it was made;
* of http.client, ``HTTPConnection.response_class``, ``HTTPResponse.fp`` and
  ``HTTPResponse.begin()``, which reads another answer once ``headers`` is ``None``;
* of socket, ``SocketIO._sock``.

These are public: ``PoolManager.pool_classes_by_scheme``,
``HTTPConnectionPool.ConnectionCls`` and ``QueueCls``, ``HTTPConnection.is_connected``,
``HTTPResponse.read()``, ``read1()``, ``read_chunked()`` and ``stream()`` of urllib3,
and ``send()``, ``putrequest()`` and ``getresponse()`` of ``HTTPConnection`` of
http.client.

If a private name vanishes, the body of an answer remains limited in size, and in time
between two pieces of it; everything else is then as in the column "a session of yours"
of ``docs/reliability.rst``.
"""

import http.client
import io
import queue
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from requests.exceptions import ReadTimeout
from urllib3 import HTTPResponse, PoolManager, Timeout
from urllib3.response import ContentDecoder

from .exceptions import BodyTooLarge

#: Return the seconds that are left, by one clock for the whole of a poll.
SecondsLeft = Callable[[], float]

TOO_LONG = "the request took too long"
_MAX_TIMEOUT = 4e6  # seconds; the timeouts of sockets wrap at 2**32 milliseconds
_ROUNDING = 0.001  # seconds; less is not worth the system call of a new timeout
_CHUNK = 2**18  # large bodies take half the time that they take with requests' 10 kB
# Since 2.6 urllib3 decodes no more than it is asked for, and copies no piece. Before,
# it decodes all that it has read: at most a thousand times as many bytes.
_IS_SPARING = hasattr(ContentDecoder, "has_unconsumed_tail")
_AT_ONCE = 2**24 if _IS_SPARING else _CHUNK  # at most, of a body whose size is known
_ENCODED_CHUNK = 2**16 if _IS_SPARING else 2**12
_INTERIM = range(102, 200)  # http.client skips 100; what follows a 101 is not HTTP


class Bounds:
    """The time and the bytes that one poll may take.

    :param seconds_left: returns the seconds that are left.
    :param max_size: the number of bytes of decoded body that are read at most, those of
        redirects included; ``None`` for no limit.
    :param is_submit: whether the request is sent only once, whatever its method is.
    :ivar at_once: the number of bytes of a body that are read at once at most.
    """

    def __init__(
        self,
        seconds_left: SecondsLeft,
        max_size: int | None = None,
        *,
        is_submit: bool = False,
    ) -> None:
        self.seconds_left = seconds_left
        self.max_size = max_size
        self.at_once = _AT_ONCE if max_size is None else min(max_size + 1, _AT_ONCE)
        self.is_submit = is_submit
        self.opened: list[Any] = []  # responses of urllib3, to be closed after an error
        self._size = 0

    def within(self, outer: "Bounds") -> "Bounds":
        """Return these bounds, with no more time than ``outer`` has left."""
        both = (self.seconds_left, outer.seconds_left)
        return Bounds(
            lambda: min(each() for each in both),
            self.max_size,
            is_submit=self.is_submit,
        )

    def timeout(self) -> float:
        """Return the time that is left as a timeout that sockets accept."""
        return min(max(self.seconds_left(), 0.001), _MAX_TIMEOUT)

    def shorten(self, timeout: Any) -> Any:
        """Return a timeout for requests, with no part of it longer than what is left.

        :param timeout: ``None``, seconds, a pair of these, or a ``Timeout`` of urllib3.
        """
        longest = self.timeout()
        if isinstance(timeout, Timeout):
            timeout = timeout.clone()
            timeout.total = self.shorten(timeout.total)
            return timeout
        if isinstance(timeout, tuple):
            return tuple(self.shorten(each) for each in timeout)
        return longest if timeout is None else min(timeout, longest)

    def apply_to(self, sock: Any) -> None:
        """Limit the next step of ``sock`` to what is left, or to its own timeout."""
        left = self.seconds_left()
        if left <= 0:
            raise TimeoutError(TOO_LONG)
        timeout = sock.gettimeout()
        if timeout is None or timeout > left + _ROUNDING:
            sock.settimeout(min(left, _MAX_TIMEOUT))

    def count(self, size: int) -> None:
        """Count the bytes of a piece of a body, and check the limits.

        :raises BodyTooLarge: more than ``max_size`` bytes were read.
        :raises requests.exceptions.ReadTimeout: no time is left.
        """
        self._size += size
        if self.max_size is not None and self._size > self.max_size:
            raise BodyTooLarge(self.max_size)
        if self.seconds_left() <= 0:
            raise ReadTimeout(TOO_LONG)


class _Current(threading.local):
    """The bounds of the poll that the current thread is making, and its last request.

    :ivar is_unanswered_on_kept: whether the last request was sent on a connection that
        had been used before, and no byte of an answer has come.
    :ivar only_new: whether connections that are kept in a pool count as dropped.
    """

    bounds: Bounds | None = None
    is_unanswered_on_kept = False
    only_new = False


_current = _Current()


def current_bounds() -> Bounds | None:
    """Return the bounds of the poll of the current thread, or None outside of one."""
    return _current.bounds


@contextmanager
def bounded(bounds: Bounds) -> Iterator[None]:
    """Apply the bounds to all that the current thread does in the ``with`` block.

    Within the block of another poll, which ``auth`` or a hook can cause, the time of
    that poll counts as well.
    """
    outer = _current.bounds
    _current.bounds = inner = bounds if outer is None else bounds.within(outer)
    try:
        yield
    except BaseException:
        for response in inner.opened:  # requests leaves it open if a hook raises
            response.close()
        raise
    finally:
        _current.bounds = outer


def forget_last_request() -> None:
    """Forget what the current thread has sent, before it sends another request."""
    _current.is_unanswered_on_kept = False


def is_unanswered_on_kept() -> bool:
    """Return whether a request was sent on a kept connection, and got no byte back."""
    return _current.is_unanswered_on_kept


@contextmanager
def only_new_connections() -> Iterator[None]:
    """Let the current thread use no connection that a pool has kept."""
    _current.only_new = True
    try:
        yield
    finally:
        _current.only_new = False


def bound_pools(manager: PoolManager) -> None:
    """Let the pools that ``manager`` will make have connections that are bounded."""
    classes: Any = manager.pool_classes_by_scheme
    bounded_classes = {name: _bounded_pool(each) for name, each in classes.items()}
    manager.pool_classes_by_scheme = bounded_classes


@cache
def _bounded_pool(pool_class: Any) -> Any:
    """Return the class of pools whose connections are bounded, under the same name."""
    connection_class = pool_class.ConnectionCls
    if issubclass(connection_class, _BoundedConnection):
        return pool_class
    bases = (_BoundedConnection, connection_class)
    connection = type(connection_class.__name__, bases, {})
    members = {"ConnectionCls": connection, "QueueCls": _Kept}
    return type(pool_class.__name__, (pool_class,), members)


class _Kept(queue.LifoQueue[Any]):
    """The connections that a pool keeps; one that does not fit in is closed.

    urllib3 would log a warning, though nothing is wrong.
    """

    def put(self, item: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().put(item, *args, **kwargs)
        except queue.Full:
            if item is not None:
                item.close()


def bound_body(raw: Any) -> None:
    """Let the bounds apply to the body of a response of urllib3.

    A body that was read from a foreign connection is limited as one of a bounded
    connection. What is not a response of urllib3 is left as it is.
    """
    if type(raw) is not HTTPResponse:
        return
    raw.__class__ = _BoundedResponse
    answer: Any = getattr(raw, "_original_response", None)
    file = getattr(answer, "fp", None)
    sock = getattr(getattr(file, "raw", None), "_sock", None)
    if sock is not None and not isinstance(answer, _BoundedAnswer):
        answer.fp = io.BufferedReader(_BoundedFile(cast(Any, file), sock))


class _BoundedConnection(http.client.HTTPConnection):
    """A connection that gives each step no more than the time that is left."""

    _is_kept = False  # whether it has had an answer already

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.response_class = _BoundedAnswer

    @property
    def is_connected(self) -> bool:
        """Whether the pool can use the connection again."""
        return not _current.only_new and super().is_connected  # type: ignore[misc]

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        has_socket = self.sock is not None  # else a new one is opened
        _current.is_unanswered_on_kept = has_socket and self._is_kept
        super().putrequest(*args, **kwargs)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._is_kept = True
        return response

    def _new_conn(self) -> socket.socket:
        self._is_kept = False
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        try:
            _apply_bounds(sock)
        except TimeoutError:
            sock.close()  # the connection does not have it yet
            raise
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()  # type: ignore[misc]
        _apply_bounds(self.sock)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _apply_bounds(self.sock)  # for all of the data, not for each packet
        super().send(data)


def _apply_bounds(sock: Any) -> None:
    """Limit the next step of ``sock`` if the current thread is making a poll."""
    if (bounds := _current.bounds) is not None:
        bounds.apply_to(sock)


class _BoundedAnswer(http.client.HTTPResponse):
    """An answer that is read within the bounds, and that is the final and whole one."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._file = _BoundedFile(self.fp, sock)
        self.fp = io.BufferedReader(self._file)

    def begin(self, **kwargs: Any) -> None:
        super().begin(**kwargs)
        while self.status in _INTERIM:  # the final answer follows
            self.headers: Any = None
            super().begin(**kwargs)
        if self._file.at_end:  # within the headers
            self.close()
            raise http.client.IncompleteRead(b"")


class _BoundedFile(io.RawIOBase):
    """The file of a socket; each read has the time that is left as its timeout.

    :ivar at_end: whether the last read found the end of the connection.
    """

    def __init__(self, file: io.BufferedReader, sock: Any) -> None:
        self._file = file
        self._sock = sock  # under this name requests_ntlm finds the certificate
        self.at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        _apply_bounds(self._sock)
        size = self._file.readinto1(buffer)
        self.at_end = size == 0
        if size:
            _current.is_unanswered_on_kept = False
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    """A response of urllib3 whose body is counted while the thread makes a poll."""

    def stream(
        self, amt: int | None = 2**16, decode_content: bool | None = None
    ) -> Generator[bytes, None, None]:
        """Yield the body; in a poll in one piece, as a server could make millions."""
        if _current.bounds is None:
            yield from super().stream(amt, decode_content)
        else:
            yield self._whole_body(_current.bounds, decode_content)

    def _whole_body(self, bounds: Bounds, decode_content: bool | None) -> bytes:
        """Return the body, or close the connection if it cannot be read."""
        try:
            pieces = super().stream(self._at_once(bounds), decode_content)
            body = io.BytesIO(next(pieces, b""))  # is not copied if it is all
            body.seek(0, io.SEEK_END)
            for piece in pieces:
                body.write(piece)
        except BaseException:
            self.close()
            raise
        return body.getvalue()

    def _at_once(self, bounds: Bounds) -> int:
        """Return the number of bytes to read at once: all, if their number is known."""
        if "Content-Encoding" in self.headers:
            return _ENCODED_CHUNK
        known = max(self.length_remaining or 0, 0)  # a test double may send more
        if 0 < known <= bounds.at_once:
            return known
        return min(_CHUNK, bounds.at_once)

    def read(
        self,
        amt: int | None = None,
        decode_content: bool | None = None,
        cache_content: bool = False,
    ) -> bytes:
        """Return the body or the next ``amt`` bytes of it; in a poll they count."""
        if (bounds := _current.bounds) is None:
            return super().read(amt, decode_content, cache_content)
        if decode_content is False and self.closed:
            return b""  # requests asks so for the rest of what it could not decode
        if amt is None or amt < 0:
            return self._whole_body(bounds, decode_content)
        if amt > (at_once := self._at_once(bounds)):
            return b"".join(self._pieces(amt, at_once, decode_content))
        return self._counted(super().read(amt, decode_content))

    def _pieces(
        self, amt: int, at_once: int, decode_content: bool | None
    ) -> Iterator[bytes]:
        """Yield the next ``amt`` bytes in pieces that are counted one by one."""
        while amt and (piece := self.read(min(amt, at_once), decode_content)):
            amt -= len(piece)
            yield piece

    def read1(
        self, amt: int | None = None, decode_content: bool | None = None
    ) -> bytes:
        """Return some bytes of the body; in a poll they count."""
        if _current.bounds is not None and (amt is None or amt < 0):
            amt = _ENCODED_CHUNK
        return self._counted(super().read1(amt, decode_content))

    def read_chunked(
        self, amt: int | None = None, decode_content: bool | None = None
    ) -> Generator[bytes, None, None]:
        """Yield the pieces of a chunked body; in a poll they count."""
        if _current.bounds is not None and (amt is None or amt < 0):
            amt = _ENCODED_CHUNK
        for piece in super().read_chunked(amt, decode_content):
            yield self._counted(piece)

    def _counted(self, piece: bytes) -> bytes:
        """Return the piece, or close the connection if a limit is reached."""
        if piece and (bounds := _current.bounds) is not None:
            try:
                bounds.count(len(piece))
            except Exception:
                self.close()
                raise
        return piece
