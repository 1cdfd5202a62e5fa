import io
import json
import re
import sys

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError

from httsleep import Attempt
from httsleep.command.display import (
    Display,
    JsonLines,
    Lines,
    Quiet,
    TerminalLine,
)
from httsleep.status_line import _TERMINAL

REQUEST = "GET http://server/endpoint"


@pytest.fixture
def attempt(make_response):
    """Return an attempt with these facts in place of the usual ones."""

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


def test_quiet_shows_only_failures(attempt, capsys):
    """Quiet shows an end that failed, and knows the last poll, for the exit code."""
    with Quiet(Display()) as display:
        assert display.attempt is None
        last = attempt()
        display.poll(last)
    assert display.attempt is last
    display.end(0, "")
    display.end(75, "the next poll is due in 3 s")
    assert capsys.readouterr() == ("", "")
    display.end(124, "gave up")
    assert capsys.readouterr() == ("", "httsleep: gave up\n")


def test_quiet_can_be_silent(capsys):
    """Without a display for failures there is nothing at all."""
    Quiet(None).end(124, "gave up")
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("code", "message", "shown"),
    [
        (124, "gave up after 1 poll: why", "\x1b[31mgave up after 1 poll\x1b[m: why"),
        (130, "interrupted\n  GET: b", "\x1b[31minterrupted\x1b[m\n  GET: b"),
        (75, "the next poll is due in 3 s", "the next poll is due in 3 s"),
    ],
    ids=["a colon", "a line end", "no failure"],
)
@pytest.mark.parametrize("no_color", [None, ""])
def test_the_first_words_of_a_failure_are_red(
    monkeypatch, code, message, shown, no_color
):
    """On a terminal the words up to the colon, or the first line, are red."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    Display().end(code, message)
    assert terminal.getvalue() == f"httsleep: {shown}\n"


def shown(display, attempts, capsys):
    """Return the lines that the display writes for the attempts."""
    with display:
        for each in attempts:
            display.poll(each)
            assert display.attempt is each
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_lines_show_new_results(attempt, capsys, make_response):
    """A new outcome, status or reason has a line; the first line names the URL."""
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


@pytest.fixture
def redirected(make_response):
    """Return the facts of an attempt that redirects have led to a login page."""
    response = make_response(200, "x", url="http://user:secret@server/login?to=secret")
    response.history.append(make_response(302))
    return {"response": response, "outcome": "met", "reasons": ()}


def test_each_display_says_where_redirects_led_to(attempt, redirected, capsys):
    """A success on a login page has its URL, without secrets, in lines and in JSON."""
    facts = redirected | {"next_wait": None}
    (line,) = shown(Lines(REQUEST), [attempt(**facts)], capsys)
    where = "http://server/login?to=…"
    assert line == f"httsleep: {REQUEST}: poll 1: met: 200 OK, redirected to {where}"
    (line,) = shown(JsonLines(REQUEST), [attempt(**facts)], capsys)
    assert json.loads(line)["redirected_to"] == where
    with TerminalLine(50, None) as display:
        display.poll(attempt(**facts))
        assert f"200 OK, redirected to {where}" in display._line.text(200)


def test_another_end_of_redirects_is_a_new_result(attempt, redirected, capsys):
    """A poll that is redirected elsewhere has a line, with the same status as well."""
    attempts = [attempt(), attempt(**redirected | {"outcome": "waiting"})]
    assert len(shown(Lines(REQUEST), [*attempts, *attempts[1:]], capsys)) == 2


def test_every_poll_can_have_a_line(attempt, capsys):
    """With ``every`` each poll has a line, an alarm included."""
    attempts = [attempt(), attempt(number=2), attempt(number=3, outcome="alarm")]
    lines = shown(Lines(REQUEST, every=True), attempts, capsys)
    numbers = [re.search("poll .", line)[0] for line in lines]
    assert numbers == ["poll 1", "poll 2", "poll 3"]


def test_an_alarm_has_no_line(attempt, capsys):
    """An alarm has no line, because the message at the end says the same."""
    assert shown(Lines(REQUEST), [attempt(outcome="alarm")], capsys) == []


def test_the_message_is_shown_at_the_end(capsys):
    """The end shows the message, and nothing for a success."""
    Lines(REQUEST).end(124, "gave up\n  last answer")
    Lines(REQUEST).end(0, "")
    assert capsys.readouterr() == ("", "httsleep: gave up\n  last answer\n")


def test_json_lines_hold_all_facts(attempt, capsys):
    """Each poll is an object of JSON on one line, and so is the end."""
    display = JsonLines(REQUEST)
    lines = shown(display, [attempt(), attempt(next_wait=None, **ignored())], capsys)
    assert list(map(json.loads, lines)) == [
        {
            "request": REQUEST,
            "event": "poll",
            "number": 1,
            "outcome": "waiting",
            "status_code": 503,
            "redirected_to": None,
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
            "redirected_to": None,
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


def test_a_terminal_line_shows_polls_and_disappears(attempt, capsys, monkeypatch):
    """The status line shows the last poll, and is erased before the message."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("httsleep.status_line.can_draw", lambda: True)
    display = TerminalLine(50, None)
    with display as same:
        assert same is display
        display.poll(attempt(number=3))
        assert display.attempt.number == 3
        _TERMINAL._live.refresh()
    out, err = capsys.readouterr()
    assert out == ""
    assert "poll 3 of 50" in err
    display.end(124, "gave up")
    assert capsys.readouterr() == ("", "httsleep: gave up\n")
