"""What one poll brought."""

from dataclasses import dataclass, field
from typing import Literal

import requests

from .formatting import describe_exception, describe_status, format_seconds

Outcome = Literal["met", "alarm", "waiting", "ignored"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one poll brought.

    Given to ``on_poll`` and to a callable ``polling_interval``, and returned by
    :meth:`HttSleeper.poll <httsleep.HttSleeper.poll>`.
    """

    #: Which poll this was, counted from 1.
    number: int
    #: The answer, ``None`` if none came. It is false for 4xx and 5xx: compare it with
    #: ``None``, never test it for truth.
    response: requests.Response | None
    #: The exception that was ignored, without its traceback; else ``None``.
    exception: Exception | None = field(repr=False)  # its repr may hold a whole URL
    #: ``'met'`` (success), ``'alarm'``, ``'waiting'`` (neither) or ``'ignored'`` (no
    #: answer came, and the run goes on).
    outcome: Outcome
    #: Why the answer is not what is waited for: one str for each key that was not met,
    #: in the order of ``until``.
    reasons: tuple[str, ...]
    #: Seconds since the run began; of a single ``poll()``, since it began.
    elapsed: float
    #: Seconds until the next poll; ``None`` if there will be none, and while a callable
    #: ``polling_interval`` is computing it.
    next_wait: float | None

    @property
    def met(self) -> bool:
        """Whether the answer is the one that was waited for."""
        return self.outcome == "met"

    def __str__(self) -> str:
        has_reasons = self.exception is None and self.reasons
        what = "; ".join(self.reasons) if has_reasons else describe_attempt(self)
        text = f"poll {self.number}: {self.outcome}: {what}"
        if self.next_wait is not None:
            text += f"; next in {format_seconds(self.next_wait)}"
        return text


def describe_attempt(attempt: Attempt) -> str:
    """Return the status of the answer, or the exception that was ignored."""
    if attempt.exception is not None:
        return describe_exception(attempt.exception)
    if attempt.response is None:
        return "no answer"
    return describe_status(attempt.response)
