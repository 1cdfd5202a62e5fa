"""A model of a wait, from the words of the design alone, for tests that poll at random.

It knows nothing of HTTP and uses nothing of httsleep. A test says what each poll
brought; the model says what the attempt has to be, and how the wait ends.
"""

import builtins
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from requests import exceptions as broken

#: A condition: whether an answer meets it, and how many answers in a row have to.
Condition = tuple[Callable[[Any], bool], int]

#: The SSLError of a connection that ends in the handshake, which is a broken one.
CutHandshake = type("SSLError", (broken.SSLError,), {})

STANDS_FOR = {
    builtins.ConnectionError: (broken.ConnectionError, broken.ChunkedEncodingError),
    builtins.TimeoutError: (broken.Timeout,),
}


@dataclass
class Expected:
    """The arguments of a sleeper, in plain words.

    :ivar pending: if not ``None``, what an answer may meet while the wait goes on.
    :ivar by_poll: the caller polls by ``poll()``.
    """

    until: list[Condition]
    alarms: list[Condition] = field(default_factory=list)
    pending: list[Callable[[Any], bool]] | None = None
    ignored: tuple[type[Exception], ...] = ()
    interval: float = 2.0
    max_retries: float = 50
    max_retry_after: float = 300
    by_poll: bool = False

    def ignores(self, exc: type[BaseException]) -> bool:
        """Return whether the wait goes on after an exception of this class."""
        return any(
            issubclass(exc, each)
            or (
                issubclass(exc, STANDS_FOR.get(each, ()))
                and (exc is CutHandshake or not issubclass(exc, broken.SSLError))
            )
            for each in self.ignored
        )


class Model:
    """One wait after another."""

    def __init__(self, expected: Expected) -> None:
        self.expected = expected
        self.begin()

    def begin(self) -> None:
        """Begin another wait."""
        self.number = 0
        self.counts: Counter[int] = Counter()

    def poll(self, brought: Any) -> tuple[tuple[Any, ...] | None, str | None]:
        """Return the record of one poll, and how the wait ends, if it does.

        A record is the number of the attempt, its outcome, the status or the name of
        the exception, and its ``next_wait``. A poll whose exception reaches the caller
        has no record.

        :param brought: ``fails`` is the class of an exception or ``None``; of an answer
            there are ``status`` and ``asks``, the seconds of its Retry-After.
        """
        self.number += 1
        if brought.fails is None:
            return self._judge(brought)
        self.counts.clear()
        if not self.expected.ignores(brought.fails):
            return None, brought.fails.__name__
        return self._go_on("ignored", brought.fails.__name__, 0)

    def _judge(self, answer: Any) -> tuple[tuple[Any, ...], str | None]:
        """Alarms come first, then until, then pending."""
        alarms = len(self.expected.alarms)
        conditions = [*self.expected.alarms, *self.expected.until]
        for index, (holds, _) in enumerate(conditions):
            self.counts[index] = self.counts[index] + 1 if holds(answer) else 0
        met = [self.counts[n] >= times for n, (_, times) in enumerate(conditions)]
        is_counting = any(
            times > 1 and self.counts[n] for n, (_, times) in enumerate(conditions)
        )
        pending = self.expected.pending
        if any(met[:alarms]):
            end = "alarm", "Alarm"
        elif any(met[alarms:]):
            end = "met", "met"
        elif pending is None or is_counting or any(each(answer) for each in pending):
            return self._go_on("waiting", answer.status, answer.asks)
        else:
            end = "alarm", "UnexpectedResponse"
        return (self.number, end[0], answer.status, None), end[1]

    def _go_on(
        self, outcome: str, what: Any, asks: float
    ) -> tuple[tuple[Any, ...], str | None]:
        """The wait goes on, unless this was the last poll that a limit allows."""
        expected, wait, end = self.expected, None, None
        asks = asks if expected.max_retry_after else 0
        if self.number >= expected.max_retries:
            end = "GaveUp: max_retries"
        elif asks > expected.max_retry_after:
            end = "GaveUp: max_retry_after"
        else:
            wait = max(expected.interval, asks)
        return (self.number, outcome, what, wait), end
