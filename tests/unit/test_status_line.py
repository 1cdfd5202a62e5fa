import errno
import io
import os
from functools import partial

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError
from rich.console import Console

from httsleep import Attempt
from httsleep.status_line import StatusLine


class Terminal(io.StringIO):
    """A terminal that keeps all that was written to it."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch, clock):
    """The terminal that standard error is; ``resize(columns)`` changes it."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()
    terminal.resize = lambda columns: monkeypatch.setenv("COLUMNS", str(columns))
    terminal.resize(100)
    monkeypatch.setenv("LINES", "25")
    monkeypatch.setattr("httsleep.status_line.Console", partial(Console, file=terminal))
    monkeypatch.setattr("httsleep.status_line.monotonic", clock.monotonic)
    return terminal


@pytest.fixture
def attempt(make_response):
    def make(number=3, response=None, next_wait=2.0, reasons=("$.a is 1, not 2",)):
        made = make_response(200) if response is None else response
        facts = {"exception": None, "outcome": "waiting", "elapsed": 4.0}
        return Attempt(number, made, reasons=reasons, next_wait=next_wait, **facts)

    return make


def drawn(display):
    """What the line is now, without its colours; one line it is."""
    line = display._live.get_renderable()
    (parts,) = display._console.render_lines(line, pad=False)
    return "".join(part.text for part in parts)


def line(display):
    """What the line says now behind the spinner."""
    console, text = display._console, drawn(display)
    assert len(text) == console.width - len("^C") - 1, "no room for what is echoed"
    return " ".join(text.translate(dict.fromkeys(map(ord, "━╸╺"))).split()[1:])


def test_before_the_first_answer_it_is_polling(terminal):
    """The number is that of the poll under way."""
    assert line(StatusLine(50, None)) == "poll 1 of 50 polling"


@pytest.mark.parametrize(
    ("limits", "how_far"),
    [
        ((50, None), "poll 3 of 50"),
        ((None, 600.0), "poll 3, 7 of 600 s"),
        ((50, 600.0), "poll 3 of 50, 7 of 600 s"),
        ((None, None), "poll 3"),
    ],
)
def test_the_limits_tell_how_far_it_is(terminal, clock, attempt, limits, how_far):
    """The number of polls, the seconds, or both."""
    display = StatusLine(*limits)
    clock.now += 7
    display.poll(attempt())
    assert line(display) == f"{how_far} 200 OK: $.a is 1, not 2 next in 2 s"


@pytest.mark.parametrize(
    ("limits", "share"),
    [((4, None), 3 / 4), ((None, 10.0), 0.7), ((4, 70.0), 3 / 4), ((4, 8.0), 7 / 8)],
)
def test_the_bar_is_that_of_the_nearer_limit(terminal, clock, attempt, limits, share):
    """It is full when the wait ends, whichever limit ends it."""
    display = StatusLine(*limits)
    clock.now += 7
    display.poll(attempt())
    assert display._how_far()[1] == share


def test_without_a_limit_there_is_no_bar(terminal, attempt):
    """Nobody knows how long it will take."""
    assert "━" not in drawn(StatusLine(None, None))
    assert "━" in drawn(StatusLine(50, None))


def test_the_seconds_to_the_next_poll_are_counted_down(terminal, clock, attempt):
    """Whole ones; then it is polling."""
    display = StatusLine(50, None)
    display.poll(attempt(next_wait=2.5, reasons=()))
    seen = []
    for _ in range(4):
        seen.append(line(display))
        clock.now += 1
    assert seen == [
        "poll 3 of 50 200 OK next in 3 s",
        "poll 3 of 50 200 OK next in 2 s",
        "poll 3 of 50 200 OK next in 1 s",
        "poll 4 of 50 200 OK polling",
    ]


def test_the_last_poll_has_no_next_one(terminal, attempt):
    """Its number stays."""
    display = StatusLine(50, None)
    display.poll(attempt(next_wait=None))
    assert line(display).startswith("poll 3 of 50 ")


def test_an_exception_stands_where_the_status_is(terminal, attempt):
    """In red; no reasons follow."""
    display = StatusLine(50, None)
    facts = {"outcome": "ignored", "reasons": (), "elapsed": 4.0, "next_wait": 2.0}
    error = RequestsConnectionError("http://user:secret@server/")
    display.poll(Attempt(1, None, error, **facts))
    assert line(display) == "poll 1 of 50 ConnectionError next in 2 s"
    assert display._why().style == "red"


@pytest.mark.parametrize("columns", [4, 10, 20, 40, 71, 72, 200])
def test_it_is_one_line_in_any_terminal(terminal, attempt, columns):
    """A reason that is too long is cut, and a bar needs a wide terminal."""
    terminal.resize(columns)
    display = StatusLine(50, 600)
    display.poll(attempt(reasons=("a " * 300, "b")))
    assert drawn(display)  # not more than the terminal has, and without a line's end
    assert len(drawn(display)) == columns - 3


@pytest.mark.parametrize(("columns", "width"), [(30, 30), (200, 100), (0, 100)])
def test_the_terminal_knows_better_than_its_environment(
    terminal, monkeypatch, columns, width
):
    """COLUMNS is not believed if it says more; a size of 0 is none."""
    size = os.terminal_size((columns, 25))
    monkeypatch.setattr(terminal, "fileno", lambda: 2)
    monkeypatch.setattr("os.get_terminal_size", lambda fd: size)
    assert len(drawn(StatusLine(50, None))) == width - 3


def test_a_narrow_terminal_shows_the_most_important(terminal, attempt):
    """Which poll, what came, and when it goes on."""
    terminal.resize(40)
    display = StatusLine(50, 600)
    display.poll(attempt())
    assert line(display) == "poll 3 of 50 200 OK: $… next in 2 s"


def test_what_the_server_says_is_no_markup(terminal, attempt):
    """Brackets and colons mean nothing to the terminal."""
    display = StatusLine(50, None)
    display.poll(attempt(reasons=("$.a is '[red]:smile:[/red]', not 2",)))
    assert "[red]:smile:[/red]" in line(display)


def test_a_terminal_that_goes_away_is_no_error(terminal, monkeypatch):
    """The wait goes on."""

    def gone(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(terminal, "write", gone)
    with StatusLine(50, None):
        pass


def test_a_signal_while_it_appears_leaves_a_cursor(terminal, monkeypatch):
    """And nothing that goes on drawing."""

    class Signal(BaseException):
        pass

    display = StatusLine(50, None)
    start = display._live.start

    def started():
        start()
        raise Signal

    monkeypatch.setattr(display._live, "start", started)
    with pytest.raises(Signal), display:
        pass
    written = terminal.getvalue()
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    assert not display._live.is_started


def test_it_disappears(terminal, attempt, capsys):
    """The line is erased and the cursor shown; the story stays."""
    display = StatusLine(50, None)
    with display as same:
        assert same is display
        display.poll(attempt())
        assert display.attempt.number == 3
    written = terminal.getvalue()
    assert "poll 3 of 50" in written
    assert written.endswith("\x1b[2K")
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    display.end(124, "gave up")
    assert terminal.getvalue() == written
    assert capsys.readouterr() == ("", "httsleep: gave up\n")


def test_colours_can_be_refused(terminal, monkeypatch, attempt):
    """NO_COLOR leaves none; dim and the like are no colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    display = StatusLine(50, None)
    with display:
        display.poll(attempt())
        display._live.refresh()
    assert "200 OK" in terminal.getvalue()
    assert "\x1b[3" not in terminal.getvalue()
