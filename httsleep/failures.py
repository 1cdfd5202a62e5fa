"""The reasons for which a request fails, in a few words that are safe to show.

The texts of requests and urllib3 hold whole URLs. So the class of an exception is shown
with a phrase that is chosen by its causes: a phrase from here, or the words of OpenSSL
and of PySocks, which are constants.
"""

import errno
import http.client
import os
import re
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import requests
from urllib3.exceptions import LocationValueError, ProxySchemeUnknown
from urllib3.util import parse_url

from .formatting import one_line, proxy_address

_PACKAGES = {__package__, "requests", "urllib3"}  # that send a request
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.EBUSY)
#: The ends of a TLS handshake that a server makes by closing the connection.
CUT_OFF_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
#: The reasons of OpenSSL, in all its versions, for bytes that are not TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
#: The codes of X509_verify_cert() for a chain that ends in no known CA.
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
_TUNNEL_REFUSED = r"Tunnel connection failed: (\d{3})\b"
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
        if match := re.match(_TUNNEL_REFUSED, str(cause)):
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
    proxies = (proxy_address(vars(cause).get("pool")) for cause in chain)
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


def show_alone(exc: Exception, handled: BaseException | None) -> None:
    """Let a traceback show an exception of requests without those that it holds.

    requests keeps the error of urllib3 in the arguments of its own exception, whose
    text says all that the others say. So :func:`causes` finds the errors as before.

    :param handled: the exception that the caller is handling, which stays visible.
    """
    held = (*exc.args, getattr(exc, "reason", None))
    below = exc.__cause__ or exc.__context__
    if below is not None and any(each is below for each in held):
        exc.__cause__, exc.__context__ = None, handled
        exc.__suppress_context__ = False  # the line above sets it to True


def hide_frames(exc: Exception) -> None:
    """Remove the frames of an exception of requests, if no other code is among them.

    They say no more than its text does, and pytest shows a hundred lines for them.
    """
    frames = traceback.walk_tb(exc.__traceback__)
    modules = {frame.f_globals.get("__name__", "") for frame, _ in frames}
    packages = {module.partition(".")[0] for module in modules}
    if isinstance(exc, requests.RequestException) and packages <= _PACKAGES:
        exc.__traceback__ = None


def without_tracebacks(exc: Exception) -> Exception:
    """Remove tracebacks and contexts, which keep frames and responses alive.

    :return: the same exception.
    """
    for each in list(causes(exc)):
        each.__traceback__, each.__context__ = None, socks_error(each)
    return exc
