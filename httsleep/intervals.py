"""How long to wait: durations that the caller gave, growing ones, Retry-After."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, cast

import requests

from .attempt import Attempt
from .checks import MAX_SECONDS, Seconds, bad_argument, seconds

#: What ``polling_interval`` takes: seconds, or what computes them from an attempt.
Interval = Seconds | Callable[[Attempt], Seconds]


def checked_interval(argument: str, value: Any) -> Interval:
    """Return a ``polling_interval`` that is a callable, or in seconds."""
    return cast(Interval, value if callable(value) else seconds(argument, value))


def seconds_after(interval: Interval, attempt: Attempt) -> float:
    """Return the seconds of a ``polling_interval`` that follow an attempt."""
    if not callable(interval):
        return float(seconds("polling_interval", interval))
    return float(seconds("what polling_interval returned", interval(attempt)))


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
        raise bad_argument("maximum", maximum, f"give at least initial, {first}")
    for name, number, low, high in (
        ("factor", factor, 1, 1000),
        ("jitter", jitter, 0, 1),
    ):
        right = f"give a number from {low} to {high}"
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise bad_argument(name, number, right)
        if not low <= number <= high:
            raise bad_argument(name, number, right)
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
        return float(min(int(value[:20]), MAX_SECONDS))
    try:
        date = parsedate_to_datetime(value)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return min(max(0.0, date.timestamp() - time()), float(MAX_SECONDS))
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
