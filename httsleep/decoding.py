"""The JSON of a response, in whatever encoding it was sent."""

import codecs
import json
from typing import Any

import requests
from requests.utils import get_encoding_from_headers

from .formatting import body_of, header_of

_BYTE_ORDER_MARKS = (
    *(codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    codecs.BOM_UTF32_BE,  # that of UTF-32-LE begins as that of UTF-16-LE
)


def decoded_json(response: requests.Response) -> Any:
    """Return the decoded body of a response.

    JSON is UTF-8 unless a charset is declared, whatever the media type is, and a byte
    order mark before it is skipped (RFC 8259 §8.1). A test double, and a subclass that
    has a ``json()`` of its own, is asked for its JSON.

    :raises ValueError: the body is not JSON; likewise RecursionError.
    """
    is_foreign = getattr(type(response), "json", None) is not requests.Response.json
    if is_foreign or "json" in vars(response):
        return response.json()
    return json.loads(decoded_text(response, body_of(response)).removeprefix("\ufeff"))


def decoded_text(response: requests.Response, body: bytes) -> str:
    """Return the body, or its beginning, as text; other bytes become U+FFFD."""
    charset = _declared_charset(response)
    if charset is not None and not body.startswith(_BYTE_ORDER_MARKS):
        try:
            return str(body, charset, "replace")
        except LookupError:  # Python does not know the charset
            pass
    return str(body, json.detect_encoding(body), "replace")


def _declared_charset(response: requests.Response) -> str | None:
    """Return the charset of the Content-Type, or the one that a hook has set.

    requests has a default for some media types, ISO-8859-1 for text. It does not count.
    """
    encoding = response.encoding
    if "charset" in (header_of(response, "Content-Type") or "").lower():
        return encoding
    is_default = encoding == get_encoding_from_headers(response.headers)
    return None if is_default else encoding
