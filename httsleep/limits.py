"""The limits of a wait, and when its next poll may start.

Everything here is a function of numbers: seconds since the wait began, and how long the
last polls took. Nothing looks at a clock.
"""

from collections.abc import Collection
from math import inf
from typing import NamedTuple, Self

#: How many of the last answered polls are looked at.
RECENT_POLLS = 3
_MARGIN = 1.5  # times the duration of a poll
_LEAST_MARGIN = 0.1  # seconds
_ROUNDING = 0.001  # seconds; differences below this are rounding errors


class Limits(NamedTuple):
    """The limits of one wait. A limit that is not set is infinite.

    :ivar max_retries: how many polls the wait makes at most.
    :ivar max_time: seconds that the whole wait may take.
    :ivar max_retry_after: seconds of the longest Retry-After that is waited for; with 0
        the header is not looked at.
    :ivar request_timeout: seconds that one request may take.
    """

    max_retries: float = inf
    max_time: float = inf
    max_retry_after: float = inf
    request_timeout: float = inf

    @classmethod
    def where_given(cls, **limits: float | None) -> Self:
        """Return limits, of which those that are ``None`` are infinite."""
        return cls(**{name: each for name, each in limits.items() if each is not None})

    def is_over(self, elapsed: float) -> bool:
        """Return whether ``max_time`` has passed.

        :param elapsed: seconds since the wait began.
        """
        return elapsed > self.max_time - _ROUNDING

    def next_wait(
        self, elapsed: float, wanted: float, recent: Collection[float]
    ) -> float | None:
        """Return the seconds until the next poll; ``None`` if no poll fits any more.

        The last poll should be late enough to see a job that is done just in time, and
        early enough to end in time. So there are two moments for it: the first has room
        for a slow poll, the second for a fast one. A moment moves a poll that would
        miss it. It never ends a wait in which another poll fits.

        :param elapsed: seconds since the wait began.
        :param wanted: the polling interval, or the Retry-After if that is longer.
        :param recent: seconds that the last answered polls took, at most
            :data:`RECENT_POLLS` of them.
        """
        if self.max_time == inf:
            return wanted
        slowest = max(recent, default=0.0)
        fastest = min(recent) if len(recent) == RECENT_POLLS else 0.0
        until_first = self._last_moment(slowest) - elapsed
        if until_first > _ROUNDING:
            another_fits = wanted + slowest < until_first - _ROUNDING
            return wanted if another_fits else until_first
        until_second = self._last_moment(fastest) - elapsed
        if until_second > _ROUNDING:
            return min(wanted, until_second)
        return None if self.is_over(elapsed + wanted + fastest) else wanted

    def _last_moment(self, duration: float) -> float:
        """Return when the last poll should start, if it takes that many seconds."""
        margin = max(_MARGIN * duration, _LEAST_MARGIN)
        return self.max_time - min(margin, self.max_time / 2)
