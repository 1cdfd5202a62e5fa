import re

import pytest

from httsleep.command.habits import _HABITS, _ROWS, unknown_options
from httsleep.command.parser import build_parser

KNOWN = build_parser()._option_string_actions


def explained(*words):
    """Return what is wrong with the options."""
    return unknown_options(words, KNOWN)


def test_known_options_need_no_explanation():
    """Options of the command, their values, and other words are left to argparse."""
    assert explained("http://server", "-qk", "-XPOST", "-d", "-", "--max-time=5") == ""
    assert explained("--text", "-5", "-H", "-s: a b", "--max-retries", "-1") == ""


@pytest.mark.parametrize(
    "habit",
    [
        *("-s", "-S", "-f", "-L", "-o", "-m", "-I", "-b", "-x", "-t", "-V", "-G", "-w"),
        *("-A", "-e", "-i", "-F", "-n", "-O", "-E", "-4", "-6", "-r", "-T", "-c", "-p"),
        *("--head", "--retry", "--retry-delay", "--connect-timeout", "--noproxy"),
        *("--method", "--timeout", "--delay", "--output", "--max-redirs", "--silent"),
        *("--show-error", "--fail", "--location", "--cookie", "--proxy", "--data-raw"),
        *("--json", "--compressed", "--data-binary", "--data-urlencode", "--tries"),
        *("--poll-interval", "--url", "--get", "--write-out", "--user-agent"),
        *("--include", "--verify", "--window", "--expect-status-code", "--netrc"),
        *("--no-check-certificate", "--resolve", "--form", "--retry-max-time"),
    ],
)
def test_habits_of_other_tools_are_explained(habit):
    """Each option of another tool says in one line what it is here."""
    text = explained(habit)
    assert re.fullmatch(f"no option {habit}: [^\n]{{10,100}}", text)
    assert explained(f"{habit}=secret" if habit[:2] == "--" else habit) == text


def test_an_explanation_names_only_options_that_there_are():
    """What is proposed can be typed, and what can be typed is not explained."""
    for words, instead in _ROWS:
        assert not KNOWN.keys() & set(words.split())
        assert KNOWN.keys() >= set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", instead))
    assert len(_HABITS) == sum(len(words.split()) for words, _ in _ROWS)


def test_each_letter_of_a_word_is_explained():
    """Short options can be written together; each has its explanation on a line."""
    text = explained("-sSfL")
    assert text.startswith("no option -s: leave it out, or give -q")
    assert re.findall("\n  (-[SfL]): ", text) == ["-S", "-f", "-L"]
    assert explained("-kL") == explained("-L") == explained("-L", "-L")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--status", "200"], "no option --status: did you mean --status-code?"),
        (["--retries", "9"], "no option --retries: did you mean --max-retries?"),
        (["--poll-every"], "no option --poll-every: did you mean --interval?"),
        (["--alarms"], "no option --alarms: did you mean --alarm?"),
        (["--untill"], "no option --untill: did you mean --until?"),
        (["--ignore-exceptions"], "no option --ignore-exceptions: did you mean --ign"),
        (
            ["--timeout", "9"],
            "no option --timeout: give --max-time, or --request-timeout",
        ),
        (
            ["--json", "{}"],
            "no option --json: wait for it with --until-json, send it with -d",
        ),
        (["--quuux=secret"], "no option --quuux"),
        (["-zsecret"], "no option -z"),
        (["-O-"], "no option -O: the body goes to standard output: write > FILE"),
        (["-bsecret"], "no option -b: give -H 'Cookie: NAME=VALUE'"),
        (["--" + "x" * 100], f"no option --{'x' * 37}…"),
    ],
    ids=lambda value: value[0][:20] if isinstance(value, list) else "",
)
def test_an_unknown_option_is_named(words, error):
    """The library's guesses help as well; no possible secret is shown."""
    assert explained(*words).startswith(error)
    assert "secret" not in explained(*words)


def test_an_explanation_has_an_end():
    """Only the first of many unknown options are explained."""
    words = [f"--unknown{number}" for number in range(20)]
    assert explained(*words).count("--unknown") == 8
