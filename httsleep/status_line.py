"""The status line of a terminal; needs rich, which the extra ``cli`` installs."""

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

from .attempt import Attempt
from .command.display import Display, came

_BAR = 10  # columns
_NARROW = 72  # columns, where there is room for the most important only
_ECHO = 3  # columns for the ^C that a terminal writes behind the cursor


class StatusLine(Display):
    """One line that is drawn anew ten times a second, and disappears at the end.

    :param max_retries: how many polls there will be at most, for the bar.
    :param max_time: how many seconds they take at most, for the bar.
    """

    def __init__(self, max_retries: int | None, max_time: float | None) -> None:
        self._max_retries, self._max_time = max_retries, max_time
        self._began = self._polled = monotonic()
        self._console = Console(stderr=True, force_terminal=True)
        self._spinner = Spinner("dots")
        self._live = Live(
            console=self._console,
            get_renderable=self._line,
            refresh_per_second=10,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def poll(self, attempt: Attempt) -> None:
        """Have the next line tell of this poll."""
        self._polled = monotonic()
        super().poll(attempt)

    def __enter__(self) -> Self:
        try:
            self._live.start()
        except OSError:  # a terminal that goes away
            pass
        except BaseException:  # a signal, somewhere in there
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

    def _line(self) -> Table:
        """Spinner, how far, a bar, the last status and why not yet, when next."""
        columns = self._columns()
        parts, share = self._how_far()
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
        line.add_row(*cells, self._why(), Text(self._when(), "dim"))
        return line

    def _columns(self) -> int:
        """The width of the terminal; rich alone would believe a wrong COLUMNS."""
        width = self._console.width
        with suppress(OSError):
            size = os.get_terminal_size(self._console.file.fileno())
            width = min(width, size.columns or width)  # 0: it does not know
        return width

    def _how_far(self) -> tuple[list[str], float | None]:
        """How many polls and seconds, in words and as a share of the nearer limit."""
        number = 1
        if self.attempt is not None:
            under_way = self.attempt.next_wait is not None and self._left() <= 0
            number = self.attempt.number + under_way
        parts, shares = [f"poll {number}"], []
        if self._max_retries is not None:
            parts[0] += f" of {self._max_retries}"
            shares.append(number / self._max_retries)
        if self._max_time is not None:
            elapsed = monotonic() - self._began
            parts.append(f"{elapsed:.0f} of {ceil(self._max_time)} s")
            shares.append(elapsed / self._max_time)
        return parts, max(shares, default=None)

    def _why(self) -> Text:
        """The last status, and why it is not what is waited for."""
        if self.attempt is None:
            return Text()
        style = "red" if self.attempt.response is None else "yellow"
        why = Text(came(self.attempt), style)
        if self.attempt.reasons:
            why.append(": " + "; ".join(self.attempt.reasons), "default")
        return why

    def _when(self) -> str:
        """How long until the next poll."""
        left = self._left()
        return f"next in {ceil(left)} s" if left > 0 else "polling"

    def _left(self) -> float:
        """The seconds until the next poll; 0 or less if it is under way."""
        wait = None if self.attempt is None else self.attempt.next_wait
        return (wait or 0) - (monotonic() - self._polled)
