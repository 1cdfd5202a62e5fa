"""What was typed after ``httsleep``, checked, and the sleeper that it describes."""

import argparse
import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from typing import Any, NoReturn

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.util.request import SKIP_HEADER, SKIPPABLE_HEADERS

from ..conditions import Conditions
from ..exceptions import BodyTooLarge
from ..formatting import one_line, safe_repr
from ..intervals import Interval, exponential
from ..main import (
    DEFAULT_MAX_BODY_SIZE,
    DEFAULT_MAX_RETRIES,
    DEFAULT_MAX_RETRY_AFTER,
    DEFAULT_POLLING_INTERVAL,
    DEFAULT_REQUEST_TIMEOUT,
    HttSleeper,
)
from ..validators import VALIDATORS
from .converters import (
    codes,
    conditions,
    credentials,
    data,
    document,
    duration,
    entry,
    expression,
    fields,
    limit,
    method,
    number,
    or_none,
    pair,
)

USAGE = 2  # the exit code for what cannot work

#: What ``--ignore`` can name. No class here covers a certificate that is refused.
IGNORABLE: Mapping[str, type[Exception]] = {
    "ConnectionError": ConnectionError,
    "TimeoutError": TimeoutError,
    "ConnectTimeout": requests.exceptions.ConnectTimeout,
    "ReadTimeout": requests.exceptions.ReadTimeout,
    "ChunkedEncodingError": requests.exceptions.ChunkedEncodingError,
    "ContentDecodingError": requests.exceptions.ContentDecodingError,
    "TooManyRedirects": requests.exceptions.TooManyRedirects,
    "BodyTooLarge": BodyTooLarge,
}
_IGNORED = ("ConnectionError", "TimeoutError")  # if nobody says otherwise
_SCHEME = re.compile(r"[a-z][a-z\d+.-]*:/", re.IGNORECASE)
_DESCRIPTION = """\
Poll URL until the answer is the one you wait for, and write its body to
standard output; or run COMMAND in place of httsleep."""
_EPILOG = """\
A DURATION is 90, 500ms, 2m or 1h30m. JSON is given as it is, or as @FILE.

exit codes: 0 met, 1 alarm, 2 usage, 3 a request failed, 124 gave up,
130 interrupted, 143 terminated; 126, 127 if COMMAND cannot be run

example: httsleep http://server/jobs/1 --jsonpath '$.status=SUCCESS' \\
           --alarm-jsonpath '$.status=FAILED' --max-time 10m"""


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one line, and repeats of it only what cannot be a secret."""

    def error(self, message: str) -> NoReturn:
        option, glued, _ = message.partition("ignored explicit argument")
        message = f"{option}takes no value" if glued else message
        self.exit(USAGE, f"httsleep: {message} (see httsleep --help)\n")


class _Once(argparse.Action):
    """An option that would contradict itself if it were given twice."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if hasattr(namespace, self.dest):
            raise argparse.ArgumentError(self, "can be given only once")
        setattr(namespace, self.dest, values)


class _Version(argparse.Action):
    """Looks the version up only if it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print("httsleep", metadata.version("httsleep"))
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """All options, in the groups that ``--help`` and the documentation show."""
    made = _Parser(
        prog="httsleep",
        usage="httsleep URL [OPTION ...] [-- COMMAND [ARGUMENT ...]]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        add_help=False,
    )
    made.add_argument(
        "url", metavar="URL", help="what to poll; http:// can be left out"
    )

    group = made.add_argument_group(
        "success (the short forms are one condition; default: --status-code 2xx)"
    )
    _add_conditions(group, "until", "--")
    group.add_argument(
        "--pending",
        metavar="JSON",
        action="extend",
        type=conditions,
        help="what an answer may be meanwhile, any other being an alarm; a condition "
        "or a list of them; repeated: any of them",
    )

    group = made.add_argument_group(
        "alarms (any --alarm, or all short forms together; default: none)"
    )
    _add_conditions(group, "alarm", "--alarm-")

    add = made.add_argument_group("request").add_argument
    add(
        *("-X", "--request"),
        metavar="METHOD",
        type=method,
        help="default GET, or POST with --data",
    )
    add(
        *("-H", "--header"),
        metavar="LINE",
        action="extend",
        type=fields,
        help="'NAME: VALUE' to send, or @FILE with such lines; repeatable",
    )
    add(
        *("-d", "--data"),
        metavar="DATA",
        action="append",
        type=data,
        help="the body to send, or @FILE without its line ends, or - for standard "
        "input; repeated: joined with &",
    )
    add(
        *("-u", "--user"),
        metavar="USER:PASSWORD",
        type=credentials,
        help="or @FILE, which others cannot see; default: what ~/.netrc says; an "
        "Authorization of --header replaces both",
    )
    add("--cacert", metavar="FILE", help="the certificates of the CAs to trust")
    add(
        "--cert", metavar="FILE", help="the client's certificate, with its key or --key"
    )
    add("--key", metavar="FILE", help="the private key of --cert")
    add(
        *("-k", "--insecure"),
        action="store_true",
        help="accept any certificate of the server",
    )
    add("--no-location", action="store_true", help="do not follow redirects")

    add = made.add_argument_group("limits").add_argument
    add(
        "--interval",
        metavar="DURATION",
        type=duration,
        help="the pause between the end of a poll and the next one; "
        f"default {DEFAULT_POLLING_INTERVAL}s",
    )
    add(
        "--backoff",
        metavar="DURATION",
        type=limit,
        help="double the interval after each poll, up to this; default: do not",
    )
    add(
        "--max-retries",
        metavar="N",
        type=or_none(number),
        help="how many polls to make at most, or none for no limit; "
        f"default {DEFAULT_MAX_RETRIES}, or none with --max-time",
    )
    add(
        "--max-time",
        metavar="DURATION",
        type=limit,
        help="how long the whole wait may take; default: no limit",
    )
    add(
        "--request-timeout",
        metavar="DURATION",
        type=or_none(limit),
        help="how long one request may take, body included, or none for no limit; "
        f"default {DEFAULT_REQUEST_TIMEOUT}s",
    )
    add(
        "--max-retry-after",
        metavar="DURATION",
        type=or_none(duration),
        help="the longest Retry-After to wait for, 0 to ignore the header, or none "
        f"for no limit; default {DEFAULT_MAX_RETRY_AFTER}s, or none with --max-time",
    )
    add(
        "--max-body-size",
        metavar="BYTES",
        type=or_none(number),
        help="how much body to read, or none for no limit; "
        f"default {DEFAULT_MAX_BODY_SIZE} (16 MiB)",
    )
    add(
        "--ignore",
        metavar="NAME",
        action="append",
        choices=IGNORABLE,
        help="an error to poll on after, beside connection errors and requests that "
        "take too long: ContentDecodingError, TooManyRedirects or BodyTooLarge; with "
        "--fail-fast also ConnectionError, TimeoutError, ConnectTimeout, ReadTimeout "
        "or ChunkedEncodingError; repeatable",
    )
    add(
        "--fail-fast",
        action="store_true",
        help="ignore no error but what --ignore names",
    )

    add = made.add_argument_group("output").add_argument
    add("-q", "--quiet", action="store_true", help="write nothing about the wait")
    add("-v", "--verbose", action="store_true", help="write a line for each poll")
    add(
        "--log-format",
        metavar="FORMAT",
        choices=("text", "json"),
        help="text, the default, or json: an object for each poll, and one at the end",
    )
    add("-h", "--help", action="help", help="show this, and exit")
    add("--version", nargs=0, action=_Version, help="show the version, and exit")
    return made


def _add_conditions(group: argparse._ArgumentGroup, name: str, prefix: str) -> None:
    """The options for conditions: ``--NAME``, and the short forms, by key, of one.

    ``--json`` and ``--header`` mean something else to curl, and so to us.
    """
    add = group.add_argument
    add(
        f"--{name}",
        metavar="JSON",
        action="extend",
        type=conditions,
        help="a condition of the library, or a list of them; repeated: any of them",
    )
    add(
        f"{prefix}status-code",
        metavar="CODES",
        action="extend",
        type=codes,
        dest=f"{name}_status_code",
        help="such as 200, 2xx or 200,204",
    )
    add(
        f"{prefix}jsonpath",
        metavar="PATH=VALUE",
        action="append",
        type=entry,
        dest=f"{name}_jsonpath",
        help="VALUE is JSON, or else a string; repeated: all of them",
    )
    either = group.add_mutually_exclusive_group().add_argument
    either(
        f"{prefix}text",
        metavar="STRING",
        action=_Once,
        dest=f"{name}_text",
        help="the whole text of the body",
    )
    either(
        f"{prefix}text-matches",
        metavar="REGEX",
        action=_Once,
        type=expression,
        dest=f"{name}_text",
        help="is found in the text of the body",
    )
    add(
        f"--{name}-json",
        metavar="JSON",
        action=_Once,
        type=document,
        dest=f"{name}_json",
        help="the whole body, decoded",
    )
    add(
        f"--{name}-header",
        metavar="NAME=VALUE",
        action="append",
        type=pair,
        dest=f"{name}_headers",
        help="a header of the answer; repeated: all of them",
    )


def parse(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str] | None]:
    """The options that were given, and the command behind ``--`` if there is one.

    Ends the process with the exit code 2 and one line if they cannot work.
    """
    typed = list(arguments)
    command = None
    if "--" in typed:
        split = typed.index("--")
        typed, command = typed[:split], typed[split + 1 :]
    made = parser()
    if command == []:
        made.error("there is no command behind --")
    namespace, unknown = made.parse_known_args(typed)
    for each in unknown:
        _refuse_unknown(made, each)
    return vars(namespace), command


def _refuse_unknown(made: argparse.ArgumentParser, argument: str) -> NoReturn:
    """What is not understood; only a name is repeated, the rest may be a secret."""
    if not argument.startswith("-"):
        made.error("there is one URL, and options: what else is here?")
    from difflib import get_close_matches  # only ever needed for a mistake

    name = argument.partition("=")[0] if argument.startswith("--") else argument[:2]
    if name == "--json":
        made.error("no option --json: wait for it with --until-json, send it with -d")
    if name == "--timeout":
        made.error("no option --timeout: --max-time is that of the whole wait")
    known = [word for each in made._actions for word in each.option_strings]
    close = get_close_matches(name, known, 1, 0.75)
    hint = f": did you mean {close[0]}?" if close else ""
    made.error(f"no option {one_line(name, 40)}{hint}")


def sleeper(options: Mapping[str, Any]) -> HttSleeper:
    """The sleeper that the options describe.

    :raises ValueError: for what cannot work.
    """
    _check_certificates(options)
    as_they_are = (
        *("pending", "max_retries", "max_time"),
        *("request_timeout", "max_retry_after", "max_body_size"),
    )
    made = HttSleeper(
        _request(options),
        _until(options),
        _alarms(options),
        verify=False if "insecure" in options else options.get("cacert"),
        allow_redirects="no_location" not in options,
        polling_interval=_interval(options),
        ignore_exceptions=_ignored(options),
        **{name: options[name] for name in as_they_are if name in options},
    )
    if "cert" in options:
        key = options.get("key")
        made.session.cert = (options["cert"], key) if key else options["cert"]
    return made


def _check_certificates(options: Mapping[str, Any]) -> None:
    """Load them, for a request would find their faults too late."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "key" in options and "cert" not in options:
        raise ValueError("--key is given without --cert")
    if "cacert" in options:
        with _loading("--cacert"):
            context.load_verify_locations(options["cacert"])
    if "cert" in options:
        with _loading("--cert, --key" if "key" in options else "--cert"):
            context.load_cert_chain(options["cert"], options.get("key"), _no_password)


@contextmanager
def _loading(option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = getattr(error, "reason", None) or error.strerror
        raise ValueError(f"{option} cannot be used ({why})") from None


def _no_password() -> NoReturn:
    raise ValueError("the key of --cert is encrypted: give one that is not")


def _request(options: Mapping[str, Any]) -> requests.Request:
    """The request, with the defaults of curl."""
    url = options["url"]
    url = url if _SCHEME.match(url) else f"http://{url}"
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
    auth = _as_it_is if "Authorization" in headers else options.get("user")
    sent = {name: _header_value(name, value) for name, value in headers.items()}
    return requests.Request(method, url, headers=sent, data=body, auth=auth)


def _header_value(name: str, value: str | None) -> Any:
    """What requests needs, to send a header as it was typed, or not at all."""
    if value is None:
        return SKIP_HEADER if name.lower() in SKIPPABLE_HEADERS else None
    return value if value.isascii() else os.fsencode(value)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps -u and netrc from replacing a header."""
    return request


def _until(options: Mapping[str, Any]) -> Conditions:
    """The success conditions: 2xx if there is none."""
    short = _short_forms(options, "until")
    if short and "until" in options:
        raise ValueError("give --until or the short forms of one, not both")
    until: Conditions = options.get("until", short or {"status_code": "2xx"})
    return until


def _alarms(options: Mapping[str, Any]) -> Conditions:
    """The alarm conditions; the short forms together are one of them."""
    short = _short_forms(options, "alarm")
    return [*options.get("alarm", ()), *([short] if short else ())]


def _short_forms(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The one condition that they make; empty without any."""
    made = {
        key: options[f"{name}_{key}"]
        for key in VALIDATORS
        if f"{name}_{key}" in options
    }
    if len(made.get("status_code", ())) == 1:
        (made["status_code"],) = made["status_code"]
    if "headers" in made:
        pairs = made["headers"]
        made["headers"] = dict(pairs)
        if len({field.lower() for field, _ in pairs}) < len(pairs):
            raise ValueError(f"--{name}-header: {safe_repr(pairs)} has a header twice")
    return made


def _interval(options: Mapping[str, Any]) -> Interval:
    """The pause between two polls."""
    interval: float = options.get("interval", DEFAULT_POLLING_INTERVAL)
    if "backoff" not in options:
        return interval
    if not 0 < interval <= options["backoff"]:
        told = f"--backoff is {options['backoff']:g}s, the interval {interval:g}s"
        raise ValueError(f"{told}: this has to be above 0, and not above --backoff")
    return exponential(interval, maximum=options["backoff"])


def _ignored(options: Mapping[str, Any]) -> list[type[Exception]]:
    """The exceptions to ignore."""
    always = () if "fail_fast" in options else _IGNORED
    return [IGNORABLE[name] for name in (*always, *options.get("ignore", ()))]
