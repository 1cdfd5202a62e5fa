import errno
import io
import os
import runpy
import signal
import sys
import warnings
from ssl import SSLCertVerificationError

import pytest
import requests
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import SSLError
from urllib3.exceptions import InsecureRequestWarning

from httsleep import BodyTooLarge, HttSleeper
from httsleep.command import main as cli
from httsleep.command.display import Lines, Objects, Silence
from httsleep.command.main import main
from httsleep.status_line import StatusLine

URL = "http://server/endpoint"
WHY = "status_code is 503, not 2xx"


@pytest.fixture
def ran(monkeypatch, answers, capfdbinary, terminal):
    """What became of ``httsleep URL ...``: exit code, stdout (latin-1) and stderr."""
    monkeypatch.setattr(requests.sessions, "get_netrc_auth", lambda *_: None)

    def run(*typed):
        try:
            code = main([URL, *typed])
        except SystemExit as exc:
            code = exc.code
        out, err = capfdbinary.readouterr()
        return code, out.decode("latin-1"), err.decode()

    return run


@pytest.fixture
def raising(monkeypatch):
    """Have the wait end with an exception."""

    def patch(exc):
        def run(self):
            raise exc

        monkeypatch.setattr(HttSleeper, "run", run)

    return patch


@pytest.fixture
def terminal(monkeypatch):
    """The signals that this process has sent to itself; ``pgrp`` is the foreground."""

    class Terminal(list):
        pgrp = None

    class File(io.BytesIO):
        def fileno(self):
            return 9

    made = Terminal()

    def opened(path, *args, **kwargs):
        if path != "/dev/tty":
            return open(path, *args, **kwargs)
        if made.pgrp is None:
            raise OSError(errno.ENXIO, "No such device or address")
        return File()

    monkeypatch.setattr(cli, "open", opened, raising=False)
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: made.pgrp)
    monkeypatch.setattr(os, "kill", lambda *what: made.append(what))
    return made


# how it ends


def test_a_success_is_the_body_on_stdout(answers, ran, naps):
    """Byte for byte, and nothing else there; exit code 0."""
    answers(503, (200, b"\xff\x00done\n"))
    code, out, err = ran("--log-format", "json")
    assert (code, out) == (0, "\xff\0done\n")
    assert '"exit_code": 0' in err
    assert naps == [2]


def test_an_alarm_tells_its_story(answers, ran):
    """Exit code 1, nothing on stdout."""
    answers({"status": "FAILED"})
    code, out, err = ran("--alarm-jsonpath", "$.status=FAILED")
    assert (code, out) == (1, "")
    assert err.startswith(f"httsleep: GET {URL} met an alarm after 1 poll in ")
    assert "last answer (poll 1): 200 OK" in err


def test_giving_up_tells_its_story(answers, ran):
    """Exit code 124, as that of timeout(1)."""
    answers(503)
    code, out, err = ran("--max-retries", "2")
    assert (code, out) == (124, "")
    assert err == (
        f"httsleep: GET {URL}: poll 1: waiting: {WHY}; next in 2 s\n"
        f"httsleep: GET {URL} gave up after 2 polls in 2 s: max_retries=2 is reached\n"
        "  last answer (poll 2): 503 Service Unavailable, no body\n"
        "  not met: status_code is 503, not 2xx\n"
        "  polls: 2 x 503 Service Unavailable\n"
    )


@pytest.mark.parametrize(
    ("exc", "told"),
    [
        (RequestsConnectionError("http://u:secret@h/"), "ConnectionError"),
        (SSLError(), "SSLError: TLS failed"),
        (
            SSLError(SSLCertVerificationError()),
            "SSLError: certificate not accepted; --cacert names a CA to trust",
        ),
        (
            BodyTooLarge(9),
            "the body is larger than 9 bytes; --max-body-size would allow more",
        ),
    ],
)
def test_a_request_error_is_told_with_its_poll(answers, ran, exc, told):
    """Exit code 3; in words of ours, and with the option that may help."""
    answers(503, exc)
    code, out, err = ran("--fail-fast")
    assert (code, out) == (3, "")
    assert err.splitlines()[-1] == f"httsleep: GET {URL} failed in poll 2: {told}"


def test_the_first_poll_can_fail(answers, ran):
    """That is poll 1."""
    answers(RequestsConnectionError())
    assert ran("--fail-fast")[2].endswith(" failed in poll 1: ConnectionError\n")


def test_another_error_is_told_as_it_is(ran, raising):
    """Such as requests' own word on a CA bundle of the environment that is missing."""
    raising(OSError("no CA bundle: /missing"))
    assert ran() == (3, "", "httsleep: no CA bundle: /missing\n")


def test_a_bug_is_no_alarm(ran, raising):
    """Python's exit code for a traceback would be that of an alarm."""
    raising(ZeroDivisionError("a bug"))
    code, _, err = ran("-q")
    assert code == 3
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.rstrip().endswith("ZeroDivisionError: a bug")


def test_what_cannot_work_is_told_in_one_line(ran):
    """Exit code 2, and no request."""
    code, out, err = ran("--until", '{"status": 200}')
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "unknown key 'status': did you mean 'status_code'?" in err


def test_a_mistake_in_the_url_names_no_argument_of_python(terminal, capsys):
    """It was typed as URL."""
    with pytest.raises(SystemExit) as caught:
        main(["ftp://server/"])
    told = "httsleep: 'ftp://server/' is not http or https (see httsleep --help)\n"
    assert (caught.value.code, capsys.readouterr()) == (2, ("", told))


# interruptions


def handlers():
    return [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]


@pytest.fixture
def _handlers_as_they_were():
    before = handlers()
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


@pytest.fixture
def interrupting(monkeypatch, _handlers_as_they_were):
    """Have the signals come in the first nap."""

    def patch(*numbers):
        def sleep(_):
            for number in numbers:
                signal.raise_signal(number)

        monkeypatch.setattr("httsleep.main.sleep", sleep)

    return patch


@pytest.mark.parametrize(
    ("number", "code", "what"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_is_an_orderly_end(interrupting, answers, ran, number, code, what):
    """The last poll is told; another signal would end the process at once."""
    answers(503)
    interrupting(number)
    assert ran()[::2] == (
        code,
        f"httsleep: GET {URL}: poll 1: waiting: {WHY}; next in 2 s\n"
        f"httsleep: GET {URL} {what} after poll 1: waiting: {WHY}\n",
    )
    assert handlers() == [signal.SIG_DFL, signal.SIG_DFL]


@pytest.mark.usefixtures("_handlers_as_they_were")
def test_ctrl_c_is_also_for_the_shell_around_it(terminal, answers, ran, raising):
    """In the foreground of a terminal it dies of SIGINT, or bash would go on."""
    raising(cli._Stopped(signal.SIGINT))
    terminal.pgrp = os.getpgrp() + 1
    assert ran("-q")[0] == 130
    assert terminal == []
    terminal.pgrp = os.getpgrp()
    assert ran("-q")[0] == 130  # as the first process of a container
    assert terminal == [(os.getpid(), signal.SIGINT)]


def test_without_a_signal_the_handlers_are_as_they_were(answers, ran):
    """Those of the process are set for the wait only."""
    before = handlers()
    answers(200)
    assert ran("-q")[0] == 0
    assert handlers() == before


def test_the_first_signal_is_the_only_one(interrupting, answers, ran, monkeypatch):
    """Another one does not disturb the end."""
    answers(503)
    interrupting(signal.SIGTERM)
    leave = Lines.__exit__

    def left(*args):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        leave(*args)

    monkeypatch.setattr(Lines, "__exit__", left)
    assert ran()[0] == 143


def test_a_signal_that_was_ignored_is_still_ignored(interrupting, answers, ran):
    """Such as SIGINT of what a shell runs in the background."""
    answers(503, "done")
    interrupting(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert ran("-q") == (0, "done", "")
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.usefixtures("_handlers_as_they_were")
def test_before_the_first_answer_there_is_nothing_to_tell(ran, raising):
    """But where it was."""
    raising(cli._Stopped(signal.SIGINT))
    assert ran() == (130, "", f"httsleep: GET {URL} interrupted in poll 1\n")


@pytest.mark.usefixtures("_handlers_as_they_were")
def test_reading_an_option_can_be_interrupted(ran, monkeypatch):
    """There is no URL to tell of then."""

    def read(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("httsleep.command.converters.open", read, raising=False)
    assert ran("-d", "-") == (130, "", "httsleep: interrupted\n")


# what shows it


class Terminal(io.StringIO):
    """A terminal; ``io.StringIO`` has no encoding that could be set."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def chosen(monkeypatch):
    """The display for options, where standard error is ``stderr``."""

    def choose(stderr, term="xterm", **options):
        with monkeypatch.context() as patch:
            patch.setenv("TERM", term)
            patch.setattr(sys, "stderr", stderr)
            made = HttSleeper(URL, status_code=200)
            return cli._display(options, made, f"GET {URL}")

    return choose


def test_a_terminal_has_a_status_line(chosen):
    """With the limits that are in force."""
    display = chosen(Terminal())
    assert type(display) is StatusLine
    assert (display._max_retries, display._max_time) == (50, None)


def test_options_choose_what_is_shown(chosen):
    """Silence goes before JSON, and that before lines, also on a terminal."""
    assert type(chosen(Terminal(), quiet=True, log_format="json")) is Silence
    assert type(chosen(Terminal(), verbose=True, log_format="json")) is Objects
    lines = chosen(Terminal(), verbose=True, log_format="text")
    assert (type(lines), lines.every) == (Lines, True)


def test_without_rich_there_are_lines(chosen, monkeypatch):
    """The extra is not needed."""
    monkeypatch.setitem(sys.modules, "rich", None)
    lines = chosen(Terminal())
    assert (type(lines), lines.every) == (Lines, False)


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_has_lines(chosen, term):
    """One that cannot erase."""
    assert type(chosen(Terminal(), term)) is Lines


def test_a_terminal_of_another_encoding_has_lines(chosen):
    """What it cannot show would be replaced by something longer."""
    terminal = Terminal()
    terminal.encoding = "latin-1"
    assert type(chosen(terminal)) is Lines


@pytest.mark.parametrize("stderr", [io.StringIO(), None])
def test_without_a_terminal_there_are_lines(chosen, stderr):
    """Also where there is no standard error at all."""
    assert type(chosen(stderr)) is Lines


def test_of_insecure_nothing_is_said(answers, ran):
    """urllib3 need not warn of what was asked for."""
    answers("done")
    ran("-k")
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("insecure", InsecureRequestWarning, stacklevel=1)
    assert caught == []


# the body


def test_a_reader_that_has_enough_is_no_error(answers, ran, monkeypatch):
    """``| head`` ends with 0; the condition was met."""
    answers("done")
    reading, writing = os.pipe()
    os.close(reading)

    class Closed(io.StringIO):
        def fileno(self):
            return writing

    monkeypatch.setattr(sys, "stdout", Closed())
    code = ran("-q")
    os.close(writing)
    assert code == (0, "", "")


def test_a_body_that_cannot_be_written_is_told(answers, ran, monkeypatch):
    """A full disk is no success."""
    answers("done")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cli, "open", full)
    code, _, err = ran()
    assert code == 3
    told = "httsleep: the body cannot be written: No space left on device"
    assert err.splitlines()[-1] == told


def test_without_stdout_nothing_is_written(answers, ran, monkeypatch):
    """A closed standard output is no error."""
    answers("done")
    monkeypatch.setattr(sys, "stdout", None)
    assert ran("-q") == (0, "", "")


# the command in its place


@pytest.fixture
def become(monkeypatch):
    """What is run in place of this process; ``failing`` is why it cannot be."""

    class Ran(BaseException):
        pass

    def patch(failing=None):
        def execvp(file, args):
            raise failing or Ran(file, args)

        monkeypatch.setattr(os, "execvp", execvp)
        return Ran

    before = {name: signal.getsignal(name) for name in (signal.SIGPIPE, signal.SIGXFSZ)}
    yield patch
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_command_is_run_in_its_place(answers, ran, become, capfdbinary):
    """With its arguments, signals as usual, and no body on stdout."""
    answers("done")
    with pytest.raises(become()) as caught:
        ran("--", "sh", "-c", "exit 7")
    assert caught.value.args == ("sh", ["sh", "-c", "exit 7"])
    assert capfdbinary.readouterr() == (
        b"",
        f"httsleep: GET {URL}: poll 1: met: 200 OK\n".encode(),
    )
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_DFL


def test_after_a_failure_nothing_is_run(answers, ran, become):
    """The exit code is that of the wait."""
    become()
    answers(503)
    assert ran("-q", "--max-retries", "1", "--", "sh") == (124, "", "")


def test_a_command_that_is_missing_is_told_at_once(ran):
    """No request is sent; 127, as in a shell."""
    told = "httsleep: '/missing' is no command here\n"
    assert ran("--", "/missing") == (127, "", told)


def test_a_file_that_is_not_executable_is_told_at_once(ran):
    """No request is sent; 126, as in a shell."""
    told = f"httsleep: {__file__!r} is not executable\n"
    assert ran("--", __file__) == (126, "", told)


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOENT, 127), (errno.EACCES, 126), (errno.ENOEXEC, 126)],
)
def test_a_command_that_cannot_be_run_is_told(answers, ran, become, number, code):
    """127 if it has gone meanwhile, else 126, as in a shell."""
    answers("done")
    become(OSError(number, "why"))
    assert ran("-v", "--", "sh")[::2] == (
        code,
        f"httsleep: GET {URL}: poll 1: met: 200 OK\n"
        "httsleep: 'sh' cannot be run: why\n",
    )


# python -m httsleep


def test_the_package_can_be_run(answers, capfd, monkeypatch):
    """``python -m httsleep`` is the command, with what was typed."""
    answers("done")
    monkeypatch.setattr(sys, "argv", ["anything", URL, "-q"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("httsleep", run_name="__main__")
    assert caught.value.code == 0
    assert capfd.readouterr() == ("done", "")
