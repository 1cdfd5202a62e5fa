"""The endpoint that is polled: a small HTTP server that counts, in its own process.

It prints its port, then answers each line on standard input, a path, with the number
of requests it has had for that path. It ends with its standard input.

``GET /SIZE/POLLS/RUN`` is a JSON document of about ``SIZE`` bytes whose status is
RUNNING, and SUCCESS from the ``POLLS``-th request for this very path on. ``RUN`` keeps
one run apart from the next; if it begins with ``same``, the answers before the last one
are all the same, else each has a number of its own.
"""

import functools
import json
import socket
import sys
import threading
from collections import Counter

FIRST = 10**9  # the number of an answer; all numbers have as many digits

seen: Counter[str] = Counter()


def main() -> None:
    """Serve until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=accept, args=[listener], daemon=True).start()
    for line in sys.stdin:
        print(seen[line.strip()], flush=True)


def accept(listener: socket.socket) -> None:
    """Give each connection a thread of its own."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=[connection], daemon=True).start()


def serve(connection: socket.socket) -> None:
    """Answer the requests of one connection until the client closes it."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as lines:
        while request_line := lines.readline():
            while lines.readline().strip():
                pass
            path = request_line.split()[1].decode()
            _, size, polls, run = path.split("/")
            seen[path] += 1
            done = seen[path] >= int(polls)
            sent = answer(int(size), "SUCCESS" if done else "RUNNING")
            if not run.startswith("same"):
                number = b"%d" % (FIRST + seen[path])
                sent = sent.replace(b"%d" % FIRST, number, 1)
            connection.sendall(sent)


@functools.cache
def answer(size: int, status: str) -> bytes:
    """A whole HTTP answer whose body has about ``size`` bytes."""
    item = {"id": 1000, "state": "queued", "done": False}
    count = max(1, (size - 52) // (len(json.dumps(item)) + 2))
    items = [{**item, "id": 1000 + number} for number in range(count)]
    body = json.dumps({"number": FIRST, "status": status, "items": items}).encode()
    head = (
        "HTTP/1.1 200 OK\r\n"
        "Server: benchmark\r\n"
        "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    main()
