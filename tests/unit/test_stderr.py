import io
import sys

import pytest

from httsleep.stderr import (
    can_draw,
    discard_stderr,
    has_colours,
    is_terminal,
    write_stderr,
)


@pytest.fixture
def stderr(monkeypatch):
    """Put a stream in the place of standard error, in an environment."""

    def put(stream, **variables):
        for name, value in ({"TERM": "xterm", "NO_COLOR": ""} | variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stderr", stream)

    return put


class Terminal(io.StringIO):
    """A terminal that shows UTF-8."""

    encoding = "utf-8"

    def isatty(self):
        return True


class Latin(Terminal):
    """A terminal that shows Latin-1."""

    encoding = "iso-8859-1"


class Broken(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError


class Proxy(Terminal):
    """A stream that says no encoding, as one of rich does while it draws."""

    encoding = None


class Logger:
    """A stand-in that logs what is written, and has no other method."""

    def write(self, text):
        pass


def closed():
    """Return a stream that the program has closed."""
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, Broken(), Logger(), closed()])
def test_errors_of_standard_error_are_ignored(monkeypatch, capsys, stream):
    """A line for a closed or broken standard error is lost, and not on stdout."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        write_stderr("text")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("stream", [None, io.StringIO(), Logger(), closed()])
def test_a_working_standard_error_is_kept(monkeypatch, stream):
    """A standard error that works, or that is closed, stays as it is."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        discard_stderr()
        assert sys.stderr is stream


def test_a_broken_standard_error_is_discarded(monkeypatch):
    """A broken standard error is removed, so that Python does not flush it again."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Broken())
        discard_stderr()
        assert sys.stderr is None


@pytest.mark.parametrize(
    ("stream", "variables", "terminal", "colours", "draws"),
    [
        (Terminal(), {}, True, True, True),
        (Terminal(), {"NO_COLOR": "1"}, True, False, True),
        (Latin(), {}, True, True, False),
        (Terminal(), {"TERM": "dumb"}, False, False, False),
        (Terminal(), {"TERM": "unknown"}, False, False, False),
        (io.StringIO(), {}, False, False, False),
        (None, {}, False, False, False),
        (closed(), {}, False, False, False),
        (Logger(), {}, False, False, False),
        (Proxy(), {}, True, True, False),
    ],
    ids=[
        *("terminal", "NO_COLOR", "latin-1", "dumb", "unknown", "file", "none"),
        *("closed", "logger", "proxy"),
    ],
)
def test_standard_error_can_show(stderr, stream, variables, terminal, colours, draws):
    """A terminal has colours if they are wanted, and draws if it shows UTF-8."""
    stderr(stream, **variables)
    assert (is_terminal(), has_colours(), can_draw()) == (terminal, colours, draws)


def test_a_line_is_written_at_once(stderr):
    """A line is one write, because lines of other threads could come between two.

    It does not stay in a buffer.
    """
    written = []

    class Stream(io.StringIO):
        def write(self, text):
            written.append(text)

        def flush(self):
            written.append("flushed")

    stderr(Stream())
    write_stderr("one")
    assert written == ["one\n", "flushed"]
