import re

import pytest
import requests
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from httsleep import BodyTooLarge, HttSleeper
from httsleep.checks import IgnoredExceptions
from httsleep.command.parser import IGNORABLE, parse, parser, sleeper

URL = "http://server/jobs/1"


def made(*typed):
    """The sleeper for what was typed behind the URL."""
    options, command = parse([URL, *typed])
    assert command is None
    return sleeper(options)


def refused(capsys, *typed):
    """The line that is told of what was typed, without what is around it."""
    with pytest.raises(SystemExit) as caught:
        parse(typed)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    match = re.fullmatch(r"httsleep: (.*) \(see httsleep --help\)\n", err)
    assert match, f"not one line: {err}"
    return match[1]


def cannot_work(*typed):
    """Why no sleeper can be made."""
    with pytest.raises(ValueError, match=" ") as caught:
        made(*typed)
    return str(caught.value)


# conditions


def test_without_a_condition_2xx_is_a_success():
    """With alarms alone as well."""
    assert made().until == [{"status_code": "2xx"}]
    sleeper = made("--alarm-status-code", "500")
    assert sleeper.until == [{"status_code": "2xx"}]
    assert made().alarms == []
    assert made().pending is None


@pytest.mark.parametrize(
    ("typed", "condition"),
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
def test_short_forms_make_one_condition(typed, condition):
    """The same words with --alarm- in front make an alarm."""

    def options(*prefixes):
        names = {"json": prefixes[1], "header": prefixes[1]}
        pairs = zip(typed[::2], typed[1::2], strict=True)
        return [
            word
            for name, value in pairs
            for word in (f"{names.get(name, prefixes[0])}{name}", value)
        ]

    assert made(*options("--", "--until-")).until == [condition]
    assert made(*options("--alarm-", "--alarm-")).alarms == [condition]


@pytest.mark.parametrize("name", ["until", "alarm", "pending"])
def test_conditions_as_json_are_those_of_the_library(name, tmp_path):
    """From the argument or a file; repeated, or as a list, any will do."""
    path = tmp_path / "conditions.json"
    path.write_text('{"json": {"a": 1}}')
    typed = [f"--{name}", '{"status_code": 200}', f"--{name}", f"@{path}"]
    typed += [f"--{name}", '[{"text": "a"}, {"text": "b"}]']
    attribute = {"alarm": "alarms"}.get(name, name)
    assert getattr(made(*typed), attribute) == [
        *({"status_code": 200}, {"json": {"a": 1}}, {"text": "a"}, {"text": "b"})
    ]


def test_short_forms_beside_alarms_are_one_more():
    """An alarm as JSON and one in short form: any of them."""
    both = made("--alarm-status-code", "5xx", "--alarm", '{"text": "x"}').alarms
    assert both == [{"text": "x"}, {"status_code": "5xx"}]


def test_short_forms_beside_until_are_refused():
    """Nobody could tell whether both or any of them is meant."""
    told = cannot_work("--until", '{"text": "x"}', "--status-code", "200")
    assert told == "give --until or the short forms of one, not both"


@pytest.mark.parametrize("prefix", ["--", "--alarm-"])
def test_one_text_is_expected(capsys, prefix):
    """Two would be a contradiction, or at least no single condition."""
    text, matches = f"{prefix}text", f"{prefix}text-matches"
    told = refused(capsys, URL, text, "a", matches, "a")
    assert told == f"argument {matches}: not allowed with argument {text}"
    told = refused(capsys, URL, text, "a", text, "b")
    assert told == f"argument {text}: can be given only once"


def test_one_value_of_a_header_is_expected():
    """Two values of one header are met by nothing."""
    told = cannot_work("--until-header", "X-A=1", "--until-header", "x-a=2")
    pairs = "[('X-A', '1'), ('x-a', '2')]"
    assert told == f"--until-header: {pairs} has a header twice"


def test_mistakes_in_conditions_are_the_librarys():
    """The words of the library, which name the wrong key and the right ones."""
    assert cannot_work("--until", '{"status": 200}').startswith(
        "until[0] is {'status': 200}: unknown key 'status': did you mean 'status_code'?"
    )
    assert cannot_work("--alarm", "5").startswith("alarms[0] is 5: a condition is")
    assert cannot_work("--until", "[]").startswith("until is []: ")
    assert cannot_work("--status-code", "20x").startswith(
        "until: status_code is '20x': give an int from 100 to 999"
    )


# request


def test_a_url_is_requested_with_get():
    """What follows redirects, and trusts what the machine trusts."""
    sleeper = made()
    assert isinstance(sleeper, HttSleeper)
    request = sleeper.request
    assert (request.method, request.url, request.data) == ("GET", URL, [])
    assert (request.headers, request.auth) == ({}, None)
    assert sleeper.allow_redirects is True
    assert sleeper.kwargs == {}
    assert sleeper.session.cert is None


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("server:8080/health", "http://server:8080/health"),
        ("server", "http://server"),
        ("https://server/", "https://server/"),
        ("HTTP://server/", "HTTP://server/"),
        ("server/x?next=http://y", "http://server/x?next=http://y"),
    ],
)
def test_the_scheme_can_be_left_out(typed, url):
    """It is http then, as for curl."""
    assert sleeper(parse([typed])[0]).request.url == url


def test_another_scheme_is_refused():
    """The words are those of the library."""
    for url, told in (
        ("ftp://server/", "'ftp://server/' is not http or https"),
        ("http:/user:secret@server/", "'<no valid URL>' is no URL to poll"),
    ):
        with pytest.raises(ValueError, match=told):
            sleeper(parse([url])[0])


def test_data_makes_it_a_post():
    """Of a form, unless something else is said; what is repeated is joined."""
    request = made("-d", "a=1", "--data", "b=2").request
    assert (request.method, request.data) == ("POST", b"a=1&b=2")
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    request = made("-d", "{}", "-X", "PUT", "-H", "content-type: text/json").request
    assert (request.method, request.data) == ("PUT", b"{}")
    assert request.headers == {"content-type": "text/json"}


def test_a_method_can_be_anything():
    """-X counts without data as well."""
    assert made("-X", "HEAD").request.method == "HEAD"


def test_headers_are_sent():
    """What is repeated makes one list (RFC 9110 §5.3, RFC 6265 §5.4)."""
    typed = ["-H", "X-A: 1", "--header", "Accept: a", "-H", "accept: b"]
    assert made(*typed).request.headers == {"X-A": "1", "accept": "a, b"}
    typed = ["-H", "Cookie: a=1", "-H", "Cookie: b=2"]
    assert made(*typed).request.headers == {"Cookie": "a=1; b=2"}
    assert made("-H", "X-A: €").request.headers == {"X-A": "€".encode()}


def test_headers_can_be_taken_away():
    """Those of requests, and those that urllib3 would put in their place."""
    assert made("-H", "Accept:").request.headers == {"Accept": None}
    typed = ["-H", "User-Agent:"]
    assert made(*typed).request.headers == {"User-Agent": "@@@SKIP_HEADER@@@"}
    assert made("-H", "A: 1", "-H", "A:").request.headers == {"A": None}
    assert made("-H", "A:", "-H", "A: 1").request.headers == {"A": "1"}


def test_credentials_are_those_of_basic_auth():
    """They go before what netrc says."""
    assert made("-u", "user:word").request.auth == (b"user", b"word")


def test_a_header_for_authorization_is_left_alone():
    """Neither -u nor what netrc knows replaces it, as they would for requests."""
    auth = made("-H", "authorization: Bearer x").request.auth
    prepared = requests.PreparedRequest()
    assert auth(prepared) is prepared
    assert made("-H", "Authorization:", "-u", "user:word").request.auth is auth


def test_redirects_can_be_left_alone():
    """As for curl without --location."""
    assert made("--no-location").allow_redirects is False


@pytest.fixture(scope="session")
def issued():
    """A certificate that a CA has issued; both."""
    ca = trustme.CA()
    return ca, ca.issue_cert("127.0.0.1")


@pytest.fixture
def files(issued, tmp_path):
    """The paths of a CA, a certificate, its key, both, and its key encrypted."""
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
    """What to trust is verify; what to show is the session's."""
    ca, cert, key, both, _ = files
    assert made("--cacert", ca).kwargs == {"verify": ca}
    assert made("-k").kwargs == made("--insecure").kwargs == {"verify": False}
    assert made("--cert", cert, "--key", key).session.cert == (cert, key)
    assert made("--cert", both).session.cert == both


def test_certificates_that_cannot_be_used_are_refused(files):
    """At once, not with the first request; a password is never asked for."""
    _, cert, key, _, locked = files
    why = "cannot be used (No such file or directory)"
    assert cannot_work("--cacert", "missing") == f"--cacert {why}"
    assert cannot_work("--cert", "missing") == f"--cert {why}"
    assert cannot_work("--cacert", key).startswith("--cacert cannot be used (NO_")
    assert cannot_work("--cert", cert).startswith("--cert cannot be used (")
    assert cannot_work("--cert", cert, "--key", "missing") == f"--cert, --key {why}"
    assert cannot_work("--key", key) == "--key is given without --cert"
    told = cannot_work("--cert", cert, "--key", locked)
    assert told == "the key of --cert is encrypted: give one that is not"


# limits


def test_limits_that_are_not_given_are_the_librarys():
    """The command has no defaults of its own here."""
    names = ("polling_interval", "max_retries", "max_time", "request_timeout")
    names += ("max_retry_after", "max_body_size")
    library = HttSleeper(URL, status_code=200)
    command = made()
    for name in names:
        assert getattr(command, name) == getattr(library, name)
    assert made("--max-time", "1m").max_retries is None


def test_limits_are_given_to_the_library():
    """Durations are in seconds there."""
    sleeper = made(
        *("--interval", "500ms", "--max-retries", "7", "--max-time", "10m"),
        *("--request-timeout", "3", "--max-retry-after", "0", "--max-body-size", "9"),
    )
    assert (sleeper.polling_interval, sleeper.max_retries) == (0.5, 7)
    assert (sleeper.max_time, sleeper.request_timeout) == (600, 3)
    assert (sleeper.max_retry_after, sleeper.max_body_size) == (0, 9)


def test_limits_can_be_taken_away():
    """``none`` is ``None``."""
    names = ("max-retries", "request-timeout", "max-retry-after", "max-body-size")
    sleeper = made(*(word for name in names for word in (f"--{name}", "none")))
    for name in names:
        assert getattr(sleeper, name.replace("-", "_")) is None


def test_backoff_doubles_the_interval():
    """Up to what it says."""

    class Third:
        number = 3

    assert made("--backoff", "1m").polling_interval(Third) == 8
    assert made("--interval", "1s", "--backoff", "3s").polling_interval(Third) == 3


@pytest.mark.parametrize("typed", [["--interval", "5s"], ["--interval", "0"]])
def test_backoff_needs_an_interval(typed):
    """Nothing can be doubled, or it is too long already."""
    told = cannot_work("--backoff", "3s", *typed)
    right = "this has to be above 0, and not above --backoff"
    assert told == f"--backoff is 3s, the interval {typed[1].rstrip('s')}s: {right}"


def ignored(*typed):
    return set(made(*typed).ignore_exceptions)


def test_connection_trouble_is_ignored_unless_told():
    """A service that starts refuses connections; --fail-fast says that it runs."""
    assert ignored() == {ConnectionError, TimeoutError}
    assert ignored("--ignore", "BodyTooLarge") == ignored() | {BodyTooLarge}
    assert ignored("--fail-fast") == set()
    assert ignored("--fail-fast", "--ignore", "TimeoutError") == {TimeoutError}


@pytest.mark.parametrize("name", IGNORABLE)
def test_a_refused_certificate_is_never_ignored(name):
    """Whatever is ignored."""
    error = requests.exceptions.SSLError()
    assert not IgnoredExceptions(made("--ignore", name).ignore_exceptions)(error)


# what is not understood


def test_the_command_stands_behind_two_dashes():
    """Its own options, and dashes, are its own."""
    options, command = parse([URL, "-q", "--", "server", "--port", "--", "80"])
    assert options == {"url": URL, "quiet": True}
    assert command == ["server", "--port", "--", "80"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ([], "the following arguments are required: URL"),
        ([URL, "--"], "there is no command behind --"),
        ([URL, "--status", "200"], "no option --status: did you mean --status-code?"),
        ([URL, "--retries", "9"], "no option --retries: did you mean --max-retries?"),
        (
            [URL, "--timeout", "9"],
            "no option --timeout: --max-time is that of the whole wait",
        ),
        (
            [URL, "--json", "{}"],
            "no option --json: wait for it with --until-json, send it with -d",
        ),
        ([URL, "--quuux=secret"], "no option --quuux"),
        ([URL, "-zsecret"], "no option -z"),
        ([URL, "secret"], "there is one URL, and options: what else is here?"),
        ([URL, "-X"], "argument -X/--request: expected one argument"),
        (
            [URL, "--max-time", "0"],
            "argument --max-time: '0': give a duration above 0",
        ),
        ([URL, "-ksecret"], None),
        ([URL, "--quiet=secret"], "argument -q/--quiet: takes no value"),
        ([URL, "-u", "secret"], None),
        ([URL, "-H", "secret"], None),
        ([URL, "--ignore", "SSLError"], None),
        ([URL, "--log-format", "xml"], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_one_line(capsys, typed, told):
    """With the option's name, and never with what may be a secret."""
    line = refused(capsys, *typed)
    assert told is None or line == told
    assert "secret" not in line


def test_the_version_is_that_of_the_distribution(capsys, monkeypatch):
    """Looked up when it is asked for; nothing else is needed."""
    monkeypatch.setattr(
        "httsleep.command.parser.metadata.version", lambda name: f"{name} 9"
    )
    with pytest.raises(SystemExit) as caught:
        parse(["--version"])
    assert (caught.value.code, capsys.readouterr()) == (
        0,
        ("httsleep httsleep 9\n", ""),
    )


def test_help_tells_of_every_option(capsys):
    """Every option has a line of help, and the exit codes are there."""
    with pytest.raises(SystemExit) as caught:
        parse(["-h"])
    out, _ = capsys.readouterr()
    assert caught.value.code == 0
    assert "124 gave up" in out
    words = set(re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", out))
    for action in parser()._actions:
        assert action.help
        assert words.issuperset(action.option_strings)
