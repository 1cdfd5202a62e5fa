"""The command as it is used: in pipes, in scripts of sh, before a server, stopped."""

import fcntl
import json
import os
import re
import signal
import ssl
import struct
import subprocess
import sys
import termios
from base64 import b64encode
from importlib import metadata

import pytest

OFTEN = ("--interval", "10ms")
TWICE = (*OFTEN, "--max-retries", "2")
BODY = bytes(range(256)) * 16384  # 4 MiB
MET = "httsleep: GET {}: poll 1: met: 200 OK\n"
WHY = "status_code is 503, not 2xx"
WAITING = f"httsleep: GET {{}}: poll 1: waiting: {WHY}; next in 10 ms\n"
GAVE_UP = """\
httsleep: gave up after 2 polls in {1}: --max-retries 2 is reached
  GET {0}
  last answer (poll 2): 503 Service Unavailable, no body
  not met: status_code is 503, not 2xx
  polls: 2 x 503 Service Unavailable
"""
SECRET = "s3cret"


@pytest.fixture
def ok(serve):
    """Return a URL that answers 200."""
    return serve((200, b"the body")).url


@pytest.fixture
def netrc(tmp_path):
    """Return an environment with a netrc, for the user ``me``."""
    path = tmp_path / ".netrc"
    path.write_text("machine 127.0.0.1 login me password mine")
    path.chmod(0o600)
    return {"HOME": str(tmp_path)}


def basic(user, password):
    """Return the Authorization header of user and password."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def timeless(text):
    """Return the text without the duration of the wait."""
    return re.sub(r"in [\d.]+ m?s:", "in {}:", text)


# Version and imports


@pytest.mark.parametrize("name", ["module", "script"])
def test_the_version(installed, spawn, finish, name):
    """The module and the script both print the version, and nothing else."""
    if not installed:
        pytest.skip("httsleep is not installed")
    words = ["httsleep"] if name == "script" else [sys.executable, "-m", "httsleep"]
    ended = finish(spawn(*words, "--version"))
    text = f"httsleep {metadata.version('httsleep')}\n"
    assert (ended.code, ended.out, ended.err) == (0, text.encode(), "")


def test_what_the_library_imports(spawn, finish):
    """The library imports neither the command nor the status line, nor its parts."""
    script = "import sys, httsleep; print(*sys.modules)"
    loaded = finish(spawn(sys.executable, "-c", script)).out.decode().split()
    assert "httsleep.main" in loaded
    others = {
        f"httsleep.{name}" for name in ("command", "stderr", "status_line", "__main__")
    }
    assert not {"argparse", "rich", *others} & {*loaded}


# In pipes


def test_the_body_and_nothing_else(serve, run):
    """stdout has the bytes of the body, stderr a line for each new result."""
    server = serve(503, 503, 503, 500, (200, BODY))
    ended = run(server.url, *OFTEN)
    assert ended.code == 0
    assert ended.out == BODY
    assert ended.err.splitlines() == [
        WAITING.format(server.url).rstrip(),
        "httsleep: poll 4: waiting: status_code is 500, not 2xx; next in 10 ms",
        "httsleep: poll 5: met: 200 OK",
    ]


def test_a_reader_that_has_enough(serve, sh):
    """A reader that stops early, or a closed stdout, is no error: exit code 0."""
    server = serve((200, BODY))
    script = """
        exec 3>&1
        { httsleep "$URL"; echo " $?" >&3; } | head -c 3
        httsleep "$URL" >&-; echo $?
    """
    ended = sh(script, URL=server.url)
    assert sorted(ended.out.split()) == sorted([b"\0\1\2", b"0", b"0"])
    assert ended.err == MET.format(server.url) * 2


def test_a_full_disk(serve, sh):
    """A body that cannot be written is a failure, in one line: exit code 3."""
    server = serve((200, BODY))
    ended = sh('httsleep "$URL" >/dev/full || echo $?', URL=server.url)
    why = "httsleep: the body cannot be written: No space left on device\n"
    assert (ended.out, ended.err) == (b"3\n", MET.format(server.url) + why)


def test_stderr_that_takes_nothing(ok, bad, sh):
    """A closed or full stderr does not change the exit code."""
    script = """
        httsleep "$OK" 2>&-; echo " $?"
        httsleep "$BAD" --interval 10ms --max-retries 2 2>/dev/full || echo $?
    """
    ended = sh(script, OK=ok, BAD=bad)
    assert (ended.out, ended.err) == (b"the body 0\n124\n", "")


# In scripts


def test_exit_codes(ok, bad, sh):
    """A script can use the exit codes, and ``set -e`` ends it at one that is not 0."""
    script = """
        httsleep "$OK" --alarm-status-code 5xx >body && echo met
        httsleep "$BAD" --alarm-status-code 5xx -- echo never || echo $?
        if httsleep "$OK" --status-code 2oo; then echo never; else echo $?; fi
        httsleep 127.0.0.1:1 --fail-fast -qq || echo $?
        cat body
        httsleep "$BAD" --interval 10ms --max-retries 2
        echo never
    """
    ended = sh(script, OK=ok, BAD=bad)
    assert ended.code == 124
    assert ended.out == b"met\n1\n2\n3\nthe body"
    lines = timeless(ended.err).splitlines(keepends=True)
    assert lines[0] == MET.format(ok)
    assert lines[1].startswith("httsleep: met an alarm after 1 poll in ")
    assert lines[2] == f"  GET {bad}\n"
    assert lines[3] == "  last answer (poll 1): 503 Service Unavailable, no body\n"
    assert lines[-7].startswith("httsleep: argument --status-code: '2oo': ")
    assert "".join(lines[-6:]) == WAITING.format(bad) + GAVE_UP.format(bad, "{}")


def test_in_the_background(serve, ok, bad, hang, sh):
    """Several waits run at the same time; ``wait`` returns the exit code of each."""
    script = """
        httsleep "$OK" >body 2>/dev/null & first=$!
        httsleep "$BAD" --interval 10ms --max-retries 2 2>/dev/null & second=$!
        httsleep "$HANG" & third=$!
        wait $first && cat body
        wait $second || echo " $?"
        until test -s asked; do httsleep "$ASKED" -q >asked || true; done
        kill -TERM $third
        wait $third || echo $?
    """
    asked = serve(lambda _: hang.asked.wait(10) and (200, b"yes")).url
    ended = sh(script, OK=ok, BAD=bad, HANG=hang.url, ASKED=asked)
    assert ended.out == b"the body 124\n143\n"
    assert ended.err == f"httsleep: terminated in poll 1\n  GET {hang.url}\n"


def test_objects_for_machines(serve, sh):
    """With ``--log-format json`` each line of stderr is a JSON object."""
    script = 'httsleep "$URL" --interval 10ms --log-format json 2>log >body; cat log'
    url = serve(503, (200, b"the body")).url
    out = sh(script, URL=url).out
    first, second, end = map(json.loads, out.splitlines())
    assert (first["event"], first["number"], first["outcome"]) == ("poll", 1, "waiting")
    assert first["reasons"] == ["status_code is 503, not 2xx"]
    assert (second["status_code"], second["outcome"]) == (200, "met")
    assert (end["event"], end["exit_code"], end["message"]) == ("end", 0, "")
    assert {each["request"] for each in (first, second, end)} == {f"GET {url}"}


# Ignored errors


def test_a_server_that_is_not_there_yet(serve, start, finish):
    """After a refused connection and a request that takes too long the wait goes on."""
    server = serve(lambda handler: handler.hang(), (200, b"up"), listening=False)
    process = start(server.url, *OFTEN, "--request-timeout", "150ms")
    line = process.stderr.readline().decode()
    assert "poll 1: ignored: ConnectionError: connection refused; next in" in line
    server.listen()
    ended = finish(process)
    assert (ended.code, ended.out) == (0, b"up")
    slow, met = ended.err.splitlines()
    assert "ignored: ReadTimeout: the answer took too long" in slow
    assert met.endswith("met: 200 OK")


def test_fail_fast(hang, run):
    """With ``--fail-fast`` a timeout is a failure: exit code 3, and one line."""
    ended = run(hang.url, "--fail-fast", "--request-timeout", "150ms")
    assert ended.code == 3
    why = "ReadTimeout: the answer took too long"
    assert ended.err == f"httsleep: failed in poll 1: {why}\n  GET {hang.url}\n"


# The request


def test_the_request(serve, run, tmp_path, netrc):
    """Method, headers, data and user arrive as given; -u replaces netrc."""
    (tmp_path / "headers").write_text("X-Two: 2\r\n\r\nX-Three: drei=3: ä\n")
    (tmp_path / "data").write_bytes(b"b=\xff\n")
    (tmp_path / "user").write_text("user:pass:word\n")
    server = serve(503, 200)
    headers = ("-H", "X-One:1", "--header", "@headers", "-H", "X-Empty;")
    data = ("-d", "a=1 ", "--data", "@data")
    more = ("-XPUT", *headers, *data, "-u", "@user", *OFTEN)
    ended = run(server.url, *more, env=netrc)
    assert ended.code == 0
    first, second = server.seen
    assert first == second
    assert (first.method, first.body) == ("PUT", b"a=1 &b=\xff")
    got = [first.headers.get(f"X-{name}") for name in ("One", "Two", "Three", "Empty")]
    assert got[:2] == ["1", "2"]
    assert got[2].encode("latin-1") == "drei=3: ä".encode()
    assert got[3] == ""
    assert first.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert first.headers["Authorization"] == basic("user", "pass:word")


def test_data_from_stdin(serve, run):
    """Standard input is sent with each poll, with the Content-Type that is given."""
    server = serve(503, 200)
    kind = ("-H", "content-type: application/json")
    assert run(server.url, "-d", "-", *kind, *OFTEN, given=b'{"a":\n 1}').code == 0
    assert [seen.method for seen in server.seen] == ["POST", "POST"]
    assert [seen.body for seen in server.seen] == [b'{"a": 1}'] * 2
    assert server.seen[0].headers["Content-Type"] == "application/json"


def test_netrc(serve, start, finish, netrc):
    """netrc is used without ``-u``, unless ``-H`` gives an Authorization."""
    moved = (302, b"", {"Location": "/to"})
    server = serve(200, paths={"/from": [moved]})
    mine = ("-H", "authorization: Bearer token")
    processes = [
        start(server.root + "/netrc", env=netrc),
        start(server.root + "/header", *mine, env=netrc),
        start(server.root + "/from", *mine, env=netrc),
    ]
    assert [finish(process).code for process in processes] == [0, 0, 0]
    assert {seen.path: seen.headers["Authorization"] for seen in server.seen} == {
        "/netrc": basic("me", "mine"),
        "/header": "Bearer token",
        "/from": "Bearer token",
        "/to": "Bearer token",
    }


def test_no_location(serve, run):
    """With ``--no-location`` a redirect is an answer like any other."""
    server = serve((302, b"moved", {"Location": "/there"}))
    ended = run(server.url, "--no-location", "--status-code", "3xx")
    assert (ended.code, ended.out, len(server.seen)) == (0, b"moved", 1)


# TLS


def test_certificates_of_servers(serve, tls, ca_bundle, start, finish):
    """An unknown certificate ends the wait, unless --cacert or -k accepts it."""
    server = serve((200, b"the body"), tls=tls)
    trusting = start(server.url, "--cacert", ca_bundle)
    careless = start(server.url, "-k")
    refusing = start(server.url, *OFTEN, "--ignore", "ConnectionError")
    for each in map(finish, (trusting, careless)):
        met = MET.format(server.url)
        assert (each.code, each.out, each.err) == (0, b"the body", met)
    refused = finish(refusing)
    assert (refused.code, refused.out) == (3, b"")
    why = (
        "SSLError: certificate not accepted: unable to get local issuer certificate; "
        "--cacert names a CA to trust"
    )
    assert refused.err == f"httsleep: failed in poll 1: {why}\n  GET {server.url}\n"


def test_certificates_of_clients(serve, private_ca, ca_bundle, start, finish, tmp_path):
    """A server that asks for a certificate gets that of ``--cert`` and ``--key``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private_ca.issue_cert("127.0.0.1").configure_cert(context)
    private_ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    mine = private_ca.issue_cert("client@example.org")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    server = serve((200, b"the body"), tls=context)
    trust = ("--cacert", ca_bundle, *TWICE)
    both = start(server.url, *trust, "--cert", "both.pem")
    two = start(server.url, *trust, "--cert", "cert.pem", "--key", "key.pem")
    none = start(server.url, *trust, "--fail-fast")
    for each in map(finish, (both, two)):
        assert (each.code, each.out) == (0, b"the body")
    assert finish(none).code == 3
    assert len(server.seen) == 2


# Signals


def held(pipe):
    """Return the number of bytes in the pipe."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_stopped(serve, bad, hang, start, finish, until, asleep):
    """A signal ends a sleep, a request without an answer, and a blocked write."""
    often = ("--interval", "60s")
    waiting, asking, other = start(bad, *often), start(hang.url), start(bad, *often)
    writing = start(serve((200, BODY)).url)
    for each in (waiting, other):
        assert b"poll 1: waiting: " in each.stderr.readline()
    assert hang.asked.wait(10)
    room = fcntl.fcntl(writing.stdout, fcntl.F_GETPIPE_SZ)
    until(lambda: held(writing.stdout) == room)
    for process, number in (
        (waiting, signal.SIGINT),
        (asking, signal.SIGINT),
        (other, signal.SIGTERM),
        (writing, signal.SIGTERM),
    ):
        asleep(process)
        process.send_signal(number)
    ends = [finish(process) for process in (waiting, asking, other, writing)]
    assert [ended.code for ended in ends] == [130, 130, 143, 143]
    why = f"after poll 1: waiting: {WHY}"
    assert ends[0].err == f"httsleep: interrupted {why}\n  GET {bad}\n"
    assert ends[1].err == f"httsleep: interrupted in poll 1\n  GET {hang.url}\n"
    assert ends[2].err == f"httsleep: terminated {why}\n  GET {bad}\n"
    assert "terminated after poll 1: met" in ends[3].err
    assert BODY.startswith(ends[3].out)
    assert [ended.out for ended in ends[:3]] == [b"", b"", b""]


def test_stopped_while_input_is_read(ok, start, finish, until, asleep, tmp_path):
    """Ctrl-C also ends the reading of an option, without a traceback."""
    os.mkfifo(tmp_path / "fifo")
    process = start(ok, "-d", "@fifo")
    with open(tmp_path / "fifo", "wb", 0) as fifo:
        fifo.write(b"the beginning")
        until(lambda: held(fifo) == 0)
        asleep(process)
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert ended.code == 130
    assert ended.err == "httsleep: interrupted\n"


# COMMAND


SERVER = """
    echo $$; printf '<%s>' "$@" "$GIVEN"; echo; cat
    ls -m /proc/$$/fd
    grep SigIgn /proc/$$/status
    exit 7
"""


def test_what_the_command_gets(serve, start, finish):
    """COMMAND has our pid, environment, input and output, and default signals."""
    server = serve(503, (200, b"the body"))
    words = ("sh", "-c", SERVER, "sh", "a  b", "", "--max-time", "-q", "'$x'")
    variables = {"env": {"GIVEN": "in the environment"}, "stdin": subprocess.PIPE}
    process = start(server.url, *OFTEN, "--", *words, **variables)
    ended = finish(process, b"the input\n")
    assert ended.code == 7
    *lines, last = ended.out.decode().splitlines()
    assert lines == [
        str(process.pid),
        "<a  b><><--max-time><-q><'$x'><in the environment>",
        "the input",
        "0, 1, 2",
    ]
    ignored = int(last.split()[1], 16)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores both
        assert not ignored >> (number - 1) & 1
    assert ended.err == WAITING.format(server.url) + "httsleep: poll 2: met: 200 OK\n"


def test_signals_reach_the_command(ok, start, finish, asleep):
    """SIGTERM reaches COMMAND, whose exit code is that of the process."""
    server = """
        sleep 60 >/dev/null 2>&1 &
        trap "kill $!; echo stopped; exit 9" TERM
        echo up; wait
    """
    process = start(ok, "--", "sh", "-c", server)
    assert process.stdout.readline() == b"up\n"
    asleep(process)
    process.send_signal(signal.SIGTERM)
    ended = finish(process)
    assert (ended.code, ended.out) == (9, b"stopped\n")


def test_a_command_in_a_pipe(ok, sh):
    """SIGPIPE ends COMMAND silently, as without httsleep."""
    ended = sh('httsleep "$OK" -q -- yes | head -n 1', OK=ok)
    assert (ended.out, ended.err) == (b"y\n", "")


def test_a_command_that_cannot_be_run(serve, start, finish, tmp_path):
    """A COMMAND that cannot be run is an error, before the wait if possible."""
    (tmp_path / "plain").write_text("exit 0")
    (tmp_path / "odd").write_bytes(b"\x7fELF, and no more")
    (tmp_path / "odd").chmod(0o755)
    server = serve(200)
    names = ("no-such-command", "./plain", "./odd")
    missing, plain, odd = [start(server.url, "--", name) for name in names]
    missing, plain = finish(missing), finish(plain)
    assert missing.code == 127
    assert missing.err.startswith("httsleep: 'no-such-command' ")
    assert plain.code == 126
    assert plain.err == "httsleep: './plain' is not executable\n"
    odd = finish(odd)
    assert odd.code == 126
    why = "httsleep: './odd' cannot be run: Exec format error\n"
    assert odd.err == MET.format(server.url) + why
    assert len(server.seen) == 1


# Secrets


def test_no_secret_is_shown(serve, start, finish):
    """Passwords, tokens and query values are never on stderr, for any exit code."""
    server, refused = serve(503), serve(200, listening=False)
    netloc = server.root.replace("http://", f"http://user:{SECRET}@")
    url = f"{netloc}/path?token={SECRET}"
    hidden = (
        *("-H", f"X-Token: {SECRET}", "-u", f"user:{SECRET}"),
        *("-d", f"password={SECRET}"),
    )
    cases = [
        (124, (url, *hidden, *TWICE, "-v")),
        (3, (f"{refused.root}/?{SECRET}", *hidden, "--fail-fast")),
        (2, (f"http:/user:{SECRET}@127.0.0.1:1/", *TWICE)),
        (2, (server.url, f"-k{SECRET}")),
        (2, (server.url, "-H", f"Authorization Bearer {SECRET}:{SECRET}")),
        (2, ("--heder", f"X-Token: {SECRET}", server.url)),
    ]
    processes = [(code, start(*arguments)) for code, arguments in cases]
    for code, process in processes:
        ended = finish(process)
        assert ended.code == code
        assert SECRET not in ended.err
        further = ended.err.splitlines()[1:]  # one for each further unknown option
        assert code != 2 or all(line.startswith("  -") for line in further)
    assert [seen.method for seen in server.seen] == ["POST", "POST"]
