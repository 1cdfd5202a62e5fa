"""CPU time of ``import httsleep`` and of its command beside ``import requests``.

Each is run by a new interpreter, in turn; the median of the ratios of the rounds
counts. httsleep has to be installed: the checkout, whose modules may not be compiled,
is kept off the path.
"""

import os
import sys
from statistics import median

ROUNDS = 41
RUNS = {
    "import requests": ["-c", "import requests"],
    "import httsleep": ["-c", "import httsleep"],
    "httsleep --version": ["-m", "httsleep", "--version"],
}


def cpu_time(arguments: list[str]) -> float:
    """The seconds of CPU time of an interpreter with these arguments."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    command = [sys.executable, "-P", *arguments]
    pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"python {' '.join(arguments)} failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure and print."""
    times: dict[str, list[float]] = {name: [] for name in RUNS}
    for _ in range(ROUNDS):
        for name, taken in times.items():
            taken.append(cpu_time(RUNS[name]))
    base = times["import requests"]
    for name, taken in times.items():
        ratio = median(one / by for one, by in zip(taken, base, strict=True))
        print(f"{name}: {min(taken) * 1e3:.0f} ms, {ratio:.2f} times requests")


if __name__ == "__main__":
    main()
