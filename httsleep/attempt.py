"""The result of one poll."""

from dataclasses import dataclass, field
from typing import Any, Literal

import requests

from .failures import describe_exception
from .formatting import (
    describe_alarm,
    describe_status,
    describe_way,
    format_seconds,
    redact_url,
    redirected_to,
    show_origin,
)

Outcome = Literal["met", "alarm", "waiting", "ignored"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one poll.

    ``on_poll`` and a callable ``polling_interval`` are called with it, and
    :meth:`HttSleeper.poll <httsleep.HttSleeper.poll>` returns it. Its ``str()`` is one
    readable line.
    """

    number: int
    """The number of the poll, counted from 1."""

    response: requests.Response | None
    """The answer; ``None`` if no answer came.

    ``bool(response)`` is False for 4xx and 5xx, so compare it with ``None``.
    """

    exception: Exception | None = field(repr=False)  # because it may hold a whole URL
    """The exception that was ignored, without its traceback; else ``None``."""

    outcome: Outcome
    """``'met'`` (success), ``'alarm'``, ``'waiting'`` (neither) or ``'ignored'``.

    The last means that an exception was ignored, so there is no answer.
    """

    reasons: tuple[str, ...]
    """The reasons why the answer does not meet ``until``.

    One str for each key that was not met, in the order of ``until``.
    """

    elapsed: float
    """Seconds since the wait began, also if it began in another process."""

    next_wait: float | None
    """Seconds until the next poll.

    ``None`` after the last poll, and while a callable ``polling_interval`` computes it.
    """

    alarm: dict[str, Any] | None = None
    """The alarm that was met, as the caller wrote it; ``None`` if none was met."""

    #: Whether the answer is of another origin than the caller's request, so that no
    #: more than the origin of its URL may be shown.
    _origin_only: bool = field(default=False, repr=False)

    @property
    def met(self) -> bool:
        """Whether the answer is the one that was waited for."""
        return self.outcome == "met"

    def __str__(self) -> str:
        text = f"poll {self.number}: {self.outcome}: {_why(self)}{way_of(self)}"
        if self.next_wait is not None:
            text += f"; next in {format_seconds(self.next_wait)}"
        return text


def _why(attempt: Attempt) -> str:
    """Return the alarm, the reasons, or else the status or the exception."""
    if attempt.alarm is not None:
        return describe_alarm(attempt.alarm)
    if attempt.exception is None and attempt.reasons:
        return "; ".join(attempt.reasons)
    return describe_attempt(attempt)


def result_of(attempt: Attempt) -> tuple[object, ...]:
    """Return what two polls with the same result have in common."""
    result = describe_attempt(attempt), way_of(attempt)
    return (attempt.outcome, attempt.reasons, *result)


def describe_attempt(attempt: Attempt) -> str:
    """Return the status of the answer, or the exception that was ignored."""
    if attempt.exception is not None:
        return describe_exception(attempt.exception)
    if attempt.response is None:
        return "no answer"
    return describe_status(attempt.response)


def way_of(attempt: Attempt) -> str:
    """Return the URL that redirects led to, and the proxy, each after a comma."""
    return describe_way(attempt.response, origin_only=attempt._origin_only)


def is_of_other_origin(attempt: Attempt) -> bool:
    """Return whether the answer is of another origin than the caller's request."""
    return attempt._origin_only


def url_of(attempt: Attempt) -> str | None:
    """Return the URL that a poll was sent to; ``None`` if no answer came."""
    if attempt.response is None:
        return None
    url = [*attempt.response.history, attempt.response][0].url
    return show_origin(url) if attempt._origin_only else redact_url(url)


def redirect_of(attempt: Attempt) -> str | None:
    """Return the URL that redirects led to, or ``None``."""
    if attempt.response is None:
        return None
    return redirected_to(attempt.response, origin_only=attempt._origin_only)
