"""CPU time of ``import httsleep`` beside that of ``import requests``.

Each is imported by a new interpreter, in turn; the minimum counts.
"""

import os
import sys

ROUNDS = 15


def cpu_time(module: str) -> float:
    """The seconds of CPU time of an interpreter that imports ``module`` and ends."""
    command = [sys.executable, "-c", f"import {module}"]
    pid = os.posix_spawn(sys.executable, command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"import {module} failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure and print."""
    times: dict[str, list[float]] = {"requests": [], "httsleep": []}
    for _ in range(ROUNDS):
        for module, taken in times.items():
            taken.append(cpu_time(module))
    best = {module: min(taken) for module, taken in times.items()}
    for module, seconds in best.items():
        ratio = seconds / best["requests"]
        print(f"import {module}: {seconds * 1e3:.0f} ms, {ratio:.2f} times requests")


if __name__ == "__main__":
    main()
