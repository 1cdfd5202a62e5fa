"""What standard error shows of a wait: nothing, lines, or JSON for machines."""

import json
import sys
from contextlib import suppress
from typing import Any, Self

from ..attempt import Attempt
from ..formatting import describe_exception, describe_status


def say(text: str) -> None:
    """Write a line to standard error; that nobody reads it does not end a wait."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def forget_unwritten() -> None:
    """Give up what standard error does not take: it would be Python's exit code 120."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        sys.stderr = None


def came(attempt: Attempt) -> str:
    """What a poll brought: the status line, or what went wrong."""
    if attempt.response is not None:
        return describe_status(attempt.response)
    assert attempt.exception is not None
    return describe_exception(attempt.exception)


class Display:
    """What all displays have: the last poll, and the story at the end.

    A context manager; the wait takes place within it.
    """

    #: The last poll.
    attempt: Attempt | None = None

    def poll(self, attempt: Attempt) -> None:
        """Show what a poll brought; this is the ``on_poll`` of the sleeper."""
        self.attempt = attempt

    def end(self, code: int, story: str) -> None:
        """Show how the wait has ended: the exit code, and the story if it is not 0."""
        if story:
            say(f"httsleep: {story}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Silence(Display):
    """Nothing, not even the story."""

    def end(self, code: int, story: str) -> None:
        """Show nothing."""


class Lines(Display):
    """Plain lines: one when the reason changes, or one for each poll.

    :param request: what is polled; the first line names it.
    :param every: whether each poll has a line.
    """

    def __init__(self, request: str, every: bool = False) -> None:
        self.every = every
        self._head = f"httsleep: {request}: "
        self._shown: tuple[Any, ...] = ()

    def poll(self, attempt: Attempt) -> None:
        """Show the poll, if it brought something new; an alarm has its story."""
        super().poll(attempt)
        new = (attempt.outcome, came(attempt), attempt.reasons)
        if self.every or (new != self._shown and attempt.outcome != "alarm"):
            say(f"{self._head}{attempt}")
            self._head = "httsleep: "
        self._shown = new


class Objects(Display):
    """A JSON object for each poll, and one at the end, each on a line.

    :param request: what is polled; each object names it.
    """

    def __init__(self, request: str) -> None:
        self._request = request

    def poll(self, attempt: Attempt) -> None:
        """Show all facts of the poll."""
        super().poll(attempt)
        response, exception = attempt.response, attempt.exception
        self._show(
            event="poll",
            number=attempt.number,
            outcome=attempt.outcome,
            status_code=None if response is None else response.status_code,
            exception=None if exception is None else describe_exception(exception),
            reasons=attempt.reasons,
            elapsed=round(attempt.elapsed, 3),
            next_wait=attempt.next_wait and round(attempt.next_wait, 3),
        )

    def end(self, code: int, story: str) -> None:
        """Show the exit code and the story."""
        self._show(event="end", exit_code=code, message=story)

    def _show(self, **facts: Any) -> None:
        say(json.dumps({"request": self._request} | facts))
