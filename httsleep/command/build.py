"""From the words of the command line to a sleeper, a display and a program."""

import argparse
import os
import re
import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.util.request import SKIP_HEADER, SKIPPABLE_HEADERS

from ..attempt import Attempt
from ..checks import bad_argument
from ..conditions import CheckedCondition, Conditions
from ..excerpt import BodyExcerpt
from ..follow import is_submit
from ..formatting import one_line, redact_url, safe_repr
from ..intervals import Interval, exponential
from ..main import DEFAULT_POLLING_INTERVAL, HttSleeper
from ..session import keep_authorization
from ..validators import VALIDATORS
from ..wording import words_of_the_shell
from .checkpoint_file import CheckpointFile, identify
from .converters import url
from .display import (
    Display,
    JsonLines,
    Lines,
    Quiet,
    TerminalLine,
    can_show_status_line,
)
from .habits import unknown_options
from .parser import (
    DEFAULT_POLLS,
    FIRST_PAUSE,
    GROWTH,
    IGNORABLE,
    LONGEST_PAUSE,
    build_parser,
)
from .words import TypedWording

#: The keys of conditions that are JSON, which has no functions.
_KEYS = {key: each for key, each in VALIDATORS.items() if key != "callback"}
_IGNORED = ("ConnectionError", "TimeoutError")  # unless --fail-fast is given
#: An option whose value is --, which argparse drops before Python 3.13.
_DASHES_AS_VALUE = re.compile(r"(-\w+|--[\w-]+=)--")


@dataclass
class Endpoint:
    """One URL of a command line.

    :ivar sleeper: the sleeper, which gives each poll to the display.
    :ivar request: the method and the URL of its request, without secrets.
    :ivar display: the display of the wait.
    :ivar response: the answer that met the condition; ``None`` until it came.
    """

    sleeper: HttSleeper
    request: str
    display: Display
    response: requests.Response | None = None


@dataclass(frozen=True)
class Command:
    """The parts of a valid command line.

    :ivar endpoints: the URLs in their order; if there are several, neither ``file`` nor
        ``once`` nor ``submits`` is set.
    :ivar wording: the names of limits and alarms, for all texts about the waits.
    :ivar display: the display of the end of all waits.
    :ivar file: the file of ``--checkpoint``; ``None`` without one.
    :ivar once: whether to make one poll only.
    :ivar submits: whether the request is sent only once.
    :ivar fail_with_body: whether the body of an alarm is written, too.
    :ivar program: COMMAND and its arguments, to run after a success; ``None`` if the
        body is to be written instead.
    """

    endpoints: Sequence[Endpoint]
    wording: TypedWording
    display: Display
    file: CheckpointFile | None
    once: bool
    submits: bool
    fail_with_body: bool
    program: list[str] | None


def build(arguments: Sequence[str]) -> Command:
    """Return the parts of a command line, all of them checked.

    Exit with the code 2 and why if the command line cannot work.
    """
    words, program = _split(arguments)
    parser = build_parser()
    if program == []:
        parser.error("there is no command behind --: give one, or leave -- out")
    if error := unknown_options(words, parser._option_string_actions):
        parser.error(error)
    for option in filter(None, map(_DASHES_AS_VALUE.fullmatch, words)):
        parser.error(f"{option[1].rstrip('=')} is --: give another value")
    namespace, further = parser.parse_known_args(words)
    options = vars(namespace)
    try:
        urls = [options["url"], *map(_further_url, further)]
        _check_number_of_urls(options, len(urls))
        with words_of_the_shell():
            _check_conditions(options)
            endpoints = [
                _build_endpoint(options | {"url": url}, is_only=not further)
                for url in urls
            ]
        sleeper = endpoints[0].sleeper
        file = _build_file(options, sleeper)
    except ValueError as refusal:
        parser.error(str(refusal).replace("url_or_request", "URL", 1))
    if file is not None:
        sleeper.on_poll = _show_and_save(endpoints[0], file)
    return Command(
        endpoints,
        TypedWording(words, options.get("alarm", ()), sleeper.alarms),
        _build_end(options, JsonLines()) if further else endpoints[0].display,
        file,
        once="once" in options,
        submits="follow" in options and is_submit(sleeper.request),
        fail_with_body="fail_with_body" in options,
        program=program,
    )


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Return the words in front of the first ``--``, and those behind it if any."""
    words = list(arguments)
    if "--" not in words:
        return words, None
    index = words.index("--")
    return words[:index], words[index + 1 :]


def _further_url(word: str) -> str:
    """Return a URL behind the first one.

    :raises ValueError: the word is no URL. The error repeats only the name of a
        program; another word may be a secret.
    """
    if shutil.which(word) is not None:  # python3.11 looks like the name of a host
        instead = f"to run it after the wait, write httsleep URL -- {one_line(word)}"
        raise ValueError(f"{safe_repr(word)} is no URL: {instead}")
    if word.isdecimal():
        instead = "a port, as in server:8080, and statuses, as in 200,204, are one word"
        raise ValueError(f"a number stands behind the URL: {instead}")
    if word and (not re.search("[.:/]", word) or word.startswith((".", "/"))):
        instead = "write http:// in front of a host, and -- in front of a command"
        raise ValueError(f"an argument behind the URL is no URL: {instead}")
    try:
        return url(word)
    except argparse.ArgumentTypeError as refusal:
        raise ValueError(f"URL: {refusal}") from None


def _check_number_of_urls(options: Mapping[str, Any], number: int) -> None:
    """Check that the options which take one URL have no more."""
    for name in ("checkpoint", "once", "follow"):
        if name in options and number > 1:
            raise ValueError(f"--{name} is given with {number} URLs: give one of them")


def _build_file(
    options: Mapping[str, Any], sleeper: HttSleeper
) -> CheckpointFile | None:
    """Return the file that keeps the wait, if one is given."""
    if "checkpoint" not in options:
        return None
    return CheckpointFile(options["checkpoint"], identify(sleeper))


def _show_and_save(
    endpoint: Endpoint, file: CheckpointFile
) -> Callable[[Attempt], None]:
    """Return the function that shows each poll, and saves the wait if it goes on."""

    def show_and_save(attempt: Attempt) -> None:
        endpoint.display.poll(attempt)
        file.save(endpoint.sleeper.checkpoint)

    return show_and_save


def _build_endpoint(options: Mapping[str, Any], is_only: bool) -> Endpoint:
    """Return the endpoint that the options describe.

    :param is_only: whether there is one URL, so that not each line has to name it.
    :raises ValueError: they cannot work.
    """
    sleeper = _build_sleeper(options)
    request = f"{sleeper.request.method} {redact_url(sleeper.request.url)}"
    display = _build_display(options, sleeper, request, is_only)
    sleeper.on_poll = display.poll
    return Endpoint(sleeper, request, display)


def _build_display(
    options: Mapping[str, Any], sleeper: HttSleeper, request: str, is_only: bool
) -> Display:
    """Return the display that the options choose and standard error can show."""
    if "quiet" in options or options.get("log_format") == "json":
        return _build_end(options, _build_json_lines(sleeper, request))
    every = "verbose" in options
    if every or "once" in options or not can_show_status_line():
        return Lines(request, every=every, is_only=is_only)
    name = "" if is_only else redact_url(sleeper.request.url).removeprefix("http://")
    return TerminalLine(sleeper.max_retries, sleeper.max_time, name)


def _build_json_lines(sleeper: HttSleeper, request: str) -> JsonLines:
    """Return the display that writes JSON."""
    first = requests.PreparedRequest()
    first.prepare_url(str(sleeper.request.url), None)
    excerpt = BodyExcerpt(sleeper.max_body_excerpt, sleeper.request)
    return JsonLines(request, redact_url(first.url), excerpt.of_attempt)


def _build_end(options: Mapping[str, Any], as_json: JsonLines) -> Display:
    """Return the display of the end, which on a terminal is not that of the polls."""
    end = as_json if options.get("log_format") == "json" else Display()
    if quiet := options.get("quiet", 0):
        return Quiet(end if quiet == 1 else None)
    return end


def _build_sleeper(options: Mapping[str, Any]) -> HttSleeper:
    """Return the sleeper that the options describe.

    :raises ValueError: they cannot work.
    """
    _check_certificates(options)
    _check_follow(options)
    passed_on = (
        "follow",
        *("pending", "max_retries", "max_time"),
        *("request_timeout", "max_retry_after", "max_body_size"),
        "max_body_excerpt",
    )
    sleeper = HttSleeper(
        _request(options),
        _until(options),
        _alarms(options),
        verify=False if "insecure" in options else options.get("cacert"),
        allow_redirects="no_location" not in options,
        ignore_exceptions=_ignored(options),
        **(
            _pace(options)
            | {name: options[name] for name in passed_on if name in options}
        ),
    )
    if "cert" in options:
        key = options.get("key")
        sleeper.session.cert = (options["cert"], key) if key else options["cert"]
    return sleeper


def _check_follow(options: Mapping[str, Any]) -> None:
    """Check the options that ``--follow`` needs beside it."""
    if "follow" not in options:
        return
    if "until" not in options and not _short_forms(options, "until"):
        # The default, any 2xx, would take the next 202 for the success.
        instead = "give one, such as --jsonpath '$.status=SUCCESS'"
        raise ValueError(f"--follow is given without a condition: {instead}")
    if "once" in options and "checkpoint" not in options:
        instead = "give --checkpoint FILE, or each start would submit again"
        raise ValueError(f"--once is given with --follow: {instead}")


def _check_certificates(options: Mapping[str, Any]) -> None:
    """Load the certificates, because a request would fail too late."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "key" in options and "cert" not in options:
        raise ValueError("--key is given without --cert: give both")
    if "cacert" in options:
        with _loading("--cacert", "it holds no certificate in PEM"):
            context.load_verify_locations(options["cacert"])
    if "cert" in options:
        options_given = "--cert, --key" if "key" in options else "--cert"
        with _loading(options_given, "give a certificate and --key, its key, in PEM"):
            context.load_cert_chain(options["cert"], options.get("key"), _no_password)


@contextmanager
def _loading(option: str, wrong: str) -> Iterator[None]:
    """Name the option in the error of a file that cannot be loaded.

    :param wrong: why a file that can be read is not used; OpenSSL has only numbers.
    """
    try:
        yield
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            wrong = "the key is not that of the certificate"
        raise ValueError(f"{option} cannot be used: {wrong}") from None
    except OSError as error:
        raise ValueError(f"{option} cannot be used ({error.strerror})") from None


def _no_password() -> NoReturn:
    """Refuse to ask for the password of a key."""
    raise ValueError("the key of --cert is encrypted: give one without a password")


def _request(options: Mapping[str, Any]) -> requests.Request:
    """Return the request, with the defaults of curl."""
    headers: CaseInsensitiveDict[Any] = CaseInsensitiveDict()
    for name, value in options.get("header", ()):
        before = value and headers.get(name)
        comma = "; " if name.lower() == "cookie" else ", "
        headers[name] = f"{before}{comma}{value}" if before else value
    body = None
    if "data" in options:
        body = b"&".join(options["data"])
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    method = options.get("request", "GET" if body is None else "POST")
    # Else -u and netrc would replace the Authorization.
    auth = keep_authorization if "Authorization" in headers else options.get("user")
    sent = {name: _header_value(name, value) for name, value in headers.items()}
    return requests.Request(method, options["url"], headers=sent, data=body, auth=auth)


def _header_value(name: str, value: str | None) -> Any:
    """Return the value that makes requests send a header as given, or leave it out."""
    if value is None:
        return SKIP_HEADER if name.lower() in SKIPPABLE_HEADERS else None
    return value if value.isascii() else os.fsencode(value)


def _check_conditions(options: Mapping[str, Any]) -> None:
    """Check the conditions, so that an error names the option that was typed."""
    for name in ("until", "alarm", "pending"):
        for condition in options.get(name, ()):
            CheckedCondition(f"--{name}", condition, _KEYS)
            if name == "pending" and "consecutive" in condition:
                instead = 'leave "consecutive" out, which cannot be used here'
                raise bad_argument("--pending", condition, instead)
    if options.get("until") == []:
        raise bad_argument("--until", [], "give at least one condition")
    for name, option in (("until", "--jsonpath"), ("alarm", "--alarm-jsonpath")):
        if entries := options.get(f"{name}_jsonpath"):
            CheckedCondition(option, {"jsonpath": entries}, _KEYS)


def _until(options: Mapping[str, Any]) -> Conditions:
    """Return the success conditions; 2xx if none is given."""
    short = _short_forms(options, "until")
    if short and "until" in options:
        raise ValueError("give --until or the short forms of one, not both")
    until: Conditions = options.get("until", short or {"status_code": "2xx"})
    return until


def _alarms(options: Mapping[str, Any]) -> Conditions:
    """Return the alarm conditions; the short forms together are one of them."""
    short = _short_forms(options, "alarm")
    return [*options.get("alarm", ()), *([short] if short else ())]


def _short_forms(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the one condition of the short forms; empty if none is given."""
    condition = {
        key: options[f"{name}_{key}"]
        for key in VALIDATORS
        if f"{name}_{key}" in options
    }
    if len(condition.get("status_code", ())) == 1:
        (condition["status_code"],) = condition["status_code"]
    if "headers" in condition:
        condition["headers"] = _one_value_each(name, condition["headers"])
    return condition


def _one_value_each(name: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the expected headers; two values of one could never both be met."""
    headers = CaseInsensitiveDict(pairs)
    if len(headers) < len(pairs):
        typed = ", ".join(f"{header}={value}" for header, value in pairs)
        instead = "give each header only once"
        raise ValueError(f"--{name}-header is {one_line(typed)}: {instead}")
    return dict(pairs)


def _pace(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pauses between the polls, and how many polls there are by default."""
    if "interval" in options or "backoff" in options:
        return {"polling_interval": _interval(options)}
    pauses = exponential(FIRST_PAUSE, GROWTH, maximum=LONGEST_PAUSE)
    max_retries = None if "max_time" in options else DEFAULT_POLLS
    return {"polling_interval": pauses, "max_retries": max_retries}


def _interval(options: Mapping[str, Any]) -> Interval:
    """Return the pause that ``--interval`` and ``--backoff`` describe."""
    interval: float = options.get("interval", DEFAULT_POLLING_INTERVAL)
    if "backoff" not in options:
        return interval
    maximum: float = options["backoff"]
    if not 0 < interval <= maximum:
        instead = f"with --backoff give a duration above 0 and up to {maximum:g}s"
        raise ValueError(f"--interval is {interval:g}s: {instead}")
    return exponential(interval, maximum=maximum)


def _ignored(options: Mapping[str, Any]) -> list[type[Exception]]:
    """Return the exceptions to ignore."""
    always = () if "fail_fast" in options else _IGNORED
    return [IGNORABLE[name] for name in (*always, *options.get("ignore", ()))]
