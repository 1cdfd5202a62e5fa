"""Every example in README.rst and docs/ runs.

One test for each page. Its examples share a namespace and run in order:

``.. code-block:: python``
    is executed.
``.. code-block:: pycon``
    is executed, and what follows each ``>>>`` is compared, ``...`` standing for
    anything.
``.. code-block:: sh``
    is executed by ``sh -eu``, in the directory of the page, and must end with 0.
``.. code-block:: output``
    is compared with what the page has printed since the last such block, to stdout and
    stderr; ``...`` stands for anything, and the last line needs no end.
``.. invisible-code-block: python``
    is executed and not shown: set-up, and assertions that no reader needs.
``.. skip: next "why"``
    leaves out the next block; the reason must be given.

No nap is taken, but each counts: the clock of the thread that naps moves on as if it
had been, and nothing else moves it. So ``elapsed``, ``max_time`` and the texts of
exceptions are as they would be, the same each time, and a page is done in milliseconds.
In a script, ``httsleep`` is the real command in a process of its own, about 0.3 s each,
whose clock starts at 0 and goes the same way.

For invisible blocks there are some names: ``server`` (see :class:`Server`);
``run_tests()``, which runs pytest on the tests and fixtures that the page has defined
so far; ``install(name, module)``, which makes a module importable while the page lasts.
The examples themselves are executed in a module ``page``. The files that a page
includes are run by ``tests/engines``.

The server
----------

``http://server`` is a real HTTP server on 127.0.0.1; only the look-up of its name is
patched. On every port but 80 its connections are refused, and any other name is
unknown. So it is for the ``httsleep`` of a script, too, but for ``server.refuse()``.

It follows a script: a path has a list of answers, given one after the other, the last
one for ever. The scripts start anew with each page, and with
``server.restart()`` in an invisible block. Bodies are JSON if not said otherwise, and
"HTML" is an error page of 47 bytes.

``/endpoint``
    503 HTML, ``{"status": "RUNNING"}``, ``{"status": "SUCCESS"}``.
``/jobs/1``
    503 HTML, then ``{"id": 1, "status": "RUNNING", "progress": 20}``, the same with 80,
    then ``{"id": 1, "status": "SUCCESS", "progress": 100, "result": {"rows": 42}}``.
``/jobs/2``, ``/jobs/3``, ``/jobs/4``
    RUNNING (n - 1 times), SUCCESS; documents as above, and ``rows`` is 10 * n.
``/jobs/failing``
    RUNNING, ``{"id": "failing", "status": "FAILED", "error": "disk full"}``.
``/jobs/endless``
    ``{"id": "endless", "status": "RUNNING", "progress": 10}`` for ever.
``/jobs/paused``
    RUNNING, ``{"id": "paused", "status": "PAUSED"}`` for ever.
``POST /jobs``
    wants a JSON body (else 400); 202, ``Location: http://server/jobs/1`` and
    ``{"id": 1, "status": "QUEUED"}``. ``/jobs/1`` starts anew.
``POST /search``
    wants a JSON object with "query" (else 400); 202 ``{"done": false}`` twice, then 200
    ``{"done": true, "hits": ["a", "b"]}``.
``/health``
    503, 503, 200; text/plain: ``starting``, ``starting``, ``OK``.
``/state``
    200 each time; text/plain: ``starting``, ``starting``, ``started``.
``/status.xml``
    ``<status>starting</status>``, ``<status>ready</status>``.
``/deployments/7``
    three documents like ``{"name": "web", "phase": "Progressing", "error": null,
    "replicas": [{"state": "up"}, {"state": "starting"}, {"state": "starting"}],
    "conditions": [{"type": "Available", "status": false}, {"type": "Progressing",
    "status": true}]}``: 1, 2, 3 replicas are up; with 3 the phase is "Complete",
    Available true and Progressing false.
``/flaky``
    the connection is dropped without an answer, twice; 502 HTML; dropped in the middle
    of the body; ``{"status": "SUCCESS"}``.
``/busy``
    429 with ``Retry-After: 30``, 503 with ``Retry-After: 10``, then
    ``{"status": "SUCCESS"}``.
``/maintenance``
    503 HTML with ``Retry-After: 3600`` for ever.
``/down``
    503 HTML for ever.
``/private``
    needs Basic auth ``user``, ``password`` (else 401); RUNNING, SUCCESS.
``/token``
    needs ``Authorization: Bearer TOKEN`` (else 401); RUNNING, SUCCESS.
``POST /login``, ``/report``
    /login: 204, sets the cookie ``session``. /report needs it (else 401); 202
    ``{"ready": false}``, 200 ``{"ready": true}``.
anything else
    404 ``{"error": "not found"}``.
"""

import asyncio
import base64
import doctest
import inspect
import io
import json
import logging
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from unittest import SkipTest

import pytest
from sybil import Sybil
from sybil.parsers.rest import (
    CodeBlockParser,
    DocTestParser,
    PythonCodeBlockParser,
    SkipParser,
)

ROOT = Path(__file__).parent.parent
#: What a code block can be in: what is run, and what is not.
LANGUAGES = {
    *("python", "pycon", "sh", "output"),
    *("console", "ini", "json", "text", "toml"),
}


# The server.


@dataclass(frozen=True)
class Step:
    """One answer of a script: a ``str`` body is sent as it is, all else as JSON."""

    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    sent: float = 1.0  # the share of the body that is sent before the connection drops


_HTML = "<html><title>Service Unavailable</title></html>"
DROP = Step(0)


def html(status, **headers):
    """An error page; in names of headers ``_`` stands for ``-``."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Step(status, _HTML, {"Content-Type": "text/html", **headers})


def plain(status, body):
    return Step(status, body, {"Content-Type": "text/plain; charset=utf-8"})


def xml(body):
    return Step(200, body, {"Content-Type": "application/xml"})


def job(id_, status, **more):
    return Step(200, {"id": id_, "status": status, **more})


def jobs():
    scripts = {
        "/jobs/1": [
            html(503),
            job(1, "RUNNING", progress=20),
            job(1, "RUNNING", progress=80),
            job(1, "SUCCESS", progress=100, result={"rows": 42}),
        ],
        "/jobs/failing": [
            job("failing", "RUNNING", progress=10),
            job("failing", "FAILED", error="disk full"),
        ],
        "/jobs/endless": [job("endless", "RUNNING", progress=10)],
        "/jobs/paused": [
            job("paused", "RUNNING", progress=10),
            job("paused", "PAUSED", progress=10),
        ],
    }
    for n in 2, 3, 4:
        running = [job(n, "RUNNING", progress=10 * i) for i in range(1, n)]
        done = job(n, "SUCCESS", progress=100, result={"rows": 10 * n})
        scripts[f"/jobs/{n}"] = [*running, done]
    return scripts


def deployment(up):
    complete = up == 3
    document = {
        "name": "web",
        "phase": "Complete" if complete else "Progressing",
        "error": None,
        "replicas": [{"state": "up" if i < up else "starting"} for i in range(3)],
        "conditions": [
            {"type": "Available", "status": complete},
            {"type": "Progressing", "status": not complete},
        ],
    }
    return Step(200, document)


RUNNING, SUCCESS = Step(200, {"status": "RUNNING"}), Step(200, {"status": "SUCCESS"})
SCRIPTS = {
    **jobs(),
    "/endpoint": [html(503), RUNNING, SUCCESS],
    "/search": [
        Step(202, {"done": False}),
        Step(202, {"done": False}),
        Step(200, {"done": True, "hits": ["a", "b"]}),
    ],
    "/health": [plain(503, "starting"), plain(503, "starting"), plain(200, "OK")],
    "/state": [plain(200, "starting"), plain(200, "starting"), plain(200, "started")],
    "/status.xml": [xml("<status>starting</status>"), xml("<status>ready</status>")],
    "/deployments/7": [deployment(1), deployment(2), deployment(3)],
    "/flaky": [DROP, DROP, html(502), Step(200, SUCCESS.body, sent=0.5), SUCCESS],
    "/busy": [html(429, Retry_After="30"), html(503, Retry_After="10"), SUCCESS],
    "/maintenance": [html(503, Retry_After="3600")],
    "/down": [html(503)],
    "/private": [RUNNING, SUCCESS],
    "/token": [RUNNING, SUCCESS],
    "/login": [Step(204, "", {"Set-Cookie": "session=1; Path=/"})],
    "/report": [Step(202, {"ready": False}), Step(200, {"ready": True})],
}
NOT_FOUND = Step(404, {"error": "not found"})
BAD_REQUEST = Step(400, {"error": "the body is not the JSON that was expected"})
UNAUTHORIZED = Step(401, {"error": "unauthorized"}, {"WWW-Authenticate": "Basic"})
BASIC = "Basic " + base64.b64encode(b"user:password").decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet: else each answer takes 40 ms

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except ConnectionError:  # the client did not want to know any more
            self.close_connection = True

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        step = self.server.owner.step(self.command, path, self.headers, body)
        if step is DROP:
            self.close_connection = True
            return
        text = step.body if isinstance(step.body, str) else json.dumps(step.body)
        content = text.encode()
        self.send_response(step.status)
        for name, value in {"Content-Type": "application/json", **step.headers}.items():
            self.send_header(name, value)
        if step.status != 204:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: int(len(content) * step.sent)])
        self.wfile.flush()
        self.close_connection = self.close_connection or step.sent < 1

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class Server:
    """``http://server``; a context manager.

    :ivar requests: what was asked so far: a list of ``(method, path, headers, body)``.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.owner = self
        self._http.daemon_threads = True
        # A port that nobody listens on, and that nobody else can get.
        self._closed = socket.socket()
        self._closed.bind(("127.0.0.1", 0))
        self.there, self.closed = self._http.server_address, self._closed.getsockname()
        self._getaddrinfo = socket.getaddrinfo
        self.restart()

    def restart(self):
        """Start all scripts anew and forget the requests."""
        self.requests = []
        self._scripts = {path: list(steps) for path, steps in SCRIPTS.items()}
        self._refusals = 0

    def script(self, path, *steps):
        """Have ``path`` give these answers.

        A step is a status (with an HTML page if it is 400 or more, else ``{}``), a pair
        of status and body, or these and headers; a ``str`` is sent as HTML, all else as
        JSON.
        """
        self._scripts[path] = []
        for step in steps:
            several = isinstance(step, tuple)
            status, body, *more = (
                step if several else (step, _HTML if step >= 400 else {})
            )
            page = {"Content-Type": "text/html"} if isinstance(body, str) else {}
            headers = {**page, **(more[0] if more else {})}
            self._scripts[path].append(Step(status, body, headers))

    def refuse(self, connections):
        """Refuse the next connections, as many as are given."""
        self._refusals = connections

    def step(self, method, path, headers, body):
        """The answer to a request."""
        with self._lock:
            self.requests.append((method, path, headers, body))
            authorization = headers.get("Authorization", "")
            if path in ("/jobs", "/search") and method == "POST":
                try:
                    document = json.loads(body)
                except ValueError:
                    return BAD_REQUEST
                if path == "/jobs":
                    self._scripts["/jobs/1"] = list(SCRIPTS["/jobs/1"])
                    location = {"Location": "http://server/jobs/1"}
                    return Step(202, {"id": 1, "status": "QUEUED"}, location)
                if not (isinstance(document, dict) and "query" in document):
                    return BAD_REQUEST
            if (
                (path == "/private" and authorization != BASIC)
                or (path == "/token" and authorization != "Bearer TOKEN")
                or (path == "/report" and "session=1" not in headers.get("Cookie", ""))
            ):
                return UNAUTHORIZED
            script = self._scripts.get(path, [NOT_FOUND])
            return script.pop(0) if len(script) > 1 else script[0]

    def look_up(self, host, port, *args, **kwargs):
        """In place of ``socket.getaddrinfo``."""
        if host == "server":
            there = port in (80, "80", "http") and not self._refusals
            self._refusals = max(self._refusals - 1, 0)
            address = self.there if there else self.closed
            return self._getaddrinfo(*address, *args, **kwargs)
        if host in ("127.0.0.1", "localhost"):
            return self._getaddrinfo(host, port, *args, **kwargs)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def __enter__(self):
        serve = {"poll_interval": 0.01}
        threading.Thread(target=self._http.serve_forever, kwargs=serve).start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()
        self._closed.close()


# The clock, and what else a page finds around it.


class Clock(threading.local):
    """The clock of a thread, which only naps move on."""

    now = 0.0

    def sleep(self, seconds):
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.now += seconds

    def monotonic(self):
        return self.now


@pytest.fixture
def server(monkeypatch):
    """The server, where the name ``server`` leads to it."""
    with Server() as server:
        monkeypatch.setattr("socket.getaddrinfo", server.look_up)
        yield server


@pytest.fixture
def _clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("httsleep.main.sleep", clock.sleep)
    monkeypatch.setattr("httsleep.history.monotonic", clock.monotonic)
    monkeypatch.setattr("time.sleep", clock.sleep)
    no_nap = asyncio.sleep

    async def sleep(seconds):
        clock.sleep(seconds)
        await no_nap(0)

    monkeypatch.setattr("asyncio.sleep", sleep)


#: The command ``httsleep``, where the name ``server`` leads to the server and only naps
#: move the clock on.
COMMAND = """
import socket, sys, threading

sys.path[:] = {path}

import httsleep.main
from httsleep.command.main import main

look_up = socket.getaddrinfo

def getaddrinfo(host, port, *args, **kwargs):
    if host != "server":
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return look_up(*({there} if port == 80 else {closed}), *args, **kwargs)

{clock}

clock = Clock()
httsleep.main.sleep, httsleep.history.monotonic = clock.sleep, clock.monotonic
socket.getaddrinfo = getaddrinfo
sys.exit(main())
"""


@pytest.fixture
def _shell(server, monkeypatch, tmp_path, tmp_path_factory):
    """What a script finds around it: the command, and no settings of anybody."""
    code = COMMAND.format(
        path=sys.path,
        there=server.there,
        closed=server.closed,
        clock=inspect.getsource(Clock),
    )
    command = tmp_path_factory.mktemp("bin") / "httsleep"
    run = shlex.join([sys.executable, "-P", "-c", code])
    command.write_text(f'#!/bin/sh\nexec {run} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))


@contextmanager
def untouched_logging():
    """No handlers that pytest has set, and afterwards everything as it was."""
    loggers = [logging.getLogger(), logging.getLogger("httsleep")]
    before = [(each.level, each.handlers[:]) for each in loggers]
    loggers[0].handlers[:] = []
    try:
        yield
    finally:
        for logger, (level, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.handlers[:] = handlers


@pytest.fixture
def page(server, _clock, _shell, monkeypatch, tmp_path):
    """The module that the examples of a page are executed in."""
    module = ModuleType("page")
    module.server = server
    module.run_tests = lambda: run_tests(tmp_path)
    module.install = partial(monkeypatch.setitem, sys.modules)
    module.install("page", module)
    monkeypatch.syspath_prepend(ROOT / "docs" / "howto")  # modules that a page includes
    monkeypatch.chdir(tmp_path)
    return module


def run_tests(folder):
    """Run pytest on the tests that the page has defined so far: they must pass."""
    path = folder / "test_page.py"
    path.write_text("from page import *\n")
    sys.modules.pop(path.stem, None)  # that of another page
    arguments = ["-p", "no:cacheprovider", "-q", f"--rootdir={folder}", "-W", "error"]
    assert pytest.main([*arguments, "--import-mode=importlib", str(path)]) == 0


# The pages.


class Printed:
    """Compares a block with what was printed since the last one."""

    def __init__(self):
        self.buffer = io.StringIO()

    def __call__(self, example):
        texts = self.buffer.getvalue(), str(example.parsed)
        got, want = (text.rstrip("\n") + "\n" for text in texts)
        self.buffer.seek(0)
        self.buffer.truncate()
        checker = doctest.OutputChecker()
        if not checker.check_output(want, got, doctest.ELLIPSIS):
            flags = doctest.ELLIPSIS | doctest.REPORT_NDIFF
            return checker.output_difference(doctest.Example("", want), got, flags)
        return None


def run_script(example):
    """Run a script; it prints what a terminal would show."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    shell = ["sh", "-eu", "-c", example.parsed]
    bounds = {"stdin": subprocess.DEVNULL, "timeout": 60}
    done = subprocess.run(shell, **bounds, **output, encoding="utf-8")
    print(done.stdout, end="")
    if done.returncode:
        return f"the script ended with {done.returncode}, and this:\n{done.stdout}"
    return None


def parsed(path):
    """The examples of a page, and where what they print goes."""
    printed = Printed()
    parsers = [
        PythonCodeBlockParser(),
        DocTestParser(doctest.ELLIPSIS),
        CodeBlockParser("sh", run_script),
        CodeBlockParser("output", printed),
        SkipParser(),
    ]
    return Sybil(parsers).parse(path), printed.buffer


def strange_languages(path):
    """What the code blocks of a page are in, but for what is known."""
    directive = r"^ *\.\. (?:code-block|code|sourcecode)::(.*)"
    found = re.findall(directive, path.read_text(), re.MULTILINE)
    return {language.strip() for language in found} - LANGUAGES


def run(path, page):
    """Run the examples of a page in a module."""
    strange = strange_languages(path)
    assert not strange, f"{path.name} has code blocks in {strange}: should they run?"
    document, printed = parsed(path)
    document.namespace = page.__dict__
    with untouched_logging(), redirect_stdout(printed), redirect_stderr(printed):
        for example in document:
            if example.parsed in [("next", None), ("start", None)]:
                pytest.fail(f"{path.name}:{example.line}: a skip without a reason")
            with suppress(SkipTest):  # of the block after ".. skip: next", no other
                example.evaluate()


def pages():
    """README.rst and the pages in docs/ that have examples."""
    found = [ROOT / "README.rst", *sorted(ROOT.glob("docs/**/*.rst"))]
    return [
        path
        for path in found
        if path.exists() and (list(parsed(path)[0]) or strange_languages(path))
    ]


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_of_a_page_run(path, page):
    """The examples of a page do what the page says."""
    run(path, page)


# The examples are only as good as what runs them.


@pytest.mark.parametrize(
    "text",
    [
        ".. code-block:: python\n\n    assert 1 == 2\n",
        ".. invisible-code-block: python\n\n    assert 1 == 2\n",
        ".. code-block:: pycon\n\n    >>> 1 + 1\n    3\n",
        ".. code-block:: python\n\n    print(1)\n\n.. code-block:: output\n\n    2\n",
        ".. code-block:: sh\n\n    echo 1\n\n.. code-block:: output\n\n    2\n",
        ".. code-block:: sh\n\n    false\n    true\n",
        ".. code-block:: sh\n\n    echo $no_such_variable\n",
        ".. code-block:: sh\n\n    httsleep http://server/down --max-retries 1\n",
        ".. skip: next\n\n.. code-block:: python\n\n    pass\n",
        ".. code-block:: py\n\n    pass\n",
        ".. code-block:: python\n\n    def test(): assert 1 == 2\n    run_tests()\n",
        ".. code-block:: python\n\n    run_tests()\n",
    ],
)
def test_a_wrong_example_fails(text, page, tmp_path):
    """A page that is wrong fails its test."""
    path = tmp_path / "wrong.rst"
    path.write_text(text)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(path, page)


def test_a_skip_leaves_out_one_block(page, tmp_path):
    """What follows a block that cannot run is run again."""
    path = tmp_path / "right.rst"
    block = ".. code-block:: python\n\n    ran = {}\n\n"
    skip = '.. skip: next "no network"\n\n'
    path.write_text(block.format(1) + skip + block.format(2) + block.format("ran, 3"))
    run(path, page)
    assert page.ran == (1, 3)


def test_naps_count_but_take_no_time(page, tmp_path):
    """A wait of an hour is told as one, and is over at once."""
    path = tmp_path / "right.rst"
    path.write_text("""\
.. code-block:: pycon

    >>> from httsleep import httsleep
    >>> httsleep('http://server/down', status_code=200,
    ...          polling_interval=600, max_time=3600)
    Traceback (most recent call last):
    httsleep.GaveUp: gave up: ...
      GET ...
      after 7 polls in 3599.9 s
      last answer (poll 7): 503 Service Unavailable, text/html, 47 bytes
      body: <html><title>Service Unavailable</title></html>
      not met: status_code is 503, not 200
      polls: 7 x 503 Service Unavailable
""")
    began = time.perf_counter()
    run(path, page)
    assert time.perf_counter() - began < 60


def test_the_command_of_a_script_has_the_server_and_the_clock_of_a_page(page, tmp_path):
    """A wait of an hour is over at once there, too; other ports and names fail."""
    path = tmp_path / "right.rst"
    path.write_text("""\
.. code-block:: sh

    httsleep http://server/down --interval 10m --max-time 1h || echo "exit code $?"
    httsleep http://server/health 2>&1 >body | tail -n 1; cat body; echo
    httsleep http://server:8080 --fail-fast || echo "exit code $?"
    httsleep http://other --fail-fast || echo "exit code $?"
    httsleep http://server/state -q

.. code-block:: output

    httsleep: GET ...: poll 1: waiting: status_code is 503, not 2xx; next in 600 s
    httsleep: gave up: ...
      GET ...
      after 7 polls in 3599.9 s
      last answer (poll 7): 503 Service Unavailable, text/html, 47 bytes
      body: <html><title>Service Unavailable</title></html>
      not met: status_code is 503, not 2xx
      polls: 7 x 503 Service Unavailable
    exit code 124
    httsleep: poll 3: met: 200 OK
    OK
    httsleep: failed in poll 1: ...: connection refused
      GET http://server:8080
    exit code 3
    httsleep: failed in poll 1: ...: name not resolved
      GET http://other
    exit code 3
    starting
""")
    began = time.perf_counter()
    run(path, page)
    assert time.perf_counter() - began < 60
