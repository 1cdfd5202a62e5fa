"""Checks of arguments, with one form of error.

A check takes the name of an argument and its value, and returns the value as the rest
of the package needs it. It raises a :class:`ValueError` whose text names the argument,
shows the value, and says what to give instead.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Generic, Self, TypeVar, overload

import requests

from .formatting import written

T = TypeVar("T")

#: A duration in seconds.
Seconds = int | float | timedelta

#: The longest duration in seconds, about thirty years. ``time.sleep()`` overflows a
#: little later.
MAX_SECONDS = 10**9
_GIVE_SECONDS = "give seconds (an int, a float or a timedelta)"


def bad_argument(argument: str, value: Any, instead: str) -> ValueError:
    """Return the error for an argument that cannot work.

    :param instead: what to give instead.
    """
    return ValueError(f"{argument} is {written(value)}: {instead}")


def seconds(argument: str, value: Any) -> int | float:
    """Return a duration in seconds, from 0 to :data:`MAX_SECONDS`."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(value, tuple) and argument == "request_timeout":
        instead = f"{_GIVE_SECONDS} for the whole request, not a (connect, read) tuple"
        why = "neither of these limits how long a request takes"
        raise bad_argument(argument, value, f"{instead}: {why}")
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise bad_argument(argument, value, _GIVE_SECONDS)
    if not 0 <= number <= MAX_SECONDS:  # also refuses nan
        instead = f"{_GIVE_SECONDS} from 0 to {MAX_SECONDS:.0e}"
        raise bad_argument(argument, value, instead)
    return number


def positive_seconds(argument: str, value: Any) -> int | float:
    """Return a duration in seconds above 0."""
    number = seconds(argument, value)
    if not number:
        raise bad_argument(argument, value, f"{_GIVE_SECONDS} above 0")
    return number


def positive_int(argument: str, value: Any) -> int:
    """Return an int of at least 1."""
    if not is_positive_int(value):
        instead = "give an int of at least 1, or None for no limit"
        raise bad_argument(argument, value, instead)
    return value  # type: ignore[no-any-return]


def int_from_0(argument: str, value: Any) -> int:
    """Return an int of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        instead = "give an int of at least 0; 0 shows nothing"
        raise bad_argument(argument, value, instead)
    return value


def is_positive_int(value: Any) -> bool:
    """Return whether a value is an int of at least 1; ``True`` is not."""
    return not isinstance(value, bool) and isinstance(value, int) and value >= 1


def or_none(check: Callable[[str, Any], T]) -> Callable[[str, Any], T | None]:
    """Return a check that lets ``None`` through, and leaves the rest to ``check``."""

    def check_or_none(argument: str, value: Any) -> T | None:
        return None if value is None else check(argument, value)

    return check_or_none


def boolean(argument: str, value: Any) -> bool:
    """Return ``True`` or ``False``."""
    if not isinstance(value, bool):
        raise bad_argument(argument, value, "give True or False")
    return value


def function(argument: str, value: Any) -> Callable[..., Any]:
    """Return a callable that takes an attempt."""
    if not callable(value):
        raise bad_argument(argument, value, "give a callable that takes an Attempt")
    return value  # type: ignore[no-any-return]


def event(argument: str, value: Any) -> threading.Event:
    """Return an event."""
    if not isinstance(value, threading.Event):
        raise bad_argument(argument, value, "give a threading.Event")
    return value


def usable_session(session: Any) -> requests.Session:
    """Return an object that can be used as a session."""
    usable = callable(getattr(session, "request", None))
    if isinstance(session, type) or not usable:
        raise bad_argument("session", type(session), "give a requests.Session")
    return session  # type: ignore[no-any-return]


_trial = threading.local()


def refuse_unpicklable(state: dict[str, Any]) -> None:
    """Raise an error that names the part of a sleeper's state that cannot be pickled.

    cloudpickle counts if it is imported, because engines that have it (Dask, Ray) use
    it for what pickle refuses, such as a lambda.

    :raises pickle.PicklingError: names the argument and says what to do instead.
    """
    import pickle  # whoever pickles has imported it

    if getattr(_trial, "is_under_way", False):
        return  # a callback of the sleeper that is being pickled refers to it
    dumps = getattr(sys.modules.get("cloudpickle"), "dumps", pickle.dumps)
    _trial.is_under_way = True
    try:
        dumps(state)
    except Exception:  # whatever a foreign class raises
        for name, value in _parts(state):
            try:
                dumps(value)
            except Exception as exc:
                instead = f"it cannot be pickled; {_IN_PLACE_OF.get(name, _NAMED)}"
                refusal = bad_argument(name, value, instead)
                raise pickle.PicklingError(str(refusal)) from exc
    finally:
        _trial.is_under_way = False


def _parts(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the arguments by name, each condition of a list apart."""
    for name, value in state.items():
        if isinstance(value, list):
            yield from ((f"{name}[{i}]", each) for i, each in enumerate(value))
        else:
            yield _ARGUMENTS.get(name, name), value


#: The arguments behind attributes that have another name.
_ARGUMENTS = {
    "_session": "session",
    "_request": "url_or_request",
    "_is_ignored": "ignore_exceptions",
}
_NAMED = "give functions and classes of a module, and no lambda, lock or open file"
_IN_PLACE_OF = {
    "cancel": "leave it out, and raise in on_poll when the wait is to stop",
    "session": "leave it out, or give one that can be pickled",
    "url_or_request": "give it an auth and hooks of a module, and no lambda",
}


class Setting(Generic[T]):
    """An attribute that is checked whenever it is assigned.

    :param check: takes the name and the value, and returns the value to keep.
    """

    def __init__(self, check: Callable[[str, Any], T]) -> None:
        self._check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            return self
        if self._name not in vars(instance):  # a constructor has not come so far
            raise AttributeError(f"{self._name} is not set yet")
        return vars(instance)[self._name]

    def __set__(self, instance: object, value: object) -> None:
        vars(instance)[self._name] = self._check(self._name, value)
