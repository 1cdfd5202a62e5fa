"""What a wait has been through, and its JSON, with which another process goes on."""

import hashlib
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from time import monotonic, time
from typing import Any, Self

from .conditions import CheckedCondition, Counts, Expectations
from .formatting import format_progress, one_line
from .limits import RECENT_POLLS

_VERSION = 1
_MAX_OUTCOMES = 20  # that are counted apart, so that memory stays bounded
_MAX_COUNT = 10**15  # of polls, in a checkpoint
_MAX_NAMES = 1000  # in a checkpoint
_MAX_TIME = 10**11  # seconds since 1970, in a checkpoint


class History:
    """The polls of one wait: how many, since when, how long, and what they brought.

    :ivar polls: how many polls were made, in all processes.
    :ivar recent: seconds that the last answered polls took.
    :ivar counts: the counts of ``consecutive``.
    :ivar tally: how often each status or exception came.
    :ivar due: seconds of the wait after which the next poll is due.
    :ivar url: the URL that an answer has named for the next poll, or ``None``.
    :ivar is_resumed: whether the wait began in another process.
    """

    def __init__(self) -> None:
        self._began = monotonic()
        self._wakes = 0.0  # seconds of the wait at which the last sleep ends
        self.polls = 0
        self.recent: deque[float] = deque(maxlen=RECENT_POLLS)
        self.counts: Counts = {}
        self.tally: Counter[str] = Counter()
        self.due = 0.0
        self.url: str | None = None
        self.is_resumed = False

    def elapsed(self) -> float:
        """Return the seconds since the wait began."""
        return monotonic() - self._began

    def fall_asleep(self, seconds: float) -> None:
        """Note that the caller sleeps now."""
        self._wakes = self.elapsed() + seconds

    def wake_up(self) -> None:
        """Make sure that at least the time of the sleep has passed.

        It has not in a test that replaces the sleep, or that stops the clock.
        """
        self._began -= max(self._wakes - self.elapsed(), 0.0)

    def add(self, outcome: str) -> None:
        """Count a status or an exception; if there are too many kinds, as "others"."""
        known = outcome in self.tally or len(self.tally) < _MAX_OUTCOMES
        self.tally[outcome if known else "others"] += 1

    def progress(self) -> str:
        """Return how many polls were made, and in what time."""
        return format_progress(self.polls, self.elapsed())

    def checkpoint(self, expected: Expectations) -> dict[str, Any]:
        """Return this history as JSON.

        A count is kept with a digest of its condition. It is not kept if the condition
        holds an object that another process cannot recognize, such as a lambda.
        """
        now, elapsed = time(), self.elapsed()
        counts = {
            digest: self.counts[condition]
            for condition, digest in _digests(expected).items()
            if self.counts.get(condition)
        }
        place = {} if self.url is None else {"url": self.url}
        return {
            "version": _VERSION,
            "began": round(now - elapsed, 3),
            "due": round(now - elapsed + self.due, 3),
            "wait": round(max(self.due - elapsed, 0.0), 3),
            "polls": self.polls,
            "recent": [round(seconds, 4) for seconds in self.recent],
            "counts": counts,
            "tally": dict(self.tally),
            **place,
        }

    @classmethod
    def resumed(cls, checkpoint: Any, expected: Expectations) -> Self:
        """Return the history that a checkpoint holds.

        :raises ValueError: for anything else; the value is not shown, because it may
            hold a secret.
        """
        fields = _Fields(checkpoint)
        history, now = cls(), time()
        elapsed = max(now - fields.number("began"), 0.0)
        wait = min(fields.number("due") - now, fields.number("wait"))
        history._began -= elapsed
        history.due = elapsed + max(wait, 0.0)
        history.polls = fields.count("polls")
        history.recent.extend(fields.numbers("recent"))
        counts = fields.counts("counts")
        history.counts = {
            condition: counts[digest]
            for condition, digest in _digests(expected).items()
            if digest in counts
        }
        for outcome, count in fields.counts("tally").items():
            history.tally[one_line(outcome)] = count
        history.url = fields.text_or_none("url")
        history.is_resumed = True
        return history


class _Fields:
    """The fields of a checkpoint, each checked as it is read."""

    def __init__(self, checkpoint: Any) -> None:
        if not isinstance(checkpoint, Mapping):
            raise bad_checkpoint("it is not a dict")
        self._fields = checkpoint
        version = checkpoint.get("version")
        if isinstance(version, bool) or not isinstance(version, int):
            raise bad_checkpoint("it has no version")
        if version != _VERSION:
            raise bad_checkpoint(f"its version is not {_VERSION}")

    def _checked(self, name: str, is_valid: Callable[[Any], bool]) -> Any:
        """Return the field of a name if it is valid."""
        value = self._fields.get(name)
        if not is_valid(value):
            raise bad_checkpoint(f"its {name!r} is missing or has another shape")
        return value

    def number(self, name: str) -> float:
        """Return a number of seconds."""
        return float(self._checked(name, _is_number))

    def numbers(self, name: str) -> Sequence[float]:
        """Return a list of at most :data:`RECENT_POLLS` numbers of seconds."""
        numbers: Sequence[float] = self._checked(
            name,
            lambda value: (
                isinstance(value, (list, tuple))
                and len(value) <= RECENT_POLLS
                and all(map(_is_number, value))
            ),
        )
        return numbers

    def count(self, name: str) -> int:
        """Return an int from 0."""
        return int(self._checked(name, _is_count))

    def counts(self, name: str) -> Mapping[str, int]:
        """Return ints by name."""
        counts: Mapping[str, int] = self._checked(
            name,
            lambda value: (
                isinstance(value, Mapping)
                and len(value) <= _MAX_NAMES
                and all(isinstance(each, str) for each in value)
                and all(map(_is_count, value.values()))
            ),
        )
        return counts

    def text_or_none(self, name: str) -> str | None:
        """Return a str; ``None`` if there is no such field."""
        text: str | None = self._checked(
            name, lambda value: value is None or isinstance(value, str)
        )
        return text


def _is_number(value: Any, maximum: int = _MAX_TIME) -> bool:
    """Return whether a value is a number from 0 to a maximum, and not a bool."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= maximum  # also refuses nan


def _is_count(value: Any) -> bool:
    """Return whether a value is an int from 0."""
    return isinstance(value, int) and _is_number(value, _MAX_COUNT)


def bad_checkpoint(why: str) -> ValueError:
    """Return the error for a value that is no checkpoint, without the value."""
    return ValueError(f"checkpoint cannot be used, {why}: give a sleeper's checkpoint")


def _digests(expected: Expectations) -> dict[CheckedCondition, str]:
    """Return a digest of each condition that counts and that has one."""
    digests = {}
    for role, conditions in (("alarm", expected.alarms), ("until", expected.until)):
        for condition in conditions:
            if condition.consecutive > 1:
                try:
                    text = _identify(condition.source)
                except (ValueError, RecursionError):
                    continue
                digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
                digests[condition] = f"{role} {digest.hexdigest()[:12]}"
    return digests


def _identify(value: Any) -> str:
    """Return a text that is the same for equal values in every process.

    :raises ValueError: for an object that has no such text.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, dict):
        pairs = (f"{_identify(key)}: {_identify(each)}" for key, each in value.items())
        return f"{{{', '.join(sorted(pairs))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_identify, value))}]"
    if isinstance(value, (set, frozenset)):
        return f"set [{', '.join(sorted(map(_identify, value)))}]"
    if isinstance(value, range):
        return repr(value)
    if isinstance(value, re.Pattern):
        return f"pattern {value.pattern!r} {value.flags}"
    if callable(getattr(value, "find", None)):  # a compiled JSONPath
        return f"path {value}"
    name = getattr(value, "__qualname__", "<")
    if "<" in name:  # a lambda, a local function, or no function at all
        raise ValueError(f"no name for a {type(value).__name__}")
    return f"{value.__module__}.{name}"
