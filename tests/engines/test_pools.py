"""Waits in the processes of a pool, and as tasks of Dask."""

import importlib
import os
from pathlib import Path

import pytest
from dask.distributed import Client, Event, LocalCluster

from httsleep import Alarm, Cancelled, GaveUp, HttSleeper

PAGES = Path(__file__).parents[2] / "docs" / "howto"
LONGEST = 180  # seconds that a test waits for a result
QUICK = {"polling_interval": 0.1}


class Pool:
    """A pool of processes, as its page has it."""

    def __init__(self):
        self.page = importlib.import_module("pool_jobs")
        self._stop = self.page.spawn.Event()
        self._pool = self.page.pool(self._stop, 2)
        self.stop, self.submit = self._stop.set, self._pool.submit

    def close(self):
        self._pool.shutdown()


class Dask:
    """Two workers of Dask, each a process with one thread."""

    def __init__(self):
        self.page = importlib.import_module("dask_jobs")
        self._cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        )
        self._client = Client(self._cluster)
        self.stop = Event(self.page.STOP, client=self._client).set

    def submit(self, function, *args, **kwargs):
        return self._client.submit(function, *args, pure=False, **kwargs)

    def close(self):
        self._client.close()
        self._cluster.close()


@pytest.fixture(params=[Pool, Dask])
def engine(request, monkeypatch, tmp_path):
    """An engine, with the module of its page."""
    monkeypatch.syspath_prepend(PAGES)
    monkeypatch.setenv("PYTHONPATH", str(PAGES), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    engine = request.param()
    yield engine
    engine.close()


def test_results_and_exceptions_come_back(engine, jobs):
    """An exception has its text and its attributes, the answer included."""
    wait = engine.page.rows_of_job
    done = [
        engine.submit(wait, jobs.url(f"job{n}", polls=4), **QUICK) for n in range(8)
    ]
    failing = engine.submit(wait, jobs.url("failing", polls=2, last="FAILED"), **QUICK)
    endless = engine.submit(wait, jobs.url("endless"), **QUICK, max_retries=5)
    assert [each.result(timeout=LONGEST) for each in done] == [42] * 8
    with pytest.raises(Alarm, match="after 2 polls") as alarm:
        failing.result(timeout=LONGEST)
    assert alarm.value.response.json()["status"] == "FAILED"
    assert alarm.value.alarm == {"jsonpath": {"$.status": "FAILED"}}
    with pytest.raises(GaveUp, match="gave up after 5 polls") as gave_up:
        endless.result(timeout=LONGEST)
    assert (gave_up.value.limit, gave_up.value.attempts) == ("max_retries", 5)
    assert set(jobs.polls.values()) == {2, 4, 5}


def test_an_event_of_the_engine_stops_a_wait(engine, jobs, wait_until):
    """on_poll looks at the event, and raises Cancelled."""
    waits = [
        engine.submit(engine.page.rows_of_job, jobs.url(f"job{number}"), **QUICK)
        for number in range(2)
    ]
    wait_until(lambda: len(jobs.polls) == 2, LONGEST, "both waits are under way")
    engine.stop()
    for each in waits:
        with pytest.raises(Cancelled, match="stopped at poll "):
            each.result(timeout=LONGEST)


def test_a_sleeper_can_be_the_task(engine, jobs):
    """A sleeper that has polled here goes on with its wait there."""
    sleeper = HttSleeper(
        jobs.url("job", polls=3), jsonpath={"$.status": "SUCCESS"}, **QUICK
    )
    assert not sleeper.poll().met
    response = engine.submit(sleeper.run).result(timeout=LONGEST)
    assert response.json()["result"] == {"rows": 42}
    assert jobs.polls == {"/job": 3}


@pytest.mark.parametrize("engine", [Dask], indirect=True)
def test_cloudpickle_takes_a_lambda(engine, jobs):
    """Dask pickles a sleeper with a lambda, which pickle would refuse."""
    sleeper = HttSleeper(jobs.url("job", polls=1), callback=lambda response: True)
    assert engine.submit(sleeper.run).result(timeout=LONGEST).status_code == 200


@pytest.mark.parametrize("engine", [Dask], indirect=True)
def test_a_wait_that_secedes_holds_no_thread(engine, jobs):
    """Twenty waits are under way at a time in two threads."""
    waits = [
        engine.submit(
            engine.page.rows_of_job, jobs.url(f"job{n}", polls=2, together=20), **QUICK
        )
        for n in range(20)
    ]
    assert [each.result(timeout=LONGEST) for each in waits] == [42] * 20
    assert jobs.were_together
