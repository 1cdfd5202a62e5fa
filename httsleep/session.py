"""BoundedSession: a requests.Session with limits for each request as a whole.

Builds on public names only, which requests offers to subclasses: of ``Session``
``prepare_request()``, ``rebuild_auth()`` and ``get_redirect_target()``; of
``HTTPAdapter`` ``init_poolmanager()``, ``proxy_manager_for()``, ``build_response()``,
``get_connection_with_tls_context()``, ``send()`` and ``close()``. Of urllib3 it uses
``PoolManager.pools`` and ``HTTPConnectionPool.pool``.
"""

from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidURL, ReadTimeout
from requests.utils import get_auth_from_url

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


class BoundedSession(requests.Session):
    """A session on which the bounds of a poll apply to each step of its requests.

    Outside of a poll it has the timeouts and the sizes of a ``requests.Session``.
    """

    def __init__(self) -> None:
        super().__init__()
        adapter = _BoundedAdapter()
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

    def rebuild_auth(self, *_: Any) -> None:
        """Keep a redirect as it is: there are no credentials."""


class _BoundedAdapter(HTTPAdapter):
    """An adapter that makes bounded connections, and bounds the bodies of polls."""

    _last: tuple[Any, Any] | None = None  # what was asked for last, and its pool

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        bound_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        bound_pools(manager)  # each time: another thread may have just made it
        return manager

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool of the last call if it was the same: that is much faster."""
        key = (request.url, verify, cert, dict(proxies or {}))
        last = self._last  # is read once: another thread may replace it at any time
        if last is not None and last[0] == key and last[1].pool is not None:
            return last[1]
        pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
        self._last = (key, pool)
        return pool

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
        self._last = None
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118
                with suppress(KeyError):  # another thread has removed it
                    manager.pools[key].close()
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
