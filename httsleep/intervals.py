"""The seconds between two polls: polling_interval, exponential(), Retry-After."""

import random
import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import ceil
from time import time
from typing import Any, NamedTuple, cast

import requests

from .attempt import Attempt
from .checks import MAX_SECONDS, Seconds, bad_argument, seconds
from .formatting import header_of

_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)

#: A ``polling_interval``: seconds, or a function that computes them from an attempt.
Interval = Seconds | Callable[[Attempt], Seconds]
#: An :data:`Interval` that was checked: a number of seconds, or the function.
CheckedInterval = float | Callable[[Attempt], Seconds]


def checked_interval(argument: str, value: Any) -> CheckedInterval:
    """Return a ``polling_interval`` as a number of seconds, or as it is if callable."""
    if callable(value):
        return cast(CheckedInterval, value)
    return seconds(argument, value)


def seconds_after(
    interval: CheckedInterval, make_attempt: Callable[[], Attempt]
) -> float:
    """Return the seconds of a ``polling_interval`` that follow an attempt.

    :param make_attempt: returns the attempt, which only a callable interval needs.
    :raises ValueError: the callable returned no valid duration.
    """
    if not callable(interval):
        return float(interval)
    return float(seconds("the result of polling_interval", interval(make_attempt())))


class _Exponential(NamedTuple):
    """A callable whose seconds grow with the number of the attempt."""

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
    """Return a ``polling_interval`` that grows from poll to poll.

    The interval after poll *n* is ``initial * factor ** (n - 1)``, at most ``maximum``,
    and then shortened by a random share of up to ``jitter``.

    :param initial: seconds after the first poll (int, float or timedelta). With 0 all
        intervals are 0.
    :param factor: how many times longer each interval is than the one before; a number
        from 1 (all intervals are equal) to 1000, default 2.
    :param maximum: seconds that no interval exceeds, at least ``initial``; default 60.
    :param jitter: a share from 0 (none, the default) to 1 (an interval may be shortened
        to nothing). With it, pollers that were started together drift apart.
    :returns: a callable that can be pickled.
    :raises ValueError: an argument is outside of these ranges, or is not a number.
    """
    first, longest = seconds("initial", initial), seconds("maximum", maximum)
    if longest < first:
        raise bad_argument("maximum", maximum, f"give at least initial, {first}")
    for name, number, low, high in (
        ("factor", factor, 1, 1000),
        ("jitter", jitter, 0, 1),
    ):
        instead = f"give a number from {low} to {high}"
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise bad_argument(name, number, instead)
        if not low <= number <= high:  # also refuses nan
            raise bad_argument(name, number, instead)
    # mypy does not know that a named tuple can be called.
    grown = _Exponential(first, factor, longest, jitter)
    return cast(Callable[[Attempt], float], grown)


def retry_after(response: requests.Response) -> float | None:
    """Return the seconds that an answer asks to wait; ``None`` if it does not ask.

    A Retry-After is a number of seconds or an HTTP date (RFC 9110 §10.2.3). Of several
    numbers the largest counts, and a fraction is rounded up. A date is compared with
    the ``Date`` of the answer, because the server's clock may differ from the one here,
    and with the clock here if there is no valid ``Date``. A date that has passed is 0.
    """
    value = header_of(response, "Retry-After")
    if not value:
        return None
    numbers = [number.strip() for number in value.split(",")]
    if all(map(_NUMBER.fullmatch, numbers)):
        return float(ceil(min(max(map(float, numbers)), MAX_SECONDS)))
    then = _timestamp(value)
    if then is None:
        return None
    now = _timestamp(header_of(response, "Date") or "")
    return min(max(0.0, then - (time() if now is None else now)), float(MAX_SECONDS))


def _timestamp(value: str) -> float | None:
    """Return the seconds since 1970 of an HTTP date; ``None`` for anything else."""
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
