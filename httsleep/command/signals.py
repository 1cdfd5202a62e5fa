"""SIGINT and SIGTERM: how they end a wait, and then this process."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from time import monotonic

from .exit_codes import INTERRUPTED


class Stopped(BaseException):
    """A signal that ends the command.

    :param number: the number of the signal.
    :ivar exit_code: the exit code of a shell for it.
    """

    def __init__(self, number: int) -> None:
        super().__init__("interrupted" if number == signal.SIGINT else "terminated")
        self.exit_code = 128 + number


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise :class:`Stopped` on SIGINT and SIGTERM within the block, if not ignored.

    Further signals within a second are ignored, so that the status line can be erased.
    After the exception the default handlers are in place, so another signal ends the
    process; else the previous handlers are.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in signals}
    handlers = {n: each for n, each in handlers.items() if each is not signal.SIG_IGN}
    last_signal = -inf

    def stop(number: int, _: object) -> None:
        nonlocal last_signal
        if monotonic() - last_signal > 1:
            last_signal = monotonic()
            raise Stopped(number)

    for number in handlers:
        signal.signal(number, stop)
    try:
        yield
    except Stopped:
        handlers = dict.fromkeys(handlers, signal.SIG_DFL)
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def end_by_sigint() -> int:
    """Return the exit code; on a terminal, end this process by SIGINT instead.

    A shell has the same code for both, but only after a process that was ended by
    SIGINT does bash end its script as well.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(OSError), open("/dev/tty", "rb") as terminal:
        if os.tcgetpgrp(terminal.fileno()) == os.getpgrp():
            os.kill(os.getpid(), signal.SIGINT)
    return INTERRUPTED
