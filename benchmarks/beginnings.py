"""CPU time of what stands around the polls: beginnings and ends of waits.

    python benchmarks/beginnings.py

All ways take turns in one process, against a server on 127.0.0.1 whose answers are all
SUCCESS. Prints a table in reStructuredText: the median, over the rounds, of the CPU
time divided by that of the first row of its group in the same round. The server is a
process of its own, and sleeps take no time.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import requests

import httsleep.main
from httsleep import GaveUp, HttSleeper

HERE = Path(__file__).parent
POLLS = 20  # of the waits of which each poll counts
TIMES = 20  # that each way is taken in a round
SUCCESS = {"jsonpath": {"$.status": "SUCCESS"}}
RUNNING = {"jsonpath": {"$.status": "RUNNING"}}
EIGHT = [{"jsonpath": {f"$.items[0].state{number}": "lost"}} for number in range(7)]


def by_hand(url: str) -> None:
    """Make a session, send one request, look at the status, and close the session."""
    with requests.Session() as session:
        response = session.get(url, timeout=30)
        assert response.status_code == 200
        assert response.json()["status"] == "SUCCESS"


def first_poll(url: str) -> None:
    """Run a wait that succeeds at its first poll."""
    HttSleeper(url, SUCCESS).run()


def first_poll_eight(url: str) -> None:
    """Run such a wait with eight JSONPaths."""
    HttSleeper(url, SUCCESS, EIGHT).run()


def one_poll(url: str) -> None:
    """Make a sleeper, poll once, and close it."""
    with HttSleeper(url, RUNNING) as sleeper:
        sleeper.poll()


def no_poll(url: str) -> None:
    """Make a sleeper, and close it."""
    with HttSleeper(url, SUCCESS):
        pass


def in_run(url: str) -> None:
    """Run a wait of several polls."""
    sleeper = HttSleeper(url, RUNNING, polling_interval=0, max_retries=POLLS)
    try:
        sleeper.run()
    except GaveUp:
        return


def by_poll(url: str) -> None:
    """Make the same wait by ``poll()``."""
    sleeper = HttSleeper(url, RUNNING, polling_interval=0, max_retries=POLLS)
    with sleeper:
        try:
            while not sleeper.poll().met:
                pass
        except GaveUp:
            return


#: Each group is measured against its first way.
GROUPS: list[dict[str, Callable[[str], None]]] = [
    {
        "requests by hand: one request": by_hand,
        "a wait that succeeds at its first poll": first_poll,
        "… with eight JSONPaths": first_poll_eight,
        "a sleeper made, polled once and closed": one_poll,
        "a sleeper made and closed": no_poll,
    },
    {
        f"run(): {POLLS} polls": in_run,
        f"poll(): {POLLS} polls": by_poll,
    },
]


def seconds(way: Callable[[str], None], url: str) -> float:
    """Return the CPU time of taking a way some times."""
    began = time.process_time()
    for _ in range(TIMES):
        way(url)
    return time.process_time() - began


def rows(group: dict[str, Callable[[str], None]], rounds: int, url: str) -> list[str]:
    """Return the rows of a group: its ways take turns in each round."""
    times: dict[str, list[float]] = {name: [] for name in group}
    for number in range(rounds + 1):
        for name, way in group.items():
            took = seconds(way, url)
            if number:  # the first round is there to get warm
                times[name].append(took)
    first = next(iter(times.values()))
    cells = {
        name: f"{median(a / b for a, b in zip(each, first, strict=True)):.2f}"
        for name, each in times.items()
    }
    cells[next(iter(times))] = f"1 ({median(first) / TIMES * 1e3:.2f} ms)"
    return [f"{name:40}  {cell}" for name, cell in cells.items()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31, help="default: 31")
    rounds = parser.parse_args().rounds
    httsleep.main.sleep = lambda seconds: None
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, HERE / "server.py"], **pipes) as server:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/200/0/1"
        rule = f"{'=' * 40}  ========="
        lines = [line for group in GROUPS for line in rows(group, rounds, url)]
        server.communicate()
    print(rule, f"{'way':40}  CPU time", rule, *lines, rule, sep="\n")


if __name__ == "__main__":
    main()
