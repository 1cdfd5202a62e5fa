"""Pauses and limits: the submit is poll 1 of the wait."""

import pytest
import requests

from httsleep import GaveUp, HttSleeper, exponential, httsleep

JOB = "/jobs/7"


def to_job(**headers):
    return (202, b"", {"Location": JOB, **headers})


@pytest.fixture
def waits(serve, submit):
    """Return a function that runs a wait of one submit and several polls."""

    def waits(answer, *polls, **options):
        server = serve(answer, paths={JOB: list(polls) or [200]})
        options = {"status_code": 200, "follow": "Location", **options}
        httsleep(submit(server.url), **options)
        return server

    return waits


def test_the_interval_lies_between_submit_and_poll(waits, naps):
    """The first poll does not come at once."""
    waits(to_job(), 202, 200)
    assert naps == [2, 2]


def test_an_interval_of_nothing(waits, naps):
    """With ``polling_interval=0`` nothing lies between."""
    waits(to_job(), 202, 200, polling_interval=0)
    assert naps in ([], [0, 0])


def test_retry_after_of_the_submit(waits, naps):
    """The longer of interval and Retry-After counts."""
    waits(to_job(**{"Retry-After": "7"}), 202, 200)
    waits(to_job(**{"Retry-After": "1"}), 202, 200)
    assert naps == [7, 2, 2, 2]


def test_retry_after_of_the_polls(waits, naps):
    """A poll's own Retry-After counts for the next one."""
    waits(to_job(), (202, b"", {"Retry-After": "9"}), 200)
    assert naps == [2, 9]


def test_an_interval_that_is_computed(waits, naps):
    """A callable is given the attempt of the submit as well."""
    given = []

    def interval(attempt):
        given.append((attempt.number, attempt.outcome, attempt.reasons))
        return attempt.number

    server = waits(to_job(), 202, 200, polling_interval=interval)
    assert naps == [1, 2]
    assert given == [
        (1, "waiting", (f"Location is {server.root}{JOB}",)),
        (2, "waiting", ("status_code is 202, not 200",)),
    ]


def test_an_interval_that_grows(waits, naps):
    """It grows from the submit on."""
    waits(to_job(), 202, 202, 200, polling_interval=exponential(1))
    assert naps == [1, 2, 4]


def test_max_retries_counts_the_submit(serve, submit, sent):
    """The submit is poll 1."""
    server = serve(to_job(), paths={JOB: [202]})
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", max_retries=3)
    assert caught.value.attempts == 3
    assert sent(server) == ["POST /endpoint", f"GET {JOB}", f"GET {JOB}"]


def test_max_retry_after_of_the_submit(serve, submit, sent, naps):
    """A submit that asks for too long ends the wait, and the text names the URL."""
    server = serve(to_job(**{"Retry-After": "301"}), paths={JOB: [200]})
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    assert caught.value.limit == "max_retry_after"
    assert sent(server) == ["POST /endpoint"]
    assert naps == []
    assert f"then GET {server.root}{JOB}" in str(caught.value)


def test_max_time_shortens_the_first_pause(serve, submit, naps):
    """A long interval is shortened to the moment of the last poll."""
    server = serve(to_job(), paths={JOB: [200]})
    httsleep(
        submit(server.url),
        status_code=200,
        follow="Location",
        polling_interval=3600,
        max_time=60,
    )
    assert len(naps) == 1
    assert 50 < naps[0] < 60


def test_retry_after_beyond_max_time(serve, submit, naps):
    """It moves the poll to the moment of the last one."""
    server = serve(to_job(**{"Retry-After": "3600"}), paths={JOB: [200]})
    httsleep(submit(server.url), status_code=200, follow="Location", max_time=60)
    assert len(naps) == 1
    assert 50 < naps[0] < 60


def test_request_timeout_of_the_submit(serve, submit, within):
    """The submit may take no longer than any request."""
    server = serve(lambda handler: handler.hang())
    with within(0.2), pytest.raises(requests.exceptions.ReadTimeout):
        httsleep(
            submit(server.url), status_code=200, follow="Location", request_timeout=0.2
        )


def test_request_timeout_of_a_poll_of_another_origin(serve, submit, within):
    """The bounds hold there, too."""
    other = serve(lambda handler: handler.hang())
    server = serve((202, b"", {"Location": other.url}))
    with within(0.2), pytest.raises(requests.exceptions.ReadTimeout):
        httsleep(
            submit(server.url), status_code=200, follow="Location", request_timeout=0.2
        )


def test_max_body_size_at_another_origin(serve, submit):
    """A body that is too large is not read there either."""
    other = serve((200, b"x" * 100))
    server = serve((202, b"", {"Location": other.url}))
    with pytest.raises(requests.exceptions.RequestException, match="larger than"):
        httsleep(
            submit(server.url), status_code=200, follow="Location", max_body_size=99
        )


def test_a_kept_connection_of_another_origin_that_dies(serve, submit):
    """A poll there is sent once more on a new connection."""
    other = serve(202, b"", 200)
    server = serve((202, b"", {"Location": other.url}))
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert len(other.seen) == 3


def test_connections_of_another_origin_end_with_the_run(serve, submit):
    """Nothing stays open."""
    other = serve(202, 200)
    server = serve((202, b"", {"Location": other.url}))
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert other.connections == 1
    assert other.eof.acquire(timeout=5)
    assert server.eof.acquire(timeout=5)


def test_connections_of_another_origin_end_after_an_alarm(serve, submit):
    """They end with the run, however it ends; a session of the caller's stays open."""
    other = serve(500)
    server = serve((202, b"", {"Location": other.url}))
    with requests.Session() as session, pytest.raises(GaveUp):
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            max_retries=2,
            session=session,
        )
    assert other.eof.acquire(timeout=5)


def test_close_after_poll(serve, submit):
    """``close()`` ends the connections of another origin."""
    other = serve(202)
    server = serve((202, b"", {"Location": other.url}))
    with HttSleeper(submit(server.url), status_code=200, follow="Location") as sleeper:
        sleeper.poll()
        sleeper.poll()
    assert other.eof.acquire(timeout=5)


def test_the_end_of_a_wait_of_poll(serve, submit):
    """The connections of another origin end with the wait, without ``close()``."""
    other = serve(200)
    server = serve((202, b"", {"Location": other.url}))
    sleeper = HttSleeper(submit(server.url), status_code=200, follow="Location")
    sleeper.poll()
    assert sleeper.poll().met
    assert other.eof.acquire(timeout=5)
    sleeper.close()


def test_elapsed_includes_the_submit(waits, naps):
    """The attempts count the seconds from the submit on."""
    elapsed = []
    waits(to_job(), 202, 200, on_poll=lambda attempt: elapsed.append(attempt.elapsed))
    assert elapsed[0] < 2 <= elapsed[1] < 4 <= elapsed[2]
