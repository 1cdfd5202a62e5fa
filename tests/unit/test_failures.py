"""The reasons for which a request fails, in a few words that are safe to show."""

import errno
import http.client
import os
import socket
import ssl
from types import SimpleNamespace

import pytest
import requests
import urllib3
from requests import exceptions as broken

from httsleep.failures import (
    causes,
    describe_exception,
    hide_frames,
    is_out_of_files,
    is_unknown_issuer,
    show_alone,
)

URL = "http://server/endpoint"
SECRET = "canary-5e7d"


def caused(exc, cause):
    exc.__cause__ = cause
    return exc


@pytest.mark.parametrize(
    ("exc", "text"),
    [
        (
            broken.ConnectionError(caused(OSError(), ConnectionRefusedError())),
            "ConnectionError: connection refused",
        ),
        (
            broken.ConnectionError(ConnectionResetError(104, "secret")),
            "ConnectionError: connection reset",
        ),
        (
            broken.ConnectionError(http.client.RemoteDisconnected()),
            "ConnectionError: connection closed without an answer",
        ),
        (
            broken.ConnectionError(socket.gaierror()),
            "ConnectionError: name not resolved",
        ),
        (
            broken.SSLError(ssl.SSLCertVerificationError()),
            "SSLError: certificate not accepted",
        ),
        (broken.SSLError("secret"), "SSLError: TLS failed"),
        (broken.ProxyError("secret"), "ProxyError: proxy failed"),
        (broken.ConnectTimeout(), "ConnectTimeout: connecting took too long"),
        (broken.ReadTimeout("secret"), "ReadTimeout: the answer took too long"),
        (broken.ChunkedEncodingError(), "ChunkedEncodingError: body cut short"),
        (
            broken.ContentDecodingError(),
            "ContentDecodingError: body cannot be decoded",
        ),
        (broken.TooManyRedirects(), "TooManyRedirects: too many redirects"),
        (broken.InvalidProxyURL(), "InvalidProxyURL: the proxy has no valid URL"),
        (broken.InvalidURL(), "InvalidURL: no valid URL, of a redirect or of a proxy"),
        (
            broken.InvalidSchema(),
            "InvalidSchema: redirected to no http URL",
        ),
        (
            broken.ConnectionError(http.client.BadStatusLine("secret")),
            "ConnectionError: not an HTTP answer",
        ),
        (KeyError("secret"), "KeyError"),
    ],
    ids=str,
)
def test_an_exception_is_shown_in_words_of_ours(exc, text):
    """An exception is shown as its class and a phrase, never by its own text."""
    assert describe_exception(exc) == text


def test_related_exceptions_are_each_found_once():
    """Causes, reasons and nested arguments are followed, and a circle ends."""
    inner, reason, cause = ValueError(), KeyError(), OSError()
    outer = caused(RuntimeError("text", inner), cause)
    outer.reason = reason
    inner.__cause__ = outer
    assert {id(each) for each in causes(outer)} == {
        *(id(outer), id(inner), id(reason), id(cause))
    }
    assert len(list(causes(outer))) == 4


def test_what_the_caller_was_handling_is_not_related():
    """An exception that was only being handled at the time is not a cause."""
    exc = broken.ConnectionError()
    exc.__context__ = ConnectionRefusedError()
    assert list(causes(exc)) == [exc]


def raised(exc, below, cause=None):
    """Return an exception that was raised while another one was handled."""
    exc.__context__ = below
    return caused(exc, cause) if cause is not None else exc


def test_what_requests_holds_is_not_shown_below_it():
    """The context becomes what the caller handles; the causes are found as before."""
    socket_error, handled = ConnectionRefusedError(), LookupError("of the caller")
    held = caused(urllib3.exceptions.HTTPError(), socket_error)
    for exc in (
        raised(broken.ConnectionError(held), held),
        raised(broken.ConnectionError(held), held, cause=held),
    ):
        show_alone(exc, handled)
        assert exc.args == (held,)
        assert (exc.__cause__, exc.__context__) == (None, handled)
        assert not exc.__suppress_context__
        assert list(causes(exc)) == [exc, held, socket_error]


@pytest.mark.parametrize("cause", [None, KeyError()])
def test_what_an_exception_does_not_hold_is_shown_below_it(cause):
    """An exception that another library raises for a reason of its own stays whole."""
    below = cause or KeyError()
    exc = raised(broken.ConnectionError("no token"), below, cause)
    show_alone(exc, None)
    assert (exc.__cause__, exc.__context__) == (cause, below)
    alone = broken.ConnectionError()
    show_alone(alone, KeyError())
    assert alone.__context__ is None


def raised_within(exc, module):
    """Return an exception whose traceback has a frame of this module only."""
    scope = {"__name__": module, "exc": exc}
    exec("def fail():\n    raise exc", scope)
    with pytest.raises(type(exc)) as info:
        scope["fail"]()
    exc.__traceback__ = info.tb.tb_next  # without the frame of the test
    return exc


@pytest.mark.parametrize("module", ["requests.adapters", "urllib3.response"])
def test_the_frames_of_a_failed_request_are_hidden(module):
    """The traceback ends where httsleep raises the exception of requests."""
    exc = raised_within(broken.ConnectionError(), module)
    assert exc.__traceback__ is not None
    hide_frames(exc)
    assert exc.__traceback__ is None


@pytest.mark.parametrize(
    ("exc", "module"),
    [(broken.ConnectionError(), "of_the_caller"), (ValueError(), "requests.adapters")],
)
def test_the_frames_of_other_code_and_other_exceptions_stay(exc, module):
    """An auth of the caller's, and a defect, show where they raised an exception."""
    frames = raised_within(exc, module).__traceback__
    hide_frames(exc)
    assert exc.__traceback__ is frames is not None


def refused_certificate(code, message):
    """Return the error of requests for a certificate that OpenSSL refuses."""
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, message
    return broken.SSLError(error)


def tls_error(reason, kind=ssl.SSLError):
    """Return the error of requests for a failure of TLS."""
    error = kind()
    error.reason = reason
    return broken.SSLError(error)


def refused_tunnel(text):
    """Return the error of requests for a proxy that does not open a tunnel."""
    return broken.ProxyError(urllib3.exceptions.ProxyError("no proxy", OSError(text)))


NOT_TLS = "SSLError: the server does not speak TLS: http://?"


CUT_OFF = "SSLError: connection closed in the TLS handshake"


@pytest.mark.parametrize(
    ("exc", "text"),
    [
        (
            refused_certificate(10, "certificate has expired"),
            "SSLError: certificate not accepted: certificate has expired",
        ),
        (
            refused_certificate(64, "IP address mismatch, not for '10.0.0.1'."),
            "SSLError: certificate not accepted: IP address mismatch, "
            "not for '10.0.0.1'",
        ),
        (tls_error("WRONG_VERSION_NUMBER"), NOT_TLS),
        (tls_error("RECORD_LAYER_FAILURE"), NOT_TLS),
        (tls_error("UNKNOWN_PROTOCOL"), NOT_TLS),
        (
            tls_error("TLSV1_ALERT_INTERNAL_ERROR"),
            "SSLError: TLS failed: tlsv1 alert internal error",
        ),
        (tls_error(None), "SSLError: TLS failed"),
        (tls_error(None, ssl.SSLEOFError), CUT_OFF),
        (tls_error(None, ssl.SSLZeroReturnError), CUT_OFF),
        (tls_error(None, ssl.SSLSyscallError), CUT_OFF),
        (
            broken.ProxyError(tls_error("WRONG_VERSION_NUMBER").args[0]),
            "ProxyError: the proxy does not speak TLS: http://?",
        ),
        (
            refused_tunnel("Tunnel connection failed: 407 secret"),
            "ProxyError: the proxy answered 407 Proxy Authentication Required",
        ),
        (
            refused_tunnel("Tunnel connection failed: 599 secret"),
            "ProxyError: the proxy answered 599",
        ),
        (refused_tunnel("secret"), "ProxyError: proxy failed"),
        (
            broken.InvalidURL(urllib3.exceptions.ProxySchemeUnknown("secret")),
            "InvalidURL: the proxy has no valid URL",
        ),
        (
            broken.InvalidURL(request=requests.Request("GET", URL).prepare()),
            "InvalidURL: the proxy has no valid URL",
        ),
        (
            broken.InvalidURL(request=SimpleNamespace(url="http://[secret")),
            "InvalidURL: redirected to no valid URL",
        ),
        (broken.InvalidURL(), "InvalidURL: no valid URL, of a redirect or of a proxy"),
        (
            broken.InvalidSchema("Missing dependencies for SOCKS support."),
            "InvalidSchema: a SOCKS proxy needs PySocks: pip install 'requests[socks]'",
        ),
        (
            broken.InvalidSchema("No connection adapters were found for 'secret:'"),
            "InvalidSchema: redirected to no http URL",
        ),
        (
            urllib3.exceptions.LocationParseError("secret"),
            "LocationParseError: no valid URL",
        ),
        (
            broken.ConnectionError(http.client.BadStatusLine("\x15\x03\x03\0\2")),
            "ConnectionError: the server speaks TLS: https://?",
        ),
    ],
)
def test_a_failure_of_tls_or_of_a_proxy_has_its_cause(exc, text):
    """Words of OpenSSL are shown, which are constants, and no text of a server."""
    assert describe_exception(exc) == text


@pytest.mark.parametrize("code", [2, 18, 19, 20, 21])
def test_a_chain_without_a_known_ca_has_an_unknown_issuer(code):
    """The codes of OpenSSL for a chain that ends in no CA that is trusted."""
    (error,) = refused_certificate(code, "").args
    assert is_unknown_issuer(error)


@pytest.mark.parametrize("code", [9, 10, 62, 64])
def test_other_certificates_have_a_known_issuer(code):
    """No CA helps with a wrong name or a wrong date."""
    (error,) = refused_certificate(code, "").args
    assert not is_unknown_issuer(error)
    assert not is_unknown_issuer(tls_error("WRONG_VERSION_NUMBER"))


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EBUSY])
def test_too_many_open_files_are_named(number):
    """This machine has no descriptor left; the resolver says that it is busy."""
    exc = broken.ConnectionError(OSError(number, "secret"))
    assert is_out_of_files(exc)
    assert describe_exception(exc) == "ConnectionError: too many open files"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_name_may_not_be_resolved_for_want_of_files(monkeypatch, number):
    """The C library hides the cause, so a file is opened to find out."""
    exc = broken.ConnectionError(socket.gaierror(socket.EAI_NONAME, "unknown"))

    def fail(*_):
        raise OSError(number, "too many")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        assert describe_exception(exc) == "ConnectionError: too many open files"
    assert describe_exception(exc) == "ConnectionError: name not resolved"


def test_another_error_of_the_resolver_is_no_want_of_files(monkeypatch):
    """Where a file cannot be opened for another reason, the name is the cause."""

    def fail(*_):
        raise OSError(errno.EACCES, "no")

    exc = broken.ConnectionError(socket.gaierror())
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        assert not is_out_of_files(exc)
    assert not is_out_of_files(broken.ConnectionError(ConnectionRefusedError()))
