"""How long to wait: durations that the caller gave, growing ones, Retry-After."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, TypeVar

import requests

from .attempt import Attempt
from .words import refusal

T = TypeVar("T")

#: A duration in seconds.
Seconds = int | float | timedelta
#: What ``polling_interval`` takes: seconds, or what computes them from an attempt.
Interval = Seconds | Callable[[Attempt], Seconds]

#: Thirty years in seconds; ``time.sleep()`` overflows a little later.
LONGEST = 10**9
_RIGHT = "give seconds (an int, a float or a timedelta)"


def seconds(argument: str, value: Any) -> int | float:
    """``value`` in seconds: an int, a float or a timedelta, finite, not negative."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(value, tuple):
        right = f"{_RIGHT} for the whole request, not a (connect, read) tuple"
        raise refusal(argument, value, f"{right}: neither bounds how long it takes")
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise refusal(argument, value, _RIGHT)
    if not 0 <= number <= LONGEST:  # nan neither
        raise refusal(argument, value, f"{_RIGHT} from 0 to {LONGEST:.0e}")
    return number


def above_zero(argument: str, value: Any) -> int | float:
    """``value`` in seconds, and not 0."""
    number = seconds(argument, value)
    if not number:
        raise refusal(argument, value, f"{_RIGHT} above 0")
    return number


def whole(argument: str, value: Any) -> int:
    """``value`` if it is an int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise refusal(
            argument, value, "give an int of at least 1, or None for no limit"
        )
    return value


def optional(check: Callable[[str, Any], T], argument: str, value: Any) -> T | None:
    """``value`` as ``check`` wants it, or ``None``."""
    return None if value is None else check(argument, value)


@dataclass(frozen=True)
class _Exponential:
    """Seconds that grow with the number of the attempt."""

    initial: float
    factor: float
    maximum: float
    jitter: float

    def __call__(self, attempt: Attempt) -> float:
        try:
            wait = self.initial * float(self.factor) ** (attempt.number - 1)
        except OverflowError:
            wait = self.maximum if self.initial else 0.0
        return min(wait, self.maximum) * (1 - self.jitter * random.random())


def exponential(
    initial: Seconds,
    factor: float = 2,
    maximum: Seconds = 60,
    jitter: float = 0.0,
) -> Callable[[Attempt], float]:
    """A ``polling_interval`` that grows from poll to poll.

    The wait after poll *n* is ``initial * factor ** (n - 1)``, at most ``maximum``, and
    then shortened by a random share of up to ``jitter``.

    :param initial: seconds after the first poll (int, float or timedelta); 0 stays 0.
    :param factor: by how much each wait is longer than the one before; a number from 1
        (all the same) to 1000, default 2.
    :param maximum: seconds that no wait exceeds, at least ``initial``; default 60.
    :param jitter: a share from 0 (none, the default) to 1 (a wait may be any length
        down to nothing), so that pollers started together drift apart.
    :returns: a callable that pickles, for ``polling_interval``.
    :raises ValueError: for anything else.
    """
    first, most = seconds("initial", initial), seconds("maximum", maximum)
    if most < first:
        raise refusal("maximum", maximum, f"give at least initial, {first}")
    for name, number, low, high in (
        ("factor", factor, 1, 1000),
        ("jitter", jitter, 0, 1),
    ):
        right = f"give a number from {low} to {high}"
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise refusal(name, number, right)
        if not low <= number <= high:
            raise refusal(name, number, right)
    return _Exponential(first, factor, most, jitter)


def retry_after(response: requests.Response) -> float | None:
    """The seconds that a Retry-After header asks to wait; ``None`` without a valid one.

    A number of seconds or an HTTP date (RFC 9110 §10.2.3); a date that has passed is 0.
    A date is compared with the clock of this machine.
    """
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(min(int(value[:20]), LONGEST))
    try:
        date = parsedate_to_datetime(value)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return min(max(0.0, date.timestamp() - time()), float(LONGEST))
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
