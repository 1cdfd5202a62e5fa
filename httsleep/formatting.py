"""Values, URLs, responses and exceptions as text that is safe to show.

Every part of a log record, of the text of an exception and of the reasons of an
:class:`~httsleep.Attempt` that comes from outside is made here. The text is on one
line, limited in length, with control characters escaped. It has no userinfo, no query
values, no headers and no body, and of a foreign exception only the class.
"""

import errno
import http.client
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from enum import Enum
from reprlib import Repr
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import LocationValueError, ProxySchemeUnknown
from urllib3.util import Url, parse_url

_MAX_LENGTH = 200  # characters


class _Repr(Repr):
    """A Repr that shows a str, and a member of an Enum of str or int, as its value."""

    def repr_instance(self, x: Any, level: int) -> str:
        """Return the repr of an object of a class for which Repr has no method."""
        if isinstance(x, str):
            return self.repr_str(
                x.value if isinstance(x, Enum) else str.__str__(x), level
            )
        if isinstance(x, Enum) and isinstance(x, (int, float)):
            return repr(x.value)
        return super().repr_instance(x, level)


_repr = _Repr()
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
    if type(value) is str and len(value) <= _repr.maxstring:
        return repr(value)
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
    """Return the status line of the answer, and whether it is of a cache."""
    reason = one_line(str(response.reason or ""), 60)
    return f"{response.status_code} {reason}".rstrip() + from_cache(response)


def from_cache(response: requests.Response) -> str:
    """Return " (from a cache)" if requests-cache or CacheControl says so, else ""."""
    is_cached = getattr(response, "from_cache", False) is True
    return " (from a cache)" if is_cached else ""


def redirected_to(response: requests.Response) -> str | None:
    """Return the URL of the answer, without secrets; ``None`` without a redirect."""
    history = getattr(response, "history", None)  # a test double may have none
    is_redirected = isinstance(history, list) and history
    return redact_url(response.url) if is_redirected else None


def describe_way(response: requests.Response | None) -> str:
    """Return the URL that redirects led to, and the proxy, each behind a comma."""
    if response is None:
        return ""
    url = redirected_to(response)
    proxy = _proxy_address(getattr(getattr(response, "raw", None), "_pool", None))
    way = "" if url is None else f", redirected to {url}"
    return f"{way}, through the proxy {proxy}" if proxy else way


def _proxy_address(pool: Any) -> str:
    """Return host and port of the proxy of a pool of urllib3; empty without one."""
    proxy, options = getattr(pool, "proxy", None), getattr(pool, "conn_kw", None)
    if isinstance(proxy, Url):
        return one_line(proxy.netloc or "", 100)
    socks = options.get("_socks_options") if isinstance(options, dict) else None
    if not socks:
        return ""
    return one_line(f"{socks['proxy_host']}:{socks['proxy_port']}", 100)


def describe_response(response: requests.Response) -> str:
    """Return the answer in one line: status, body, and where it came from."""
    way = describe_way(response)
    return f"{describe_status(response)}, {describe_body(response)}{way}"


_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.EBUSY)
#: The ends of a TLS handshake that a server makes by closing the connection.
CUT_OFF_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
#: The reasons of OpenSSL, in all its versions, for bytes that are not TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
#: The codes of X509_verify_cert() for a chain that ends in no known CA.
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")
_TLS_RECORD = "\x15\x03"  # an alert, with which a TLS server answers plain HTTP


def is_unknown_issuer(exc: BaseException) -> bool:
    """Return whether no trusted CA has issued the certificate of the server."""
    code = getattr(exc, "verify_code", None)
    return isinstance(exc, ssl.SSLCertVerificationError) and code in _UNKNOWN_ISSUER


def _describe_certificate(exc: Any) -> str:
    """Return why a certificate is refused, in the words of OpenSSL."""
    why = one_line(getattr(exc, "verify_message", None) or "", 120).rstrip(".")
    return f"certificate not accepted: {why}" if why else "certificate not accepted"


def _describe_tls(exc: Any) -> str:
    """Return why TLS failed, in the words of OpenSSL."""
    if exc.reason in _NOT_TLS:
        return "the server does not speak TLS: http://?"
    reason = one_line(exc.reason or "", 60).replace("_", " ").lower()
    return f"TLS failed: {reason}" if reason else "TLS failed"


def _describe_proxy_failure(exc: BaseException) -> str:
    """Return the status with which a proxy refused to connect to the server."""
    for cause in causes(exc):
        if match := _TUNNEL_REFUSED.match(str(cause)):
            reason = http.client.responses.get(int(match[1]), "")
            return f"the proxy answered {match[1]} {reason}".rstrip()
    return "proxy failed"


def _describe_bad_url(exc: Any) -> str:
    """Return whose URL cannot be used: that of a proxy, or that of a redirect.

    The URL of the caller was checked before it was sent.
    """
    if exc.request is None:
        return "no valid URL, of a redirect or of a proxy"
    try:
        is_valid = bool(parse_url(exc.request.url).host)
    except LocationValueError:
        is_valid = False
    return "the proxy has no valid URL" if is_valid else "redirected to no valid URL"


def _describe_bad_scheme(exc: BaseException) -> str:
    """Return why a scheme cannot be used: that of a proxy, or that of a redirect."""
    if str(exc).startswith("Missing dependencies for SOCKS"):
        return "a SOCKS proxy needs PySocks: pip install 'requests[socks]'"
    return "redirected to no http URL"


def _describe_no_http(exc: Any) -> str:
    """Return what came in place of an HTTP answer."""
    is_tls = str(getattr(exc, "line", "")).startswith(_TLS_RECORD)
    return "the server speaks TLS: https://?" if is_tls else "not an HTTP answer"


_PHRASES: tuple[
    tuple[
        type[BaseException] | tuple[type[BaseException], ...],
        str | Callable[[BaseException], str],
    ],
    ...,
] = (
    (http.client.RemoteDisconnected, "connection closed without an answer"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (socket.gaierror, "name not resolved"),
    (ssl.SSLCertVerificationError, _describe_certificate),
    (CUT_OFF_TLS, "connection closed in the TLS handshake"),
    (ssl.SSLError, _describe_tls),
    (requests.exceptions.SSLError, "TLS failed"),
    (requests.exceptions.ProxyError, _describe_proxy_failure),
    (requests.exceptions.ConnectTimeout, "connecting took too long"),
    (requests.exceptions.Timeout, "the answer took too long"),
    (requests.exceptions.ChunkedEncodingError, "body cut short"),
    (requests.exceptions.ContentDecodingError, "body cannot be decoded"),
    (requests.exceptions.TooManyRedirects, "too many redirects"),
    (
        (requests.exceptions.InvalidProxyURL, ProxySchemeUnknown),
        "the proxy has no valid URL",
    ),
    (requests.exceptions.InvalidURL, _describe_bad_url),
    (requests.exceptions.InvalidSchema, _describe_bad_scheme),
    (LocationValueError, "no valid URL"),
    (http.client.HTTPException, _describe_no_http),
)


def causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield the exception and its causes, as requests and urllib3 nest them.

    ``__context__`` is not followed, because it may lead to an unrelated exception that
    the caller is handling. Errors of PySocks are the exception to this, because urllib3
    keeps them nowhere else.
    """
    todo, seen = [exc], set()
    while todo:
        exc = todo.pop()
        if id(exc) not in seen:
            seen.add(id(exc))
            yield exc
            names = ("reason", "socket_err")  # of urllib3 and of PySocks
            nested = [exc.__cause__, socks_error(exc), *exc.args]
            nested += [getattr(exc, name, None) for name in names]
            todo += [each for each in nested if isinstance(each, BaseException)]


def socks_error(exc: BaseException) -> BaseException | None:
    """Return the error of PySocks that was being handled, or ``None``."""
    context = exc.__context__
    return context if type(context).__module__ == "socks" else None


def is_out_of_files(exc: BaseException) -> bool:
    """Return whether a request failed because this machine has no descriptor left.

    The resolver of the C library hides this: it says that it is busy, or that there is
    no such name. So a name that is not resolved is a reason to try.
    """
    for cause in causes(exc):
        if isinstance(cause, socket.gaierror):
            return _no_descriptor_left()
        if isinstance(cause, OSError) and cause.errno in _OUT_OF_FILES:
            return True
    return False


def _no_descriptor_left() -> bool:
    """Return whether a file cannot be opened, because too many are open already."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in _OUT_OF_FILES
    return False


def describe_exception(exc: BaseException) -> str:
    """Return the class of the exception, a phrase that says why, and the proxy.

    The exception's own text is not shown: requests puts whole URLs into it.
    """
    name, chain = type(exc).__name__, list(causes(exc))
    # Not getattr(): "pool" of some classes is a property, and deprecated.
    proxies = (_proxy_address(vars(cause).get("pool")) for cause in chain)
    proxy = next(filter(None, proxies), "")
    phrase = _phrase(exc, chain)
    text = f"{name}: {phrase}" if phrase else name
    return f"{text} (proxy {proxy})" if proxy else text


def _phrase(exc: BaseException, chain: list[BaseException]) -> str:
    """Return a phrase for an exception; empty if there is none.

    :param chain: the exception and its causes.
    """
    if isinstance(exc, requests.exceptions.ConnectionError) and is_out_of_files(exc):
        return "too many open files"
    for kind, phrase in _PHRASES:
        for cause in chain:
            if isinstance(cause, kind):
                text = phrase if isinstance(phrase, str) else phrase(cause)
                is_proxy = isinstance(exc, requests.exceptions.ProxyError)
                return text.replace("the server", "the proxy") if is_proxy else text
    for cause in reversed(chain):
        if type(cause).__module__ == "socks":  # its texts are constants
            return f"SOCKS: {one_line(str(getattr(cause, 'msg', '')), 80)}"
    return ""
