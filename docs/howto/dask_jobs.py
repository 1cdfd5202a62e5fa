"""Waits as Dask tasks, with an event of Dask that stops them."""

from dask.distributed import Event, secede

from httsleep import Cancelled, httsleep

STOP = "stop-waits"  # the name of the event


def raise_if_stopped(attempt):
    """End the wait if the event is set: for on_poll."""
    if not attempt.met and Event(STOP).is_set():
        raise Cancelled(f"stopped at {attempt}")


def rows_of_job(url, **limits):
    """Wait for a job: this function is the task."""
    secede()  # the wait does not occupy a thread of the worker
    response = httsleep(
        url,
        jsonpath={"$.status": "SUCCESS"},
        alarms={"jsonpath": {"$.status": "FAILED"}},
        on_poll=raise_if_stopped,
        **{"max_time": 3600} | limits,
    )
    return response.json()["result"]["rows"]
