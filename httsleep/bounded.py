"""A session of our own, on which nothing that a server does outlasts its time.

requests bounds the gap between two packets. Here one clock bounds a request as a whole:
connecting, the TLS handshake, sending, each read of status, headers and body, interim
answers and redirects. Bodies are bounded in size, those of redirects included.

Builds on what requests and urllib3 offer to subclasses: ``init_poolmanager``,
``proxy_manager_for``, ``get_connection_with_tls_context``, ``build_response``, ``send``
and ``close`` of ``HTTPAdapter``,
``pools`` and ``pool_classes_by_scheme`` of ``PoolManager``, ``ConnectionCls`` of
``HTTPConnectionPool``; on ``response_class`` and ``begin`` of http.client; and, so that
a TLS handshake starts with the time that is left by then, on ``_new_conn`` and
``_tunnel`` of ``HTTPConnection``.
"""

import http.client
import io
import operator
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ReadTimeout
from urllib3 import BaseHTTPResponse
from urllib3.response import ContentDecoder

from .exceptions import BodyTooLarge

#: Seconds that are left for the request, from one clock for its whole length.
Left = Callable[[], float]

TOO_LONG = "the request took too long"
_LONGEST = 4_000_000.0  # seconds; urllib3's wrap around at 2**32 milliseconds
_CHUNK = 2**18  # half the time of requests' 10 kB with large bodies
# Since 2.6 urllib3 inflates no more than it is asked for; before, all that it has read,
# which makes at most a thousand times as much of it.
_CODED_CHUNK = 2**16 if hasattr(ContentDecoder, "has_unconsumed_tail") else 2**12
_INTERIM = range(102, 200)  # http.client skips 100; after 101 it is not HTTP any more


def _forever() -> float:
    return inf


class Bounds:
    """What one request may take.

    :ivar left: the seconds that are left.
    :ivar most: the bytes of decoded body, those of redirects included, that will be
        read; ``None`` for no limit.
    """

    def __init__(self, left: Left = _forever, most: int | None = None) -> None:
        self.left = left
        self.most = most
        self._size = 0

    def lift(self) -> None:
        """Let go of the clock: the request is over."""
        self.left = _forever

    def timeout(self) -> float:
        """What is left, as a timeout that sockets take: above 0, and not too long."""
        return min(max(self.left(), 0.001), _LONGEST)

    def set_on(self, sock: Any) -> None:
        """Give what is left to the next step of ``sock``."""
        left = self.left()
        if left <= 0:
            raise TimeoutError(TOO_LONG)
        sock.settimeout(min(left, _LONGEST))

    def count(self, size: int) -> None:
        """Count what was read of a body."""
        self._size += size
        if self.most is not None and self._size > self.most:
            raise BodyTooLarge(self.most)
        if self.left() <= 0:
            raise ReadTimeout(TOO_LONG)


class _InHand(threading.local):
    """The bounds of the request that this thread has in hand."""

    bounds = Bounds()


class BoundedBody:
    """A urllib3 response whose body ends when time or room does."""

    #: Whether nothing else bounds each read.
    loose = True

    def __init__(self, raw: BaseHTTPResponse, bounds: Bounds) -> None:
        self.raw, self._bounds = raw, bounds

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def stream(self, _amt: int = 0, decode_content: bool = True) -> Iterator[bytes]:
        """The body in one piece: a server could make many small ones of it."""
        body, read1, bounds = io.BytesIO(), self.raw.read1, self._bounds
        coded = "Content-Encoding" in self.raw.headers
        chunk = _CODED_CHUNK if coded else _CHUNK
        try:
            while True:
                if self.loose and (sock := getattr(self.raw.connection, "sock", None)):
                    sock.settimeout(bounds.timeout())
                data = read1(chunk, decode_content=decode_content)
                bounds.count(len(data))
                if not data:
                    break
                body.write(data)
                if self.raw.length_remaining == 0 and not coded:
                    break  # the one more read that finds the end costs 3 % of a poll
        except BaseException:
            self.raw.close()
            raise
        yield body.getvalue()

    def read(self, _amt: int | None = None, decode_content: bool = True) -> bytes:
        """The body; empty if it is not to be decoded.

        That is how requests drains what it could not decode, and that has been closed.
        """
        return b"".join(self.stream()) if decode_content else b""


class _OwnBody(BoundedBody):
    """The body of an answer of which each read is bounded already."""

    loose = False


class BoundedSession(requests.Session):
    """A session that bounds its requests by the ``bounds`` that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.mount("https://", _BoundedAdapter())
        self.mount("http://", _BoundedAdapter())

    def bound(self, bounds: Bounds) -> None:
        """Let these be the bounds of the next request of this thread."""
        for adapter in self.adapters.values():
            if isinstance(adapter, _BoundedAdapter):
                adapter.in_hand.bounds = bounds


class _BoundedAdapter(HTTPAdapter):
    """Makes connections that are bounded, and bounds the bodies of all answers."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.in_hand = _InHand()
        self._asked: tuple[Any, ...] = (None, None, None, None)
        super().init_poolmanager(*args, **kwargs)
        _bound_connections(self.poolmanager, self.in_hand)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not known:
            _bound_connections(manager, self.in_hand)
        return manager

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        bounds = self.in_hand.bounds
        if bounds.left() <= 0:  # a redirect was slow
            raise ReadTimeout(TOO_LONG)
        return super().send(request, *args, **kwargs | {"timeout": bounds.timeout()})

    def close(self) -> None:
        """Close the connections; left alone, they last as long as an answer does."""
        self._asked = (None, None, None, None)
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118
                with suppress(KeyError):  # another thread was faster
                    manager.pools[key].close()
        super().close()

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The pool of the request before, if this is the very same one."""
        asked = (request, verify, proxies, cert)
        if not all(map(operator.is_, asked, self._asked)):
            self._pool = super().get_connection_with_tls_context(*asked)
            self._asked = asked
        return self._pool

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        response = super().build_response(req, resp)
        if isinstance(resp, BaseHTTPResponse):
            response.raw = _OwnBody(resp, self.in_hand.bounds)
        return response


def _bound_connections(manager: Any, in_hand: _InHand) -> None:
    """Let the pools of ``manager`` make connections that are bounded."""
    bounded = {}
    for scheme, pool in manager.pool_classes_by_scheme.items():
        connection = type(
            "BoundedConnection",
            (_BoundedConnection, pool.ConnectionCls),
            {"in_hand": in_hand},
        )
        bounded[scheme] = type("BoundedPool", (pool,), {"ConnectionCls": connection})
    manager.pool_classes_by_scheme = bounded


class _BoundedConnection(http.client.HTTPConnection):
    """Gives every step of a connection no more than the time that is left."""

    in_hand: _InHand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        answer: Any = partial(_BoundedAnswer, in_hand=self.in_hand)
        self.response_class = answer

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        self.in_hand.bounds.set_on(sock)
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()  # type: ignore[misc]
        self.in_hand.bounds.set_on(self.sock)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.in_hand.bounds.set_on(self.sock)  # for all the data, not for each packet
        super().send(data)


class _BoundedAnswer(http.client.HTTPResponse):
    """Reads no longer than the time that is left, and knows what is no whole answer."""

    def __init__(self, sock: Any, *args: Any, in_hand: _InHand, **kwargs: Any) -> None:
        self._file = _BoundedFile(sock, in_hand.bounds)
        super().__init__(cast(Any, self._file), *args, **kwargs)

    def begin(self, **kwargs: Any) -> None:
        super().begin(**kwargs)
        while self.status in _INTERIM:  # the answer itself is yet to come
            self.headers: Any = None
            super().begin(**kwargs)
        if self._file.at_end:  # within the headers
            self.close()
            raise http.client.IncompleteRead(b"")


class _BoundedFile(io.RawIOBase):
    """The socket's file, with the time that is left as the timeout of each read."""

    def __init__(self, sock: Any, bounds: Bounds) -> None:
        self._file, self._sock, self._bounds = sock.makefile("rb", 0), sock, bounds
        self.at_end = False

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What http.client reads from; it asks what it takes for a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._bounds.set_on(self._sock)
        size: int | None = self._file.readinto(buffer)
        self.at_end = size == 0
        return size

    def close(self) -> None:
        self._file.close()
        super().close()
