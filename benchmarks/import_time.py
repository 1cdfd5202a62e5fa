"""CPU time of ``import httsleep`` and of its command beside ``import requests``.

Each is run by a new interpreter, in turn; the minimum counts. httsleep has to be
installed: the command looks its version up.
"""

import os
import sys

ROUNDS = 15
RUNS = {
    "import requests": ["-c", "import requests"],
    "import httsleep": ["-c", "import httsleep"],
    "httsleep --version": ["-m", "httsleep", "--version"],
}


def cpu_time(arguments: list[str]) -> float:
    """The seconds of CPU time of an interpreter with these arguments."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    command = [sys.executable, *arguments]
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
    best = {name: min(taken) for name, taken in times.items()}
    for name, seconds in best.items():
        ratio = seconds / best["import requests"]
        print(f"{name}: {seconds * 1e3:.0f} ms, {ratio:.2f} times requests")


if __name__ == "__main__":
    main()
