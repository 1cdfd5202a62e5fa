"""How a wait ended, told to the caller.

Every exception carries the facts as attributes, and its text is the whole story in a
few lines. All of them pickle: what cannot (a response with a lambda in it, a callback)
is left out.
"""

from collections.abc import Mapping
from typing import Any

import requests

from .formatting import format_size, safe_repr


class HttSleepError(Exception):
    """The base of all that httsleep raises of its own."""

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: _picklable(value) for name, value in vars(self).items()}
        return _revive, (type(self), self.args, facts)


class Alarm(HttSleepError):
    """An answer met one of the ``alarms``.

    Can be made by hand, for tests of code that handles it: ``Alarm(response, alarm)``.

    :ivar response: the answer that met the alarm, a :class:`requests.Response`.
    :ivar alarm: the condition that was met, as the sleeper's ``alarms`` have it.
    :ivar attempts: how many polls were made, this one included; int, default 1.
    :ivar elapsed: seconds since the run began; float, default 0.0.
    """

    def __init__(
        self,
        response: requests.Response,
        alarm: Mapping[str, Any] | None,
        *,
        attempts: int = 1,
        elapsed: float = 0.0,
        message: str | None = None,
    ) -> None:
        super().__init__(message or f"alarm: {safe_repr(alarm)}")
        self.response = response
        self.alarm = alarm
        self.attempts = attempts
        self.elapsed = elapsed


class UnexpectedResponse(Alarm):
    """An answer met no alarm, no success and nothing in ``pending``.

    An :class:`Alarm` whose ``alarm`` is ``None``.
    """


class _Unfinished(HttSleepError):
    """The facts of a run that neither a success nor an alarm has ended."""

    def __init__(
        self,
        message: str = "gave up",
        *,
        limit: str = "max_retries",
        response: requests.Response | None = None,
        exception: Exception | None = None,
        reasons: tuple[str, ...] = (),
        attempts: int = 0,
        elapsed: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.response = response
        self.exception = exception
        self.reasons = reasons
        self.attempts = attempts
        self.elapsed = elapsed


class GaveUp(_Unfinished, TimeoutError):
    """A limit ended the wait before any answer met ``until``.

    Also a :class:`TimeoutError`, and so an :class:`OSError`. Can be made by hand, for
    tests of code that handles it: ``GaveUp('gave up')``.

    :ivar limit: the name of the argument that ended the wait: ``'max_retries'``,
        ``'max_time'`` or ``'max_retry_after'``.
    :ivar response: the last complete answer, a :class:`requests.Response`; ``None`` if
        none came. It is false for 4xx and 5xx: compare it with ``None``.
    :ivar exception: the last ignored exception, without its traceback; ``None`` if
        there was none.
    :ivar reasons: why ``response`` was not what was waited for: a tuple of str, one for
        each key that was not met. Empty if there was no answer.
    :ivar attempts: how many polls were made; int.
    :ivar elapsed: seconds since the run began; float.
    """


class Cancelled(_Unfinished):
    """The event ``cancel`` was set.

    Has the same attributes as :class:`GaveUp`; ``limit`` is ``'cancel'``.
    """


class BodyTooLarge(HttSleepError, requests.exceptions.RequestException):
    """A body had more than ``max_body_size`` bytes, decoded; the rest was not read.

    Also a :class:`requests.exceptions.RequestException`: it can be ignored.

    :ivar limit: ``max_body_size``, in bytes; int.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {format_size(limit)}")
        self.limit = limit


def _picklable(value: Any) -> Any:
    """``value`` if it survives a pickle; of a dict, what does; else ``None``."""
    if _pickles(value):
        return value
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if _pickles(each)}
    return None


def _pickles(value: Any) -> bool:
    import pickle  # who pickles has it; for all others it is 2 % of the import

    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # whatever a foreign class raises
        return False
    return True


def _revive(
    cls: type[HttSleepError], args: tuple[Any, ...], facts: dict[str, Any]
) -> HttSleepError:
    """An exception as it was: its constructor is not run a second time."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(facts)
    return error
