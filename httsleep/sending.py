"""Sends the request of one poll, bounded in time and in size."""

from collections.abc import Mapping
from typing import Any

import requests

from .conditions import copy_containers
from .connection import TOO_LONG, Bounds, SecondsLeft, bound_body, bounded
from .exceptions import BodyTooLarge
from .failures import causes, socks_error
from .request import FIELDS
from .session import BoundedSession, auth_before_netrc


class Sender:
    """Sends the requests of one wait.

    :param session: a session; a ``BoundedSession`` keeps all of the limits, another one
        those of the body and what its own timeouts can do.
    :param request: a checked copy of the caller's request.
    :param options: the keyword arguments for sending that the caller has set.
    :param max_body_size: the number of bytes of decoded body that are read at most, or
        ``None`` for no limit.
    """

    def __init__(
        self,
        session: requests.Session,
        request: requests.Request,
        *,
        options: Mapping[str, Any],
        allow_redirects: bool,
        max_body_size: int | None,
    ) -> None:
        self._session = session
        self._fields = {name: getattr(request, name) for name in FIELDS}
        self._options = options
        self._allow_redirects = allow_redirects
        self._max_body_size = max_body_size
        self._reusable = _ReusableRequest(session, self._fields, options)

    def send(self, seconds_left: SecondsLeft) -> requests.Response:
        """Send the request and return the response, with its body read.

        :param seconds_left: returns the seconds that are left; it is asked again for
            each step.
        :raises requests.exceptions.RequestException: the error of requests;
            ``ReadTimeout`` or ``ConnectTimeout`` for everything that took too long.
        :raises BodyTooLarge: a body has more than ``max_body_size`` bytes.
        """
        bounds = Bounds(seconds_left, self._max_body_size)
        try:
            with bounded(bounds):
                response = self._open(bounds.timeout())
                self._read(response)
        except requests.exceptions.ConnectionError as exc:
            # To requests, an upload or a body that stalls is a plain ConnectionError.
            if seconds_left() > 0 or isinstance(exc, requests.exceptions.Timeout):
                raise
            raise requests.exceptions.ReadTimeout(TOO_LONG) from exc
        return response

    def _open(self, timeout: float) -> requests.Response:
        """Send the request and return the response, with its body unread."""
        options: dict[str, Any] = {
            "timeout": timeout,
            "allow_redirects": self._allow_redirects,
        }
        if self._reusable.can_reuse():
            prepared, environment = self._reusable.prepared_request()
            return self._session.send(prepared, **options, **environment)
        fields = copy_containers(self._fields)  # a session may write into its arguments
        if not fields["auth"]:
            url, headers = fields["url"], fields["headers"]
            fields["auth"] = auth_before_netrc(url, headers, self._session)
        options |= {"stream": True, **self._options}
        return self._session.request(**fields, **options)

    def _read(self, response: requests.Response) -> None:
        """Read the body within the bounds."""
        limit = self._max_body_size
        try:
            if response.status_code < 200:
                # It is not final (RFC 9110 §15.2): the next poll must not take what
                # follows for its own answer.
                response.close()
            bound_body(response.raw)
            size = len(response.content)
            if limit is not None and size > limit:  # of an adapter without urllib3
                raise BodyTooLarge(limit)
        except BaseException:
            if response.raw is not None:
                response.raw.close()
            raise


class _ReusableRequest:
    """The request as a BoundedSession prepares it, while nothing can change it.

    Preparing it anew costs about a third of a poll. A session of another kind has its
    ``request()`` called for each poll.
    """

    def __init__(
        self,
        session: requests.Session,
        fields: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        self._session, self._fields, self._options = session, fields, options
        self._is_constant = isinstance(session, BoundedSession) and not (
            fields["cookies"]
            or fields["hooks"]["response"]
            or callable(fields["auth"])
            or not isinstance(fields["data"], (str, bytes, dict, list, type(None)))
        )
        self._prepared: requests.PreparedRequest | None = None
        self._prepared_for: tuple[Any, ...] = ()
        self._environment: Mapping[str, Any] = {}

    def can_reuse(self) -> bool:
        """Return whether each poll would prepare the same request again."""
        session = self._session
        return self._is_constant and not (
            session.cookies or session.hooks["response"] or callable(session.auth)
        )

    def prepared_request(self) -> tuple[requests.PreparedRequest, Mapping[str, Any]]:
        """Return the prepared request, and the environment's settings for sending it.

        It is prepared again after a change of the session's settings.
        """
        settings = self._settings()
        if self._prepared is None or settings != self._prepared_for:
            request = requests.Request(**self._fields)
            self._prepared = self._session.prepare_request(request)
            self._environment = self._session.merge_environment_settings(
                self._prepared.url or "", {}, True, self._options.get("verify"), None
            )
            self._prepared_for = settings
        return self._prepared, self._environment

    def _settings(self) -> tuple[Any, ...]:
        """Return the settings of the session that go into a prepared request."""
        session = self._session
        mappings: Any = (session.headers, session.params, session.proxies)
        return (
            *(session.auth, session.verify, session.cert, session.trust_env),
            *map(dict, mappings),
        )


def without_tracebacks(exc: Exception) -> Exception:
    """Remove tracebacks and contexts, which keep frames and responses alive.

    :return: the same exception.
    """
    for each in list(causes(exc)):
        each.__traceback__, each.__context__ = None, socks_error(each)
    return exc
