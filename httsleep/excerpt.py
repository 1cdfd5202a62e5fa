"""The beginning of a body as text, without the secrets that were sent.

A page of an error may repeat the request, and an exception's text is often logged. So
values of the request's headers, auth, cookies and query are replaced, in the forms in
which a page can repeat them.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

import requests

from .attempt import Attempt, is_of_other_origin
from .decoding import decoded_text
from .formatting import as_text, body_of, one_line

_REDACTED = "..."
_MORE_BYTES = 4096  # than are shown: white space and secrets take room
_MAX_CHARACTER = 4  # bytes
_MIN_PIECE = 8  # characters of a part of a header's value that can be a secret
_MIN_INSIDE = 4  # characters of a value that is also replaced inside of a word
_BINARY = r"[\x00-\x08\x0e-\x1a\x1c-\x1f]"
_UNDECODABLE = "\ufffd"
#: Headers whose values are no secrets, and can be words that a text needs.
_PUBLIC_HEADERS = frozenset(
    (
        *("accept", "accept-charset", "accept-encoding", "accept-language"),
        *("cache-control", "connection", "content-encoding", "content-length"),
        *("content-type", "expect", "host", "pragma", "prefer", "te"),
        *("transfer-encoding", "user-agent"),
    )
)


class BodyExcerpt:
    """Shows the beginning of the body of an answer.

    :param max_length: how many characters are shown at most; 0 for none.
    :param request: the caller's request. The secrets of the requests that led to an
        answer are found in the answer itself.
    """

    def __init__(self, max_length: int, request: requests.Request) -> None:
        self._max_length = max_length
        self._request = request

    def of_failure(
        self, response: requests.Response, *, is_alarm: bool, origin_only: bool
    ) -> str:
        """Return the excerpt of an alarm or an error; empty for other answers.

        :param origin_only: whether the answer is of another origin than the request.
        """
        is_shown = (is_alarm or is_error(response)) and not origin_only
        return self.of(response) if is_shown else ""

    def of_attempt(self, attempt: Attempt) -> str:
        """Return the excerpt of an alarm or an error; empty for other attempts."""
        if attempt.response is None:
            return ""
        return self.of_failure(
            attempt.response,
            is_alarm=attempt.outcome == "alarm",
            origin_only=is_of_other_origin(attempt),
        )

    def of(self, response: requests.Response) -> str:
        """Return the excerpt on one line; empty if there is nothing to show."""
        if not self._max_length or not body_of(response):
            return ""
        with suppress(Exception):  # of a test double, of an odd charset
            return self._shown(response)
        return ""

    def _shown(self, response: requests.Response) -> str:
        """Return the excerpt of a body."""
        size = _MORE_BYTES + _MAX_CHARACTER * self._max_length
        text = _beginning(response, size)
        variants = _variants(_sent_values(self._request, response))
        if len(body_of(response)) > size:
            text = _without_cut_off(text, variants)
        return one_line(" ".join(_redact(text, variants).split()), self._max_length)


def is_error(response: requests.Response) -> bool:
    """Return whether the status of an answer is 4xx or 5xx."""
    return 400 <= response.status_code < 600


def _beginning(response: requests.Response, size: int) -> str:
    """Return the text of the first bytes of a body; empty for one that is no text."""
    text = decoded_text(response, body_of(response)[:size])
    text = text.removeprefix("\ufeff").rstrip(_UNDECODABLE)  # of a cut character
    if re.search(_BINARY, text) or text.count(_UNDECODABLE) * 10 > len(text):
        return ""
    return text


def _redact(text: str, variants: Iterable[str]) -> str:
    """Return the text with each of the variants replaced, the longest first."""
    patterns = [
        re.escape(each)
        if len(each) >= _MIN_INSIDE
        else rf"(?<!\w){re.escape(each)}(?!\w)"
        for each in sorted(variants, key=len, reverse=True)
    ]
    if not patterns:
        return text
    return re.sub("|".join(patterns), _REDACTED, text, flags=re.IGNORECASE)


def _without_cut_off(text: str, variants: Iterable[str]) -> str:
    """Return the text without the beginning of a variant that is cut off at its end."""
    ends = [
        size
        for each in variants
        for size in range(1, min(len(each), len(text) + 1))
        if text.endswith(each[:size])
    ]
    return text[: len(text) - max(ends, default=0)]


def _variants(values: Iterable[str]) -> set[str]:
    """Return the values, and what they are in a URL, in HTML and in JSON."""
    from html import escape  # imported only here: it takes 2 % of the import's time

    variants = set()
    for value in values:
        in_html, in_json = escape(value), json.dumps(value)[1:-1]
        variants |= {
            value,
            quote(value, errors="replace"),
            quote(value, safe="", errors="replace"),
            quote_plus(value, errors="replace"),
            in_html,
            in_html.replace("&#x27;", "&#39;"),
            in_json,
            in_json.replace("/", r"\/"),
            json.dumps(value, ensure_ascii=False)[1:-1],
        }
    return {each for each in variants if each.strip()}


def _sent_values(
    request: requests.Request, response: requests.Response
) -> Iterator[str]:
    """Yield the values that were sent and can be secrets."""
    with suppress(requests.exceptions.RequestException, ValueError):
        prepared = requests.PreparedRequest()
        prepared.prepare_url(as_text(request.url), request.params)
        yield from _values_of_url(prepared.url)
    yield from _values_of_headers(request.headers)
    yield from _values_of_auth(request.auth)
    if isinstance(request.cookies, Mapping):
        yield from map(str, request.cookies.values())
    redirects = getattr(response, "history", None)
    answers = [*redirects, response] if isinstance(redirects, list) else [response]
    for answer in answers:
        sent = getattr(answer, "request", None)
        yield from _values_of_url(getattr(sent, "url", None))
        yield from _values_of_headers(getattr(sent, "headers", None))
    pool = getattr(getattr(response, "raw", None), "_pool", None)
    yield from _values_of_headers(getattr(pool, "proxy_headers", None))


def _values_of_url(url: Any) -> Iterator[str]:
    """Yield the userinfo and the values of the query of a URL."""
    if not isinstance(url, str):
        return
    with suppress(ValueError):
        parts = urlsplit(url)
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
        values = [pair.partition("=") for pair in parts.query.split("&")]
        for value in (user, password, *(value or name for name, _, value in values)):
            yield from (value, unquote(value), unquote_plus(value))


def _values_of_headers(headers: Any) -> Iterator[str]:
    """Yield the values of headers that are not public."""
    if not isinstance(headers, Mapping):
        return
    for name, value in headers.items():
        if not isinstance(value, (str, bytes)):
            continue
        name, text = as_text(name).lower(), as_text(value)
        if name in _PUBLIC_HEADERS:
            continue
        yield from (text, text.encode("latin-1", "replace").decode("utf-8", "replace"))
        pieces = re.split(r'[\s,;"=]+', text)
        yield from (piece for piece in pieces if len(piece) >= _MIN_PIECE)
        if name == "cookie":
            yield from (pair.partition("=")[2] for pair in text.split("; "))
        if name.endswith("authorization"):
            yield from _values_of_authorization(text)


def _values_of_authorization(value: str) -> Iterator[str]:
    """Yield the credentials of a scheme; of Basic also the user and the password."""
    scheme, _, credentials = value.partition(" ")
    yield credentials
    if scheme.lower() == "basic":
        with suppress(ValueError):
            decoded = base64.b64decode(credentials)
            for pair in (decoded.decode("latin-1"), decoded.decode("utf-8", "replace")):
                yield from (pair, *pair.split(":", 1))


def _values_of_auth(auth: Any) -> Iterator[str]:
    """Yield the user and the password of an ``auth`` that has them."""
    pair = auth if isinstance(auth, (tuple, list)) else ()
    named = (getattr(auth, name, None) for name in ("username", "password"))
    for value in (*pair, *named):
        if isinstance(value, (str, bytes)):
            yield as_text(value)
