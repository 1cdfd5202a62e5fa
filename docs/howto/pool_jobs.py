"""Waits in a pool of processes, with an event that stops them."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from httsleep import Cancelled, httsleep

spawn = multiprocessing.get_context("spawn")


def pool(stop, processes=4):
    """Return a pool whose processes know the event."""
    return ProcessPoolExecutor(
        processes, mp_context=spawn, initializer=know, initargs=(stop,)
    )


def know(stop):
    """Keep the event in a process of the pool."""
    global _stop
    _stop = stop


def raise_if_stopped(attempt):
    """End the wait if the event is set: for on_poll."""
    if not attempt.met and _stop.is_set():
        raise Cancelled(f"stopped at {attempt}")


def rows_of_job(url, **limits):
    """Wait for a job: this function runs in a process of the pool."""
    response = httsleep(
        url,
        jsonpath={"$.status": "SUCCESS"},
        alarms={"jsonpath": {"$.status": "FAILED"}},
        on_poll=raise_if_stopped,
        **{"max_time": 3600} | limits,
    )
    return response.json()["result"]["rows"]
