"""Many waits in one process: what each way of it costs, and how late its polls are.

    python benchmarks/many_waits.py                       # all ways, 1000 waits each
    python benchmarks/many_waits.py scheduler --waits 2000

Each way has a process of its own, and so has the server, on 127.0.0.1, which takes some
time for each answer. All waits begin within one interval, and each makes the same
number of polls. Prints a table in reStructuredText:

* polls per second, and the CPU time for them as a share of one core;
* lateness: how much later an answer is there than after the interval and the time that
  the server takes;
* memory for each wait, and how many files were open at most.
"""

import argparse
import asyncio
import os
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from typing import Any

HERE = Path(__file__).parent
COLUMNS = ("waits", "polls/s", "core", "p50", "p99", "memory", "files")


# The server.


def serve(latency: float, certificate: str = "") -> None:
    """Answer RUNNING to everything, after some seconds, until the input ends.

    :param certificate: the path of a certificate with its key; empty for plain HTTP.
    """
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
    if tls is not None:
        tls.load_cert_chain(certificate)
    body = b'{"status": "RUNNING"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def answer(reader: Any, writer: Any) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(latency)
            writer.write(head + body)

    async def main() -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)  # clients that have gone
        await asyncio.start_server(answer, sock=listener, ssl=tls)
        print(listener.getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)

    asyncio.run(main())


# The ways. Each runs the sleepers to their ends.


def run_to_end(sleeper: Any, delay: float) -> None:
    """Run one wait, which gives up after its polls."""
    from httsleep import GaveUp

    time.sleep(delay)
    with suppress(GaveUp):
        sleeper.run()


def in_threads(sleepers: list[Any], delays: list[float]) -> None:
    """Give each wait a thread."""
    with ThreadPoolExecutor(len(sleepers)) as pool:
        list(pool.map(run_to_end, sleepers, delays))


def in_scheduler(sleepers: list[Any], delays: list[float]) -> None:
    """Let the scheduler of the documentation poll, in 32 threads."""
    sys.path.insert(0, str(HERE.parent / "docs" / "howto"))
    from scheduler import wait_for_all

    for _ in wait_for_all(sleepers, workers=32, spread=delays[-1]):
        pass


def in_gevent(sleepers: list[Any], delays: list[float]) -> None:
    """Give each wait a greenlet."""
    import gevent

    gevent.joinall(
        [gevent.spawn(run_to_end, *each) for each in zip(sleepers, delays, strict=True)]
    )


def in_asyncio(sleepers: list[Any], delays: list[float], workers: int = 0) -> None:
    """Give each wait a task, which polls in a thread.

    :param workers: how many threads; 0 leaves that to asyncio.
    """
    from httsleep import GaveUp

    async def run(sleeper: Any, delay: float) -> None:
        await asyncio.sleep(delay)
        with suppress(GaveUp):
            while not (attempt := await asyncio.to_thread(sleeper.poll)).met:
                await asyncio.sleep(attempt.next_wait)

    async def main() -> None:
        if workers:
            executor = ThreadPoolExecutor(workers)
            asyncio.get_running_loop().set_default_executor(executor)
        await asyncio.gather(*map(run, sleepers, delays))

    asyncio.run(main())


def in_asyncio_with_an_executor(sleepers: list[Any], delays: list[float]) -> None:
    """Give each wait a task, which polls in one of 32 threads."""
    in_asyncio(sleepers, delays, workers=32)


WAYS = {
    "threads": in_threads,
    "scheduler": in_scheduler,
    "gevent": in_gevent,
    "asyncio": in_asyncio,
    "asyncio, 32 threads": in_asyncio_with_an_executor,
}


# The measurement.


class Files:
    """The largest number of files that were open at a time."""

    def __init__(self) -> None:
        self.most = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at the open files, twice a second."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.5):
                self.most = max(self.most, len(os.listdir("/proc/self/fd")))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def recorder(late: list[float], latency: float) -> Callable[[Any], None]:
    """Return an ``on_poll`` that notes how late each poll is."""
    expected = None

    def note(attempt: Any) -> None:
        nonlocal expected
        if expected is not None:
            late.append(attempt.elapsed - expected)
        if attempt.next_wait is not None:
            expected = attempt.elapsed + attempt.next_wait + latency

    return note


def measure(way: str, port: int, options: argparse.Namespace) -> dict[str, str]:
    """Run many waits, and return the columns of the table."""
    if way == "gevent":
        from gevent import monkey

        monkey.patch_all()
    from httsleep import HttSleeper

    late: list[float] = []
    delays = [options.interval * n / options.waits for n in range(options.waits)]
    memory, cpu, began = used_memory(), time.process_time(), time.monotonic()
    sleepers = [
        HttSleeper(
            f"http://127.0.0.1:{port}/jobs/{number}",
            until={"jsonpath": {"$.status": "SUCCESS"}},
            polling_interval=options.interval,
            max_retries=options.polls,
            ignore_exceptions=[ConnectionError, TimeoutError],  # of too many waits
            on_poll=recorder(late, options.latency),
        )
        for number in range(options.waits)
    ]
    files = Files()
    with files.watched():
        WAYS[way](sleepers, delays)
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    shares = quantiles(late, n=100)
    return {
        "waits": f"{options.waits}",
        "polls/s": f"{options.waits * options.polls / took:.0f}",
        "core": f"{cpu / took:.2f}",
        "p50": f"{1000 * shares[49]:.0f} ms",
        "p99": f"{1000 * shares[98]:.0f} ms",
        "memory": f"{(used_memory() - memory) / options.waits:.0f} KiB",
        "files": f"{files.most}",
    }


def used_memory() -> int:
    """Return the largest memory of this process so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Measure the ways, each in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ways", nargs="*", metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--waits", type=int, default=1000)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds")
    parser.add_argument("--polls", type=int, default=10, help="of each wait")
    parser.add_argument("--latency", type=float, default=0.02, help="of the server")
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.port:
        (way,) = options.ways
        print(*measure(way, options.port, options).values(), sep=";")
        return
    rows = [["way", *COLUMNS]]
    rows += [[way, *in_a_process(way, options)] for way in options.ways or WAYS]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * max(width, 3) for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    print("\n".join([rule, lines[0], rule, *lines[1:], rule]))


def in_a_process(way: str, options: argparse.Namespace) -> list[str]:
    """Start a server and a process for one way, and return its row."""
    python = [sys.executable, __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*python, "serve", str(options.latency)], **pipes) as server:
        words = [way, "--port", server.stdout.readline().strip()]
        for name in ("waits", "interval", "polls", "latency"):
            words += [f"--{name}", str(getattr(options, name))]
        done = subprocess.run([*python, *words], stdout=subprocess.PIPE, text=True)
        server.communicate()
        done.check_returncode()
    return done.stdout.strip().split(";")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(float(sys.argv[2]), *sys.argv[3:])
    else:
        main()
