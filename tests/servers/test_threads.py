"""Sleepers in several threads do not meet."""

import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from httsleep import HttSleeper, httsleep


def job(handler):
    """Three polls for each path: each answer counts in a cookie of the same name."""
    name = handler.path.strip("/")
    done = handler.headers.get("Cookie", "").count("x")
    cookie = {"Set-Cookie": f"who={name}{'x' * (done + 1)}; Path=/"}
    return (200 if done == 2 else 202, {"job": name}, cookie)


def test_two_sleepers_in_two_threads(serve, monkeypatch):
    """Neither sees a cookie of the other, however their polls interleave."""
    server = serve(job)
    both = threading.Barrier(2, timeout=10)
    monkeypatch.setattr("httsleep.main.sleep", lambda seconds: both.wait())
    with ThreadPoolExecutor(2) as pool:
        urls = [f"{server.root}/{name}" for name in "ab"]
        results = list(pool.map(lambda url: httsleep(url, status_code=200), urls))
    assert [response.json() for response in results] == [{"job": "a"}, {"job": "b"}]
    for name in "ab":
        sent = [s.headers.get("Cookie") for s in server.seen if s.path == f"/{name}"]
        assert sent == [None, f"who={name}x", f"who={name}xx"]


def test_many_sleepers_in_many_threads(serve, naps):
    """Forty runs in eight threads: each ends with its own answer, after three polls."""
    server = serve(job)
    names = [f"job{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        urls = [f"{server.root}/{name}" for name in names]
        results = list(pool.map(lambda url: httsleep(url, status_code=200), urls))
    assert [response.json()["job"] for response in results] == names
    assert len(server.seen) == 120
    for seen in server.seen:
        name = seen.path.strip("/")
        assert seen.headers.get("Cookie", "who=" + name).rstrip("x") == "who=" + name


def test_the_runs_of_a_session_in_threads(serve, naps):
    """Sleepers that share the caller's session end with their own answers too."""
    server = serve(lambda handler: (200, {"path": handler.path}))
    paths = [f"/{number}" for number in range(40)]
    with requests.Session() as session, ThreadPoolExecutor(4) as pool:

        def run(path):
            return httsleep(server.root + path, json={"path": path}, session=session)

        assert [each.json()["path"] for each in pool.map(run, paths)] == paths


def test_one_sleeper_runs_while_another_is_closed(serve, naps):
    """Closing a sleeper does not end the run of another one."""
    server = serve(202, 202, 200)
    other = HttSleeper(server.url, status_code=200)
    naps.during = lambda number: other.close()
    assert httsleep(server.url, status_code=200).status_code == 200
    assert server.connections == 1
