"""Conditions as they are typed on the command line."""

import ast
import json
import os
import re
import shlex
import warnings
from contextlib import suppress
from typing import Any, NoReturn

from ..formatting import one_line

_QUOTES, _OPEN, _CLOSE = "'\"`", "[(", "])"
_OPERATOR = re.compile(r"==|!=|<>|<=|>=|[=<>]")
#: The operators of the library for those that are typed.
_OPERATORS = {
    **{"=": "value", "==": "value", "!=": "not_in", "<>": "not_in"},
    **{"<": "lt", ">": "gt", "<=": "le", ">=": "ge"},
}
_IN_QUOTES = re.compile("(['`]).*\\1", re.DOTALL)
_STATUSES = re.compile(r"[1-5](?:\d\d|xx)(?:,[1-5](?:\d\d|xx))*", re.IGNORECASE)
#: The beginning of the short forms of an option that takes a whole condition.
_SHORT_FORMS = {"--until": "--", "--alarm": "--alarm-"}
_EXAMPLE = {"jsonpath": {"$.status": "SUCCESS"}}
_MAX_LENGTH = 1000  # characters of a word that an error proposes


def parse_json(source: str) -> Any:
    """Return the value of a JSON document.

    :raises ValueError: it is not JSON; a RecursionError if it is nested too deeply.
    """
    return json.loads(source, parse_constant=_raise_not_json)


def _raise_not_json(name: str) -> NoReturn:
    """Raise an error for NaN and Infinity, which Python would read."""
    raise ValueError(f"{name} is not a JSON number")


def json_or_text(text: str) -> Any:
    """Return the value of a text that is JSON, else the text."""
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        return text


def split_comparison(text: str) -> tuple[str, str, str] | None:
    """Return the path, the operator and the value of a comparison, or ``None``.

    An operator within brackets or quotes belongs to a filter of the path.
    """
    depth, quote = 0, ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character in _OPEN or character in _CLOSE:
            depth += 1 if character in _OPEN else -1
        elif not depth and (operator := _OPERATOR.match(text, index)):
            return text[:index], operator[0], text[operator.end() :]
    return None


def unquoted(value: str) -> str:
    """Return a value without blanks around it, and without quotes other than JSON's."""
    bare = value.strip()
    return bare[1:-1] if _IN_QUOTES.fullmatch(bare) else bare


def quoted(text: str) -> str:
    """Return a text as one word for the shell, on one line."""
    return one_line(shlex.quote(text), _MAX_LENGTH)


def as_word(value: Any) -> str:
    """Return a JSON value as one word for the shell.

    :raises TypeError: JSON cannot hold it.
    """
    return quoted(json.dumps(value, ensure_ascii=False))


def typed_entry(option: str, entry: dict[str, Any]) -> str:
    """Return an option with a condition for one entry of ``jsonpath``."""
    return f"{option} {as_word({'jsonpath': entry})}"


def typed_comparison(option: str, path: str, operator: str, value: str) -> str:
    """Return what to type for a comparison: a short form if there is one, or JSON.

    :param option: the option for whole conditions.
    """
    path, value, key = path.strip(), unquoted(value), _OPERATORS[operator]
    path = f"${path}" if path.startswith(".") else path
    if key == "value" and option in _SHORT_FORMS:
        return f"{_SHORT_FORMS[option]}jsonpath {quoted(f'{path}={value}')}"
    expected = json_or_text(value)
    expected = [expected] if key == "not_in" else expected
    return typed_entry(option, {"expression": path, key: expected})


def instead_of_condition(text: str, option: str) -> str:
    """Return what to type instead of a text that is no condition in JSON.

    :param option: the option for whole conditions.
    """
    short = _SHORT_FORMS.get(option)
    if short and _STATUSES.fullmatch(text):
        return f"give {short}status-code {text}"
    if instead := _instead_of_any(text):
        return instead
    if (parts := split_comparison(text)) is not None:
        return f"give {typed_comparison(option, *parts)}"
    return f"give a condition such as {as_word(_EXAMPLE)}"


def instead_of_json(text: str) -> str:
    """Return what to type instead of a text that is not JSON."""
    return _instead_of_any(text) or f"a string has double quotes: {as_word(text)}"


def _instead_of_any(text: str) -> str:
    """Return what to type instead of a name, of Python, or of JSON without quotes.

    Empty if the text is none of these.
    """
    name = text.strip(_QUOTES)
    if name.endswith(".json") or os.path.isfile(name):
        return f"for the content of a file give {quoted(f'@{name}')}"
    with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        with warnings.catch_warnings(action="ignore"):
            value = ast.literal_eval(text)
        return f"as JSON it is {as_word(value)}"
    if not text.startswith(("{", "[")):
        return ""
    if '"' in text:
        return "close all quotes and brackets"
    return "put JSON into single quotes, else the shell removes its double quotes"
