"""CPU time per poll: httsleep beside the loop that one would write by hand.

Every contender polls the same server on 127.0.0.1, and takes its turn in every round.
In each round it is a new process, because one process can be ten percent slower than
another, by where its memory happens to lie. Prints a table in reStructuredText: the
median, over the rounds, of the CPU time divided by that of the hand-written loop in the
same round. With ``--write`` the table replaces that of docs/speed.rst, and its bars are
drawn again.

The processes get an empty environment. That flatters the hand-written loop: at each
poll requests looks for proxies in every variable there is.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from itertools import count
from pathlib import Path
from statistics import median
from typing import Self

import bars

HERE = Path(__file__).parent
PUBLISHED = "httsleep 0.3.1"

#: The contenders with this in their names poll answers that do not change.
UNCHANGED = ", unchanged"

#: Bytes of a body -> polls of one run.
POLLS = {200: 300, 100_000: 100, 10_000_000: 6}
SIZES = tuple(POLLS)
#: Each group is measured against its first contender; the sizes that each one polls.
GROUPS = {
    "one condition": {
        "hand-written loop": SIZES,
        "httsleep": SIZES,
        "httsleep, unchanged": SIZES,
        "polling2": SIZES,
        "tenacity": SIZES,
        PUBLISHED: SIZES[:1],
        "http.client": SIZES[:1],
    },
    "eight conditions": {
        "hand-written loop, eight conditions": SIZES,
        "… and four find() beside": SIZES,
        "… and eight find() beside": SIZES,
        "httsleep, eight conditions": SIZES,
        "httsleep, eight conditions, unchanged": SIZES,
    },
    "every item": {
        "hand-written loop, every item": SIZES,
        "httsleep, every item": SIZES,
    },
    "sixteen conditions": {
        "hand-written loop and sixteen find()": SIZES,
        "httsleep, sixteen conditions": SIZES,
    },
}

#: (contender, size) -> seconds per poll, one for each round.
Times = dict[tuple[str, int], list[float]]


class Child:
    """A Python process that answers line by line; it ends with the ``with`` block."""

    def __init__(self, python: str, script: str, *args: str) -> None:
        self._process = subprocess.Popen(
            [python, str(HERE / script), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={"PYTHONUTF8": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.communicate()

    def ask(self, line: str) -> str:
        """Send ``line`` and return the line that comes back."""
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.read()

    def read(self) -> str:
        """The next line that the process prints."""
        assert self._process.stdout
        if line := self._process.stdout.readline():
            return line.strip()
        raise RuntimeError(f"{self._process.args!r} ended")


def install_published(folder: str) -> str:
    """Make an environment for the published httsleep and return its Python."""
    venv.create(folder, with_pip=True)
    python = str(Path(folder, "bin", "python"))
    same = [f"{name}=={version(name)}" for name in ("requests", "urllib3")]
    wanted = [PUBLISHED.replace(" ", "=="), *same]
    subprocess.run([python, "-m", "pip", "install", "-qq", *wanted], check=True)
    return python


def measure(rounds: int) -> Times:
    """Let the contenders take turns, and return the times of all rounds."""
    times: Times = {}
    keys = count()
    with (
        tempfile.TemporaryDirectory() as folder,
        Child(sys.executable, "server.py") as server,
    ):
        pythons = {PUBLISHED: install_published(folder)}
        port = server.read()
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            with ExitStack() as stack:
                children = {}
                for name in (name for group in GROUPS.values() for name in group):
                    python = pythons.get(name, sys.executable)
                    child = Child(python, "contenders.py", name)
                    children[name] = stack.enter_context(child)
                for name, size in turns(number):
                    kind = "same" if name.endswith(UNCHANGED) else "other"
                    key = f"{kind}{next(keys)}"
                    seconds = seconds_per_poll(server, port, children[name], size, key)
                    times.setdefault((name, size), []).append(seconds)
    return times


def turns(number: int) -> Iterator[tuple[str, int]]:
    """Whose turn it is in a round; the start moves on from round to round."""
    for group in GROUPS.values():
        for size in SIZES:
            names = [name for name, sizes in group.items() if size in sizes]
            start = number % len(names)
            for name in names[start:] + names[:start]:
                yield name, size


def seconds_per_poll(
    server: Child, port: str, child: Child, size: int, key: str
) -> float:
    """Let a contender poll, and check that it has polled exactly as often as it should.

    Before, it polls some times to get warm.

    :param key: keeps these polls apart from all others.
    """
    for polls in (max(POLLS[size] // 10, 2), POLLS[size]):
        path = f"/{size}/{polls}/{key}"
        seconds = float(child.ask(f"http://127.0.0.1:{port}{path}"))
        if int(server.ask(path)) != polls:
            raise RuntimeError(f"not {polls} polls of {size} bytes")
    return seconds / polls


def table(times: Times) -> Iterator[str]:
    """The lines of the list-table."""
    yield ".. list-table:: CPU time per poll; the hand-written loop is 1"
    yield "   :header-rows: 1"
    yield ""
    yield from row("", *(human(size) for size in SIZES))
    for title, group in GROUPS.items():
        yield from row(f"**{title}**", *("" for _ in SIZES))
        hand = next(iter(group))
        for name in group:
            cells = (ratio(times, name, hand, size) for size in SIZES)
            yield from row(name.replace(f", {title}", ""), *cells)


def row(*cells: str) -> Iterator[str]:
    """The lines of one row."""
    for number, cell in enumerate(cells):
        yield f"   {' ' if number else '*'} - {cell}".rstrip()


def ratio(times: Times, name: str, hand: str, size: int) -> str:
    """The median of the ratios that the rounds gave."""
    if name == hand:
        return f"1 ({median(times[hand, size]) * 1e3:.3g} ms)"
    if (name, size) not in times:
        return r"\-"  # a bare one would begin a list
    pairs = zip(times[name, size], times[hand, size], strict=True)
    return f"{median(mine / hands for mine, hands in pairs):.2f}"


def human(size: int) -> str:
    """``size`` bytes in a word."""
    for unit, bytes_ in (("MB", 10**6), ("kB", 10**3)):
        if size >= bytes_:
            return f"{size // bytes_} {unit}"
    return f"{size} bytes"


def machine() -> str:
    """What all this was measured on."""
    names = ("requests", "urllib3", "jsonpath-ng", "polling2", "tenacity")
    versions = (f"{name} {version(name)}" for name in names)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return ", ".join((where, python, *versions))


def write(printed: str) -> None:
    """Put what is printed in the place of the last print in the page, and draw it."""
    page, first = bars.PAGE.read_text(), printed.partition("\n")[0]
    last_print = rf"{re.escape(first)}.*?; median of \d+ rounds\.\n"
    bars.PAGE.write_text(re.sub(last_print, lambda _: printed, page, flags=re.DOTALL))
    bars.write(bars.pictures())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="CPU time per poll")
    parser.add_argument("--rounds", type=int, default=11, help="default: 11")
    parser.add_argument("--write", action="store_true", help="update docs/speed.rst")
    options = parser.parse_args()
    lines = list(table(measure(options.rounds)))
    under = f"{machine()}; median of {options.rounds} rounds."
    printed = "\n".join([*lines, "", under, ""])
    print(printed, end="")
    if options.write:
        write(printed)


if __name__ == "__main__":
    main()
