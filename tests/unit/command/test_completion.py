import re
import sys

import pytest

from httsleep.command.build import build
from httsleep.command.completion import SHELLS, completion
from httsleep.command.parser import build_parser

#: For each shell what completes an option, a choice, a file, and a file behind @.
COMPLETED = {
    "bash": (
        "_option_strings=(--until --status-code ",
        "___ignore_choices=(ConnectionError TimeoutError ",
        "___cacert_COMPGEN=_shtab_compgen_files",
        "___until_COMPGEN=_httsleep_file_behind_at",
    ),
    "zsh": (
        '--status-code[such as 200, 2xx or 200,204]:CODES:"',
        ":NAME:(ConnectionError TimeoutError ",
        "]:FILE:_files",
        ":JSON:_httsleep_file_behind_at",
    ),
    "fish": (
        "-l status-code -x -d 'such as 200, 2xx or 200,204'",
        '-l ignore -xka "ConnectionError TimeoutError ',
        '-l cacert -xka "(__fish_complete_path (commandline -ct))"',
        '-l until -xka "(__httsleep_file_behind_at)"',
    ),
}


@pytest.fixture
def printed(capsys):
    """Return exit code, stdout and stderr of a command line that only prints."""

    def run(*words):
        with pytest.raises(SystemExit) as caught:
            build(words)
        return caught.value.code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("shell", SHELLS)
def test_options_choices_and_files_are_completed(printed, shell):
    """The script for a shell completes options, choices, files, and files behind @."""
    code, script, error = printed("--print-completion", shell)
    assert (code, error) == (0, "")
    for part in COMPLETED[shell]:
        assert part in script
    assert script.count("_httsleep_file_behind_at()") == (shell != "fish")
    assert script.count("function __httsleep_file_behind_at") == (shell == "fish")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_is_in_the_script(shell):
    """No option is left out."""
    script = completion(build_parser(), shell)
    for option in build_parser()._option_string_actions:
        name = option.lstrip("-") if shell == "fish" else option
        assert re.search(rf"(?<![\w-]){name}(?![\w-])", script), option


def test_every_value_that_can_be_a_file_is_completed():
    """The help of each of these options says @FILE or has the metavar FILE or JSON."""
    parser = build_parser()
    completion(parser, "bash")
    for action in parser._actions:
        is_file = action.metavar in ("FILE", "JSON") or "@FILE" in (action.help or "")
        assert ("complete" in vars(action)) == is_file, action.option_strings


def test_a_colon_does_not_end_a_name_of_zsh():
    """zsh reads the words behind a colon as what is to be called."""
    script = completion(build_parser(), "zsh")
    assert r":USER\:PASSWORD:_httsleep_file_behind_at" in script


def test_without_shtab_the_error_says_what_to_install(printed, monkeypatch):
    """Only --print-completion needs shtab."""
    monkeypatch.setitem(sys.modules, "shtab", None)
    build(["http://server"])
    assert printed("--print-completion", "bash") == (
        2,
        "",
        "httsleep: --print-completion needs shtab, install it: pip install "
        "'httsleep[cli]' (see httsleep --help)\n",
    )


def test_another_shell_is_refused(printed):
    """The error names the shells."""
    code, _, error = printed("--print-completion", "ksh")
    assert code == 2
    assert re.search("invalid choice: 'ksh' .*bash.*, .*zsh.*, .*fish", error)
