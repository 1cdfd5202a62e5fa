"""The reader of a text: a programmer, or a user of the command.

Where the two write something differently, the text has the words of its reader.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Wording:
    """The names of limits and alarms: those that a programmer has written."""

    def limit(self, name: str, value: str) -> str:
        """Return a limit with its value."""
        return f"{name}={value}"

    def alarm(self, alarm: Mapping[str, Any]) -> str | None:
        """Return an alarm as it was typed; ``None`` if its value is to be shown."""
        return None


_FOR_PROGRAMMER = Wording()
_wording: ContextVar[Wording] = ContextVar("_wording", default=_FOR_PROGRAMMER)


@contextmanager
def words_of_the_shell(names: Wording | None = None) -> Iterator[None]:
    """Let the texts that are made in the block be those for a user of the command.

    :param names: the names of limits and alarms as that user typed them.
    """
    token = _wording.set(names or Wording())
    try:
        yield
    finally:
        _wording.reset(token)


def wording() -> Wording:
    """Return the names of limits and alarms for a text that is made now."""
    return _wording.get()


def is_for_shell() -> bool:
    """Return whether a text that is made now is for a user of the command."""
    return _wording.get() is not _FOR_PROGRAMMER


def worded(python: str, shell: str) -> str:
    """Return the text for its reader."""
    return shell if is_for_shell() else python
