"""The value that one option was given: from the text that was typed, checked.

What cannot be is refused with the error that argparse tells beside the option's name.
It repeats the text only where that cannot be a secret.
"""

import json
import os
import re
import warnings
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, NoReturn

from ..checks import MAX_SECONDS
from ..formatting import safe_repr
from ..request import TOKEN

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+|\d+(?:\.\d+)?", re.ASCII)
_PART = re.compile(r"([\d.]+)([a-z]*)")
_QUOTES, _OPEN, _CLOSE = "'\"`", "[(", "])"


def _refusal(text: str, right: str) -> ArgumentTypeError:
    """The error for what cannot be, and what could."""
    return ArgumentTypeError(f"{safe_repr(text)}: {right}")


def duration(text: str) -> float:
    """Seconds, from ``90``, ``500ms``, ``2m`` or ``1h30m``."""
    if not _DURATION.fullmatch(text):
        raise _refusal(text, "give a duration such as 90, 500ms, 2m or 1h30m")
    parts = _PART.findall(text)
    seconds = sum(float(amount) * _UNITS[unit or "s"] for amount, unit in parts)
    if seconds > MAX_SECONDS:
        raise _refusal(text, "that is more than thirty years")
    return seconds


def limit(text: str) -> float:
    """A duration above 0."""
    seconds = duration(text)
    if not seconds:
        raise _refusal(text, "give a duration above 0")
    return seconds


def number(text: str) -> int:
    """An int of at least 1, and of no more than 18 digits, which is enough."""
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text)):
        raise _refusal(text, "give a whole number of at least 1")
    return int(text)


def or_none(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same, with ``none`` for no limit."""
    return lambda text: None if text == "none" else convert(text)


def document(text: str) -> Any:
    """A JSON value, from the argument or from ``@file``."""
    written = _content(text[1:]) if text.startswith("@") else text
    try:
        return json.loads(written, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise _refusal(text, f"not JSON ({error})") from None


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is none of its numbers")


def conditions(text: str) -> list[Any]:
    """One condition, or several of which any will do."""
    value = document(text)
    return value if isinstance(value, list) else [value]


def codes(text: str) -> list[str]:
    """Statuses and classes of statuses."""
    return [code.strip() for code in text.split(",")]


def entry(text: str) -> dict[str, Any]:
    """An entry of ``jsonpath``, from ``PATH=VALUE``.

    The value is JSON if it can be read as that, else a string.
    """
    split = _equals(text)
    if split is None:
        raise _refusal(text, "give PATH=VALUE, such as '$.status=SUCCESS'")
    path, value = text[:split], text[split + 1 :]
    if path.endswith(("<", ">", "!")) or value.startswith("="):
        raise _refusal(text, "there is only =; the other operators are for JSON")
    try:
        expected = json.loads(value, parse_constant=_not_json)
    except (ValueError, RecursionError):
        expected = value
    return {"expression": path, "value": expected}


def _equals(text: str) -> int | None:
    """Where the first ``=`` is that is not part of a filter, in brackets or quotes."""
    depth, quote = 0, ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character in _OPEN or character in _CLOSE:
            depth += 1 if character in _OPEN else -1
        elif character == "=" and not depth:
            return index
    return None


def expression(text: str) -> re.Pattern[str]:
    """A regular expression."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what may change one day
            return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise _refusal(text, f"no regular expression ({error})") from None


def pair(text: str) -> tuple[str, str]:
    """The name and the value of a header, from ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not TOKEN.fullmatch(name):
        raise _refusal(text, "give NAME=VALUE")
    return name, value


def method(text: str) -> str:
    """The method of a request."""
    if not TOKEN.fullmatch(text):
        raise _refusal(text, "give a method, such as POST")
    return text


def fields(text: str) -> list[tuple[str, str | None]]:
    """Headers to send, one from the argument or many from ``@file``, as curl does."""
    lines = _content(text[1:]).split("\n") if text.startswith("@") else [text]
    return [_field(line.strip()) for line in lines if line.strip()]


def _field(line: str) -> tuple[str, str | None]:
    """Name and value; ``None`` takes a default header away."""
    name, colon, value = line.partition(":")
    empty = not colon and line.endswith(";")
    name = line[:-1] if empty else name.strip()
    if not (colon or empty) or not TOKEN.fullmatch(name):  # a token forgot its name
        raise ArgumentTypeError("give 'NAME: VALUE', the name in one word, or @FILE")
    return name, "" if empty else value.strip() or None


def data(text: str) -> bytes:
    """A body to send, from the argument, or as curl reads it from ``@file``.

    ``-`` is standard input, as ``@-`` is.
    """
    if text != "-" and not text.startswith("@"):
        return os.fsencode(text)
    return _read(text.removeprefix("@")).translate(None, b"\r\n\0")


def credentials(text: str) -> tuple[bytes, bytes]:
    """User and password, from the argument or from ``@file``."""
    line = _read(text[1:]) if text.startswith("@") else os.fsencode(text)
    user, colon, password = line.rstrip(b"\r\n").partition(b":")
    if not colon:
        raise ArgumentTypeError("there is no colon: give USER:PASSWORD or @FILE")
    return user, password


def _content(path: str) -> str:
    """What a file holds, as text."""
    try:
        return _read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal(path, "this file is not UTF-8") from None


def _read(path: str) -> bytes:
    """What a file holds; ``-`` is standard input."""
    piped = path == "-"
    try:
        with open(0 if piped else path, "rb", closefd=not piped) as file:
            return file.read()
    except (OSError, ValueError) as error:  # a NUL in the path
        why = getattr(error, "strerror", None) or error
        raise _refusal(path, f"this file cannot be read ({why})") from None
