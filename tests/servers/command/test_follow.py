"""``--follow``: the submit is sent once, over any number of starts."""

import json
import signal

import pytest

WORDS = ("-d", "x=1", "--follow", "Location", "--interval", "10ms")
DONE = ("--jsonpath", "$.status=DONE")
ACCEPTED = (202, b'{"id": 7}', {"Location": "/jobs/7"})
RUNNING, FINISHED = (200, b'{"status": "RUNNING"}'), (200, b'{"status": "DONE"}')
NOBODY_KNOWS = "nobody knows whether the server has begun"


@pytest.fixture
def state(tmp_path):
    """Return the path of a checkpoint file that is not there yet."""
    return tmp_path / "state.json"


@pytest.fixture
def methods():
    """Return the methods and paths that a server has seen: ``methods(server)``."""
    return lambda server: [(each.method, each.path) for each in server.seen]


def test_a_submit_is_followed(serve, run, methods):
    """The command submits, polls the URL that was named, and writes the last body."""
    server = serve(ACCEPTED, paths={"/jobs/7": [RUNNING, FINISHED]})
    ended = run(server.url, *WORDS, *DONE)
    assert (ended.code, ended.out) == (0, FINISHED[1])
    job = f"{server.url.removesuffix('/endpoint')}/jobs/7"
    assert f"poll 1: waiting: Location is {job}; next in 10 ms" in ended.err
    assert methods(server) == [("POST", "/endpoint"), *[("GET", "/jobs/7")] * 2]


def test_several_places(serve, run, methods):
    """``--follow`` is repeatable: the first place that names a URL counts."""
    server = serve(ACCEPTED, paths={"/v1/jobs/7": [FINISHED]})
    places = ("--follow", "Operation-Location", "--follow", "/v1/jobs/{$.id}")
    assert run(server.url, "-d", "x", *places, *DONE).code == 0
    assert methods(server)[-1] == ("GET", "/v1/jobs/7")


def test_a_submit_that_names_no_url(serve, run, state):
    """The wait has ended, so the file is gone."""
    server = serve(202)
    ended = run(server.url, *WORDS, *DONE, "--checkpoint", state)
    assert ended.code == 1
    assert "the answer to the submit names no URL after 1 poll in " in ended.err
    assert not state.exists()


def test_a_redirect_that_made_a_get_of_a_submit(serve, run):
    """The text names the option that leaves the redirect to --follow."""
    server = serve((302, b"", {"Location": "/login"}), paths={"/login": [200]})
    ended = run(server.url, *WORDS, *DONE)
    assert ended.code == 1
    assert "; --no-location leaves the redirect to follow\n" in ended.err


def test_a_submit_that_breaks_is_not_sent_again(serve, run, state):
    """Connection errors are ignored by default, but not those of a submit."""
    server = serve(lambda handler: handler.reset())
    words = (server.url, *WORDS, *DONE, "--checkpoint", state)
    ended = run(*words)
    assert ended.code == 3
    assert ended.err.endswith(f"  POST {server.url}\n  {NOBODY_KNOWS}\n")
    content = state.read_bytes()

    again = run(*words)
    assert again.code == 2
    assert NOBODY_KNOWS in again.err
    assert "to submit again, remove the file" in again.err
    assert len(server.seen) == 1
    assert state.read_bytes() == content


def test_a_submit_that_is_cut_off_is_not_sent_again(serve, run, state):
    """The limit has ended the wait, but the file stays, because nobody knows."""
    server = serve(lambda handler: handler.hang())
    words = (server.url, *WORDS, *DONE, "--checkpoint", state)
    ended = run(*words, "--max-time", "300ms")
    assert ended.code == 124
    assert ended.err.count(NOBODY_KNOWS) == 1
    assert run(*words).code == 2
    assert len(server.seen) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_submit_that_is_killed_is_not_sent_again(
    serve, start, finish, run, until, state, number
):
    """The file is marked before the submit is sent."""
    server = serve(lambda handler: handler.hang())
    words = (server.url, *WORDS, *DONE, "--checkpoint", state)
    process = start(*words)
    until(lambda: server.seen)
    process.send_signal(number)
    ended = finish(process)
    if number == signal.SIGTERM:
        assert ended.err.endswith(f"{NOBODY_KNOWS}\n")
    assert run(*words).code == 2
    assert len(server.seen) == 1


def test_a_limit_after_the_submit_removes_the_file(serve, run, state):
    """The submit was answered, so that the next start may submit again."""
    server = serve(ACCEPTED)
    words = (*WORDS, *DONE, "--checkpoint", state, "--max-retries", "1")
    ended = run(server.url, *words)
    assert (ended.code, NOBODY_KNOWS in ended.err) == (124, False)
    assert not state.exists()


def test_one_poll_each_minute(serve, run, state, methods):
    """With ``--once`` each start makes one poll; the first one is the submit."""
    server = serve(ACCEPTED, paths={"/jobs/7": [RUNNING, FINISHED]})
    words = (server.url, *WORDS, *DONE, "--checkpoint", state, "--once")
    codes = []
    for _ in range(3):
        codes.append(run(*words).code)
        if state.exists():
            content = json.loads(state.read_text())
            content["checkpoint"] |= {"due": 0, "wait": 0}  # a minute later
            state.write_text(json.dumps(content))
    assert codes == [75, 75, 0]
    assert methods(server) == [("POST", "/endpoint"), *[("GET", "/jobs/7")] * 2]


def test_a_get_needs_no_mark(serve, run, state):
    """A GET that breaks can be sent again."""
    server = serve(lambda handler: handler.reset(), 200)
    words = ("--follow", "Location", "--status-code", "200", "--interval", "10ms")
    assert run(server.url, *words, "--checkpoint", state).code == 0
