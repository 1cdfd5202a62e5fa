"""``ignore_exceptions`` and the exceptions that real connections end with."""

import traceback

import pytest
import requests
from requests import exceptions

from httsleep import httsleep
from httsleep.failures import describe_exception
from httsleep.session import BoundedSession

OK = b"HTTP/1.1 200 OK\r\n"
BROKEN_CONNECTIONS = {
    "closed without an answer": b"",
    "reset without an answer": lambda handler: handler.reset(),
    "reset in the headers": lambda handler: handler.reset(OK + b"X-A"),
    "no HTTP": b"220 smtp.example.org ESMTP\r\n",
    "drop in a body": OK + b"Content-Length: 21\r\n\r\n{",
    "reset in a body": lambda h: h.reset(OK + b"Content-Length: 21\r\n\r\n{"),
    "chunks cut off": OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
    "chunk cut off": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
}
BAD_GZIP = (200, b"not gzip at all", {"Content-Encoding": "gzip"})
BAD_LOCATION = (302, b"", {"Location": "http://[bad"})


@pytest.mark.parametrize("answer", BROKEN_CONNECTIONS.values(), ids=BROKEN_CONNECTIONS)
def test_builtin_connection_error_covers_every_break(serve, naps, answer):
    """The builtin ConnectionError stands for each way a connection can break."""
    server = serve(answer, answer, 200)
    response = httsleep(
        server.url, status_code=200, ignore_exceptions=[ConnectionError]
    )
    assert response.status_code == 200
    assert (len(server.seen), naps) == (3, [2, 2])


@pytest.mark.parametrize("answer", BROKEN_CONNECTIONS.values(), ids=BROKEN_CONNECTIONS)
def test_a_break_that_is_not_ignored_reaches_the_caller(serve, naps, answer):
    """A break that is not ignored is the exception that requests raises for it."""
    server = serve(answer)
    for ignored in ((), [TimeoutError], [exceptions.Timeout, KeyError]):
        with pytest.raises(exceptions.RequestException) as ours:
            httsleep(server.url, status_code=200, ignore_exceptions=ignored)
        with pytest.raises(exceptions.RequestException) as plain:
            requests.get(server.url, timeout=5)
        assert ours.type is plain.type
    assert naps == []


def test_connection_error_does_not_cover_a_certificate(serve, tls, naps):
    """The builtin ConnectionError does not stand for a refused certificate."""
    server = serve(200, tls=tls)
    with pytest.raises(exceptions.SSLError):
        httsleep(server.url, status_code=200, ignore_exceptions=[ConnectionError])
    assert (naps, server.seen, server.connections) == ([], [], 1)


def test_a_body_that_cannot_be_decoded(serve, naps):
    """Broken gzip is ContentDecodingError, not one of the builtin ConnectionError."""
    server = serve(BAD_GZIP, BAD_GZIP, 200)
    with pytest.raises(exceptions.ContentDecodingError):
        httsleep(server.url, status_code=200, ignore_exceptions=[ConnectionError])
    ignored = [exceptions.ContentDecodingError]
    assert httsleep(server.url, status_code=200, ignore_exceptions=ignored)
    assert naps == [2]


def test_a_redirect_to_what_is_no_url(serve, naps):
    """A redirect to no URL, a bare ValueError of requests, is InvalidURL here."""
    server = serve(BAD_LOCATION, BAD_LOCATION, BAD_LOCATION, 200)
    with pytest.raises(ValueError) as plain:  # noqa: PT011 - what it says varies
        requests.get(server.url, timeout=5)
    assert not isinstance(plain.value, exceptions.RequestException)
    with pytest.raises(exceptions.InvalidURL, match="redirects to what is no URL"):
        httsleep(server.url, status_code=200, ignore_exceptions=[ConnectionError])
    response = httsleep(server.url, status_code=200, ignore_exceptions=[ValueError])
    assert response.status_code == 200
    assert naps == [2]


@pytest.mark.parametrize(
    "location",
    [
        *("http://[", "//[", "http://a..b/", "http://a:b/", "http://a:99999/"),
        *(f"http://{'a' * 64}/", "http://xn--a/\xff"),
    ],
)
def test_each_location_that_is_no_url(serve, location):
    """Each of them is named as a redirect, and not as the fault of a proxy."""
    moved = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode("latin-1")
    with pytest.raises(exceptions.InvalidURL) as caught:
        httsleep(serve(moved).url, status_code=200)
    assert describe_exception(caught.value) == "InvalidURL: redirected to no valid URL"
    assert caught.value.__context__ is caught.value.__cause__ is None


class Rejected(ValueError):
    pass


def reject(*_, **__):
    raise Rejected("rejected")


class Adapter(requests.adapters.HTTPAdapter):
    send = reject


@pytest.mark.parametrize("place", ["hook", "hook of the session", "adapter", "auth"])
def test_a_value_error_of_the_callers_is_not_changed(serve, place):
    """A ValueError that has nothing to do with redirects arrives as it was raised."""
    hooks = {"response": reject} if place == "hook" else {}
    with BoundedSession() as session:
        if place == "hook of the session":
            session.hooks["response"].append(reject)
        if place == "adapter":
            session.mount("http://", Adapter())
        if place == "auth":
            session.auth = reject
        request = requests.Request("GET", serve(200).url, hooks=hooks)
        with pytest.raises(Rejected):
            httsleep(request, status_code=200, session=session)


def test_a_password_of_netrc_that_cannot_be_sent(serve, monkeypatch, tmp_path):
    """A password that is not ISO-8859-1 is the error that requests makes of it."""
    path = tmp_path / "netrc"
    path.write_text("default login user password \u20ac", encoding="utf-8")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    with pytest.raises(UnicodeEncodeError):
        httsleep(serve(200).url, status_code=200)


def tracebacks(exc):
    """Return how many tracebacks are printed for an exception."""
    return "".join(traceback.format_exception(exc)).count("Traceback (most recent call")


ONE_TRACEBACK = BROKEN_CONNECTIONS | {
    "stalls in a body": lambda h: h.stall(OK + b"Content-Length: 21\r\n\r\n{"),
    "bad gzip": BAD_GZIP,
    "too many redirects": (302, b"", {"Location": "/endpoint"}),
}


@pytest.mark.parametrize("answer", ONE_TRACEBACK.values(), ids=ONE_TRACEBACK)
def test_a_failed_request_has_one_traceback(serve, answer):
    """The exception of requests is printed alone, after what the caller handles."""
    server = serve(*[answer] * 40)
    failed = pytest.raises(exceptions.RequestException)
    with failed as caught:
        httsleep(server.url, status_code=200, request_timeout=0.3)
    assert tracebacks(caught.value) == 1
    try:
        raise LookupError("of the caller")
    except LookupError:
        with failed as caught:
            httsleep(server.url, status_code=200, request_timeout=0.3)
    assert tracebacks(caught.value) == 2
    assert isinstance(caught.value.__context__, LookupError)
