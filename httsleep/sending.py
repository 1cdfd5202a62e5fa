"""One request: what is sent, bounded in time and size, and which failures may happen.

Builds on public names of requests and urllib3 only: ``Session.request`` and ``send``
with ``stream=True``, ``Response.raw``, ``HTTPResponse.read1`` and ``connection``.
"""

import builtins
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from json import dumps
from typing import Any

import requests
from requests.exceptions import ChunkedEncodingError, SSLError
from requests.structures import CaseInsensitiveDict
from urllib3 import BaseHTTPResponse

from .conditions import Ignores, copied
from .exceptions import Alarm, BodyTooLarge, GaveUp
from .words import refusal, related, shown, shown_url

#: A Request, or the URL of a GET.
UrlOrRequest = str | requests.Request
#: Seconds that are left for the request, from one clock for its whole length.
Left = Callable[[], float]

_FIELDS = (
    *("method", "url", "headers", "files", "data"),
    *("params", "auth", "cookies", "hooks", "json"),
)
_SETTINGS = (
    *("headers", "auth", "params", "proxies"),
    *("hooks", "verify", "cert", "trust_env"),
)
_LONGEST = 4_000_000.0  # seconds; urllib3's wrap around at 2**32 milliseconds
_CHUNK = 2**18  # half the time of requests' 10 kB with large bodies
_TOO_LONG = "the request took too long"


def own_request(
    url_or_request: Any, auth: Any, headers: Any, *, absolute: bool
) -> requests.Request:
    """A Request of our own for what the caller gave, checked as far as it can be.

    With ``absolute`` the URL must be one that a plain session can fetch; a session of
    the caller's may complete or interpret it in its own way.
    """
    if isinstance(url_or_request, str):
        url_or_request = requests.Request("GET", url_or_request)
    if not isinstance(url_or_request, requests.Request):
        right = f"give a URL or a requests.Request, not a {_kind(url_or_request)}"
        raise ValueError(f"url_or_request cannot be used: {right}")
    fields = {name: copied(getattr(url_or_request, name)) for name in _FIELDS}
    if auth is not None:
        fields["auth"] = auth
    for each in (headers or {}, fields["headers"]):
        if not isinstance(each, Mapping):
            raise ValueError(f"headers must be a dict, not a {_kind(each)}")
    if headers is not None:
        on_top = CaseInsensitiveDict(fields["headers"])
        on_top.update(headers)
        fields["headers"] = dict(on_top)
    _check_auth(fields["auth"])
    _check_headers(fields["headers"])
    _check_body(fields)
    request = requests.Request(**fields)
    if not request.method or not isinstance(request.method, str):
        raise ValueError("url_or_request has no method: give one, such as 'GET'")
    if not request.url or not isinstance(request.url, (str, bytes)):
        raise ValueError("url_or_request has no URL")
    if absolute:
        _check_url(request)
    return request


def _kind(value: Any) -> str:
    """All that may be said of a value that could hold a secret."""
    return type(value).__name__


def _check_auth(auth: Any) -> None:
    pair = isinstance(auth, tuple) and len(auth) == 2
    if auth is not None and not pair and not callable(auth):
        right = "give a (user, password) tuple or a callable such as an AuthBase"
        raise ValueError(f"auth is a {_kind(auth)}: {right}")


def _check_headers(headers: Mapping[Any, Any]) -> None:
    for name, value in headers.items():
        if value is not None:  # None takes a header of the session away
            try:
                requests.utils.check_header_validity((name, value))
            except requests.exceptions.InvalidHeader:
                right = "names and values are str or bytes on one line"
                raise ValueError(f"headers: {shown(name)}: {right}") from None


def _check_url(request: requests.Request) -> None:
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(request.url or "", request.params)
    except (ValueError, TypeError) as exc:
        right = "give a whole URL such as 'http://server/endpoint'"
        text = f"url_or_request: {shown_url(request.url)!r} is no URL to poll"
        raise ValueError(f"{text} ({type(exc).__name__}): {right}") from None
    if not str(prepared.url).lower().startswith(("http://", "https://")):
        text = f"url_or_request: {shown_url(request.url)!r} is not http or https"
        raise ValueError(text)


def _check_body(fields: Mapping[str, Any]) -> None:
    """Refuse what can be sent only once, or never."""
    for name in ("data", "params", "files"):
        if any(map(_once_only, _parts(fields[name]))):
            right = "give bytes, for each poll sends it again"
            text = f"url_or_request: its {name} can be sent only once"
            raise ValueError(f"{text}: {right}")
    try:
        dumps(fields["json"], allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        text = f"url_or_request: its json cannot be sent ({type(exc).__name__})"
        raise ValueError(text) from None


def _once_only(part: Any) -> bool:
    return isinstance(part, Iterator) or hasattr(part, "read")


def _parts(value: Any) -> Iterable[Any]:
    """``value`` and what it is made of, as deep as requests looks."""
    yield value
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _parts(each)


def sending_options(verify: Any) -> dict[str, Any]:
    """The keyword arguments for sending that the caller has set: ``{}`` or verify."""
    if verify is None:
        return {}
    if not isinstance(verify, (bool, str, os.PathLike)):
        right = "give True, False, or the path of a CA bundle"
        raise refusal("verify", verify, right)
    if not isinstance(verify, bool) and not os.path.exists(verify):
        raise refusal("verify", verify, "there is no such file or directory")
    return {"verify": verify}


class Sender:
    """How the requests of one run are sent."""

    def __init__(
        self,
        session: requests.Session,
        request: requests.Request,
        *,
        own: bool,
        options: Mapping[str, Any],
        allow_redirects: bool,
        max_body_size: int | None,
    ) -> None:
        self._session = session
        self._fields = {name: getattr(request, name) for name in _FIELDS}
        self._own = own
        self._options = options
        self._allow_redirects = allow_redirects
        self._max_body_size = max_body_size
        self._prepared: requests.PreparedRequest | None = None
        self._prepared_for: dict[str, Any] = {}
        self._environment: Mapping[str, Any] = {}

    def send(self, left: Left) -> requests.Response:
        """Send the request and return the answer, read to its end.

        :param left: the seconds that are left, asked again for each read.
        :raises requests.exceptions.RequestException: what went wrong;
            ``ReadTimeout`` or ``ConnectTimeout`` for all that took too long.
        :raises BodyTooLarge: for a body of more than ``max_body_size`` bytes.
        """
        try:
            response = self._head(_socket_timeout(left()))
            self._read(response, left)
        except requests.exceptions.ConnectionError as exc:
            # A stalled upload or body is a plain ConnectionError for requests.
            if left() > 0 or isinstance(exc, requests.exceptions.Timeout):
                raise
            raise requests.exceptions.ReadTimeout(_TOO_LONG) from exc
        return response

    def _head(self, timeout: float) -> requests.Response:
        """The answer up to its body."""
        options: dict[str, Any] = {
            "timeout": timeout,
            "allow_redirects": self._allow_redirects,
        }
        if self._constant():
            return self._session.send(self._ready(), **options, **self._environment)
        fields = copied(self._fields)  # what a Session writes into is its own
        options |= {"stream": True, **self._options}
        return self._session.request(**fields, **options)

    def _constant(self) -> bool:
        """Whether each poll would prepare the same request again."""
        session, fields = self._session, self._fields
        return (
            self._own
            and not (session.cookies or fields["cookies"])
            and not (callable(session.auth) or callable(fields["auth"]))
            and not (session.hooks["response"] or fields["hooks"]["response"])
            and isinstance(fields["data"], (str, bytes, dict, list, type(None)))
        )

    def _ready(self) -> requests.PreparedRequest:
        """The prepared request, made anew if the session is not as it was then."""
        session = self._session
        settings = {name: _snapshot(getattr(session, name)) for name in _SETTINGS}
        if self._prepared is None or settings != self._prepared_for:
            self._prepared = session.prepare_request(requests.Request(**self._fields))
            self._environment = session.merge_environment_settings(
                self._prepared.url or "", {}, True, self._options.get("verify"), None
            )
            self._prepared_for = settings
        return self._prepared

    def _read(self, response: requests.Response, left: Left) -> None:
        """Read the body, as long as there is time and room for it."""
        raw, most = response.raw, self._max_body_size
        try:
            if response.status_code < 200:
                # Not final (RFC 9110 §15.2): what follows must not be taken for the
                # answer to the next poll.
                response.close()
            if isinstance(raw, BaseHTTPResponse):
                response.raw = _Bounded(raw, left, most)
            size = len(response.content)
            if most is not None and size > most:  # an adapter that is not urllib3's
                raise BodyTooLarge(most)
        except BaseException:
            if raw is not None:
                raw.close()
            raise
        finally:
            response.raw = raw


class _Bounded:
    """A urllib3 response whose ``stream()`` ends when time or room does."""

    def __init__(self, raw: BaseHTTPResponse, left: Left, most: int | None) -> None:
        self._raw, self._left, self._most = raw, left, most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amt: int = _CHUNK, decode_content: bool = True) -> Iterator[bytes]:
        """The decoded body in the pieces in which it arrives."""
        size, read1 = 0, self._raw.read1
        while True:
            left = self._left()
            if left <= 0:
                raise requests.exceptions.ReadTimeout(_TOO_LONG)
            if sock := getattr(self._raw.connection, "sock", None):
                sock.settimeout(_socket_timeout(left))
            data = read1(_CHUNK, decode_content=decode_content)
            if not data:
                return
            size += len(data)
            if self._most is not None and size > self._most:
                raise BodyTooLarge(self._most)
            yield data


def _snapshot(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _socket_timeout(left: float) -> float:
    """``left`` seconds as a timeout that sockets take: above 0, and not too long."""
    return min(max(left, 0.001), _LONGEST)


#: What the builtins stand for: nothing that requests raises is one of them.
_BUILTINS: Mapping[type[Exception], tuple[type[Exception], ...]] = {
    builtins.ConnectionError: (
        requests.exceptions.ConnectionError,
        ChunkedEncodingError,
    ),
    builtins.TimeoutError: (requests.exceptions.Timeout,),
}


def ignoring(ignore_exceptions: Any) -> tuple[tuple[type[Exception], ...], Ignores]:
    """The classes that were given as a tuple, and whether an exception is ignored."""
    one = isinstance(ignore_exceptions, (type, str))
    if ignore_exceptions is None:
        given: tuple[Any, ...] = ()
    elif isinstance(ignore_exceptions, Iterable) and not one:
        given = tuple(ignore_exceptions)
    else:
        given = (ignore_exceptions,)
    for each in given:
        if not (isinstance(each, type) and issubclass(each, Exception)):
            right = "give Exception or classes derived from it"
            raise refusal("ignore_exceptions", each, right)
    broken = tuple(each for kind in given for each in _BUILTINS.get(kind, ()))

    def ignores(exc: Exception) -> bool:
        if isinstance(exc, (Alarm, GaveUp)):  # of a wait within a callback
            return False
        if isinstance(exc, given):
            return True
        return isinstance(exc, broken) and not isinstance(exc, SSLError)

    return given, ignores


def without_tracebacks(exc: Exception) -> Exception:
    """``exc``, no longer holding on to the frames, and so the answers, of its past."""
    for each in list(related(exc)):
        each.__traceback__ = each.__context__ = None
    return exc
