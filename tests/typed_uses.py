"""Typical uses, as mypy --strict and pyright see them.

The type checkers read this file; nothing calls its functions. Importing it sends no
request.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal, assert_type

import requests
from requests.auth import HTTPDigestAuth

from httsleep import (
    Alarm,
    Attempt,
    BodyTooLarge,
    BoundedSession,
    Condition,
    GaveUp,
    HttSleeper,
    HttSleepError,
    JSONPathEntry,
    exponential,
    httsleep,
)
from httsleep.exceptions import Alarm as AlarmOfExceptions
from httsleep.main import DEFAULT_MAX_RETRIES, DEFAULT_POLLING_INTERVAL
from httsleep.main import Alarm as AlarmOfMain
from httsleep.main import HttSleeper as HttSleeperOfMain
from httsleep.status_line import StatusLine
from httsleep.validators import Answer, Check, Validator

URL = "http://server/endpoint"


def two_examples() -> None:
    resp = httsleep("http://server/endpoint", status_code=200)
    assert_type(resp, requests.Response)

    resp = httsleep(
        "http://server/endpoint",
        until={"json": {"status": "SUCCESS"}, "status_code": 200},
        alarms=[{"status_code": 500}, {"json": {"status": "TIMEOUT"}}],
        ignore_exceptions=[ConnectionError],
        max_retries=20,
    )
    assert_type(resp, requests.Response)


def shorthand() -> None:
    httsleep(URL, status_code="200")
    httsleep(URL, json={"status": "SUCCESS"})
    httsleep(URL, json=[])
    httsleep(URL, jsonpath=[{"expression": "$.status", "value": "SUCCESS"}])
    httsleep(URL, text="OK")
    httsleep(URL, callback=lambda response: response.ok)
    httsleep(URL, callback=is_fresh, status_code=200)


def is_fresh(response: requests.Response) -> bool:
    return bool(response.json()["age"] < 60)


def conditions_in_variables() -> None:
    done = {"jsonpath": [{"expression": "$.status", "value": "SUCCESS"}]}
    failed = {"json": {"status": "FAILED"}}
    broken: dict[str, Any] = {"status_code": 500, "callback": is_fresh}
    httsleep(URL, done, failed)
    httsleep(URL, [done], [failed, broken])
    httsleep(URL, until=(done, {"status_code": 404}), alarms=())


def annotated_conditions() -> None:
    done: Condition = {"json_contains": {"status": "DONE"}, "consecutive": 3}
    ready: Condition = {"status_code": [200, "3xx"], "headers": {"ETag": True}}
    failed: list[Condition] = [{"status_code": {500, 502}}, {"text": re.compile("err")}]
    entry: JSONPathEntry = {"expression": "$.progress", "ge": 50, "lt": 100.5}
    entries: list[JSONPathEntry] = [entry, {"expression": "$.a", "in": ["b", None]}]
    far: Condition = {"jsonpath": entries, "callback": is_fresh}
    httsleep(URL, done, failed, pending=[])
    httsleep(
        URL, [ready, far, {"text": "OK"}], alarms=({"status_code": range(500, 600)},)
    )
    httsleep(URL, Condition(status_code="2xx"), {"jsonpath": entry})
    httsleep(URL, jsonpath=entry)
    httsleep(URL, jsonpath=entries)
    httsleep(URL, until={"jsonpath": {"$.status": "DONE"}})


def requests_and_how_they_are_sent() -> None:
    request = requests.Request("POST", URL, params={"page": "1"}, json={"query": "a"})
    httsleep(request, status_code=200, auth=("user", "password"))
    httsleep(URL, status_code=200, auth=HTTPDigestAuth("user", "password"))
    httsleep(URL, status_code=200, auth=signed, headers={"Accept": "text/plain"})
    httsleep(URL, status_code=200, verify=False, allow_redirects=False)
    with requests.Session() as session:
        httsleep(URL, status_code=200, session=session, verify="/etc/ssl/certs")


def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
    request.headers["Authorization"] = "Bearer TOKEN"
    return request


def limits() -> None:
    httsleep(
        URL,
        status_code=200,
        polling_interval=0.5,
        max_retries=None,
        max_time=timedelta(minutes=5),
        request_timeout=10,
        max_retry_after=60.0,
        max_body_size=2**20,
        max_body_excerpt=0,
    )
    httsleep(URL, status_code=200, request_timeout=None, max_retry_after=None)
    httsleep(URL, status_code=200, ignore_exceptions=TimeoutError, max_body_size=None)
    ignored = (requests.exceptions.ConnectionError, BodyTooLarge)
    httsleep(URL, status_code=200, ignore_exceptions=ignored)
    defaults = DEFAULT_POLLING_INTERVAL, DEFAULT_MAX_RETRIES
    httsleep(URL, status_code=200, polling_interval=defaults[0])


def intervals() -> None:
    httsleep(URL, status_code=200, polling_interval=timedelta(seconds=2))
    growing = exponential(1, factor=1.5, maximum=timedelta(minutes=1), jitter=0.5)
    httsleep(URL, status_code=200, polling_interval=growing)
    httsleep(URL, status_code=200, polling_interval=slower_by_and_by)
    httsleep(URL, status_code=200, polling_interval=lambda attempt: attempt.number)


def slower_by_and_by(attempt: Attempt) -> timedelta:
    return timedelta(seconds=attempt.number)


def watching() -> None:
    attempts: list[Attempt] = []
    httsleep(URL, status_code=200, on_poll=attempts.append)
    httsleep(URL, status_code=200, on_poll=print)
    httsleep(URL, status_code=200, on_poll=watch)
    with StatusLine(50, timedelta(minutes=1), name="a job") as line:
        httsleep(URL, status_code=200, on_poll=line)


def watch(attempt: Attempt) -> None:
    assert_type(attempt.number, int)
    assert_type(attempt.response, requests.Response | None)
    assert_type(attempt.exception, Exception | None)
    assert_type(attempt.met, bool)
    assert_type(attempt.reasons, tuple[str, ...])
    assert_type(attempt.elapsed, float)
    assert_type(attempt.next_wait, float | None)
    if attempt.outcome == "ignored":
        print(attempt.exception)


def what_can_be_caught() -> None:
    try:
        httsleep(URL, status_code=200, alarms={"status_code": 500})
    except Alarm as alarm:
        assert_type(alarm.response, requests.Response)
        assert_type(alarm.alarm, Mapping[str, Any] | None)
        assert_type(alarm.attempts, int)
        assert_type(alarm.elapsed, float)
    except GaveUp as gave_up:
        error: TimeoutError = gave_up
        assert_type(
            gave_up.limit, Literal["max_retries", "max_time", "max_retry_after"] | None
        )
        assert_type(gave_up.response, requests.Response | None)
        assert_type(gave_up.exception, Exception | None)
        assert_type(gave_up.reasons, tuple[str, ...])
        assert_type(gave_up.attempts, int)
        assert_type(gave_up.elapsed, float)
        raise error from None
    except BodyTooLarge as too_large:
        reason: requests.exceptions.RequestException = too_large
        assert_type(too_large.limit, int | None)
        raise reason from None
    except HttSleepError as other:
        print(other)


def an_application() -> requests.Response:
    with HttSleeper(URL, status_code=200, loglevel=None) as sleeper:
        assert_type(sleeper, HttSleeper)
        assert_type(sleeper.run(), requests.Response)
        attempt = sleeper.poll()
        assert_type(attempt, Attempt)
        if attempt.met and attempt.response is not None:
            return attempt.response
    return HttSleeper(requests.Request("GET", URL), {"status_code": 200}).run()


def a_shared_session() -> list[HttSleeper]:
    with BoundedSession(pool_maxsize=20) as session:
        assert_type(session, BoundedSession)
        assert_type(session.get(URL, timeout=1), requests.Response)
        httsleep(URL, status_code=200, session=session)
        return [HttSleeper(URL, status_code=200, session=session) for _ in range(20)]


def attributes(sleeper: HttSleeper) -> None:
    assert_type(sleeper.request, requests.Request)
    assert_type(sleeper.session, requests.Session)
    assert_type(sleeper.until, list[dict[str, Any]])
    assert_type(sleeper.alarms, list[dict[str, Any]])
    assert_type(sleeper.max_retries, int | None)
    assert_type(sleeper.ignore_exceptions, tuple[type[Exception], ...])
    sleeper.until = {"status_code": 200}
    sleeper.alarms = [{"status_code": 500}, {"status_code": 502}]
    sleeper.close()


def suffix(expected: Any) -> Check:
    """The text of the body ends with the expected one."""
    if not isinstance(expected, str):
        raise ValueError(f"suffix is {expected!r}: give a str")

    def check(answer: Answer) -> str | None:
        ended = (answer.text or "").endswith(expected)
        return None if ended else f"text does not end with {expected!r}"

    return check


class SuffixSleeper(HttSleeper):
    validators: ClassVar[Mapping[str, Validator]] = {
        **HttSleeper.validators,
        "suffix": suffix,
    }


def a_subclass() -> None:
    both = {"suffix": "done", "status_code": 200}
    SuffixSleeper(URL, both, alarms=[{"suffix": "failed"}, {"status_code": 500}])
    with SuffixSleeper(URL, until={"suffix": "done"}) as sleeper:
        assert_type(sleeper, SuffixSleeper)
        assert_type(sleeper.run(), requests.Response)


def names_of_older_releases() -> None:
    assert_type(AlarmOfMain, type[Alarm])
    assert_type(AlarmOfExceptions, type[Alarm])
    assert_type(HttSleeperOfMain, type[HttSleeper])


def made_by_hand(response: requests.Response) -> tuple[Alarm, GaveUp]:
    return Alarm(response, {"status_code": 500}), GaveUp("gave up", response=response)
