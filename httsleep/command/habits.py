"""What the options of other tools are here.

People type what curl, wget, HTTPie, wait-on, wait4x and wait-for-it understand.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from ..formatting import one_line
from ..guesses import probable_name

_MAX_UNKNOWN = 8  # options that an error explains
_FLAGS = frozenset("sSfLIiGNnJj#gaR46")  # of other tools, without a value
_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+", re.ASCII)  # a value, for argparse

_BODY_ON_STDOUT = "the body goes to standard output: write > FILE behind the command"
_CODES_BY_DEFAULT = "leave it out: without a condition only 2xx is a success"
_COOKIE = "give -H 'Cookie: NAME=VALUE'"
_EXPECTED_OR_SENT = "wait for it with --until-json, send it with -d"
_FACTS = "-v writes a line for each poll, --log-format json its facts"
_FOLLOWED = "leave it out: redirects are followed, unless --no-location is given"
_FORM = "there are no forms with files: give -d NAME=VALUE for each field"
_HEAD = "give -X HEAD, whose answer has no body"
_HEADERS = "headers are not written; --until-header NAME=VALUE waits for one"
_IN_URL = "write it into the URL, as in 'http://server/jobs?NAME=VALUE'"
_NO_CHOICE = "leave it out: the system and the server agree on this"
_PROXY = "set http_proxy or https_proxy in the environment"
_PAUSE = "--interval is the pause between two polls; to begin later, run sleep 5 first"
_REGEX = "give --text-matches for a regular expression, --text for the whole text"
_RETRY = "httsleep polls again by itself: --max-retries says how often at most"
_RETRIED = "leave it out: connections that fail are tried again, unless --fail-fast"
_SILENT = "leave it out, or give -q for no lines while waiting"
_STATUS = "give --status-code, such as 200, 2xx or 200,204"
_TIMEOUT = "give --max-time, or --request-timeout"
_TIMEOUT_OR_TRIES = "give --max-time for the wait, --max-retries for its polls"
_TOKEN = "give -H 'Authorization: Bearer TOKEN', or -H @FILE"
_UNCHECKED = "give -k to accept any certificate, or --cacert FILE to trust a CA"
_USER = "give -u USER:PASSWORD, or -u @FILE"

#: Rows of options of other tools, and of what to give in their place.
_ROWS: tuple[tuple[str, str], ...] = (
    # What is shown.
    ("-s --silent --no-verbose --quiet-mode", _SILENT),
    ("-S --show-error", "leave it out: errors are shown, with -q as well"),
    ("-f --fail --fail-early --check-status", _CODES_BY_DEFAULT),
    ("-V", "give --version"),
    ("-M --manual", "give --help"),
    ("-o -O --output --output-document --remote-name --output-dir -J", _BODY_ON_STDOUT),
    ("-w --write-out", _FACTS),
    ("--include --show-headers -D --dump-header --print", _HEADERS),
    ("-i", "give --interval, such as 250ms; no headers are written"),
    ("-l --log --debug --trace --trace-ascii --log-level", _FACTS),
    ("-# --progress-bar --no-progress-meter", "leave it out: a terminal has a line"),
    ("-N --no-buffer", "leave it out: the body is written as a whole"),
    # The request.
    ("-I --head --spider", _HEAD),
    ("-b --cookie --cookies -c --cookie-jar --load-cookies", _COOKIE),
    ("--method --verb", "give -X METHOD"),
    ("-A --user-agent", "give -H 'User-Agent: NAME'"),
    ("-e --referer", "give -H 'Referer: URL'"),
    ("--oauth2-bearer --bearer --token", _TOKEN),
    ("-a --auth --http-user --basic --digest --ntlm --anyauth", _USER),
    ("-n --netrc --netrc-optional", "leave it out: without -u, ~/.netrc is read"),
    ("-G --get --url-query --params", _IN_URL),
    ("--url", "give the URL without an option"),
    ("--json", _EXPECTED_OR_SENT),
    ("--data-raw --data-ascii --post-data --body-data --request-body", "give -d DATA"),
    ("--data-binary --post-file --body-file", "give -d @FILE, without its line ends"),
    ("--data-urlencode", "give -d NAME=VALUE, with %XX for special characters"),
    ("-F --form --form-string --multipart", _FORM),
    ("-T --upload-file", "give -X PUT -d @FILE"),
    ("-r --range", "give -H 'Range: bytes=0-99'"),
    ("--request-header", "give -H 'NAME: VALUE'"),
    ("--compressed --tr-encoding", "leave it out: bodies are decompressed"),
    ("-4 -6 --ipv4 --ipv6 --http1.0 --http1.1 --http2 --http3 -0", _NO_CHOICE),
    ("--tcp-nodelay --keepalive-time --no-keepalive --tcp-fastopen", _NO_CHOICE),
    ("--resolve --connect-to --dns-servers", "write the address into /etc/hosts"),
    ("--unix-socket --abstract-unix-socket", "only TCP is spoken here; try curl"),
    # Redirects, proxies and certificates.
    ("-L --location --location-trusted --follow-redirects --redirects", _FOLLOWED),
    ("--max-redirs --max-redirects --max-redirect", _FOLLOWED),
    ("--no-redirect --no-redirects --no-follow", "give --no-location"),
    ("-x --proxy --socks5 --socks5-hostname --preproxy -U --proxy-user", _PROXY),
    ("--noproxy --no-proxy", "set no_proxy in the environment, such as server,.local"),
    ("--capath --ca-certificate --ca-bundle --ca", "give --cacert FILE"),
    ("-E --certificate", "give --cert FILE"),
    ("--private-key --cert-key", "give --key FILE"),
    ("--no-check-certificate --insecure-skip-tls-verify", _UNCHECKED),
    ("--verify --verify-ssl --ssl-verify --no-verify", _UNCHECKED),
    ("--cert-type --key-type", "leave it out: certificates and keys are PEM"),
    ("--pass", "the key has to be one without a password"),
    # How often and how long.
    ("-m --max-wait --deadline --total-timeout --retry-max-time", "give --max-time"),
    ("--connect-timeout --read-timeout --connection-timeout", "give --request-timeout"),
    ("--http-timeout --tcp-timeout --speed-time -y", "give --request-timeout"),
    ("--timeout", _TIMEOUT),
    ("-t", _TIMEOUT_OR_TRIES),
    ("--retry --tries --attempts --max-attempts --max-tries --polls", _RETRY),
    ("--retry-connrefused --retry-all-errors", _RETRIED),
    ("--delay --wait --sleep --wait-before --initial-delay", _PAUSE),
    ("--retry-delay --poll-interval --every --period --waitretry", "give --interval"),
    ("--backoff-policy --backoff-exponential-max-interval", "give --backoff DURATION"),
    ("--window", "wait for several in a row: --until '{\"consecutive\": 3, ...}'"),
    # Conditions.
    ("--code --expect-status --expect-status-code --until-status", _STATUS),
    ("--expect-body-regex --regex --match --matches --grep --contains", _REGEX),
    ("--expect-body-json --expect-json --json-path --jq", "give --jsonpath PATH=VALUE"),
    ("--expect-header", "give --until-header NAME=VALUE"),
    ("--body", "give --text for the whole text, -d for a body to send"),
    ("--invert-check --reverse --until-down", "give the status, --status-code 404"),
    ("--expect --condition --success", "give --until, or a short form of it"),
    ("--fail-on --error", "give --alarm, or a short form of it"),
    # Other ways to say what is run and polled.
    ("--exec --command --cmd", "give -- COMMAND at the end"),
    ("--host -p --port", "give the URL, such as http://server:8080/"),
    ("-K --config", "there is no configuration file: put the options into a script"),
    ("-Z --parallel --next -: --simultaneous", "give all URLs to one httsleep"),
)
_HABITS = {word: instead for words, instead in _ROWS for word in words.split()}

#: Options whose name is another than that of the argument of the library.
_ARGUMENTS = {
    "polling_interval": "--interval",
    "alarms": "--alarm",
    "ignore_exceptions": "--ignore",
}


def unknown_options(words: Sequence[str], known: Mapping[str, argparse.Action]) -> str:
    """Return what is wrong with the options among the words; empty if nothing is.

    The text repeats only the names of options; the rest of a word may be a secret.

    :param known: the options that there are, by name.
    """
    unknown = [name for name in _options(words, known) if name not in known]
    shown = islice(dict.fromkeys(unknown), _MAX_UNKNOWN)
    explained = [_explained(name, known) for name in shown]
    separator = "\n  "  # a line for each, because the usual -sSfL has four
    return f"no option {separator.join(explained)}" if explained else ""


def _explained(name: str, known: Mapping[str, argparse.Action]) -> str:
    """Return the name of an unknown option, and what to give instead."""
    instead, shown = _HABITS.get(name) or _guess(name, known), one_line(name, 40)
    return f"{shown}: {instead}" if instead else shown


def _guess(option: str, known: Mapping[str, argparse.Action]) -> str:
    """Return the option that was probably meant, as a question; empty if unclear."""
    long = {each[2:].replace("-", "_"): each for each in known if each[:2] == "--"}
    options = long | _ARGUMENTS
    name = probable_name(option[2:].replace("-", "_"), options)
    return f"did you mean {options[name]}?" if name else ""


def _options(
    words: Sequence[str], known: Mapping[str, argparse.Action]
) -> Iterator[str]:
    """Yield the names of the options among the words, as argparse reads them."""
    value_follows = False
    for word in words:
        is_value = value_follows and _NEGATIVE.fullmatch(word)
        value_follows = False
        if not word.startswith("-") or word == "-" or " " in word or is_value:
            continue
        names = _names(word, known)
        yield from names
        is_whole = len(names) == len(word) - 1 or names == [word]
        value_follows = is_whole and _takes_value(known.get(names[-1]))


def _names(word: str, known: Mapping[str, argparse.Action]) -> list[str]:
    """Return the names of the options in a word, which are several in ``-qv``."""
    if word.startswith("--"):
        return [word.partition("=")[0]]
    names: list[str] = []
    for letter in word[1:]:
        names.append(f"-{letter}")
        option = known.get(names[-1])
        if _takes_value(option) or (option is None and letter not in _FLAGS):
            break  # the rest is its value
    return names


def _takes_value(option: argparse.Action | None) -> bool:
    """Return whether an option has a value."""
    return option is not None and option.nargs != 0
