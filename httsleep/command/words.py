"""The words of the command line, in place of those of the library.

The library names arguments and shows conditions in Python. Whoever has typed
``--max-time 10m`` reads that again, and an alarm as it was typed.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ..attempt import Attempt, line_of
from ..exceptions import Alarm, GaveUp, first_line
from ..formatting import format_progress, format_seconds, one_line
from ..intervals import retry_after
from ..limits import Limits
from ..main import HttSleeper
from .typed import as_word

_NO_UNIT = re.compile(r"[\d.]+")


class Words:
    """The limits and the alarms of a wait, as they were typed.

    :param words: the command line, without COMMAND.
    :param alarms: the conditions of ``--alarm``.
    :param sleeper: the sleeper that was made of the command line.
    """

    def __init__(
        self,
        words: Sequence[str],
        alarms: Sequence[Mapping[str, Any]],
        sleeper: HttSleeper,
    ) -> None:
        typed = _typed(words)
        pairs = [pair for pair in typed if pair[0].startswith("--alarm-")]
        short = [word for pair in pairs for word in pair]
        options = [f"--alarm {as_word(alarm)}" for alarm in alarms]
        options += [shlex.join(short)] if short else []
        self._alarms = list(zip(sleeper.alarms, options, strict=True))
        self._typed = dict(typed)
        self._sleeper = sleeper

    def poll(self, attempt: Attempt) -> str:
        """Return a poll on one line."""
        if attempt.alarm is None:
            return str(attempt)
        return line_of(attempt, self._alarm(attempt.alarm))

    def end(self, exc: Alarm | GaveUp) -> str:
        """Return the text of an exception that has ended the wait."""
        what, why = "gave up", ""
        if isinstance(exc, GaveUp):
            why = self._why(exc)
        elif exc.alarm is not None:
            what, why = "met an alarm", self._alarm(exc.alarm)
        else:
            return str(exc)
        after = f"after {format_progress(exc.attempts, exc.elapsed)}"
        first, more = first_line("httsleep", what, after, why)
        _, request, *rest = str(exc).split("\n  ")
        rest = [line for line in rest if not line.startswith(("after ", "why: "))]
        return "\n  ".join([first, request, *more, *rest])

    def _alarm(self, alarm: Mapping[str, Any]) -> str:
        """Return an alarm as it was typed."""
        return next(
            one_line(typed) for condition, typed in self._alarms if condition == alarm
        )

    def _why(self, exc: GaveUp) -> str:
        """Return which limit has ended the wait."""
        if exc.limit == "max_retries":
            return f"--max-retries {self._sleeper.max_retries} is reached"
        if exc.limit == "max_retry_after":
            asked = None if exc.response is None else retry_after(exc.response)
            limit = self._duration("--max-retry-after", self._sleeper.max_retry_after)
            return f"Retry-After asks for {format_seconds(asked or 0)}, {limit}"
        limits = Limits.where_given(max_time=self._sleeper.max_time)
        is_over = limits.is_over(exc.elapsed)
        why = "is over" if is_over else "leaves no time for another poll"
        return f"{self._duration('--max-time', self._sleeper.max_time)} {why}"

    def _duration(self, option: str, default: float | None) -> str:
        """Return an option with its duration, which has a unit."""
        duration = self._typed.get(option, f"{default:g}")
        unit = "s" if _NO_UNIT.fullmatch(duration) else ""
        return f"{option} {duration}{unit}"


def _typed(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return each long option of the command line with its value.

    Of an option that has no value it is the next word.
    """
    typed = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            typed.append((name, value if equals else following))
    return typed
