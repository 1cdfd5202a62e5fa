"""The command as a process: on pipes, in a shell script, on a terminal.

``start(...)`` and ``run(...)`` are ``python -m httsleep``; what ``sh`` runs finds the
script ``httsleep`` that pip has installed. In a checkout that is not installed there
is none, and one that does the same takes its place.
"""

import fcntl
import os
import shlex
import struct
import subprocess
import sys
import sysconfig
import termios
import threading
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from select import select
from time import monotonic, sleep

import pyte
import pytest

import httsleep

LONGEST = 15  # seconds that a process may take for anything
ROWS = 60
#: What could change how the command reads and writes.
OTHER_VARIABLES = (
    *("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"),
    *("COLUMNS", "LINES", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONWARNINGS"),
)


@dataclass(frozen=True)
class Ended:
    """The end of a process; ``code`` is the exit code that a shell would see."""

    code: int
    out: bytes
    err: str


def finished(process, given=None):
    """Wait for the end of the process; ``given`` is its input."""
    out, err = process.communicate(given, timeout=LONGEST)
    code = process.returncode
    return Ended(code if code >= 0 else 128 - code, out, (err or b"").decode())


@pytest.fixture
def finish():
    """Wait for the end of a process: ``finish(process)``."""
    return finished


@pytest.fixture
def until():
    """Wait until ``happens()`` is true: ``until(happens)``."""

    def until(happens):
        ends = monotonic() + LONGEST
        while not happens():
            assert monotonic() < ends, "it does not happen"
            sleep(0.005)

    return until


@pytest.fixture
def asleep(until):
    """Wait until the process waits for something: ``asleep(process)``.

    A signal that comes just before it begins to wait would be seen by it only later.
    """

    def asleep(process):
        stat = Path(f"/proc/{process.pid}/stat")
        until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "S")

    return asleep


@pytest.fixture(scope="session")
def installed():
    """Return whether pip has installed httsleep."""
    try:
        metadata.distribution("httsleep")
    except metadata.PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="session")
def scripts(installed, tmp_path_factory):
    """Return the directory that holds the script ``httsleep``."""
    if installed:
        return sysconfig.get_path("scripts")
    script = tmp_path_factory.mktemp("scripts") / "httsleep"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m httsleep "$@"')
    script.chmod(0o755)
    return str(script.parent)


@pytest.fixture
def environment(scripts, plain_environment):
    """Return the environment of a process that finds httsleep, without settings."""
    kept = {n: each for n, each in os.environ.items() if n not in OTHER_VARIABLES}
    return kept | {
        "PATH": scripts + os.pathsep + os.environ["PATH"],
        "PYTHONPATH": str(Path(httsleep.__file__).parent.parent),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "error",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
    }


@pytest.fixture
def processes():
    """Collect the processes that a test starts, and end them with it."""
    processes = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait(LONGEST)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def spawn(environment, processes, tmp_path):
    """Start any process, its input closed and its output in pipes."""

    def spawn(*words, env=(), **options):
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": tmp_path,
        } | options
        words = list(map(str, words))
        process = subprocess.Popen(words, env=environment | dict(env), **options)
        processes.append(process)
        return process

    return spawn


@pytest.fixture
def start(spawn):
    """Start ``python -m httsleep`` with these arguments."""

    def start(*arguments, **options):
        return spawn(sys.executable, "-m", "httsleep", *arguments, **options)

    return start


@pytest.fixture
def run(start):
    """Run ``python -m httsleep`` to its end; ``given`` is its input."""

    def run(*arguments, given=None, **options):
        if given is not None:
            options["stdin"] = subprocess.PIPE
        return finished(start(*arguments, **options), given)

    return run


@pytest.fixture
def sh(spawn):
    """Run a script with ``sh -eu``; the keywords are its variables."""

    def sh(script, **variables):
        return finished(spawn("sh", "-euc", script, env=variables))

    return sh


class Terminal:
    """A terminal with a process on it, and what its screen shows."""

    def __init__(self, master, columns):
        self.master = master
        self.raw = b""
        self.screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self.lowest = 0  # the row that the cursor has got to
        self.process = None

    @property
    def lines(self):
        """The rows of the screen that are not empty."""
        rows = (row.rstrip() for row in self.screen.display)
        return [row for row in rows if row]

    def until(self, *texts):
        """Read until all of these texts are on one line, and return it."""
        ends = monotonic() + LONGEST
        while True:
            for line in self.lines:
                if all(text in line for text in texts):
                    return line
            more = self.read(ends - monotonic())
            assert more, f"no {texts} on the screen: {self.lines}"

    def end(self):
        """Read to the end, and return the exit code as a shell would see it."""
        ends = monotonic() + LONGEST
        while self.read(ends - monotonic()):
            pass
        code = self.process.wait(LONGEST)
        return code if code >= 0 else 128 - code

    def type(self, keys):
        os.write(self.master, keys)

    def close(self):
        """Close the terminal, as when its window is closed."""
        if self.master is not None:
            os.close(self.master)
        self.master = None

    def read(self, left=LONGEST):
        """Show the next output; return false if there is none."""
        if left <= 0 or not select([self.master], [], [], left)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # nobody else has it open
            return False
        self.raw += data
        self._stream.feed(data)
        self.lowest = max(self.lowest, self.screen.cursor.y)
        return bool(data)


@pytest.fixture
def bad(serve):
    """Return a URL that answers 503."""
    return serve(503).url


@pytest.fixture
def hang(serve):
    """Return a server that never answers; ``asked`` is set at its first request."""
    asked = threading.Event()

    def answer(handler):
        asked.set()
        handler.hang()

    server = serve(answer)
    server.asked = asked
    return server


@pytest.fixture
def terminal(spawn):
    """Run the command on a terminal; with ``out=""`` its output goes into a pipe."""
    terminals = []

    def terminal(*arguments, columns=80, env=(), out='>"$TTY"', before=""):
        master, slave = os.openpty()
        size = struct.pack("HHHH", ROWS, columns, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        made = Terminal(master, columns)
        terminals.append(made)
        # The first terminal that the leader of a session opens becomes its own.
        script = f'{before} exec "$@" <"$TTY" {out} 2>"$TTY"'
        made.process = spawn(
            *("sh", "-c", script, "sh", sys.executable, "-m", "httsleep", *arguments),
            env={"TTY": os.ttyname(slave)} | dict(env),
            stdin=slave,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(slave)
        return made

    yield terminal
    for each in terminals:
        each.close()
