"""CPU time of a first poll over TLS, and of its parts.

    python benchmarks/first_tls_poll.py

All ways take turns in one process, against the server of ``many_waits.py``. They trust
the CAs of certifi and one more, as ``verify`` usually does, and then that one alone.
Prints the medians over the rounds, and the ratios to requests by hand.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import requests
from one_session import files
from urllib3.util.ssl_ import create_urllib3_context

from httsleep import BoundedSession, HttSleeper

HERE = Path(__file__).parent
ROUNDS = 40
RUNNING = {"json": {"status": "RUNNING"}}


def by_hand(url: str, ca: str) -> None:
    """Make a session, send one request, look at the answer, and close the session."""
    with requests.Session() as session:
        response = session.get(url, timeout=30, verify=ca)
        assert response.json() == RUNNING["json"]


def on_bounded_session(url: str, ca: str) -> None:
    """Do the same with a BoundedSession."""
    with BoundedSession() as session:
        response = session.get(url, timeout=30, verify=ca)
        assert response.json() == RUNNING["json"]


def one_poll(url: str, ca: str) -> None:
    """Run a wait that succeeds at its first poll."""
    HttSleeper(url, RUNNING, verify=ca).run()


def without_tls(url: str, ca: str) -> None:
    """Make a sleeper, and close it."""
    with HttSleeper(url, RUNNING, verify=ca):
        pass


def load_cas(_: str, ca: str) -> None:
    """Make a TLS context that trusts the CAs."""
    create_urllib3_context().load_verify_locations(ca)


WAYS: dict[str, Callable[[str, str], None]] = {
    "requests by hand: one request": by_hand,
    "the same with a BoundedSession": on_bounded_session,
    "a wait that succeeds at its first poll": one_poll,
    "a sleeper made and closed": without_tls,
    "the CAs loaded": load_cas,
}


def measure(url: str, ca: str) -> None:
    """Let the ways take turns, and print a line for each."""
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for number in range(ROUNDS + 1):
        for name, way in WAYS.items():
            began = time.process_time()
            way(url, ca)
            if number:  # the first round is there to get warm
                times[name].append(time.process_time() - began)
    hand = next(iter(times.values()))
    for name, taken in times.items():
        ratio = median(a / b for a, b in zip(taken, hand, strict=True))
        print(f"  {name:40}{median(taken) * 1e3:6.2f} ms{ratio:6.2f}")


def main() -> None:
    """Start the server, and measure with many CAs and with one."""
    with tempfile.TemporaryDirectory() as folder:
        bundle, certificate = files(Path(folder))
        last = bundle.read_text().rpartition("-----BEGIN CERTIFICATE-----")
        single = Path(folder, "single")
        single.write_text("".join(last[1:]))
        serve = [sys.executable, HERE / "many_waits.py", "serve", "0", certificate]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(serve, **pipes) as server:
            url = f"https://127.0.0.1:{server.stdout.readline().strip()}/"
            for title, ca in (("certifi and one more", bundle), ("one CA", single)):
                print(title)
                measure(url, str(ca))
            server.communicate()


if __name__ == "__main__":
    main()
