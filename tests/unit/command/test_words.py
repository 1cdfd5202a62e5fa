import json

import pytest

from httsleep import Alarm, GaveUp
from httsleep.command.build import build
from httsleep.wording import words_of_the_shell

URL = "http://server/endpoint"


@pytest.fixture
def ended(server, answers, naps):
    """Return how a wait with these words ends, as the command says it."""

    def run(*words):
        command = build([URL, *words])
        with (
            words_of_the_shell(command.wording),
            pytest.raises((Alarm, GaveUp)) as caught,
        ):
            command.endpoints[0].sleeper.run()
        return str(caught.value)

    return run


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--max-retries", "2"], "--max-retries 2 is reached"),
        ([], "--max-retries 55 is reached"),
        (["--interval", "2s"], "--max-retries 50 is reached"),
        (["--max-time", "3s"], "--max-time 3s leaves no time for another poll"),
        (["--max-time=3"], "--max-time 3s leaves no time for another poll"),
        (["--max-time", "1m"], "--max-time 1m leaves no time for another poll"),
        (["--max-time", "9s", "--max-time", "2s"], "--max-time 2s leaves no time for"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_limit_is_named_as_it_was_typed(answers, ended, words, why):
    """The text names the option and its value; all other lines are the library's."""
    answers(503)
    first, *rest = ended(*words).splitlines()
    assert first.startswith("gave up")
    assert f": {why}" in first
    assert len(f"httsleep: {first}") <= 79
    assert rest[0] == f"  GET {URL}"
    assert rest[-1].startswith("  polls: ")


def test_a_limit_that_is_over_is_named(server, ended, clock):
    """A poll that takes longer than the limit is the last one."""

    def answer(request):
        clock.now += 5
        return 503, {}, ""

    server.add_callback("GET", URL, answer)
    assert ": --max-time 3s is over\n" in ended("--max-time", "3s")


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ([], "--max-retry-after 300s"),
        (["--max-retry-after", "1m"], "--max-retry-after 1m"),
    ],
)
def test_a_retry_after_that_is_too_long_is_named(server, ended, words, limit):
    """The text has what the server asks for, and the limit."""
    server.get(URL, status=503, headers={"Retry-After": "3600"})
    assert f": Retry-After asks for 3600 s, {limit}\n" in ended(*words)


@pytest.mark.parametrize(
    ("words", "alarm"),
    [
        (["--alarm-status-code", "500"], "--alarm-status-code 500"),
        (["--alarm-status-code=5xx"], "--alarm-status-code 5xx"),
        (
            ["--alarm-status-code", "404,500", "--alarm-jsonpath", "$.a=b"],
            "--alarm-status-code 404,500 --alarm-jsonpath '$.a=b'",
        ),
        (["--alarm-text-matches", "b.?"], "--alarm-text-matches 'b.?'"),
        (["--alarm", '{"status_code":500}'], """--alarm '{"status_code":500}'"""),
        (["--alarm", '{"status_code":\n500}'], """--alarm '{"status_code": 500}'"""),
        (
            ["--alarm-text", "x", "--alarm", '[{"text": "y"}, {"status_code": "500"}]'],
            """--alarm '{"status_code": "500"}'""",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_alarm_is_shown_as_it_was_typed(server, ended, words, alarm):
    """The text has the options; of several --alarm the one that was met."""
    server.get(URL, status=500, json={"a": "b"})
    first, second, *_ = ended(*words).splitlines()
    assert first.startswith("met an alarm")
    assert first.endswith(f": {alarm}")
    assert second == f"  GET {URL}"


def test_a_poll_shows_an_alarm_as_it_was_typed(server):
    """A line of -v has the options."""
    server.get(URL, status=500)
    command = build([URL, "--alarm-status-code", "500"])
    sleeper = command.endpoints[0].sleeper
    sleeper.on_poll = (polls := []).append
    with pytest.raises(Alarm):
        sleeper.run()
    with words_of_the_shell(command.wording):
        assert str(polls[0]) == "poll 1: alarm: --alarm-status-code 500"
    assert str(polls[0]) == "poll 1: alarm: {'status_code': 500}"


def test_a_value_that_looks_like_an_alarm_is_none(answers, ended):
    """A text may begin as an option does."""
    answers(503)
    text = ended("--text", "--alarm-text is on", "--max-retries", "1")
    assert text.startswith("gave up after 1 poll")


def test_true_is_not_taken_for_1():
    """Of two alarms that only Python takes for equal the right one is shown."""
    alarms = ['{"json": 1}', '{"json": true}']
    wording = build([URL, "--alarm", alarms[0], "--alarm", alarms[1]]).wording
    shown = [wording.alarm(json.loads(alarm)) for alarm in alarms]
    assert shown == [f"--alarm '{alarm}'" for alarm in alarms]


def test_an_unexpected_answer_has_the_text_of_the_library(server, ended):
    """There is no alarm to show if an answer meets nothing."""
    server.get(URL, status=404)
    text = ended("--pending", '{"status_code": 503}')
    assert text.startswith("got an unexpected answer after 1 poll in 0 s\n")


def test_a_long_alarm_is_shortened(server, ended):
    """A long alarm has a line of its own, which stays readable."""
    server.get(URL, status=500, body="x" * 500)
    first, _, why, *_ = ended("--alarm-text", "x" * 500).split("\n  ")
    assert first == "met an alarm after 1 poll in 0 s"
    assert why.startswith("why: --alarm-text xxx")
    assert why.endswith("x…")
    assert len(why) < 250
