import io
import json
import re
import sys
from datetime import datetime, timedelta

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
NOW = "2026-11-27T04:05:06.789+00:00"


class Now:
    """A clock that stands still."""

    def now(zone):
        return datetime.fromisoformat(NOW).astimezone(zone)


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
    Display().end(code, message, {})
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


def test_json_lines_hold_all_facts(attempt, capsys, monkeypatch):
    """Each poll is an object of JSON on one line, and so is the end."""
    monkeypatch.setattr("httsleep.command.display.datetime", Now)
    display = JsonLines(REQUEST, "http://server/endpoint")
    lines = shown(display, [attempt(), attempt(next_wait=None, **ignored())], capsys)
    common = {"request": REQUEST, "timestamp": NOW, "url": "http://server/endpoint"}
    assert list(map(json.loads, lines)) == [
        common
        | {
            "event": "poll",
            "number": 1,
            "outcome": "waiting",
            "status_code": 503,
            "redirected_to": None,
            "exception": None,
            "reasons": ["status_code is 503, not 200"],
            "alarm": None,
            "body": None,
            "elapsed": 4.0,
            "next_wait": 2.0,
        },
        common
        | {
            "event": "poll",
            "number": 1,
            "outcome": "ignored",
            "status_code": None,
            "redirected_to": None,
            "exception": "ConnectionError",
            "reasons": [],
            "alarm": None,
            "body": None,
            "elapsed": 4.0,
            "next_wait": None,
        },
    ]
    display.end(124, "gave\nup", {"polls": 2, "limit": "max_time"})
    assert json.loads(capsys.readouterr().err) == common | {
        "event": "end",
        "exit_code": 124,
        "message": "gave\nup",
        "polls": 2,
        "limit": "max_time",
    }


def test_json_lines_have_the_time_with_its_zone(capsys):
    """A timestamp is one of ISO 8601 with milliseconds, in UTC."""
    JsonLines(REQUEST).end(0, "")
    timestamp = json.loads(capsys.readouterr().err)["timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", timestamp)
    assert datetime.fromisoformat(timestamp).utcoffset() == timedelta(0)


def test_json_lines_have_the_alarm_and_the_body(attempt, capsys):
    """An alarm is an object as in JSON; a regular expression is its text."""
    display = JsonLines(REQUEST, excerpt=lambda attempt: f"body {attempt.number}")
    alarm = {"text": re.compile("^FAILED"), "status_code": 200}
    facts = {"outcome": "alarm", "alarm": alarm}
    (line,) = shown(display, [attempt(**facts)], capsys)
    poll = json.loads(line)
    assert poll["alarm"] == {"text": "^FAILED", "status_code": 200}
    assert poll["body"] == "body 1"


def test_json_lines_have_the_url_of_each_poll(attempt, make_response, capsys):
    """With --follow another URL is polled; without an answer it is the last known."""
    display = JsonLines(REQUEST, "http://server/jobs")
    job = make_response(200, url="http://server/jobs/7?token=secret")
    redirect = make_response(302, url="http://server/jobs/8")
    redirected = make_response(200, url="http://server/done")
    redirected.history.append(redirect)
    away = make_response(200, url="http://other/secret")
    attempts = [
        attempt(**ignored()),
        attempt(response=job),
        attempt(**ignored()),
        attempt(response=redirected),
        attempt(response=away, _origin_only=True),
    ]
    lines = shown(display, attempts, capsys)
    assert [json.loads(line)["url"] for line in lines] == [
        "http://server/jobs",
        "http://server/jobs/7?token=…",
        "http://server/jobs/7?token=…",
        "http://server/jobs/8",
        "http://other",
    ]


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
