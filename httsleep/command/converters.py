"""Converters from the text of one option to its value.

A converter raises an :class:`argparse.ArgumentTypeError`, which argparse shows behind
the name of the option. Its message repeats the text, unless the text may be a secret,
and says what to type instead.
"""

import json
import os
import re
import warnings
from argparse import ArgumentTypeError
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ..checks import int_from_0 as check_int_from_0
from ..checks import positive_int as check_positive_int
from ..checks import positive_seconds as check_positive_seconds
from ..checks import seconds as check_seconds
from ..formatting import redact_url, safe_repr
from ..places import PlacesToLook
from ..request import METHODS, TOKEN
from ..validators import VALIDATORS
from .typed import (
    instead_of_condition,
    instead_of_json,
    json_or_text,
    parse_json,
    quoted,
    split_comparison,
    typed_comparison,
    typed_entry,
    unquoted,
)

T = TypeVar("T")

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+|\d+(?:\.\d+)?", re.ASCII)
_LONG_UNIT = re.compile(" ?(s)ec(?:ond)?s?| ?(m)in(?:ute)?s?| ?(h)(?:ou)?rs?| ?(d)ays?")
_PART = re.compile(r"([\d.]+)([a-z]*)")
_UNLIMITED = frozenset({"-1", "inf", "infinite", "infinity", "never", "unlimited"})
_WHOLE_NUMBER = re.compile(r"\d{1,18}", re.ASCII)  # int() refuses very long ones
_SEVERAL_WORDS = re.compile(r"[\w.-]+(?:[,|]+[\w.-]+)+")
_QUOTES = frozenset("'\"`\u2018\u2019\u201c\u201d")
_SCHEME = re.compile(r"[a-z][a-z\d+.-]*://|https?:/", re.IGNORECASE)
_PORT = re.compile(r":?(\d{1,5}(?:/.*)?)", re.ASCII)
_HOST_AND_PORT = re.compile(r"(\[.*\]|[^:]*)(?::([^:]*))?")
_MAX_PORT = 65535


def _bad_value(text: str, instead: str) -> ArgumentTypeError:
    """Return the error for a text that cannot be converted.

    :param instead: what to give instead.
    """
    return ArgumentTypeError(f"{safe_repr(text)}: {instead}")


def _checked(check: Callable[[str, Any], T], value: Any, text: str, instead: str) -> T:
    """Return the value if a check of the library accepts it.

    The error has the words of the command, because those of the library name the types
    of Python.
    """
    try:
        return check("", value)
    except ValueError:
        raise _bad_value(text, instead) from None


def url(text: str) -> str:
    """Return a URL, which begins with http:// if no other scheme is given.

    It may hold a secret, so an error shows it without.
    """
    if not text:
        raise ArgumentTypeError("it is empty; is a variable not set?")
    if text != text.strip():
        why = "there is a blank or a line end around it, perhaps from a file"
        raise ArgumentTypeError(f"{why}: give it without")
    whole = _with_scheme(text)
    host = re.split("[/?#]", whole.partition("://")[2])[0].rpartition("@")[2]
    path = re.split("[?#]", text)[0]
    if text[0] in _QUOTES or '"' in path + text[-1] or set(host) & _QUOTES:
        bare = text.translate(dict.fromkeys(map(ord, _QUOTES)))
        why = "it has quotes in it, perhaps from an env file"
        without = redact_url(_with_scheme(bare))
        raise ArgumentTypeError(f"{why}: give it without, as in {without}")
    if "$" in host:
        instead = "use double quotes, in which the shell fills in variables"
        raise ArgumentTypeError(f"{safe_repr(host)} is no host: {instead}")
    if text in METHODS:
        raise _bad_value(text, f"this is a method: give -X {text}, and the URL")
    if port := _PORT.fullmatch(text):
        local = redact_url(f"http://localhost:{port[1]}").removeprefix("http://")
        raise ArgumentTypeError(f"this is a port without a host: give {local}")
    _check_host(whole, host)
    return whole


def _with_scheme(url: str) -> str:
    """Return a URL with http:// in front if it has no scheme."""
    return url if _SCHEME.match(url) else f"http://{url}"


def _check_host(whole: str, host: str) -> None:
    """Check that a URL has a host and a valid port; an unset variable leaves a hole.

    :param host: the host and the port of the URL.
    """
    parts = _HOST_AND_PORT.fullmatch(host)
    if parts is None or not whole.lower().startswith(("http://", "https://")):
        return
    name, port = parts.groups()
    shown = safe_repr(redact_url(whole))
    if not name:
        raise ArgumentTypeError(f"{shown} has no host; is a variable not set?")
    if port == "":
        why = "has no port behind the colon; is a variable not set?"
        raise ArgumentTypeError(f"{shown} {why}")
    if port and not (_WHOLE_NUMBER.fullmatch(port) and int(port) <= _MAX_PORT):
        # It is not repeated: it may be the beginning of a password with a slash.
        raise ArgumentTypeError(f"the port is no number up to {_MAX_PORT}")


def file_path(text: str) -> str:
    """Return the path of a file, which need not exist."""
    if os.path.exists(text):
        return text
    if text.startswith(("'", '"')):
        why = "the quotes are part of this name, perhaps from an env file"
        raise _bad_value(text, f"{why}: give {text.strip(text[0])}")
    if text.startswith("~/"):
        why = "the shell replaces only a ~ that is first"
        raise _bad_value(text, f"{why}: give $HOME{text[1:]}")
    return text


def duration(text: str) -> float:
    """Return the seconds of ``90``, ``500ms``, ``2m`` or ``1h30m``."""
    if not _DURATION.fullmatch(text):
        short = _LONG_UNIT.sub(lambda unit: unit[unit.lastindex or 0], text)
        examples = short if _DURATION.fullmatch(short) else "90, 500ms, 2m or 1h30m"
        raise _bad_value(text, f"give a duration such as {examples}")
    parts = _PART.findall(text)
    seconds = sum(float(amount) * _UNITS[unit or "s"] for amount, unit in parts)
    return _checked(check_seconds, seconds, text, "give at most thirty years")


def place(text: str) -> str:
    """Return where an answer names a URL: a header, a JSONPath or a URL with parts."""
    if text.startswith(".") and "/" not in text:  # before something is submitted
        raise _bad_value(text, f"a path begins with $: give {quoted(f'${text}')}")
    try:
        PlacesToLook(text)
    except ValueError:
        instead = "give the name of a header, a JSONPath such as '$.links.self', or a"
        raise _bad_value(text, f"{instead} URL such as '/jobs/{{$.id}}'") from None
    return text


def positive_duration(text: str) -> float:
    """Return the seconds of a duration above 0."""
    seconds = duration(text)
    return _checked(check_positive_seconds, seconds, text, "give a duration above 0")


def positive_int(text: str) -> int:
    """Return an int of at least 1."""
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else None
    instead = "give a whole number of at least 1"
    return _checked(check_positive_int, number, text, instead)


def int_from_0(text: str) -> int:
    """Return an int of at least 0."""
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else None
    return _checked(check_int_from_0, number, text, "give a whole number of at least 0")


def or_none(convert: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a converter that also takes ``none``, for no limit."""

    def convert_or_none(text: str) -> T | None:
        if text.lower() in _UNLIMITED:
            raise _bad_value(text, "give none for no limit")
        return None if text == "none" else convert(text)

    return convert_or_none


def json_value(text: str) -> Any:
    """Return a JSON value, from the argument or from ``@FILE``."""
    return _json(text, instead_of_json)


def _json(text: str, instead_of: Callable[[str], str]) -> Any:
    """Return a JSON value, from the argument or from ``@FILE``.

    :param instead_of: returns what to type instead of an argument that is not JSON.
    """
    is_file = text.startswith("@")
    try:
        return parse_json(_file_text(text[1:]) if is_file else text)
    except (ValueError, RecursionError) as error:
        instead = "" if is_file else f"; {instead_of(text)}"
        raise _bad_value(text, f"not JSON ({error}){instead}") from None


def conditions(text: str, option: str = "--until") -> list[Any]:
    """Return the conditions of a JSON list, or a list of the one that is given."""
    value = _json(text, partial(instead_of_condition, option=option))
    return value if isinstance(value, list) else [value]


def status_codes(text: str) -> list[str]:
    """Return the statuses and classes between commas."""
    codes = [code.strip() for code in text.split(",")]
    try:
        VALIDATORS["status_code"](codes)
    except ValueError:
        instead = "give statuses from 100 to 999, or classes, such as 200, 2xx or"
        raise _bad_value(text, f"{instead} 200,204") from None
    return codes


def jsonpath_entry(text: str, option: str = "--until") -> dict[str, Any]:
    """Return an entry of the key ``jsonpath``, from ``PATH=VALUE``.

    The value is JSON if it can be read as JSON, else a string.

    :param option: the option for whole conditions, which can do more.
    """
    parts = split_comparison(text)
    if parts is None:
        raise _bad_value(text, "give PATH=VALUE, such as '$.status=SUCCESS'")
    path, operator, value = parts
    if operator != "=":
        instead = f"only = is supported here; give {typed_comparison(option, *parts)}"
        raise _bad_value(text, instead)
    if path.startswith("."):
        raise _bad_value(text, f"a path begins with $: give {quoted(f'${text}')}")
    expected = json_or_text(value)
    if expected == value and (meant := _meant_by(path, value, option)):
        exactly = quoted(f"{path}={json.dumps(value, ensure_ascii=False)}")
        raise _bad_value(text, f"{meant}, for the string {exactly}")
    return {"expression": path, "value": expected}


def _meant_by(path: str, value: str, option: str) -> str:
    """Return what was probably meant by an odd string; empty if it is not odd."""
    if _SEVERAL_WORDS.fullmatch(value):
        words = [json_or_text(word) for word in re.split("[,|]+", value)]
        either = typed_entry(option, {"expression": path, "in": words})
        return f"{value} is one string; for any one of its words give {either}"
    if (bare := unquoted(value)) == value:
        return ""
    kind = "quotes" if value == value.strip() else "blanks"
    without = quoted(f"{path.strip()}={bare}")
    return f"the {kind} are part of the string; without them give {without}"


def regular_expression(text: str) -> re.Pattern[str]:
    """Return the compiled regular expression."""
    try:
        # FutureWarnings about the syntax are for programmers.
        with warnings.catch_warnings(action="ignore"):
            return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        instead = f"to find this very text give {quoted(re.escape(text))}"
        why = f"not a regular expression ({error})"
        raise _bad_value(text, f"{why}; {instead}") from None


def header_condition(text: str) -> tuple[str, str]:
    """Return the name and the expected value of a header, from ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not TOKEN.fullmatch(name):
        raise _bad_value(text, "give NAME=VALUE")
    return name, value


def method(text: str) -> str:
    """Return the method of a request."""
    if not TOKEN.fullmatch(text):
        raise _bad_value(text, "give a method, such as POST")
    return text


def header_lines(text: str) -> list[tuple[str, str | None]]:
    """Return headers to send: one, or those on the lines of ``@FILE``, as for curl."""
    lines = _file_text(text[1:]).split("\n") if text.startswith("@") else [text]
    if set(text) & {"\r", "\n"}:
        raise ArgumentTypeError("there is a line end: give one -H for each header")
    is_file = text.startswith("@")
    return [_header(line.strip(), is_file) for line in lines if line.strip()]


def _header(line: str, is_file: bool) -> tuple[str, str | None]:
    """Return name and value of a header; ``None`` removes a default header.

    :param is_file: whether the line comes from ``@FILE``.
    """
    name, colon, value = line.partition(":")
    empty = not colon and line.endswith(";")
    name = line[:-1] if empty else name.strip()
    if not (colon or empty) or not TOKEN.fullmatch(name):
        # The line may be a secret whose name is missing, so it is not repeated.
        if is_file:
            why = "a line of the file has no name in one word"
            instead = "write it as 'Authorization: Bearer TOKEN'"
            raise ArgumentTypeError(f"{why}: {instead}")
        raise ArgumentTypeError("give 'NAME: VALUE', the name in one word, or @FILE")
    return name, "" if empty else value.strip() or None


def data(text: str) -> bytes:
    """Return a body to send, from the argument or from ``@FILE``.

    As curl does, remove the line ends of a file. ``-`` and ``@-`` are standard input.
    """
    if text != "-" and not text.startswith("@"):
        return os.fsencode(text)
    return _read(text.removeprefix("@")).translate(None, b"\r\n\0")


def credentials(text: str) -> tuple[bytes, bytes]:
    """Return user and password, from the argument or from ``@FILE``."""
    line = _read(text[1:]) if text.startswith("@") else os.fsencode(text)
    user, colon, password = line.rstrip(b"\r\n").partition(b":")
    if not colon:
        raise ArgumentTypeError("there is no colon: give USER:PASSWORD or @FILE")
    if set(user + password) & set(b"\r\n"):
        raise ArgumentTypeError("there is a line end: give USER:PASSWORD on one line")
    return user, password


def _file_text(path: str) -> str:
    """Return the text of a file, which must be UTF-8."""
    try:
        return _read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad_value(path, "this file is not UTF-8") from None


def _read(path: str) -> bytes:
    """Return the bytes of a file; ``-`` is standard input."""
    is_stdin = (path := file_path(path)) == "-"
    try:
        with open(0 if is_stdin else path, "rb", closefd=not is_stdin) as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: the path contains a NUL
        why = getattr(error, "strerror", None) or error
        raise _bad_value(path, f"this file cannot be read ({why})") from None
