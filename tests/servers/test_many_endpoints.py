"""Thousands of waits in one process, as docs/howto/many-endpoints has them."""

import ast
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import requests
from jsonpath_ng.ext import parse

import httsleep
from httsleep import Alarm, BoundedSession, GaveUp, HttSleeper

STATUS = parse("$.status")  # once, because each takes half a millisecond
HOWTO = Path(__file__).parents[2] / "docs" / "howto"


@pytest.fixture
def wait_for_all():
    """The function of docs/howto/scheduler.py."""
    spec = importlib.util.spec_from_file_location("scheduler", HOWTO / "scheduler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.wait_for_all


class Jobs(requests.Session):
    """Jobs without a network, which count their polls.

    Job ``n`` ends after ``n % 3 + 1`` polls; each tenth has failed then, and each
    hundredth never ends.
    """

    def __init__(self):
        super().__init__()
        self.polls = Counter()

    def status(self, number):
        """Return the status of a job that is polled now."""
        self.polls[number] += 1
        if number % 100 == 0 or self.polls[number] <= number % 3:
            return "RUNNING"
        return "SUCCESS" if number % 10 else "FAILED"

    def request(self, method, url, **_):
        number = number_of(url)
        response = requests.Response()
        response.status_code = 200
        document = {"id": number, "status": self.status(number)}
        response._content = json.dumps(document).encode()
        return response


def number_of(url):
    return int(url.rpartition("/")[2])


def sleepers_for(root, count, **settings):
    """Return sleepers for the first jobs."""
    return [
        HttSleeper(
            f"{root}/jobs/{number}",
            jsonpath={"expression": STATUS, "value": "SUCCESS"},
            alarms={"jsonpath": {"expression": STATUS, "value": "FAILED"}},
            polling_interval=0.05,
            max_retries=4,
            **settings,
        )
        for number in range(count)
    ]


def check(jobs, count, results):
    """Check that each wait has ended once, as its job has, with its polls."""
    found = {number_of(sleeper.request.url): result for sleeper, result in results}
    assert len(results) == len(found) == count
    for number, result in found.items():
        if number % 100 == 0:
            assert isinstance(result, GaveUp)
            assert (result.limit, result.attempts) == ("max_retries", 4)
        elif number % 10 == 0:
            assert isinstance(result, Alarm)
            assert result.attempts == number % 3 + 1
        else:
            assert result.json() == {"id": number, "status": "SUCCESS"}
        assert jobs.polls[number] == (number % 3 + 1 if number % 100 else 4)


@pytest.fixture
def jobs():
    """The jobs, and how often each was polled."""
    with Jobs() as jobs:
        yield jobs


@pytest.fixture
def job_server(serve, jobs):
    """A server with these jobs."""

    def answer(handler):
        number = number_of(handler.path)
        return 200, {"id": number, "status": jobs.status(number)}

    return serve(answer)


def test_two_thousand_waits(jobs, wait_for_all):
    """Each wait ends as its job does, with exactly the polls that this takes."""
    sleepers = sleepers_for("http://server", 2000, session=jobs)
    check(jobs, 2000, list(wait_for_all(sleepers, spread=0.1)))


def test_waits_share_a_session(jobs, job_server, wait_for_all):
    """Many sleepers on one session need no more connections than there are workers."""
    with BoundedSession(pool_maxsize=8) as session:
        sleepers = sleepers_for(job_server.root, 400, session=session)
        check(jobs, 400, list(wait_for_all(sleepers, workers=8, spread=0.1)))
    assert job_server.connections <= 8


def test_each_wait_closes_its_session(jobs, job_server, wait_for_all):
    """A wait that has ended leaves no connection open, however it ended."""
    results = list(wait_for_all(sleepers_for(job_server.root, 40), spread=0.1))
    check(jobs, 40, results)
    for _ in range(40):
        assert job_server.eof.acquire(timeout=10)


def test_a_request_that_fails_ends_its_wait_alone(job_server, wait_for_all):
    """An exception of requests is the result of its wait; the others go on."""
    root = job_server.root
    urls = [f"{root}/jobs/1", "http://127.0.0.1:1/", f"{root}/jobs/2"]
    sleepers = [HttSleeper(url, status_code=200) for url in urls]
    results = dict(wait_for_all(sleepers, spread=0))
    assert [results[sleepers[index]].status_code for index in (0, 2)] == [200, 200]
    assert isinstance(results[sleepers[1]], requests.ConnectionError)


def test_no_sleeper_is_no_wait(wait_for_all):
    """Without a sleeper nothing is waited for."""
    assert list(wait_for_all([])) == []


def test_the_scheduler_is_short():
    """Its function has at most 25 lines, without the empty ones and the docstring."""
    text = (HOWTO / "scheduler.py").read_text()
    (function,) = (
        each for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)
    )
    lines = text.splitlines()[function.body[0].end_lineno : function.end_lineno]
    assert 1 + len([line for line in lines if line]) <= 25


def test_gevent(job_server, plain_environment, monkeypatch):
    """Hundreds of greenlets wait at the same time, each for its own answer."""
    urls = [f"{job_server.root}/jobs/{number}" for number in range(300) if number % 10]
    monkeypatch.setenv("PYTHONPATH", str(Path(httsleep.__file__).parent.parent))
    words = [sys.executable, HOWTO / "gevent_waits.py", *urls]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=25)
    assert done.returncode == 0
    lines = sorted(done.stdout.splitlines())
    assert lines == sorted(f"{url} <Response [200]>" for url in urls)
