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
        "bash": """\
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


#: For bash, where @ is a word of its own in COMP_WORDS, though not in $2. ~/.bashrc
#: cannot change that, because bash adds @ to COMP_WORDBREAKS again at its first prompt.
#: Without "filenames" bash writes @ and not \\@, but a folder gets no slash.
_BASH_FUNCTION = """
_httsleep() {
  if [[ $2 == @* && ${COMP_WORDS[COMP_CWORD-1]} == @ ]]; then
    COMP_WORDS=("${COMP_WORDS[@]:0:COMP_CWORD-1}" "$2")
    COMP_CWORD=$((COMP_CWORD - 1))
  fi
  _shtab_httsleep
  if [[ $2 == @* ]]; then
    compopt +o filenames
    if [[ ${#COMPREPLY[@]} = 1 && -d ${COMPREPLY[0]#@} ]]; then
      COMPREPLY[0]+=/
      compopt -o nospace
    fi
  fi 2>/dev/null
}
complete -o bashdefault -o default -F _httsleep httsleep
"""


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
    return shtab.complete(parser, shell) + (_BASH_FUNCTION if shell == "bash" else "")
