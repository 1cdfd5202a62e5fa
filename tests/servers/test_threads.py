"""Sleepers in several threads share neither cookies nor answers."""

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
    """Two runs whose polls alternate never send a cookie of each other."""
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


def test_the_runs_of_a_session_in_threads(serve, naps):
    """Forty runs that share the caller's session end with their own answers."""
    server = serve(lambda handler: (200, {"path": handler.path}))
    paths = [f"/{number}" for number in range(40)]
    with requests.Session() as session, ThreadPoolExecutor(4) as pool:

        def run(path):
            return httsleep(server.root + path, json={"path": path}, session=session)

        assert [each.json()["path"] for each in pool.map(run, paths)] == paths


def test_one_sleeper_runs_while_another_is_closed(serve, naps):
    """Closing one sleeper leaves the connection of another one open."""
    server = serve(202, 202, 200)
    other = HttSleeper(server.url, status_code=200)
    naps.during = lambda number: other.close()
    assert httsleep(server.url, status_code=200).status_code == 200
    assert server.connections == 1
