import fcntl
import json
import os
import stat
import sys

import pytest

from httsleep.command.build import build
from httsleep.command.checkpoint_file import (
    CheckpointFile,
    FileInUse,
    FileRefused,
    identify,
)

URL = "http://server/endpoint"
IDENTITY = "the wait"


def sleeper(*words):
    """Return a sleeper as the command builds it."""
    return build(words or [URL]).endpoints[0].sleeper


@pytest.fixture
def path(tmp_path):
    """Return a path where no file is."""
    return tmp_path / "state.json"


@pytest.fixture
def checkpoint(answers):
    """Return a checkpoint after one poll."""
    answers(503)
    polling = sleeper()
    polling.poll()
    return polling.checkpoint


def file_at(path, identity=IDENTITY):
    return CheckpointFile(str(path), identity)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# The identity of a wait


@pytest.mark.parametrize(
    "words",
    [
        ["--max-time", "5", "--interval", "7", "--max-retries", "9"],
        ["--request-timeout", "5", "--fail-fast", "-v"],
        ["-u", "me:secret", "-H", "Authorization: Bearer t", "-H", "X-Request-Id: 7"],
    ],
)
def test_limits_and_credentials_may_change(words):
    """Neither limits nor headers nor the user are a part of the identity."""
    assert identify(sleeper(URL, *words)) == identify(sleeper(URL))


def test_the_password_in_a_url_may_change():
    """The user and the password in a URL are no part of the identity."""
    found = {identify(sleeper(f"http://{user}server/1")) for user in ("", "a:b@", "c@")}
    assert len(found) == 1


def test_each_wait_has_an_identity_of_its_own():
    """Method, URL, query, body and each condition count for the identity."""
    waits = [
        [URL],
        [f"{URL}?page=2"],
        ["http://server:8080/endpoint"],
        [URL, "-X", "HEAD"],
        [URL, "-d", "a=1"],
        [URL, "-d", "a=2"],
        [URL, "--status-code", "200"],
        [URL, "--jsonpath", "$.a=1"],
        [URL, "--jsonpath", "$.a=true"],
        [URL, "--text", "OK"],
        [URL, "--text-matches", "OK"],
        [URL, "--text-matches", "(?i)OK"],
        [URL, "--text-matches", "x" * 300 + "a"],
        [URL, "--text-matches", "x" * 300 + "b"],
        [URL, "--alarm-status-code", "500"],
        [URL, "--pending", '{"status_code": 202}'],
        [URL, "--status-code", "200", "--follow", "Location"],
        [URL, "--status-code", "200", "--follow", "Location", "--follow", "$.url"],
    ]
    assert len({identify(sleeper(*words)) for words in waits}) == len(waits)


def test_the_identity_shows_no_secret():
    """The identity has neither the query nor the body nor an expected value."""
    words = [f"{URL}?token=s3cret", "-d", "s3cret", "--text", "s3cret"]
    assert "s3cret" not in identify(sleeper(*words))


# A wait in a file


def test_a_wait_goes_on_from_its_file(path, checkpoint):
    """A saved checkpoint is the one of the next sleeper; only its time has passed."""
    with file_at(path) as file:
        file.save(checkpoint)
    resumed = sleeper()
    with file_at(path) as file:
        file.resume(resumed)
    assert resumed.checkpoint["polls"] == checkpoint["polls"] == 1
    assert resumed.checkpoint["tally"] == checkpoint["tally"]


def test_an_empty_file_is_a_wait_that_has_not_begun(path):
    """An empty file, of mktemp for instance, is accepted; without a poll it goes."""
    path.touch()
    beginning = sleeper()
    with file_at(path) as file:
        file.resume(beginning)
    assert beginning.checkpoint is None
    assert not path.exists()


def test_nobody_else_can_read_the_file(path, checkpoint):
    """The mode is 600, also that of a file that others could read before."""
    with file_at(path):
        assert mode(path) == 0o600
    path.touch(0o644)
    with file_at(path) as file:
        file.save(checkpoint)
        assert mode(path) == 0o600


def test_the_file_is_replaced_as_a_whole(path, checkpoint):
    """A reader that has opened the file reads the old content to its end."""
    with file_at(path) as file:
        file.save(checkpoint)
        with path.open() as reader:
            file.save(checkpoint | {"polls": 7})
            assert json.load(reader)["checkpoint"]["polls"] == 1
        assert json.loads(path.read_text())["checkpoint"]["polls"] == 7
    assert os.listdir(path.parent) == [path.name]


def test_a_symbolic_link_stays_one(path, checkpoint, tmp_path):
    """The file behind a symbolic link is replaced, not the link."""
    path.symlink_to(tmp_path / "elsewhere")
    with file_at(path) as file:
        file.save(checkpoint)
    assert path.is_symlink()
    assert (tmp_path / "elsewhere").stat().st_size


def test_the_last_poll_saves_nothing(path, checkpoint):
    """``None``, the checkpoint of a wait that has ended, leaves the file as it is."""
    with file_at(path) as file:
        file.save(checkpoint)
        content = path.read_bytes()
        file.save(None)
    assert path.read_bytes() == content


def test_a_removed_file_is_gone(path, checkpoint):
    """A file that was removed may belong to another command, so it stays removed."""
    with file_at(path) as file:
        file.remove()
        path.touch()
    assert path.exists()
    with file_at(path) as file:
        file.save(checkpoint)
        path.unlink()
        file.remove()
    assert not path.exists()


@pytest.mark.parametrize("name", ["replace", "fsync"])
def test_a_file_that_cannot_be_written_stays_as_it_was(
    name, path, checkpoint, monkeypatch
):
    """An error of writing says so, and leaves the old file and no other one."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    with file_at(path) as file:
        file.save(checkpoint)
        before = path.read_bytes()
        monkeypatch.setattr(os, name, fail)
        with pytest.raises(OSError, match=r"'.*state\.json' cannot be written: No sp"):
            file.save(checkpoint | {"polls": 7})
        monkeypatch.undo()
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == [path.name]


def test_the_name_of_the_file_is_written_as_well(path, checkpoint, monkeypatch):
    """A crash of the machine must not bring back the file before; an error is none."""
    kinds = []

    def note(fd):
        kinds.append(stat.S_IFMT(os.fstat(fd).st_mode))
        if kinds[-1] == stat.S_IFDIR:
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", note)
    with file_at(path) as file:
        file.save(checkpoint)
    assert kinds == [stat.S_IFREG, stat.S_IFDIR]
    assert path.exists()


def test_a_submit_that_cannot_be_marked_is_refused(path, monkeypatch):
    """The command ends before it sends the submit."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    refusal = r"^--checkpoint: '.*state\.json' cannot be written: No space left on dev"
    with file_at(path) as file, pytest.raises(FileRefused, match=refusal):
        file.mark_submit()
    assert not path.exists()


def test_a_mark_is_no_checkpoint(path):
    """A file in which only the submit is noted is refused, and stays."""
    with file_at(path) as file:
        file.mark_submit()
    before = path.read_bytes()
    refusal = "nobody knows whether the server has begun"
    with file_at(path) as file, pytest.raises(FileRefused, match=refusal):
        file.resume(sleeper(URL))
    assert path.read_bytes() == before


# The lock


def test_a_file_belongs_to_one_command_at_a_time(path, checkpoint):
    """A second command is refused, before and after the first one has saved."""
    with file_at(path) as file:
        for _ in range(3):
            with pytest.raises(FileInUse, match="is in use by another httsleep"):
                file_at(path).__enter__()
            file.save(checkpoint)
    with file_at(path):
        pass


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_file_that_changes_before_it_is_locked(path, monkeypatch, is_replaced):
    """The lock on a file that another command replaced or removed is of no use."""
    flock, locked = fcntl.flock, []

    def late(fd, operation):
        locked.append(fd)
        if len(locked) == 1:
            path.unlink()
            if is_replaced:
                path.touch()
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with file_at(path):
        assert len(locked) == 2
        with pytest.raises(FileInUse):
            file_at(path).__enter__()


# Files that are refused


def fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkdir, "Is a directory"),
        (fifo, "it is not a regular file"),
        (lambda path: path.symlink_to("missing/x"), "No such file"),
    ],
    ids=["directory", "fifo", "missing folder"],
)
def test_a_path_that_cannot_be_used(path, make, why):
    """A directory, a named pipe and a path in a missing folder are refused."""
    make(path)
    with pytest.raises(FileRefused) as caught:
        file_at(path).__enter__()
    assert f"this file cannot be used ({why}" in str(caught.value)


def test_a_system_without_file_locks(path, monkeypatch):
    """Without ``fcntl``, as on Windows, a checkpoint file is refused."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(FileRefused, match=r"cannot be used \(import of fcntl"):
        file_at(path).__enter__()


@pytest.mark.parametrize(
    "content",
    [
        *(b"x", b"\xff", b"[]", b"{}", b"null", b"[" * 100_000, b"{" + b" " * 2**21),
        b'{"wait": "the wait"}',
        b'{"wait": "the wait", "checkpoint": null}',
        b'{"wait": "the wait", "checkpoint": {"version": 99}}',
    ],
    ids=lambda content: content[:50].decode("latin-1"),
)
def test_a_file_that_is_no_checkpoint(path, content):
    """Anything else is refused, not shown, and stays as it is."""
    path.write_bytes(content)
    with file_at(path) as file, pytest.raises(FileRefused) as caught:
        file.resume(sleeper())
    assert "this file holds no checkpoint; give another one" in str(caught.value)
    assert path.read_bytes() == content


def test_the_checkpoint_of_another_wait(path, checkpoint):
    """A file of another wait is refused, and stays as it is."""
    with file_at(path, "another") as file:
        file.save(checkpoint)
    content = path.read_bytes()
    with file_at(path) as file, pytest.raises(FileRefused, match="of another wait"):
        file.resume(sleeper())
    assert path.read_bytes() == content
