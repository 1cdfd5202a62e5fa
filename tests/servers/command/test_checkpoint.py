"""A wait over several processes: killed, stopped, by cron, and two at a time."""

import json
import os
import re
import signal
import stat

import pytest

OFTEN = ("--interval", "10ms")
WHY = "status_code is 503, not 2xx"


@pytest.fixture
def state(tmp_path):
    """Return the path of a checkpoint file that is not there yet."""
    return tmp_path / "state.json"


def polls(path):
    """Return the number of polls in a checkpoint file; 0 without one."""
    content = path.read_text() if path.exists() else ""
    return json.loads(content)["checkpoint"]["polls"] if content else 0


def test_a_wait_that_is_killed_goes_on(serve, start, finish, until, state):
    """After ``kill -9`` the next start counts on, and the limit holds for both."""
    server = serve(503)
    words = (server.url, "--checkpoint", state)
    first = start(*words, "--interval", "60s")
    until(lambda: polls(state) == 1)
    first.kill()
    finish(first)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600

    content = json.loads(state.read_text())
    content["checkpoint"] |= {"due": 0, "wait": 0}  # a minute later
    state.write_text(json.dumps(content))
    ended = finish(start(*words, *OFTEN, "--max-retries", "3"))
    assert ended.code == 124
    assert ended.err.startswith(f"httsleep: GET {server.url}: poll 2: waiting: {WHY};")
    assert "gave up after 3 polls in " in ended.err
    assert not state.exists()


def test_a_file_is_complete_whenever_its_command_is_killed(serve, start, state, until):
    """A kill at any moment leaves a checkpoint that the next start goes on from."""
    server = serve(503)
    words = (server.url, "--checkpoint", state, "--interval", "0", "-q")
    before = 0
    for more in range(8):
        process = start(*words, "--max-retries", "none")
        until(lambda least=before + more: polls(state) > least)
        process.kill()
        process.wait()
        assert polls(state) > before
        before = polls(state)
    leftovers = [name for name in os.listdir(state.parent) if name.startswith(".")]
    assert len(leftovers) <= 8  # of a kill between creation and replacement


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_file_stays_after_a_signal(serve, start, finish, until, state, number):
    """A wait that is stopped in a sleep or in a request can go on."""
    server = serve(503, lambda handler: handler.hang())
    words = (server.url, "--checkpoint", state, "--interval", "100ms")
    process = start(*words)
    until(lambda: len(server.seen) == 2)
    process.send_signal(number)
    assert finish(process).code == 128 + number
    assert polls(state) == 1


def test_the_file_is_gone_before_the_command_is_executed(serve, start, finish, state):
    """COMMAND finds no checkpoint file, and the lock on it is released."""
    server = serve(503, 200)
    script = ("sh", "-c", 'ls "$1" 2>/dev/null || echo gone', "sh", state)
    ended = finish(start(server.url, "--checkpoint", state, *OFTEN, "--", *script))
    assert (ended.code, ended.out) == (0, b"gone\n")


def test_only_one_of_many_starts_is_at_work(serve, start, finish, state):
    """Of starts at the same time one polls; the others end with 75 and say why."""
    server = serve(503, lambda handler: handler.hang())
    words = (server.url, "--checkpoint", state, *OFTEN)
    processes = [start(*words) for _ in range(6)]
    ends = []
    while len(ends) < 5:
        done = [each for each in processes if each.poll() is not None]
        for each in done:
            processes.remove(each)
            ends.append(finish(each))
    (at_work,) = processes
    at_work.terminate()
    assert finish(at_work).code == 143
    assert {ended.code for ended in ends} == {75}
    assert {ended.err for ended in ends} == {
        f"httsleep: {str(state)!r} is in use by another httsleep\n"
    }
    assert len(server.seen) == 2


def test_cron(serve, sh, state):
    """Starts with ``--once`` poll one after the other until the wait has ended."""
    server = serve(503, 503, (200, b"done\n"))
    script = """
        code=75
        while [ $code = 75 ]; do
          code=0
          httsleep "$URL" --checkpoint "$STATE" --once --interval 10ms -q || code=$?
          echo $code
        done
    """
    ended = sh(script, URL=server.url, STATE=str(state))
    lines = ended.out.split()
    assert lines[-2:] == [b"done", b"0"]
    assert {*lines[:-2]} == {b"75"}
    assert len(server.seen) == 3
    assert (ended.err, state.exists()) == ("", False)


def test_a_file_of_another_wait_stays(serve, run, state):
    """A file of another wait is a usage error: exit code 2, without a request."""
    server = serve(503)
    assert run(server.url, "--checkpoint", state, "--once").code == 75
    content = state.read_bytes()
    for words in ([f"{server.url}other"], [server.url, "--status-code", "200"]):
        ended = run(*words, "--checkpoint", state)
        assert ended.code == 2
        assert re.fullmatch("httsleep: .* of another wait; .*\n", ended.err)
    assert state.read_bytes() == content
    assert len(server.seen) == 1


def test_limits_and_credentials_may_change(serve, run, state):
    """The next start may have a new token, other limits and another display."""
    server = serve(503, 200)
    words = ["--checkpoint", state, *OFTEN, "--max-time", "1h"]
    first = run(server.url, *words, "--once", "-u", "me:old")
    second = run(server.url, *words, "--fail-fast", "-H", "Authorization: new", "-q")
    assert (first.code, second.code) == (75, 0)


def test_no_secret_is_in_the_file(serve, run, state):
    """The file holds no header, no password, no query and no body."""
    server = serve((503, b"body s3cret"))
    url = server.url.replace("//", "//me:s3cret@") + "?token=s3cret"
    words = ["-H", "Authorization: s3cret", "-d", "s3cret", "--text", "s3cret"]
    assert run(url, *words, "--checkpoint", state, "--once").code == 75
    assert "s3cret" not in state.read_text()
