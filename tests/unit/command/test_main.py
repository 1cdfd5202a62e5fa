import errno
import io
import json
import os
import re
import runpy
import signal
import sys
import warnings
from pathlib import Path
from queue import SimpleQueue
from ssl import SSLCertVerificationError

import pytest
import requests
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import SSLError
from urllib3.exceptions import InsecureRequestWarning

from httsleep import BodyTooLarge, HttSleeper
from httsleep.command.checkpoint_file import CheckpointFile
from httsleep.command.display import Lines
from httsleep.command.main import main

URL = "http://server/endpoint"
WHY = "status_code is 503, not 2xx"


@pytest.fixture
def ran(monkeypatch, answers, capfdbinary, terminal):
    """Run ``httsleep URL ...``; return exit code, stdout (latin-1) and stderr."""
    monkeypatch.setattr(requests.sessions, "get_netrc_auth", lambda *_: None)

    def run(*words):
        try:
            code = main([URL, *words])
        except SystemExit as exc:
            code = exc.code
        out, err = capfdbinary.readouterr()
        return code, out.decode("latin-1"), err.decode()

    return run


@pytest.fixture
def raising(monkeypatch):
    """Let the wait raise an exception."""

    def patch(exc):
        def run(self):
            raise exc

        monkeypatch.setattr(HttSleeper, "run", run)

    return patch


@pytest.fixture
def terminal(monkeypatch):
    """Return the signals sent by this process; ``pgrp`` is the foreground group."""

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

    monkeypatch.setattr("httsleep.command.signals.open", opened, raising=False)
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: made.pgrp)
    monkeypatch.setattr(os, "kill", lambda *what: made.append(what))
    return made


# Exit codes and messages


def test_a_success_is_the_body_on_stdout(answers, ran, naps):
    """A success writes the bytes of the body, and nothing else, to stdout; code 0."""
    answers(503, (200, b"\xff\x00done\n"))
    code, out, err = ran("--log-format", "json")
    assert (code, out) == (0, "\xff\0done\n")
    assert '"exit_code": 0' in err
    assert naps == [0.25]


def test_an_alarm_has_the_exit_code_1(answers, ran):
    """An alarm writes its message, and nothing to stdout; exit code 1."""
    answers({"status": "FAILED"})
    code, out, err = ran("--alarm-jsonpath", "$.status=FAILED")
    assert (code, out) == (1, "")
    assert err.startswith("httsleep: met an alarm after 1 poll in ")
    assert f"\n  GET {URL}\n" in err
    assert "last answer (poll 1): 200 OK" in err


SUBMIT = ("-d", "x", "--follow", "Location", "--text", "done")


def test_nobody_knows_whether_a_submit_that_breaks_has_begun(server, ran, tmp_path):
    """The message says so, and the file that was marked stays."""
    server.post(URL, body=RequestsConnectionError())
    state = tmp_path / "state.json"
    code, out, err = ran(*SUBMIT, "--checkpoint", str(state))
    assert (code, out) == (3, "")
    assert err.endswith(f"POST {URL}\n  nobody knows whether the server has begun\n")
    assert json.loads(state.read_text())["checkpoint"] == "submitting"


def test_a_submit_that_was_answered_leaves_no_mark(server, ran, naps, tmp_path):
    """Once the URL is known, a poll that breaks says nothing of the submit."""
    server.post(URL, status=202, headers={"Location": "/jobs/1"})
    server.get("http://server/jobs/1", body=RequestsConnectionError())
    state = tmp_path / "state.json"
    code, _, err = ran(*SUBMIT, "--fail-fast", "--checkpoint", str(state))
    assert code == 3
    assert "nobody knows" not in err
    assert json.loads(state.read_text())["checkpoint"]["url"] == "http://server/jobs/1"


def test_giving_up_has_the_exit_code_124(answers, ran):
    """GaveUp writes its message; the exit code is that of timeout(1), 124."""
    answers(503)
    code, out, err = ran("--max-retries", "2")
    assert (code, out) == (124, "")
    assert err == (
        f"httsleep: GET {URL}: poll 1: waiting: {WHY}; next in 250 ms\n"
        "httsleep: gave up after 2 polls in 250 ms: --max-retries 2 is reached\n"
        f"  GET {URL}\n"
        "  last answer (poll 2): 503 Service Unavailable, no body\n"
        "  not met: status_code is 503, not 2xx\n"
        "  polls: 2 x 503 Service Unavailable\n"
    )


@pytest.mark.parametrize(
    ("exc", "error"),
    [
        (RequestsConnectionError("http://u:secret@h/"), "ConnectionError"),
        (SSLError(), "SSLError: TLS failed"),
        (
            SSLError(SSLCertVerificationError()),
            "SSLError: certificate not accepted",
        ),
        (
            BodyTooLarge(9),
            "the body is larger than 9 bytes; --max-body-size would allow more",
        ),
    ],
)
def test_a_failed_request_has_the_exit_code_3(answers, ran, exc, error):
    """A failed request is described with its poll and the option that may help."""
    answers(503, exc)
    code, out, err = ran("--fail-fast")
    assert (code, out) == (3, "")
    assert err.endswith(f"\nhttsleep: failed in poll 2: {error}\n  GET {URL}\n")


def test_the_first_poll_can_fail(answers, ran):
    """A request that fails before any answer is poll 1."""
    answers(RequestsConnectionError())
    error = f"httsleep: failed in poll 1: ConnectionError\n  GET {URL}\n"
    assert ran("--fail-fast")[2] == error


def test_another_error_is_shown_as_it_is(ran, raising):
    """An OSError is shown with its text, such as that of a missing CA bundle."""
    raising(OSError("no CA bundle: /missing"))
    assert ran() == (3, "", "httsleep: no CA bundle: /missing\n")


def test_a_bug_has_the_exit_code_3(ran, raising):
    """A traceback has the exit code 3, because Python's own, 1, means an alarm."""
    raising(ZeroDivisionError("a bug"))
    code, _, err = ran("-q")
    assert code == 3
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.rstrip().endswith("ZeroDivisionError: a bug")


def test_a_wrong_command_line_has_the_exit_code_2(ran):
    """A command line that cannot work is one line of error, and sends no request."""
    code, out, err = ran("--until", '{"status": 200}')
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert 'unknown key "status": did you mean "status_code"?' in err


# Signals


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
    """Raise these signals in the first sleep."""

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
def test_a_signal_ends_the_wait(interrupting, answers, ran, number, code, what):
    """A signal ends the wait with the last poll; another one would end the process."""
    answers(503)
    interrupting(number)
    assert ran()[::2] == (
        code,
        f"httsleep: GET {URL}: poll 1: waiting: {WHY}; next in 250 ms\n"
        f"httsleep: {what} after poll 1: waiting: {WHY}\n  GET {URL}\n",
    )
    assert handlers() == [signal.SIG_DFL, signal.SIG_DFL]


@pytest.mark.usefixtures("_handlers_as_they_were")
def test_ctrl_c_also_ends_the_script_around_it(terminal, answers, ran, interrupting):
    """In the foreground of a terminal SIGINT ends the process, or bash would go on."""
    answers(503)
    interrupting(signal.SIGINT)
    terminal.pgrp = os.getpgrp() + 1
    assert ran("-q")[0] == 130
    assert terminal == []
    terminal.pgrp = os.getpgrp()
    assert ran("-q")[0] == 130  # as the first process of a container
    assert terminal == [(os.getpid(), signal.SIGINT)]


def test_without_a_signal_the_handlers_are_as_they_were(answers, ran):
    """The handlers of the signals are set for the wait only."""
    before = handlers()
    answers(200)
    assert ran("-q")[0] == 0
    assert handlers() == before


def test_further_signals_are_ignored(interrupting, answers, ran, monkeypatch):
    """Signals just after the first one do not disturb the end of the wait."""
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
    """An ignored signal stays ignored, such as SIGINT in the background of a shell."""
    answers(503, "done")
    interrupting(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert ran("-q") == (0, "done", "")
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.usefixtures("_handlers_as_they_were")
def test_a_signal_can_come_before_the_first_answer(ran, monkeypatch):
    """A signal in the first request has a message that says so."""
    monkeypatch.setattr(HttSleeper, "run", lambda _: signal.raise_signal(signal.SIGINT))
    assert ran() == (130, "", f"httsleep: interrupted in poll 1\n  GET {URL}\n")


@pytest.mark.usefixtures("_handlers_as_they_were")
def test_reading_an_option_can_be_interrupted(ran, monkeypatch):
    """A SIGINT before the wait has a message without the URL."""

    def read(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("httsleep.command.converters.open", read, raising=False)
    assert ran("-d", "-") == (130, "", "httsleep: interrupted\n")


# Output


def test_verbose_shows_each_poll(answers, ran):
    """With -v each poll has a line, also if its result is not new."""
    answers(503, 503, "done")
    assert len(ran("-v")[2].splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["--text", "OK"],
            "text is 'OK, fine', not 'OK' alone; --text-matches would",
        ),
        (["--text-matches", "^fine"], "text is 'OK, fine', not matched by '^fine'"),
    ],
)
def test_a_reason_has_the_words_of_the_shell(answers, ran, words, reason):
    """A reason names options, and no function of Python."""
    answers((200, "OK, fine"))
    assert f"poll 1: waiting: {reason}" in ran(*words, "--max-retries", "1")[2]


def test_a_body_with_other_keys_gets_a_condition_to_type(answers, ran):
    """The reason for --until-json says how to allow other keys."""
    answers({"a": 1, "b": 2})
    text = ran("--until-json", '{"a": 1}', "--max-retries", "1")[2]
    instead = """--until '{"json_contains": ...}'"""
    assert f" alone; {instead} would allow the other keys\n" in text


@pytest.mark.parametrize(
    "words",
    [
        ("--max-time", "3s"),
        ("--max-retries", "1", "--jsonpath", "$.done=true"),
        ("--max-retries", "1", "--until-json", '{"error": null}'),
        ("--max-retries", "1", "--text-matches", "^OK"),
        ("--max-retry-after", "1m"),
        ("--alarm-jsonpath", "$.done=false"),
        ("--alarm", '{"json_contains": {"error": null, "done": false}}'),
        ("--alarm-text-matches", "error"),
        ("--pending", '{"json": true}'),
        ("--max-body-size", "3"),
    ],
    ids=" ".join,
)
def test_an_end_has_no_word_of_the_library(server, ran, words):
    """Each end is told in the words of the shell, in all of its lines."""
    headers = {"Retry-After": "300"} if "--max-retry-after" in words else {}
    body = {"done": False, "error": None, "list": [True]}
    server.get(URL, status=503, json=body, headers=headers)
    code, _, err = ran("-v", *words)
    assert code in (1, 3, 124)
    text = "\n".join(line for line in err.splitlines() if "  body: " not in line)
    assert not re.search(
        r"max_\w|request_timeout|ignore_exceptions|re\.compile|\bTrue\b|\bFalse\b|\bNone\b"
        r"|until\[|alarms\[|\{'json",
        text,
    )


def test_an_alarm_is_shown_as_it_was_typed(answers, ran):
    """A line of -v and the text of the alarm have the options."""
    answers(500)
    first, last, *_ = ran("-v", "--alarm-status-code", "5xx")[2].splitlines()
    assert first == f"httsleep: GET {URL}: poll 1: alarm: --alarm-status-code 5xx"
    assert last.endswith(" after 1 poll in 0 s: --alarm-status-code 5xx")


GAVE_UP = f"""\
httsleep: gave up after 2 polls in 250 ms: --max-retries 2 is reached
  GET {URL}
  last answer (poll 2): 503 Service Unavailable, no body
  not met: {WHY}
  polls: 2 x 503 Service Unavailable
"""


@pytest.mark.parametrize(("how", "text"), [("-q", GAVE_UP), ("-qq", "")])
def test_quiet_has_only_the_text_of_a_failure(answers, ran, how, text):
    """With -q a wait that fails has its text alone, and with -qq nothing at all."""
    answers(503)
    assert ran(how, "-v", "--max-retries", "2") == (124, "", text)


def test_quiet_json_is_one_object_after_a_failure(answers, ran):
    """With -q a log for machines has the object of the end, if the wait fails."""
    answers(200, 503)
    assert ran("-q", "--log-format", "json") == (0, "", "")
    code, _, err = ran("-q", "--log-format", "json", "--max-retries", "1")
    (end,) = map(json.loads, err.splitlines())
    assert (code, end["event"], end["exit_code"]) == (124, "end", 124)


@pytest.mark.parametrize("how", ["-q", "-qq"])
def test_a_wrong_command_line_is_always_told(ran, how):
    """Neither -q nor -qq hides why a command line or a COMMAND cannot work."""
    assert ran(how, "--max-time", "0")[2].startswith("httsleep: ")
    assert ran(how, "--", "/missing") == (
        127,
        "",
        "httsleep: '/missing' cannot be found\n",
    )


def test_insecure_has_no_warning(answers, ran):
    """With -k urllib3 does not warn, because the user has asked for it."""
    answers("done")
    ran("-k")
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("insecure", InsecureRequestWarning, stacklevel=1)
    assert caught == []


# Body


def test_a_reader_may_stop(answers, ran, monkeypatch):
    """A closed pipe, as of ``| head``, is no error: the exit code is 0."""
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


@pytest.mark.parametrize(
    ("body", "shown"),
    [("done", "done\n"), ("done\n", "done\n"), ("\n", "\n"), ("", "")],
)
def test_a_terminal_has_a_body_that_ends_its_line(
    answers, ran, monkeypatch, body, shown
):
    """A body without a last line end gets one on a terminal."""
    answers(body)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert ran("-q") == (0, shown, "")


def test_a_log_of_both_streams_has_a_body_that_ends_its_line(
    answers, ran, monkeypatch, tmp_path
):
    """What is written next, such as why an alarm was met, begins a line."""
    with (tmp_path / "log").open("w") as log, (tmp_path / "body").open("w") as body:
        monkeypatch.setattr(sys, "stderr", log)
        for out, written in ((log, "done\n"), (body, "done")):
            answers("done")
            monkeypatch.setattr(sys, "stdout", out)
            ran("-q")
            assert Path(out.name).read_text() == written


def test_without_a_standard_error_the_body_is_written_as_it_is(
    answers, ran, monkeypatch
):
    """There is no log of both streams if one of them is closed."""
    answers("done")
    monkeypatch.setattr(sys, "stderr", None)
    assert ran("-q") == (0, "done", "")


def test_a_body_that_cannot_be_written_has_the_exit_code_3(answers, ran, monkeypatch):
    """A body that cannot be written, as on a full disk, has the exit code 3."""
    answers("done")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("httsleep.command.main.open", full, raising=False)
    code, _, err = ran()
    assert code == 3
    error = "httsleep: the body cannot be written: No space left on device"
    assert err.splitlines()[-1] == error


def test_without_stdout_nothing_is_written(answers, ran, monkeypatch):
    """A closed standard output is no error: the exit code is 0."""
    answers("done")
    monkeypatch.setattr(sys, "stdout", None)
    assert ran("-q") == (0, "", "")


# COMMAND


@pytest.fixture
def exec_raises(monkeypatch):
    """Let execvp() raise an error, or an exception with its arguments."""

    class Ran(BaseException):
        pass

    def patch(error=None):
        def execvp(file, args):
            raise error or Ran(file, args)

        monkeypatch.setattr(os, "execvp", execvp)
        return Ran

    before = {name: signal.getsignal(name) for name in (signal.SIGPIPE, signal.SIGXFSZ)}
    yield patch
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_program_is_run_in_place_of_httsleep(
    answers, ran, exec_raises, capfdbinary
):
    """The program gets its arguments and default signals; stdout has no body."""
    answers("done")
    with pytest.raises(exec_raises()) as caught:
        ran("--", "sh", "-c", "exit 7")
    assert caught.value.args == ("sh", ["sh", "-c", "exit 7"])
    assert capfdbinary.readouterr() == (
        b"",
        f"httsleep: GET {URL}: poll 1: met: 200 OK\n".encode(),
    )
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_DFL


def test_after_a_failure_no_program_is_run(answers, ran, exec_raises):
    """After a failure the exit code is that of the wait."""
    exec_raises()
    answers(503)
    assert ran("-qq", "--max-retries", "1", "--", "sh") == (124, "", "")


def test_a_missing_program_is_an_error_before_the_wait(ran):
    """A program that is missing has the exit code of a shell, 127, and no request."""
    error = "httsleep: '/missing' cannot be found\n"
    assert ran("--", "/missing") == (127, "", error)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("make test", "write it without quotes, or sh -c in front of it"),
        ("source", "it is part of a shell, so write sh -c '...'"),
    ],
)
def test_what_only_a_shell_can_run_is_told_how(ran, name, instead):
    """COMMAND is a program and its arguments, and no line for a shell."""
    error = f"httsleep: {name!r} cannot be found: {instead}\n"
    assert ran("--", name, "x") == (127, "", error)


def test_a_variable_in_front_of_a_program_is_told_of_env(ran):
    """Its value may be a secret, and is not shown."""
    assert ran("--", "TOKEN=secret", "./deploy")[2] == (
        "httsleep: 'TOKEN=…' cannot be found: write env in front of it, as in -- env "
        "NAME=VALUE ...\n"
    )


def test_a_file_that_is_not_executable_is_an_error_before_the_wait(ran):
    """A file that is not executable has the exit code of a shell, 126."""
    error = f"httsleep: {__file__!r} is not executable\n"
    assert ran("--", __file__) == (126, "", error)


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOENT, 127), (errno.EACCES, 126), (errno.ENOEXEC, 126)],
)
def test_a_program_that_cannot_be_run_is_an_error(
    answers, ran, exec_raises, number, code
):
    """After the wait the exit code is 127 for a file that has gone, else 126."""
    answers("done")
    exec_raises(OSError(number, "why"))
    assert ran("-v", "--", "sh")[::2] == (
        code,
        f"httsleep: GET {URL}: poll 1: met: 200 OK\n"
        "httsleep: 'sh' cannot be run: why\n",
    )


# Several URLs

OTHERS = ("http://server/b", "http://server/c")


@pytest.fixture
def three(server, answers):
    """Set the answers of three URLs: a status, a body or an exception each."""

    def script(first, *others):
        answers(*first)
        for url, each in zip(OTHERS, others, strict=True):
            for answer in each:
                facts = {"status": answer} if isinstance(answer, int) else {}
                body = "" if isinstance(answer, int) else answer
                server.get(url, body=body, **facts)
        return server

    return script


def test_several_bodies_stand_in_the_order_of_their_urls(server, three, ran):
    """Each of several bodies ends its line; an empty one has none."""
    three([503, 503, "a"], [503, "b\n"], ["c"])
    server.get("http://server/none", body="")
    words = (*OTHERS, "http://server/none", URL, "--interval", "0")
    assert ran(*words, "-q") == (0, "a\nb\nc\na\n", "")


def test_an_error_page_that_was_waited_for_is_written(server, answers, ran):
    """The body of a 4xx or 5xx that meets the condition is a body like any other."""
    answers((404, "gone"))
    server.get(OTHERS[0], body="away", status=503)
    assert ran(OTHERS[0], "--status-code", "404,503", "-q") == (0, "gone\naway\n", "")


def test_each_line_names_its_url(three, ran):
    """Plain lines name the URL that they are about, also behind the first."""
    three([503, 503, 200], [200], [200])
    code, _, err = ran(*OTHERS, "--interval", "0")
    assert code == 0
    assert sorted(err.splitlines()) == [
        f"httsleep: GET {OTHERS[0]}: poll 1: met: 200 OK",
        f"httsleep: GET {OTHERS[1]}: poll 1: met: 200 OK",
        f"httsleep: GET {URL}: poll 1: waiting: {WHY}; next in 0 s",
        f"httsleep: GET {URL}: poll 3: met: 200 OK",
    ]


@pytest.mark.parametrize(
    ("answer", "options", "code", "text"),
    [
        (500, ["--alarm-status-code", "500"], 1, "met an alarm after 1 poll in "),
        (503, ["--max-retries", "1"], 124, "gave up after 1 poll in "),
        (
            RequestsConnectionError(),
            ["--fail-fast"],
            3,
            "failed in poll 1: ConnectionError",
        ),
    ],
    ids=["alarm", "limit", "failure"],
)
def test_the_first_failure_ends_all(three, ran, answer, options, code, text):
    """The message names its URL, and no body is written."""
    three([200], [answer], [200])
    ended, out, err = ran(*OTHERS, *options, "-q")
    assert (ended, out) == (code, "")
    assert err.startswith(f"httsleep: {text}")
    assert err.splitlines()[1] == f"  GET {OTHERS[0]}"


def test_the_end_for_machines(three, ran):
    """The object at the end names the URL that failed, and none after a success."""
    three([200], [503], [200])
    words = (*OTHERS, "--log-format", "json", "--interval", "0", "--max-retries")
    _, _, err = ran(*words, "2")
    end = json.loads(err.splitlines()[-1])
    assert (end["request"], end["exit_code"]) == (f"GET {OTHERS[0]}", 124)
    three([200], [200], [200])
    _, _, err = ran(*words, "5")
    *polls, end = map(json.loads, err.splitlines())
    assert (end["request"], end["exit_code"]) == (None, 0)
    requests = {each["request"] for each in polls}
    assert requests == {f"GET {url}" for url in (URL, *OTHERS)}


def test_a_program_is_run_after_all_are_met(three, ran, exec_raises):
    """No body is written, and the program is run once."""
    server = three([503, 200], [503, 503, 200], [200])
    with pytest.raises(exec_raises()) as caught:
        ran(*OTHERS, "--interval", "0", "--", "sh")
    assert caught.value.args == ("sh", ["sh"])
    assert len(server.calls) == 6


@pytest.mark.usefixtures("_handlers_as_they_were")
def test_a_signal_ends_all_waits(ran, monkeypatch):
    """The message has the URLs that have not met their condition yet."""

    class Queue(SimpleQueue):
        def get(self):
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("httsleep.command.waits.SimpleQueue", Queue)
    monkeypatch.setattr(HttSleeper, "run", lambda sleeper: sleeper.cancel.wait(10))
    code, out, err = ran(OTHERS[0])
    assert (code, out) == (143, "")
    assert err == (
        "httsleep: terminated while 2 of 2 URLs were waited for\n"
        f"  GET {URL}: in poll 1\n  GET {OTHERS[0]}: in poll 1\n"
    )


def test_bodies_that_cannot_be_written_have_the_exit_code_3(three, ran, monkeypatch):
    """No URL is to blame for a full disk."""
    three([200], [200], ["c"])

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("httsleep.command.main.open", full, raising=False)
    error = "httsleep: the body cannot be written: No space left on device\n"
    assert ran(*OTHERS, "-q") == (3, "", error)


def test_a_bug_in_one_of_several_has_the_exit_code_3(ran, raising):
    """The traceback is that of the wait."""
    raising(ZeroDivisionError("a bug"))
    code, _, err = ran(*OTHERS, "-q")
    assert code == 3
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.rstrip().endswith("ZeroDivisionError: a bug")


# ``python -m httsleep``


def test_the_package_can_be_run(answers, capfd, monkeypatch):
    """``python -m httsleep`` is the command, with the arguments of the process."""
    answers("done")
    monkeypatch.setattr(sys, "argv", ["anything", URL, "-q"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("httsleep", run_name="__main__")
    assert caught.value.code == 0
    assert capfd.readouterr() == ("done", "")


# A wait over several starts


@pytest.fixture
def state(tmp_path):
    """Return the path of a checkpoint file that is not there yet."""
    return tmp_path / "state.json"


def polls(path):
    """Return the number of polls in a checkpoint file."""
    return json.loads(path.read_text())["checkpoint"]["polls"]


def test_once_makes_one_poll(answers, ran, naps):
    """``--once`` makes one poll and ends, with 75 or the exit code of the wait."""
    server = answers(503, 200)
    line = f"httsleep: GET {URL}: poll 1: waiting: {WHY}; next in 250 ms\n"
    assert ran("--once") == (75, "", line)
    assert ran("--once", "-q") == (0, "", "")
    assert ran("--once", "-qq", "--alarm-status-code", "200") == (1, "", "")
    assert (len(server.calls), naps) == (3, [])


def test_once_and_a_file_make_a_wait(answers, ran, state, naps):
    """Starts with ``--once`` go on with the wait in the file, which goes with it."""
    server = answers(503, 503, (200, "OK"))
    words = ["--checkpoint", str(state), "--once", "--interval", "0", "-q"]
    for number in (1, 2):
        assert ran(*words) == (75, "", "")
        assert polls(state) == number
    assert ran(*words) == (0, "OK", "")
    assert not state.exists()
    assert (len(server.calls), naps) == (3, [])


def test_once_makes_no_poll_before_one_is_due(answers, ran, state):
    """A start that comes early sends nothing, and says when the next poll is due."""
    server = answers(503)
    words = ["--checkpoint", str(state), "--once", "--interval", "1h"]
    ran(*words)
    before = state.read_bytes()
    code, out, err = ran(*words)
    assert (code, out, len(server.calls)) == (75, "", 1)
    assert re.fullmatch(
        rf"httsleep: the next poll is due in (3600|3599[.\d]*) s\n  GET {URL}\n", err
    )
    assert state.read_bytes() == before


def test_the_end_of_a_wait_over_starts_is_that_of_one_wait(answers, ran, state):
    """The limits and the message count the polls of all starts."""
    answers(503)
    words = ["--checkpoint", str(state), "--interval", "0", "--max-retries", "3"]
    assert [ran(*words, "--once")[0] for _ in range(2)] == [75, 75]
    code, _, err = ran(*words)
    assert (code, state.exists()) == (124, False)
    assert "gave up after 3 polls in " in err
    assert "polls: 3 x 503 Service Unavailable" in err


def test_an_alarm_removes_the_file(answers, ran, state):
    """The file of a wait that an alarm has ended is gone."""
    answers(503, 500)
    words = ["--checkpoint", str(state), "--interval", "0"]
    assert ran(*words, "--alarm-status-code", "500")[0] == 1
    assert not state.exists()


def test_a_run_sleeps_until_its_next_poll_is_due(answers, ran, state, naps):
    """A start that goes on with a wait begins with the rest of the last sleep."""
    answers(503, 200)
    words = ["--checkpoint", str(state), "--interval", "1h", "-q"]
    ran(*words, "--once")
    assert ran(*words)[0] == 0
    (nap,) = naps
    assert 3500 < nap <= 3600


def test_the_file_stays_after_a_failed_request(answers, ran, state):
    """After exit code 3 the wait can go on."""
    answers(503, requests.exceptions.TooManyRedirects(), 503, 200)
    words = ["--checkpoint", str(state), "--interval", "0"]
    code, _, err = ran(*words)
    assert (code, polls(state)) == (3, 1)
    assert "failed in poll 2: TooManyRedirects" in err
    assert ran(*words, "--max-time", "1h")[0] == 0


def test_a_failed_poll_of_once_counts(answers, ran, state):
    """A failed request is a poll like any other, so ``--max-retries`` ends the wait."""
    answers(503, requests.exceptions.TooManyRedirects())
    words = ["--checkpoint", str(state), "--interval", "0", "--once"]
    assert ran(*words)[0] == 75
    for number in (2, 3):
        code, _, err = ran(*words)
        assert (code, polls(state)) == (3, number)
        assert f"failed in poll {number}: TooManyRedirects" in err
    assert ran("--once")[0] == 3


def test_a_file_in_use(answers, ran, state):
    """A second start sends nothing and ends with 75; ``-q`` holds for it as well."""
    server = answers(200)
    with CheckpointFile(str(state), "any"):
        said = f"httsleep: {str(state)!r} is in use by another httsleep\n"
        assert ran("--checkpoint", str(state)) == (75, "", said)
        assert ran("--checkpoint", str(state), "-q") == (75, "", "")
    assert not server.calls


def test_a_file_that_does_not_fit(answers, ran, state):
    """A file of another wait, or of anything else, is a usage error, and stays."""
    server = answers(503)
    ran("--checkpoint", str(state), "--once", "-q")
    content, sent = state.read_bytes(), len(server.calls)
    code, out, err = ran("--checkpoint", str(state), "--status-code", "200", "-q")
    assert (code, out) == (2, "")
    assert err == (
        f"httsleep: --checkpoint is {str(state)!r}: this file holds the checkpoint of "
        "another wait; give another one, or remove it\n"
    )
    assert (state.read_bytes(), len(server.calls)) == (content, sent)


def test_a_checkpoint_that_cannot_be_written_ends_the_command(
    answers, ran, state, monkeypatch
):
    """The exit code is then 3, because the limits would not hold any more."""
    server = answers(503)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    for words in ([], ["--once"]):
        code, _, err = ran("--checkpoint", str(state), *words)
        assert code == 3
        assert err.endswith(
            f"httsleep: {str(state)!r} cannot be written: No space left on device\n"
        )
    assert len(server.calls) == 2


def test_a_signal_in_the_first_sleep(answers, ran, state, monkeypatch):
    """A wait that is stopped before its first poll here says which one that is."""
    answers(503)
    words = ["--checkpoint", str(state), "--interval", "1h"]
    ran(*words, "--once")

    def stop(_):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("httsleep.main.sleep", stop)
    code, _, err = ran(*words)
    assert (code, polls(state)) == (143, 1)
    assert err == f"httsleep: terminated before the end of poll 2\n  GET {URL}\n"


def test_once_tells_machines_how_it_ended(answers, ran):
    """``--log-format json`` has the exit code 75 in its last object."""
    answers(503)
    _, _, err = ran("--once", "--log-format", "json")
    end = json.loads(err.splitlines()[-1])
    assert (end["event"], end["exit_code"], end["message"]) == ("end", 75, "")
    assert (end["polls"], end["limit"], end["reasons"]) == (1, None, [WHY])


# The log for machines


@pytest.fixture
def logged(ran):
    """Return the objects of the log of a command line."""

    def log(*words):
        _, _, err = ran("--log-format", "json", *words)
        return list(map(json.loads, err.splitlines()))

    return log


def test_the_log_has_how_the_wait_ended(answers, logged):
    """The last object has the limit, the polls, their time, and the last reasons."""
    answers(503)
    *polls, end = logged("--max-retries", "2")
    assert [poll["url"] for poll in polls] == [URL, URL]
    names = ("exit_code", "limit", "polls", "elapsed", "reasons", "url")
    assert [end[name] for name in names] == [124, "max_retries", 2, 0.25, [WHY], URL]
    assert end["message"].startswith("gave up after 2 polls in 250 ms: --max-retries 2")


def test_the_log_has_the_limit_that_ended_a_pause(server, logged, clock):
    """A limit that is reached between two polls has its time."""
    server.get(URL, status=503)
    *_, end = logged("--max-time", "3s", "--interval", "2s")
    assert (end["limit"], end["exit_code"]) == ("max_time", 124)
    assert end["polls"] == len(server.calls)
    assert end["elapsed"] == pytest.approx(clock.now - 1000)


def test_the_log_has_the_alarm_and_its_body(server, logged):
    """The body of an alarm or an error is in the log, without what was sent."""
    server.get(URL, status=503, body="no s3cret-token here")
    server.get(URL, status=200, body="RUNNING")
    server.get(URL, status=200, body="FAILED s3cret-token")
    words = ("-H", "X-Token: s3cret-token", "--text", "DONE", "--interval", "0")
    alarm = ("--alarm-text-matches", "^FAILED", "--alarm", '{"status_code": 404}')
    error, waiting, failed, end = logged(*words, *alarm)
    assert [error["body"], error["alarm"]] == ["no ... here", None]
    assert [waiting["body"], waiting["alarm"]] == [None, None]
    assert [failed["body"], failed["alarm"]] == ["FAILED ...", {"text": "^FAILED"}]
    assert (end["exit_code"], end["limit"], end["polls"]) == (1, None, 3)


def test_the_log_shows_no_body_if_none_is_wanted(answers, logged):
    """``--max-body-excerpt 0`` holds for the log, too."""
    answers((500, "secret"))
    poll, _ = logged("--max-body-excerpt", "0", "--max-retries", "1")
    assert poll["body"] is None


def test_the_log_has_no_body_without_an_answer(answers, logged):
    """A poll whose error is ignored has the URL that was polled, and no body."""
    answers(RequestsConnectionError(), 200)
    ignored, *_ = logged()
    assert (ignored["outcome"], ignored["url"], ignored["body"]) == (
        "ignored",
        URL,
        None,
    )


@pytest.mark.parametrize(
    ("steps", "polls"), [((RequestsConnectionError(),), 1), ((503, SSLError()), 2)]
)
def test_the_log_counts_a_poll_that_failed(answers, logged, steps, polls):
    """A request that fails is a poll as well."""
    answers(*steps)
    *_, end = logged("--fail-fast")
    assert (end["exit_code"], end["polls"], end["limit"]) == (3, polls, None)


def test_the_log_has_the_end_of_a_wait_that_was_interrupted(
    answers, interrupting, logged
):
    """A signal ends the wait after the polls that were made."""
    answers(503)
    interrupting(signal.SIGTERM)
    *_, end = logged()
    assert (end["exit_code"], end["polls"], end["elapsed"]) == (143, 1, 0.0)


def test_the_log_of_a_success_has_no_reasons(answers, logged):
    """A success has polls and time, and neither limit nor reasons."""
    answers(503, 200)
    *_, end = logged()
    assert (end["exit_code"], end["polls"], end["elapsed"]) == (0, 2, 0.25)
    assert (end["limit"], end["reasons"], end["message"]) == (None, [], "")


def test_the_log_counts_the_polls_of_all_urls(server, logged):
    """The end of several waits has all polls, and the time of the longest."""
    server.get(URL, status=200)
    server.get("http://other/", status=200)
    *_, end = logged("http://other/")
    assert (end["request"], end["url"], end["polls"]) == (None, None, 2)
    assert (end["exit_code"], end["elapsed"]) == (0, 0.0)


# --fail-with-body


@pytest.mark.parametrize("words", [(), ("--", "true")], ids=["", "with a command"])
def test_the_body_of_an_alarm_can_be_written(answers, ran, words):
    """With ``--fail-with-body`` it is on stdout; a command behind ``--`` is not run."""
    answers((500, b"\xffdisk full"))
    alarm = ("--alarm-status-code", "500")
    assert ran(*alarm)[:2] == (1, "")
    code, out, err = ran("--fail-with-body", *alarm, *words)
    assert (code, out) == (1, "\xffdisk full")
    assert err.startswith("httsleep: met an alarm after 1 poll in 0 s: --alarm-status")


def test_the_body_of_an_unexpected_answer_can_be_written(answers, ran):
    """An answer that is none of ``--pending`` is an alarm as well."""
    answers((404, "gone"))
    words = ("--fail-with-body", "--pending", '{"status_code": 503}')
    assert ran(*words)[:2] == (1, "gone")


def test_only_the_body_of_an_alarm_is_written(answers, ran):
    """A wait that gives up writes no body."""
    answers((503, "starting"))
    assert ran("--fail-with-body", "--max-retries", "1")[:2] == (124, "")


def test_the_body_of_an_alarm_of_several_urls_can_be_written(server, ran):
    """The body is that of the URL that met the alarm."""
    server.get(URL, status=500, body="disk full")
    server.get("http://other/", status=503)
    words = ("http://other/", "--fail-with-body", "--alarm-status-code", "500")
    assert ran(*words)[:2] == (1, "disk full")


def test_an_alarm_stays_one_if_its_body_cannot_be_written(answers, ran, monkeypatch):
    """The exit code is that of the alarm, and the message says both."""
    answers((500, "disk full"))

    def write(bodies):
        raise OSError("the body cannot be written: No space left on device")

    monkeypatch.setattr("httsleep.command.main._write", write)
    code, _, err = ran("--fail-with-body", "--alarm-status-code", "500")
    assert code == 1
    assert err.endswith("\n  the body cannot be written: No space left on device\n")
