"""The waits for several URLs, with sleepers that do what a test says."""

import os
import threading
from contextvars import ContextVar
from dataclasses import replace

import pytest

from httsleep import Attempt
from httsleep.command.build import Endpoint
from httsleep.command.display import Display
from httsleep.command.waits import describe_missing, wait_for_all

LONGEST = 10  # seconds


class Sleeper:
    """A sleeper whose run calls a function, with itself."""

    cancel = on_poll = None

    def __init__(self, do):
        self.do = do

    def run(self):
        return self.do(self)


class Shown(Display):
    """A display that notes what it shows."""

    def __init__(self):
        self.notes = []

    def poll(self, attempt):
        super().poll(attempt)
        self.notes.append(attempt.number)

    def __enter__(self):
        self.notes.append("begin")
        return self

    def __exit__(self, *_):
        self.notes.append("end")


def endpoint(do, name="a"):
    return Endpoint(Sleeper(do), f"GET http://{name}", Shown())


def attempt(number=1, **facts):
    usual = {"response": None, "exception": None, "outcome": "ignored"}
    usual |= {"reasons": (), "elapsed": 1.0, "next_wait": 2.0}
    return Attempt(number, **usual | facts)


def polls(*numbers):
    """Return what a run does that makes these polls, and returns the last number."""

    def do(sleeper):
        for number in numbers:
            sleeper.on_poll(attempt(number))
        return number

    return do


def test_all_are_met():
    """Each endpoint has its answer, and its display all polls between its ends."""
    endpoints = [endpoint(polls(1)), endpoint(polls(1, 2))]
    assert wait_for_all(endpoints) is None
    assert [each.response for each in endpoints] == [1, 2]
    notes = [each.display.notes for each in endpoints]
    assert [each[: each.index("end")] for each in notes] == [
        ["begin", 1],
        ["begin", 1, 2],
    ]


def test_they_wait_at_the_same_time():
    """No wait begins only after another one."""
    together = threading.Barrier(3)
    endpoints = [endpoint(lambda _: together.wait(LONGEST)) for _ in range(3)]
    assert wait_for_all(endpoints) is None


def test_a_display_ends_with_its_own_wait():
    """The success of one is left on the terminal while others are waited for."""
    ended = threading.Event()

    class Telling(Shown):
        def __exit__(self, *_):
            ended.set()

    first, second = endpoint(polls(1)), endpoint(lambda _: ended.wait(LONGEST))
    assert wait_for_all([replace(first, display=Telling()), second]) is None
    assert second.response is True


def test_they_have_the_context_of_the_caller():
    """A context variable is that of the caller, in each thread."""
    variable = ContextVar("variable", default="the default")
    endpoints = [endpoint(lambda _: variable.get()) for _ in range(2)]
    token = variable.set("set by the caller")
    assert wait_for_all(endpoints) is None
    variable.reset(token)
    assert [each.response for each in endpoints] == ["set by the caller"] * 2


def test_the_first_failure_ends_all():
    """The failure is returned; the others are cancelled, and show nothing more."""
    ended = threading.Event()

    def until_cancelled(sleeper):
        assert sleeper.cancel.wait(LONGEST)
        sleeper.on_poll(attempt(7))
        ended.set()

    def fail(_):
        raise OSError("why")

    others = [endpoint(until_cancelled), endpoint(until_cancelled)]
    failing = endpoint(fail)
    failed, error = wait_for_all([others[0], failing, others[1]])
    assert failed is failing
    assert str(error) == "why"
    assert ended.wait(LONGEST)
    for each in others:
        assert each.response is None
        assert each.display.notes == ["begin", "end"]


def test_nobody_waits_for_a_request():
    """A wait that is in the middle of a request does not hold up the end."""
    go = threading.Event()

    def fail(_):
        raise OSError

    assert wait_for_all([endpoint(lambda _: go.wait(LONGEST)), endpoint(fail)])
    assert not go.is_set()
    go.set()


def test_an_exception_here_cancels_all():
    """A signal is an exception of the thread that waits for all."""
    sleeper = Sleeper(lambda sleeper: sleeper.cancel.wait(LONGEST))
    interrupted = Shown()

    def interrupt():
        raise KeyboardInterrupt

    first = Endpoint(sleeper, "", Shown())
    second = Endpoint(sleeper, "", interrupted)
    interrupted.__class__ = type("_", (Shown,), {"__enter__": lambda _: interrupt()})
    with pytest.raises(KeyboardInterrupt):
        wait_for_all([first, second])
    assert sleeper.cancel.is_set()
    assert first.display.notes == ["begin", "end"]


def test_polls_are_shown_one_at_a_time():
    """Two threads never write at the same time."""
    writing = threading.Lock()

    class Alone(Shown):
        def poll(self, attempt):
            assert writing.acquire(blocking=False)
            super().poll(attempt)
            os.sched_yield()  # to a thread that does not wait for its turn
            writing.release()

    endpoints = [endpoint(polls(*range(100))) for _ in range(4)]
    endpoints = [replace(each, display=Alone()) for each in endpoints]
    assert wait_for_all(endpoints) is None


def test_the_endpoints_that_are_missing():
    """Each one that is not met has its last poll, without the next one."""
    met, waiting, asking = endpoint(None), endpoint(None, "b"), endpoint(None, "c")
    met.display.poll(attempt(outcome="met"))
    waiting.display.poll(attempt(4))
    assert describe_missing([met, waiting, asking]) == (
        "while 2 of 3 URLs were waited for\n"
        "  GET http://b: poll 4: ignored: no answer\n"
        "  GET http://c: in poll 1"
    )
    assert describe_missing([met]) == "after all conditions were met"
