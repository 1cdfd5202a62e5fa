"""The demo of the README, as its readers run it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "docs" / "demo.py"


@pytest.mark.once
def test_the_demo_on_a_terminal(terminal):
    """It has colors, shows what the failed job said, and keeps the status line."""
    shown = terminal(before=f'set -- "$1" {DEMO};', columns=100)
    shown.until("The same from the shell")
    assert shown.end() == 0
    assert b'  body: {"status": "FAILED", "error": "disk full"}' in shown.raw
    assert b"\x1b[31mhttsleep.Alarm: " in shown.raw
    *_, before, line = shown.lines
    assert before == "While it waited, it showed and erased this line:"
    assert " of 10 s " in line
    assert "200 OK: $.status is 'RUNNING', not 'SUCCESS'" in line


def test_the_demo_without_httsleep_says_what_to_run(spawn, finish):
    """The command that it names is the one of the README."""
    ended = finish(spawn(sys.executable, "-I", "-S", DEMO))
    assert ended.code == 1
    words, command = ended.err.split("\n\n")
    assert "is not installed" in words
    assert command.strip() in (ROOT / "README.rst").read_text()
