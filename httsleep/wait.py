"""One wait: what has happened so far, and its next step."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from types import TracebackType
from typing import Any, NoReturn, Self

import requests

from .attempt import Attempt
from .conditions import Counts, Expectations, IsIgnored, Verdict
from .exceptions import Alarm, Cancelled, GaveUp, UnexpectedResponse
from .formatting import (
    describe_exception,
    describe_response,
    describe_status,
    format_seconds,
    safe_repr,
)
from .intervals import Interval, retry_after, seconds_after
from .limits import RECENT_POLLS, Limits
from .sending import Sender, without_tracebacks
from .validators import Answer

_MAX_OUTCOMES = 20  # that are counted apart, so that memory stays bounded
_MAX_LINES = 4  # of reasons, or of outcomes, that an exception's text has

_log = logging.getLogger("httsleep")


class Wait:
    """The polls made so far, what they brought, and the limits that end the wait.

    As a context manager it logs the beginning and the end.

    :param sender: sends the requests.
    :param expected: judges the answers. The caller may assign other conditions while
        the wait is under way.
    :param limits: end the wait.
    :param request_line: the method and the URL, as log and exceptions show them.
    :param is_ignored: whether the wait goes on after an exception.
    :param polls: how many polls were made before this wait began.
    :param counts: the counts of ``consecutive`` to go on with.
    """

    def __init__(
        self,
        sender: Sender,
        expected: Expectations,
        limits: Limits,
        *,
        request_line: str,
        is_ignored: IsIgnored,
        interval: Interval,
        on_poll: Callable[[Attempt], Any] | None,
        cancel: threading.Event | None = None,
        polls: int = 0,
        counts: Counts | None = None,
    ) -> None:
        self._sender, self._expected, self._limits = sender, expected, limits
        self._request_line, self._is_ignored = request_line, is_ignored
        self._interval, self._on_poll, self._cancel = interval, on_poll, cancel
        self._began = monotonic()
        self.polls = self._polls_before = polls
        self._counts: Counts = {} if counts is None else counts
        self._tally: Counter[str] = Counter()  # of statuses and exceptions
        self._recent: deque[float] = deque(maxlen=RECENT_POLLS)  # seconds
        self._response: requests.Response | None = None  # the last one ...
        self._response_poll = 0  # ... and the number of its poll ...
        self._verdict = Verdict("ignored")  # ... and the verdict on it
        self._exception: Exception | None = None  # the last one that was ignored
        self._wanted = 0.0  # seconds of the next wait, if max_time did not matter

    def poll(self) -> Attempt:
        """Send one request, judge the answer, and plan the next poll.

        :raises Alarm: this poll ended the wait; likewise GaveUp and Cancelled.
        """
        self._check_before_poll()
        self.polls += 1
        attempt, limit = self._send_and_judge(), None
        if attempt.outcome in ("waiting", "ignored"):
            limit = self._reached_limit(attempt)
            if limit is None:
                attempt = self._plan_next(attempt)
                limit = "max_time" if attempt.next_wait is None else None
        _log.debug("%s: %s", self._request_line, attempt)
        if self._on_poll is not None:
            self._on_poll(attempt)
        if attempt.outcome == "alarm":
            self._raise_alarm()
        if limit is not None:
            self._give_up(limit)
        return attempt

    def pause(self) -> float:
        """Return the seconds to sleep until the next poll, which the limits allow.

        They are computed anew, because ``on_poll`` may have taken long.

        :raises GaveUp: no poll fits any more; likewise Cancelled.
        """
        if self._is_cancelled():
            self._give_up("cancel")
        wait = self._next_wait()
        if wait is None:
            self._give_up("max_time")
        return wait

    def __enter__(self) -> Self:
        _log.info("%s: polling", self._request_line)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            _log.info("%s: success after %s", self._request_line, self._progress())
            return
        limit = exc.limit if isinstance(exc, (GaveUp, Cancelled)) else None
        why = describe_exception(exc) if limit is None else self._why(limit)
        progress = self._progress()
        _log.info("%s: ended after %s: %s", self._request_line, progress, why)

    # The steps of one poll, in their order.

    def _check_before_poll(self) -> None:
        """End the wait if it is cancelled, or if the machine slept past max_time."""
        if self._is_cancelled():
            self._give_up("cancel")
        has_polled = self.polls > self._polls_before
        if has_polled and self._limits.is_over(self._elapsed()):
            self._give_up("max_time")

    def _send_and_judge(self) -> Attempt:
        """Send the request; judge the answer, or note the ignored exception."""
        began = self._elapsed()
        ends = min(began + self._limits.request_timeout, self._limits.max_time)
        verdict, response, ignored = Verdict("ignored"), None, None
        try:
            response = self._sender.send(lambda: ends - self._elapsed())
        except Exception as exc:
            if not (self._is_cut_off(exc) or self._is_ignored(exc)):
                self._add_note(exc)
                raise
            ignored = self._exception = without_tracebacks(exc)
            self._counts.clear()
            self._count(describe_exception(exc))
        else:
            verdict = self._expected.judge(
                Answer(response), self._counts, self._is_ignored
            )
            self._response, self._response_poll = response, self.polls
            self._verdict = verdict
            self._recent.append(self._elapsed() - began)
            self._count(describe_status(response))
        return Attempt(
            number=self.polls,
            response=response,
            exception=ignored,
            outcome=verdict.outcome,
            reasons=verdict.reasons,
            elapsed=self._elapsed(),
            next_wait=None,
        )

    def _is_cut_off(self, exc: Exception) -> bool:
        """Return whether max_time or cancel, and not its own limit, ended a request."""
        if not isinstance(exc, requests.exceptions.Timeout):
            return False
        return self._is_cancelled() or self._limits.is_over(self._elapsed())

    def _add_note(self, exc: Exception) -> None:
        """Say which poll a failed request was."""
        if isinstance(exc, requests.exceptions.RequestException):
            after = f"{self._request_line} failed after {self._progress()}"
            exc.add_note(f"{after}; ignore_exceptions would make it poll on")

    def _count(self, outcome: str) -> None:
        """Count a status or an exception."""
        known = outcome in self._tally or len(self._tally) < _MAX_OUTCOMES
        self._tally[outcome if known else "others"] += 1

    def _reached_limit(self, attempt: Attempt) -> str | None:
        """Return the argument that makes this poll the last one, or ``None``."""
        if self._is_cancelled():
            return "cancel"
        if self.polls >= self._limits.max_retries:
            return "max_retries"
        if self._limits.is_over(attempt.elapsed):
            return "max_time"
        if self._retry_after(attempt.response) > self._limits.max_retry_after:
            return "max_retry_after"
        return None

    def _plan_next(self, attempt: Attempt) -> Attempt:
        """Return the attempt with its ``next_wait``; ``None`` if no poll fits."""
        interval = seconds_after(self._interval, attempt)
        self._wanted = max(interval, self._retry_after(attempt.response))
        return replace(attempt, next_wait=self._next_wait())

    def _next_wait(self) -> float | None:
        """Return the seconds until the next poll; ``None`` if no poll fits."""
        return self._limits.next_wait(self._elapsed(), self._wanted, self._recent)

    # The end.

    def _raise_alarm(self) -> NoReturn:
        """Raise the alarm that the last answer met, or that it is unexpected."""
        assert self._response is not None
        alarm, after = self._verdict.alarm, f"after {self._progress()}"
        kind = Alarm if alarm is not None else UnexpectedResponse
        if alarm is not None:
            head = f"met an alarm {after}: {safe_repr(alarm)}"
        else:
            head = f"got an unexpected answer {after}"
        raise kind(
            self._response,
            alarm,
            attempts=self.polls,
            elapsed=self._elapsed(),
            message=self._summary(head),
        )

    def _give_up(self, limit: str) -> NoReturn:
        """Raise the exception for the argument that ends the wait."""
        is_cancelled = limit == "cancel"
        kind = Cancelled if is_cancelled else GaveUp
        verb = "stopped" if is_cancelled else "gave up"
        raise kind(
            self._summary(f"{verb} after {self._progress()}: {self._why(limit)}"),
            limit=limit,
            response=self._response,
            exception=self._exception,
            reasons=self._verdict.reasons,
            attempts=self.polls,
            elapsed=self._elapsed(),
        )

    def _why(self, limit: str) -> str:
        """Return in words why an argument ends the wait."""
        limits = self._limits
        if limit == "cancel":
            return "cancel is set"
        if limit == "max_retries":
            return f"max_retries={limits.max_retries} is reached"
        if limit == "max_retry_after":
            asked = format_seconds(self._retry_after(self._response))
            allowed = format_seconds(limits.max_retry_after)
            return f"Retry-After asks for {asked}, max_retry_after={allowed}"
        is_over = limits.is_over(self._elapsed())
        why = "is over" if is_over else "leaves no time for another poll"
        return f"max_time={format_seconds(limits.max_time)} {why}"

    def _summary(self, head: str) -> str:
        """Return the text of an exception: why, the last answer, and the tally."""
        lines = [f"{self._request_line} {head}"]
        if self._response is None:
            lines.append("no answer ever came")
        else:
            answer = describe_response(self._response)
            lines.append(f"last answer (poll {self._response_poll}): {answer}")
        verdict = self._verdict
        lines += [f"not met: {each}" for each in _first_few(verdict.reasons)]
        lines += [f"not pending: {each}" for each in _first_few(verdict.not_pending)]
        tally = [f"{count} x {outcome}" for outcome, count in self._tally.items()]
        return "\n  ".join([*lines, "polls: " + ", ".join(_first_few(tally))])

    # The questions that the methods above ask.

    def _elapsed(self) -> float:
        """Return the seconds since the wait began."""
        return monotonic() - self._began

    def _is_cancelled(self) -> bool:
        """Return whether the event that ends the wait is set."""
        return self._cancel is not None and self._cancel.is_set()

    def _retry_after(self, response: requests.Response | None) -> float:
        """Return the Retry-After in seconds; 0 if there is none, or it is off."""
        if response is None or self._limits.max_retry_after == 0:
            return 0.0
        return retry_after(response) or 0.0

    def _progress(self) -> str:
        """Return how many polls were made, and in what time."""
        number = self.polls - self._polls_before
        polls = "1 poll" if number == 1 else f"{number} polls"
        return f"{polls} in {format_seconds(self._elapsed())}"


def _first_few(lines: Sequence[str]) -> list[str]:
    """Return the first lines, and the number of the others in place of the rest."""
    if len(lines) <= _MAX_LINES:
        return list(lines)
    return [*lines[: _MAX_LINES - 1], f"{len(lines) - _MAX_LINES + 1} more"]
