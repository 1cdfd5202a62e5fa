"""``max_time`` and ``request_timeout``, in real time and with small limits."""

import gzip
import time

import pytest
import requests
from requests import exceptions

from httsleep import Alarm, GaveUp, httsleep

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: 300\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIPPED = OK + b"Content-Encoding: gzip\r\nContent-Length: 300\r\n\r\n"
NOISE = gzip.compress(bytes(range(256)) * 2)
DRIPS = {
    "body with a length": lambda h: h.drip(LENGTH, b"x" * 300),
    "body until the end": lambda h: h.drip(OK + b"\r\n", b"x" * 300),
    "chunks": lambda h: h.drip(CHUNKED, b"1\r\nx\r\n" * 50),
    "one chunk": lambda h: h.drip(CHUNKED + b"12c\r\n", b"x" * 300),
    "gzip": lambda h: h.drip(GZIPPED, NOISE),
}
HANGS = {
    "no answer": lambda h: h.hang(),
    "half of the status line": lambda h: h.stall(b"HTTP/1.1 2"),
    "half of the headers": lambda h: h.stall(OK + b"Content-"),
    "no body": lambda h: h.stall(LENGTH),
    "half of a body": lambda h: h.stall(LENGTH + b"x" * 150),
    "no end of the chunks": lambda h: h.stall(CHUNKED + b"1\r\nx\r\n"),
    "no more of the gzip": lambda h: h.stall(GZIPPED + NOISE[:10]),
}
SLOW = DRIPS | HANGS


@pytest.fixture
def real_naps(monkeypatch):
    """The naps of the run, which take the time that they should."""
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        time.sleep(seconds)

    monkeypatch.setattr("httsleep.main.sleep", sleep)
    return naps


def after(seconds, answer):
    """``answer``, that many seconds late."""

    def late(handler):
        handler.server.stopping.wait(seconds)
        return answer

    return late


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_request_timeout_cuts_off(serve, within, answer):
    """Whatever hangs or drips is a ReadTimeout once request_timeout is over."""
    server = serve(answer)
    with within(0.2), pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=200, request_timeout=0.2)


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_max_time_cuts_off(serve, within, answer):
    """A request in flight when max_time ends is the end of the run: GaveUp."""
    server = serve(answer)
    with within(0.2), pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_time=0.2)
    gave_up = caught.value
    assert (gave_up.limit, gave_up.attempts, gave_up.response) == ("max_time", 1, None)
    assert gave_up.elapsed >= 0.19


@pytest.mark.parametrize("slow", ["chunks", "no answer"])
def test_max_time_keeps_the_last_complete_answer(serve, within, slow):
    """When the last request is cut off, GaveUp has the answer before it."""
    server = serve((503, "busy"), SLOW[slow])
    with within(0.4), pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_time=0.4, polling_interval=0.01)
    assert caught.value.limit == "max_time"
    assert caught.value.response is not None
    assert caught.value.response.text == "busy"
    assert caught.value.reasons == ("status_code is 503, not 200",)
    assert len(server.seen) == 2


@pytest.mark.parametrize("ignored", [TimeoutError, Exception])
def test_ignoring_does_not_outlast_max_time(serve, within, ignored):
    """Requests that are too slow, and ignored, end when max_time does."""
    server = serve(HANGS["no answer"])
    with within(0.5), pytest.raises(GaveUp) as caught:
        httsleep(
            server.url,
            status_code=200,
            max_time=0.5,
            request_timeout=0.15,
            polling_interval=0.01,
            ignore_exceptions=ignored,
        )
    assert caught.value.limit == "max_time"
    assert isinstance(caught.value.exception, exceptions.ReadTimeout)


def test_a_request_timeout_before_max_time_is_raised(serve, within):
    """What request_timeout cuts off while max_time lasts is a ReadTimeout."""
    server = serve(HANGS["no answer"])
    with within(0.2), pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=200, max_time=20, request_timeout=0.2)


def test_request_timeout_none_is_no_limit(serve, within):
    """With ``None`` a slow answer is waited for."""
    server = serve(after(0.4, (200, "slow")))
    response = httsleep(server.url, status_code=200, request_timeout=None)
    assert response.text == "slow"


def test_a_slow_answer_in_time_is_an_answer(serve):
    """A body that drips, and ends before request_timeout does, is whole."""
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    server = serve(lambda handler: handler.drip(body, b"whole", gap=0.05))
    assert httsleep(server.url, text="whole", request_timeout=5).text == "whole"


def test_request_timeout_counts_for_each_request(serve, naps):
    """It limits one request, not the run."""
    server = serve(*[after(0.15, 503)] * 3, after(0.15, 200))
    response = httsleep(server.url, status_code=200, request_timeout=0.5)
    assert response.status_code == 200
    assert len(server.seen) == 4


def test_connecting_is_bounded(full_url, within):
    """A server that lets nobody in is a ConnectTimeout after request_timeout."""
    with within(0.2), pytest.raises(exceptions.ConnectTimeout):
        httsleep(full_url, status_code=200, request_timeout=0.2)


def test_connecting_is_bounded_by_max_time(full_url, within):
    """A server that lets nobody in is GaveUp when max_time ends."""
    with within(0.2), pytest.raises(GaveUp) as caught:
        httsleep(full_url, status_code=200, max_time=0.2)
    assert caught.value.limit == "max_time"


@pytest.mark.parametrize("ignored", [ConnectionError, TimeoutError])
def test_connecting_too_slowly_is_both(full_url, naps, ignored):
    """ConnectTimeout is a broken connection and too slow: either builtin covers it."""
    with pytest.raises(GaveUp) as caught:
        httsleep(
            full_url,
            status_code=200,
            request_timeout=0.1,
            max_retries=2,
            ignore_exceptions=ignored,
        )
    assert isinstance(caught.value.exception, exceptions.ConnectTimeout)


def test_an_upload_that_stalls(deaf_url, within):
    """A server that reads nothing of a large body is a ReadTimeout as well."""
    request = requests.Request("POST", deaf_url, data=b"x" * 50_000_000)
    with within(0.5), pytest.raises(exceptions.ReadTimeout):
        httsleep(request, status_code=200, request_timeout=0.5)


def test_a_tls_body_that_drips(serve, tls, ca_bundle, within):
    """Over TLS a body that drips is cut off as well."""
    server = serve(DRIPS["body with a length"], tls=tls)
    with within(0.5), pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=200, request_timeout=0.5, verify=ca_bundle)


@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1.1"])
def test_a_job_that_finishes_in_time(serve, real_naps, within, protocol):
    """The wait is shortened, and the last poll sees a job that is done by then."""
    server = serve((202, "running"), (200, "done"), protocol=protocol)
    with within(0.6):
        response = httsleep(
            server.url, status_code=200, polling_interval=60, max_time=0.6
        )
    assert response.text == "done"
    assert len(server.seen) == 2
    assert len(real_naps) == 1
    assert real_naps[0] <= 0.5  # at most max_time - margin, which is at least 0.1


def test_a_job_that_finishes_late_in_its_time(serve, within):
    """A job that is done halfway through max_time is seen, whatever the interval."""
    began = []

    def job(handler):
        began.append(time.monotonic())
        return (200, "done") if began[-1] - began[0] > 0.4 else (202, "running")

    server = serve(job)
    with within(0.8):
        response = httsleep(
            server.url, status_code=200, polling_interval=0.3, max_time=0.8
        )
    assert response.text == "done"


def test_a_job_that_does_not_finish(serve, real_naps, within):
    """GaveUp comes within max_time, and no nap was taken without a poll after it."""
    server = serve((202, "running"))
    with within(0.5), pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, polling_interval=0.1, max_time=0.5)
    gave_up = caught.value
    assert (gave_up.limit, gave_up.response.text) == ("max_time", "running")
    assert gave_up.attempts == len(server.seen) == len(real_naps) + 1
    assert isinstance(gave_up, TimeoutError)


def test_slow_answers_do_not_outlast_max_time(serve, real_naps, within):
    """The slower the polls, the earlier the last one starts."""
    server = serve(after(0.2, (202, "running")))
    with within(0.7), pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, polling_interval=0.01, max_time=0.7)
    assert caught.value.limit == "max_time"
    assert caught.value.attempts == len(server.seen) == len(real_naps) + 1


def test_max_time_has_no_limit_of_polls(serve, within):
    """With max_time given, more than 50 polls are made."""
    server = serve(*[202] * 60, 200)
    with within(20):
        httsleep(server.url, status_code=200, polling_interval=0, max_time=20)
    assert len(server.seen) == 61


def test_max_retries_counts_beside_max_time(serve, naps):
    """When both are given, whichever is reached first ends the run."""
    server = serve(202)
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_time=20, max_retries=3)
    assert (caught.value.limit, len(server.seen)) == ("max_retries", 3)


def test_max_time_is_not_in_the_way_of_an_alarm(serve, within):
    """An alarm in the last poll is an alarm."""
    server = serve(202, 500)
    with within(0.4), pytest.raises(Alarm):
        httsleep(
            server.url,
            {"status_code": 200},
            {"status_code": 500},
            polling_interval=60,
            max_time=0.4,
        )


def test_a_nap_that_takes_too_long(serve, naps):
    """When a nap outlasts max_time (a machine that was suspended), the run is over."""
    server = serve(202)
    naps.during = lambda number: time.sleep(0.4)
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_time=0.3)
    assert caught.value.limit == "max_time"
    assert len(server.seen) == caught.value.attempts == 1


def test_on_poll_that_takes_too_long(serve, naps):
    """When on_poll outlasts max_time, no nap and no poll follow."""
    server = serve(202)
    with pytest.raises(GaveUp) as caught:
        httsleep(
            server.url,
            status_code=200,
            max_time=0.2,
            on_poll=lambda attempt: time.sleep(0.3),
        )
    assert (caught.value.limit, len(server.seen), naps) == ("max_time", 1, [])


def test_on_poll_that_outlasts_the_last_poll_moment(serve, naps):
    """When the moment for the last poll has passed, the run gives up at once."""
    server = serve(after(0.3, 202))  # so the last poll starts at 1 - 1.5 * 0.3 at most
    with pytest.raises(GaveUp) as caught:
        httsleep(
            server.url,
            status_code=200,
            max_time=1,
            on_poll=lambda attempt: time.sleep(0.35),
        )
    assert (caught.value.limit, len(server.seen), naps) == ("max_time", 1, [])


def test_a_callable_interval_that_takes_too_long(serve, naps):
    """When polling_interval outlasts max_time, no nap and no poll follow."""

    def interval(attempt):
        time.sleep(0.25)
        return 0

    server = serve(202)
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_time=0.2, polling_interval=interval)
    assert (caught.value.limit, len(server.seen), naps) == ("max_time", 1, [])


def test_a_callback_that_takes_too_long_still_counts(serve, naps):
    """A success that was found late is a success."""
    server = serve(200)

    def callback(response):
        time.sleep(0.3)
        return True

    response = httsleep(server.url, callback=callback, max_time=0.2)
    assert response.status_code == 200


def test_the_connection_of_a_request_that_was_cut_off_is_not_used_again(
    serve, naps, within
):
    """The rest of an answer that came too late is not taken for the next one."""
    late = {"late": True}
    server = serve(after(0.3, (200, late)), (200, {"late": False}))
    with within(0.2):
        response = httsleep(
            server.url,
            status_code=200,
            request_timeout=0.2,
            ignore_exceptions=[TimeoutError],
        )
    assert response.json() == {"late": False}
    assert server.connections == 2
