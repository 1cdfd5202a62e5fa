"""Values, URLs, responses and exceptions as text that is safe to show."""

import errno
import http.client
import os
import socket
import ssl
import traceback
import warnings
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import requests
import urllib3
from requests import exceptions as broken

from httsleep import HttSleeper
from httsleep.formatting import (
    causes,
    describe_body,
    describe_exception,
    describe_response,
    describe_status,
    describe_way,
    format_seconds,
    format_size,
    is_out_of_files,
    is_unknown_issuer,
    one_line,
    redact_url,
    safe_repr,
)

URL = "http://server/endpoint"


class Hostile:
    def __repr__(self):
        raise RuntimeError("no repr today")


# one line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("as it is", "as it is"),
        ("é 漢 🙂", "é 漢 🙂"),
        ("two\nlines", "two\\nlines"),
        ("\r\x1b[31mred", "\\r\\x1b[31mred"),
        ("\u2028\u202e", "\\u2028\\u202e"),
        ("\ud800", "\\ud800"),
        ("C:\\it's\n", "C:\\it's\\n"),
    ],
)
def test_a_line_escapes_what_a_terminal_would_obey(text, line):
    """What cannot be printed is escaped, and all else stays as it is."""
    assert one_line(text) == line


def test_a_line_is_cut_to_its_longest():
    """A text that is too long ends in an ellipsis, within the longest length."""
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcde…"


def test_a_line_of_escapes_is_cut_as_well():
    """Escaping does not make a line longer than asked for."""
    assert len(one_line("\n" * 300, 200)) <= 200


# values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("SUCCESS", "'SUCCESS'"),
        ("a\nb", "'a\\nb'"),
        (200, "200"),
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        ({"status": "RUNNING"}, "{'status': 'RUNNING'}"),
        ([1, [2]], "[1, [2]]"),
    ],
)
def test_a_value_is_shown_as_its_repr(value, text):
    """A short value is shown as Python writes it."""
    assert safe_repr(value) == text


def test_a_value_that_cannot_be_shown_is_its_class():
    """A value whose repr raises an exception is shown as its class."""
    assert safe_repr(Hostile()).startswith("<Hostile")
    assert safe_repr(10**5000) == "<int>"


LARGE = {
    "long text": "x" * 10_000,
    "escapes": "\x00" * 79,
    "digits": 10**5000,
    "list": list(range(1000)),
    "dict": {str(number): "y" * 1000 for number in range(100)},
    "depth": [[[[[[[["deep"]]]]]]]],
    "hostile": [Hostile()],
}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_a_large_value_is_shown_in_short(value):
    """However large a value is, it is shown in one bounded line."""
    assert len(safe_repr(value)) <= 500
    assert safe_repr(value).isprintable()


class Long:
    def __init__(self, length):
        self.length = length

    def __repr__(self):
        return "a" * self.length


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, dict.fromkeys])
def test_a_container_is_shown_with_eight_elements(kind):
    """A container with more than eight elements is cut."""
    assert safe_repr(kind(range(8))) == repr(kind(range(8)))
    assert "..." in safe_repr(kind(range(9)))
    assert " 8" not in safe_repr(kind(range(9)))


@pytest.mark.parametrize(
    ("fits", "is_cut"),
    [
        ([[[[1]]]], [[[[[1]]]]]),
        ("x" * 80, "x" * 81),
        (Long(80), Long(81)),
        (10**39, 10**40),
    ],
    ids=["depth", "text", "other", "digits"],
)
def test_a_value_is_cut_at_a_length(fits, is_cut):
    """Depth, characters and digits beyond a number are left out."""
    assert safe_repr(fits) == repr(fits)
    assert "..." in safe_repr(is_cut)


# URLs


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://server/endpoint", "http://server/endpoint"),
        (b"http://server/bytes", "http://server/bytes"),
        ("http://server:8080/a/b", "http://server:8080/a/b"),
        ("http://user:secret@server/a", "http://server/a"),
        ("http://user:sec@ret@server/a", "http://server/a"),
        ("http://server/a?token=secret&page=secret", "http://server/a?token=…&page=…"),
        ("http://server/a?secret", "http://server/a?…"),
        ("http://server/a#secret", "http://server/a"),
        ("/relative?key=secret", "/relative?key=…"),
        ("server:8080/a", "server:8080/a"),
        ("http:/a", "http:///a"),
        ("http:", "http://"),
        ("mailto:a", "mailto:a"),
        ("http://server:1/a", "http://server:1/a"),
        ("http://server:0/a", "<no valid URL>"),
        ("http://server/a\x1b[31m", "http://server/a\\x1b[31m"),
        ("http://[::1/", "<no valid URL>"),
        (b"http://\xff", "<no valid URL>"),
        (None, "<no valid URL>"),
        (5, "<no valid URL>"),
    ],
)
def test_a_url_is_shown_without_what_is_secret_in_it(url, text):
    """Userinfo, query values and the fragment of a URL are not shown."""
    assert redact_url(url) == text


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pa/secret@server/",
        "http://user:secret/x@server/",
        "http://user:secret#x@server/",
        "http://user:secret?x@server/",
        "user:secret@server/endpoint",
        "http:/user:secret@server/endpoint",
        "//user:secret@server/endpoint",
    ],
)
def test_a_url_that_is_written_wrong_shows_no_password(url):
    """A password is not shown where a mistake has moved it in the URL."""
    assert "secret" not in redact_url(url)


def test_a_long_url_is_cut():
    """A URL of any length is shown in one bounded line."""
    assert len(redact_url("http://server/" + "a" * 10_000)) <= 200


# quantities


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.999, "999 ms"),
        (1, "1 s"),
        (99.96, "100 s"),
        (100, "100 s"),
        (3600.4, "3600.4 s"),
    ],
)
def test_seconds_have_a_unit(seconds, text):
    """Seconds are shown with a unit and no digit too many."""
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_000_000, "1.0 MB"),
        (16 * 2**20, "16.8 MB"),
    ],
)
def test_bytes_have_a_unit(size, text):
    """A size is shown with a unit of 1000."""
    assert format_size(size) == text


# answers


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("", "text/html", "no body"),
        ("x" * 1200, "text/html; charset=utf-8", "text/html, 1.2 kB"),
        ("x", None, "no Content-Type, 1 byte"),
        ("x", "a\x1bb" + "c" * 100, "a\\x1bb" + "c" * 53 + "…, 1 byte"),
    ],
)
def test_a_body_is_shown_as_its_kind_and_size(make_response, body, kind, text):
    """Of a body its kind and size are shown, nothing of what is in it."""
    headers = {} if kind is None else {"Content-Type": kind}
    assert describe_body(make_response(200, body, headers)) == text


def test_a_status_is_shown_with_its_reason(make_response):
    """A status is shown with the reason phrase, if it has one."""
    assert describe_status(make_response(503)) == "503 Service Unavailable"
    assert describe_status(make_response(299)) == "299"


def test_a_reason_phrase_cannot_forge_a_line(make_response):
    """A reason phrase is escaped and cut."""
    response = make_response(200)
    response.reason = "OK\n" + "x" * 1000
    assert describe_status(response) == "200 OK\\n" + "x" * 55 + "…"


def test_an_answer_says_where_it_was_redirected_to(make_response):
    """An answer after a redirect is shown with where it came from, without secrets."""
    response = make_response(200, "x", url="http://other/login?next=secret")
    assert "redirected" not in describe_response(response)
    response.history.append(make_response(302))
    assert describe_response(response) == (
        "200 OK, no Content-Type, 1 byte, redirected to http://other/login?next=…"
    )


# exceptions of others


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


# one secret, wherever a caller may put one; tests/servers/test_leaks.py has those that
# are sent

SECRET = "canary-5e7d"


def generator():
    yield SECRET


def asking(method="POST", url=URL, **fields):
    return {"url_or_request": requests.Request(method, url, **fields)}


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            {"url_or_request": url}
            for url in (
                f"user:{SECRET}@server/endpoint",
                f"user:{SECRET}@server:8080/endpoint",
                f"http://user:{SECRET}/@server/endpoint",
                f"http://user:a/{SECRET}@server/",
                f"http://user:{SECRET}#@server/endpoint",
                f"http://user:a#{SECRET}@server/",
                f"http://user:{SECRET}?@server/endpoint",
                f"http:/user:{SECRET}@server/endpoint",
                f"//user:{SECRET}@server/endpoint",
                f"ftp://user:{SECRET}@server/endpoint?token={SECRET}",
                f"http://user:{SECRET}@:80?token={SECRET}",
                f"http://user:{SECRET}@server:x/",
                f"http://user:{SECRET}@[server/",
                f"/endpoint?token={SECRET}",
                [SECRET],
                {"url": SECRET},
                SECRET.encode(),
            )
        ),
        asking(url=f"u:{SECRET}@server"),
        asking(data=generator()),
        asking(data=[SECRET]),
        asking(json={SECRET: {SECRET}}),
        asking(params=iter([SECRET])),
        asking(cookies={"a": f"{SECRET}漢"}),
        asking(headers=[("a", SECRET)]),
        *(
            {"auth": auth}
            for auth in (
                SECRET,
                ["user", SECRET],
                ("user", SECRET, "x"),
                {"user": SECRET},
                ("user", f"{SECRET}漢"),
            )
        ),
        *(
            {"headers": headers}
            for headers in (
                {"X-Token": f"{SECRET}\n"},
                {"X-Token": f"{SECRET}漢"},
                {"X-Token": [SECRET]},
                SECRET,
                [("X-Token", SECRET)],
            )
        ),
        {"session": SECRET},
        {"auth": ("user", SECRET), "max_retries": 0},
        {"auth": ("user", SECRET), "until": {}},
    ],
)
def test_no_secret_is_in_a_refusal(arguments):
    """A ValueError of the constructor shows no credential."""
    arguments = {"url_or_request": URL, **arguments}
    if "until" not in arguments:
        arguments["status_code"] = 200
    with pytest.raises(
        ValueError, match=r"^(url|auth|headers|session|max_retries|until)"
    ) as info:
        HttSleeper(**arguments)
    shown = "".join(traceback.format_exception(info.value))
    assert SECRET not in str(info.value)
    assert SECRET not in shown.partition("ValueError")[2]


def test_no_secret_is_in_a_warning():
    """The warning about loglevel shows no credential."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        HttSleeper(
            f"http://user:{SECRET}@server/?token={SECRET}",
            status_code=200,
            auth=("user", SECRET),
            loglevel="DEBUG",
        )
    assert caught
    assert not [each for each in caught if SECRET in str(each.message)]


# where an answer came from


def test_a_status_says_that_it_is_of_a_cache(make_response):
    """Answers of requests-cache and of CacheControl have a true ``from_cache``."""
    response = make_response(202)
    for value in (False, None, "x"):
        response.from_cache = value
        assert describe_status(response) == "202 Accepted"
    response.from_cache = True
    assert describe_status(response) == "202 Accepted (from a cache)"


def test_a_test_double_has_no_way():
    """A double of a response need not have what only real ones have."""
    assert describe_way(None) == ""
    assert describe_way(SimpleNamespace(status_code=200)) == ""
    assert describe_way(Mock(status_code=200)) == ""


# failures of TLS, of proxies, and of this machine


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
