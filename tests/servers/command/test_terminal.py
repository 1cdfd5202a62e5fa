"""The command on a terminal: the screen during the wait and after it."""

import re
import signal
import threading
from time import sleep

import pytest

BUSY = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
WHY = "status_code is 503, not 2xx"
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ESCAPE = b"\x1b"


@pytest.fixture
def held():
    """Return a function that delays its answer until ``held.go`` is set."""

    class Held:
        def __init__(self):
            self.asked, self.go = threading.Event(), threading.Event()

        def __call__(self, answer):
            def wait(handler):
                self.asked.set()
                assert self.go.wait(20)  # seconds
                return answer

            return wait

    held = Held()
    yield held
    held.go.set()


def colours(raw):
    """Return the numbers of the colours that were set."""
    codes = re.findall(rb"\x1b\[([\d;]*)m", raw)
    numbers = {int(each or 0) for code in codes for each in code.split(b";")}
    return {number for number in numbers if 30 <= number <= 49 or number >= 90}


def test_a_wait(serve, terminal, held):
    """The line shows progress, status, reason and next poll.

    It is one line, narrower than the screen. The cursor is visible, for Ctrl-Z. At the
    end a dim line and the body remain.
    """
    server = serve(BUSY, held((200, b"the body")))
    shown = terminal(server.url, "--max-retries", "3", "--interval", "1600ms")
    line = shown.until("next in 2 s")
    assert line[0] in SPINNER
    looks = ". poll 1 of 3 [━╺╸]{10} 503 Busy: status_code.* next in 2 s"
    assert re.fullmatch(looks, line)
    assert len(line) < 79
    assert not shown.screen.cursor.hidden
    shown.until("next in 1 s")
    spinner = shown.until("poll 2 of 3", "polling")[0]
    while shown.until("polling")[0] == spinner:
        shown.read()
    assert shown.lowest == 0
    assert colours(shown.raw)
    held.go.set()
    assert shown.end() == 0
    met, *body = shown.lines
    assert re.fullmatch(r"met after 2 polls in [\d.]+ s: 200 OK", met)
    assert b"\x1b[2mmet after" in shown.raw
    assert body == ["the body"]
    assert shown.screen.cursor.x == 0  # of the prompt
    assert not shown.screen.cursor.hidden


PHRASE = b"HTTP/1.1 503 [red]\x1b]0;owned\x07\x1b[2J\x9b2J\r\nContent-Length: 0\r\n\r\n"
VALUE = {"status": "[bold]\x1b]0;owned\x07\r\n\x1b[2J\u202e" + 20 * "漢字"}


@pytest.mark.parametrize(
    ("answer", "columns", "part"),
    [
        (PHRASE, 80, r"503 [red]\x1b]0;owned"),
        ((200, VALUE), 80, "200 OK: "),
        ((200, VALUE), 40, "poll 1 of 2 200 OK"),
    ],
    ids=["status line", "JSON", "a narrow screen"],
)
def test_a_hostile_answer(serve, terminal, answer, columns, part):
    """Control characters of an answer are escaped, on one line and in the message."""
    server = serve(answer)
    limits = ("--max-retries", "2", "--interval", "500ms", "--max-time", "60")
    success = ("--until-json", '{"status": 1}')
    shown = terminal(server.url, *limits, *success, columns=columns)
    shown.until(part)
    assert columns < 80 or re.match(". poll 1 of 2, . of 60 s ", shown.lines[0])
    while not shown.lines or not shown.lines[0].startswith("httsleep"):
        assert len(shown.lines) < 2
        assert shown.read()
    assert shown.end() == 124
    text = "".join(shown.screen.display)
    assert "httsleep: gave up after 2 polls" in text
    assert f"  GET {server.url}" in text
    assert not set(SPINNER) & set(text)
    assert shown.screen.title == ""
    assert b"\x1b[2J" not in shown.raw
    assert not shown.screen.cursor.hidden


@pytest.mark.parametrize(
    ("stop", "code", "word"),
    [
        (lambda shown: shown.type(b"\x03"), 130, "interrupted"),
        (lambda shown: shown.process.send_signal(signal.SIGTERM), 143, "terminated"),
    ],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_stopped(serve, terminal, asleep, stop, code, word):
    """A wait that is stopped leaves one line that says so, and a visible cursor."""
    server = serve(BUSY)
    shown = terminal(server.url)
    shown.until("503 Busy", "next in")
    asleep(shown.process)
    stop(shown)
    assert shown.end() == code
    why = f"{word} after poll 1: waiting: status_code is 503, not 2xx"
    first, *rest = shown.lines
    assert first.removeprefix("^C") == f"httsleep: {why}"
    assert rest == [f"  GET {server.url}"]
    assert not shown.screen.cursor.hidden


def test_a_script_of_bash(serve, terminal, asleep):
    """Ctrl-C ends the script, which an exit code of 130 alone would not do in bash."""
    tty = '<"$TTY" >"$TTY" 2>"$TTY"'
    script = f"""exec bash -c '"$@"; echo it goes on' bash "$@" {tty};"""
    shown = terminal(serve(BUSY).url, before=script)
    shown.until("503 Busy", "next in")
    shown.type(b"\x03")
    assert shown.end() == 130
    text = "".join(shown.screen.display)
    assert "interrupted after poll 1" in text
    assert "it goes on" not in text


def test_signals_in_a_row(serve, terminal):
    """Signals that follow the first one before the end of the process are ignored."""
    shown = terminal(serve(BUSY).url)
    shown.until("503 Busy", "next in")
    for number in (signal.SIGINT, *[signal.SIGTERM, signal.SIGINT] * 5):
        sleep(0.002)
        shown.process.send_signal(number)
    assert shown.end() in (130, 143)
    assert not shown.screen.cursor.hidden
    assert not any("503 Busy" in line for line in shown.lines)
    assert b"Traceback" not in shown.raw


def test_no_color(serve, terminal):
    """With NO_COLOR the line has no colours."""
    shown = terminal(serve(BUSY).url, env={"NO_COLOR": "1"})
    shown.until("503 Busy", "next in")
    assert not colours(shown.raw)


def test_columns_of_the_environment(serve, terminal):
    """The line is not wider than the terminal, even if COLUMNS says more."""
    shown = terminal(serve(BUSY).url, env={"COLUMNS": "200"})
    shown.until("503 Busy")
    shown.read()
    assert shown.lowest == 0


PLAIN = {
    "TERM=dumb": {"env": {"TERM": "dumb"}},
    "latin-1": {"env": {"PYTHONIOENCODING": "latin-1"}},
    "no rich": {
        "before": 'mkdir broken; echo >broken/sitecustomize.py "'
        "import sys; sys.modules['rich'] = None\"; "
        'export PYTHONPATH="$PWD/broken:$PYTHONPATH";'
    },
}


@pytest.mark.parametrize("how", PLAIN)
def test_plain_lines(serve, terminal, how):
    """A terminal that cannot draw, or a missing rich, means plain lines."""
    server = serve(BUSY, BUSY, (200, b"the body"))
    shown = terminal(server.url, "--interval", "10ms", columns=120, **PLAIN[how])
    assert shown.end() == 0
    assert shown.lines == [
        f"httsleep: GET {server.url}: poll 1: waiting: {WHY}; next in 10 ms",
        "httsleep: poll 3: met: 200 OK",
        "the body",
    ]
    assert ESCAPE not in shown.raw


def test_quiet_and_verbose(serve, terminal):
    """With ``-q`` there is only the body; with ``-v`` a line for each poll.

    On a terminal, the body ends its line.
    """
    servers = [serve(BUSY, (200, b"the body")) for _ in range(2)]
    quiet, verbose = (
        terminal(server.url, "--interval", "10ms", how)
        for server, how in zip(servers, ("-q", "-v"), strict=True)
    )
    assert quiet.end() == verbose.end() == 0
    assert quiet.raw == b"the body\r\n"
    assert verbose.raw.decode().split("\r\n") == [
        f"httsleep: GET {servers[1].url}: poll 1: waiting: {WHY}; next in 10 ms",
        "httsleep: poll 2: met: 200 OK",
        "the body",
        "",
    ]


def test_a_failure(serve, terminal):
    """The first words of a failure are red, but not with NO_COLOR."""
    limits = ("--max-retries", "2", "--interval", "10ms")
    for env, start in (({}, "\x1b[31mgave up"), ({"NO_COLOR": "1"}, "gave up")):
        shown = terminal(serve(BUSY).url, *limits, env=env)
        assert shown.end() == 124
        assert f"httsleep: {start} after 2 polls in ".encode() in shown.raw


def test_a_command(serve, terminal):
    """The line is erased, and the cursor visible, before COMMAND writes anything."""
    command = ("--", "sh", "-c", "echo it runs; exit 5")
    shown = terminal(serve(BUSY, 200).url, "--interval", "500ms", *command)
    shown.until("503 Busy")
    assert shown.end() == 5
    met, *rest = shown.lines
    assert met.startswith("met after 2 polls in ")
    assert rest == ["it runs"]
    assert b"\x1b[?25h" in shown.raw.partition(b"it runs")[0]


def test_a_terminal_that_goes_away(serve, terminal, held):
    """A terminal that is closed during the wait does not change its end."""
    server = serve(BUSY, held((200, b"the body")))
    options = {"out": "", "before": "trap '' HUP;"}
    shown = terminal(server.url, "--interval", "10ms", **options)
    assert held.asked.wait(10)
    shown.until("polling")
    shown.close()
    sleep(0.3)  # until the line is redrawn
    held.go.set()
    assert shown.process.communicate(timeout=10)[0] == b"the body"
    assert shown.process.returncode == 0
