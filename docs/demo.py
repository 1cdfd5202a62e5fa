"""Poll a real endpoint on this machine and see what httsleep does.

    python docs/demo.py

Starts a small job server as a process of its own on a free port of 127.0.0.1, waits for
four jobs on it, and prints what a user sees of each: three times from Python, once from
the shell. Takes about ten seconds.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import traceback
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

# What the server answers to the polls of a job, in turn; the last one for good.
PAGE = (503, "text/html", "<html><title>Service Unavailable</title></html>")
JOBS = {
    "/jobs/1": [
        PAGE,
        (200, "application/json", '{"status": "RUNNING", "progress": 40}'),
        (200, "application/json", '{"status": "RUNNING", "progress": 80}'),
        (200, "application/json", '{"status": "SUCCESS", "rows": 1234}'),
    ],
    "/jobs/2": [
        (200, "application/json", '{"status": "RUNNING"}'),
        (200, "application/json", '{"status": "FAILED", "error": "disk full"}'),
    ],
    "/jobs/3": [(200, "application/json", '{"status": "QUEUED", "queue": 7}')],
    "/jobs/4": [
        PAGE,
        (200, "application/json", '{"status": "RUNNING", "progress": 20}'),
        (200, "application/json", '{"status": "RUNNING", "progress": 40}'),
        (200, "application/json", '{"status": "SUCCESS", "rows": 1234}\n'),
    ],
}


def serve(port: int) -> None:
    """Refuse connections for a second, then serve the jobs, for 30 seconds at most."""
    polls: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answers = JOBS[self.path]
            status, kind, body = answers[min(polls[self.path], len(answers) - 1)]
            polls[self.path] += 1
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    time.sleep(1)
    end = time.monotonic() + 30
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads, server.timeout = True, 0.5
        while time.monotonic() < end:
            server.handle_request()


SCENES = {
    "A job that succeeds, on a server that is still starting": """
resp = httsleep('http://127.0.0.1:{port}/jobs/1',
                until={{'status_code': 200,
                       'jsonpath': {{'$.status': 'SUCCESS'}}}},
                ignore_exceptions=[ConnectionError],
                polling_interval=0.4, max_time=10, on_poll=print)
""",
    "A job that fails: an alarm ends the wait": """
resp = httsleep('http://127.0.0.1:{port}/jobs/2',
                jsonpath={{'$.status': 'SUCCESS'}},
                alarms={{'jsonpath': {{'$.status': 'FAILED'}}}},
                polling_interval=0.4, max_time=10, on_poll=print)
""",
    "A job that never ends: httsleep gives up, and says why": """
resp = httsleep('http://127.0.0.1:{port}/jobs/3',
                jsonpath={{'$.status': 'SUCCESS'}},
                polling_interval=0.4, max_time=1.5, on_poll=print)
""",
}

COMMAND = (
    "httsleep 127.0.0.1:{port}/jobs/4 --jsonpath '$.status=SUCCESS' "
    "--interval 1s --max-time 10s"
)
INSTALL = (
    "sh .ci/venv && .venv/bin/pip install '.[cli]' && .venv/bin/python docs/demo.py"
)

ON_TERMINAL = sys.stdout.isatty()
HAS_COLORS = ON_TERMINAL and not os.environ.get("NO_COLOR")
BOLD, DIM, RED, GREEN, YELLOW = 1, 2, 31, 32, 33
OUTCOMES = {"met": GREEN, "alarm": RED, "waiting": YELLOW, "ignored": DIM}


def paint(text: str, color: int) -> str:
    """Return the text in a color, if the terminal has colors."""
    return f"\x1b[{color}m{text}\x1b[0m" if HAS_COLORS else text


def title(text: str) -> None:
    """Print the title of a scene."""
    print("\n" + paint(f"=== {text} ===", BOLD) + "\n", flush=True)


def show(port: int) -> None:
    """Run each scene with the library, and print the call and what came of it."""
    import httsleep

    def show_poll(attempt: httsleep.Attempt) -> None:
        print(paint(str(attempt), OUTCOMES[attempt.outcome]))

    for name, source in SCENES.items():
        title(name)
        call = source.format(port=port).strip()
        print(call + "\n")
        names = {"httsleep": httsleep.httsleep, "print": show_poll}
        try:
            exec(call, names)
        except httsleep.HttSleepError as error:
            text = "".join(traceback.format_exception_only(error))
            first, *others = text.splitlines()
            print("\n" + paint(first, RED), *others, sep="\n")
        else:
            print("\n" + json.dumps(names["resp"].json()))


def show_command(port: int) -> None:
    """Run the command in a shell, and print what was typed and what came of it."""
    title("The same from the shell")
    typed = COMMAND.format(port=port)
    print(paint(f"$ {typed}", BOLD) + "\n", flush=True)
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = os.environ | {"PATH": path}
    if ON_TERMINAL and os.name == "posix":
        if line := run_on_terminal(typed, environment):
            print("\nWhile it waited, it showed and erased this line:\n\n" + line)
    else:
        subprocess.run(typed, shell=True, check=True, env=environment)


def run_on_terminal(typed: str, environment: dict[str, str]) -> str:
    """Run a command in a shell, and return the last status line that it erased.

    A terminal of a few columns has none. What the command writes goes through a
    terminal of its own, and is copied.
    """
    import pty
    import termios

    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, termios.tcgetwinsize(sys.stdout))
    output = {"stdout": slave, "stderr": slave}
    process = subprocess.Popen(typed, shell=True, env=environment, **output)
    os.close(slave)
    written = b""
    try:
        while part := os.read(master, 4096):
            written += part
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
    except OSError:  # how Linux says that the command has closed its end
        pass
    os.close(master)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, typed)
    lines = re.split(r"[\r\n]+|\x1b\[\d?[A-KJ]", written.decode())
    return next((line for line in reversed(lines) if "next in" in line), "")


def main() -> None:
    """Start the server as a process of its own, show, and end it."""
    if not (find_spec("httsleep") and find_spec("rich")):
        sys.exit(
            f"httsleep[cli] is not installed for {sys.executable}.\n"
            f"Run this in the checkout:\n\n    {INSTALL}"
        )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, __file__, "serve", str(port)])
    try:
        show(port)
        show_command(port)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    else:
        main()
