"""How many requests a polling interval costs, and how late it notices the end of a job.

    python docs/intervals.py            # prints the table of docs/howto/how-often.rst
    python docs/intervals.py --write    # also draws docs/_static/intervals-*.svg

The loop is that of httsleep. Its clock is moved by its sleeps alone, and a session
without a network answers 202 until a job is done, and 200 from then on. The lengths of
the jobs are log-normal, and 99 of 100 lie between 10 seconds and one hour.
"""

import argparse
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import exp, log, log10
from pathlib import Path
from statistics import NormalDist, fmean, quantiles
from typing import Any
from unittest.mock import patch

import requests
from drawing import both, circle, path, text, write

from httsleep import exponential, httsleep

JOBS = 200
SHORT, LONG = 10, 3600  # seconds, between which 99 of 100 jobs end

#: The intervals, as one writes them.
FIXED = ["1", "2", "5", "10", "30", "60"]
GROWING = [
    *("exponential(1)", "exponential(1, 1.5)", "exponential(1, 1.2)"),
    *("exponential(1, 1.1)", "exponential(1, 1.05)"),
]


def lengths() -> list[float]:
    """Return the seconds that the jobs take: equally probable ones, not random."""
    center, width = (log(SHORT) + log(LONG)) / 2, log(LONG) - log(SHORT)
    normal = NormalDist(center, width / 2 / NormalDist().inv_cdf(0.995))
    return [exp(normal.inv_cdf((job + 0.5) / JOBS)) for job in range(JOBS)]


class Clock:
    """A clock that only sleeps move."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@contextmanager
def virtual_clock() -> Iterator[Clock]:
    """Give httsleep a clock that costs no time."""
    clock = Clock()
    with (
        patch("httsleep.history.monotonic", clock.monotonic),
        patch("httsleep.main.sleep", clock.sleep),
    ):
        yield clock


class Job(requests.Session):
    """A job that ends after some seconds, and the server that tells so."""

    def __init__(self, clock: Clock, length: float) -> None:
        super().__init__()
        self.clock, self.length, self.requests = clock, length, 0

    def request(self, *_: Any, **__: Any) -> requests.Response:
        self.requests += 1
        response = requests.Response()
        response.status_code = 200 if self.clock.now >= self.length else 202
        response._content = b""
        return response


@dataclass(frozen=True)
class Cost:
    """The cost of an interval.

    :ivar requests: how many a job takes, on average.
    :ivar late: how late the end is noticed, as a share of the length, on average.
    :ivar mostly: the same share, which 19 of 20 jobs do not exceed.
    :ivar latest: seconds that no job exceeds.
    """

    requests: float
    late: float
    mostly: float
    latest: float


def cost(interval: Any) -> Cost:
    """Return the cost of an interval: all jobs are waited for, one by one."""
    polls, shares, seconds = [], [], []
    for length in lengths():
        with virtual_clock() as clock, Job(clock, length) as job:
            httsleep(
                "http://server/job",
                status_code=200,
                session=job,
                polling_interval=interval,
                max_retries=None,
            )
        polls.append(job.requests)
        shares.append((clock.now - length) / length)
        seconds.append(clock.now - length)
    return Cost(fmean(polls), fmean(shares), quantiles(shares, n=20)[-1], max(seconds))


def costs() -> dict[str, Cost]:
    """Return the cost of each interval."""
    names = {"exponential": exponential}
    return {written: cost(eval(written, names)) for written in [*FIXED, *GROWING]}


def table(found: dict[str, Cost]) -> str:
    """Return the costs as a table of reStructuredText."""
    rule = "  ".join(["=" * 24, "=" * 8, "=" * 7, "=" * 16, "=" * 6])
    head = ("polling_interval", "requests", "late", "19 of 20 at most", "latest")
    rows = [head]
    for written, each in found.items():
        shares = [f"{100 * share:.1f} %" for share in (each.late, each.mostly)]
        times = f"{each.requests:.0f}", *shares, f"{each.latest:.0f} s"
        rows.append((f"``{written}``", *times))
    lines = ["  ".join(map(str.ljust, row, map(len, rule.split("  ")))) for row in rows]
    lines = [rule, lines[0], rule, *lines[1:], rule]
    return "\n".join(line.rstrip() for line in lines) + "\n"


# The plot. Both axes are logarithmic.

HEIGHT = 440
LEFT, RIGHT, TOP, BOTTOM = 58, 410, 66, 382
X_RANGE, Y_RANGE = (6, 500), (0.012, 1.5)
X_TICKS, Y_TICKS = (10, 20, 50, 100, 200), (0.02, 0.05, 0.1, 0.2, 0.5, 1)


def x_of(requests_: float) -> float:
    """Return where a number of requests lies."""
    low, high = map(log10, X_RANGE)
    return LEFT + (log10(requests_) - low) / (high - low) * (RIGHT - LEFT)


def y_of(share: float) -> float:
    """Return where a share lies."""
    low, high = map(log10, Y_RANGE)
    return BOTTOM - (log10(share) - low) / (high - low) * (BOTTOM - TOP)


def grid() -> list[str]:
    """Return the lines and the numbers of both axes, and what they mean."""
    made = []
    for tick in X_TICKS:
        x = x_of(tick)
        made.append(path(f"M{x:.1f} {TOP}V{BOTTOM}", "grid"))
        made.append(text(x, BOTTOM + 20, str(tick), "middle"))
    for tick in Y_TICKS:
        y = y_of(tick)
        made.append(path(f"M{LEFT} {y:.1f}H{RIGHT}", "grid"))
        made.append(text(LEFT - 8, y + 5, f"{100 * tick:.0f} %", "end"))
    middle = (LEFT + RIGHT) / 2
    made.append(text(middle, HEIGHT - 14, "requests for a job, on average", "middle"))
    made.append(text(8, 22, "late by at most, in 19 of 20 jobs"))
    made.append(text(8, 42, "(share of the length of the job)"))
    return made


def mark(x: float, y: float, kind: str) -> str:
    """Return a disc for the first kind, and a square for the second."""
    if kind == "first":
        return circle(x, y, 5, kind)
    return path(f"M{x:.1f} {y:.1f}m-5-5h10v10h-10z", kind)


def series(kind: str, points: dict[str, Cost], above: Container[str]) -> list[str]:
    """Return a line through points, and the points with their labels.

    :param above: the labels that are above their point, to the right; the others are
        below it, to the left.
    """
    places = {
        label: (x_of(each.requests), y_of(each.mostly))
        for label, each in points.items()
    }
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places.values())
    made = [path(f"M{way}", f"{kind} line")]
    for label, (x, y) in places.items():
        made.append(mark(x, y, kind))
        if label in above:
            made.append(text(x + 8, y - 5, label, kind))
        else:
            made.append(text(x - 8, y + 17, label, f"{kind} end"))
    return made


def plots(found: dict[str, Cost]) -> dict[Path, str]:
    """Return the plots by the files that they belong in."""
    fixed = {f"{written} s": found[written] for written in FIXED}
    factors = ("2", "1.5", "1.2", "1.1", "1.05")
    growing = {
        f"\u00d7 {factor}": found[written]
        for factor, written in zip(factors, GROWING, strict=True)
    }
    shapes = [
        *grid(),
        *series("first", fixed, above=fixed),
        *series("second", growing, above=["\u00d7 2"]),
        text(x_of(62), y_of(0.26), "fixed interval", "first"),
        text(x_of(7), y_of(0.04), "exponential(1,", "second"),
        text(x_of(7), y_of(0.03), "factor)", "second"),
    ]
    title = "Requests against lateness of some polling intervals"
    return both("intervals", title, HEIGHT, shapes)


def main() -> None:
    """Print the table; with --write, draw the plots, too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="draw the plots, too")
    options = parser.parse_args()
    found = costs()
    print(table(found), end="")
    if options.write:
        write(plots(found))


if __name__ == "__main__":
    main()
