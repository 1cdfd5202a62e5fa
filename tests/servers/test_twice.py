"""A run leaves nothing behind, in the sleeper or in the caller's arguments."""

import copy

import pytest
import requests

from httsleep import Alarm, GaveUp, HttSleeper, httsleep

SETTINGS = (
    *("request", "session", "kwargs", "until", "alarms", "max_retries", "max_time"),
    *("polling_interval", "request_timeout", "ignore_exceptions"),
)
RUNNING, SUCCESS = (200, {"status": "RUNNING"}), (200, {"status": "SUCCESS"})


def outcome(run):
    """How a run ended, as facts that can be compared."""
    try:
        response = run()
    except (Alarm, GaveUp) as error:
        facts = {**vars(error), "elapsed": None}
        facts["response"] = error.response is not None and error.response.content
        return type(error), facts
    return response.status_code, response.content


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ([RUNNING, SUCCESS], {}),
        ([503, RUNNING, SUCCESS], {"max_retries": 3}),
        ([RUNNING, 500], {"alarms": {"status_code": "500"}}),
        ([RUNNING, RUNNING], {"max_retries": 2}),
        ([RUNNING, (503, b"", {"Retry-After": "400"})], {}),
    ],
    ids=["success", "just in time", "alarm", "max_retries", "max_retry_after"],
)
@pytest.mark.parametrize("own", [True, False], ids=["own session", "session"])
def test_a_second_run_is_like_the_first(serve, naps, script, options, own):
    """A second ``run()`` sends, waits and ends as the first one."""
    server = serve(*script, *script)
    seen = []
    with requests.Session() as session:
        mine = {} if own else {"session": session}
        sleeper = HttSleeper(
            server.url,
            {"json": {"status": "SUCCESS"}},
            on_poll=lambda attempt: seen.append((attempt.number, attempt.outcome)),
            **options,
            **mine,
        )
        settings = {name: state(getattr(sleeper, name)) for name in SETTINGS}
        first = outcome(sleeper.run)
        assert {name: state(getattr(sleeper, name)) for name in SETTINGS} == settings
        second = outcome(sleeper.run)
    assert first == second
    half = len(script)
    assert server.seen[:half] == server.seen[half:]
    assert len(naps) == 2 * (half - 1)
    assert seen[:half] == seen[half:]


@pytest.fixture
def caller(serve):
    """Everything that a caller can pass, for a server that takes three polls."""
    answers = [RUNNING, (200, b"<html>"), SUCCESS]
    server = serve(*answers)
    with requests.Session() as session:
        session.headers["X-Session"] = "s"
        session.params = {"key": ["a", "b"]}
        session.proxies = {"https": "http://127.0.0.1:1"}
        yield {
            "url_or_request": requests.Request(
                "POST",
                server.url,
                headers={"X-A": "1", "X-B": None},
                data={"a": ["b", "c"]},
                params={"q": "r"},
                cookies={"c": "d"},
                auth=("user", "password"),
                files={"f": ("f.txt", b"content")},
                hooks={"response": [lambda response, **_: None]},
            ),
            "until": [
                {"status_code": "500"},
                {
                    "json": {"status": "SUCCESS"},
                    "jsonpath": [{"expression": "$.status", "value": "SUCCESS"}],
                    "callback": bool,
                },
            ],
            "alarms": [{"status_code": "404"}, {"json": {"a": [{}]}}],
            "auth": ("other", "password"),
            "headers": {"x-a": "2", "X-C": "3"},
            "session": session,
            "ignore_exceptions": [ConnectionError, KeyError],
        }


def state(value):
    """What a value is, however deep, as something that can be compared."""
    if isinstance(value, (requests.Request, requests.Session)):
        return {name: state(each) for name, each in vars(value).items()}
    if isinstance(value, requests.cookies.RequestsCookieJar):
        return sorted(vars(cookie).items() for cookie in value)
    if isinstance(value, dict):
        return {name: state(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [state(each) for each in value]
    if isinstance(value, requests.structures.CaseInsensitiveDict):
        return list(value.items())
    return value


def test_what_the_caller_passed_is_as_it_was(caller, naps):
    """Runs and polls change no dict, list, Request or session of the caller's."""
    before = state(caller)
    sleeper = HttSleeper(**caller)
    assert state(caller) == before
    sleeper.run()
    sleeper.run()
    sleeper.poll()
    sleeper.close()
    assert state(caller) == before
    httsleep(**caller)
    assert state(caller) == before


def test_what_the_caller_changes_later_does_not_count(caller, serve, naps):
    """A sleeper has copies: changing the arguments later changes nothing in it."""
    other = HttSleeper(**copy_of(caller))
    sleeper = HttSleeper(**caller)
    caller["until"][1]["json"]["status"] = "NEVER"
    caller["until"][1]["jsonpath"][0]["value"] = "NEVER"
    caller["until"].append({"text": ""})
    caller["alarms"][1]["json"]["a"][0]["b"] = "c"
    caller["headers"]["X-C"] = "changed"
    caller["ignore_exceptions"].clear()
    caller["url_or_request"].headers["X-A"] = "changed"
    caller["url_or_request"].data["a"].append("changed")
    caller["url_or_request"].params["q"] = "changed"
    caller["url_or_request"].url = "http://127.0.0.1:1/"
    assert (sleeper.until, sleeper.alarms) == (other.until, other.alarms)
    assert sleeper.ignore_exceptions == other.ignore_exceptions
    fields = [{**vars(each.request), "hooks": None} for each in (sleeper, other)]
    assert fields[0] == fields[1]
    assert sleeper.run().json() == {"status": "SUCCESS"}


def copy_of(caller):
    """Copies of all that a caller can change."""
    shared = {name: caller[name] for name in ("session", "url_or_request")}
    request = copy.copy(caller["url_or_request"])
    for name in ("headers", "data", "params"):
        setattr(request, name, copy.deepcopy(getattr(request, name)))
    rest = {name: value for name, value in caller.items() if name not in shared}
    copied = copy.deepcopy(rest)
    return {**copied, "session": caller["session"], "url_or_request": request}
