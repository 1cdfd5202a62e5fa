"""BoundedSession: a requests.Session with limits for each request as a whole.

Builds on public names only, which requests offers to subclasses: of ``Session``
``prepare_request()``, ``rebuild_auth()`` and ``get_redirect_target()``; of
``HTTPAdapter`` ``init_poolmanager()``, ``proxy_manager_for()``, ``build_response()``,
``get_connection_with_tls_context()``, ``build_connection_pool_key_attributes()``,
``request_url()``, ``cert_verify()``, ``send()`` and ``close()``. Of urllib3 it uses
``PoolManager.pools``, ``PoolKey.key_ssl_context``, and ``pool``, ``proxy`` and
``conn_kw`` of ``HTTPConnectionPool``.
"""

import os
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests import utils
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidURL, ReadTimeout, SSLError
from requests.utils import get_auth_from_url
from urllib3.util import ALPN_PROTOCOLS, resolve_cert_reqs
from urllib3.util.ssl_ import create_urllib3_context

from .checks import bad_argument, is_positive_int
from .connection import (
    TOO_LONG,
    bound_body,
    bound_pools,
    current_bounds,
    forget_last_request,
    is_unanswered_on_kept,
    only_new_connections,
)
from .failures import CUT_OFF_TLS, causes, without_tracebacks
from .formatting import as_text

_NO_URL = "the answer redirects to what is no URL"
_MAX_HOSTS = 10_000  # the pools of more hosts are closed, the least recently used first


class BoundedSession(requests.Session):
    """A :class:`requests.Session` that many sleepers and threads can share.

    ::

        with BoundedSession(pool_maxsize=100) as session:
            sleepers = [HttSleeper(url, status_code=200, session=session)
                        for url in urls]

    All limits hold on it as on a sleeper's own session. Its sleepers share connections,
    TLS contexts and cookies. Outside of a poll (``session.get(url, timeout=1)``) it has
    the timeouts and the sizes of a ``requests.Session``.

    There is one TLS context for each ``verify`` and ``cert``, which is made again when
    their files have changed. After a fork, the child has connections of its own.

    :param pool_maxsize: how many connections to each host are kept, an int from 1.
        Default 10. No request waits for a connection: each further one at the same time
        has a new connection, which is closed afterwards.
    :raises ValueError: for a ``pool_maxsize`` that is not an int from 1.
    """

    def __init__(self, pool_maxsize: int = 10) -> None:
        if not is_positive_int(pool_maxsize):
            instead = "give an int of at least 1"
            raise bad_argument("pool_maxsize", pool_maxsize, instead)
        super().__init__()
        adapter = _BoundedAdapter(_MAX_HOSTS, pool_maxsize)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Return the request as it is sent, with netrc if no credentials are named."""
        if not request.auth:
            auth = auth_before_netrc(request.url, request.headers, self)
            if auth is not None:
                request = copy(request)
                request.auth = auth
        return super().prepare_request(request)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where an answer redirects to; None if it does not.

        :raises requests.exceptions.InvalidURL: to what is no URL.
        """
        with suppress(ValueError):
            target = super().get_redirect_target(resp)
            if target is not None:
                _check_url(urljoin(resp.url, target))
            return target
        if resp.raw is not None:
            resp.close()
        # The request has no URL, because the one of the redirect is not valid.
        raise InvalidURL(_NO_URL, request=requests.PreparedRequest(), response=resp)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Let netrc count in a redirect only where the credentials may not be sent."""
        before, after = str(response.request.url), str(prepared_request.url)
        if self.should_strip_auth(before, after):
            super().rebuild_auth(prepared_request, response)


def _check_url(url: str) -> None:
    """Raise ValueError if requests or http.client would raise it for the URL."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port != 0 and host.isascii():
        host.encode("idna")


def auth_before_netrc(url: Any, headers: Any, session: Any) -> Any:
    """Return an ``auth`` that keeps the credentials of a request from those of netrc.

    requests looks at netrc although the request has an ``Authorization`` or its URL a
    password.

    :return: the user and the password of the URL, or a callable that keeps the header;
        ``None`` if the request has neither, or if the session has its own ``auth``.
    """
    if getattr(session, "auth", None):
        return None
    with suppress(ValueError):  # it is no URL, and requests will say so
        if any(user_and_password := get_auth_from_url(as_text(url))):
            return user_and_password
    named = _authorization(getattr(session, "headers", None), None)
    named = _authorization(headers, named)
    return None if named is None else keep_authorization


def _authorization(headers: Any, default: Any) -> Any:
    """Return the ``Authorization``, in whichever case its name is; or the default."""
    if isinstance(headers, Mapping):
        for name, value in headers.items():
            if as_text(name).lower() == "authorization":
                default = value
    return default


def keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return the request as it is."""
    return request


class ForeignSession(BoundedSession):
    """A session for other origins than the caller's, to which netrc does not go."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = keep_authorization

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Keep a redirect as it is: there are no credentials."""


#: When the files of a TLS context were changed.
_Versions = tuple[int, ...]


class _Tls(NamedTuple):
    """The TLS settings of a request, as requests reads them from verify and cert."""

    cert_reqs: str | None = None
    ca_certs: str | None = None
    ca_cert_dir: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    def versions(self) -> _Versions:
        """Return when each of the files was changed."""
        return tuple(os.stat(path).st_mtime_ns for path in self[1:] if path)

    def new_context(self) -> ssl.SSLContext:
        """Return a context that has read the files, and that no connection changes."""
        context = create_urllib3_context(cert_reqs=resolve_cert_reqs(self.cert_reqs))
        if self.ca_certs or self.ca_cert_dir:
            context.load_verify_locations(self.ca_certs, self.ca_cert_dir)
        if self.cert_file:
            # Without a password OpenSSL asks for it on the terminal.
            context.load_cert_chain(self.cert_file, self.key_file, password="")
        context.set_alpn_protocols(ALPN_PROTOCOLS)
        # urllib3 calls it for each connection, while other threads read what it frees.
        context.set_alpn_protocols = _do_nothing  # type: ignore[method-assign]
        return context


def _do_nothing(alpn_protocols: Iterable[str]) -> None:
    """Do nothing, because the context has these protocols already."""


class _BoundedAdapter(HTTPAdapter):
    """An adapter that makes bounded connections, and bounds the bodies of polls."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Begin without connections: when made, after unpickling, and after a fork."""
        super().init_poolmanager(*args, **kwargs)
        bound_pools(self.poolmanager)
        self.proxy_manager = {}
        self._contexts: dict[_Tls, tuple[_Versions, ssl.SSLContext]] = {}
        self._lock = threading.Lock()  # is held while a context is made
        self._last: tuple[Any, Any] | None = None  # what was asked for last, its pool
        self._last_target: tuple[Any, str] | None = None
        self._arguments = args, kwargs
        self._process = os.getpid()

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        bound_pools(manager)  # each time: another thread may have just made it
        return manager

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool of the last call if it was the same: that is much faster."""
        self._leave_connections_to_parent()
        context = self._context(request, verify, cert)
        key = (request.url, context, verify, cert, dict(proxies or {}))
        last = self._last  # is read once: another thread may replace it at any time
        if last is not None and last[0] == key and last[1].pool is not None:
            return last[1]
        pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
        self._last = key, pool
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        """Return the target of the last request if it was the same: that is faster."""
        key = (request.url, dict(proxies or {}))
        last = self._last_target
        if last is None or last[0] != key:
            self._last_target = last = key, super().request_url(request, proxies)
        return last[1]

    def _leave_connections_to_parent(self) -> None:
        """After a fork, begin without the connections of the parent process."""
        if self._process != os.getpid():
            args, kwargs = self._arguments
            self.init_poolmanager(*args, **kwargs)

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the host, and the TLS context in place of the files."""
        host, settings = super().build_connection_pool_key_attributes(
            request, verify, cert
        )
        context = self._context(request, verify, cert)
        return host, settings if context is None else {"ssl_context": context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Set the files of a pool only where it has no context that has read them.

        urllib3 would read them for each connection. It does so for a connection to a
        proxy over TLS within which there is another one to the server.
        """
        if conn.conn_kw.get("ssl_context") is None:
            super().cert_verify(conn, url, verify, cert)
        elif conn.proxy is not None and conn.proxy.scheme == "https":
            super().cert_verify(conn, url, verify, None)

    def _context(self, request: Any, verify: Any, cert: Any) -> ssl.SSLContext | None:
        """Return the context for a request; ``None`` if it goes to an http URL.

        :raises OSError: a file does not exist.
        :raises requests.exceptions.SSLError: a file cannot be used.
        """
        if not request.url.lower().startswith("https:"):
            return None
        if verify is True:  # requests 2.32.4 has a context of its own for that
            verify = utils.DEFAULT_CA_BUNDLE_PATH
        settings = SimpleNamespace()
        super().cert_verify(settings, request.url, verify, cert)
        tls = _Tls(**vars(settings))
        versions = tls.versions()
        context = self._made(tls, versions)
        if context is None:
            with self._lock:
                context = self._made(tls, versions)  # by another thread, meanwhile
                context = context or self._make(tls, versions, request)
        return context

    def _made(self, tls: _Tls, versions: _Versions) -> ssl.SSLContext | None:
        """Return the context if there is one of these versions of its files."""
        made_of, context = self._contexts.get(tls, (None, None))
        return context if made_of == versions else None

    def _make(self, tls: _Tls, versions: _Versions, request: Any) -> ssl.SSLContext:
        """Return a new context, and remove the pools of the one that it replaces."""
        try:
            context = tls.new_context()
        except OSError as exc:
            raise SSLError(exc, request=request) from exc
        _, replaced = self._contexts.get(tls, (None, None))
        self._contexts[tls] = (versions, context)
        for pools, key in self._pools():
            if replaced is not None and key.key_ssl_context is replaced:
                pools.pop(key, None)
        return context

    def _pools(self) -> Iterator[tuple[Any, Any]]:
        """Yield each pool, as the mapping that it is in and its key."""
        for manager in (self.poolmanager, *list(self.proxy_manager.values())):
            for key in manager.pools.keys():  # noqa: SIM118
                yield manager.pools, key

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        """Send the request; once more if a kept connection ends without an answer.

        A server may close a connection just as the next request is sent on it. Other
        connections of the pool may have ended as well, so the second try has a new one.
        """
        forget_last_request()
        try:
            return self._send_once(request, stream, timeout, *args, **kwargs)
        except requests.exceptions.ConnectionError as exc:
            is_stale = is_unanswered_on_kept() and _has_ended(exc)
            if not is_stale or not _is_repeatable(request):
                raise
            without_tracebacks(exc)
        with only_new_connections():
            return self._send_once(request, stream, timeout, *args, **kwargs)

    def _send_once(
        self,
        request: requests.PreparedRequest,
        stream: bool,
        timeout: Any,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        """Send the request; in a poll, with no more than the time that is left."""
        if (bounds := current_bounds()) is not None:
            if bounds.seconds_left() <= 0:  # redirects have taken it
                raise ReadTimeout(TOO_LONG)
            timeout = bounds.shorten(timeout)
        return super().send(request, stream, timeout, *args, **kwargs)

    def build_response(
        self, req: requests.PreparedRequest, resp: Any
    ) -> requests.Response:
        """Return the response; in a poll, whatever reads its body is bounded."""
        if (bounds := current_bounds()) is not None:
            bounds.opened.append(resp)
            bound_body(resp)
        try:
            return super().build_response(req, resp)
        except AttributeError:  # of requests before 2.33: "charset" has no value
            if "charset" not in resp.headers.get("Content-Type", "").lower():
                raise
        return self._without_charset(req, resp)

    def _without_charset(
        self, req: requests.PreparedRequest, resp: Any
    ) -> requests.Response:
        """Return the response, built as if its Content-Type had no parameters."""
        content_type = resp.headers["Content-Type"]
        resp.headers["Content-Type"] = content_type.partition(";")[0]
        response = super().build_response(req, resp)
        resp.headers["Content-Type"] = response.headers["Content-Type"] = content_type
        return response

    def close(self) -> None:
        """Close the connections now.

        requests only lets go of them, so that they stay open as long as a response is
        referenced.
        """
        self._leave_connections_to_parent()
        self._last = self._last_target = None
        self._contexts.clear()
        for pools, key in self._pools():
            with suppress(KeyError):  # another thread has removed it
                pools[key].close()
        super().close()


def _has_ended(exc: Exception) -> bool:
    """Return whether the server has closed the connection."""
    ends = (ConnectionError, *CUT_OFF_TLS)
    return any(isinstance(cause, ends) for cause in causes(exc))


def _is_repeatable(request: requests.PreparedRequest) -> bool:
    """Return whether a request has no effect at the server, and can be sent again."""
    bounds = current_bounds()
    if request.method == "OPTIONS" and bounds is not None and bounds.is_submit:
        return False
    is_safe = request.method in ("GET", "HEAD", "OPTIONS")
    return is_safe and isinstance(request.body, (str, bytes, type(None)))
