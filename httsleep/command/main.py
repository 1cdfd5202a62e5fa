"""The command: run a sleeper, show it, and end with the exit code that says how."""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from math import inf
from ssl import SSLCertVerificationError
from time import monotonic
from typing import Any

from requests.exceptions import RequestException
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning

from ..attempt import Attempt
from ..exceptions import Alarm, BodyTooLarge, GaveUp, HttSleepError
from ..formatting import causes, describe_exception, redact_url, safe_repr
from ..main import HttSleeper
from .display import Display, Lines, Objects, Silence, forget_unwritten, say
from .parser import parse, parser, sleeper

MET, ALARM, FAILED, GAVE_UP, INTERRUPTED = 0, 1, 3, 124, 128 + signal.SIGINT
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # of COMMAND, as a shell has it


class _Stopped(BaseException):
    """A signal has come that ends the command; its number is the argument."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    :param arguments: what stands after ``httsleep``; default: what was typed.
    """
    try:
        return _command(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while an option reads standard input, for one
        say("httsleep: interrupted")
        return _interrupted()
    except Exception:  # Python's exit code for a traceback would be that of an alarm
        say(traceback.format_exc())
        return FAILED
    finally:
        forget_unwritten()


def _command(arguments: Sequence[str]) -> int:
    """From what was typed to the exit code."""
    options, command = parse(arguments)
    try:
        made = sleeper(options)
    except ValueError as error:
        parser().error(str(error).removeprefix("url_or_request: "))
    if command and shutil.which(command[0]) is None:
        there = shutil.which(command[0], os.F_OK) is not None
        why = "is not executable" if there else "is no command here"
        say(f"httsleep: {safe_repr(command[0])} {why}")
        return NOT_EXECUTABLE if there else NOT_FOUND
    if "insecure" in options:
        disable_warnings(InsecureRequestWarning)  # curl says nothing either
    request = f"{made.request.method} {redact_url(made.request.url)}"
    display = _display(options, made, request)
    made.on_poll = display.poll
    code, story = MET, ""
    try:
        with _stoppable():
            with display:
                response = made.run()
            if command is None:
                _write(response.content)
    except (HttSleepError, OSError, _Stopped) as exc:
        code, story = _told(exc, request, display.attempt)
    display.end(code, story)
    if command and code == MET:
        return _become(command)
    return _interrupted() if code == INTERRUPTED else code


def _display(options: Mapping[str, Any], made: HttSleeper, request: str) -> Display:
    """What shows the wait: what was asked for, and what standard error can."""
    if "quiet" in options:
        return Silence()
    if options.get("log_format") == "json":
        return Objects(request)
    if "verbose" in options or not _can_draw():
        return Lines(request, every="verbose" in options)
    from ..status_line import StatusLine

    return StatusLine(made.max_retries, made.max_time)


def _can_draw() -> bool:
    """Whether standard error is a terminal that can erase, and rich is there."""
    return (
        sys.stderr is not None
        and sys.stderr.isatty()
        and sys.stderr.encoding.lower().startswith("utf")
        and os.environ.get("TERM") not in ("dumb", "unknown")
        and find_spec("rich") is not None
    )


@contextmanager
def _stoppable() -> Iterator[None]:
    """A SIGINT or SIGTERM, if not ignored, ends the block with an exception.

    More of them within a second mean the same, and the end of the block has a screen to
    clear. Behind the block another one is the end of the process.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}
    before = {n: each for n, each in before.items() if each is not signal.SIG_IGN}
    asked = -inf

    def stop(number: int, _: object) -> None:
        nonlocal asked
        if monotonic() - asked > 1:
            asked = monotonic()
            raise _Stopped(number)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    except _Stopped:
        before = dict.fromkeys(before, signal.SIG_DFL)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupted() -> int:
    """The exit code; on a terminal, die of SIGINT, for which a shell has the same code.

    Else bash would take Ctrl-C for settled, and go on with its script.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(OSError), open("/dev/tty", "rb") as terminal:
        if os.tcgetpgrp(terminal.fileno()) == os.getpgrp():
            os.kill(os.getpid(), signal.SIGINT)
    return INTERRUPTED


def _told(exc: BaseException, request: str, last: Attempt | None) -> tuple[int, str]:
    """The exit code for what has ended the wait, and the story."""
    if isinstance(exc, Alarm):
        return ALARM, str(exc)
    if isinstance(exc, GaveUp):
        return GAVE_UP, str(exc)
    if isinstance(exc, _Stopped):
        (number,) = exc.args
        what = "interrupted" if number == signal.SIGINT else "terminated"
        when = "in poll 1" if last is None else f"after {replace(last, next_wait=None)}"
        return 128 + number, f"{request} {what} {when}"
    if isinstance(exc, RequestException):
        number = 1 if last is None else last.number + 1
        return FAILED, f"{request} failed in poll {number}: {_why(exc)}"
    return FAILED, str(exc)  # a body that nothing takes; a CA bundle that is missing


def _why(exc: RequestException) -> str:
    """What went wrong with a request, and the option that may help."""
    if isinstance(exc, BodyTooLarge):
        return f"{exc}; --max-body-size would allow more"
    untrusted = any(isinstance(each, SSLCertVerificationError) for each in causes(exc))
    hint = "; --cacert names a CA to trust" if untrusted else ""
    return describe_exception(exc) + hint


def _write(body: bytes) -> None:
    """Write the body to standard output; whoever reads it may stop when they like."""
    if sys.stdout is None:
        return
    try:
        # What sys.stdout could not write, it would try to write again at the end.
        with open(sys.stdout.fileno(), "wb", closefd=False) as output:
            output.write(body)
    except BrokenPipeError:
        pass
    except OSError as exc:
        raise OSError(f"the body cannot be written: {exc.strerror}") from None


def _become(command: list[str]) -> int:
    """Run the command in place of this process; return only if that fails."""
    for name in vars(signal).keys() & {"SIGPIPE", "SIGXFSZ"}:  # Python ignores them
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as exc:
        say(f"httsleep: {safe_repr(command[0])} cannot be run: {exc.strerror}")
        return NOT_FOUND if isinstance(exc, FileNotFoundError) else NOT_EXECUTABLE
