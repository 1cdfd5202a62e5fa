"""The options of the command."""

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

import requests

from .. import __version__
from ..exceptions import BodyTooLarge
from ..main import (
    DEFAULT_MAX_BODY_EXCERPT,
    DEFAULT_MAX_BODY_SIZE,
    DEFAULT_MAX_RETRIES,
    DEFAULT_MAX_RETRY_AFTER,
    DEFAULT_POLLING_INTERVAL,
    DEFAULT_REQUEST_TIMEOUT,
)
from .completion import SHELLS, completion
from .converters import (
    conditions,
    credentials,
    data,
    duration,
    file_path,
    header_condition,
    header_lines,
    int_from_0,
    json_value,
    jsonpath_entry,
    method,
    or_none,
    place,
    positive_duration,
    positive_int,
    regular_expression,
    status_codes,
    url,
)
from .exit_codes import USAGE

#: The pauses without ``--interval`` and ``--backoff``: each is longer by a quarter than
#: the one before, so that a service is seen at most a quarter of its time after it came
#: up, or two seconds.
FIRST_PAUSE, GROWTH, LONGEST_PAUSE = 0.25, 1.25, 2
#: The polls with these pauses, which take as long as those of the library with its own.
DEFAULT_POLLS = 55

#: The names that ``--ignore`` takes. Only SSLError covers a refused certificate.
IGNORABLE: Mapping[str, type[Exception]] = {
    "ConnectionError": ConnectionError,
    "TimeoutError": TimeoutError,
    "ConnectTimeout": requests.exceptions.ConnectTimeout,
    "ReadTimeout": requests.exceptions.ReadTimeout,
    "ChunkedEncodingError": requests.exceptions.ChunkedEncodingError,
    "ContentDecodingError": requests.exceptions.ContentDecodingError,
    "TooManyRedirects": requests.exceptions.TooManyRedirects,
    "BodyTooLarge": BodyTooLarge,
    "SSLError": requests.exceptions.SSLError,
}
_DESCRIPTION = """\
Poll URL until the answer is the one you wait for, and write its body to
standard output; or run COMMAND in place of httsleep.

examples:
  httsleep http://server/health --max-time 1m -- ./run-tests
  httsleep http://server/jobs/1 --jsonpath '$.status=SUCCESS' \\
           --alarm-jsonpath '$.status=FAILED' --max-time 10m > job.json
  httsleep db:5984 queue:15672 --status-code 200,401 --interval 500ms -q"""
_EPILOG = """\
A DURATION is 90, 500ms, 2m or 1h30m. Give JSON as an argument, or as @FILE.

exit codes: 0 met, 1 alarm, 2 usage, 3 a request failed, 124 gave up,
130 interrupted, 143 terminated; 126, 127 if COMMAND cannot be run;
75 with --once: the wait goes on; with --checkpoint: FILE is in use"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, without any text that may be a secret."""

    def error(self, message: str) -> NoReturn:
        option, glued, _ = message.partition("ignored explicit argument")
        message = f"{option}takes no value" if glued else message
        message = message.replace("argument URL: ", "URL: ")
        self.exit(USAGE, f"httsleep: {message} (see httsleep --help)\n")


class _Once(argparse.Action):
    """The action of an option whose second value would contradict the first."""

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


class _PrintCompletion(argparse.Action):
    """The action of ``--print-completion``."""

    def __call__(
        self, parser: argparse.ArgumentParser, _: Any, shell: Any, *__: Any
    ) -> None:
        try:
            script = completion(parser, shell)
        except ImportError:
            instead = "install it: pip install 'httsleep[cli]'"
            parser.error(f"--print-completion needs shtab, {instead}")
        print(script)
        parser.exit()


class _Version(argparse.Action):
    """The action of ``--version``."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print("httsleep", __version__)
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser, with the groups that ``--help`` and the documentation show."""
    parser = _Parser(
        prog="httsleep",
        usage="httsleep URL [URL ...] [OPTION ...] [-- COMMAND [ARGUMENT ...]]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument(
        "url",
        metavar="URL",
        type=url,
        help="the URL to poll; http:// can be left out; of several, each has to meet "
        "the condition once",
    )
    _add_success(parser)
    _add_alarms(parser)
    _add_request(parser)
    _add_limits(parser)
    _add_starts(parser)
    _add_output(parser)
    return parser


def _add_success(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "success (the short forms are one condition; default: --status-code 2xx)"
    )
    _add_conditions(group, "until", "--")
    group.add_argument(
        "--pending",
        metavar="JSON",
        action="extend",
        type=partial(conditions, option="--pending"),
        help="a condition, or a list of them, for answers after which the wait goes "
        "on; any other answer is an alarm; repeated: any of them",
    )


def _add_alarms(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "alarms (any --alarm, or all short forms together; default: none)"
    )
    _add_conditions(group, "alarm", "--alarm-")


def _add_conditions(group: argparse._ArgumentGroup, name: str, prefix: str) -> None:
    """Add ``--NAME`` for whole conditions, and the short forms, by key, of one.

    Two short forms have the name of the condition in both groups, because ``--json``
    and ``--header`` mean something else to curl.
    """
    add = group.add_argument
    add(
        f"--{name}",
        metavar="JSON",
        action="extend",
        type=partial(conditions, option=f"--{name}"),
        help="a condition of the library, or a list of them; repeated: any of them",
    )
    add(
        f"{prefix}status-code",
        metavar="CODES",
        action="extend",
        type=status_codes,
        dest=f"{name}_status_code",
        help="such as 200, 2xx or 200,204",
    )
    add(
        f"{prefix}jsonpath",
        metavar="PATH=VALUE",
        action="append",
        type=partial(jsonpath_entry, option=f"--{name}"),
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
        type=regular_expression,
        dest=f"{name}_text",
        help="a regular expression that is found in the text of the body",
    )
    add(
        f"--{name}-json",
        metavar="JSON",
        action=_Once,
        type=json_value,
        dest=f"{name}_json",
        help="the whole body, decoded",
    )
    add(
        f"--{name}-header",
        metavar="NAME=VALUE",
        action="append",
        type=header_condition,
        dest=f"{name}_headers",
        help="a header of the answer; repeated: all of them",
    )


def _add_request(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("request").add_argument
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
        type=header_lines,
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
        help="or @FILE, which others cannot see; default: the entry of ~/.netrc; an "
        "Authorization of --header replaces both",
    )
    add(
        "--cacert",
        metavar="FILE",
        type=file_path,
        help="the certificates of the CAs to trust",
    )
    add(
        "--cert",
        metavar="FILE",
        type=file_path,
        help="the client's certificate, with its key or --key",
    )
    add("--key", metavar="FILE", type=file_path, help="the private key of --cert")
    add(
        *("-k", "--insecure"),
        action="store_true",
        help="accept any certificate of the server",
    )
    add("--no-location", action="store_true", help="do not follow redirects")
    add(
        "--follow",
        metavar="WHERE",
        action="append",
        type=place,
        help="send the request once, unless it is a GET, and then poll the URL that "
        "the answer names: in a header, by a JSONPath such as '$.links.self', or in a "
        "URL such as '/jobs/{$.id}'; needs a condition; repeated: the first that names "
        "one",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("limits").add_argument
    add(
        "--interval",
        metavar="DURATION",
        type=duration,
        help="the pause between the end of a poll and the next one; default: growing "
        f"from {FIRST_PAUSE * 1000:.0f}ms to {LONGEST_PAUSE}s",
    )
    add(
        "--backoff",
        metavar="DURATION",
        type=positive_duration,
        help="double the interval after each poll, up to this; the first is that of "
        f"--interval, or {DEFAULT_POLLING_INTERVAL}s",
    )
    add(
        "--max-retries",
        metavar="N",
        type=or_none(positive_int),
        help="how many polls to make at most, or none for no limit; "
        f"default {DEFAULT_POLLS}, or {DEFAULT_MAX_RETRIES} with --interval or "
        "--backoff, or none with --max-time",
    )
    add(
        "--max-time",
        metavar="DURATION",
        type=positive_duration,
        help="how long the whole wait may take; default: no limit",
    )
    add(
        "--request-timeout",
        metavar="DURATION",
        type=or_none(positive_duration),
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
        type=or_none(positive_int),
        help="how many bytes of body to read, or none for no limit; "
        f"default {DEFAULT_MAX_BODY_SIZE} (16 MiB)",
    )
    add(
        "--max-body-excerpt",
        metavar="N",
        type=int_from_0,
        help="how many characters of the body of an alarm or an error to show; 0 for "
        f"none; default {DEFAULT_MAX_BODY_EXCERPT}",
    )
    add(
        "--ignore",
        metavar="NAME",
        action="append",
        choices=IGNORABLE,
        help="an error after which the wait goes on, beside connection errors and "
        "requests that take too long: ContentDecodingError, TooManyRedirects, "
        "BodyTooLarge, or SSLError for a certificate that is yet to be issued; with "
        "--fail-fast also ConnectionError, TimeoutError, ConnectTimeout, ReadTimeout "
        "or ChunkedEncodingError; repeatable",
    )
    add(
        "--fail-fast",
        action="store_true",
        help="ignore only the errors that --ignore names",
    )


def _add_starts(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("a wait over several starts").add_argument
    add(
        "--checkpoint",
        metavar="FILE",
        action=_Once,
        type=file_path,
        help="keep the state of the wait in FILE, and go on from there at the next "
        "start; all limits count over all starts; FILE is removed when the wait ends",
    )
    add(
        "--once",
        action="store_true",
        help="make one poll, if one is due, and do not sleep; the exit code is 75 "
        "while the wait goes on",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add(
        *("-q", "--quiet"),
        action="count",
        help="write only why the wait failed; -qq: not even that",
    )
    add(
        "--fail-with-body",
        action="store_true",
        help="write the body of an alarm to standard output, too",
    )
    add("-v", "--verbose", action="store_true", help="write a line for each poll")
    add(
        "--log-format",
        metavar="FORMAT",
        choices=("text", "json"),
        help="text, the default, or json: an object for each poll, and one at the end",
    )
    add(
        "--print-completion",
        metavar="SHELL",
        action=_PrintCompletion,
        choices=SHELLS,
        help="write the script by which bash, zsh or fish completes options, and exit",
    )
    add("-h", "--help", action="help", help="show this, and exit")
    add("--version", nargs=0, action=_Version, help="show the version, and exit")
