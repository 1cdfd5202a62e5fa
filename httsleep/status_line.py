"""The status line of a terminal; needs rich, which the extra ``cli`` installs."""

import io
import os
from contextlib import suppress
from math import ceil
from time import monotonic
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from .attempt import Attempt, describe_attempt, way_of
from .formatting import format_progress

_BAR = 10  # columns
_NARROW = 72  # columns; a narrower terminal has only the most important parts
_ECHO = 3  # columns for the ^C that a terminal writes behind the cursor


class StatusLine:
    """One line on standard error that is redrawn ten times a second.

    A context manager that shows the line. At its end the line is erased; after a
    success one dim line says so. Call it with each :class:`~httsleep.Attempt`, as
    ``on_poll`` does.

    :param max_retries: how many polls are made at most; ``None``, the default, for no
        limit.
    :param max_time: seconds that the wait takes at most; ``None``, the default, for no
        limit.
    """

    def __init__(
        self, max_retries: int | None = None, max_time: float | None = None
    ) -> None:
        self._max_retries, self._max_time = max_retries, max_time
        self._attempt: Attempt | None = None  # the last poll
        self._began = self._polled = monotonic()
        self._console = Console(stderr=True, force_terminal=True)
        self._spinner = Spinner("dots")
        self._live = Live(
            console=self._console,
            get_renderable=lambda: self._line(self._columns()),
            refresh_per_second=10,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __call__(self, attempt: Attempt) -> None:
        """Show this poll from the next redraw on."""
        self._polled = monotonic()
        self._began = self._polled - attempt.elapsed  # maybe in another process
        self._attempt = attempt

    def __enter__(self) -> Self:
        try:
            self._live.start()
        except OSError:  # the terminal has gone away
            pass
        except BaseException:  # a signal came while it was starting
            with suppress(Exception):
                self._live.stop()
            raise
        finally:
            with suppress(OSError):  # Ctrl-Z would leave the shell without a cursor
                self._console.show_cursor()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._live.stop()
            if self._attempt is not None and self._attempt.met:
                end = Text(_success(self._attempt), "dim")
                self._console.print(end, soft_wrap=True)

    def text(self, columns: int) -> str:
        """Return the line as it is now, without colours, for a width in columns."""
        console = Console(
            file=io.StringIO(), color_system="standard", width=columns, height=1
        )
        (segments,) = console.render_lines(self._line(columns), pad=False)
        return "".join(segment.text for segment in segments)

    def _line(self, columns: int) -> Table:
        """Return spinner, progress, bar, last status with reasons, and next poll."""
        parts, share = self._progress()
        cells: list[RenderableType] = [self._spinner]
        if columns < _NARROW:
            cells.append(Text(parts[0]))
        else:
            cells.append(Text(", ".join(parts)))
            if share is not None:
                cells.append(ProgressBar(total=1, completed=share, width=_BAR))
        line = Table.grid(padding=(0, 1))
        line.width = max(columns - _ECHO, 1)
        for _ in cells:
            line.add_column(no_wrap=True)
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        line.add_column(no_wrap=True, justify="right")
        line.add_row(*cells, self._last_result(), Text(self._next_poll(), "dim"))
        return line

    def _columns(self) -> int:
        """Return the width of the terminal, even if COLUMNS says more."""
        width = self._console.width
        with suppress(OSError):
            size = os.get_terminal_size(self._console.file.fileno())
            width = min(width, size.columns or width)  # 0: the width is not known
        return width

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

    def _next_poll(self) -> str:
        """Return when the next poll starts."""
        left = self._seconds_left()
        return f"next in {ceil(left)} s" if left > 0 else "polling"

    def _seconds_left(self) -> float:
        """Return the seconds until the next poll; 0 or less if it is under way."""
        wait = None if self._attempt is None else self._attempt.next_wait
        return (wait or 0) - (monotonic() - self._polled)


def _success(attempt: Attempt) -> str:
    """Return the line that is left of a wait that was met."""
    progress = format_progress(attempt.number, attempt.elapsed)
    return f"met after {progress}: {describe_attempt(attempt)}{way_of(attempt)}"
