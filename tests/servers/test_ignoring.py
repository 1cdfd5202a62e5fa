"""``ignore_exceptions``: what it covers, what it leaves alone."""

import gzip

import pytest
import requests
from requests import exceptions

from httsleep import Alarm, BodyTooLarge, GaveUp, httsleep

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
TOO_SLOW = {
    "no answer": lambda handler: handler.hang(),
    "half of the headers": lambda handler: handler.stall(OK + b"X-A"),
    "half of a body": lambda h: h.stall(OK + b"Content-Length: 21\r\n\r\n{"),
    "half of the chunks": lambda h: h.stall(
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"
    ),
    "half of a gzip": lambda h: h.stall(
        OK
        + b"Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n"
        + gzip.compress(b"{}" * 9)[:12]
    ),
}
BAD_GZIP = (200, b"not gzip at all", {"Content-Encoding": "gzip"})
BAD_LOCATION = (302, b"", {"Location": "http://[bad"})


@pytest.mark.parametrize("answer", BROKEN_CONNECTIONS.values(), ids=BROKEN_CONNECTIONS)
def test_builtin_connection_error_covers_every_break(serve, naps, answer):
    """The builtin stands for each way in which a connection can break."""
    server = serve(answer, answer, 200)
    response = httsleep(
        server.url, status_code=200, ignore_exceptions=[ConnectionError]
    )
    assert response.status_code == 200
    assert (len(server.seen), naps) == (3, [2, 2])


@pytest.mark.parametrize("answer", BROKEN_CONNECTIONS.values(), ids=BROKEN_CONNECTIONS)
def test_a_break_that_is_not_ignored_reaches_the_caller(serve, naps, answer):
    """Without ignore_exceptions, or with others, it is raised as requests has it."""
    server = serve(answer)
    for ignored in ((), [TimeoutError], [exceptions.Timeout, KeyError]):
        with pytest.raises(exceptions.RequestException) as ours:
            httsleep(server.url, status_code=200, ignore_exceptions=ignored)
        with pytest.raises(exceptions.RequestException) as plain:
            requests.get(server.url, timeout=5)
        assert ours.type is plain.type
    assert naps == []


def test_requests_connection_error_is_no_more_than_that(serve, naps):
    """requests' own ConnectionError does not cover a body that is cut short."""
    server = serve(b"", OK + b"Content-Length: 21\r\n\r\n{")
    ignored = [exceptions.ConnectionError]
    with pytest.raises(exceptions.ChunkedEncodingError):
        httsleep(server.url, status_code=200, ignore_exceptions=ignored)
    assert len(naps) == 1


@pytest.mark.parametrize(
    "ignored",
    [
        exceptions.ChunkedEncodingError,
        [exceptions.RequestException],
        (KeyError, exceptions.ChunkedEncodingError),
        {exceptions.ChunkedEncodingError},
        OSError,
        Exception,
    ],
    ids=repr,
)
def test_one_class_or_several_and_their_subclasses(serve, naps, ignored):
    """A class, a list, a tuple, a set; what derives from one of them counts."""
    server = serve(OK + b"Content-Length: 21\r\n\r\n{", 200)
    response = httsleep(server.url, status_code=200, ignore_exceptions=ignored)
    assert response.status_code == 200
    assert naps == [2]


@pytest.mark.parametrize("answer", TOO_SLOW.values(), ids=TOO_SLOW)
def test_builtin_timeout_error_covers_what_is_too_slow(serve, naps, within, answer):
    """The builtin stands for a request that takes too long, in whatever phase."""
    server = serve(answer, 200)
    with within(0.2):
        response = httsleep(
            server.url,
            status_code=200,
            ignore_exceptions=TimeoutError,
            request_timeout=0.2,
        )
    assert response.status_code == 200
    assert (len(server.seen), naps) == (2, [2])


@pytest.mark.parametrize("answer", TOO_SLOW.values(), ids=TOO_SLOW)
def test_too_slow_is_not_a_broken_connection(serve, naps, within, answer):
    """The builtin ConnectionError leaves a ReadTimeout alone."""
    server = serve(answer, 200)
    with within(0.2), pytest.raises(exceptions.ReadTimeout):
        httsleep(
            server.url,
            status_code=200,
            ignore_exceptions=[ConnectionError],
            request_timeout=0.2,
        )
    assert naps == []


def test_timeout_error_does_not_cover_a_refusal(serve, naps):
    """The builtin TimeoutError leaves a refused connection alone."""
    server = serve(200, listening=False)
    with pytest.raises(exceptions.ConnectionError):
        httsleep(server.url, status_code=200, ignore_exceptions=[TimeoutError])
    assert naps == []


def test_connection_error_does_not_cover_a_certificate(serve, tls, naps):
    """A refused certificate is no broken connection: it will be refused again."""
    server = serve(200, tls=tls)
    with pytest.raises(exceptions.SSLError):
        httsleep(server.url, status_code=200, ignore_exceptions=[ConnectionError])
    assert (naps, server.seen, server.connections) == ([], [], 1)


@pytest.mark.parametrize(
    "ignored",
    [
        exceptions.SSLError,
        exceptions.ConnectionError,
        [ConnectionError, exceptions.SSLError],
    ],
    ids=repr,
)
def test_a_certificate_is_ignored_by_its_own_name(serve, tls, naps, ignored):
    """SSLError, or requests' ConnectionError from which it derives, does cover it."""
    server = serve(200, tls=tls)
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, ignore_exceptions=ignored, max_retries=3)
    assert isinstance(caught.value.exception, exceptions.SSLError)
    assert caught.value.attempts == 3


def test_a_body_that_cannot_be_decoded(serve, naps):
    """Broken gzip is no broken connection; it is ignored by its own name."""
    server = serve(BAD_GZIP, BAD_GZIP, 200)
    with pytest.raises(exceptions.ContentDecodingError):
        httsleep(server.url, status_code=200, ignore_exceptions=[ConnectionError])
    ignored = [exceptions.ContentDecodingError]
    assert httsleep(server.url, status_code=200, ignore_exceptions=ignored)
    assert naps == [2]


def test_a_redirect_to_what_is_no_url(serve, naps):
    """What is a bare ValueError of session.get is a RequestException as well."""
    server = serve(BAD_LOCATION, BAD_LOCATION, BAD_LOCATION, 200)
    with pytest.raises(ValueError) as plain:  # noqa: PT011 - what it says varies
        requests.get(server.url, timeout=5)
    assert not isinstance(plain.value, exceptions.RequestException)
    with pytest.raises(exceptions.InvalidURL, match="redirects to what is no URL"):
        httsleep(server.url, status_code=200, ignore_exceptions=[ConnectionError])
    response = httsleep(server.url, status_code=200, ignore_exceptions=[ValueError])
    assert response.status_code == 200
    assert naps == [2]


def test_too_many_redirects(serve, naps):
    """A loop of redirects reaches the caller, and can be ignored."""
    server = serve(*[(302, b"", {"Location": "/endpoint"})] * 62, 200)
    with pytest.raises(exceptions.TooManyRedirects):
        httsleep(server.url, status_code=200, ignore_exceptions=[ConnectionError])
    ignored = [exceptions.TooManyRedirects]
    assert httsleep(server.url, status_code=200, ignore_exceptions=ignored)
    assert (len(server.seen), naps) == (63, [2])


def test_exception_does_not_swallow_an_alarm(serve, naps):
    """Alarm passes even ``[Exception]``."""
    server = serve(404, 500, 200)
    with pytest.raises(Alarm):
        httsleep(
            server.url,
            {"status_code": 200},
            {"status_code": 500},
            ignore_exceptions=[Exception],
        )
    assert (len(server.seen), naps) == (2, [2])


def test_exception_does_not_swallow_giving_up(serve, naps):
    """GaveUp passes even ``[Exception]``, and TimeoutError, which it is."""
    server = serve(404)
    for ignored in ([Exception], [TimeoutError], [OSError]):
        with pytest.raises(GaveUp) as caught:
            httsleep(
                server.url, status_code=200, ignore_exceptions=ignored, max_retries=2
            )
        assert caught.value.attempts == 2


@pytest.mark.parametrize("error", [KeyError("mine"), exceptions.ConnectionError()])
def test_exception_does_not_swallow_what_on_poll_raises(serve, naps, error):
    """What on_poll raises ends the run, the same object."""
    server = serve(404)

    def on_poll(attempt):
        raise error

    with pytest.raises(type(error)) as caught:
        httsleep(
            server.url,
            status_code=200,
            ignore_exceptions=[Exception, ConnectionError],
            on_poll=on_poll,
        )
    assert caught.value is error
    assert (len(server.seen), naps) == (1, [])


@pytest.mark.parametrize("mine", [Alarm, GaveUp])
def test_exception_does_not_swallow_the_alarm_of_a_callback(serve, naps, mine):
    """Alarm and GaveUp pass from within a callback too."""
    server = serve(404)
    error = mine(None, {}) if mine is Alarm else mine()

    def callback(response):
        raise error

    with pytest.raises(mine) as caught:
        httsleep(server.url, callback=callback, ignore_exceptions=[Exception])
    assert caught.value is error
    assert naps == []


def test_a_callback_that_raises_is_not_met(serve, naps):
    """An ignored exception of a callback means not met; the others are looked at."""
    server = serve((202, {}), (202, {"n": 1}), (200, {}))

    def callback(response):
        return response.json()["n"] == 2

    until = [{"callback": callback}, {"status_code": 200}]
    assert httsleep(server.url, until, ignore_exceptions=[KeyError]).status_code == 200
    assert (len(server.seen), naps) == (3, [2, 2])


def test_an_alarm_that_raises_hides_no_other(serve, naps):
    """An ignored exception in one alarm leaves the next one its turn."""
    server = serve((500, {}))
    alarms = [{"callback": lambda response: response.json()["n"]}, {"status_code": 500}]
    with pytest.raises(Alarm) as caught:
        httsleep(server.url, {"status_code": 200}, alarms, ignore_exceptions=KeyError)
    assert caught.value.alarm == {"status_code": 500}


def test_a_callback_that_raises_what_is_not_ignored(serve, naps):
    """What is not ignored reaches the caller as it is."""
    server = serve(200)
    error = LookupError("mine")

    def callback(response):
        raise error

    with pytest.raises(LookupError) as caught:
        httsleep(server.url, callback=callback, ignore_exceptions=[KeyError])
    assert caught.value is error
    assert caught.value.__cause__ is None


def test_giving_up_tells_what_was_ignored(serve, naps):
    """GaveUp has the last answer and the last ignored exception, whatever came last."""
    server = serve(b"", (503, "busy"), BAD_GZIP)
    seen = []
    with pytest.raises(GaveUp) as caught:
        httsleep(
            server.url,
            status_code=200,
            ignore_exceptions=[exceptions.RequestException],
            max_retries=3,
            on_poll=seen.append,
        )
    gave_up = caught.value
    assert (gave_up.attempts, gave_up.limit) == (3, "max_retries")
    assert gave_up.response is not None
    assert gave_up.response.text == "busy"
    assert isinstance(gave_up.exception, exceptions.ContentDecodingError)
    assert gave_up.reasons == ("status_code is 503, not 200",)
    assert [attempt.outcome for attempt in seen] == ["ignored", "waiting", "ignored"]
    assert [attempt.response is None for attempt in seen] == [True, False, True]
    assert isinstance(seen[0].exception, exceptions.ConnectionError)
    assert seen[1].exception is None


def test_an_ignored_exception_holds_no_frames(serve, naps):
    """What GaveUp carries has no traceback: that would keep answers alive."""
    server = serve(b"")
    with pytest.raises(GaveUp) as caught:
        httsleep(
            server.url,
            status_code=200,
            ignore_exceptions=ConnectionError,
            max_retries=2,
        )
    assert caught.value.exception.__traceback__ is None
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("ignored", [BodyTooLarge, exceptions.RequestException])
def test_a_body_that_is_too_large_can_be_ignored(serve, naps, ignored):
    """BodyTooLarge is also a RequestException."""
    server = serve((200, b"x" * 1001), (200, b"x" * 1000))
    response = httsleep(
        server.url, status_code=200, max_body_size=1000, ignore_exceptions=ignored
    )
    assert len(response.content) == 1000
    assert naps == [2]
