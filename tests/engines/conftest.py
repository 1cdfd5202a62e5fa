"""A server of jobs, and real brokers, on free ports of 127.0.0.1.

Redis and RabbitMQ are Debian's. Each is started with its data in a directory of the
test, and is stopped with the test; none that runs already is touched.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "howto"
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class Handler(BaseHTTPRequestHandler):
    """Answers RUNNING, and from poll number ``polls`` of the query on ``last``."""

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        number = self.server.jobs.count(url.path, query)
        is_last = number >= int(query.get("polls", 10**9))
        document = {"status": query.get("last", "SUCCESS") if is_last else "RUNNING"}
        if is_last:
            document["result"] = {"rows": 42}
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class HTTPServer(ThreadingHTTPServer):
    request_queue_size = 1000
    daemon_threads = True

    def handle_error(self, *_):
        """Say nothing about clients that were killed."""


class Jobs:
    """A server of jobs, and how often each was polled.

    ``url(name, polls=4)`` is that of a job that is done at its fourth poll;
    ``last='FAILED'`` gives it another end. ``together=500`` holds the first poll of
    each job until there are so many.

    :ivar polls: how many requests came, by path.
    """

    def __init__(self):
        self.polls = Counter()
        self._waiting = threading.Condition()
        self._held = 0
        self.were_together = False
        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self._http.jobs = self
        self.root = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def url(self, name, **query):
        """Return the URL of a job."""
        words = "&".join(f"{key}={value}" for key, value in query.items())
        return f"{self.root}/{name}?{words}"

    def count(self, path, query):
        """Count a poll, hold it if the query says so, and return its number."""
        with self._waiting:
            self.polls[path] += 1
            number, together = self.polls[path], int(query.get("together", 0))
            if together and number == 1:
                self._held += 1
                if self._held == together:
                    self.were_together = True
                    self._waiting.notify_all()
                self._waiting.wait_for(lambda: self.were_together, 25)
                self._held -= 1
        return number

    def close(self):
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def jobs():
    """A server of jobs."""
    jobs = Jobs()
    yield jobs
    jobs.close()


def free_port():
    """Return a port that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_until(condition, seconds, what):
    """Wait for a condition; fail if it takes too long."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"after {seconds} s still not: {what}"
        time.sleep(0.05)


def accepts_connections(port):
    """Return whether somebody listens on the port."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def process(log, *command, **settings):
    """Run a command in a process group of its own, and end the group afterwards."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **settings,
        )
    try:
        yield started
    finally:
        end(started, signal.SIGTERM)


def end(started, first_signal):
    """End a process and its children, in 20 s at most."""
    if started.poll() is None:
        os.killpg(started.pid, first_signal)
        with suppress(subprocess.TimeoutExpired):
            started.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)  # whatever is left of the group
    started.wait(20)


def needed(command):
    """Return the path of a command; fail with what installs it."""
    path = shutil.which(command)
    if path is None:
        pytest.fail(f"there is no {command}: see CONTRIBUTING.rst", pytrace=False)
    return path


@pytest.fixture
def redis(tmp_path):
    """The URL of a Redis."""
    port, folder = free_port(), tmp_path / "redis"
    folder.mkdir()
    command = [needed("redis-server"), "--port", port, "--bind", "127.0.0.1"]
    command += ["--dir", folder, "--save", "", "--appendonly", "no"]
    with process(folder / "log", *command):
        wait_until(lambda: accepts_connections(port), 20, "Redis is up")
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def rabbitmq(tmp_path):
    """The URL of a RabbitMQ, with a port mapper of its own."""
    if not RABBITMQ.exists():
        pytest.fail(f"there is no {RABBITMQ}: see CONTRIBUTING.rst", pytrace=False)
    folder = tmp_path / "rabbitmq"
    folder.mkdir()
    port, mapper = free_port(), free_port()
    env = os.environ | {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "no-config"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "no-advanced-config"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "no-environment"),
    }
    log = folder / "output"
    mapper_command = [needed("epmd"), "-port", mapper, "-address", "127.0.0.1"]
    with process(log, *mapper_command, env=env), process(log, RABBITMQ, env=env):
        wait_until(lambda: "completed with" in log.read_text(), 60, "RabbitMQ is up")
        yield f"amqp://guest:guest@127.0.0.1:{port}//"


@pytest.fixture
def run_process():
    """The context manager that runs a command: see :func:`process`."""
    return process


@pytest.fixture
def kill():
    """A function that ends a process and its children with ``kill -9``."""
    return lambda started: end(started, signal.SIGKILL)


@pytest.fixture(name="wait_until")
def _wait_until():
    """The function that waits for a condition: see :func:`wait_until`."""
    return wait_until
