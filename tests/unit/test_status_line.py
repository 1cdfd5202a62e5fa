import errno
import importlib
import io
import os
import re
import sys
import threading
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError
from rich.console import Console
from rich.live import Live

from httsleep import Attempt
from httsleep.status_line import _TERMINAL, StatusLine, _Notebook, draw


class Terminal(io.StringIO):
    """A terminal that keeps everything that was written to it."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _virtual_time(monkeypatch, clock):
    monkeypatch.setattr("httsleep.status_line.monotonic", clock.monotonic)


@pytest.fixture
def terminal(monkeypatch):
    """Return the terminal of standard error, which is 100 columns wide."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "25")
    terminal = Terminal()
    monkeypatch.setattr("httsleep.status_line.Console", partial(Console, file=terminal))
    monkeypatch.setattr("httsleep.status_line.can_draw", lambda: True)
    return terminal


def redraw():
    """Redraw all lines, as the terminal does ten times a second."""
    _TERMINAL._live.refresh()


@pytest.fixture
def attempt(make_response):
    """Return an attempt with these facts in place of the usual ones."""

    def make(**facts):
        usual = {
            "number": 3,
            "response": make_response(200),
            "exception": None,
            "outcome": "waiting",
            "reasons": ("$.a is 1, not 2",),
            "elapsed": 4.0,
            "next_wait": 2.0,
        }
        return Attempt(**usual | facts)

    return make


@pytest.fixture
def ignored(attempt):
    """An attempt whose exception was ignored."""
    error = RequestsConnectionError("http://user:secret@server/")
    facts = {"response": None, "exception": error, "outcome": "ignored", "reasons": ()}
    return attempt(number=1, **facts)


def words(line, columns=100):
    """Return the line behind the spinner, without its bar and with single blanks."""
    text = line.text(columns)
    assert len(text) == columns - len("^C") - 1, "no columns left for an echo"
    return " ".join(text.translate(dict.fromkeys(map(ord, "━╸╺"))).split()[1:])


def test_before_the_first_answer_it_is_polling():
    """The number is that of the poll under way."""
    assert words(StatusLine(50, None)) == "poll 1 of 50 polling"


@pytest.mark.parametrize(
    ("limits", "progress", "bar"),
    [
        ((50, None), "poll 3 of 50", "╸━━━━━━━━━"),
        ((None, 600.0), "poll 3, 7 of 600 s", "━━━━━━━━━━"),
        ((50, 600.0), "poll 3 of 50, 7 of 600 s", "╸━━━━━━━━━"),
        ((4, None), "poll 3 of 4", "━━━━━━━╸━━"),
        ((None, 10.0), "poll 3, 7 of 10 s", "━━━━━━━╺━━"),
        ((4, 70.0), "poll 3 of 4, 7 of 70 s", "━━━━━━━╸━━"),
        ((4, 8.0), "poll 3 of 4, 7 of 8 s", "━━━━━━━━╸━"),
        ((), "poll 3", ""),
    ],
    ids=lambda value: value if str(value).startswith("poll") else "",
)
def test_the_limits_show_the_progress(clock, attempt, limits, progress, bar):
    """Each limit has its numbers; the bar is that of the limit that is nearer."""
    line = StatusLine(*limits)
    line(attempt(elapsed=7.0))
    assert words(line) == f"{progress} 200 OK: $.a is 1, not 2 next in 2 s"
    assert "".join(c for c in line.text(100) if c in "━╸╺") == bar


def test_the_time_is_that_of_the_wait(clock, attempt):
    """A wait that began in another process has the seconds of all processes."""
    line = StatusLine(None, 600)
    assert words(line).startswith("poll 1, 0 of 600 s ")
    line(attempt(elapsed=500.0))
    clock.now += 1
    assert words(line).startswith("poll 3, 501 of 600 s ")


def test_the_seconds_to_the_next_poll_are_counted_down(clock, attempt):
    """Seconds are rounded up; after the last of them the next poll is under way."""
    line = StatusLine(50, None)
    line(attempt(next_wait=2.5, reasons=()))
    seen = []
    for _ in range(4):
        seen.append(words(line))
        clock.now += 1
    assert seen == [
        "poll 3 of 50 200 OK next in 3 s",
        "poll 3 of 50 200 OK next in 2 s",
        "poll 3 of 50 200 OK next in 1 s",
        "poll 4 of 50 200 OK polling",
    ]


def test_after_the_last_poll_the_line_says_that_the_wait_has_ended(attempt):
    """An attempt without a next poll keeps its number, and no poll is under way."""
    line = StatusLine(50, None)
    line(attempt(next_wait=None, reasons=()))
    assert words(line) == "poll 3 of 50 200 OK ended"


def test_an_exception_takes_the_place_of_the_status(ignored):
    """An ignored exception is shown as in all texts, without secrets."""
    line = StatusLine(50, None)
    line(ignored)
    assert words(line) == "poll 1 of 50 ConnectionError next in 2 s"


def test_a_redirect_is_named(attempt, make_response):
    """Behind the reason stands the URL that redirects led to."""
    response = make_response(200, url="http://server/login")
    response.history.append(make_response(302))
    line = StatusLine()
    line(attempt(response=response))
    shown = "200 OK: $.a is 1, not 2, redirected to http://server/login"
    assert words(line) == f"poll 3 {shown} next in 2 s"


@pytest.mark.parametrize("columns", [4, 10, 20, 40, 71, 72, 200])
def test_it_is_one_line_in_any_width(attempt, columns):
    """A long reason is cut, so that the line leaves three columns free."""
    line = StatusLine(50, 600)
    line(attempt(reasons=("a " * 300, "b")))
    assert len(line.text(columns)) == columns - 3


def test_a_narrow_terminal_shows_the_most_important_parts(attempt):
    """Below 72 columns there are neither seconds nor a bar."""
    line = StatusLine(50, 600)
    line(attempt())
    assert words(line, 40) == "poll 3 of 50 200 OK: $… next in 2 s"
    assert "━" not in line.text(71)
    assert "━" in line.text(72)


def test_text_of_the_server_is_not_markup(attempt):
    """Brackets and colons of a reason are shown as they are."""
    line = StatusLine(50, None)
    line(attempt(reasons=("$.a is '[red]:smile:[/red]', not 2",)))
    assert "[red]:smile:[/red]" in words(line)


# On a terminal


@pytest.mark.parametrize(("columns", "width"), [(30, 30), (200, 100), (0, 100)])
def test_a_terminal_limits_the_width(terminal, monkeypatch, columns, width):
    """COLUMNS counts only up to the width of the terminal, if that is known."""
    size = os.terminal_size((columns, 25))
    monkeypatch.setattr(terminal, "fileno", lambda: 2)
    monkeypatch.setattr("os.get_terminal_size", lambda fd: size)
    with StatusLine(50, None):
        pass
    written = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", terminal.getvalue())
    assert {len(line) for line in re.split(r"[\r\n]+", written) if line} == {width - 3}


def test_a_terminal_that_goes_away_is_no_error(terminal, monkeypatch):
    """A wait goes on without its terminal."""

    def gone(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(terminal, "write", gone)
    with StatusLine(50, None):
        pass


def test_a_signal_at_the_start_leaves_a_cursor(terminal, monkeypatch):
    """An exception while the line appears shows the cursor, and stops the redraws."""

    class Signal(BaseException):
        pass

    started = []
    start = Live.start

    def interrupted(live, **options):
        start(live, **options)
        started.append(live)
        raise Signal

    monkeypatch.setattr(Live, "start", interrupted)
    with pytest.raises(Signal), StatusLine(50, None):
        pass
    written = terminal.getvalue()
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    assert [live.is_started for live in started] == [False]


def test_it_disappears(terminal, attempt):
    """At the end the line is erased and the cursor shown."""
    line = StatusLine(50, None)
    with line as same:
        assert same is line
        line(attempt())
        redraw()
    written = terminal.getvalue()
    assert "poll 3 of 50" in written
    assert written.endswith("\x1b[2K")
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


@pytest.mark.parametrize(
    ("facts", "end"),
    [
        ({"outcome": "met"}, "met after 3 polls in 4 s: 200 OK"),
        ({"outcome": "met", "number": 1}, "met after 1 poll in 4 s: 200 OK"),
        ({"outcome": "alarm"}, None),
    ],
    ids=["met", "met at once", "not met"],
)
def test_a_success_leaves_one_dim_line(terminal, attempt, facts, end):
    """After a success, and only then, one line is left, dim and not cut."""
    with StatusLine(50, None) as line:
        line(attempt(next_wait=None, reasons=(), **facts))
    left = terminal.getvalue().rpartition("\x1b[2K")[2]
    assert left == (f"\x1b[2m{end}\x1b[0m\n" if end else "")


def test_the_line_of_a_success_is_not_cut(terminal, attempt, make_response):
    """It names the URL that redirects led to, on as many rows as that takes."""
    response = make_response(200, url="http://server/" + 300 * "a")
    response.history.append(make_response(302))
    with StatusLine() as line:
        line(attempt(outcome="met", next_wait=None, response=response))
    left = terminal.getvalue().rpartition("\x1b[2K")[2]
    assert "200 OK, redirected to http://server/aaa" in left
    assert left.count("\n") == 1


def test_results_have_colours(terminal, attempt, ignored):
    """A status is yellow, an exception red."""
    for each, start in ((attempt(), "\x1b[33m200 OK"), (ignored, "\x1b[31mConn")):
        with StatusLine(50, None) as line:
            line(each)
            redraw()
        assert start in terminal.getvalue()


def test_colours_can_be_refused(terminal, monkeypatch, attempt):
    """NO_COLOR leaves none; dim and the like are not colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    with StatusLine(50, None) as line:
        line(attempt())
        redraw()
    assert "200 OK" in terminal.getvalue()
    assert "\x1b[3" not in terminal.getvalue()


# Several lines


def test_a_name_tells_a_line_from_others(attempt):
    """The name stands behind the spinner, and in front of what is left."""
    line = StatusLine(50, None, name="http://server/")
    assert words(line) == "http://server/ poll 1 of 50 polling"
    line = StatusLine(name="a\n\x1b[31mb")
    assert words(line) == r"a\n\x1b[31mb poll 1 polling"


@pytest.mark.parametrize(
    ("columns", "shown"),
    [(90, "http://server/…ration/7/health"), (30, "http…ealth")],
)
def test_a_long_name_is_cut_in_its_middle(columns, shown):
    """A name has a third of the columns, and keeps its beginning and its end."""
    name = "http://server/and/a/very/long/path/to/deployment/generation/7/health"
    assert StatusLine(name=name).text(columns).split()[1] == shown


def drawn(lines, columns=100):
    """Return the rows of these lines."""
    console = Console(file=io.StringIO(), color_system="standard", width=columns)
    rows = console.render_lines(draw(lines, columns), pad=False)
    texts = ("".join(segment.text for segment in row) for row in rows)
    return [text.translate(dict.fromkeys(map(ord, "━╸╺"), "-"))[2:] for text in texts]


def test_lines_stand_below_each_other(attempt):
    """Names, progress and results of all lines begin in the same columns."""
    lines = [StatusLine(50, name="a"), StatusLine(name="server/b")]
    lines[1](attempt())
    assert drawn(lines, 80) == [
        "a        poll 1 of 50 ----------" + " " * 36 + "polling",
        "server/b poll 3" + " " * 18 + "200 OK: $.a is 1, not 2        next in 2 s",
    ]


def test_names_need_room(attempt):
    """The bar is left out if names leave too few columns for the rest."""
    line = StatusLine(50, name="a" * 9)
    assert "-" not in drawn([line], 80)[0]
    assert "-" in drawn([line], 81)[0]


def test_each_line_leaves_its_success_above_the_others(terminal, attempt):
    """A line that ends disappears from the drawing, and the others go on."""
    first, second = StatusLine(name="first"), StatusLine(name="second")
    with first:
        with second:
            redraw()
            first(attempt())
            second(attempt(outcome="met", next_wait=None, reasons=()))
        written = terminal.getvalue()
        left = written[written.index("second: met after 3 polls") :]
        assert "first" in left
        assert left.count("second") == 1
    assert terminal.getvalue().endswith("\x1b[2K")


def test_a_line_can_be_shown_again(terminal, attempt):
    """Each block shows a new wait; a line cannot be shown twice at a time."""
    line = StatusLine(50)
    for _ in range(2):
        with line:
            assert words(line) == "poll 1 of 50 polling"
            line(attempt())
            with pytest.raises(RuntimeError, match="shown already: make another one"):
                line.__enter__()
            assert words(line).startswith("poll 3 of 50 ")
    line.__exit__()


# Elsewhere


def test_a_log_has_a_line_for_each_new_result(attempt, ignored, capsys):
    """Where nothing can be redrawn, polls with the same result have one line."""
    for name, prefix in (("", ""), ("the job", "the job: ")):
        with StatusLine(50, name=name) as line:
            assert capsys.readouterr() == ("", "")
            for each in (
                ignored,
                attempt(number=2),
                attempt(number=3),
                attempt(number=4, outcome="met", reasons=(), next_wait=None),
            ):
                line(each)
        assert capsys.readouterr().err.splitlines() == [
            f"{prefix}poll 1: ignored: ConnectionError; next in 2 s",
            f"{prefix}poll 2: waiting: $.a is 1, not 2; next in 2 s",
            f"{prefix}poll 4: met: 200 OK",
        ]


def test_outside_of_the_block_nothing_is_shown(attempt, capsys):
    """A line that is called outside of its block only keeps the poll."""
    line = StatusLine()
    line(attempt())
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def cells(monkeypatch):
    """Return what each cell of a notebook has shown, as lists of text."""
    cells = []

    class Handle:
        def __init__(self, shown):
            self.shown = shown

        def update(self, made):
            console = Console(file=io.StringIO(), width=100)
            console.print(made)
            self.shown.append(console.file.getvalue().rstrip())

    def display(made, display_id):
        assert display_id is True
        cells.append([])
        handle = Handle(cells[-1])
        handle.update(made)
        return handle

    module = SimpleNamespace(display=display)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    notebook = partial(Console, force_jupyter=True)
    monkeypatch.setattr("httsleep.status_line.Console", notebook)
    return cells


def test_a_notebook_shows_the_line_in_its_cell(cells, attempt, capsys):
    """The line is shown at once and at each poll; a success takes its place."""
    with StatusLine(50) as line:
        line(attempt())
        line(attempt(number=4, outcome="met", reasons=(), next_wait=None))
    (shown,) = cells
    assert [" ".join(each.split()[1:4]) for each in shown[:3]] == [
        "poll 1 of",
        "poll 3 of",
        "poll 4 of",
    ]
    assert shown[3:] == ["met after 4 polls in 4 s: 200 OK"]
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_nothing_of_a_failure(cells, attempt):
    """The line of a wait that failed disappears, because its exception says more."""
    with StatusLine() as line:
        line(attempt())
    assert cells[0][-1] == ""


def test_a_notebook_is_redrawn_each_second(cells, attempt, clock, monkeypatch):
    """The seconds to the next poll are counted down; nothing is drawn after the end."""

    class Event(threading.Event):
        def wait(self, timeout):
            clock.now += timeout
            return clock.now > 1001

    class Thread:
        def __init__(self, *, target, args, daemon):
            assert daemon
            self.start = partial(target, *args)

    monkeypatch.setattr(threading, "Event", Event)
    line = StatusLine()
    line(attempt())
    with monkeypatch.context() as patch:
        patch.setattr(threading, "Thread", Thread)
        place = _Notebook()
        place.add(line)
    place.remove(line)
    place.show(line)
    (shown,) = cells
    assert [each.rpartition("  ")[2] for each in shown] == [
        "next in 2 s",
        "next in 1 s",
        "",
    ]


# Arguments


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"max_retries": 0}, "max_retries is 0: give an int of at least 1"),
        ({"max_time": -1}, "max_time is -1: give seconds"),
        ({"name": None}, "name is None: give a str"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments, error):
    """The refusal says what to give instead."""
    with pytest.raises(ValueError, match=error):
        StatusLine(**arguments)


def test_a_time_can_be_a_timedelta():
    """All times of the library can."""
    line = StatusLine(max_time=timedelta(minutes=10))
    assert words(line) == "poll 1, 0 of 600 s polling"


@pytest.mark.parametrize("missing", ["rich", "rich.live"])
def test_without_rich_the_import_says_what_to_install(monkeypatch, missing):
    """The error is one of a missing module, and names the extra."""
    for name in [*sys.modules]:
        if name.startswith(("rich", "httsleep.status_line")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("httsleep.status_line")
    needed = "httsleep.status_line needs rich: pip install 'httsleep[cli]'"
    assert str(caught.value) == needed
    assert caught.value.__suppress_context__
