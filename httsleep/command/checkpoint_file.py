"""The file of ``--checkpoint``: a wait that goes on when the command is started again.

The file is locked while a command works on it, and replaced as a whole, so that it is
complete whenever the machine stops. A new file is locked before it takes its place;
without a lock on the old one no other command can take it for its own.
"""

import json
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, Self
from urllib.parse import urlsplit

from ..formatting import one_line
from ..main import HttSleeper

_MAX_SIZE = 2**20  # bytes; a checkpoint has less than a tenth
_SUBMITTING = "submitting"  # in place of a checkpoint, until the submit is answered


class FileInUse(Exception):
    """Another command is at work on the file."""


class FileRefused(Exception):
    """The file cannot be used, or does not hold this wait."""


def identify(sleeper: HttSleeper) -> str:
    """Return a text that is the same for sleepers that wait for the same.

    It depends on the method, the URL, the body, the conditions and ``follow``. Limits
    and credentials may change. No secret can be read from it.
    """
    request = sleeper.request
    body = request.data if isinstance(request.data, bytes) else b""
    url = urlsplit(str(request.url))
    parts = [
        request.method,
        url._replace(netloc=url.netloc.rpartition("@")[2]).geturl(),
        sha256(body).hexdigest(),
        *(sleeper.until, sleeper.alarms, sleeper.pending, sleeper.follow),
    ]
    written = json.dumps(parts, sort_keys=True, default=_identify_pattern)
    return sha256(written.encode()).hexdigest()


def _identify_pattern(pattern: re.Pattern[str]) -> list[Any]:
    """Return a regular expression as JSON; a command has no other such object."""
    return [pattern.pattern, pattern.flags]


class CheckpointFile:
    """A context manager: a file that belongs to this process within the block.

    :param path: where the file is, or will be.
    :param identity: the text of :func:`identify`, which the file has to hold.
    :raises FileInUse: on entry; another process is in such a block.
    :raises FileRefused: on entry; the path cannot be used.
    """

    def __init__(self, path: str, identity: str) -> None:
        self._name = one_line(repr(path))
        self._path = os.path.realpath(path)  # a symbolic link is not replaced
        self._identity = identity

    def __enter__(self) -> Self:
        try:
            while not self._open():
                pass
        except BlockingIOError:
            raise FileInUse(f"{self._name} is in use by another httsleep") from None
        except (OSError, ValueError, ImportError) as error:  # no fcntl on Windows
            why = getattr(error, "strerror", None) or error
            raise self._refusal(f"cannot be used ({why})") from None
        return self

    def __exit__(self, *_: object) -> None:
        status = os.fstat(self._fd)
        if status.st_nlink and not status.st_size:  # nothing was saved
            self.remove()
        os.close(self._fd)

    def _open(self) -> bool:
        """Open the file and lock it; return whether it is still at its path."""
        import fcntl

        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ValueError("it is not a regular file")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(fd), os.stat(self._path)):
                    self._fd, fd = fd, -1
                    return True
            return False
        finally:
            if fd >= 0:
                os.close(fd)

    def resume(self, sleeper: HttSleeper) -> None:
        """Let the sleeper go on with the wait in the file, if it holds one.

        :raises FileRefused: it holds something else, which stays as it is.
        """
        try:
            sleeper.checkpoint = self._read()
        except ValueError:
            raise self._refusal("holds no checkpoint") from None

    def _read(self) -> Any:
        """Return the checkpoint in the file; ``None`` if the file is empty.

        :raises ValueError: it holds no JSON.
        """
        content = os.pread(self._fd, _MAX_SIZE, 0)
        if not content:
            return None
        try:
            fields = json.loads(content)
            identity, checkpoint = fields["wait"], fields["checkpoint"]
        except (LookupError, TypeError, RecursionError):
            raise ValueError from None
        if identity != self._identity:
            raise self._refusal("holds the checkpoint of another wait")
        if checkpoint == _SUBMITTING:
            raise FileRefused(
                f"--checkpoint is {self._name}: a start before this one sent the "
                "submit and saw no answer, so nobody knows whether the server has "
                "begun: look there; to submit again, remove the file"
            )
        return checkpoint or {}  # None would mean that there is no wait

    def _refusal(self, why: str) -> FileRefused:
        """Return the error for the file, without its content."""
        return FileRefused(
            f"--checkpoint is {self._name}: this file {why}; "
            "give another one, or remove it"
        )

    def mark_submit(self) -> None:
        """Note that the submit is about to be sent, so that no other start sends it.

        :raises FileRefused: the file cannot be written; nothing is sent.
        """
        try:
            self._write(_SUBMITTING)
        except OSError as error:
            raise FileRefused(f"--checkpoint: {error}") from None

    def save(self, checkpoint: Mapping[str, Any] | None) -> None:
        """Replace the file, at once and as a whole; nobody else can read it.

        :param checkpoint: that of the sleeper; ``None``, of the last poll, is ignored.
        :raises OSError: it cannot be written. It is as it was before.
        """
        if checkpoint is not None:
            self._write(checkpoint)

    def _write(self, checkpoint: Mapping[str, Any] | str) -> None:
        """Replace the file by one that holds a checkpoint or a mark."""
        content = json.dumps({"wait": self._identity, "checkpoint": checkpoint})
        try:
            self._replace(content.encode() + b"\n")
        except OSError as error:
            why = f"{self._name} cannot be written: {error.strerror}"
            raise OSError(why) from None

    def _replace(self, content: bytes) -> None:
        """Write the content to a new file, and put it in the place of the old one."""
        import fcntl

        folder = os.path.dirname(self._path)
        fd, path = tempfile.mkstemp(prefix=".httsleep-", dir=folder)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            with open(fd, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(fd)
            os.replace(path, self._path)
            _write_folder(folder)
        except BaseException:  # a signal as well
            os.close(fd)
            with suppress(FileNotFoundError):
                os.unlink(path)
            raise
        before, self._fd = self._fd, fd
        os.close(before)

    def remove(self) -> None:
        """Remove the file, because the wait has ended."""
        with suppress(FileNotFoundError):
            os.unlink(self._path)


def _write_folder(folder: str) -> None:
    """Write the names in a folder to its disk, so that they outlive a crash."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every file system can do it
            os.fsync(fd)
    finally:
        os.close(fd)
