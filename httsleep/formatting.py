"""Values, URLs, answers and failures put into words that are safe to show.

Whatever ends in a log, an exception or :class:`~httsleep.Attempt` goes through here:
bounded in length, on one line, escaped where a terminal would obey it, and without
userinfo, query values, headers, bodies or the text of an exception that is not ours.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from reprlib import Repr
from typing import Any
from urllib.parse import urlsplit

import requests

_LONGEST = 200
_repr = Repr()
_repr.maxlevel, _repr.maxdict, _repr.maxlist, _repr.maxtuple = 4, 8, 8, 8
_repr.maxset = _repr.maxfrozenset = 8
_repr.maxstring = _repr.maxother = 80
_repr.maxlong = 40


def one_line(text: str, longest: int = _LONGEST) -> str:
    """``text`` on one line of at most ``longest`` characters, nothing unprintable."""
    line = text[: longest + 1]
    if not line.isprintable():
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def safe_repr(value: Any) -> str:
    """The repr of ``value``, bounded: what the user compares with what was expected."""
    if isinstance(value, str) and len(value) <= _repr.maxstring:
        return repr(str(value))
    try:
        return one_line(_repr.repr(value))
    except Exception:  # a foreign __repr__, or an int of more than 4300 digits
        return f"<{type(value).__name__}>"


def redact_url(url: Any) -> str:
    """``url`` without userinfo, query values and fragment."""
    try:
        parts = urlsplit(url if isinstance(url, str) else str(url, "utf-8"))
        misread = parts.port == 0 or (not parts.netloc and "@" in str(url))
    except (TypeError, ValueError):
        parts, misread = urlsplit(""), True
    if misread:  # a password may be anywhere in it
        return "<no valid URL>"
    colon = "://" if parts.netloc or parts.path[:1] in ("", "/") else ":"
    scheme = parts.scheme and parts.scheme + colon
    pairs = [pair.partition("=") for pair in parts.query.split("&")]
    query = "&".join(f"{name}=…" if equals else "…" for name, equals, _ in pairs)
    query = f"?{query}" if parts.query else ""
    return one_line(scheme + parts.netloc.rpartition("@")[2] + parts.path + query)


def format_seconds(seconds: float) -> str:
    """``seconds`` with a unit, and no more digits than one reads."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def format_size(size: int) -> str:
    """``size`` with a unit of 1000."""
    for unit, bytes_ in (("MB", 1_000_000), ("kB", 1000)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def describe_body(response: requests.Response) -> str:
    """What kind of body the answer has: ``text/html, 1.2 kB``."""
    size = len(response.content)
    kind = response.headers.get("Content-Type", "no Content-Type").partition(";")[0]
    return f"{one_line(kind.strip(), 60)}, {format_size(size)}" if size else "no body"


def describe_status(response: requests.Response) -> str:
    """The status line of the answer: ``503 Service Unavailable``."""
    return f"{response.status_code} {one_line(str(response.reason or ''), 60)}".rstrip()


def describe_response(response: requests.Response) -> str:
    """The answer in one line: status, body, and where it came from if redirected."""
    text = f"{describe_status(response)}, {describe_body(response)}"
    if response.history:
        text += f", redirected to {redact_url(response.url)}"
    return text


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
    """``exc`` and the exceptions that caused it, as requests and urllib3 nest them.

    ``__context__`` is left out: its end is whatever the caller was just handling.
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
    """The class of ``exc`` and a phrase of ours: requests' texts hold whole URLs."""
    name, chain = type(exc).__name__, list(causes(exc))
    for kind, phrase in _PHRASES:
        if any(isinstance(cause, kind) for cause in chain):
            return f"{name}: {phrase}"
    return name
