"""The displays: how standard error shows a wait."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Self

from ..attempt import Attempt, redirect_of, result_of, url_of
from ..failures import describe_exception
from ..stderr import can_draw, has_colours, write_stderr
from .exit_codes import MET, NOT_YET

_NONE: Mapping[str, Any] = MappingProxyType({})


def can_show_status_line() -> bool:
    """Return whether standard error can show a status line, and rich is installed."""
    return can_draw() and find_spec("rich") is not None


class Display:
    """A context manager that shows the wait within it, and then how the wait ended.

    This base of all displays shows the end only.
    """

    #: The last poll.
    attempt: Attempt | None = None

    def poll(self, attempt: Attempt) -> None:
        """Show a poll; this is the ``on_poll`` of the sleeper."""
        self.attempt = attempt

    def end(self, code: int, message: str, facts: Mapping[str, Any] = _NONE) -> None:
        """Show the end of the wait.

        The first words of a failure are red on a terminal.

        :param message: why the wait did not succeed; empty for a success.
        :param facts: what a log for machines has beside it.
        """
        if code != NOT_YET and has_colours():
            message = re.sub("^[^:\n]+", "\x1b[31m\\g<0>\x1b[m", message)
        if message:
            write_stderr(f"httsleep: {message}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Quiet(Display):
    """A display that shows only how a wait failed.

    :param failures: the display that shows it; ``None`` to show nothing at all.
    """

    def __init__(self, failures: Display | None) -> None:
        self._failures = failures

    def end(self, code: int, message: str, facts: Mapping[str, Any] = _NONE) -> None:
        """Show the end if the wait failed."""
        if self._failures is not None and code not in (MET, NOT_YET):
            self._failures.end(code, message, facts)


class Lines(Display):
    """Plain lines: one for each poll with a new result, or one for each poll.

    :param request: method and URL, which the first line names.
    :param every: whether each poll has a line.
    :param is_only: whether there is no other request, so that one line names it.
    """

    def __init__(self, request: str, every: bool = False, is_only: bool = True) -> None:
        self._every, self._is_only = every, is_only
        self._prefix = f"httsleep: {request}: "
        self._last_result: tuple[object, ...] = ()

    def poll(self, attempt: Attempt) -> None:
        """Show the poll if its result is new; :meth:`end` shows an alarm."""
        super().poll(attempt)
        result = result_of(attempt)
        is_new = result != self._last_result and attempt.outcome != "alarm"
        if self._every or is_new:
            write_stderr(f"{self._prefix}{attempt}")
            if self._is_only:
                self._prefix = "httsleep: "
        self._last_result = result


class JsonLines(Display):
    """A JSON object for each poll, and one at the end, each on a line.

    :param request: method and URL, which each object names; ``None`` for an end that
        concerns several.
    :param url: the URL of the first poll, without secrets; likewise.
    :param excerpt: returns the beginning of the body of an alarm or an error.
    """

    def __init__(
        self,
        request: str | None = None,
        url: str | None = None,
        excerpt: Callable[[Attempt], str] = lambda _: "",
    ) -> None:
        self._request, self._url, self._excerpt = request, url, excerpt

    def poll(self, attempt: Attempt) -> None:
        """Show all facts of the poll."""
        super().poll(attempt)
        response, exception = attempt.response, attempt.exception
        self._url = url_of(attempt) or self._url
        self._write(
            "poll",
            number=attempt.number,
            outcome=attempt.outcome,
            status_code=None if response is None else response.status_code,
            redirected_to=redirect_of(attempt),
            exception=None if exception is None else describe_exception(exception),
            reasons=attempt.reasons,
            alarm=attempt.alarm,
            body=self._excerpt(attempt) or None,
            elapsed=round(attempt.elapsed, 3),
            next_wait=attempt.next_wait and round(attempt.next_wait, 3),
        )

    def end(self, code: int, message: str, facts: Mapping[str, Any] = _NONE) -> None:
        """Show the exit code, the message and the facts."""
        self._write("end", exit_code=code, message=message, **facts)

    def _write(self, event: str, **facts: Any) -> None:
        """Write an object; a regular expression becomes its text."""
        common = {
            "request": self._request,
            "event": event,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "url": self._url,
        }
        write_stderr(json.dumps(common | facts, default=lambda regex: regex.pattern))


class TerminalLine(Display):
    """The status line of a terminal; a success leaves one line of it.

    :param max_retries: how many polls are made at most; ``None`` for no limit.
    :param max_time: seconds that the wait takes at most; ``None`` for no limit.
    :param name: words that tell this line from others; empty if there is no other.
    """

    def __init__(
        self, max_retries: int | None, max_time: float | None, name: str = ""
    ) -> None:
        # Importing rich takes long, and rich may not be installed.
        from ..status_line import StatusLine

        self._line = StatusLine(max_retries, max_time, name=name)

    def poll(self, attempt: Attempt) -> None:
        """Show the poll from now on."""
        super().poll(attempt)
        self._line(attempt)

    def __enter__(self) -> Self:
        self._line.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.__exit__()
