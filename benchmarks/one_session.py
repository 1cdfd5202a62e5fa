"""Many waits over TLS: one BoundedSession for all, beside a session for each.

    python benchmarks/one_session.py

Both ways run the same waits in threads, each in a process of its own, against the
server of ``many_waits.py`` over TLS. Its certificate is from a CA that is made for the
run, and the waits trust that CA and all others of certifi, as ``verify`` usually does.
Prints the CPU time and the memory of both, and the ratios.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import certifi
import trustme
from many_waits import in_threads, used_memory

HERE = Path(__file__).parent


def measure(way: str, port: int, options: argparse.Namespace) -> tuple[float, float]:
    """Run the waits, and return the seconds of CPU time and the MiB of memory."""
    from httsleep import BoundedSession, HttSleeper

    delays = [options.interval * n / options.waits for n in range(options.waits)]
    warm_up(port, options)
    memory, cpu = used_memory(), time.process_time()
    session = BoundedSession(pool_maxsize=options.waits) if way == "one" else None
    sleepers = [
        HttSleeper(
            f"https://127.0.0.1:{port}/jobs/{number}",
            until={"json": {"status": "SUCCESS"}},
            polling_interval=options.interval,
            max_retries=options.polls,
            verify=options.ca,
            session=session,
        )
        for number in range(options.waits)
    ]
    in_threads(sleepers, delays)
    return time.process_time() - cpu, (used_memory() - memory) / 1024


def warm_up(port: int, options: argparse.Namespace) -> None:
    """Make one wait, so that all is imported and what is made once is made."""
    from httsleep import GaveUp, httsleep

    with suppress(GaveUp):
        url = f"https://127.0.0.1:{port}/"
        httsleep(url, text="never", max_retries=1, verify=options.ca)


def main() -> None:
    """Measure both ways, each in a process of its own, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--waits", type=int, default=300)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds")
    parser.add_argument("--polls", type=int, default=5, help="of each wait")
    for name in ("--way", "--ca"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    raise_the_limit_of_files()
    if options.way:
        print(*measure(options.way, options.port, options))
        return
    with tempfile.TemporaryDirectory() as folder:
        ca, certificate = files(Path(folder))
        rows = {
            way: in_a_process(way, ca, certificate, options) for way in ("own", "one")
        }
    print(f"{options.waits} waits of {options.polls} polls over TLS")
    for way, name in (("own", "a session each"), ("one", "one BoundedSession")):
        cpu, memory = rows[way]
        print(f"  {name:20}{cpu:8.2f} s of CPU time{memory:8.1f} MiB")
    ratios = [b / a for a, b in zip(rows["own"], rows["one"], strict=True)]
    print(f"  {'ratio':20}{ratios[0]:8.2f}{'':14}{ratios[1]:8.2f}")


def files(folder: Path) -> tuple[Path, Path]:
    """Return the paths of a CA bundle, and of a server's certificate with its key."""
    ca, bundle, certificate = trustme.CA(), folder / "bundle", folder / "certificate"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + ca.cert_pem.bytes())
    issued = ca.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    return bundle, certificate


def raise_the_limit_of_files() -> None:
    """Let a process open as many files as the machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def in_a_process(
    way: str, ca: Path, certificate: Path, options: Any
) -> tuple[float, float]:
    """Start a server and a process for one way, and return its two numbers."""
    serve = [sys.executable, HERE / "many_waits.py", "serve", "0.02", certificate]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(serve, **pipes) as server:
        words = ["--way", way, "--ca", ca, "--port", server.stdout.readline().strip()]
        for name in ("waits", "interval", "polls"):
            words += [f"--{name}", str(getattr(options, name))]
        done = subprocess.run(
            [sys.executable, __file__, *words],
            stdout=subprocess.PIPE,
            text=True,
        )
        server.communicate()
        done.check_returncode()
    cpu, memory = map(float, done.stdout.split())
    return cpu, memory


if __name__ == "__main__":
    main()
