"""The words of the command line for limits and alarms.

Whoever has typed ``--max-time 10m`` reads that again, and an alarm as it was typed.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ..comparison import json_equal
from ..formatting import one_line
from ..wording import Wording
from .typed import as_word, json_or_text, quoted

_NO_UNIT = re.compile(r"[\d.]+")


class TypedWording(Wording):
    """Names limits and alarms as they were typed.

    :param words: the command line, without COMMAND.
    :param alarms: the conditions of ``--alarm``.
    :param checked: all alarms of the command line, as a sleeper has them.
    """

    def __init__(
        self,
        words: Sequence[str],
        alarms: Sequence[Mapping[str, Any]],
        checked: Sequence[Mapping[str, Any]],
    ) -> None:
        typed = _typed(words)
        pairs = [pair for pair in typed if pair[0].startswith("--alarm-")]
        whole = [value for name, value in typed if name == "--alarm"]
        options = [f"--alarm {_as_typed(alarm, whole)}" for alarm in alarms]
        if pairs:  # the short forms together are the last alarm
            options.append(shlex.join(word for pair in pairs for word in pair))
        self._alarms = list(zip(checked, options, strict=True))
        self._typed = dict(typed)

    def limit(self, name: str, value: str) -> str:
        """Return the option of a limit, with a unit if it is a duration."""
        option = f"--{name.replace('_', '-')}"
        value = value.replace(" ", "")
        typed = self._typed.get(option, value)
        unit = "s" if value.endswith("s") and _NO_UNIT.fullmatch(typed) else ""
        return f"{option} {typed}{unit}"

    def alarm(self, alarm: Mapping[str, Any]) -> str:
        """Return the options of an alarm."""
        typed = (typed for each, typed in self._alarms if json_equal(each, alarm))
        return one_line(next(typed))


def _as_typed(alarm: Mapping[str, Any], values: Sequence[str]) -> str:
    """Return the value that is this alarm, or else the alarm as JSON.

    The alarm may be of a file, or one of several.
    """
    for value in values:
        if value.isprintable() and json_equal(json_or_text(value), alarm):
            return quoted(value)
    return as_word(alarm)


def _typed(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return each long option of the command line with its value.

    Of an option that has no value it is the next word. A word with a blank in its name
    is a value, for argparse too.
    """
    typed = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name.startswith("--") and " " not in name:
            typed.append((name, value if equals else following))
    return typed
