"""The answer of a submit names a URL, or is the end; later answers are judged."""

import pytest

from httsleep import Alarm, GaveUp, HttSleeper, UnexpectedResponse, httsleep

TO_JOB = (202, b"", {"Location": "/jobs/7"})
FAILED = {"jsonpath": {"$.status": "FAILED"}}


@pytest.fixture
def attempts():
    """The attempts of a wait with ``on_poll=attempts.append``."""
    return []


def test_the_attempt_of_a_submit(serve, submit, attempts):
    """It is waiting, with one reason: where the answer named the URL."""
    server = serve(TO_JOB, paths={"/jobs/7": [200]})
    httsleep(
        submit(server.url), status_code=200, follow="Location", on_poll=attempts.append
    )
    first, last = attempts
    assert first.number == 1
    assert first.outcome == "waiting"
    assert first.reasons == (f"Location is {server.root}/jobs/7",)
    assert first.response.status_code == 202
    assert first.next_wait == 2
    assert not first.met
    assert (last.number, last.outcome, last.reasons) == (2, "met", ())


@pytest.mark.parametrize("follow", ["$.links.self", "/jobs/{$.id}", "{X-Url}"])
def test_the_reason_names_the_place(serve, submit, attempts, follow):
    """The place is shown as the caller wrote it, with the URL that it names."""
    body = {"links": {"self": "/jobs/7"}, "id": 7}
    server = serve((202, body, {"X-Url": "/jobs/7"}), paths={"/jobs/7": [200]})
    httsleep(
        submit(server.url), status_code=200, follow=follow, on_poll=attempts.append
    )
    assert attempts[0].reasons == (f"{follow} is {server.root}/jobs/7",)


def test_the_reason_has_no_query_values(serve, submit, attempts):
    """The URL is shown like any other: without the values of its query."""
    server = serve(
        (202, b"", {"Location": "/jobs/7?token=secret#part"}), paths={"/jobs/7": [200]}
    )
    httsleep(
        submit(server.url), status_code=200, follow="Location", on_poll=attempts.append
    )
    assert attempts[0].reasons == (f"Location is {server.root}/jobs/7?token=…",)
    assert server.seen[1].path == "/jobs/7?token=secret"


def test_an_answer_that_names_a_url_is_not_judged_by_until(serve, submit, sent):
    """A condition that the submit's answer meets is one for the polls."""
    server = serve(TO_JOB, paths={"/jobs/7": [404, 202]})
    response = httsleep(submit(server.url), status_code=202, follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7", "GET /jobs/7"]
    assert response.request.method == "GET"


def test_an_answer_that_names_a_url_does_not_count_for_until(serve, submit, sent):
    """``consecutive`` counts the polls alone."""
    server = serve(TO_JOB, paths={"/jobs/7": [202]})
    until = {"status_code": 202, "consecutive": 2}
    httsleep(submit(server.url), until, follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7", "GET /jobs/7"]


def test_an_answer_that_names_a_url_is_not_judged_by_pending(serve, submit, sent):
    """``pending=[]`` expects nothing but success, which is for the polls."""
    server = serve(TO_JOB, paths={"/jobs/7": [200]})
    httsleep(submit(server.url), status_code=200, pending=[], follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_status_below_400_can_name_a_url(serve, submit, sent, status):
    """The status of the answer does not matter."""
    server = serve((status, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [200]})
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7"]


@pytest.mark.parametrize("status", [400, 401, 409, 429, 500, 503])
def test_an_error_that_names_a_url_is_not_followed(serve, submit, sent, status):
    """A Location in an answer from 400 on leads nowhere."""
    server = serve((status, b"", {"Location": "/jobs/7"}))
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint"]
    assert "not accepted" in str(caught.value)


# Done at once.


def test_a_submit_that_is_done_at_once(serve, submit, sent, attempts):
    """An answer that names no URL and meets until is the success."""
    server = serve((200, {"status": "SUCCESS"}))
    response = httsleep(
        submit(server.url),
        jsonpath={"$.status": "SUCCESS"},
        follow="Location",
        on_poll=attempts.append,
    )
    assert response.json() == {"status": "SUCCESS"}
    assert sent(server) == ["POST /endpoint"]
    assert [attempt.outcome for attempt in attempts] == ["met"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_delete_that_finds_nothing(serve, submit, sent, status):
    """An error status can be the success as well."""
    server = serve((status, b"", {"Location": "/jobs/7"}))
    until = [{"status_code": 404}, {"status_code": 410}]
    httsleep(submit(server.url, "DELETE"), until, follow="Location")
    assert sent(server) == ["DELETE /endpoint"]


def test_consecutive_counts_as_reached(serve, submit, sent):
    """No other answer will come that could be the second in a row."""
    server = serve(200)
    until = {"status_code": 200, "consecutive": 3}
    assert httsleep(submit(server.url), until, follow="Location").status_code == 200
    assert sent(server) == ["POST /endpoint"]


def test_consecutive_that_is_not_met_is_not_reached(serve, submit, sent):
    """The condition itself has to be met."""
    server = serve(202)
    until = {"status_code": 200, "consecutive": 3}
    with pytest.raises(UnexpectedResponse):
        httsleep(submit(server.url), until, follow="Location")
    assert sent(server) == ["POST /endpoint"]


def test_done_at_once_by_poll(serve, submit):
    """``poll()`` returns a met attempt, and leaves no wait behind."""
    with HttSleeper(
        submit(serve(200).url), status_code=200, follow="Location"
    ) as sleeper:
        assert sleeper.poll().met
        assert sleeper.checkpoint is None


# Alarms first.


def test_an_alarm_on_the_answer_of_the_submit(serve, submit, sent, attempts):
    """An alarm ends the wait although a URL is named."""
    server = serve((202, {"status": "FAILED"}, {"Location": "/jobs/7"}))
    with pytest.raises(Alarm) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            alarms=FAILED,
            follow="Location",
            on_poll=attempts.append,
        )
    assert not isinstance(caught.value, UnexpectedResponse)
    assert caught.value.alarm == FAILED
    assert sent(server) == ["POST /endpoint"]
    assert [attempt.outcome for attempt in attempts] == ["alarm"]


def test_an_alarm_comes_before_a_success_at_once(serve, submit):
    """Alarms are looked at first, as ever."""
    with pytest.raises(Alarm) as caught:
        httsleep(
            submit(serve(200).url),
            status_code=200,
            alarms={"status_code": 200},
            follow="Location",
        )
    assert caught.value.alarm == {"status_code": 200}


def test_an_alarm_on_a_refusal(serve, submit):
    """A refusal that an alarm describes is this alarm."""
    with pytest.raises(Alarm) as caught:
        httsleep(
            submit(serve(503).url),
            status_code=200,
            alarms={"status_code": 503},
            follow="Location",
        )
    assert not isinstance(caught.value, UnexpectedResponse)


def test_an_alarm_that_is_met_asks_no_callable(serve, submit):
    """The answer of an alarm leads nowhere, so nobody has to be asked."""
    asked = []
    with pytest.raises(Alarm):
        httsleep(
            submit(serve(202).url),
            status_code=200,
            alarms={"status_code": 202},
            follow=asked.append,
        )
    assert len(asked) <= 1


def test_an_alarm_with_consecutive_counts_the_submit(serve, submit, sent):
    """The answer of the submit is one answer."""
    server = serve(TO_JOB, paths={"/jobs/7": [202]})
    with pytest.raises(Alarm) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            alarms={"status_code": 202, "consecutive": 3},
            follow="Location",
        )
    assert caught.value.attempts == 3
    assert sent(server) == ["POST /endpoint", "GET /jobs/7", "GET /jobs/7"]


# Later answers.


def test_polls_are_judged_by_pending(serve, submit, sent):
    """A later answer that nothing expects is an UnexpectedResponse."""
    server = serve(TO_JOB, paths={"/jobs/7": [404, 202, 500]})
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            pending=[{"status_code": 404}, {"status_code": 202}],
            follow="Location",
        )
    assert caught.value.attempts == 4
    assert caught.value.response.status_code == 500
    assert "not accepted" not in str(caught.value)
    assert sent(server) == ["POST /endpoint", *["GET /jobs/7"] * 3]


def test_polls_are_judged_by_alarms(serve, submit):
    """A later answer that meets an alarm is one."""
    server = serve(TO_JOB, paths={"/jobs/7": [202, (200, {"status": "FAILED"})]})
    with pytest.raises(Alarm) as caught:
        httsleep(
            submit(server.url),
            jsonpath={"$.status": "SUCCESS"},
            alarms=FAILED,
            follow="Location",
        )
    assert caught.value.attempts == 3


def test_giving_up_on_the_polls(serve, submit):
    """GaveUp has the last answer, and how often each status came."""
    server = serve(TO_JOB, paths={"/jobs/7": [404]})
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", max_retries=3)
    assert caught.value.attempts == 3
    assert caught.value.response.status_code == 404
    assert caught.value.reasons == ("status_code is 404, not 200",)
    assert "polls: 1 x 202 Accepted, 2 x 404 Not Found" in str(caught.value)
