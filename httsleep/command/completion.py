"""Completion for shells, which shtab makes from the parser."""

import argparse

SHELLS = ("bash", "zsh", "fish")

_FILES = frozenset({"cacert", "cert", "key", "checkpoint"})
_FILES_BEHIND_AT = frozenset(
    {
        *("until", "until_json", "alarm", "alarm_json", "pending"),
        *("header", "data", "user"),
    }
)
#: For each shell the name of a function that completes ``@FILE``, and the function.
_BEHIND_AT = {
    "bash": "_httsleep_file_behind_at",
    "zsh": "_httsleep_file_behind_at",
    "fish": "(__httsleep_file_behind_at)",
    "preamble": {
        # @ would begin a word of its own.
        "bash": """\
COMP_WORDBREAKS=${COMP_WORDBREAKS//@}
_httsleep_file_behind_at() {
  [[ $1 == @* ]] && compgen -f -P @ -- "${1#@}"
}""",
        "zsh": """\
_httsleep_file_behind_at() {
  compset -P @ && _files
}""",
        "fish": """\
function __httsleep_file_behind_at
  set -l word (commandline -ct)
  if string match -q '@*' -- $word
    printf '@%s\\n' (__fish_complete_path (string sub -s 2 -- $word))
  end
end""",
    },
}


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script that completes the options of a parser, which it changes.

    :param shell: one of :data:`SHELLS`.
    :raises ImportError: shtab is not installed.
    """
    import shtab  # imported only here, because no wait needs it

    for action in parser._actions:
        if action.dest in _FILES:
            vars(action)["complete"] = shtab.FILE
        if action.dest in _FILES_BEHIND_AT:
            vars(action)["complete"] = _BEHIND_AT
        if isinstance(action.metavar, str):  # zsh has a colon behind the metavar
            action.metavar = action.metavar.replace(":", r"\:")
    return shtab.complete(parser, shell)
