"""Standard error: what it can show, and lines that cannot fail."""

import os
import sys
from contextlib import suppress


def write_stderr(text: str) -> None:
    """Write a line to standard error; ignore errors, which must not end a wait."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # ValueError: a program has closed it
            sys.stderr.write(f"{text}\n")  # once, because other threads write as well
            sys.stderr.flush()


def discard_stderr() -> None:
    """Discard the text that standard error does not take.

    Else Python would try again at its end, and exit with the code 120.
    """
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        sys.stderr = None


def is_terminal() -> bool:
    """Return whether standard error is a terminal that knows control sequences."""
    if sys.stderr is None or os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    with suppress(ValueError):  # a program has closed it
        return sys.stderr.isatty()
    return False


def has_colours() -> bool:
    """Return whether standard error is a terminal that is to show colours."""
    return is_terminal() and not os.environ.get("NO_COLOR")


def can_draw() -> bool:
    """Return whether standard error can show a line that is redrawn.

    It can if it is a terminal that shows UTF-8 and can erase.
    """
    return is_terminal() and sys.stderr.encoding.lower().startswith("utf")
