"""Sends the request of one poll, bounded in time and in size."""

from collections.abc import Mapping
from typing import Any

import requests
from requests.utils import get_netrc_auth

from .conditions import copy_containers
from .connection import TOO_LONG, Bounds, SecondsLeft, bound_body, bounded
from .exceptions import BodyTooLarge
from .follow import Route
from .formatting import as_text, body_of
from .request import copied_fields
from .session import (
    BoundedSession,
    ForeignSession,
    auth_before_netrc,
    keep_authorization,
)


class Sender:
    """Sends the requests of one wait.

    :param session: a session; a ``BoundedSession`` keeps all of the limits, another one
        those of the body and what its own timeouts can do.
    :param request: a checked copy of the caller's request.
    :param options: the keyword arguments for sending that the caller has set.
    :param max_body_size: the number of bytes of decoded body that are read at most, or
        ``None`` for no limit.
    :param route: what may be sent to a URL that an answer has named; ``None`` if no
        answer names one.
    """

    def __init__(
        self,
        session: requests.Session,
        request: requests.Request,
        *,
        options: Mapping[str, Any],
        allow_redirects: bool,
        max_body_size: int | None,
        route: Route | None = None,
    ) -> None:
        self._home_session = session
        self._foreign_session: ForeignSession | None = None  # is made when it is needed
        self._options = options
        self._allow_redirects = allow_redirects
        self._max_body_size = max_body_size
        self._route = route
        self._url: str | None = None
        self._use(session, request)

    def _use(self, session: requests.Session, request: requests.Request) -> None:
        """Send this request from now on."""
        self._session = session
        self._fields = copied_fields(request)
        self._prepared = _PreparedRequest(session, self._fields, self._options)

    def _turn_to(self, route: Route, url: str) -> None:
        """Send a GET to a URL that an answer has named from now on."""
        self._url = url
        if route.is_home(url):
            session = self._home_session
            self._use(session, route.home_request(url, session))
            return
        if self._foreign_session is None:
            self._foreign_session = ForeignSession()
            # A test double of a session may have anything there.
            trust_env = getattr(self._home_session, "trust_env", True)
            self._foreign_session.trust_env = trust_env is not False
        self._use(self._foreign_session, requests.Request("GET", url))

    def close(self) -> None:
        """Close the session for other origins, and clear its cookies."""
        if self._foreign_session is not None:
            self._foreign_session.cookies.clear()
            self._foreign_session.close()

    def send(
        self, seconds_left: SecondsLeft, url: str | None = None
    ) -> requests.Response:
        """Send the request and return the response, with its body read.

        :param seconds_left: returns the seconds that are left; it is asked again for
            each step.
        :param url: the URL that an answer has named; ``None`` for the caller's request.
        :raises requests.exceptions.RequestException: the error of requests;
            ``ReadTimeout`` or ``ConnectTimeout`` for everything that took too long.
        :raises BodyTooLarge: a body has more than ``max_body_size`` bytes.
        """
        if url != self._url and url is not None and self._route is not None:
            self._turn_to(self._route, url)
        is_submit = url is None and self._route is not None and self._route.submits
        bounds = Bounds(seconds_left, self._max_body_size, is_submit=is_submit)
        try:
            with bounded(bounds):
                response = self._open(bounds.timeout())
                self._read(response)
        except requests.exceptions.ConnectionError as exc:
            # To requests, an upload or a body that stalls is a plain ConnectionError.
            if seconds_left() > 0 or isinstance(exc, requests.exceptions.Timeout):
                raise
            raise _timeout(exc) from None
        return response

    def _open(self, timeout: float) -> requests.Response:
        """Send the request and return the response, with its body unread."""
        options: dict[str, Any] = {
            "timeout": timeout,
            "allow_redirects": self._allow_redirects,
        }
        if _is_unchanged(self._session):
            prepared, environment = self._prepared.of_next_poll()
            return self._session.send(prepared, **options, **environment)
        fields = copy_containers(self._fields)  # a session may write into its arguments
        if not fields["auth"]:
            url, headers = fields["url"], fields["headers"]
            fields["auth"] = auth_before_netrc(url, headers, self._session)
        options |= {"stream": True, **self._options}
        return self._session.request(**fields, **options)

    def _read(self, response: requests.Response) -> None:
        """Read the body within the bounds; a test double may have neither."""
        limit, raw = self._max_body_size, getattr(response, "raw", None)
        try:
            if response.status_code < 200:
                # It is not final (RFC 9110 §15.2): the next poll must not take what
                # follows for its own answer.
                response.close()
            bound_body(raw)
            size = len(body_of(response))
            if limit is not None and size > limit:  # of an adapter without urllib3
                raise BodyTooLarge(limit)
        except BaseException:
            if raw is not None:
                raw.close()
            raise


def _timeout(reason: Exception) -> requests.exceptions.ReadTimeout:
    """Return the error for a request that took too long; it holds its reason."""
    timeout = requests.exceptions.ReadTimeout(TOO_LONG)
    vars(timeout)["reason"] = reason
    return timeout


# What requests has when it is imported: a test can patch it later.
_REQUEST = requests.Session.request
_PREPARE_REQUEST = requests.Session.prepare_request
_SEND = requests.Session.send


def _is_unchanged(session: requests.Session) -> bool:
    """Return whether ``request()`` of a session is no more than prepare and send.

    A subclass, or a test, may have another one, which is called for each poll.
    """
    kind = type(session)
    return (
        isinstance(session, BoundedSession)
        and "request" not in vars(session)
        and kind.request is _REQUEST
        and kind.prepare_request is BoundedSession.prepare_request
        and requests.Session.prepare_request is _PREPARE_REQUEST
        and kind.send is _SEND
    )


def _computes(auth: Any) -> bool:
    """Return whether an ``auth`` may be another one for each poll."""
    return callable(auth) and auth is not keep_authorization


class _PreparedRequest:
    """The request as a BoundedSession prepares it, with netrc and environment.

    Preparing it anew costs about a third of a poll, so it is used again while nothing
    can change it. netrc and environment are read for the first poll of a wait.
    """

    def __init__(
        self,
        session: requests.Session,
        fields: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        self._session, self._fields, self._options = session, fields, options
        self._is_constant = not (
            fields["cookies"]
            or fields["hooks"]["response"]
            or _computes(fields["auth"])
            or not isinstance(fields["data"], (str, bytes, dict, list, type(None)))
        )
        self._prepared: requests.PreparedRequest | None = None
        self._prepared_for: tuple[Any, ...] = ()
        self._environment: Mapping[str, Any] = {}
        self._netrc: Any = None  # a pair, or a callable that does nothing

    def of_next_poll(self) -> tuple[requests.PreparedRequest, Mapping[str, Any]]:
        """Return the prepared request, and the environment's settings for sending it.

        It is prepared again after a change of the session's settings.
        """
        settings, prepared = self._settings(), self._prepared
        is_changed, can_reuse = settings != self._prepared_for, self._can_reuse()
        if prepared is None or is_changed or not can_reuse:
            prepared = self._session.prepare_request(self._request())
            self._prepared = prepared if can_reuse else None
        if is_changed:
            self._environment = self._session.merge_environment_settings(
                prepared.url or "", {}, True, self._options.get("verify"), None
            )
            self._prepared_for = settings
        return prepared, self._environment

    def _can_reuse(self) -> bool:
        """Return whether each poll would prepare the same request again."""
        session = self._session
        return self._is_constant and not (
            session.cookies or session.hooks["response"] or _computes(session.auth)
        )

    def _request(self) -> requests.Request:
        """Return the request; if no credentials are named, with those of netrc."""
        request = requests.Request(**copy_containers(self._fields))
        session = self._session
        if not request.auth and not session.auth and session.trust_env:
            if self._netrc is None:
                self._netrc = get_netrc_auth(as_text(request.url)) or keep_authorization
            named = auth_before_netrc(request.url, request.headers, session)
            request.auth = named or self._netrc
        return request

    def _settings(self) -> tuple[Any, ...]:
        """Return the settings of the session that go into a prepared request."""
        session = self._session
        mappings: Any = (session.headers, session.params, session.proxies)
        return (
            *(session.auth, session.verify, session.cert, session.trust_env),
            *map(dict, mappings),
        )
