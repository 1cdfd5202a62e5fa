"""Values, URLs, responses and exceptions as text that is safe to show.

Every part of a log record, of the text of an exception and of the reasons of an
:class:`~httsleep.Attempt` that comes from outside is made here. The text is on one
line, limited in length, with control characters escaped. It has no userinfo, no query
values, no headers and no body, and of a foreign exception only the class.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from reprlib import Repr
from typing import Any
from urllib.parse import urlsplit

import requests

_MAX_LENGTH = 200  # characters
_repr = Repr()
_repr.maxlevel, _repr.maxdict, _repr.maxlist, _repr.maxtuple = 4, 8, 8, 8
_repr.maxset = _repr.maxfrozenset = 8
_repr.maxstring = _repr.maxother = 80
_repr.maxlong = 40


def one_line(text: str, max_length: int = _MAX_LENGTH) -> str:
    """Return the text on one line, shortened, with unprintable characters escaped."""
    line = text[: max_length + 1]
    if not line.isprintable():
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def safe_repr(value: Any) -> str:
    """Return the repr of a value on one line, shortened."""
    if isinstance(value, str) and len(value) <= _repr.maxstring:
        return repr(str(value))
    try:
        return one_line(_repr.repr(value))
    except Exception:  # of a foreign __repr__, or of an int of more than 4300 digits
        return f"<{type(value).__name__}>"


def redact_url(url: Any) -> str:
    """Return the URL without userinfo, query values and fragment."""
    try:
        parts = urlsplit(url if isinstance(url, str) else str(url, "utf-8"))
        is_unclear = parts.port == 0 or (not parts.netloc and "@" in str(url))
    except (TypeError, ValueError):
        parts, is_unclear = urlsplit(""), True
    if is_unclear:  # a password may be anywhere in the URL
        return "<no valid URL>"
    colon = "://" if parts.netloc or parts.path[:1] in ("", "/") else ":"
    scheme = parts.scheme and parts.scheme + colon
    pairs = [pair.partition("=") for pair in parts.query.split("&")]
    query = "&".join(f"{name}=…" if equals else "…" for name, equals, _ in pairs)
    query = f"?{query}" if parts.query else ""
    return one_line(scheme + parts.netloc.rpartition("@")[2] + parts.path + query)


def format_seconds(seconds: float) -> str:
    """Return a duration with its unit, rounded: ``2 s``, ``38.4 s``, ``500 ms``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def format_size(size: int) -> str:
    """Return a number of bytes with its unit: ``1 byte``, ``1.2 kB``."""
    for unit, bytes_ in (("MB", 1_000_000), ("kB", 1000)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def describe_body(response: requests.Response) -> str:
    """Return the kind and the size of the body: ``text/html, 1.2 kB``."""
    size = len(response.content)
    if not size:
        return "no body"
    kind = response.headers.get("Content-Type", "no Content-Type").partition(";")[0]
    return f"{one_line(kind.strip(), 60)}, {format_size(size)}"


def describe_status(response: requests.Response) -> str:
    """Return the status and its phrase: ``503 Service Unavailable``."""
    return f"{response.status_code} {one_line(str(response.reason or ''), 60)}".rstrip()


def describe_response(response: requests.Response) -> str:
    """Return the status, the kind of body and, after redirects, the URL."""
    text = f"{describe_status(response)}, {describe_body(response)}"
    if response.history:
        text += f", redirected to {redact_url(response.url)}"
    return text


#: The phrase for the first class that the exception or one of its causes belongs to.
_PHRASES: tuple[tuple[type[BaseException], str], ...] = (
    (http.client.RemoteDisconnected, "connection closed without an answer"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (socket.gaierror, "name not resolved"),
    (ssl.SSLCertVerificationError, "certificate not accepted"),
    (requests.exceptions.SSLError, "TLS failed"),
    (requests.exceptions.ProxyError, "proxy failed"),
    (requests.exceptions.ConnectTimeout, "connecting took too long"),
    (requests.exceptions.Timeout, "the answer took too long"),
    (requests.exceptions.ChunkedEncodingError, "body cut short"),
    (requests.exceptions.ContentDecodingError, "body cannot be decoded"),
    (requests.exceptions.TooManyRedirects, "too many redirects"),
    (requests.exceptions.InvalidProxyURL, "the proxy has no valid URL"),
    (requests.exceptions.InvalidURL, "no valid URL, perhaps of a redirect"),
    (
        requests.exceptions.InvalidSchema,
        "not supported, perhaps of a proxy or a redirect",
    ),
    (http.client.HTTPException, "not an HTTP answer"),
)


def causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield the exception and its causes, as requests and urllib3 nest them.

    ``__context__`` is not followed, because it may lead to an unrelated exception that
    the caller is handling.
    """
    todo, seen = [exc], set()
    while todo:
        exc = todo.pop()
        if id(exc) not in seen:
            seen.add(id(exc))
            yield exc
            nested = (exc.__cause__, getattr(exc, "reason", None), *exc.args)
            todo += [each for each in nested if isinstance(each, BaseException)]


def describe_exception(exc: BaseException) -> str:
    """Return the class of the exception, and a phrase that says what went wrong.

    The exception's own text is not shown: requests puts whole URLs into it.
    """
    name, chain = type(exc).__name__, list(causes(exc))
    for kind, phrase in _PHRASES:
        if any(isinstance(cause, kind) for cause in chain):
            return f"{name}: {phrase}"
    return name
