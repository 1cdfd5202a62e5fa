"""Promise 7: a run can be interrupted, by Ctrl-C and by another thread."""

import json
import signal
import subprocess
import threading
import time

import pytest
from requests import exceptions

from httsleep import Cancelled, httsleep

pytestmark = pytest.mark.realtime

CHILD = """
import gc, json, os, signal, sys, threading, time, warnings
from httsleep import HttSleeper

url, bundle = sys.argv[1:]
signals = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)

def sockets():
    count = 0
    for fd in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink("/proc/self/fd/" + fd).startswith("socket:")
        except OSError:  # that of the listing
            pass
    return count

def note(attempt):
    print("polled", flush=True)

gc.disable()
if bundle:  # ssl leaves the socket of a handshake to the traceback
    warnings.simplefilter("ignore", ResourceWarning)
handlers = [signal.getsignal(each) for each in signals]
sleeper = HttSleeper(url, status_code=200, verify=bundle or None,
                     polling_interval=60, on_poll=note, request_timeout=60)
print("begins", flush=True)
try:
    sleeper.run()
except KeyboardInterrupt:
    ended, still_open = time.time(), sockets()
if bundle:
    still_open = sockets()
print(json.dumps({
    "ended": ended,
    "sockets": still_open,
    "threads": threading.active_count(),
    "handlers": handlers == [signal.getsignal(each) for each in signals],
}))
"""

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def interrupt(run_child):
    """``interrupt(url, polls, bundle)``: send SIGINT to a run that has polled so often.

    Returns what it says of its end, and how many seconds it took.
    """

    def interrupt(url, ready, polls=0, bundle=""):
        child = run_child(CHILD, url, bundle)
        for line in ["begins", *["polled"] * polls]:
            assert child.stdout.readline().strip() == line
        assert ready.acquire(timeout=10)
        time.sleep(0.1)  # it has sent, or begun to wait, by now
        sent = time.time()
        child.send_signal(signal.SIGINT)
        try:
            out, errors = child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            pytest.fail("the run was not interrupted")
        assert not errors
        facts = json.loads(out.splitlines()[-1])
        return facts, facts["ended"] - sent

    return interrupt


def check(facts, took):
    assert took < 1
    assert facts["sockets"] == 0
    assert facts["threads"] == 1
    assert facts["handlers"]


def test_in_the_wait(serve, interrupt):
    """KeyboardInterrupt ends a wait at once, and the connection is closed."""
    server, ready = serve((503, "busy")), threading.Semaphore(1)
    check(*interrupt(server.url, ready, polls=1))
    assert server.eof.acquire(timeout=5)


IN_A_REQUEST = {
    "before the answer": b"",
    "in the headers": OK + b"X-A: ",
    "in the body": OK + b"Content-Length: 10\r\n\r\nx",
    "in a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\na\r\nx",
    "in a redirect's body": b"HTTP/1.1 302 Found\r\nLocation: /\r\n"
    b"Content-Length: 10\r\n\r\nx",
}


@pytest.mark.parametrize("begun", IN_A_REQUEST.values(), ids=IN_A_REQUEST)
def test_in_a_request(listen, interrupt, begun):
    """KeyboardInterrupt ends a request at once, and the connection is closed."""
    ready, closed = threading.Semaphore(0), threading.Event()

    def talk(peer):
        peer.request()
        peer.send(begun)
        ready.release()
        if not peer.sock.recv(1):
            closed.set()

    check(*interrupt(listen(talk).url, ready))
    assert closed.wait(5)


def test_in_a_handshake(listen, interrupt, ca_bundle):
    """KeyboardInterrupt ends a TLS handshake at once, and its socket goes with it."""
    ready = threading.Semaphore(0)

    def talk(peer):
        ready.release()
        peer.hang()

    check(*interrupt(listen(talk).secure_url, ready, bundle=ca_bundle))


def test_in_a_second_request(serve, interrupt):
    """KeyboardInterrupt closes a connection that was kept from an earlier poll."""
    ready = threading.Semaphore(0)

    def hang(handler):
        ready.release()
        handler.hang()

    later = (503, "busy", {"Retry-After": "0"})
    server = serve((302, b"", {"Location": "/next"}), paths={"/next": [hang, later]})
    check(*interrupt(server.url, ready))


@pytest.fixture
def in_a_moment():
    """``in_a_moment(event)``: another thread sets it, 0.1 s from now."""
    timers = []

    def start(event):
        timers.append(threading.Timer(0.1, event.set))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.join()


def test_cancel_in_the_wait(serve, within, in_a_moment):
    """An event that another thread sets ends the wait at once."""
    server, cancel = serve((503, "busy")), threading.Event()
    in_a_moment(cancel)
    with within(0.1), pytest.raises(Cancelled) as caught:
        httsleep(server.url, status_code=200, polling_interval=60, cancel=cancel)
    assert (caught.value.attempts, caught.value.response.text) == (1, "busy")
    assert server.eof.acquire(timeout=5)


@pytest.mark.parametrize("ignored", [(), TimeoutError])
def test_cancel_in_a_request(serve, within, in_a_moment, ignored):
    """An event that is set during a request ends the run when the request ends."""
    server, cancel = serve(lambda handler: handler.hang()), threading.Event()
    in_a_moment(cancel)
    with within(0.3), pytest.raises((Cancelled, exceptions.ReadTimeout)) as caught:
        httsleep(
            server.url,
            status_code=200,
            request_timeout=0.3,
            cancel=cancel,
            ignore_exceptions=ignored,
        )
    assert caught.type is Cancelled


def test_cancel_during_an_answer(serve, within, in_a_moment):
    """An answer that comes after it was set, and is no success, ends the run."""

    def slow(handler):
        handler.server.stopping.wait(0.3)
        return (503, "busy")

    server, cancel = serve(slow), threading.Event()
    in_a_moment(cancel)
    with within(0.3), pytest.raises(Cancelled) as caught:
        httsleep(server.url, status_code=200, polling_interval=60, cancel=cancel)
    assert (caught.value.attempts, caught.value.response.text) == (1, "busy")
