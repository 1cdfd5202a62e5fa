"""Standard error: what it can show, and lines that cannot fail."""

import os
import sys
from contextlib import suppress

#: The errors of a standard error that is None, closed, or a stand-in without a method.
_NO_STREAM = (AttributeError, ValueError)


def write_stderr(text: str) -> None:
    """Write a line to standard error; ignore errors, which must not end a wait."""
    with suppress(OSError, *_NO_STREAM):
        sys.stderr.write(f"{text}\n")  # once, because other threads write as well
        sys.stderr.flush()


def discard_stderr() -> None:
    """Discard the text that standard error does not take.

    Else Python would try again at its end, and exit with the code 120.
    """
    try:
        with suppress(*_NO_STREAM):
            sys.stderr.flush()
    except OSError:
        sys.stderr = None


def is_terminal() -> bool:
    """Return whether standard error is a terminal that knows control sequences."""
    with suppress(*_NO_STREAM):
        known = os.environ.get("TERM") not in ("dumb", "unknown")
        return sys.stderr.isatty() and known
    return False


def has_colours() -> bool:
    """Return whether standard error is a terminal that is to show colours."""
    return is_terminal() and not os.environ.get("NO_COLOR")


def can_draw() -> bool:
    """Return whether standard error can show a line that is redrawn.

    It can if it is a terminal that shows UTF-8 and can erase.
    """
    encoding = getattr(sys.stderr, "encoding", None) or ""
    return is_terminal() and encoding.lower().startswith("utf")
