"""The submit is sent once, whatever comes."""

import threading

import pytest
import requests
from requests import exceptions

from httsleep import (
    BodyTooLarge,
    Cancelled,
    GaveUp,
    HttSleeper,
    UnexpectedResponse,
    httsleep,
)
from httsleep.session import BoundedSession

TO_JOB = (202, b"", {"Location": "/jobs/7"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_submit_and_its_polls(serve, submit, sent, mine, method):
    """The submit goes out with its body; then the URL is asked until it is done."""
    server = serve(TO_JOB, paths={"/jobs/7": [202, 404, 200]})
    request = submit(server.url, method, json={"a": 1})
    response = httsleep(request, status_code=200, follow="Location", **mine)
    assert sent(server) == [f"{method} /endpoint", *["GET /jobs/7"] * 3]
    assert [seen.body for seen in server.seen] == [b'{"a": 1}', b"", b"", b""]
    assert response.url == f"{server.root}/jobs/7"


@pytest.mark.parametrize("method", ["OPTIONS", "options", "post"])
def test_a_method_in_whichever_case(serve, submit, sent, method):
    """Every method but GET and HEAD is one of a submit."""
    server = serve(503)
    with pytest.raises(UnexpectedResponse):
        httsleep(submit(server.url, method), status_code=200, follow="Location")
    assert sent(server) == [f"{method.upper()} /endpoint"]


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_method_without_effect_in_lower_case(serve, submit, sent, method):
    """requests sends a method in capitals, so ``get`` is a GET."""
    server = serve(503, 200)
    httsleep(submit(server.url, method), status_code=200, follow="Location")
    assert sent(server) == [f"{method.upper()} /endpoint"] * 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_request_without_effect_is_polled(serve, submit, sent, method):
    """A GET or HEAD is no submit: it is sent again until an answer names a URL."""
    server = serve(503, 202, TO_JOB, paths={"/jobs/7": [200]})
    httsleep(submit(server.url, method), status_code=200, follow="Location")
    assert sent(server) == [*[f"{method} /endpoint"] * 3, "GET /jobs/7"]


RESET = {
    "closed": b"",
    "reset": lambda handler: handler.reset(),
    "half a status line": b"HTTP/1.1 2",
    "half a body": b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{",
    "no HTTP": b"\x15\x03\x01",
    "a broken chunk": (
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"
    ),
    "half a gzip": (
        b"HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: 3\r\n\r\nabc"
    ),
}
IGNORED = {
    "Exception": [Exception],
    "ConnectionError": ConnectionError,
    "RequestException": exceptions.RequestException,
    "nothing": (),
}


@pytest.mark.parametrize("ignored", IGNORED.values(), ids=IGNORED)
@pytest.mark.parametrize("end", RESET.values(), ids=RESET)
def test_a_submit_that_breaks(serve, submit, sent, mine, end, ignored):
    """The exception reaches the caller, although it is to be ignored."""
    server = serve(end, TO_JOB)
    with pytest.raises(exceptions.RequestException) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            ignore_exceptions=ignored,
            **mine,
        )
    assert sent(server) == ["POST /endpoint"]
    notes = "\n".join(caught.value.__notes__)
    assert "nobody knows whether the server has begun" in notes
    assert "ignore_exceptions" not in notes


def test_a_submit_that_takes_too_long(serve, submit, sent, mine):
    """A ReadTimeout reaches the caller, although it is to be ignored."""
    server = serve(lambda handler: handler.hang())
    with pytest.raises(exceptions.Timeout) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            request_timeout=0.2,
            ignore_exceptions=[TimeoutError, Exception],
            **mine,
        )
    assert sent(server) == ["POST /endpoint"]
    notes = "\n".join(caught.value.__notes__)
    assert "nobody knows whether the server has begun" in notes
    assert "ignore_exceptions" not in notes


def test_a_submit_that_is_refused_by_nobody(serve, submit):
    """A port where nothing is listening ends the wait at once."""
    server = serve(200, listening=False)
    with pytest.raises(exceptions.ConnectionError) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            ignore_exceptions=[Exception],
        )
    assert "ignore_exceptions" not in "\n".join(caught.value.__notes__)


def test_a_body_that_is_too_large(serve, submit, sent):
    """BodyTooLarge reaches the caller: the server may have begun."""
    server = serve((202, b"x" * 100, {"Location": "/jobs/7"}))
    with pytest.raises(BodyTooLarge) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            max_body_size=99,
            ignore_exceptions=[Exception],
        )
    assert sent(server) == ["POST /endpoint"]
    assert "ignore_exceptions" not in "\n".join(caught.value.__notes__)


def test_an_exception_of_a_check_of_the_submit(serve, submit, sent):
    """An exception of a callback that is ignored sends no second submit."""

    def broken(response):
        raise KeyError("mine")

    server = serve(202)
    with pytest.raises((KeyError, UnexpectedResponse)):
        httsleep(
            submit(server.url),
            callback=broken,
            follow="Location",
            ignore_exceptions=[Exception],
        )
    assert sent(server) == ["POST /endpoint"]


def test_an_exception_of_a_callable_place_is_not_ignored(serve, submit, sent):
    """A place that raises does so for the submit's answer only once."""

    def broken(response):
        raise ZeroDivisionError

    server = serve(202)
    with pytest.raises((ZeroDivisionError, UnexpectedResponse)):
        httsleep(
            submit(server.url),
            status_code=200,
            follow=broken,
            ignore_exceptions=[Exception],
        )
    assert sent(server) == ["POST /endpoint"]


@pytest.mark.parametrize("status", [202, 204, 304, 400, 404, 409, 429, 500, 503])
@pytest.mark.parametrize("pending", [None, [{"status_code": "1xx"}], [{"text": ""}]])
def test_no_status_sends_it_again(serve, submit, sent, mine, status, pending):
    """No answer, ``pending`` or not, is a reason to submit again."""
    server = serve(status, TO_JOB)
    with pytest.raises(UnexpectedResponse):
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            pending=pending,
            **mine,
        )
    assert sent(server) == ["POST /endpoint"]


@pytest.mark.parametrize("status", [202, 429, 503])
def test_retry_after_of_a_refusal_is_not_heeded(serve, submit, sent, naps, status):
    """The wait ends, however soon the server wants to be asked again."""
    server = serve((status, b"", {"Retry-After": "1"}), TO_JOB)
    with pytest.raises(UnexpectedResponse):
        httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint"]
    assert naps == []


@pytest.mark.parametrize("end", [b"", lambda handler: handler.reset()])
@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_a_kept_connection_that_dies(serve, submit, sent, end, kind):
    """A submit is not sent once more on a new connection."""
    server = serve(end, TO_JOB, paths={"/": [200]})
    with kind() as session:
        session.get(f"{server.root}/", timeout=5)
        with pytest.raises(exceptions.ConnectionError) as caught:
            httsleep(
                submit(server.url),
                status_code=200,
                follow="Location",
                session=session,
                ignore_exceptions=[Exception],
            )
    assert sent(server) == ["GET /", "POST /endpoint"]
    notes = "\n".join(caught.value.__notes__)
    assert "nobody knows whether the server has begun" in notes


@pytest.mark.parametrize("end", [b"", lambda handler: handler.reset()])
def test_a_submit_of_options_on_a_kept_connection(serve, submit, sent, end):
    """OPTIONS is a submit with ``follow``, and so is not sent once more either."""
    server = serve(end, TO_JOB, paths={"/": [200]})
    with BoundedSession() as session:
        session.get(f"{server.root}/", timeout=5)
        with pytest.raises(exceptions.ConnectionError):
            httsleep(
                submit(server.url, "OPTIONS"),
                status_code=200,
                follow="Location",
                session=session,
            )
    assert sent(server) == ["GET /", "OPTIONS /endpoint"]


def test_polls_may_break(serve, submit, sent):
    """Exceptions of the polls are ignored as ever."""
    polls = [b"", 200]
    server = serve(TO_JOB, paths={"/jobs/7": polls})
    httsleep(
        submit(server.url),
        status_code=200,
        follow="Location",
        ignore_exceptions=ConnectionError,
    )
    assert sent(server)[0] == "POST /endpoint"
    assert set(sent(server)[1:]) == {"GET /jobs/7"}


def test_a_poll_that_breaks_has_the_usual_note(serve, submit):
    """The note of a poll does propose to ignore the exception."""
    server = serve(TO_JOB, paths={"/jobs/7": [lambda handler: handler.reset()]})
    with pytest.raises(exceptions.ConnectionError) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    notes = "\n".join(caught.value.__notes__)
    assert "ignore_exceptions" in notes
    assert "nobody knows" not in notes


def test_a_submit_that_max_time_cuts_off(serve, submit, sent):
    """GaveUp says that nobody knows whether the server has begun."""
    server = serve(lambda handler: handler.hang())
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", max_time=0.3)
    assert sent(server) == ["POST /endpoint"]
    assert caught.value.limit == "max_time"
    assert caught.value.response is None
    assert "nobody knows whether the server has begun" in str(caught.value)


@pytest.mark.parametrize("ignored", [(), [Exception]], ids=["nothing", "Exception"])
def test_a_submit_that_max_time_cuts_off_is_the_end(serve, submit, sent, ignored):
    """No second submit follows, also if the exception is to be ignored."""
    server = serve(lambda handler: handler.hang())
    with pytest.raises(GaveUp):
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            max_time=0.3,
            ignore_exceptions=ignored,
        )
    assert sent(server) == ["POST /endpoint"]


@pytest.mark.parametrize("code", [307, 308])
def test_a_server_may_forward_a_submit(serve, submit, sent, mine, code):
    """307 and 308 send the submit to one more URL, which is asked no second time."""
    server = serve(
        (code, b"", {"Location": "/v2/jobs"}),
        paths={
            "/v2/jobs": [(202, b"", {"Location": "7"})],
            "/v2/7": [202, 200],
        },
    )
    httsleep(
        submit(server.url, data=b"body"), status_code=200, follow="Location", **mine
    )
    assert sent(server) == [
        "POST /endpoint",
        "POST /v2/jobs",
        "GET /v2/7",
        "GET /v2/7",
    ]
    assert [seen.body for seen in server.seen] == [b"body", b"body", b"", b""]


@pytest.mark.parametrize("code", [307, 308])
def test_a_forwarded_submit_that_breaks(serve, submit, sent, code):
    """It is sent no third time."""
    server = serve((code, b"", {"Location": "/v2/jobs"}), paths={"/v2/jobs": [b""]})
    with pytest.raises(exceptions.ConnectionError) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            ignore_exceptions=[Exception],
        )
    assert sent(server) == ["POST /endpoint", "POST /v2/jobs"]
    assert "nobody knows" in "\n".join(caught.value.__notes__)


def test_on_poll_that_raises_after_the_submit(serve, submit, sent):
    """What ``on_poll`` raises ends the run; nothing is submitted again."""

    def stop(attempt):
        raise KeyError(attempt.number)

    server = serve(TO_JOB)
    with pytest.raises(KeyError):
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            on_poll=stop,
            ignore_exceptions=[Exception],
        )
    assert sent(server) == ["POST /endpoint"]


def test_cancel_before_the_submit(serve, submit, sent):
    """An event that is set already sends nothing."""
    cancel = threading.Event()
    cancel.set()
    server = serve(TO_JOB)
    with pytest.raises(Cancelled):
        httsleep(submit(server.url), status_code=200, follow="Location", cancel=cancel)
    assert sent(server) == []


def test_cancel_during_the_submit(serve, submit, sent):
    """The run ends after the answer of the submit, and names no URL to poll."""
    cancel = threading.Event()

    def answer(handler):
        cancel.set()
        return TO_JOB

    server = serve(answer)
    with pytest.raises(Cancelled) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", cancel=cancel)
    assert sent(server) == ["POST /endpoint"]
    assert caught.value.attempts == 1


def test_cancel_while_the_submit_hangs(serve, submit, sent):
    """Cancelled says that nobody knows whether the server has begun."""
    cancel = threading.Event()

    def answer(handler):
        cancel.set()
        handler.hang()

    server = serve(answer)
    with pytest.raises(Cancelled) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            cancel=cancel,
            request_timeout=0.3,
        )
    assert sent(server) == ["POST /endpoint"]
    assert "nobody knows whether the server has begun" in str(caught.value)


def test_a_poll_goes_on_after_a_poll_that_breaks(serve, submit, sent):
    """With ``poll()`` an exception of a poll does not lead back to the submit."""
    server = serve(TO_JOB, paths={"/jobs/7": [202, b"HTTP/1.1 2", 200]})
    with HttSleeper(submit(server.url), status_code=200, follow="Location") as sleeper:
        sleeper.poll()
        sleeper.poll()
        with pytest.raises(exceptions.ConnectionError):
            sleeper.poll()
        assert sleeper.poll().met
    assert sent(server) == ["POST /endpoint", *["GET /jobs/7"] * 3]


def test_a_submit_that_breaks_ends_the_wait_of_poll(serve, submit, sent):
    """The next ``poll()`` begins another wait, because there is nothing to poll yet."""
    server = serve(lambda handler: handler.reset(), TO_JOB, paths={"/jobs/7": [200]})
    with HttSleeper(submit(server.url), status_code=200, follow="Location") as sleeper:
        with pytest.raises(exceptions.ConnectionError):
            sleeper.poll()
        assert sleeper.checkpoint is None
        assert sleeper.poll().number == 1
        assert sleeper.poll().met
    assert sent(server) == ["POST /endpoint", "POST /endpoint", "GET /jobs/7"]


def test_a_submit_that_is_refused_ends_the_wait_of_poll(serve, submit):
    """An UnexpectedResponse leaves no wait behind."""
    server = serve(503)
    with HttSleeper(submit(server.url), status_code=200, follow="Location") as sleeper:
        with pytest.raises(UnexpectedResponse):
            sleeper.poll()
        assert sleeper.checkpoint is None


def test_each_run_submits(serve, submit, sent):
    """A new wait begins at the submit."""
    server = serve(TO_JOB, paths={"/jobs/7": [200]})
    sleeper = HttSleeper(submit(server.url), status_code=200, follow="Location")
    sleeper.run()
    sleeper.run()
    assert sent(server) == ["POST /endpoint", "GET /jobs/7"] * 2


def test_the_last_poll_of_max_retries_is_the_submit(serve, submit, sent):
    """With ``max_retries=1`` the submit is sent, and nothing else."""
    server = serve(TO_JOB)
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", max_retries=1)
    assert sent(server) == ["POST /endpoint"]
    assert (caught.value.limit, caught.value.attempts) == ("max_retries", 1)


def test_a_callback_that_raises_does_not_lead_back_to_the_submit(serve, submit, sent):
    """The submit was answered, so the next ``poll()`` goes where the answer leads."""
    server = serve(TO_JOB, paths={"/jobs/7": [200]})
    calls = []

    def broken(response):
        calls.append(response)
        if len(calls) == 1:
            raise KeyError("bug")

    alarms = {"callback": broken}
    with HttSleeper(
        submit(server.url), status_code=200, follow="Location", alarms=alarms
    ) as sleeper:
        with pytest.raises(KeyError):
            sleeper.poll()
        assert sleeper.checkpoint["polls"] == 1
        assert sleeper.poll().met
    assert [each.method for each in server.seen] == ["POST", "GET"]


def test_a_callback_that_raises_for_an_answer_that_leads_nowhere(serve, submit):
    """The wait has ended: there is no URL to poll."""
    server = serve((202, b"", {"Location": "ftp://server/"}))

    def broken(response):
        raise KeyError("bug")

    with HttSleeper(
        submit(server.url),
        status_code=200,
        follow="Location",
        alarms={"callback": broken},
    ) as sleeper:
        with pytest.raises(KeyError):
            sleeper.poll()
        assert sleeper.checkpoint is None
