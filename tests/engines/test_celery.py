"""Waits as Celery tasks: real workers, Redis and RabbitMQ."""

import importlib
import os
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis as redis_client

from httsleep import Alarm, GaveUp

PAGES = Path(__file__).parents[2] / "docs" / "howto"
LONGEST = 180  # seconds that a test waits for a result

#: The module of the page, with a visibility timeout that a test can wait for. Redis is
#: asked every two seconds, and not every 100, which messages are to be delivered again.
QUICK_JOBS = """
from celery_jobs import app

app.conf.broker_transport_options |= {
    "visibility_timeout": 20,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
}
"""


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request):
    """The URL of a broker, and after that of the other one."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def caller(broker, redis, monkeypatch, tmp_path):
    """The caller of the page, with this broker, and Redis for the results."""
    monkeypatch.setenv("CELERY_BROKER_URL", broker)
    monkeypatch.setenv("CELERY_RESULT_BACKEND", redis)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PAGES), str(tmp_path)]))
    (tmp_path / "quick_jobs.py").write_text(QUICK_JOBS)
    monkeypatch.syspath_prepend(PAGES)
    for name in ("celery_jobs", "celery_caller"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("celery_caller")
    yield module
    app = module.wait_for_job.app
    app.backend.result_consumer.stop()
    app.backend.client.connection_pool.disconnect()
    app.close()


@pytest.fixture
def worker(caller, run_process, wait_until, tmp_path):
    """A context manager that runs a worker; its log is printed if the test fails."""
    logs = []

    @contextmanager
    def worker(*options, module="celery_jobs"):
        log = tmp_path / f"worker{len(logs)}"
        logs.append(log)
        celery = [sys.executable, "-m", "celery", "-A", module, "worker"]
        celery += ["-n", log.name, "--loglevel", "INFO", *options]
        with run_process(log, *celery, cwd=tmp_path) as started:
            wait_until(lambda: "ready." in log.read_text(), 60, "the worker is up")
            yield started

    yield worker
    for log in logs:
        print(f"{log.name}:\n{log.read_text()[-20_000:]}")


@pytest.fixture
def send(caller, jobs):
    """A function that sends waits for so many jobs, and returns their results."""

    def send(number, *, polling_interval=0.2, **query):
        limits = {"polling_interval": polling_interval}
        return [
            caller.wait_for_job.delay(jobs.url(f"job{each}", **query), **limits)
            for each in range(number)
        ]

    return send


def rows(results):
    """Return what the jobs brought, when all have ended."""
    return [each.get(timeout=LONGEST) for each in results]


def test_each_wait_ends_after_its_polls(worker, send, jobs):
    """Of 200 waits none is lost, and none polls once too often."""
    results = send(200, polls=4)
    with worker("-c", "4"):
        assert rows(results) == [{"rows": 42}] * 200
    assert Counter(jobs.polls.values()) == {4: 200}


def test_the_exceptions_come_back_as_themselves(worker, caller, jobs):
    """An Alarm and a GaveUp of the worker are raised at the caller, with their text."""
    delay, limits = caller.wait_for_job.delay, {"polling_interval": 0.02}
    failing = delay(jobs.url("failing", polls=3, last="FAILED"), **limits)
    endless = delay(jobs.url("endless"), **limits, max_retries=61)
    with worker("-c", "2"):
        with pytest.raises(Alarm, match="after 3 polls in ") as alarm:
            failing.get(timeout=LONGEST)
        with pytest.raises(GaveUp, match="gave up after 61 polls in ") as gave_up:
            endless.get(timeout=LONGEST)
        assert caller.rows_of_job(jobs.url("done", polls=2), **limits) == 42
        text = caller.rows_of_job(jobs.url("again", polls=1, last="FAILED"))
    assert text.startswith("the job has failed: ")
    assert "'FAILED'" in str(alarm.value)
    assert "polls: 3 x 200 OK" in str(alarm.value)
    assert "$.status is 'RUNNING', not 'SUCCESS'" in str(gave_up.value)
    assert "polls: 61 x 200 OK" in str(gave_up.value)
    assert alarm.value.response is gave_up.value.limit is None
    assert jobs.polls == {"/failing": 3, "/endless": 61, "/done": 2, "/again": 1}


def test_no_wait_is_lost_when_its_worker_is_killed(
    worker, send, jobs, kill, wait_until, redis
):
    """After ``kill -9`` another worker goes on with all waits.

    RabbitMQ gives them to it at once, Redis after its visibility timeout. Of each of
    the four processes, the poll that was under way may be made again, and if the task
    of the next one was sent already, that one, too.
    """
    results = send(60, polls=4, polling_interval=2)
    with worker("-c", "4", module="quick_jobs") as first:
        wait_until(lambda: jobs.polls.total() >= 100, LONGEST, "100 polls")
        kill(first)
    assert jobs.polls.total() < 240
    with worker("-c", "4", module="quick_jobs"):
        assert rows(results) == [{"rows": 42}] * 60
    assert min(jobs.polls.values()) == 4
    assert jobs.polls.total() <= 240 + 4 * 4
    with redis_client.Redis.from_url(redis) as store:
        keys = store.keys("celery-task-meta-*")
    assert {key.decode().removeprefix("celery-task-meta-") for key in keys} == {
        result.id for result in results
    }


def test_one_worker_of_gevent_holds_500_waits(worker, send, jobs):
    """With ``-P gevent`` one process polls for 500 waits at a time."""
    results = send(500, polls=2, together=500)
    options = ["-P", "gevent", "-c", "500", "--without-gossip", "--without-heartbeat"]
    with worker(*options):
        assert rows(results) == [{"rows": 42}] * 500
    assert jobs.were_together
    assert Counter(jobs.polls.values()) == {2: 500}
