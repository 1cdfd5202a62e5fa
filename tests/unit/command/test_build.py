import io
import re
import shlex
import sys
from types import SimpleNamespace

import pytest
import requests
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from requests.exceptions import SSLError

from httsleep import BodyTooLarge, HttSleeper, exponential
from httsleep.command.build import build
from httsleep.command.display import Display, JsonLines, Lines, Quiet, TerminalLine
from httsleep.command.parser import IGNORABLE

URL = "http://server/endpoint"
#: What a text for users of the shell must not have.
WORDS_OF_THE_LIBRARY = re.compile(
    r"until\[|\balarms\b|max_|request_timeout|polling_interval|ignore_exceptions"
    r"|allow_redirects|url_or_request|re\.compile|\bdict\b|\bstr\b|\bint\b|callable"
    r"|\bTrue\b|\bFalse\b|\bNone\b|\{'"
)


def endpoint(*words):
    """Return the only endpoint of a command line."""
    (endpoint,) = build(words).endpoints
    return endpoint


def built(*words):
    """Return the sleeper for the URL and these words."""
    return endpoint(URL, *words).sleeper


@pytest.fixture
def refused(capsys):
    """Return the error about these words, which stand behind a URL.

    It is one line, or one for each unknown option.
    """

    def refuse(*words, url=URL):
        with pytest.raises(SystemExit) as caught:
            build([url, *words])
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (2, "")
        line = r".*(?:\n  -.*)*"
        match = re.fullmatch(rf"httsleep: ({line}) \(see httsleep --help\)\n", err)
        assert match, f"not one line: {err}"
        assert not WORDS_OF_THE_LIBRARY.search(match[1])
        return match[1]

    return refuse


# Conditions


def test_without_a_condition_2xx_is_a_success():
    """The default condition, 2xx, holds beside alarms as well; alarms have none."""
    assert built().until == [{"status_code": "2xx"}]
    sleeper = built("--alarm-status-code", "500")
    assert sleeper.until == [{"status_code": "2xx"}]
    assert built().alarms == []
    assert built().pending is None


@pytest.mark.parametrize(
    ("words", "condition"),
    [
        (["status-code", "200"], {"status_code": 200}),
        (["status-code", "2xx"], {"status_code": "2xx"}),
        (["status-code", "200,204"], {"status_code": ["200", "204"]}),
        (
            ["status-code", "200", "status-code", "404"],
            {"status_code": ["200", "404"]},
        ),
        (
            ["jsonpath", "$.a=1", "jsonpath", "$.b=x"],
            {
                "jsonpath": [
                    {"expression": "$.a", "value": 1},
                    {"expression": "$.b", "value": "x"},
                ]
            },
        ),
        (["text", "OK"], {"text": "OK"}),
        (["text", ""], {"text": ""}),
        (["text-matches", "O.?K"], {"text": re.compile("O.?K")}),
        (["json", '{"a": 1}'], {"json": {"a": 1}}),
        (["json", "null"], {"json": None}),
        (
            ["header", "X-A=1", "header", "X-B=2"],
            {"headers": {"X-A": "1", "X-B": "2"}},
        ),
        (
            ["status-code", "200", "text", "OK"],
            {"status_code": 200, "text": "OK"},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_short_forms_make_one_condition(words, condition):
    """Short forms make one success condition; with ``--alarm-`` they make one alarm."""

    def options(*prefixes):
        names = {"json": prefixes[1], "header": prefixes[1]}
        pairs = zip(words[::2], words[1::2], strict=True)
        return [
            word
            for name, value in pairs
            for word in (f"{names.get(name, prefixes[0])}{name}", value)
        ]

    assert built(*options("--", "--until-")).until == [condition]
    assert built(*options("--alarm-", "--alarm-")).alarms == [condition]


@pytest.mark.parametrize("name", ["until", "alarm", "pending"])
def test_conditions_as_json_are_those_of_the_library(name, tmp_path):
    """Conditions from arguments, files and lists are joined: any of them."""
    path = tmp_path / "conditions.json"
    path.write_text('{"json": {"a": 1}}')
    words = [f"--{name}", '{"status_code": 200}', f"--{name}", f"@{path}"]
    words += [f"--{name}", '[{"text": "a"}, {"text": "b"}]']
    attribute = {"alarm": "alarms"}.get(name, name)
    assert getattr(built(*words), attribute) == [
        *({"status_code": 200}, {"json": {"a": 1}}, {"text": "a"}, {"text": "b"})
    ]


def test_short_forms_beside_alarms_are_one_more():
    """An alarm as JSON and the short forms are two alarms."""
    both = built("--alarm-status-code", "5xx", "--alarm", '{"text": "x"}').alarms
    assert both == [{"text": "x"}, {"status_code": "5xx"}]


def test_short_forms_beside_until_are_refused(refused):
    """Short forms beside ``--until`` could mean both or any of them."""
    error = refused("--until", '{"text": "x"}', "--status-code", "200")
    assert error == "give --until or the short forms of one, not both"


@pytest.mark.parametrize("name", ["until", "alarm"])
def test_one_value_of_a_header_is_expected(refused, name):
    """Two expected values of one header are refused, because no answer meets both."""
    option = f"--{name}-header"
    error = refused(option, "X-A=1", option, "x-a=2")
    assert error == f"{option} is X-A=1, x-a=2: give each header only once"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["--until", '{"status": 200}'],
            '--until is {"status": 200}: unknown key "status": did you mean "status_c',
        ),
        (
            ["--until", '{"text": "x"}', "--until", '{"status": "UP"}'],
            '--until is {"status": "UP"}: unknown key "status": for a value in the body'
            ' give {"jsonpath": {"$.status": "UP"}}; there are "status_code", "headers"'
            ', "text", "json", "json_contains", "jsonpath", "consecutive"',
        ),
        (
            ["--until", '{"callback": "len"}'],
            '--until is {"callback": "len"}: unknown key "callback": ',
        ),
        (
            ["--alarm", "true"],
            '--alarm is true: a condition is an object such as {"status_code": 200}',
        ),
        (["--alarm", "404"], "--alarm is 404: a condition is an object such as "),
        (
            ["--until", '"$.a"'],
            '--until is "$.a": a condition is an object such as {"jsonpath": {"$.a": ',
        ),
        (["--until", "[]"], "--until is []: give at least one condition"),
        (["--until", "{}"], "--until is {}: an empty condition expects nothing; "),
        (
            ["--pending", '{"text": "x", "consecutive": 2}'],
            '--pending is {"text": "x", "consecutive": 2}: leave "consecutive" out, ',
        ),
        (
            ["--until", '{"text": "x", "consecutive": true}'],
            "--until: consecutive is true: give a whole number of at least 1",
        ),
        (
            ["--alarm", '{"status_code": "20x"}'],
            '--alarm: status_code is "20x": give a number from 100 to 999, or a class '
            'such as "2xx"',
        ),
        (
            ["--until", '{"status_code": "200,204"}'],
            '--until: status_code is "200,204": give a list: ["200", "204"]',
        ),
        (
            ["--until", '{"headers": []}'],
            "--until: headers is []: give an object of names and values",
        ),
        (
            ["--until", '{"headers": {"": "x"}}'],
            '--until: headers is {"": "x"}: give a string for every name; "" is not a',
        ),
        (
            ["--until", '{"headers": {"X": null}}'],
            "--until: headers: X is null: give a string, or true for 'present'",
        ),
        (
            ["--until", '{"text": 1}'],
            "--until: text is 1: give the whole text as a string",
        ),
        (
            ["--until", '{"regex": "^OK"}'],
            '--until is {"regex": "^OK"}: unknown key "regex": JSON has no regular exp',
        ),
        (
            ["--until", '{"jsonpath": "$.a"}'],
            '--until: jsonpath is "$.a": give {"$.path": value}, {"expression": "$.pa',
        ),
        (
            ["--until", '{"jsonpath": [1]}'],
            '--until: jsonpath entry is 1: give an object such as {"expression": ',
        ),
        (
            ["--until", '{"jsonpath": {"ge": 80}}'],
            '--until: jsonpath is {"ge": 80}: there is no "expression"; write '
            '{"expression": "$.path", "ge": 80}',
        ),
        (
            ["--until", '{"jsonpath": {"$.n": {"ge": 80}}}'],
            '--until: jsonpath is {"$.n": {"ge": 80}}: write {"expression": "$.n", "g',
        ),
        (
            ["--until", '{"jsonpath": [{"ge": 80}]}'],
            '--until: jsonpath entry is {"ge": 80}: there is no "expression"; give one',
        ),
        (
            ["--until", '{"jsonpath": {"expression": "$.n", "absent": true}}'],
            '--until: jsonpath entry is {"expression": "$.n", "absent": true}: unknown '
            'key "absent": give "exists": false; there are "expression", "value", ',
        ),
        (
            ["--until", '{"jsonpath": {"expression": "$.n", "exists": "no"}}'],
            '--until: exists is "no": give true or false',
        ),
        (
            ["--until", '{"jsonpath": {"expression": "$.n", "gt": null}}'],
            "--until: gt is null: give a number or a string to compare with",
        ),
        (
            ["--until", '{"jsonpath": {"expression": 1, "value": 1}}'],
            "--until: expression is 1: give a JSONPath as a string",
        ),
        (
            ["--jsonpath", "$.[x=1"],
            "argument --jsonpath: '$.[x=1': give PATH=VALUE",
        ),
        (
            ["--jsonpath", "$.=1"],
            '--jsonpath: expression is "$.": give a valid JSONPath (',
        ),
        (
            ["--alarm-jsonpath", "$.=1"],
            '--alarm-jsonpath: expression is "$.": give a valid JSONPath (',
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refused_condition_is_shown_as_it_is_typed(refused, words, error):
    """The error names the option, and shows the value and what to give as JSON."""
    assert refused(*words).startswith(error)


# Request


def test_a_url_is_requested_with_get():
    """A URL alone is a GET that follows redirects, with requests' own certificates."""
    command = build([URL])
    assert endpoint(URL).request == f"GET {URL}"
    assert command.program is None
    sleeper = command.endpoints[0].sleeper
    assert isinstance(sleeper, HttSleeper)
    request = sleeper.request
    assert (request.method, request.url, request.data) == ("GET", URL, [])
    assert (request.headers, request.auth) == ({}, None)
    assert sleeper.allow_redirects is True
    assert sleeper.kwargs == {}
    assert sleeper.session.cert is None


def test_the_library_refuses_urls(refused):
    """The error of the library shows no secret, and no name of an argument."""
    assert refused(url="ftp://server/").startswith("URL: 'ftp://server/' is not http")
    assert refused(url="http:/user:secret@server/").startswith("URL: '<no valid URL>' ")
    assert refused(url="http://[/x?token=secret").startswith(
        "URL: '<no valid URL>' can"
    )


def test_the_request_is_shown_without_secrets():
    """The label of the request has neither userinfo nor values of the query."""
    shown = endpoint("https://user:secret@server/jobs?token=secret", "-X", "HEAD")
    assert shown.request == "HEAD https://server/jobs?token=…"


def test_data_makes_it_a_post():
    """Data makes a POST of a form, unless -X and -H say more; values are joined."""
    request = built("-d", "a=1", "--data", "b=2").request
    assert (request.method, request.data) == ("POST", b"a=1&b=2")
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    request = built("-d", "{}", "-X", "PUT", "-H", "content-type: text/json").request
    assert (request.method, request.data) == ("PUT", b"{}")
    assert request.headers == {"content-type": "text/json"}


def test_a_method_can_be_anything():
    """-X sets the method, without data as well."""
    assert built("-X", "HEAD").request.method == "HEAD"


def test_headers_are_sent():
    """Repeated headers make one list (RFC 9110 §5.3, RFC 6265 §5.4)."""
    words = ["-H", "X-A: 1", "--header", "Accept: a", "-H", "accept: b"]
    assert built(*words).request.headers == {"X-A": "1", "accept": "a, b"}
    words = ["-H", "Cookie: a=1", "-H", "Cookie: b=2"]
    assert built(*words).request.headers == {"Cookie": "a=1; b=2"}
    assert built("-H", "X-A: €").request.headers == {"X-A": "€".encode()}


def test_headers_can_be_removed():
    """A header without a value removes the default of requests and of urllib3."""
    assert built("-H", "Accept:").request.headers == {"Accept": None}
    words = ["-H", "User-Agent:"]
    assert built(*words).request.headers == {"User-Agent": "@@@SKIP_HEADER@@@"}
    assert built("-H", "A: 1", "-H", "A:").request.headers == {"A": None}
    assert built("-H", "A:", "-H", "A: 1").request.headers == {"A": "1"}


def test_credentials_are_those_of_basic_auth():
    """-u becomes ``auth``, which takes precedence over netrc."""
    assert built("-u", "user:word").request.auth == (b"user", b"word")


def test_a_header_for_authorization_is_kept():
    """-u and netrc do not replace an Authorization of -H, as they would in requests."""
    auth = built("-H", "authorization: Bearer x").request.auth
    prepared = requests.PreparedRequest()
    assert auth(prepared) is prepared
    assert built("-H", "Authorization:", "-u", "user:word").request.auth is auth


def test_redirects_need_not_be_followed():
    """With --no-location a redirect is an answer, as for curl without --location."""
    assert built("--no-location").allow_redirects is False


@pytest.fixture(scope="session")
def issued():
    """Return a CA and a certificate that it has issued."""
    ca = trustme.CA()
    return ca, ca.issue_cert("127.0.0.1")


@pytest.fixture
def files(issued, tmp_path):
    """Return paths: a CA, a certificate, its key, both, and its encrypted key."""
    ca, leaf = issued
    paths = [str(tmp_path / name) for name in ("ca", "cert", "key", "both", "locked")]
    ca.cert_pem.write_to_path(paths[0])
    leaf.cert_chain_pems[0].write_to_path(paths[1])
    leaf.private_key_pem.write_to_path(paths[2])
    leaf.private_key_and_cert_chain_pem.write_to_path(paths[3])
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = (Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "locked").write_bytes(key.private_bytes(*locked))
    return paths


def test_certificates_are_those_of_requests(files):
    """--cacert and -k become ``verify``; --cert and --key become the session's."""
    ca, cert, key, both, _ = files
    assert built("--cacert", ca).kwargs == {"verify": ca}
    assert built("-k").kwargs == built("--insecure").kwargs == {"verify": False}
    assert built("--cert", cert, "--key", key).session.cert == (cert, key)
    assert built("--cert", both).session.cert == both


def test_certificates_that_cannot_be_used_are_refused(refused, files):
    """Wrong certificates are refused before any request, without a password prompt."""
    ca, cert, key, _, locked = files
    why = "cannot be used (No such file or directory)"
    assert refused("--cacert", "missing") == f"--cacert {why}"
    assert refused("--cert", "missing") == f"--cert {why}"
    error = "--cacert cannot be used: it holds no certificate in PEM"
    assert refused("--cacert", key) == error
    for file in (cert, key):
        assert refused("--cert", file) == (
            "--cert cannot be used: give a certificate and --key, its key, in PEM"
        )
    error = "--cert, --key cannot be used: the key is not that of the certificate"
    assert refused("--cert", ca, "--key", key) == error
    assert refused("--cert", cert, "--key", "missing") == f"--cert, --key {why}"
    assert refused("--key", key) == "--key is given without --cert: give both"
    error = refused("--cert", cert, "--key", locked)
    assert error == "the key of --cert is encrypted: give one without a password"


# Limits


def test_limits_that_are_not_given_are_the_librarys():
    """With an interval, the command has no defaults of its own for limits."""
    names = ("polling_interval", "max_retries", "max_time", "request_timeout")
    names += ("max_retry_after", "max_body_size", "max_body_excerpt")
    library = HttSleeper(URL, status_code=200)
    command = built("--interval", "2s")
    for name in names:
        assert getattr(command, name) == getattr(library, name)
    assert built("--interval", "2s", "--max-time", "1m").max_retries is None


def test_without_an_interval_the_pauses_grow_up_to_two_seconds():
    """They grow by a quarter each, so that an early success is seen early."""
    pauses = built().polling_interval
    assert pauses == exponential(0.25, 1.25, maximum=2)
    assert pauses == built("--max-time", "1m").polling_interval
    assert pauses == built("--max-retries", "3").polling_interval


@pytest.mark.parametrize("up_after", [0.1, 1, 4, 9.9])
def test_a_service_is_seen_soon_after_it_came_up(up_after):
    """It is seen at most a quarter of its time, and a quarter of a second, later."""
    pauses, now, number = built().polling_interval, 0, 0
    while now < up_after:
        number += 1
        now += pauses(SimpleNamespace(number=number))
    assert now <= up_after * 1.25 + 0.25


def test_without_an_interval_the_limit_is_as_long_in_time():
    """More polls take about as long as those of the library; --max-time sets none."""
    command, library = built(), HttSleeper(URL, status_code=200)
    polls = range(1, command.max_retries)
    time = sum(command.polling_interval(SimpleNamespace(number=n)) for n in polls)
    assert abs(time - 2 * (library.max_retries - 1)) < 2
    assert built("--max-retries", "3").max_retries == 3
    assert built("--max-time", "1m").max_retries is None
    assert built("--backoff", "1m").max_retries == library.max_retries


def test_limits_are_given_to_the_library():
    """Limits become arguments of the library, durations in seconds."""
    sleeper = built(
        *("--interval", "500ms", "--max-retries", "7", "--max-time", "10m"),
        *("--request-timeout", "3", "--max-retry-after", "0", "--max-body-size", "9"),
        *("--max-body-excerpt", "0"),
    )
    assert (sleeper.polling_interval, sleeper.max_retries) == (0.5, 7)
    assert (sleeper.max_time, sleeper.request_timeout) == (600, 3)
    assert (sleeper.max_retry_after, sleeper.max_body_size) == (0, 9)
    assert sleeper.max_body_excerpt == 0


def test_limits_can_be_removed():
    """``none`` as a limit becomes ``None``."""
    names = ("max-retries", "request-timeout", "max-retry-after", "max-body-size")
    sleeper = built(*(word for name in names for word in (f"--{name}", "none")))
    for name in names:
        assert getattr(sleeper, name.replace("-", "_")) is None


def test_backoff_doubles_the_interval():
    """--backoff doubles the interval after each poll, up to its value."""
    third = SimpleNamespace(number=3)
    assert built("--backoff", "1m").polling_interval(third) == 8
    assert built("--interval", "1s", "--backoff", "3s").polling_interval(third) == 3


@pytest.mark.parametrize("words", [["--interval", "5s"], ["--interval", "0"], []])
def test_backoff_needs_an_interval(refused, words):
    """An interval of 0, or one above --backoff, cannot be doubled up to it."""
    interval = words[-1].rstrip("s") if words else "2"
    assert refused("--backoff", "1500ms", *words) == (
        f"--interval is {interval}s: "
        "with --backoff give a duration above 0 and up to 1.5s"
    )


def ignored(*words):
    return set(built(*words).ignore_exceptions)


def test_connection_errors_and_timeouts_are_ignored():
    """--ignore adds exceptions to the two defaults; --fail-fast removes the two."""
    assert ignored() == {ConnectionError, TimeoutError}
    assert ignored("--ignore", "BodyTooLarge") == ignored() | {BodyTooLarge}
    assert ignored("--fail-fast") == set()
    assert ignored("--fail-fast", "--ignore", "TimeoutError") == {TimeoutError}


@pytest.mark.parametrize("name", IGNORABLE)
def test_only_its_own_name_ignores_a_refused_certificate(answers, name):
    """An SSLError ends the wait, unless --ignore names it."""
    answers(SSLError(), 200)
    sleeper = built("--ignore", name)
    if name == "SSLError":
        assert sleeper.run().status_code == 200
        return
    with pytest.raises(SSLError):
        sleeper.run()


# Display


class Terminal(io.StringIO):
    """A terminal; ``io.StringIO`` has no encoding that could be set."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def display(monkeypatch):
    """Return the display for the words, where standard error is ``stderr``."""

    def build_on(stderr, *words, term="xterm"):
        with monkeypatch.context() as patch:
            patch.setenv("TERM", term)
            patch.setattr(sys, "stderr", stderr)
            command = build([URL, *words])
        assert command.endpoints[0].sleeper.on_poll == command.display.poll
        return command.display

    return build_on


def test_a_terminal_has_a_status_line(display, monkeypatch):
    """A terminal has a status line, which shows the limits in force."""
    terminal = Terminal()
    made = display(terminal, "--max-retries", "7", "--max-time", "60")
    assert type(made) is TerminalLine
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    with made:
        pass
    assert "poll 1 of 7, 0 of 60 s" in terminal.getvalue()


def test_options_choose_the_display(display):
    """-q takes precedence over JSON, and JSON over -v, on a terminal as well."""
    json = ("--log-format", "json")
    assert type(display(Terminal(), "-q", "-v", *json)) is Quiet
    assert type(display(Terminal(), "-v", *json)) is JsonLines
    assert type(display(Terminal(), "-v", "--log-format", "text")) is Lines


def test_without_rich_there_are_lines(display, monkeypatch):
    """A terminal has lines if rich is not installed."""
    monkeypatch.setitem(sys.modules, "rich", None)
    assert type(display(Terminal())) is Lines


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_has_lines(display, term):
    """A terminal that cannot erase has lines."""
    assert type(display(Terminal(), term=term)) is Lines


def test_a_terminal_of_another_encoding_has_lines(display):
    """A terminal without UTF-8 has lines, because replacements would be wider."""
    terminal = Terminal()
    terminal.encoding = "latin-1"
    assert type(display(terminal)) is Lines


@pytest.mark.parametrize("stderr", [io.StringIO(), None])
def test_without_a_terminal_there_are_lines(display, stderr):
    """A pipe, a file or no standard error at all has lines."""
    assert type(display(stderr)) is Lines


# Words that are not options


def test_the_program_stands_behind_two_dashes():
    """All words behind the first ``--`` belong to the program, also another ``--``."""
    command = build([URL, "-q", "--", "server", "--port", "--", "80"])
    assert command.program == ["server", "--port", "--", "80"]


def test_there_is_a_command_behind_two_dashes(refused):
    """Two dashes at the end are refused."""
    error = "there is no command behind --: give one, or leave -- out"
    assert refused("--") == error


@pytest.mark.parametrize(
    ("word", "option"), [("--text=--", "--text"), ("-d--", "-d"), ("-qd--", "-qd")]
)
def test_two_dashes_are_no_value(refused, word, option):
    """The value of an option cannot be two dashes."""
    assert refused(word) == f"{option} is --: give another value"


def test_unknown_options_are_explained_before_anything_else(refused):
    """The error explains all of them, and does not take their values for URLs."""
    assert refused("-o", "file", "--max-time", "soon", "--retries", "9") == (
        "no option -o: the body goes to standard output: write > FILE behind the "
        "command\n  --retries: did you mean --max-retries?"
    )


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--jsonpath", "$.status!=RUNNING"], "until"),
        (["--jsonpath", "$.status==RUNNING"], "until"),
        (["--jsonpath", "$['a b']>=5"], "until"),
        (["--jsonpath", "$.status=A,B"], "until"),
        (["--alarm-jsonpath", "$.status=A|B"], "alarms"),
        (["--alarm-jsonpath", "$.n<5"], "alarms"),
        (["--until", "$.status=DONE"], "until"),
        (["--until", "200,204"], "until"),
        (["--until", "OK"], "until"),
        (["--alarm", "$.status = 'it'"], "alarms"),
        (["--alarm", "5xx"], "alarms"),
        (["--pending", "$.status=RUNNING"], "pending"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_an_error_proposes_can_be_pasted(refused, words, meant):
    """The option and the value behind "give" are a condition of the same kind."""
    proposed = refused(*words).rpartition("give ")[2]
    proposed = proposed.partition(" such as ")[2] or proposed.partition(", for the")[0]
    pasted = shlex.split(proposed)
    pasted = pasted if len(pasted) == 2 else [words[0], *pasted]
    sleeper = built(*pasted)
    assert getattr(sleeper, meant) not in (built().until, [], None)


def test_places_are_followed():
    """Each ``--follow`` is a place, in their order."""
    words = ("-d", "x", "--follow", "Location", "--follow", "$.url", "--text", "OK")
    assert built(*words).follow == ["Location", "$.url"]
    assert built().follow is None


@pytest.mark.parametrize(
    ("words", "submits"),
    [(["-d", "x"], True), ([], False), (["-X", "HEAD"], False), (["-X", "PUT"], True)],
)
def test_only_a_get_can_be_sent_again(words, submits):
    """Any other request with ``--follow`` is a submit."""
    words = [URL, *words, "--text", "OK"]
    assert build([*words, "--follow", "Location"]).submits is submits
    assert build(words).submits is False


def test_follow_needs_a_condition(refused):
    """The default condition, 2xx, would take the next 202 for the success."""
    error = "--follow is given without a condition: give one, such as --jsonpath '$.sta"
    assert refused("-d", "x", "--follow", "Location").startswith(error)
    alarm = ("--alarm-status-code", "500")
    assert refused("-d", "x", "--follow", "Location", *alarm).startswith(error)


def test_once_with_follow_needs_a_checkpoint(refused):
    """Else cron would submit each minute."""
    words = ("-d", "x", "--follow", "Location", "--text", "OK", "--once")
    assert refused(*words) == (
        "--once is given with --follow: give --checkpoint FILE, or each start would "
        "submit again"
    )


# Several URLs


def test_each_url_has_the_options():
    """URLs can stand anywhere in front of --; each has the request and the limits."""
    words = ["a", "-H", "X-A: 1", "localhost:80", "--max-time", "9", "https://c/d"]
    command = build([*words, "-u", "user:word", "--", "make", "test"])
    sleepers = [each.sleeper for each in command.endpoints]
    urls = ["http://a", "http://localhost:80", "https://c/d"]
    assert [each.request.url for each in sleepers] == urls
    assert [each.request for each in command.endpoints] == [f"GET {u}" for u in urls]
    for sleeper in sleepers:
        assert sleeper.request.headers == {"X-A": "1"}
        assert sleeper.request.auth == (b"user", b"word")
        assert sleeper.max_time == 9
    assert len({id(sleeper.session) for sleeper in sleepers}) == 3
    assert command.program == ["make", "test"]


def test_a_url_can_be_given_twice():
    """Variables of a script can have the same value: each is a wait of its own."""
    assert len(build([URL, URL]).endpoints) == 2


@pytest.mark.parametrize("word", ["a.b", "a:80", "a/b", "http://a", "[::1]:80"])
def test_a_further_word_can_be_a_url(word):
    """It is one if it has a dot, a colon or a slash, or a scheme."""
    _, second = build([URL, word]).endpoints
    assert second.sleeper.request.url.endswith(word)


def test_a_further_url_is_checked_as_the_first_one(refused):
    """Quotes and a port without a host are named."""
    error = "URL: this is a port without a host: give localhost:8080"
    assert refused(":8080") == refused(url=":8080") == error
    _, further = build([URL, "other:80"]).endpoints
    assert further.sleeper.request.url == "http://other:80"


def test_a_further_program_is_no_url(refused, tmp_path, monkeypatch):
    """The error says how to run the program after the wait."""
    for name in ("make", "python3.11"):
        program = tmp_path / name
        program.write_text("")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    error = "'{0}' is no URL: to run it after the wait, write httsleep URL -- {0}"
    assert refused("make", "test") == error.format("make")
    assert refused("python3.11", "http://b") == error.format("python3.11")
    assert refused(str(program)).endswith(f" httsleep URL -- {program}")
    monkeypatch.chdir(tmp_path)
    assert refused("./make", "http://b") == error.format("./make")


@pytest.mark.parametrize("word", ["secret", "./secret", "/secret"])
def test_a_further_word_that_is_no_url_is_not_shown(refused, word):
    """It may be a secret, such as a token without quotes around its header."""
    instead = "write http:// in front of a host, and -- in front of a command"
    error = f"an argument behind the URL is no URL: {instead}"
    assert refused(word, "http://b") == error


def test_an_empty_further_word_is_named(refused):
    """A variable for one of several URLs is not set."""
    assert refused("", "http://b") == "URL: it is empty; is a variable not set?"


def test_a_further_number_is_named(refused):
    """A port or a status behind a blank belongs to the word in front of it."""
    assert refused("8080") == (
        "a number stands behind the URL: a port, as in server:8080, and statuses, as "
        "in 200,204, are one word"
    )


@pytest.mark.parametrize(
    "words", [["--once"], ["--checkpoint", "file"], ["--follow", "Location"]]
)
def test_options_for_one_url(refused, words):
    """The wait over several starts, and the one that a submit begins, have one URL."""
    error = f"{words[0]} is given with 3 URLs: give one of them"
    assert refused("http://b", "http://c", "--text", "a", *words) == error


def test_a_url_that_cannot_work_is_named(refused):
    """The error of one of several URLs shows which."""
    assert refused("ftp://b", "http://c").startswith("URL: 'ftp://b' is not ")


def test_several_have_displays_of_their_own():
    """Each line names its URL, and the end of all belongs to none of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", Terminal())
        patch.setenv("TERM", "xterm")
        words = [URL, "https://b/c?d=secret"]
        drawn = build(words)
        verbose = build([*words, "-v"])
        as_json = build([*words, "--log-format", "json"])
        quiet = build([*words, "-q"])
    lines = [each.display for each in drawn.endpoints]
    assert {type(each) for each in lines} == {TerminalLine}
    names = [each._line.text(80).split()[1] for each in lines]
    assert names == ["server/endpoint", "https://b/c?d=…"]
    assert type(drawn.display) is type(verbose.display) is Display
    assert [type(each.display) for each in verbose.endpoints] == [Lines, Lines]
    assert type(as_json.display) is JsonLines
    assert as_json.display not in [each.display for each in as_json.endpoints]
    assert type(quiet.display) is Quiet
