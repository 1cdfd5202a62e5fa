"""The command: run a sleeper, show the wait, and return the exit code."""

import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from requests import Response
from requests.exceptions import RequestException
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning

from ..exceptions import Alarm, BodyTooLarge, GaveUp, HttSleepError
from ..failures import causes, describe_exception, is_unknown_issuer
from ..follow import NOBODY_KNOWS
from ..formatting import format_seconds, safe_repr
from ..stderr import discard_stderr, write_stderr
from ..wording import words_of_the_shell
from .build import Command, Endpoint, build
from .checkpoint_file import FileInUse, FileRefused
from .display import Display
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
from .signals import Stopped, end_by_sigint, stop_on_signals
from .waits import describe_missing, wait_for_all

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
_BUILTINS = ("cd", "eval", "exec", "export", "set", "source", "ulimit", "wait")
#: The exceptions that end a wait; others are bugs.
_ENDINGS = (HttSleepError, OSError, ValueError)
#: Those of a request that fails; a ValueError is for instance about a proxy's URL.
_FAILED_POLL = (RequestException, ValueError)


@dataclass(frozen=True)
class _End:
    """How the command ended: the exit code, why it is not 0, and who shows that.

    :ivar facts: what a log for machines has beside it.
    """

    code: int
    message: str
    display: Display
    facts: Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    :param arguments: the words behind ``httsleep``; default: those of this process.
    """
    try:
        command = build(sys.argv[1:] if arguments is None else arguments)
        with words_of_the_shell(command.wording):
            return _run(command)
    except KeyboardInterrupt:  # for instance while an option reads standard input
        write_stderr("httsleep: interrupted")
        return end_by_sigint()
    except Exception:  # Python's exit code for a traceback would be that of an alarm
        write_stderr(traceback.format_exc())
        return FAILED
    finally:
        discard_stderr()


def _run(command: Command) -> int:
    """Wait, follow up on a success, and return the exit code."""
    if command.program and (code := _check_program(command.program[0])):
        return code
    if command.endpoints[0].sleeper.kwargs.get("verify") is False:
        disable_warnings(InsecureRequestWarning)  # the user has asked for it
    try:
        end = _wait_with_file(command)
    except FileInUse as exc:
        facts = _facts(command.endpoints)
        end = _End(NOT_YET, str(exc), command.display, facts)
    except FileRefused as exc:
        write_stderr(f"httsleep: {exc}")
        return USAGE
    end.display.end(end.code, end.message, end.facts)
    if command.program and end.code == MET:
        return _exec(command.program)
    return end_by_sigint() if end.code == INTERRUPTED else end.code


def _check_program(name: str) -> int:
    """Return 0 if there is such a program, else its exit code after an error."""
    if shutil.which(name) is not None:
        return 0
    exists = shutil.which(name, os.F_OK) is not None
    why = "is not executable" if exists else f"cannot be found{_hint(name)}"
    # The value of a variable may be a secret.
    shown = f"{match[0]}…" if (match := _ASSIGNMENT.match(name)) else name
    write_stderr(f"httsleep: {safe_repr(shown)} {why}")
    return NOT_EXECUTABLE if exists else NOT_FOUND


def _hint(name: str) -> str:
    """Return what to write instead of a program that only a shell understands."""
    if _ASSIGNMENT.match(name):
        return ": write env in front of it, as in -- env NAME=VALUE ..."
    if name in _BUILTINS:
        return ": it is part of a shell, so write sh -c '...'"
    if " " in name.strip():
        return ": write it without quotes, or sh -c in front of it"
    return ""


def _wait_with_file(command: Command) -> _End:
    """Wait; go on from the file of the wait if there is one, and keep it up to date.

    :raises FileInUse: another command is at work on the file.
    :raises FileRefused: the file does not hold this wait.
    """
    if len(command.endpoints) > 1:
        return _wait_for_all(command)
    if command.file is None:
        return _wait(command)
    sleeper = command.endpoints[0].sleeper
    with command.file as file:
        file.resume(sleeper)
        if command.submits and sleeper.checkpoint is None:
            file.mark_submit()
        end = _wait(command)
        if end.code in (MET, ALARM, GAVE_UP) and NOBODY_KNOWS not in end.message:
            file.remove()
    return end


def _wait(command: Command) -> _End:
    """Wait for the only URL, write the body, and return how that ended."""
    (endpoint,) = command.endpoints
    sleeper, display = endpoint.sleeper, endpoint.display
    before = sleeper.checkpoint or {"polls": 0, "wait": 0}
    if command.once and before["wait"]:
        due = format_seconds(before["wait"])
        message = f"the next poll is due in {due}\n  {endpoint.request}"
        facts = _facts([endpoint], polls=before["polls"])
        return _End(NOT_YET, message, display, facts)
    try:
        with stop_on_signals():
            with display, sleeper:
                response = _poll_once(command) if command.once else sleeper.run()
            if response is None:
                return _End(NOT_YET, "", display, _facts([endpoint]))
            if command.program is None:
                _write([response.content])
    except (*_ENDINGS, Stopped) as exc:
        first = before["polls"] + 1
        end = _failure(exc, endpoint, command, first)
        if command.submits and first == 1 and display.attempt is None:
            end = replace(end, message=f"{end.message}\n  {NOBODY_KNOWS}")
        return end
    return _End(MET, "", display, _facts([endpoint]))


def _poll_once(command: Command) -> Response | None:
    """Make one poll, and return the answer; ``None`` if the wait goes on."""
    sleeper = command.endpoints[0].sleeper
    try:
        attempt = sleeper.poll()
    except OSError:  # the failed poll counts, too
        if command.file is not None:
            command.file.save(sleeper.checkpoint)
        raise
    return attempt.response if attempt.met else None


def _wait_for_all(command: Command) -> _End:
    """Wait for all URLs, write the bodies, and return how that ended."""
    endpoints, display = command.endpoints, command.display
    try:
        with stop_on_signals():
            failure = wait_for_all(endpoints)
            if failure is None and command.program is None:
                answers = (each.response for each in endpoints)
                _write([each.content for each in answers if each is not None])
    except Stopped as exc:
        message = f"{exc} {describe_missing(endpoints)}"
        return _End(exc.exit_code, message, display, _facts(endpoints))
    except OSError as exc:  # the bodies cannot be written
        return _End(FAILED, str(exc), display, _facts(endpoints))
    if failure is None:
        return _End(MET, "", display, _facts(endpoints))
    failed, error = failure
    if not isinstance(error, _ENDINGS):
        raise error
    return _failure(error, failed, command)


def _facts(endpoints: Sequence[Endpoint], **known: Any) -> Mapping[str, Any]:
    """Return what a log for machines has about the end of the waits.

    :param known: facts that the last polls do not have.
    """
    attempts = [each.display.attempt for each in endpoints]
    made = [each for each in attempts if each is not None]
    from_polls = {
        "limit": None,
        "polls": sum(each.number for each in made),
        "elapsed": round(max((each.elapsed for each in made), default=0.0), 3),
        "reasons": [reason for each in made for reason in each.reasons],
    }
    return from_polls | known


def _failure(
    exc: BaseException, endpoint: Endpoint, command: Command, first: int = 1
) -> _End:
    """Return the end by an exception; write the body of an alarm if that is wanted.

    :param first: the number of the first poll of this process.
    """
    code, message = _exit_code_and_message(exc, endpoint, first)
    last = endpoint.display.attempt
    polls = first - 1 if last is None else last.number
    known: dict[str, Any] = {"polls": polls + isinstance(exc, _FAILED_POLL)}
    if isinstance(exc, (Alarm, GaveUp)):
        known = {"polls": exc.attempts, "elapsed": round(exc.elapsed, 3)}
    if isinstance(exc, GaveUp):
        known["limit"] = exc.limit
    if command.fail_with_body and isinstance(exc, Alarm):
        try:
            _write([exc.response.content])
        except OSError as error:
            message += f"\n  {error}"
    return _End(code, message, endpoint.display, _facts([endpoint], **known))


def _exit_code_and_message(
    exc: BaseException, endpoint: Endpoint, first: int = 1
) -> tuple[int, str]:
    """Return the exit code and the message for the exception that ended the wait.

    :param first: the number of the first poll of this process.
    """
    request, last = endpoint.request, endpoint.display.attempt
    if isinstance(exc, Alarm):
        return ALARM, str(exc)
    if isinstance(exc, GaveUp):
        return GAVE_UP, str(exc)
    if isinstance(exc, Stopped):
        when = "in poll 1" if first == 1 else f"before the end of poll {first}"
        when = when if last is None else f"after {replace(last, next_wait=None)}"
        return exc.exit_code, f"{exc} {when}\n  {request}"
    if isinstance(exc, _FAILED_POLL):
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


def _write(bodies: Sequence[bytes]) -> None:
    """Write the bodies to standard output; a reader may stop at any time.

    Each of several ends its line, and so does the only one if something else is behind
    it: on a terminal, or in the log that has standard error, too.
    """
    if sys.stdout is None:
        return
    if len(bodies) > 1 or sys.stdout.isatty() or _is_one_log():
        bodies = [body.removesuffix(b"\n") + b"\n" for body in bodies if body]
    try:
        # Not through sys.stdout, which would try again at the end after an error.
        with open(sys.stdout.fileno(), "wb", closefd=False) as output:
            output.write(b"".join(bodies))
    except BrokenPipeError:
        pass
    except OSError as exc:
        raise OSError(f"the body cannot be written: {exc.strerror}") from None


def _is_one_log() -> bool:
    """Return whether standard output and standard error are the same file or pipe."""
    with suppress(AttributeError, OSError, ValueError):  # one of them is closed
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    return False


def _exec(program: list[str]) -> int:
    """Run the program in place of this process; return only if that fails."""
    for name in vars(signal).keys() & {"SIGPIPE", "SIGXFSZ"}:  # Python ignores both
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(program[0], program)
    except OSError as exc:
        write_stderr(f"httsleep: {safe_repr(program[0])} cannot be run: {exc.strerror}")
        return NOT_FOUND if isinstance(exc, FileNotFoundError) else NOT_EXECUTABLE
