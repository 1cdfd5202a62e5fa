"""One wait: what has happened so far, and its next step."""

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self, cast

import requests

from .attempt import Attempt
from .conditions import Expectations, IsIgnored, Verdict
from .exceptions import (
    Alarm,
    Cancelled,
    GaveUp,
    HttSleepError,
    UnexpectedResponse,
    first_line,
    shown_name,
)
from .excerpt import BodyExcerpt
from .failures import describe_exception, hide_frames, show_alone, without_tracebacks
from .follow import NOBODY_KNOWS, Route
from .formatting import (
    cache_note,
    describe_alarm,
    describe_response,
    describe_status,
    describe_way,
    format_seconds,
    header_of,
    safe_repr,
)
from .history import History
from .ignoring import class_that_ignores
from .intervals import CheckedInterval, retry_after, seconds_after
from .limits import Limits
from .sending import Sender
from .validators import Answer, Results, are_alike
from .wording import worded, wording

_MAX_LINES = 4  # of reasons, or of outcomes, that an exception's text has

_log = logging.getLogger("httsleep")


class _Result(NamedTuple):
    """The result of one poll, before the next one is planned.

    :ivar exception: the ignored exception; without one there is a response.
    """

    verdict: Verdict
    response: requests.Response | None
    exception: Exception | None
    elapsed: float


class Wait:
    """The history of a wait, the last answer, and the limits that end the wait.

    As a context manager it is a wait of ``run()``: ``max_time`` cuts requests off, and
    the beginning and the end are logged. A scheduler may be late, so with ``poll()``
    ``max_time`` cuts no request, and a poll that comes after it is made, and is the
    last one.

    :param sender: sends the requests.
    :param expected: judges the answers. The caller may assign other conditions while
        the wait is under way.
    :param limits: end the wait.
    :param request_line: the method and the URL, as log and exceptions show them.
    :param route: leads the polls to the URLs that answers name; ``None`` if none does.
    :param is_ignored: whether the wait goes on after an exception.
    :param interval: the ``polling_interval``, checked.
    :param excerpt: shows the beginning of a body.
    :param on_poll: called with each attempt; ``None`` for nothing.
    :param cancel: the event that ends the wait; ``None`` if nothing can end it early.
    :param history: the polls that were made in other processes, or an empty history.
    :ivar has_ended: whether no poll may follow: after a success, an alarm or a limit.
    """

    def __init__(
        self,
        sender: Sender,
        expected: Expectations,
        limits: Limits,
        *,
        request_line: str,
        route: Route | None,
        is_ignored: IsIgnored,
        interval: CheckedInterval,
        excerpt: BodyExcerpt,
        on_poll: Callable[[Attempt], Any] | None,
        cancel: threading.Event | None,
        history: History,
    ) -> None:
        self._sender, self._expected, self._limits = sender, expected, limits
        self._caller_line, self._route = request_line, route
        self._is_ignored = is_ignored
        self._interval, self._on_poll, self._cancel = interval, on_poll, cancel
        self._excerpt, self._history = excerpt, history
        self.has_ended = False
        self._polls_before_run: int | None = None  # None: the caller is a scheduler
        self._why_ended = ""  # in words; empty until a limit or cancel ends the wait
        self._response: requests.Response | None = None  # the last answer
        self._response_poll = 0  # the number of its poll
        self._origin_only = False  # whether no more of its URL may be shown
        self._verdict = Verdict("ignored")  # the verdict on it
        # The last answer that could be judged, and the results of its checks.
        self._judged: tuple[requests.Response | None, Results] = None, {}
        self._exception: Exception | None = None  # the last one that was ignored
        self._asked = 0.0  # seconds of the Retry-After of the last poll
        self._wanted = 0.0  # seconds of the next wait, if max_time did not matter

    def poll(self) -> Attempt:
        """Send one request, judge the answer, and plan the next poll.

        :raises Alarm: this poll ended the wait; likewise GaveUp and Cancelled.
        """
        self._history.wake_up()
        self._check_before_poll()
        self._history.polls += 1
        request_line = self._request_line  # before the answer names another URL
        try:
            result = self._send_and_judge()
        except BaseException:
            self.has_ended = self._is_submit()  # there is nothing to poll yet
            raise
        limit = next_wait = None
        if result.verdict.outcome in ("waiting", "ignored"):
            self._asked = self._retry_after(result.response)
            limit = self._reached_limit(result.elapsed)
            if limit is None:
                next_wait = self._plan_next(result)
                limit = "max_time" if next_wait is None else None
        self.has_ended = next_wait is None
        attempt = self._attempt(result, next_wait)
        self._log_poll(request_line, attempt)
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
        return self._slept(wait)

    def first_pause(self) -> float:
        """Return the seconds until the first poll of a run: 0 if the wait begins."""
        elapsed = self._history.elapsed()
        until_due = min(self._history.due, self._limits.max_time) - elapsed
        pause = 0.0 if self._is_cancelled() else max(until_due, 0.0)
        return self._slept(pause)

    def _slept(self, seconds: float) -> float:
        """Note the seconds that the caller will sleep, and return them.

        A sleep that ``cancel`` can end early may be shorter.
        """
        if self._cancel is None:
            self._history.fall_asleep(seconds)
        return seconds

    def checkpoint(self) -> dict[str, Any] | None:
        """Return the wait as JSON; ``None`` if it has not begun, or has ended."""
        if self.has_ended or not self._history.polls:
            return None
        return self._history.checkpoint(self._expected)

    def close(self) -> None:
        """Close the connections to other origins than the caller's."""
        self._sender.close()

    def __enter__(self) -> Self:
        self._polls_before_run = self._history.polls
        _log.info("%s: polling", self._request_line)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        line, progress = self._request_line, self._history.progress()
        verdict = self._verdict
        facts = _facts(
            "met" if exc is None else "ended",
            poll=self._history.polls,
            response=self._response,
            reasons=verdict.reasons,
            alarm=verdict.alarm,
            elapsed=self._history.elapsed(),
            next_wait=None,
        )
        if exc is None:
            way = describe_way(self._response, origin_only=self._origin_only)
            _log.info("%s: success after %s%s", line, progress, way, extra=facts)
            return
        why = describe_exception(exc)
        if self._why_ended:
            why = "; ".join([self._why_ended, *verdict.reasons[:1]])
        _log.info("%s: ended after %s: %s", line, progress, why, extra=facts)

    def _log_poll(self, request_line: str, attempt: Attempt) -> None:
        """Log a poll as text, because an attempt holds the response."""
        if _log.isEnabledFor(logging.DEBUG):
            facts = _facts(
                attempt.outcome,
                poll=attempt.number,
                response=attempt.response,
                reasons=attempt.reasons,
                alarm=attempt.alarm,
                elapsed=attempt.elapsed,
                next_wait=attempt.next_wait,
            )
            _log.debug("%s: %s", request_line, str(attempt), extra=facts)

    # The steps of one poll, in their order.

    def _check_before_poll(self) -> None:
        """End the wait if it is cancelled, or if a run slept past max_time."""
        if self._is_cancelled():
            self._give_up("cancel")
        before = self._polls_before_run
        has_polled = before is not None and self._history.polls > before
        if has_polled and self._limits.is_over(self._history.elapsed()):
            self._give_up("max_time")

    def _send_and_judge(self) -> _Result:
        """Send the request; judge the answer, or note the ignored exception."""
        history = self._history
        began = history.elapsed()
        verdict, response, ignored = Verdict("ignored"), None, None
        handled = sys.exception()
        try:
            response = self._sender.send(self._seconds_left(began), history.url)
        except Exception as exc:
            history.counts.clear()
            history.add(why := describe_exception(exc))
            is_ignored = self._is_ignored(exc) and not self._is_submit()
            if not (self._is_cut_off(exc) or is_ignored):
                self._add_note(exc, why)
                show_alone(exc, handled)
                hide_frames(exc)
                raise
            ignored = self._exception = without_tracebacks(exc)
        else:
            history.add(describe_status(response))
            verdict = self._judge(response)
            self._response, self._response_poll = response, history.polls
            self._verdict = verdict
        elapsed = history.elapsed()
        if response is not None:
            history.recent.append(elapsed - began)
        return _Result(verdict, response, ignored, elapsed)

    def _seconds_left(self, began: float) -> Callable[[], float]:
        """Return a function that says how many seconds a request still has."""
        ends, max_time = began + self._limits.request_timeout, self._limits.max_time
        if self._polls_before_run is not None and not self._limits.is_over(began):
            ends = min(ends, max_time)
        elapsed = self._history.elapsed
        return lambda: ends - elapsed()

    def _judge(self, response: requests.Response) -> Verdict:
        """Return the verdict on an answer; note the answer if a check raises."""
        before, known = self._judged
        answer = Answer(response, known if are_alike(response, before) else {})
        history, expected = self._history, self._expected
        if self._route is not None:
            self._origin_only = not self._route.is_from_home(answer, history)
        try:
            if self._route is None:
                verdict = expected.judge(answer, history.counts, self._is_ignored)
            else:
                verdict = self._route.judge(answer, expected, history, self._is_ignored)
        except Exception as exc:
            status = describe_status(response)
            answered = f"poll {history.polls} was answered {status}"
            rest = self._describe(response).removeprefix(f"{status}, ")
            exc.add_note("\n  ".join((answered, rest, self._request_line)))
            raise
        self._judged = response, answer.results
        if note := cache_note(response) + self._not_followed(response):
            unmet = tuple(each + note for each in verdict.unmet)
            verdict = verdict._replace(unmet=unmet)
        return verdict

    def _not_followed(self, response: requests.Response) -> str:
        """Return a note if a POST is sent again, and its answer names a URL to poll."""
        method = self._caller_line.partition(" ")[0].upper()
        is_followed = self._route is not None or method in ("GET", "HEAD")
        if is_followed or response.status_code not in (201, 202):
            return ""
        has_url = header_of(response, "Location") is not None
        return " (its Location is not followed)" if has_url else ""

    def _is_cut_off(self, exc: Exception) -> bool:
        """Return whether max_time or cancel, and not its own limit, ended a request."""
        if not isinstance(exc, requests.exceptions.Timeout):
            return False
        cuts = self._polls_before_run is not None
        is_over = cuts and self._limits.is_over(self._history.elapsed())
        return is_over or self._is_cancelled()

    def _add_note(self, exc: Exception, why: str) -> None:
        """Say which poll a failed request was, why, and how to ignore that."""
        if isinstance(exc, requests.exceptions.RequestException):
            after = f"after {self._history.progress()}"
            first, others = first_line("", "failed", after, why)
            lines = [first, self._request_line, *others]
            if self._is_submit():
                lines.append(NOBODY_KNOWS)
            elif (name := class_that_ignores(exc)) is not None:
                lines.append(f"ignore_exceptions=[{name}] would make it poll on")
            exc.add_note("\n  ".join(lines))

    def _attempt(self, result: _Result, next_wait: float | None = None) -> Attempt:
        """Return the result of the last poll as the caller gets it."""
        verdict, response, ignored, elapsed = result
        return Attempt(
            number=self._history.polls,
            response=response,
            exception=ignored,
            outcome=verdict.outcome,
            reasons=verdict.reasons,
            elapsed=elapsed,
            next_wait=next_wait,
            alarm=verdict.alarm,
            _origin_only=self._origin_only,
        )

    def _reached_limit(self, elapsed: float) -> str | None:
        """Return the argument that makes this poll the last one, or ``None``."""
        if self._is_cancelled():
            return "cancel"
        if self._history.polls >= self._limits.max_retries:
            return "max_retries"
        if self._limits.is_over(elapsed):
            return "max_time"
        if self._asked > self._limits.max_retry_after:
            return "max_retry_after"
        return None

    def _plan_next(self, result: _Result) -> float | None:
        """Return the seconds until the next poll; ``None`` if no poll fits."""
        interval = seconds_after(self._interval, lambda: self._attempt(result))
        self._wanted = max(interval, self._asked)
        wait = self._next_wait()
        self._history.due = self._history.elapsed() + (wait or 0.0)
        return wait

    def _next_wait(self) -> float | None:
        """Return the seconds until the next poll; ``None`` if no poll fits."""
        return self._limits.next_wait(
            self._history.elapsed(), self._wanted, self._history.recent
        )

    # The end.

    def _raise_alarm(self) -> NoReturn:
        """Raise the alarm that the last answer met, or that it is unexpected."""
        assert self._response is not None
        alarm = self._verdict.alarm
        if alarm is None:
            kind: type[Alarm] = UnexpectedResponse
            what, why = self._verdict.unexpected, ""
            self._why_ended = what
        else:
            kind, what, why = Alarm, "met an alarm", describe_alarm(alarm)
            self._why_ended = f"alarm: {why}"
        raise kind(
            self._response,
            alarm,
            attempts=self._history.polls,
            elapsed=self._history.elapsed(),
            message=self._summary(kind, what, why),
        )

    def _give_up(self, limit: str) -> NoReturn:
        """Raise the exception for the argument that ends the wait."""
        self.has_ended = True
        self._why_ended = self._why(limit)
        is_cancelled = limit == "cancel"
        kind = Cancelled if is_cancelled else GaveUp
        verb = "stopped" if is_cancelled else "gave up"
        raise kind(
            self._summary(kind, verb, self._why_ended),
            limit=cast(Any, limit),
            response=self._response,
            exception=self._exception,
            reasons=self._verdict.reasons,
            attempts=self._history.polls,
            elapsed=self._history.elapsed(),
        )

    def _why(self, limit: str) -> str:
        """Return in words why an argument ends the wait."""
        limits, named = self._limits, wording().limit
        if limit == "cancel":
            return "cancel is set"
        if limit == "max_retries":
            return f"{named(limit, f'{limits.max_retries}')} is reached"
        if limit == "max_retry_after":
            asked = format_seconds(self._asked)
            allowed = named(limit, format_seconds(limits.max_retry_after))
            return f"Retry-After asks for {asked}, {allowed}"
        is_over = limits.is_over(self._history.elapsed())
        why = "is over" if is_over else "leaves no time for another poll"
        return f"{named(limit, format_seconds(limits.max_time))} {why}"

    def _summary(self, kind: type[HttSleepError], what: str, why: str) -> str:
        """Return the text of an exception: why, the request, what came, how often."""
        after = f"after {self._history.progress()}"
        name = worded(shown_name(kind), "httsleep")
        first, others = first_line(name, what, after, why)
        lines = [first, self._request_line, *others]
        if self._response is not None:
            answer = self._describe(self._response)
            lines.append(f"last answer (poll {self._response_poll}): {answer}")
            if body := self._body(self._response):
                lines.append(f"body: {body}")
        elif self._history.is_resumed:
            lines.append("no answer since the wait was resumed")
        else:
            lines.append("no answer ever came")
            if self._history.polls and self._is_submit():
                lines.append(NOBODY_KNOWS)
        verdict = self._verdict
        lines += _first_few(verdict.about_url)
        lines += [f"not met: {each}" for each in _first_few(verdict.unmet)]
        lines += [f"not pending: {each}" for each in _first_few(verdict.not_pending)]
        tally = [
            f"{count} x {outcome}" for outcome, count in self._history.tally.items()
        ]
        if tally:
            lines.append("polls: " + ", ".join(_first_few(tally)))
        return "\n  ".join(lines)

    # The questions that the methods above ask.

    @property
    def _request_line(self) -> str:
        """The method and the URL of the caller, and the URL that was followed."""
        route = self._route
        return self._caller_line if route is None else route.line(self._history)

    def _is_submit(self) -> bool:
        """Return whether the poll is one that must be sent only once."""
        return self._route is not None and self._route.is_at_submit(self._history)

    def _describe(self, response: requests.Response) -> str:
        """Return an answer as text."""
        return describe_response(response, origin_only=self._origin_only)

    def _body(self, response: requests.Response) -> str:
        """Return the beginning of the body of an alarm or an error, else nothing."""
        is_alarm = self._verdict.outcome == "alarm"
        return self._excerpt.of_failure(
            response, is_alarm=is_alarm, origin_only=self._origin_only
        )

    def _is_cancelled(self) -> bool:
        """Return whether the event that ends the wait is set."""
        return self._cancel is not None and self._cancel.is_set()

    def _retry_after(self, response: requests.Response | None) -> float:
        """Return the Retry-After in seconds; 0 if there is none, or it is off."""
        if response is None or self._limits.max_retry_after == 0:
            return 0.0
        return retry_after(response) or 0.0


def _facts(
    outcome: str,
    *,
    response: requests.Response | None,
    alarm: dict[str, Any] | None,
    **facts: Any,
) -> dict[str, Any]:
    """Return the facts of a log record as plain values, which hold no response."""
    return {
        "outcome": outcome,
        "status": None if response is None else response.status_code,
        "alarm": None if alarm is None else safe_repr(alarm),
        **facts,
    }


def _first_few(lines: Sequence[str]) -> list[str]:
    """Return the first lines, and the number of the others in place of the rest."""
    if len(lines) <= _MAX_LINES:
        return list(lines)
    return [*lines[: _MAX_LINES - 1], f"{len(lines) - _MAX_LINES + 1} more"]
