"""Faults in a row: many runs against a server that does whatever comes to its mind.

    python tests/soak.py [--polls 20000] [--seed 1]

The server is another process; what it does is picked from the seed, the sleeper and
the number of the poll. A plain model says what has to come of it: each record of
``on_poll`` and how each run ends. Naps take no time. The exit status is 0 if all of it
agreed and nothing was left behind: no memory, no thread, no file descriptor, no
response.
"""

import argparse
import gc
import gzip
import itertools
import json
import logging
import os
import random
import re
import resource
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any
from unittest import mock

import requests
from model import CutHandshake, Expected, Model
from requests import exceptions as broken

from httsleep import BodyTooLarge, GaveUp, HttSleeper, HttSleepError
from httsleep.decoding import decoded_json

LIFETIME = 3600  # seconds, after which the server stops whatever happens
REQUEST_TIMEOUT = 1  # second: what stalls costs it, what does not must not need it
MAX_BODY_SIZE = 100_000
MOST_BY_POLL = 30  # single polls that count as one run
MOST_BLOCKS = 2000  # of memory, that may come and go
MOST_PEAK = 16_000  # kB, the same
TLS_HANDSHAKE = b"\x16"  # the first byte of it
GAP = 0.02  # seconds in which the end of a connection reaches the client
LARGE = bytes(MAX_BODY_SIZE * 5)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIPPED = b"Content-Encoding: gzip\r\n"
JSON = b"Content-Type: application/json\r\n"


@dataclass(frozen=True)
class Kind:
    """One thing that the server does, and what has to come of it.

    :ivar wire: the bytes to send, or what to do with the connection.
    :ivar weight: how often it is picked, compared with the others.
    :ivar fails: the exception; ``None`` if there is an answer.
    :ivar status: of the answer.
    :ivar state: what its JSON says; ``None`` if there is none.
    :ivar empty: whether it has no body.
    :ivar asks: the seconds of its Retry-After.
    :ivar settles: the client has to see the end of the connection before it goes on.
    :ivar theirs: what happens instead if the session is the caller's.
    """

    wire: Any
    weight: float = 1
    fails: type[Exception] | None = None
    status: int = 200
    state: Any = None
    empty: bool = False
    asks: float = 0
    settles: bool = False
    theirs: "Kind | None" = None


# What the server sends


def answer(body=b"", *lines, status=b"200 OK"):
    """A complete and correct answer."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join([*head, b"", body])


def in_chunks(body, size=7, extension=b""):
    """The body in chunks of that size."""
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    chunks = [b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in pieces]
    return CHUNKED + b"".join(chunks) + b"0\r\n\r\n"


def redirect(to, status=b"302 Found", body=b""):
    """An answer that sends the client somewhere else."""
    return answer(body, b"Location: " + to, status=status)


def then_close(data):
    """Send that and end the connection."""

    def wire(connection):
        connection.sendall(data)
        raise EOFError

    return wire


def then_reset(data):
    """Send that and end the connection with an RST."""

    def wire(connection):
        if data:
            connection.sendall(data)
            time.sleep(0.005)  # what is sent would be lost with the RST
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise EOFError

    return wire


def then_stall(data):
    """Send that and wait for the client to go away."""

    def wire(connection):
        connection.sendall(data)
        connection.settimeout(20 * REQUEST_TIMEOUT)
        connection.recv(1)
        raise EOFError

    return wire


def drip(data, dripped):
    """Send the first at once, the second byte by byte."""

    def wire(connection):
        connection.sendall(data)
        for byte in dripped:
            time.sleep(REQUEST_TIMEOUT / 10)
            connection.sendall(bytes([byte]))
        raise EOFError

    return wire


def of(state, **more):
    return json.dumps({"state": state, **more}).encode()


def states(weights):
    """Good answers with these states, in all ways in which they can be sent."""
    kinds = {}
    for state, weight in weights.items():
        body, zipped = of(state), gzip.compress(of(state))
        ways = {
            "plain": answer(body, JSON[:-2]),
            "chunks": in_chunks(body),
            "chunk extensions": in_chunks(body, 100, b";x=y"),
            "gzip": answer(zipped, GZIPPED[:-2]),
            "close": then_close(answer(body, b"Connection: close")),
            "until the end": then_close(OK + b"\r\n" + body),
            "after 100": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(body),
            "cookie": answer(body, b"Set-Cookie: a=b; Path=/"),
            "redirected": redirect(b"/hop/2/%s-plain" % state.encode()),
            "to be sent again": redirect(
                b"/hop/0/%s-plain" % state.encode(), b"307 Temporary Redirect"
            ),
            "duplicate keys": answer(b'{"state":"no","state":"%s"}' % state.encode()),
            "garbage in Retry-After": answer(body, b"Retry-After: 1e3 s\x1b[31m"),
            "escapes": answer(body, status=b"200 \x1b[31m\xe2\x80\xae" + b"x" * 9000),
        }
        for name, wire in ways.items():
            kinds[f"{state}-{name}"] = Kind(wire, weight / len(ways), state=state)
        kinds[f"{state}-500"] = Kind(
            answer(body, status=b"500 Oops"), weight / 10, status=500, state=state
        )
        kinds[f"{state}-closed at once"] = Kind(
            then_close(answer(body)), weight / 10, state=state, settles=True
        )
    return kinds


def waits(asks, header, weight=1.0):
    wire = answer(of("running"), b"Retry-After: " + header, status=b"503 Later")
    return Kind(wire, weight, status=503, state="running", asks=asks)


def interim(status):
    """An answer after an interim one, which a session of the caller's takes for it."""

    def wire(connection):
        connection.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
        time.sleep(GAP / 4)  # now it may be taken for the answer to the next poll
        connection.sendall(answer(of("queued")))

    theirs = Kind(wire, status=int(status[:3]), empty=True)
    return Kind(wire, state="queued", theirs=theirs)


def to_tls(connection):
    """Send the client to a port that accepts, and closes in the TLS handshake."""
    port = connection.getsockname()[1]
    connection.sendall(redirect(b"https://127.0.0.1:%d/" % port))


SKEWED = b"Wed, 21 Oct 2015 07:28:07 GMT\r\nDate: Wed, 21 Oct 2015 07:28:00 GMT"
CUT_HEAD = Kind(then_close(OK + b"Content-Ty"), empty=True)
NEVER = 1e9
BOMB = gzip.compress(LARGE * 10)
ZIPPED = gzip.compress(of("done", more=[random.Random(n).random() for n in range(99)]))
KINDS = {
    **states({"running": 40, "queued": 20, "done": 6, "failed": 1, "odd": 1}),
    # Answers without anything in them
    "204": Kind(b"HTTP/1.1 204 No Content\r\n\r\n", status=204, empty=True),
    "304": Kind(b"HTTP/1.1 304 Not Modified\r\n\r\n", status=304, empty=True),
    "102": interim(b"102 Processing"),
    "103": interim(b"103 Early Hints"),
    "empty": Kind(answer(), empty=True),
    "html": Kind(answer(b"<html>" * 100, status=b"502 Bad Gateway"), status=502),
    # Bad data
    "deep": Kind(answer(b"[" * 5000 + b"]" * 5000, JSON[:-2])),
    "digits": Kind(answer(b'{"state":"done","n":' + b"1" * 5000 + b"}", JSON[:-2])),
    "digits 400": Kind(
        answer(b'{"state":"running","n":' + b"1" * 400 + b"}"), state="running"
    ),
    "not a number": Kind(answer(b'{"state":NaN}', JSON[:-2])),
    "mark": Kind(answer(b"\xef\xbb\xbf" + of("done"), JSON[:-2]), state="done"),
    "utf-16": Kind(
        answer('{"state":"done"}'.encode("utf-16"), JSON[:-2]), state="done"
    ),
    "charset": Kind(answer(of("done"), b"Content-Type: text/html; charset=idna")),
    "cut json": Kind(answer(b'{"state":"done"', JSON[:-2])),
    "too short a length": Kind(OK + b'Content-Length: 5\r\n\r\n{"state":"done"}'),
    "two answers": Kind(answer(of("running")) + answer(of("done")), state="running"),
    "cut gzip": Kind(answer(ZIPPED[:500], GZIPPED[:-2])),
    "other types": Kind(answer({"state": ["done"]}), state=["done"]),
    # Retry-After
    "after 0": waits(0, b"0"),
    "after 5": waits(5, b"5"),
    "after 1.5": waits(2, b"1.5"),
    "after a skewed date": waits(7, SKEWED),
    "after 120": waits(120, b" 120 "),
    "after the past": waits(0, b"Wed, 21 Oct 2015 07:28:00 GMT"),
    "after the future": waits(NEVER, b"Wed, 21 Oct 2499 07:28:00 GMT", 0.2),
    "after 301": waits(301, b"301", 0.2),
    "after digits": waits(NEVER, b"9" * 5000, 0.2),
    # Connections that break
    "closed if reused": Kind(answer(of("running")), 3, state="running"),
    "cut handshake": Kind(to_tls, fails=CutHandshake),
    "drop": Kind(then_close(b""), fails=broken.ConnectionError),
    "reset": Kind(then_reset(b""), fails=broken.ConnectionError),
    "no http": Kind(then_close(b"220 smtp ready\r\n"), fails=broken.ConnectionError),
    "cut status": Kind(then_close(b"HTTP/1."), fails=broken.ConnectionError),
    "cut head": Kind(CUT_HEAD.wire, fails=broken.ConnectionError, theirs=CUT_HEAD),
    "reset in head": Kind(then_reset(OK + b"A: "), fails=broken.ConnectionError),
    "long header": Kind(
        then_close(answer(of("done"), b"A: " + b"a" * 70_000)),
        fails=broken.ConnectionError,
    ),
    "many headers": Kind(
        then_close(answer(of("done"), *[b"A: a"] * 200)), fails=broken.ConnectionError
    ),
    "cut body": Kind(
        then_close(answer(of("done"))[:-1]), fails=broken.ChunkedEncodingError
    ),
    "reset in body": Kind(
        then_reset(answer(of("done"))[:-1]), fails=broken.ChunkedEncodingError
    ),
    "cut chunks": Kind(
        then_close(in_chunks(of("done"))[:-5]), fails=broken.ChunkedEncodingError
    ),
    "bad chunk": Kind(
        then_close(CHUNKED + b"zz\r\n{}"), fails=broken.ChunkedEncodingError
    ),
    "refused": Kind(redirect(b"http://127.0.0.1:1/"), fails=broken.ConnectionError),
    # Answers that are wrong
    "bad gzip": Kind(
        answer(b"not gzip" * 9, GZIPPED[:-2]), fails=broken.ContentDecodingError
    ),
    "two lengths": Kind(
        then_close(answer(of("done"), b"Content-Length: 3")),
        fails=broken.InvalidHeader,
    ),
    "loop": Kind(redirect(b"/loop"), 0.3, fails=broken.TooManyRedirects),
    "other scheme": Kind(redirect(b"ftp://server/"), fails=broken.InvalidSchema),
    "no url": Kind(
        redirect(b"http://[bad"),
        fails=broken.InvalidURL,
        theirs=Kind(answer(of("running")), state="running"),
    ),
    # Bodies that are too large
    "large": Kind(answer(LARGE), 0.5, fails=BodyTooLarge),
    "large chunk": Kind(in_chunks(LARGE, len(LARGE)), 0.5, fails=BodyTooLarge),
    "bomb": Kind(answer(BOMB, GZIPPED[:-2]), 0.5, fails=BodyTooLarge),
    "large redirect": Kind(
        redirect(b"/hop/0/running-plain", body=LARGE),
        0.5,
        fails=BodyTooLarge,
        theirs=Kind(redirect(b"/hop/0/running-plain", body=LARGE), state="running"),
    ),
    # What takes too long
    "no answer": Kind(then_stall(b""), 0.1, fails=broken.ReadTimeout),
    "half a head": Kind(then_stall(OK + b"Content-"), 0.1, fails=broken.ReadTimeout),
    "half a body": Kind(
        then_stall(answer(of("done"))[:-5]), 0.1, fails=broken.ReadTimeout
    ),
    "half a chunk": Kind(
        then_stall(in_chunks(of("done"))[:-9]), 0.1, fails=broken.ReadTimeout
    ),
    "drip": Kind(
        drip(OK + b"Content-Length: 99\r\n\r\n", b" " * 40),
        0.1,
        fails=broken.ReadTimeout,
    ),
}
NAMES = list(KINDS)
WEIGHTS = list(itertools.accumulate(kind.weight for kind in KINDS.values()))


def picked(seed, path, number):
    """What the server does with the request of that number for that path."""
    chance = random.Random(f"{seed} {path} {number}")
    return chance.choices(NAMES, cum_weights=WEIGHTS)[0]


#: On a reused connection these end it without an answer, and the client tries again.
ENDS = ("drop", "reset", "closed if reused")


def is_sent_again(path):
    """Whether a request is sent once more if its reused connection has ended."""
    return not path.endswith(("theirs", "posts"))


# The server, in a process of its own


class Handler(socketserver.StreamRequestHandler):
    """A connection: reads each request whole, and does what is picked for it."""

    disable_nagle_algorithm = True

    def handle(self):
        is_reused = False
        try:
            if self.connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
                self.connection.recv(2**16)
                return
            while line := self.rfile.readline():
                path, size = line.split()[1].decode(), 0
                while (header := self.rfile.readline()) not in (b"\r\n", b""):
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        size = int(value)
                self.rfile.read(size)
                self.server.respond(self.connection, path, is_reused)
                is_reused = True
        except (EOFError, OSError):
            pass  # the end that was wanted, or the client's


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, seed):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seed, self.seen = seed, Counter()
        self.sent_again = {}  # the names of what ended a reused connection, by path

    def shutdown_request(self, request):
        self.close_request(request)  # no FIN before the RST of a reset

    def respond(self, connection, path, is_reused):
        """Answer the request, or do something else."""
        if path.startswith("/sleeper/"):
            name = self.sent_again.pop(path, None)
            if name is None:
                self.seen[path] += 1
                name = picked(self.seed, path, self.seen[path])
                if name in ENDS and is_reused and is_sent_again(path):
                    self.sent_again[path] = name
                    raise EOFError
            wire = self.wire(KINDS[name], path)
        elif path.startswith("/hop/"):
            _, _, hops, name = path.split("/")
            hop = b"/hop/%d/%s" % (int(hops) - 1, name.encode())
            wire = KINDS[name].wire if hops == "0" else redirect(hop)
        elif path.startswith("/seen/"):
            wire = answer(self.seen[path.removeprefix("/seen")])
        else:
            wire = redirect(b"/loop")
        if callable(wire):
            wire(connection)
        else:
            connection.sendall(wire)

    def wire(self, kind, path):
        theirs = kind.theirs if path.endswith("theirs") else None
        return (theirs or kind).wire


def serve(seed):
    """Answer until the parent is gone, or for an hour."""
    signal.alarm(LIFETIME)
    with Server(seed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()


@contextmanager
def server_process(seed):
    """The root of the URLs of a server that runs meanwhile."""
    command = [sys.executable, __file__, "--serve", "--seed", str(seed)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    # The script's own folder, where the model is, is on the path unless it is "safe".
    environment = os.environ | {"PYTHONSAFEPATH": ""}
    with subprocess.Popen(command, **pipes, env=environment) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


# What is polled for


@dataclass
class Plan:
    """How a sleeper is made, and the same in plain words for the model.

    The conditions of ``expected`` say what has to hold for a :class:`Kind`.
    """

    name: str
    arguments: dict[str, Any]
    expected: Expected

    def __post_init__(self):
        limit = self.arguments.get("max_retries", 50)
        self.expected.max_retries = inf if limit is None else limit
        self.expected.ignored = self.arguments["ignore_exceptions"]

    @property
    def path(self):
        return f"/sleeper/{self.name}"

    @property
    def theirs(self):
        return self.name.endswith("theirs")

    def kind(self, name):
        """Return what comes of that kind with this sleeper's session."""
        kind = KINDS[name]
        return kind.theirs or kind if self.theirs else kind


class Prediction:
    """What has to come of the polls of one sleeper."""

    def __init__(self, plan, seed):
        self.plan, self.seed = plan, seed
        self.model = Model(plan.expected)
        self.polls = 0  # ever
        self.is_over = True

    def run(self):
        """Return the kinds of the next run's polls, their records, and how it ends."""
        by_poll = self.plan.expected.by_poll
        if not by_poll or self.is_over:  # the wait of poll() goes on
            self.model.begin()
        kinds, records, end = [], [], None
        while end is None and len(kinds) < (MOST_BY_POLL if by_poll else inf):
            self.polls += 1
            kinds.append(picked(self.seed, self.plan.path, self.polls))
            record, end = self.model.poll(self.plan.kind(kinds[-1]))
            records += [] if record is None else [record]
        self.is_over = end is not None and record is not None
        return kinds, records, end


def is_done(response):
    """A callback that raises on most of what comes."""
    return decoded_json(response)["state"] == "done"


def done(kind):
    return kind.state == "done"


def failed(kind):
    return kind.state == "failed"


ANYTHING = {"ignore_exceptions": (broken.RequestException,)}
BUILTINS = {"ignore_exceptions": (ConnectionError, TimeoutError)}
PLANS = [
    Plan(
        "anything",
        {
            "until": {"json_contains": {"state": "done"}},
            "alarms": [{"jsonpath": {"$.state": "failed"}}, {"status_code": 502}],
            "max_retries": None,
            **ANYTHING,
        },
        Expected([(done, 1)], [(failed, 1), (lambda kind: kind.status == 502, 1)]),
    ),
    Plan(
        "builtins",
        {
            "jsonpath": {"expression": "$.state", "any": "done"},
            "pending": [
                {"jsonpath": {"expression": "$.state", "in": ["running", "queued"]}},
                {"status_code": ["1xx", 503, 204, 304]},
            ],
            **BUILTINS,
        },
        Expected(
            [(lambda kind: kind.state in ("done", ["done"]), 1)],
            pending=[
                lambda kind: kind.state in ("running", "queued"),
                lambda kind: kind.status in (102, 103, 204, 304, 503),
            ],
        ),
    ),
    Plan(
        "consecutive",
        {
            "until": {"json": {"state": re.compile("^do")}, "consecutive": 2},
            "alarms": {"status_code": "5xx", "consecutive": 3},
            "max_retries": 60,
            "ignore_exceptions": (broken.ConnectionError, OSError),
        },
        Expected([(done, 2)], [(lambda kind: kind.status >= 500, 3)]),
    ),
    Plan(
        "posts",
        {
            "jsonpath": {"$.state": "done"},
            "alarms": {"json_contains": {"state": "odd"}},
            "auth": ("user", "password"),
            "max_retries": 12,
            **ANYTHING,
        },
        Expected([(done, 1)], [(lambda kind: kind.state == "odd", 1)]),
    ),
    Plan(
        "by-poll",
        {
            "until": {"jsonpath": {"$.state": re.compile("^done$")}, "consecutive": 2},
            "pending": {"status_code": ["1xx", "2xx", "3xx", "4xx", "500"]},
            **ANYTHING,
        },
        Expected([(done, 2)], pending=[lambda kind: kind.status <= 500], by_poll=True),
    ),
    Plan(
        "callback-theirs",
        {
            "callback": is_done,
            "alarms": [{"jsonpath": {"$.state": "failed"}, "status_code": "2xx"}],
            "max_retries": 25,
            "ignore_exceptions": (Exception,),
        },
        Expected([(done, 1)], [(lambda kind: failed(kind) and kind.status == 200, 1)]),
    ),
    Plan(
        "theirs",
        {
            "jsonpath": {"expression": "$.state", "lt": "e"},
            "alarms": {"text": "", "status_code": 200, "consecutive": 2},
            **BUILTINS,
        },
        Expected([(done, 1)], [(lambda kind: kind.empty and kind.status == 200, 2)]),
    ),
    Plan(
        "by-poll-theirs",
        {
            "until": {"status_code": 200, "json": {"state": "done"}},
            "alarms": {"jsonpath": {"$.state": "failed"}, "consecutive": 2},
            **ANYTHING,
        },
        Expected(
            [(lambda kind: done(kind) and kind.status == 200, 1)],
            [(failed, 2)],
            by_poll=True,
        ),
    ),
]


# What comes of it


class Watch(logging.Handler):
    """Looks for text of the server's in our words that is long or not escaped."""

    def __init__(self):
        super().__init__()
        self.longest = 0
        self.unsafe = []

    def emit(self, record):
        self.look_at(record.getMessage())

    def look_at(self, text):
        self.longest = max(self.longest, len(text))
        if len(text) > 3000 or not text.replace("\n  ", "").isprintable():
            self.unsafe.append(text[:200])


class Sleeper:
    """A sleeper, beside the model of what has to come of its polls."""

    def __init__(self, plan, root, seed, watch):
        self.plan, self.watch = plan, watch
        self.predicted = Prediction(plan, seed)
        self.kinds, self.records, self.end = [], [], None
        self.alive = weakref.WeakSet()
        self.session = requests.Session() if plan.theirs else None
        self.chance = random.Random(f"{seed} {plan.name}")
        self.root = root
        self.sleeper = self._made()

    def _made(self):
        """Return a sleeper as any process would make it."""
        plan, root = self.plan, self.root
        request = requests.Request("GET", root + plan.path)
        if plan.name == "posts":
            request = requests.Request("POST", root + plan.path, json={"a": 1})
        return HttSleeper(
            request,
            session=self.session,
            request_timeout=REQUEST_TIMEOUT,
            max_body_size=MAX_BODY_SIZE,
            on_poll=self.on_poll,
            **plan.arguments,
        )

    def on_poll(self, attempt):
        """Note what came, and see to it that a connection that has ended is seen."""
        what = type(attempt.exception).__name__
        if attempt.response is not None:
            what = attempt.response.status_code
            self.alive.add(attempt.response)
        self.records.append((attempt.number, attempt.outcome, what, attempt.next_wait))
        self.watch.look_at(str(attempt))
        if len(self.records) > len(self.kinds):
            raise AssertionError("a poll that the model does not have")
        if KINDS[self.kinds[len(self.records) - 1]].settles:
            time.sleep(GAP)

    def run(self):
        """A run, or as many single polls; how it is not as the model, or ``None``."""
        self.kinds, records, end = self.predicted.run()
        self.records, self.end = [], end
        gc.disable()  # what it would have to find is a cycle, and none of ours
        really = self._polls() if self.plan.expected.by_poll else self._run()
        alive = len(self.alive)
        gc.enable()
        if alive > self._goes_on:  # the last answer of a wait that goes on
            return f"{self.plan.name}: {alive} responses outlast their run"
        if (self.records, really) == (records, end):
            return None
        numbered = enumerate(zip(self.records, records, strict=False))
        odd = [pair for number, pair in numbered if pair[0] != pair[1]][:1]
        return (
            f"{self.plan.name}, run to poll {self.predicted.polls}: {really}, not {end}"
            f"; {len(self.records)} records, not {len(records)}; the first odd: {odd}"
        )

    def _run(self):
        try:
            self.sleeper.run()
        except Exception as error:
            return self._ended(error)
        return "met"

    @property
    def _goes_on(self):
        return self.sleeper.checkpoint is not None

    def _put_down(self):
        """Let another sleeper go on with the wait, from its JSON."""
        checkpoint = json.loads(json.dumps(self.sleeper.checkpoint))
        self.sleeper.close()
        self.sleeper = self._made()
        self.sleeper.checkpoint = checkpoint

    def _polls(self):
        for _ in self.kinds:
            if self.chance.random() < 0.3:
                self._put_down()
            try:
                if self.sleeper.poll().met:
                    return "met"
            except Exception as error:
                return self._ended(error)
        return None

    def _ended(self, error):
        """How the run ended, in the words of the model."""
        name = type(error).__name__
        if not isinstance(error, HttSleepError) or isinstance(error, BodyTooLarge):
            return name
        self.watch.look_at(str(error))
        polls = self.predicted.model.number
        if error.attempts != polls:
            return f"{name} after {error.attempts} polls, not {polls}"
        return f"{name}: {error.limit}" if isinstance(error, GaveUp) else name

    def close(self):
        self.sleeper.close()
        if self.session is not None:
            self.session.close()


@dataclass
class Usage:
    """What is in use: what must be the same in the end as it was before."""

    threads: int
    files: int
    blocks: int
    peak: int

    @classmethod
    def now(cls):
        gc.collect()
        return cls(
            threading.active_count(),
            len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
            sys.getallocatedblocks(),
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        )


@dataclass
class Report:
    """What came of it; ``problems`` is empty if all is well."""

    problems: list[str] = field(default_factory=list)
    polls: int = 0
    ends: Counter = field(default_factory=Counter)  # of runs, by how they ended
    kinds: Counter = field(default_factory=Counter)
    seconds: float = 0.0
    longest: int = 0  # text of ours
    usage: list[Usage] = field(default_factory=list)

    def __str__(self):
        ends = ", ".join(f"{count} {end}" for end, count in self.ends.most_common())
        lines = [
            f"{self.polls} polls in {self.ends.total()} runs, {self.seconds:.0f} s",
            f"{len(self.kinds)} of {len(KINDS)} kinds of answers and faults",
            f"runs: {ends}",
            f"longest text: {self.longest} characters",
            *(str(usage) for usage in self.usage),
            *(f"WRONG: {problem}" for problem in self.problems),
        ]
        return "\n".join(lines)


def soak(polls, seed):
    """Poll as often as that, and report."""
    report, began = Report(), time.monotonic()
    report.usage.append(Usage.now())
    with (
        server_process(seed) as root,
        watched() as watch,
        mock.patch("httsleep.main.sleep", no_nap),
    ):
        sleepers = [Sleeper(plan, root, seed, watch) for plan in PLANS]
        for sleeper in itertools.cycle(sleepers):
            problem = sleeper.run()
            report.polls += len(sleeper.kinds)
            report.kinds.update(sleeper.kinds)
            report.ends[sleeper.end or "single polls"] += 1
            if problem is not None:
                report.problems.append(problem)
                break
            if len(report.usage) == 1 and report.polls >= polls / 4:
                report.usage.append(Usage.now())
            if report.polls >= polls:
                break
        report.usage.append(Usage.now())
        for sleeper in sleepers:
            report.problems += miscounted(sleeper, root)
            sleeper.close()
    report.usage.append(Usage.now())
    report.problems += [f"not escaped: {text!r}" for text in watch.unsafe]
    if not report.problems:
        report.problems += grown(*report.usage)
    report.longest = watch.longest
    report.seconds = time.monotonic() - began
    return report


def no_nap(_seconds):
    """Take no time; a mock would keep each call."""


@contextmanager
def watched():
    """All that httsleep logs is looked at, and what is logged is kept by nobody."""
    watch, log = Watch(), logging.getLogger("httsleep")
    with (
        mock.patch.object(logging.getLogger("urllib3"), "propagate", False),
        mock.patch.object(log, "propagate", False),
        mock.patch.object(log, "handlers", [watch]),
    ):
        level = log.level
        log.setLevel(logging.DEBUG)
        yield watch
        log.setLevel(level)


def miscounted(sleeper, root):
    """Polls that only the server saw, or only the model."""
    seen = requests.get(f"{root}/seen{sleeper.plan.path}", timeout=5).json()
    if seen != sleeper.predicted.polls:
        yield f"{sleeper.plan.name}: the server saw {seen} polls"


def grown(before, warm, last, after):
    """What is in use that was not, or more of it than after a quarter of the polls."""
    if after.threads != before.threads:
        yield f"{after.threads} threads, not {before.threads}"
    if after.files != before.files:
        yield f"{after.files} file descriptors, not {before.files}"
    if last.blocks - warm.blocks > MOST_BLOCKS:
        yield f"{last.blocks - warm.blocks} more blocks of memory"
    if last.peak - warm.peak > MOST_PEAK:
        yield f"{last.peak - warm.peak} kB more memory"


def main():
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--polls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(arguments.seed)
    for name in list(os.environ):  # none of this machine's has a say
        if name.lower().endswith("_proxy") or name == "NETRC":
            del os.environ[name]
    report = soak(arguments.polls, arguments.seed)
    print(f"seed {arguments.seed}: {report}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
