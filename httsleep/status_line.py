"""StatusLine: shows a wait on a terminal, in a notebook or in a log.

It needs rich, which the extra ``cli`` installs.
"""

import io
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from math import ceil
from time import monotonic
from typing import Any, Protocol, Self

try:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.spinner import Spinner
    from rich.table import Table
    from rich.text import Text
except ModuleNotFoundError as error:
    needed = "httsleep.status_line needs rich: pip install 'httsleep[cli]'"
    raise ModuleNotFoundError(needed, name=error.name) from None

from .attempt import Attempt, describe_attempt, result_of, way_of
from .checks import bad_argument, or_none, positive_int, positive_seconds
from .formatting import format_progress, one_line
from .stderr import can_draw, write_stderr

_BAR = 10  # columns
_NARROW = 72  # columns; a narrower terminal has only the most important parts
_ECHO = 3  # columns for the ^C that a terminal writes behind the cursor
_NOTEBOOK = 90  # columns of a line in a notebook


class StatusLine:
    """One line that shows a wait, within its ``with`` block.

    Give it to the wait as ``on_poll``. Each block shows a new wait.

    * On a terminal, it is redrawn all the time on standard error. Lines of several
      threads stand below each other. At the end it disappears; after a success, a dim
      line takes its place.
    * In a Jupyter notebook, it is the same in the output of the cell.
    * Elsewhere, such as in the log of a CI job, it is a line on standard error for each
      poll with a new result.

    :param max_retries: the number of polls at which the bar is full; ``None``, the
        default, if they have no limit.
    :param max_time: the seconds (int, float or timedelta) at which the bar is full;
        ``None``, the default, if they have no limit. Without both there is no bar.
    :param name: words that tell this line from others; default: none.
    :raises ValueError: an argument cannot work.
    """

    def __init__(
        self,
        max_retries: int | None = None,
        max_time: float | timedelta | None = None,
        *,
        name: str = "",
    ) -> None:
        if not isinstance(name, str):
            raise bad_argument("name", name, "give a str")
        self._name = one_line(name)
        self._prefix = f"{self._name}: " if self._name else ""  # of whole lines
        self._max_retries = or_none(positive_int)("max_retries", max_retries)
        self._max_time = or_none(positive_seconds)("max_time", max_time)
        self._attempt: Attempt | None = None  # the last poll
        self._began = self._polled = monotonic()
        self._spinner = Spinner("dots")
        self._place: _Place | None = None  # None outside of the block

    def __call__(self, attempt: Attempt) -> None:
        """Show this poll from now on."""
        self._polled = monotonic()
        self._began = self._polled - attempt.elapsed  # maybe in another process
        self._attempt = attempt
        if self._place is not None:
            self._place.show(self)

    def __enter__(self) -> Self:
        if self._place is not None:
            raise RuntimeError("this status line is shown already: make another one")
        self._attempt = None
        self._began = self._polled = monotonic()
        place = _find_place()
        place.add(self)
        self._place = place
        return self

    def __exit__(self, *_: object) -> None:
        place, self._place = self._place, None
        if place is not None:
            place.remove(self)

    def text(self, columns: int) -> str:
        """Return the line as it is now, without colours, for a width in columns."""
        console = Console(
            file=io.StringIO(), color_system="standard", width=columns, height=1
        )
        (segments,) = console.render_lines(draw([self], columns), pad=False)
        return "".join(segment.text for segment in segments)

    def _success(self) -> Text | None:
        """Return the line that is left of a wait that was met, else ``None``."""
        if self._attempt is None or not self._attempt.met:
            return None
        progress = format_progress(self._attempt.number, self._attempt.elapsed)
        result = describe_attempt(self._attempt) + way_of(self._attempt)
        return Text(f"{self._prefix}met after {progress}: {result}", "dim")

    def _cells(self, is_wide: bool, name_width: int) -> list[RenderableType | None]:
        """Return spinner, name, progress, bar, last result and next poll.

        ``None`` is a cell that this line has not.
        """
        parts, share = self._progress()
        has_bar = is_wide and share is not None
        return [
            self._spinner,
            Text(_shorten(self._name, name_width)) if self._name else None,
            Text(", ".join(parts) if is_wide else parts[0]),
            ProgressBar(total=1, completed=share or 0, width=_BAR) if has_bar else None,
            self._last_result(),
            self._next_poll(),
        ]

    def _progress(self) -> tuple[list[str], float | None]:
        """Return polls and seconds as text, and the share of the nearer limit."""
        number = 1
        if self._attempt is not None:
            under_way = (
                self._attempt.next_wait is not None and self._seconds_left() <= 0
            )
            number = self._attempt.number + under_way
        parts, shares = [f"poll {number}"], []
        if self._max_retries is not None:
            parts[0] += f" of {self._max_retries}"
            shares.append(number / self._max_retries)
        if self._max_time is not None:
            elapsed = monotonic() - self._began
            parts.append(f"{elapsed:.0f} of {ceil(self._max_time)} s")
            shares.append(elapsed / self._max_time)
        return parts, max(shares, default=None)

    def _last_result(self) -> Text:
        """Return the last status or exception, and why the wait goes on."""
        if self._attempt is None:
            return Text()
        style = "red" if self._attempt.response is None else "yellow"
        result = Text(describe_attempt(self._attempt), style)
        if self._attempt.reasons:
            result.append(": " + "; ".join(self._attempt.reasons), "default")
        result.append(way_of(self._attempt), "default")
        return result

    def _next_poll(self) -> Text:
        """Return when the next poll starts, or that the wait has ended."""
        if self._attempt is not None and self._attempt.next_wait is None:
            return Text("ended", "dim")
        left = self._seconds_left()
        return Text(f"next in {ceil(left)} s" if left > 0 else "polling", "dim")

    def _seconds_left(self) -> float:
        """Return the seconds until the next poll; 0 or less if it is under way."""
        wait = None if self._attempt is None else self._attempt.next_wait
        return (wait or 0) - (monotonic() - self._polled)


class _Place(Protocol):
    """Where lines are shown. No method raises an OSError, which must end no wait."""

    def add(self, line: StatusLine) -> None:
        """Begin to show a line."""

    def show(self, line: StatusLine) -> None:
        """Show the last poll of the line."""

    def remove(self, line: StatusLine) -> None:
        """Show the line no longer, but for its success."""


class _Terminal:
    """The terminal of standard error, with all lines of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[StatusLine] = []

    def add(self, line: StatusLine) -> None:
        """Draw the line below the others, and begin to draw if it is the first."""
        with self._lock:
            self._lines.append(line)
            if len(self._lines) == 1:
                self._start()

    def show(self, line: StatusLine) -> None:
        """Do nothing, because the line is redrawn all the time."""

    def remove(self, line: StatusLine) -> None:
        """Erase the line. Leave its success above those that go on."""
        with self._lock, suppress(OSError):
            self._lines.remove(line)
            if self._lines:
                self._live.refresh()
            else:
                self._live.stop()
            if (success := line._success()) is not None:
                self._console.print(success, soft_wrap=True)

    def _start(self) -> None:
        """Begin to draw, with a visible cursor, which Ctrl-Z would else hide."""
        self._console = Console(stderr=True, force_terminal=True)
        self._live = Live(
            console=self._console,
            get_renderable=lambda: draw(tuple(self._lines), self._columns()),
            refresh_per_second=10,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        try:
            self._live.start(refresh=True)
        except OSError:  # the terminal has gone away
            pass
        except BaseException:  # a signal came while it was starting
            self._lines.clear()
            with suppress(Exception):
                self._live.stop()
            raise
        finally:
            with suppress(OSError):
                self._console.show_cursor()

    def _columns(self) -> int:
        """Return the width of the terminal, even if COLUMNS says more."""
        width = self._console.width
        with suppress(OSError):
            size = os.get_terminal_size(self._console.file.fileno())
            width = min(width, size.columns or width)  # 0: the width is not known
        return width


class _Notebook:
    """A place in the output of a cell of a notebook, for one line."""

    def add(self, line: StatusLine) -> None:
        """Show the line, and redraw it each second."""
        display = import_module("IPython.display").display  # each notebook has it
        self._handle = display(draw([line], _NOTEBOOK), display_id=True)
        self._lock, self._ended = threading.Lock(), threading.Event()
        threading.Thread(target=self._redraw, args=[line], daemon=True).start()

    def show(self, line: StatusLine) -> None:
        """Redraw the line."""
        with self._lock:
            if not self._ended.is_set():
                self._handle.update(draw([line], _NOTEBOOK))

    def remove(self, line: StatusLine) -> None:
        """Put the success in the place of the line, or nothing."""
        with self._lock:
            self._ended.set()
            self._handle.update(line._success() or Text())

    def _redraw(self, line: StatusLine) -> None:
        while not self._ended.wait(1):
            self.show(line)


class _Log:
    """Standard error that cannot redraw: a line for each new result."""

    _last_result: tuple[object, ...] = ()

    def add(self, line: StatusLine) -> None:
        """Show nothing yet."""

    def show(self, line: StatusLine) -> None:
        """Write a line if the result is new."""
        assert line._attempt is not None
        result = result_of(line._attempt)
        if result != self._last_result:
            write_stderr(f"{line._prefix}{line._attempt}")
        self._last_result = result

    def remove(self, line: StatusLine) -> None:
        """Show nothing more."""


_TERMINAL = _Terminal()


def _find_place() -> _Place:
    """Return the place where a line can be shown."""
    if Console().is_jupyter:
        return _Notebook()
    return _TERMINAL if can_draw() else _Log()


#: The columns of the lines: spinner, name, progress, bar, result, next poll.
_COLUMNS: Sequence[Mapping[str, Any]] = (
    *({}, {}, {}, {}),
    {"overflow": "ellipsis", "ratio": 1},
    {"justify": "right"},
)


def draw(lines: Sequence[StatusLine], columns: int) -> Table:
    """Return the lines as they are now, below each other."""
    longest = columns // 3  # of the names
    names = max((len(line._name[:longest]) for line in lines), default=0)
    rows = [line._cells(columns - names >= _NARROW, longest) for line in lines]
    grid = Table.grid(padding=(0, 1))
    grid.width = max(columns - _ECHO, 1)
    used = []
    for cells, options in zip(zip(*rows, strict=True), _COLUMNS, strict=False):
        if any(cell is not None for cell in cells):
            grid.add_column(no_wrap=True, **options)
            used.append(cells)
    for row in zip(*used, strict=True):
        grid.add_row(*row)
    return grid


def _shorten(name: str, width: int) -> str:
    """Return the name, without its middle if it is longer than the width."""
    if len(name) <= width:
        return name
    end = width // 2
    return f"{name[: width - end - 1]}…{name[-end:]}"
