"""The reader of a text: a programmer, or a user of the command.

Where the two write something differently, the text has the words of its reader.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_for_shell: ContextVar[bool] = ContextVar("_is_for_shell", default=False)


@contextmanager
def words_of_the_shell() -> Iterator[None]:
    """Let the texts that are made in the block be those for a user of the command."""
    token = _is_for_shell.set(True)
    try:
        yield
    finally:
        _is_for_shell.reset(token)


def is_for_shell() -> bool:
    """Return whether a text that is made now is for a user of the command."""
    return _is_for_shell.get()


def worded(python: str, shell: str) -> str:
    """Return the text for its reader."""
    return shell if is_for_shell() else python
