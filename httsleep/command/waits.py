"""The waits for several URLs at the same time."""

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from queue import SimpleQueue

from ..attempt import Attempt
from .build import Endpoint

_Failure = tuple[Endpoint, BaseException]


def wait_for_all(endpoints: Sequence[Endpoint]) -> _Failure | None:
    """Wait until all have met their condition, or one has failed; return the failure.

    The answers are in the endpoints. Each wait has a thread of its own, in the context
    of the caller, which decides how texts are worded. After a failure, and when a
    signal raises an exception here, the other waits show nothing more. They are
    cancelled: a sleep ends at once, and a request need not end, because the process
    does not wait for its thread.
    """
    cancel, lock = threading.Event(), threading.Lock()
    ended: SimpleQueue[tuple[Endpoint, BaseException | None]] = SimpleQueue()
    for each in endpoints:
        each.sleeper.cancel = cancel
        each.sleeper.on_poll = _one_at_a_time(each.display.poll, lock, cancel)
    try:
        for each in endpoints:
            each.display.__enter__()
        for each in endpoints:
            wait = partial(copy_context().run, _wait, each, ended)
            threading.Thread(target=wait, daemon=True).start()
        for _ in endpoints:
            endpoint, error = ended.get()
            endpoint.display.__exit__()
            if error is not None:
                return endpoint, error
        return None
    finally:
        with lock:
            cancel.set()
        for each in endpoints:
            each.display.__exit__()


def _wait(
    endpoint: Endpoint, ended: SimpleQueue[tuple[Endpoint, BaseException | None]]
) -> None:
    """Wait for one endpoint, and say that its wait has ended."""
    error = None
    try:
        endpoint.response = endpoint.sleeper.run()
    except BaseException as exc:
        error = exc
    ended.put((endpoint, error))


def _one_at_a_time(
    show: Callable[[Attempt], None], lock: threading.Lock, cancel: threading.Event
) -> Callable[[Attempt], None]:
    """Return a function that shows the polls of one thread until all is over."""

    def show_poll(attempt: Attempt) -> None:
        with lock:
            if not cancel.is_set():
                show(attempt)

    return show_poll


def describe_missing(endpoints: Sequence[Endpoint]) -> str:
    """Return which endpoints have not met their condition yet, and their last polls."""
    polls = [(each.request, each.display.attempt) for each in endpoints]
    missing = [
        f"{request}: {'in poll 1' if last is None else replace(last, next_wait=None)}"
        for request, last in polls
        if last is None or not last.met
    ]
    if not missing:
        return "after all conditions were met"
    head = f"while {len(missing)} of {len(endpoints)} URLs were waited for"
    return "\n  ".join([head, *missing])
