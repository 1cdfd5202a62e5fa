"""The places where an answer names a URL.

A *place* is one way in which answers name it: a header, a JSONPath, a URL with parts to
fill in, or a callable.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import requests

from .checks import bad_argument
from .formatting import a_kind, one_line, safe_repr, there_are
from .request import TOKEN
from .validators import Answer, finder

#: What ``follow`` takes: one place, or a list of them.
Place = str | Callable[[requests.Response], Any]
Places = Place | Sequence[Place]
#: Returns the URL that an answer names, or raises :class:`_NamesNothing`.
_Find = Callable[[Answer], str]

_GIVE = (
    "give the name of a header, a JSONPath such as '$.links.self', a URL such as "
    "'/jobs/{$.id}', a callable, or a list of these"
)
_PART = r"\{([^{}]*)\}"


class Named(NamedTuple):
    """A URL as an answer names it, and the place where it does."""

    place: str
    url: str


class _NamesNothing(Exception):
    """An answer names no URL in a place; the text says what is there."""


class PlacesToLook:
    """The checked value of ``follow``: the places in their order.

    :ivar written: the value as the caller gave it, copied.
    :raises ValueError: a place makes no sense.
    """

    def __init__(self, written: Any) -> None:
        is_several = isinstance(written, (list, tuple))
        places = list(written) if is_several else [written]
        if not places:
            raise bad_argument("follow", written, _GIVE)
        self.written: Places = places if isinstance(written, list) else written
        self._finders = [(_describe_place(each), _finder(each)) for each in places]

    def look(self, answer: Answer) -> tuple[Named | None, tuple[str, ...]]:
        """Return the first URL that an answer names, else what is in each place."""
        missing = []
        for place, find in self._finders:
            try:
                return Named(place, find(answer)), ()
            except _NamesNothing as nothing:
                missing.append(f"{place} {nothing}")
        return None, tuple(missing)


def _describe_place(place: Any) -> str:
    """Return a place as text."""
    if isinstance(place, str):
        return one_line(place)
    name = getattr(place, "__qualname__", "<")
    return "follow" if "<" in name else one_line(name)


def _finder(place: Any) -> _Find:
    """Return the function that looks in a place.

    :raises ValueError: the place makes no sense.
    """
    if callable(place):
        return lambda answer: _call(place, answer)
    if not isinstance(place, str) or not place.isprintable() or place != place.strip():
        raise bad_argument("follow", place, _GIVE)
    if place.startswith("$"):
        return _in_body(place, str)
    if "{" in place or "}" in place or "/" in place:
        return _template(place)
    return _in_header(place, place)


def _call(place: Callable[[requests.Response], Any], answer: Answer) -> str:
    """Return the URL that a callable returns."""
    try:
        url = place(answer.response)
    except (LookupError, requests.exceptions.JSONDecodeError) as exc:
        raise _NamesNothing(f"raised {type(exc).__name__}") from None
    return _checked_value(url, "returned")


def _checked_value(value: Any, verb: str = "is", kinds: Any = str) -> str:
    """Return the text of a value of these kinds, without the blanks around it."""
    text = str(value).strip() if isinstance(value, kinds) else ""
    if not text or isinstance(value, bool):
        is_simple = isinstance(value, (str, int, float, type(None)))
        shown = safe_repr(value) if is_simple else a_kind(value)
        raise _NamesNothing(f"{verb} {shown}, which names no URL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _NamesNothing(f"{verb} no Unicode text, which names no URL") from None
    return text


def _in_header(argument: str, name: str) -> _Find:
    """Return the function that looks in a header."""
    if not TOKEN.fullmatch(name):
        raise bad_argument("follow", argument, _GIVE)

    def find(answer: Answer) -> str:
        given = getattr(answer.response, "headers", None)
        headers = given if isinstance(given, Mapping) else {}  # of a test double
        if name not in headers:
            path = name.lstrip(".")  # as for jq
            is_path = _is_key(answer, path.partition(".")[0])
            meant = f"; the body has $.{path}" if is_path else ""
            raise _NamesNothing(f"is missing{there_are(headers)}{meant}")
        return _checked_value(_decode_header(headers[name]))

    return find


def _is_key(answer: Answer, name: str) -> bool:
    """Return whether the body is an object with this key."""
    is_real = isinstance(answer.response, requests.Response)  # not a test double
    document = answer.json if is_real and answer.is_json else None
    return isinstance(document, dict) and name in document


def _decode_header(value: Any) -> Any:
    """Return the value of a header; one in UTF-8 is decoded, as in a redirect."""
    try:
        return value.encode("latin-1").decode()
    except (AttributeError, UnicodeError):  # of a test double; of another encoding
        return value


def _in_body(path: str, kinds: Any) -> _Find:
    """Return the function that looks at the values that a JSONPath finds."""
    try:
        find_values = finder(path)
    except ValueError:
        raise bad_argument("follow", path, "give a valid JSONPath") from None

    def find(answer: Answer) -> str:
        if not answer.is_json:
            raise _NamesNothing(f"is missing ({answer.not_json})")
        try:
            found = find_values(answer.json)
        except Exception as exc:  # such as len() of a number
            raise _NamesNothing(f"cannot be evaluated ({type(exc).__name__})") from None
        if not found:
            keys = answer.json if isinstance(answer.json, dict) else ()
            raise _NamesNothing(f"is missing{there_are(keys)}")
        if len(found) > 1:
            raise _NamesNothing(f"has {len(found)} values, which name no URL")
        try:
            return _checked_value(found[0], kinds=kinds)
        except _NamesNothing as nothing:
            if isinstance(found[0], bool) or not isinstance(found[0], (int, float)):
                raise
            part = f"{{{path}}} can be a part of one"
            raise _NamesNothing(f"{nothing}; {part}") from None

    return find


def _template(place: str) -> _Find:
    """Return the function that fills in the parts of a URL."""
    literals = re.split(_PART, place)
    names, literals = literals[1::2], literals[::2]
    if any(set(literal) & set("{} ") for literal in literals):
        raise bad_argument("follow", place, "give parts as {NAME} or {$.PATH}")
    finders = [
        _in_body(name, (str, int, float))
        if name.startswith("$")
        else _in_header(place, name)
        for name in names
    ]

    def find(answer: Answer) -> str:
        url = literals[0]
        for name, find_part, literal in zip(names, finders, literals[1:], strict=True):
            try:
                value = find_part(answer)
            except _NamesNothing as nothing:
                raise _NamesNothing(f"has no part: {name} {nothing}") from None
            url += (quote(value, safe="/") if url else value) + literal
        return url

    return find
