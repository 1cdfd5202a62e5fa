"""A wait of which each poll is made in a process of its own ends as one run does."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from httsleep import HttSleeper, HttSleepError

pytestmark = pytest.mark.once

FOLDER = str(Path(__file__).parent)
#: Makes one poll, and prints what came of it as JSON.
ONE_POLL = """
import json, sys
sys.path[:0] = json.loads(sys.argv[3])
from test_processes import end, sleeper
sleeper = sleeper(sys.argv[1])
sleeper.checkpoint = json.loads(sys.argv[2])
came = end(sleeper.poll)
print(json.dumps([*came, sleeper.checkpoint]))
"""
#: What the server answers, and how often, compared with the others.
ANSWERS = {
    (503, b'{"state": "queued"}'): 3,
    (200, b'{"state": "running"}'): 5,
    (200, b'{"state": "done"}'): 3,
    (500, b'{"state": "running"}'): 2,
    (202, b'{"state": "running"}', (("Location", "/jobs/2"),)): 2,
    (200, b"<html>"): 1,
    "reset": 2,
}


def sleeper(url):
    """Return the sleeper of all processes."""
    return HttSleeper(
        requests.Request("POST", url, data=b"x"),
        follow="Location",
        until={"jsonpath": {"$.state": "done"}, "consecutive": 2},
        alarms={"status_code": 500, "consecutive": 2},
        ignore_exceptions=[ConnectionError],
        polling_interval=0,
        max_retries=12,
    )


def end(poll):
    """Return the name and the text of what a poll raises, or its number and outcome."""
    try:
        came = poll()
    except HttSleepError as exc:
        return type(exc).__name__, str(exc)
    if isinstance(came, requests.Response):
        return "met", ""
    return came.outcome, ""


def script(seed):
    """Return the answers of a server: first that to the submit."""
    pick = random.Random(seed)
    kinds = pick.choices(list(ANSWERS), ANSWERS.values(), k=20)
    kinds = [
        (lambda handler: handler.reset())
        if kind == "reset"
        else (*kind[:2], dict(*kind[2:]))
        for kind in kinds
    ]
    return (202, b"{}", {"Location": "/jobs/1"}), kinds


@pytest.mark.parametrize("seed", range(4))
def test_each_poll_in_another_process(serve, seed):
    """The polls, the end, and all of its account but the times are the same."""
    accepted, kinds = script(seed)
    paths = {"/jobs/1": kinds, "/jobs/2": kinds[::-1]}
    # Without kept connections, on which a request that breaks may be sent once more.
    once, apart = [serve(accepted, paths=paths, protocol="HTTP/1.0") for _ in "12"]
    with sleeper(once.url) as whole:
        expected = end(whole.run)

    checkpoint, came = None, ["waiting"]
    while came[0] in ("waiting", "ignored"):
        words = [apart.url, json.dumps(checkpoint), json.dumps([FOLDER, *sys.path])]
        ran = subprocess.run(
            [sys.executable, "-c", ONE_POLL, *words], capture_output=True, check=True
        )
        *came, checkpoint = json.loads(ran.stdout)
    assert checkpoint is None
    assert came[0] == expected[0]
    assert [(each.method, each.path) for each in apart.seen] == [
        (each.method, each.path) for each in once.seen
    ]
    assert account(came[1], apart) == account(expected[1], once)


def account(text, server):
    """Return the lines about the whole of a wait, without times and the port."""
    text = text.replace(str(server.port), "PORT")
    head, *lines = text.splitlines() or [""]
    kept = [line for line in lines if line.startswith(("  POST", "  polls: "))]
    return [head.partition(" in ")[0], *kept]
