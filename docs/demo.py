"""Poll a real endpoint on this machine and see what httsleep does.

    python docs/demo.py

Starts a small job server as a process of its own on a free port of 127.0.0.1, waits for
four jobs on it, and prints what a user sees of each: three times from Python, once from
the shell. Takes about eight seconds.
"""

import json
import os
import socket
import subprocess
import sys
import time
import traceback
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What the server answers to the polls of a job, in turn; the last one for good.
PAGE = (503, "text/html", "<html><title>Service Unavailable</title></html>")
JOBS = {
    "/jobs/1": [
        PAGE,
        (200, "application/json", '{"status": "RUNNING", "progress": 40}'),
        (200, "application/json", '{"status": "RUNNING", "progress": 80}'),
        (200, "application/json", '{"status": "SUCCESS", "rows": 1234}'),
    ],
    "/jobs/2": [
        (200, "application/json", '{"status": "RUNNING"}'),
        (200, "application/json", '{"status": "FAILED", "error": "disk full"}'),
    ],
    "/jobs/3": [(200, "application/json", '{"status": "QUEUED", "queue": 7}')],
    "/jobs/4": [
        PAGE,
        (200, "application/json", '{"status": "RUNNING", "progress": 40}'),
        (200, "application/json", '{"status": "SUCCESS", "rows": 1234}\n'),
    ],
}


def serve(port: int) -> None:
    """Refuse connections for a second, then serve the jobs, for 30 seconds at most."""
    polls: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answers = JOBS[self.path]
            status, kind, body = answers[min(polls[self.path], len(answers) - 1)]
            polls[self.path] += 1
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    time.sleep(1)
    end = time.monotonic() + 30
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads, server.timeout = True, 0.5
        while time.monotonic() < end:
            server.handle_request()


SCENES = {
    "A job that succeeds, on a server that is still starting": """
resp = httsleep('http://127.0.0.1:{port}/jobs/1',
                until={{'status_code': 200,
                       'jsonpath': {{'$.status': 'SUCCESS'}}}},
                ignore_exceptions=[ConnectionError],
                polling_interval=0.4, max_time=10, on_poll=print)
""",
    "A job that fails: an alarm ends the wait": """
resp = httsleep('http://127.0.0.1:{port}/jobs/2',
                jsonpath={{'$.status': 'SUCCESS'}},
                alarms={{'jsonpath': {{'$.status': 'FAILED'}}}},
                polling_interval=0.4, max_time=10, on_poll=print)
""",
    "A job that never ends: httsleep gives up, and says why": """
resp = httsleep('http://127.0.0.1:{port}/jobs/3',
                jsonpath={{'$.status': 'SUCCESS'}},
                polling_interval=0.4, max_time=1.5, on_poll=print)
""",
}

COMMAND = "httsleep 127.0.0.1:{port}/jobs/4 --jsonpath '$.status=SUCCESS' --interval 1s"


def show(port: int) -> None:
    """Run each scene with the library, and print the call and what came of it."""
    import httsleep

    for title, source in SCENES.items():
        call = source.format(port=port).strip()
        print(f"\n=== {title} ===\n\n{call}\n")
        names = {"httsleep": httsleep.httsleep}
        try:
            exec(call, names)
        except httsleep.HttSleepError as error:
            print("\n" + "".join(traceback.format_exception_only(error)).rstrip())
        else:
            print("\n" + json.dumps(names["resp"].json()))


def show_command(port: int) -> None:
    """Run the command in a shell, and print what was typed and what came of it."""
    typed = COMMAND.format(port=port)
    print(f"\n=== The same from the shell ===\n\n$ {typed}\n", flush=True)
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    subprocess.run(typed, shell=True, check=True, env=os.environ | {"PATH": path})


def main() -> None:
    """Start the server as a process of its own, show, and end it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, __file__, "serve", str(port)])
    try:
        show(port)
        show_command(port)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    else:
        main()
