"""One request: what is sent, bounded in time and size, and which failures may happen.

Builds on public names of requests only: ``Session.request`` and ``send`` with
``stream=True``, and ``Response.raw``.
"""

from collections.abc import Mapping
from typing import Any

import requests
from urllib3 import BaseHTTPResponse

from .bounded import TOO_LONG, BoundedBody, BoundedSession, Bounds, Left
from .conditions import copy_containers
from .exceptions import BodyTooLarge
from .formatting import causes
from .request import FIELDS

_NO_URL = "the answer redirects to what is no URL"


class Sender:
    """How the requests of one run are sent."""

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
        self._own_session = session if isinstance(session, BoundedSession) else None
        self._plain = self._own_session is not None and not (
            request.cookies
            or request.hooks["response"]
            or callable(request.auth)
            or not isinstance(request.data, (str, bytes, dict, list, type(None)))
        )
        self._options = options
        self._allow_redirects = allow_redirects
        self._max_body_size = max_body_size
        self._prepared: requests.PreparedRequest | None = None
        self._prepared_for: tuple[Any, ...] = ()
        self._environment: Mapping[str, Any] = {}

    def send(self, left: Left) -> requests.Response:
        """Send the request and return the answer, read to its end.

        :param left: the seconds that are left, asked again for each read.
        :raises requests.exceptions.RequestException: what went wrong;
            ``ReadTimeout`` or ``ConnectTimeout`` for all that took too long.
        :raises BodyTooLarge: for a body of more than ``max_body_size`` bytes.
        """
        bounds = Bounds(left, self._max_body_size)
        try:
            if self._own_session is not None:
                self._own_session.bound(bounds)
            response = self._head(bounds.timeout())
            self._read(response, bounds)
        except requests.exceptions.ConnectionError as exc:
            # A stalled upload or body is a plain ConnectionError for requests.
            if left() > 0 or isinstance(exc, requests.exceptions.Timeout):
                raise
            raise requests.exceptions.ReadTimeout(TOO_LONG) from exc
        except ValueError as exc:
            foreign = self._own_session is None or callable(self._fields["auth"])
            if foreign or isinstance(exc, requests.exceptions.RequestException):
                raise
            # The request was checked: only a redirect can have brought this about.
            raise requests.exceptions.InvalidURL(_NO_URL) from None
        finally:
            bounds.lift()
        return response

    def _head(self, timeout: float) -> requests.Response:
        """The answer up to its body."""
        options: dict[str, Any] = {
            "timeout": timeout,
            "allow_redirects": self._allow_redirects,
        }
        if self._constant():
            return self._session.send(self._ready(), **options, **self._environment)
        fields = copy_containers(self._fields)  # what a Session writes into is its own
        options |= {"stream": True, **self._options}
        return self._session.request(**fields, **options)

    def _constant(self) -> bool:
        """Whether each poll would prepare the same request again."""
        session = self._session
        return self._plain and not (
            session.cookies or session.hooks["response"] or callable(session.auth)
        )

    def _ready(self) -> requests.PreparedRequest:
        """The prepared request, made anew if the session is not as it was then."""
        session = self._session
        mappings: Any = (session.headers, session.params, session.proxies)
        settings: tuple[Any, ...] = (
            *(session.auth, session.verify, session.cert, session.trust_env),
            *map(dict, mappings),
        )
        if self._prepared is None or settings != self._prepared_for:
            self._prepared = session.prepare_request(requests.Request(**self._fields))
            self._environment = session.merge_environment_settings(
                self._prepared.url or "", {}, True, self._options.get("verify"), None
            )
            self._prepared_for = settings
        return self._prepared

    def _read(self, response: requests.Response, bounds: Bounds) -> None:
        """Read the body, as long as there is time and room for it."""
        raw, most = response.raw, bounds.most
        try:
            if response.status_code < 200:
                # Not final (RFC 9110 §15.2): what follows must not be taken for the
                # answer to the next poll.
                response.close()
            if isinstance(raw, BaseHTTPResponse):  # of a session of the caller's
                response.raw = BoundedBody(raw, bounds)
            size = len(response.content)
            if most is not None and size > most:  # an adapter that is not urllib3's
                raise BodyTooLarge(most)
        except BaseException:
            if raw is not None:
                raw.close()
            raise
        finally:
            response.raw = raw.raw if isinstance(raw, BoundedBody) else raw


def without_tracebacks(exc: Exception) -> Exception:
    """``exc``, no longer holding on to the frames, and so the answers, of its past."""
    for each in list(causes(exc)):
        each.__traceback__ = each.__context__ = None
    return exc
