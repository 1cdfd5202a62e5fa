import io
import json
import re
import sys

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError

from httsleep import Attempt
from httsleep.command.display import (
    Lines,
    Objects,
    Silence,
    came,
    forget_unwritten,
    say,
)

REQUEST = "GET http://server/endpoint"


@pytest.fixture
def attempt(make_response):
    """An attempt, which the facts given make another one."""

    def make(**facts):
        made = {
            "number": 1,
            "response": make_response(503),
            "exception": None,
            "outcome": "waiting",
            "reasons": ("status_code is 503, not 200",),
            "elapsed": 4.00049,
            "next_wait": 2.0,
        }
        return Attempt(**made | facts)

    return make


def ignored():
    return {
        "response": None,
        "exception": RequestsConnectionError("http://user:secret@server/"),
        "outcome": "ignored",
        "reasons": (),
    }


class Broken(io.StringIO):
    """What nobody reads any more."""

    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError


@pytest.mark.parametrize("stream", [None, Broken()])
def test_that_nobody_listens_is_no_error(monkeypatch, capsys, stream):
    """A closed or broken standard error ends no wait; stdout takes nothing of it."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        say("text")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_what_was_written_is_not_forgotten(monkeypatch, stream):
    """Standard error is left as it is."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        forget_unwritten()
        assert sys.stderr is stream


def test_what_nobody_takes_is_forgotten(monkeypatch):
    """Python has nothing left to write at its end."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Broken())
        forget_unwritten()
        assert sys.stderr is None


def test_what_came_is_the_status_or_what_went_wrong(attempt):
    """A status line, or an exception in words of ours."""
    assert came(attempt()) == "503 Service Unavailable"
    assert came(attempt(**ignored())) == "ConnectionError"


def test_silence_shows_nothing(attempt, capsys):
    """It only knows the last poll, for the story of an interruption."""
    with Silence() as display:
        assert display.attempt is None
        last = attempt()
        display.poll(last)
    display.end(124, "gave up")
    assert display.attempt is last
    assert capsys.readouterr() == ("", "")


def shown(display, attempts, capsys):
    """The lines that the attempts make."""
    with display:
        for each in attempts:
            display.poll(each)
            assert display.attempt is each
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_lines_come_when_the_reason_changes(attempt, capsys, make_response):
    """Not with each poll; that the success came is something new. The first has all."""
    ready = {"response": make_response(200), "outcome": "met", "reasons": ()}
    attempts = [
        attempt(number=1, **ignored()),
        attempt(number=2, **ignored()),
        attempt(number=3),
        attempt(number=4),
        attempt(number=5, response=make_response(502)),
        attempt(number=6, next_wait=None, **ready),
    ]
    assert shown(Lines(REQUEST), attempts, capsys) == [
        f"httsleep: {REQUEST}: poll 1: ignored: ConnectionError; next in 2 s",
        "httsleep: poll 3: waiting: status_code is 503, not 200; next in 2 s",
        "httsleep: poll 5: waiting: status_code is 503, not 200; next in 2 s",
        "httsleep: poll 6: met: 200 OK",
    ]


def test_every_line_comes_if_that_is_wanted(attempt, capsys):
    """One for each poll, the alarm included."""
    attempts = [attempt(), attempt(number=2), attempt(number=3, outcome="alarm")]
    lines = shown(Lines(REQUEST, every=True), attempts, capsys)
    assert [re.search("poll .", line)[0] for line in lines] == [
        *("poll 1", "poll 2", "poll 3")
    ]


def test_of_an_alarm_only_the_story_tells(attempt, capsys):
    """A line before it would say the same."""
    assert shown(Lines(REQUEST), [attempt(outcome="alarm")], capsys) == []


def test_the_story_is_the_end(capsys):
    """A success has none."""
    Lines(REQUEST).end(124, "gave up\n  last answer")
    Lines(REQUEST).end(0, "")
    assert capsys.readouterr() == ("", "httsleep: gave up\n  last answer\n")


def test_objects_hold_all_facts(attempt, capsys):
    """One line of JSON for each poll and one for the end."""
    display = Objects(REQUEST)
    lines = shown(display, [attempt(), attempt(next_wait=None, **ignored())], capsys)
    assert list(map(json.loads, lines)) == [
        {
            "request": REQUEST,
            "event": "poll",
            "number": 1,
            "outcome": "waiting",
            "status_code": 503,
            "exception": None,
            "reasons": ["status_code is 503, not 200"],
            "elapsed": 4.0,
            "next_wait": 2.0,
        },
        {
            "request": REQUEST,
            "event": "poll",
            "number": 1,
            "outcome": "ignored",
            "status_code": None,
            "exception": "ConnectionError",
            "reasons": [],
            "elapsed": 4.0,
            "next_wait": None,
        },
    ]
    display.end(124, "gave\nup")
    assert json.loads(capsys.readouterr().err) == {
        "request": REQUEST,
        "event": "end",
        "exit_code": 124,
        "message": "gave\nup",
    }
