"""The request: what the caller wants sent, checked, as a Request of our own.

A request may hold secrets, so what is refused is told without its values.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from .checks import bad_argument
from .conditions import copy_containers
from .formatting import redact_url, safe_repr

#: A Request, or the URL of a GET.
UrlOrRequest = str | requests.Request

#: What a Request is made of.
FIELDS = (
    *("method", "url", "headers", "files", "data"),
    *("params", "auth", "cookies", "hooks", "json"),
)
#: A method, or the name of a header (RFC 9110 §5.6.2).
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def checked_copy(
    url_or_request: Any, auth: Any, headers: Any, *, check_sendable: bool
) -> requests.Request:
    """A Request of our own for what the caller gave, checked as far as it can be.

    With ``check_sendable`` it must be one that a plain session can send; a session of
    the caller's may complete or interpret it in its own way.
    """
    if isinstance(url_or_request, str):
        url_or_request = requests.Request("GET", url_or_request)
    if not isinstance(url_or_request, requests.Request):
        right = f"give a URL or a requests.Request, not a {_kind(url_or_request)}"
        raise ValueError(f"url_or_request cannot be used: {right}")
    try:
        fields = {
            name: copy_containers(getattr(url_or_request, name)) for name in FIELDS
        }
    except RecursionError:
        raise ValueError("url_or_request contains itself, or is too deep") from None
    if auth is not None:
        fields["auth"] = auth
    _check_auth(fields["auth"])
    _check_headers(fields["headers"])
    if headers is not None:
        _check_headers(headers)
        on_top = CaseInsensitiveDict(fields["headers"])
        on_top.update(headers)
        fields["headers"] = dict(on_top)
    _check_once_only(fields)
    request = requests.Request(**fields)
    if not isinstance(request.method, str) or not TOKEN.fullmatch(request.method):
        raise ValueError("url_or_request has no valid method: give one, such as 'GET'")
    if not request.url or not isinstance(request.url, (str, bytes)):
        raise ValueError("url_or_request has no URL")
    if check_sendable:
        _check_sendable(request)
    return request


def _kind(value: Any) -> str:
    """All that may be said of a value that could hold a secret."""
    return type(value).__name__


def _check_auth(auth: Any) -> None:
    pair = isinstance(auth, tuple) and len(auth) == 2 and all(map(_is_latin, auth))
    if auth is not None and not pair and not callable(auth):
        right = "give a (user, password) tuple or a callable such as an AuthBase"
        raise ValueError(f"auth is a {_kind(auth)}: {right}")


def _is_latin(value: Any) -> bool:
    """Whether it can stand in a header: one line of bytes or of ISO-8859-1."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return (
        isinstance(value, str)
        and not set(value) & {"\r", "\n"}
        and max(value, default="") <= "\xff"
    )


def _check_headers(headers: Any) -> None:
    if not isinstance(headers, Mapping):
        raise ValueError(f"headers must be a dict, not a {_kind(headers)}")
    for name, value in headers.items():
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        if not isinstance(text, str) or not TOKEN.fullmatch(text):
            right = "a name is str or bytes on one line, such as 'X-Token'"
            raise ValueError(f"headers: {safe_repr(name)}: {right}")
        if value is None:  # takes a header of the session away
            continue
        try:
            valid = _is_latin(value)
            requests.utils.check_header_validity((name, value if valid else ""))
        except requests.exceptions.InvalidHeader:
            valid = False
        if not valid:
            right = "a value is str or bytes on one line, in ISO-8859-1"
            raise ValueError(f"headers: {safe_repr(name)}: {right}")


def _check_once_only(fields: Mapping[str, Any]) -> None:
    for name in ("data", "params", "files"):
        if any(map(_once_only, _parts(fields[name]))):
            right = "give bytes, for each poll sends it again"
            text = f"url_or_request: its {name} can be sent only once"
            raise ValueError(f"{text}: {right}")


def _once_only(part: Any) -> bool:
    return isinstance(part, Iterator) or hasattr(part, "read")


def _parts(value: Any) -> Iterable[Any]:
    """``value`` and what it is made of, as deep as requests looks."""
    yield value
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _parts(each)


def _check_sendable(request: requests.Request) -> None:
    """Prepare the request once, to see whether that and sending it can work."""
    prepared = requests.PreparedRequest()
    url = redact_url(request.url)
    try:
        prepared.prepare_url(request.url or "", request.params)
        (urlsplit(prepared.url or "").hostname or "").encode("idna")
    except Exception as exc:  # of a param whose str() raises, for one
        right = "give a whole URL such as 'http://server/endpoint'"
        text = f"url_or_request: {url!r} is no URL to poll"
        raise ValueError(f"{text} ({_kind(exc)}): {right}") from None
    if not str(prepared.url).lower().startswith(("http://", "https://")):
        raise ValueError(f"url_or_request: {url!r} is not http or https")
    try:
        headers = {name: value for name, value in request.headers.items() if value}
        prepared.prepare_headers(headers)
        prepared.prepare_cookies(request.cookies)
        prepared.prepare_body(request.data, request.files, request.json)
        str(prepared.headers.get("Cookie", "")).encode("latin-1")
        body = prepared.body
        body = body.encode() if isinstance(body, str) else body
    except Exception as exc:  # whatever a foreign object in it raises
        of = "its json cannot" if request.json is not None else "it cannot"
        raise ValueError(f"url_or_request: {of} be sent ({_kind(exc)})") from None
    iterable = isinstance(body, Iterable) and not isinstance(body, (Set, Sequence))
    if body is not None and not isinstance(body, bytes) and not iterable:
        raise ValueError(f"url_or_request: a {_kind(body)} is no data to send")


def sending_options(verify: Any) -> dict[str, Any]:
    """The keyword arguments for sending that the caller has set: ``{}`` or verify."""
    if verify is None:
        return {}
    if not isinstance(verify, (bool, str, os.PathLike)):
        right = "give True, False, or the path of a CA bundle"
        raise bad_argument("verify", verify, right)
    if not isinstance(verify, bool) and not os.path.exists(verify):
        raise bad_argument("verify", verify, "there is no such file or directory")
    return {"verify": verify}
