"""How a wait can end, as exceptions.

::

    HttSleepError
    +-- Alarm
    |   +-- UnexpectedResponse
    +-- GaveUp                 (also a TimeoutError)
    +-- Cancelled
    +-- BodyTooLarge           (also a requests.exceptions.RequestException)

Each exception has the facts as attributes, and all of them in its text. All exceptions
can be pickled: values that cannot (a response with a lambda in it, a callback) are left
out. Each exception can also be made again from its text alone, as result backends that
store JSON do: ``Alarm('text')``. Its attributes then have their defaults.
"""

from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar, cast

import requests

from .formatting import format_size, safe_repr

_MAX_FIRST_LINE = 79  # characters, with the name in front of the text


class HttSleepError(Exception):
    """The base class of the exceptions of httsleep."""

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: _picklable(value) for name, value in vars(self).items()}
        return _rebuild, (type(self), self.args, facts)


class Alarm(HttSleepError):
    """An answer met one of the ``alarms``.

    Tests of code that handles it can make one: ``Alarm(response, alarm)``.
    ``Alarm('text')`` has that text, and neither a response nor an alarm.

    Its attributes are ``response``, ``alarm``, ``attempts`` and ``elapsed``.
    """

    def __init__(
        self,
        response: requests.Response | str,
        alarm: Mapping[str, Any] | None = None,
        *,
        attempts: int = 1,
        elapsed: float = 0.0,
        message: str | None = None,
    ) -> None:
        is_text = isinstance(response, str)
        if message is None:
            first, others = first_line(
                shown_name(type(self)), "alarm", "", safe_repr(alarm)
            )
            message = "\n  ".join((first, *others))
        super().__init__(response if is_text else message)
        # The type leaves out None, because the Alarm of a wait always has a response.
        self.response = cast(requests.Response, None if is_text else response)
        """The answer that met the alarm, a :class:`requests.Response`.

        ``None`` only in an exception that was made again from its text or its pickle.
        """
        self.alarm = alarm
        """The condition that was met, a copy of the caller's dict.

        ``None`` in an :class:`UnexpectedResponse`, and in an exception that was made
        again from its text.
        """
        self.attempts = attempts
        """How many polls were made, this one included; int, default 1."""
        self.elapsed = elapsed
        """Seconds since the wait began; float, default 0.0."""


class UnexpectedResponse(Alarm):
    """An answer met none of ``alarms``, ``until`` and ``pending``.

    It has the attributes of :class:`Alarm`; ``alarm`` is ``None``.
    """


_Limit = TypeVar("_Limit", bound=str)


class _Unfinished(HttSleepError, Generic[_Limit]):
    """The base class of GaveUp and Cancelled, with their attributes."""

    def __init__(
        self,
        message: str = "gave up",
        *,
        limit: _Limit | None = None,
        response: requests.Response | None = None,
        exception: Exception | None = None,
        reasons: tuple[str, ...] = (),
        attempts: int = 0,
        elapsed: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.limit = limit
        """The name of the argument that ended the wait.

        ``None`` in an exception that was made by hand or again from its text.
        """
        self.response = response
        """The last complete answer; ``None`` if no answer came.

        ``bool(response)`` is False for 4xx and 5xx, so compare it with ``None``.
        """
        self.exception = exception
        """The last ignored exception, without its traceback.

        ``None`` if no exception was ignored.
        """
        self.reasons = reasons
        """The reasons why ``response`` does not meet ``until``.

        A tuple of str, one for each key that was not met. Empty if no answer came.
        """
        self.attempts = attempts
        """How many polls were made; int, default 0."""
        self.elapsed = elapsed
        """Seconds since the wait began; float, default 0.0."""


class GaveUp(
    _Unfinished[Literal["max_retries", "max_time", "max_retry_after"]], TimeoutError
):
    """A limit ended the wait before any answer met ``until``.

    It is also a :class:`TimeoutError`, and so an :class:`OSError`. Tests of code that
    handles it can make one: ``GaveUp('gave up')``.

    Its attributes are ``limit``, ``response``, ``exception``, ``reasons``, ``attempts``
    and ``elapsed``.
    """


class Cancelled(_Unfinished[Literal["cancel"]]):
    """The event ``cancel`` was set.

    It has the attributes of :class:`GaveUp`; ``limit`` is ``'cancel'``.
    """


class BodyTooLarge(HttSleepError, requests.exceptions.RequestException):
    """A decoded body had more than ``max_body_size`` bytes; the rest was not read.

    It is also a :class:`requests.exceptions.RequestException`, and so can be ignored.
    Its attribute is ``limit``.
    """

    def __init__(self, limit: int | str) -> None:
        if isinstance(limit, str):
            text, size = limit, None
        else:
            text, size = f"the body is larger than {format_size(limit)}", limit
        super().__init__(text)
        self.limit = size
        """``max_body_size``, in bytes; int.

        ``None`` in an exception that was made again from its text.
        """


def shown_name(kind: type[HttSleepError]) -> str:
    """Return the name of a class as a traceback shows it in front of the text."""
    return f"{kind.__module__}.{kind.__qualname__}"


def first_line(name: str, what: str, when: str, why: str = "") -> tuple[str, list[str]]:
    """Return the first line of a text, and what did not fit there.

    :param name: the word that stands in front of the text, so that the line fits a
        terminal with it.
    """
    room = _MAX_FIRST_LINE - len(f"{name}: ")
    what_and_when = f"{what} {when}".rstrip()
    because = why and f": {why}"
    if len(what_and_when + because) <= room:
        return what_and_when + because, []
    if len(what + because) <= room:
        return what + because, [when]
    return what_and_when, [f"why: {why}"]


def _picklable(value: Any) -> Any:
    """Return the value, or the picklable items of a dict, or ``None``."""
    if _pickles(value):
        return value
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if _pickles(each)}
    return None


def _pickles(value: Any) -> bool:
    """Return whether a value can be pickled and read again."""
    import pickle  # imported only here, because it takes 2 % of the time of the import

    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # foreign classes raise all kinds
        return False
    return True


def _rebuild(
    cls: type[HttSleepError], args: tuple[Any, ...], facts: dict[str, Any]
) -> HttSleepError:
    """Return a pickled exception as it was, without a call of its constructor."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(facts)
    return error
