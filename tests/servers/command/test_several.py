"""The command with several URLs: in pipes, in scripts, stopped, on a terminal."""

import json
import re
import signal
import threading
from time import monotonic

import pytest

OFTEN = ("--interval", "10ms")
WHY = "status_code is 503, not 2xx"
BUSY = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TTY = '<"$TTY" >"$TTY" 2>"$TTY"'
AT_ONCE = 5  # seconds; an upper bound for a busy machine, far below any timeout


def test_all_have_to_meet_the_condition_once(serve, run):
    """One that was met is not asked again; the bodies have the order of the URLs."""
    servers = [
        serve(503, 503, (200, b"first")),
        serve((200, b"second\n"), 503),
        serve(503, (200, b"third")),
    ]
    urls = [server.url for server in servers]
    ended = run(urls[0], *OFTEN, urls[1], urls[2])
    assert (ended.code, ended.out) == (0, b"first\nsecond\nthird\n")
    assert [len(server.seen) for server in servers] == [3, 1, 2]
    assert sorted(ended.err.splitlines()) == sorted(
        [
            *(
                f"httsleep: GET {urls[i]}: poll 1: waiting: {WHY}; next in 10 ms"
                for i in (0, 2)
            ),
            *(
                f"httsleep: GET {url}: poll {polls}: met: 200 OK"
                for url, polls in zip(urls, (3, 1, 2), strict=True)
            ),
        ]
    )


def test_the_options_are_those_of_all(serve, run):
    """Credentials, headers and data go to each URL."""
    servers = [serve(503, 200), serve(200)]
    words = ("-u", "user:word", "-H", "X-A: 1", "-d", "a=1", *OFTEN)
    ended = run(*(server.url for server in servers), *words, "-q")
    assert (ended.code, ended.out, ended.err) == (0, b"", "")
    seen = [each for server in servers for each in server.seen]
    assert [(each.method, each.body) for each in seen] == [("POST", b"a=1")] * 3
    headers = [(each.headers["X-A"], each.headers["Authorization"]) for each in seen]
    assert headers == [("1", "Basic dXNlcjp3b3Jk")] * 3


@pytest.mark.parametrize("tls_error", [False, True])
def test_a_failure_ends_a_slow_request(hang, bad, serve, start, finish, tls_error):
    """The first limit, alarm or failure ends all at once, in a request as well."""
    if tls_error:
        failing, options = serve(200).root.replace("http:", "https:"), ()
        code, text = 3, "failed in poll 1: SSLError: "
    else:
        failing, options = bad, ("--max-retries", "2", *OFTEN)
        code, text = 124, "gave up after 2 polls in "
    process = start(hang.url, failing, *options, "-q")
    began = monotonic()
    ended = finish(process)
    assert monotonic() - began < AT_ONCE
    assert (ended.code, ended.out) == (code, b"")
    first, second, *_ = ended.err.splitlines()
    assert first.startswith(f"httsleep: {text}")
    assert second == f"  GET {failing}"


def test_limits_count_for_each(serve, run):
    """Each URL has all polls of ``--max-retries``."""
    servers = [serve(503, 503, 200), serve(503, 503, 200)]
    words = ("--max-retries", "3", *OFTEN, "-qq")
    ended = run(*(server.url for server in servers), *words)
    assert (ended.code, ended.out, ended.err) == (0, b"", "")


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_all(serve, bad, hang, start, finish, asleep, number, code, word):
    """A signal ends sleeps and requests at once; the text has what is missing."""
    process = start(serve(200).url, bad, hang.url, "--interval", "60s")
    lines = [process.stderr.readline().decode() for _ in range(2)]
    assert any(f"GET {bad}: poll 1: waiting" in line for line in lines)
    assert any("met: 200 OK" in line for line in lines)
    assert hang.asked.wait(10)
    asleep(process)
    process.send_signal(number)
    began = monotonic()
    ended = finish(process)
    assert monotonic() - began < AT_ONCE
    assert (ended.code, ended.out) == (code, b"")
    assert ended.err == (
        f"httsleep: {word} while 2 of 3 URLs were waited for\n"
        f"  GET {bad}: poll 1: waiting: {WHY}\n"
        f"  GET {hang.url}: in poll 1\n"
    )


def test_a_command_after_all(serve, run):
    """COMMAND is run in place of httsleep, after the last URL has met the condition."""
    last = serve(503, 503, 200)
    process = run(
        serve(200).url, last.url, *OFTEN, "--", "sh", "-c", "echo $0 runs; exit 7"
    )
    assert (process.code, process.out) == (7, b"sh runs\n")
    assert len(last.seen) == 3
    assert process.err.splitlines()[-1].endswith("poll 3: met: 200 OK")


def test_a_failure_runs_no_command(serve, bad, run):
    """COMMAND is not run if one of the URLs fails."""
    ended = run(serve(200).url, bad, "--max-retries", "1", "--", "echo", "never")
    assert (ended.code, ended.out) == (124, b"")


def test_a_reader_that_has_enough(serve, sh):
    """A reader that stops early, or a closed stdout, is no error."""
    script = """
        exec 3>&1
        { httsleep "$A" "$B" -q; echo " $?" >&3; } | head -c 3
        httsleep "$A" "$B" -q >&-; echo $?
        httsleep "$A" "$B" -q >/dev/full || echo $?
    """
    body = (200, b"abc" + bytes(2**20))
    ended = sh(script, A=serve(body).url, B=serve(body).url)
    assert sorted(ended.out.split()) == [b"0", b"0", b"3", b"abc"]
    assert ended.err == (
        "httsleep: the body cannot be written: No space left on device\n"
    )


def test_stderr_that_takes_nothing(serve, sh):
    """A closed or full stderr does not change the end."""
    script = """
        httsleep "$A" "$B" 2>&-; echo $?
        httsleep "$A" "$B" 2>/dev/full; echo $?
    """
    ended = sh(script, A=serve((200, b"a")).url, B=serve((200, b"b")).url)
    assert (ended.out, ended.err) == (b"a\nb\n0\na\nb\n0\n", "")


def test_objects_for_machines(serve, bad, run):
    """Each poll is an object that names its URL; so is the end of a failure."""
    url = serve(200).url
    words = (*OFTEN, "--max-retries", "3", "--log-format", "json")
    *polls, end = map(json.loads, run(url, bad, *words).err.splitlines())
    requests = sorted(each["request"] for each in polls)
    assert requests == sorted([f"GET {url}", *[f"GET {bad}"] * 3])
    assert (end["request"], end["exit_code"]) == (f"GET {bad}", 124)


def test_no_secret_is_shown(serve, start, finish):
    """Neither the name on a line nor a refused word shows a secret."""
    urls = [f"{serve(503).url}?token=s3cret&n={n}" for n in range(2)]
    ended = finish(start(*urls, "-v", "--max-retries", "2", *OFTEN))
    refused = finish(start(*urls, "-H", "Authorization:", "Bearer", "s3cret"))
    assert (ended.code, refused.code) == (124, 2)
    assert "s3cret" not in ended.err + refused.err


# On a terminal


def test_each_has_a_line(serve, terminal):
    """The lines stand below each other; one that is met leaves a dim line above."""
    go = [threading.Event(), threading.Event()]
    servers = [
        serve(BUSY, lambda _: go[0].wait(10) and (200, b"one")),
        serve(BUSY, lambda _: go[1].wait(10) and (200, b"two")),
    ]
    names = [server.url.removeprefix("http://") for server in servers]
    words = ("--interval", "10ms", "--max-retries", "9")
    shown = terminal(*(server.url for server in servers), *words, columns=120)
    for name in names:
        line = shown.until(name, "poll 2 of 9", "503 Busy", "polling")
        assert len(line) < 119
    assert len(shown.lines) == 2
    go[1].set()
    met = shown.until(f"{names[1]}: met after 2 polls in ")
    shown.until(names[0], "poll 2 of 9")
    assert [line.split()[0].strip("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏") for line in shown.lines] == [
        f"{names[1]}:",
        "",
    ]
    go[0].set()
    assert shown.end() == 0
    second, first, *bodies = shown.lines
    assert second == met
    assert re.fullmatch(rf"{names[0]}: met after 2 polls in [\d.]+ m?s: 200 OK", first)
    assert bodies == ["one", "two"]
    assert shown.raw.count(b"\x1b[2m" + names[0].encode() + b": met") == 1
    assert not shown.screen.cursor.hidden


def test_ctrl_c_on_a_terminal_ends_the_script(bad, hang, terminal):
    """Ctrl-C ends sleeps, requests and the script of bash around the command."""
    script = f"""exec bash -c '"$@"; echo it goes on' bash "$@" {TTY};"""
    shown = terminal(bad, hang.url, "--interval", "60s", before=script, columns=120)
    shown.until("503", "next in")
    assert hang.asked.wait(10)
    shown.type(b"\x03")
    assert shown.end() == 130
    first, *rest = shown.lines
    start = "httsleep: interrupted while 2 of 2 URLs were waited for"
    assert first.removeprefix("^C") == start
    assert rest == [
        f"  GET {bad}: poll 1: waiting: {WHY}",
        f"  GET {hang.url}: in poll 1",
    ]
    assert not shown.screen.cursor.hidden


def test_a_failure_on_a_terminal(serve, bad, hang, terminal):
    """The lines of the others disappear, but for those that were met."""
    ok = serve(200)
    words = ("--interval", "200ms", "--max-retries", "2")
    shown = terminal(hang.url, bad, ok.url, *words)
    assert shown.end() == 124
    name = ok.url.removeprefix("http://")
    met, why, request, *_ = shown.lines
    assert met.startswith(f"{name}: met after 1 poll in ")
    assert why.startswith("httsleep: gave up after 2 polls in ")
    assert request == f"  GET {bad}"
    assert not shown.screen.cursor.hidden
