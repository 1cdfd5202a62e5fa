"""The command: run a sleeper, show the wait, and return the exit code."""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import inf
from time import monotonic

from requests import Response
from requests.exceptions import RequestException
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning

from ..attempt import Attempt
from ..exceptions import Alarm, BodyTooLarge, GaveUp, HttSleepError
from ..failures import causes, describe_exception, is_unknown_issuer
from ..follow import NOBODY_KNOWS
from ..formatting import format_seconds, safe_repr
from ..stderr import discard_stderr, write_stderr
from .build import Command, build
from .checkpoint_file import FileInUse, FileRefused
from .exit_codes import (
    ALARM,
    FAILED,
    GAVE_UP,
    INTERRUPTED,
    MET,
    NOT_EXECUTABLE,
    NOT_FOUND,
    NOT_YET,
    USAGE,
)


class _Stopped(BaseException):
    """A signal that ends the command; the argument is its number."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    :param arguments: the words behind ``httsleep``; default: those of this process.
    """
    try:
        return _run(build(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:  # for instance while an option reads standard input
        write_stderr("httsleep: interrupted")
        return _interrupted()
    except Exception:  # Python's exit code for a traceback would be that of an alarm
        write_stderr(traceback.format_exc())
        return FAILED
    finally:
        discard_stderr()


def _run(command: Command) -> int:
    """Wait, follow up on a success, and return the exit code."""
    if command.program and (code := _check_program(command.program[0])):
        return code
    if command.sleeper.kwargs.get("verify") is False:
        disable_warnings(InsecureRequestWarning)  # the user has asked for it
    try:
        code, message = _wait_with_file(command)
    except FileInUse as exc:
        code, message = NOT_YET, str(exc)
    except FileRefused as exc:
        write_stderr(f"httsleep: {exc}")
        return USAGE
    command.display.end(code, message)
    if command.program and code == MET:
        return _exec(command.program)
    return _interrupted() if code == INTERRUPTED else code


def _check_program(name: str) -> int:
    """Return 0 if there is such a program, else its exit code after an error."""
    if shutil.which(name) is not None:
        return 0
    exists = shutil.which(name, os.F_OK) is not None
    why = "is not executable" if exists else "cannot be found"
    write_stderr(f"httsleep: {safe_repr(name)} {why}")
    return NOT_EXECUTABLE if exists else NOT_FOUND


def _wait_with_file(command: Command) -> tuple[int, str]:
    """Wait; go on from the file of the wait if there is one, and keep it up to date.

    :raises FileInUse: another command is at work on the file.
    :raises FileRefused: the file does not hold this wait.
    """
    if command.file is None:
        return _wait(command)
    with command.file as file:
        file.resume(command.sleeper)
        if command.submits and command.sleeper.checkpoint is None:
            file.mark_submit()
        code, message = _wait(command)
        if code in (MET, ALARM, GAVE_UP) and NOBODY_KNOWS not in message:
            file.remove()
    return code, message


def _wait(command: Command) -> tuple[int, str]:
    """Wait, write the body, and return the exit code and why it is not 0."""
    before = command.sleeper.checkpoint or {"polls": 0, "wait": 0}
    if command.once and before["wait"]:
        due = format_seconds(before["wait"])
        return NOT_YET, f"the next poll is due in {due}\n  {command.request}"
    try:
        with _stop_on_signals():
            with command.display, command.sleeper:
                once = command.once
                response = _poll_once(command) if once else command.sleeper.run()
            if response is None:
                return NOT_YET, ""
            if command.program is None:
                _write(response.content)
    except (HttSleepError, OSError, ValueError, _Stopped) as exc:
        last, first = command.display.attempt, before["polls"] + 1
        code, message = _exit_code_and_message(exc, command.request, last, first)
        if command.submits and first == 1 and last is None:
            message += f"\n  {NOBODY_KNOWS}"
        return code, message
    return MET, ""


def _poll_once(command: Command) -> Response | None:
    """Make one poll, and return the answer; ``None`` if the wait goes on."""
    try:
        attempt = command.sleeper.poll()
    except OSError:  # the failed poll counts, too
        if command.file is not None:
            command.file.save(command.sleeper.checkpoint)
        raise
    return attempt.response if attempt.met else None


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    """Raise an exception on SIGINT and SIGTERM within the block, if not ignored.

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
            raise _Stopped(number)

    for number in handlers:
        signal.signal(number, stop)
    try:
        yield
    except _Stopped:
        handlers = dict.fromkeys(handlers, signal.SIG_DFL)
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _interrupted() -> int:
    """Return the exit code; on a terminal, end this process by SIGINT instead.

    A shell has the same code for both, but only after a process that was ended by
    SIGINT does bash end its script as well.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(OSError), open("/dev/tty", "rb") as terminal:
        if os.tcgetpgrp(terminal.fileno()) == os.getpgrp():
            os.kill(os.getpid(), signal.SIGINT)
    return INTERRUPTED


def _exit_code_and_message(
    exc: BaseException, request: str, last: Attempt | None, first: int
) -> tuple[int, str]:
    """Return the exit code and the message for the exception that ended the wait.

    :param first: the number of the first poll of this process.
    """
    if isinstance(exc, Alarm):
        return ALARM, str(exc)
    if isinstance(exc, GaveUp):
        return GAVE_UP, str(exc)
    if isinstance(exc, _Stopped):
        (number,) = exc.args
        what = "interrupted" if number == signal.SIGINT else "terminated"
        when = "in poll 1" if first == 1 else f"before the end of poll {first}"
        when = when if last is None else f"after {replace(last, next_wait=None)}"
        return 128 + number, f"{what} {when}\n  {request}"
    if isinstance(exc, (RequestException, ValueError)):  # for instance of a proxy's URL
        number = first if last is None else last.number + 1
        return FAILED, f"failed in poll {number}: {_why(exc)}\n  {request}"
    return FAILED, str(exc)  # the body cannot be written, or a CA bundle is missing


def _why(exc: Exception) -> str:
    """Return why a request failed, and the option that may help."""
    if isinstance(exc, BodyTooLarge):
        return f"{exc}; --max-body-size would allow more"
    hint = ""
    if any(map(is_unknown_issuer, causes(exc))):
        hint = "; --cacert names a CA to trust"
    return describe_exception(exc) + hint


def _write(body: bytes) -> None:
    """Write the body to standard output; a reader may stop at any time.

    On a terminal it gets a last line end, so that the prompt begins its own line.
    """
    if sys.stdout is None:
        return
    if sys.stdout.isatty() and body and not body.endswith(b"\n"):
        body += b"\n"
    try:
        # Not through sys.stdout, which would try again at the end after an error.
        with open(sys.stdout.fileno(), "wb", closefd=False) as output:
            output.write(body)
    except BrokenPipeError:
        pass
    except OSError as exc:
        raise OSError(f"the body cannot be written: {exc.strerror}") from None


def _exec(program: list[str]) -> int:
    """Run the program in place of this process; return only if that fails."""
    for name in vars(signal).keys() & {"SIGPIPE", "SIGXFSZ"}:  # Python ignores both
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(program[0], program)
    except OSError as exc:
        write_stderr(f"httsleep: {safe_repr(program[0])} cannot be run: {exc.strerror}")
        return NOT_FOUND if isinstance(exc, FileNotFoundError) else NOT_EXECUTABLE
