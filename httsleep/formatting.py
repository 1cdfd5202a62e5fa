"""Values, URLs and responses as text that is safe to show.

The text is on one line and limited in length, with control characters escaped. It has
no userinfo, no query values, no headers and no body.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import Enum
from itertools import islice
from reprlib import Repr
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.util import Url

from .wording import is_for_shell, worded, wording

_MAX_LENGTH = 200  # characters
_MAX_NAMES, _MAX_NAMES_LENGTH = 8, 120  # in the account of what is there


class _Repr(Repr):
    """A Repr that shows a str, and a member of an Enum of str or int, as its value.

    Dicts keep their order. For a user of the command, True, False and None have the
    names that they have in JSON.
    """

    def repr_bool(self, x: bool, level: int) -> str:
        """Return the name of a boolean."""
        return worded(repr(x), "true" if x else "false")

    def repr_NoneType(self, x: None, level: int) -> str:
        """Return the name of None."""
        return worded("None", "null")

    def repr_dict(self, x: Mapping[Any, Any], level: int) -> str:
        """Return the repr of the first items of a dict."""
        if not x or level <= 0:
            return "{...}" if x else "{}"
        items = [
            f"{self.repr1(key, level - 1)}: {self.repr1(value, level - 1)}"
            for key, value in islice(x.items(), self.maxdict)
        ]
        more = ["..."] if len(x) > self.maxdict else []
        return f"{{{', '.join(items + more)}}}"

    def repr_instance(self, x: Any, level: int) -> str:
        """Return the repr of an object of a class for which Repr has no method."""
        if isinstance(x, str):
            return self.repr_str(
                x.value if isinstance(x, Enum) else str.__str__(x), level
            )
        if isinstance(x, Enum) and isinstance(x, (int, float)):
            return repr(x.value)
        return super().repr_instance(x, level)


_repr = _Repr()
_repr.maxlevel, _repr.maxdict, _repr.maxlist, _repr.maxtuple = 4, 8, 8, 8
_repr.maxset = _repr.maxfrozenset = 8
_repr.maxstring = _repr.maxother = 80
_repr.maxlong = 40


def one_line(text: str, max_length: int = _MAX_LENGTH) -> str:
    """Return the text on one line, shortened, with unprintable characters escaped."""
    line = text[: max_length + 1]
    if not line.isprintable():
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def safe_repr(value: Any) -> str:
    """Return the repr of a value on one line, shortened."""
    if type(value) is str and len(value) <= _repr.maxstring:
        return repr(value)
    try:
        return one_line(_repr.repr(value))
    except Exception:  # of a foreign __repr__, or of an int of more than 4300 digits
        return f"<{type(value).__name__}>"


def a_kind(value: Any) -> str:
    """Return the type of a value with its article: ``a str``, ``an int``."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOaeiou' else 'a'} {name}"


def written(value: Any) -> str:
    """Return a value as the reader of the text writes it: in Python, or as JSON."""
    return as_json(value) if is_for_shell() else safe_repr(value)


def as_json(value: Any) -> str:
    """Return a value as JSON on one line, shortened."""
    try:
        return one_line(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return safe_repr(value)


def describe_alarm(alarm: Mapping[str, Any]) -> str:
    """Return an alarm as the reader of the text wrote it."""
    return wording().alarm(alarm) or written(alarm)


def there_are(names: Iterable[Any], place: str = "") -> str:
    """Return what there is instead of what is missing; empty if there is nothing.

    :param place: where the names are, unless that is clear.
    """
    shown = [safe_repr(name) for name in islice(names, _MAX_NAMES + 1)]
    if not shown:
        return ""
    shown[_MAX_NAMES:] = ["…"] * (len(shown) > _MAX_NAMES)
    listed = one_line(", ".join(shown), _MAX_NAMES_LENGTH)
    is_or_are = "are" if len(shown) > 1 else "is"
    return f" (there {is_or_are} {listed}{place and f' in {place}'})"


def beside(actual: Any, expected: Any) -> str:
    """Return the repr of a value, and its kind if only that differs from ``expected``.

    That is so for ``'25'`` and 25.
    """
    shown = safe_repr(actual)
    if isinstance(actual, str) is isinstance(expected, str):
        return shown
    if _without_quotes(shown) != _without_quotes(safe_repr(expected)):
        return shown
    return with_kind(actual, expected)


def with_kind(actual: Any, expected: Any) -> str:
    """Return the repr of a value, and its kind if that is not the kind expected."""
    kind = _KINDS.get(type(actual))
    is_told = kind is not None and kind != _KINDS.get(type(expected))
    return f"{safe_repr(actual)} ({kind})" if is_told else safe_repr(actual)


_KINDS = {str: "a string", bool: "a boolean", int: "a number", float: "a number"}


def _without_quotes(shown: str) -> str:
    """Return a repr without quotes, in small letters, as JSON writes ``true``."""
    return shown.strip("'\"").lower()


def redact_url(url: Any) -> str:
    """Return the URL without userinfo, query values and fragment."""
    try:
        parts = urlsplit(url if isinstance(url, str) else str(url, "utf-8"))
        is_unclear = parts.port == 0 or (not parts.netloc and "@" in str(url))
    except (TypeError, ValueError):
        parts, is_unclear = urlsplit(""), True
    if is_unclear:  # a password may be anywhere in the URL
        return "<no valid URL>"
    colon = "://" if parts.netloc or parts.path[:1] in ("", "/") else ":"
    scheme = parts.scheme and parts.scheme + colon
    pairs = [pair.partition("=") for pair in parts.query.split("&")]
    query = "&".join(f"{name}=…" if equals else "…" for name, equals, _ in pairs)
    query = f"?{query}" if parts.query else ""
    return one_line(scheme + parts.netloc.rpartition("@")[2] + parts.path + query)


def show_origin(url: str) -> str:
    """Return scheme, host and port of a URL; of one without a host the scheme."""
    shown, parts = redact_url(url), urlsplit("")
    with suppress(ValueError):
        parts = urlsplit(shown)
    if parts.netloc:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:…" if parts.scheme else "<no valid URL>"


def as_text(value: Any) -> str:
    """Return a URL, or the name of a header, as str."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def format_seconds(seconds: float) -> str:
    """Return a duration with its unit, rounded: ``2 s``, ``38.4 s``, ``500 ms``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def format_progress(polls: int, seconds: float) -> str:
    """Return polls and the time that they took: ``4 polls in 6 s``."""
    return f"{polls} {'poll' if polls == 1 else 'polls'} in {format_seconds(seconds)}"


def format_size(size: int) -> str:
    """Return a number of bytes with its unit: ``1 byte``, ``1.2 kB``."""
    for unit, bytes_ in (("MB", 1_000_000), ("kB", 1000)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def body_of(response: requests.Response) -> bytes:
    """Return the body of an answer; empty for a test double that has none."""
    content = getattr(response, "content", None)
    return content if isinstance(content, bytes) else b""


def header_of(response: requests.Response, name: str) -> str | None:
    """Return a header of an answer; ``None`` if a test double has only a mock of it."""
    headers = getattr(response, "headers", None)
    value = headers.get(name) if isinstance(headers, Mapping) else None
    return value if isinstance(value, str) else None


def describe_body(response: requests.Response) -> str:
    """Return the kind and the size of the body: ``text/html, 1.2 kB``."""
    size = len(body_of(response))
    if not size:
        return "no body"
    kind = header_of(response, "Content-Type") or "no Content-Type"
    return f"{one_line(kind.partition(';')[0].strip(), 60)}, {format_size(size)}"


def describe_status(response: requests.Response) -> str:
    """Return the status of the answer, and whether it came from a cache."""
    reason = getattr(response, "reason", None)
    reason = one_line(str(reason), 60) if isinstance(reason, (str, bytes)) else ""
    return f"{response.status_code} {reason}".rstrip() + cache_note(response)


def cache_note(response: requests.Response) -> str:
    """Return " (from a cache)" if requests-cache or CacheControl says so, else ""."""
    is_cached = getattr(response, "from_cache", False) is True
    return " (from a cache)" if is_cached else ""


def redirected_to(
    response: requests.Response, *, origin_only: bool = False
) -> str | None:
    """Return the URL of the answer, without secrets; ``None`` without a redirect.

    :param origin_only: whether the path may be a secret, too.
    """
    history = getattr(response, "history", None)  # a test double may have none
    if not isinstance(history, list):
        return None
    # An auth such as HTTPDigestAuth adds the answers that ask for credentials.
    if all(getattr(each, "status_code", None) in (401, 407) for each in history):
        return None
    return show_origin(response.url) if origin_only else redact_url(response.url)


def describe_way(
    response: requests.Response | None, *, origin_only: bool = False
) -> str:
    """Return the URL that redirects led to, and the proxy, each after a comma."""
    if response is None:
        return ""
    url = redirected_to(response, origin_only=origin_only)
    proxy = proxy_address(getattr(getattr(response, "raw", None), "_pool", None))
    way = "" if url is None else f", redirected to {url}"
    return f"{way}, through the proxy {proxy}" if proxy else way


def proxy_address(pool: Any) -> str:
    """Return host and port of the proxy of a pool of urllib3; empty without one."""
    proxy, options = getattr(pool, "proxy", None), getattr(pool, "conn_kw", None)
    if isinstance(proxy, Url):
        return one_line(proxy.netloc or "", 100)
    socks = options.get("_socks_options") if isinstance(options, dict) else None
    if not socks:
        return ""
    return one_line(f"{socks['proxy_host']}:{socks['proxy_port']}", 100)


def describe_response(response: requests.Response, *, origin_only: bool = False) -> str:
    """Return the answer in one line: status, body, and where it came from."""
    way = describe_way(response, origin_only=origin_only)
    return f"{describe_status(response)}, {describe_body(response)}{way}"
