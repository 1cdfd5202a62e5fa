"""``max_time``, ``request_timeout`` and ``Retry-After`` in real time.

``hostile/test_time.py`` has the servers that answer slowly in all ways; the rules of
the last poll are tested without a clock in ``tests/unit``.
"""

import gzip
import time

import pytest
from requests import exceptions

from httsleep import GaveUp, httsleep

pytestmark = pytest.mark.realtime

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: 300\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIPPED = OK + b"Content-Encoding: gzip\r\nContent-Length: 300\r\n\r\n"
NOISE = gzip.compress(bytes(range(256)) * 2)
HANGS = {
    "half of the status line": lambda h: h.stall(b"HTTP/1.1 2"),
    "half of the headers": lambda h: h.stall(OK + b"Content-"),
    "no body": lambda h: h.stall(LENGTH),
    "half of a body": lambda h: h.stall(LENGTH + b"x" * 150),
    "no end of the chunks": lambda h: h.stall(CHUNKED + b"1\r\nx\r\n"),
    "no more of the gzip": lambda h: h.stall(GZIPPED + NOISE[:10]),
}


@pytest.mark.parametrize("answer", HANGS.values(), ids=HANGS)
def test_an_answer_that_stops(serve, within, answer):
    """An answer that stops in its middle is a ReadTimeout after request_timeout."""
    server = serve(answer)
    with within(0.2), pytest.raises(exceptions.ReadTimeout):
        httsleep(server.url, status_code=200, request_timeout=0.2)


def test_a_slow_answer_in_time_is_an_answer(serve):
    """A body that drips, and ends before request_timeout does, is whole."""
    head = OK + b"Content-Length: 5\r\n\r\n"
    server = serve(lambda handler: handler.drip(head, b"whole", gap=0.05))
    assert httsleep(server.url, text="whole", request_timeout=5).text == "whole"


@pytest.mark.parametrize(
    ("limit", "error"),
    [("request_timeout", exceptions.ConnectTimeout), ("max_time", GaveUp)],
)
def test_connecting_is_bounded(full_url, within, limit, error):
    """A connection that is never accepted ends with request_timeout or max_time."""
    with within(0.2), pytest.raises(error):
        httsleep(full_url, status_code=200, **{limit: 0.2})


def test_a_job_that_does_not_finish(serve, within):
    """GaveUp comes within max_time, with the last complete answer."""
    server = serve((202, "running"))
    with within(0.5), pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, polling_interval=0.1, max_time=0.5)
    gave_up = caught.value
    assert (gave_up.limit, gave_up.response.text) == ("max_time", "running")
    assert gave_up.attempts == len(server.seen) > 1


def test_a_job_that_finishes_late_in_its_time(serve, within):
    """A job that is finished halfway through max_time is seen by the last poll."""
    began = []

    def job(handler):
        began.append(time.monotonic())
        return (200, "done") if began[-1] - began[0] > 0.4 else (202, "running")

    server = serve(job)
    with within(0.8):
        response = httsleep(
            server.url, status_code=200, polling_interval=60, max_time=0.8
        )
    assert response.text == "done"
    assert len(server.seen) == 2


def test_a_retry_after_beyond_max_time(serve, within):
    """A run that is asked to wait for an hour polls once more and ends in time."""
    server = serve((429, b"", {"Retry-After": "3600"}))
    with within(1.5), pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, max_time=1.5)
    assert (caught.value.limit, caught.value.attempts) == ("max_time", 2)
