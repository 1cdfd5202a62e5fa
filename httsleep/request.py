"""A checked copy of the caller's request.

A request may hold secrets, so the errors here do not show its values.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import get_auth_from_url

from .checks import bad_argument
from .conditions import copy_containers
from .formatting import a_kind, redact_url, safe_repr

#: A Request, or the URL of a GET.
UrlOrRequest = str | requests.Request

#: The names of the fields of a Request.
FIELDS = (
    *("method", "url", "headers", "files", "data"),
    *("params", "auth", "cookies", "hooks", "json"),
)
#: The syntax of a method and of the name of a header (RFC 9110 §5.6.2).
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Methods that are given in the place of the URL, as if to requests.request().
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
#: A URL that only lacks its http://, such as localhost:8080/health.
_NO_SCHEME = r"[\w.-]+(:\d{1,5})?([/?]\S*)?"
#: A URL that only lacks its colon, such as http//server/health.
_NO_COLON = r"(https?)//(\w\S*)"


def checked_copy(
    url_or_request: Any, auth: Any, headers: Any, *, check_sendable: bool
) -> requests.Request:
    """Return a checked copy of the request, with ``auth`` and ``headers`` on top of it.

    :param check_sendable: whether a plain session must be able to send the request. A
        session of the caller's may complete a relative URL, or interpret a field.
    """
    fields = _given_fields(url_or_request)
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
    _check_method_and_url(request)
    if check_sendable:
        _check_sendable(request)
    return request


def _given_fields(url_or_request: Any) -> dict[str, Any]:
    """Return the fields of the request that the caller gave, copied."""
    if isinstance(url_or_request, str):
        url_or_request = requests.Request("GET", url_or_request)
    if not isinstance(url_or_request, requests.Request):
        instead = "give a URL or a requests.Request"
        if isinstance(url_or_request, requests.Response):
            instead += ", such as requests.Request('POST', url), which is not sent yet"
        raise ValueError(f"url_or_request is {a_kind(url_or_request)}: {instead}")
    with suppress(RecursionError):
        return {name: copy_containers(getattr(url_or_request, name)) for name in FIELDS}
    text = "url_or_request contains itself, or is nested too deeply"
    raise ValueError(f"{text}: give flat data")


def _check_method_and_url(request: requests.Request) -> None:
    """Check that a request has both, whatever they are."""
    if not isinstance(request.method, str) or not TOKEN.fullmatch(request.method):
        raise ValueError("url_or_request has no valid method: give one, such as 'GET'")
    if not request.url or not isinstance(request.url, (str, bytes)):
        instead = "give one, such as 'http://server/endpoint'"
        raise ValueError(f"url_or_request has no URL: {instead}")


def copied_fields(request: requests.Request) -> dict[str, Any]:
    """Return the fields of a request, which no later change of it reaches."""
    fields = {name: copy_containers(getattr(request, name)) for name in FIELDS}
    fields["headers"] = dict(fields["headers"])
    return fields


def _kind(value: Any) -> str:
    """Return the name of the type: a text may not show more of a possible secret."""
    return type(value).__name__


def _check_auth(auth: Any) -> None:
    """Check that requests can send ``auth`` or call it."""
    pair = isinstance(auth, tuple) and len(auth) == 2 and all(map(_is_latin, auth))
    if auth is not None and not pair and not callable(auth):
        instead = "give a (user, password) tuple or a callable such as an AuthBase"
        raise ValueError(f"auth is {a_kind(auth)}: {instead}")


def _is_latin(value: Any) -> bool:
    """Return whether a header can hold the value: one line, bytes or ISO-8859-1."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return (
        isinstance(value, str)
        and not set(value) & {"\r", "\n"}
        and max(value, default="") <= "\xff"
    )


def _check_headers(headers: Any) -> None:
    """Check the names and the values of headers."""
    if not isinstance(headers, Mapping):
        raise ValueError(f"headers is {a_kind(headers)}: give a dict")
    for name, value in headers.items():
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        if not isinstance(text, str) or not TOKEN.fullmatch(text):
            instead = "give a name as str or bytes on one line, such as 'X-Token'"
            raise ValueError(f"headers: {safe_repr(name)}: {instead}")
        if value is None:  # it removes a header of the session
            continue
        try:
            valid = _is_latin(value)
            requests.utils.check_header_validity((name, value if valid else ""))
        except requests.exceptions.InvalidHeader:
            valid = False
        if not valid:
            instead = "give a value as str or bytes on one line, in ISO-8859-1"
            if value is True or isinstance(value, re.Pattern):
                instead = "give a str to send; until={'headers': {...}} expects headers"
            raise ValueError(f"headers: {safe_repr(name)}: {instead}")


def _check_once_only(fields: Mapping[str, Any]) -> None:
    """Check that each poll can send the body and the params again."""
    for name in ("data", "params", "files"):
        if any(map(_once_only, _parts(fields[name]))):
            text = f"url_or_request: its {name} can be sent only once"
            instead = "give bytes, because each poll sends them again"
            raise ValueError(f"{text}: {instead}")


def _once_only(part: Any) -> bool:
    """Return whether the part is used up once it has been read."""
    return isinstance(part, Iterator) or hasattr(part, "read")


def _parts(value: Any) -> Iterable[Any]:
    """Yield the value and its parts, as deep as requests looks into it."""
    yield value
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _parts(each)


def _check_sendable(request: requests.Request) -> None:
    """Prepare the request once, to find out whether it can be prepared and sent."""
    prepared = requests.PreparedRequest()
    _check_url(request, prepared)
    try:
        problem = _unsendable_part(request, prepared)
    except Exception as exc:  # an object of the caller's can raise any
        part, instead = "it", "give text, bytes, or a dict of these"
        if request.json is not None:
            part, instead = "its json", "give what json.dumps() accepts"
        problem = f"{part} cannot be sent ({_kind(exc)}): {instead}"
    if problem:
        raise ValueError(f"url_or_request: {problem}")


def _check_url(request: requests.Request, prepared: requests.PreparedRequest) -> None:
    """Check that the URL can be requested, with its user and password."""
    url, kind = redact_url(request.url), ""
    try:
        prepared.prepare_url(request.url or "", request.params)
        (urlsplit(prepared.url or "").hostname or "").encode("idna")
    except Exception as exc:  # for instance, the str() of a param raises one
        kind = _kind(exc)
    whole = f"give 'http://{url}'" if re.fullmatch(_NO_SCHEME, url) else ""
    if parts := re.fullmatch(_NO_COLON, url):
        whole = f"give '{parts[1]}://{parts[2]}'"
    if url in METHODS:
        whole = f"give requests.Request({url!r}, url) in place of both"
    if kind:
        text = f"url_or_request: {url!r} cannot be polled ({kind})"
        instead = whole or "give a whole URL such as 'http://server/endpoint'"
        raise ValueError(f"{text}: {instead}")
    if not str(prepared.url).lower().startswith(("http://", "https://")):
        text = f"url_or_request: {url!r} is not http or https"
        instead = whole or "give a URL that begins with http:// or https://"
        raise ValueError(f"{text}: {instead}")
    named = get_auth_from_url(prepared.url or "")
    if request.auth is None and not all(map(_is_latin, named)):
        text = f"url_or_request: user or password of {url!r} cannot be sent"
        raise ValueError(f"{text}: give both on one line, in ISO-8859-1")


def _unsendable_part(
    request: requests.Request, prepared: requests.PreparedRequest
) -> str:
    """Return why the data cannot be sent, and what to give; empty if it can be."""
    headers = {name: value for name, value in request.headers.items() if value}
    prepared.prepare_headers(headers)
    prepared.prepare_cookies(request.cookies)
    prepared.prepare_body(request.data, request.files, request.json)
    if not _is_latin(prepared.headers.get("Cookie", "")):
        return "its cookies cannot be sent: give them on one line, in ISO-8859-1"
    body = prepared.body
    body = body.encode() if isinstance(body, str) else body
    iterable = isinstance(body, Iterable) and not isinstance(body, (Set, Sequence))
    if body is None or isinstance(body, bytes) or iterable:
        return ""
    return f"its data is {a_kind(body)}: give text, bytes, or a dict of these"


def sending_options(verify: Any) -> dict[str, Any]:
    """Return the keyword arguments for sending that the caller set: none, or verify.

    A path need not exist yet. requests takes an empty one for False.
    """
    if verify is None:
        return {}
    if not isinstance(verify, (bool, str, os.PathLike)) or verify == "":
        instead = "give True, False, or the path of a CA bundle"
        raise bad_argument("verify", verify, instead)
    return {"verify": verify}
