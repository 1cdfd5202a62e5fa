import contextlib
import io
import shlex
from argparse import ArgumentTypeError
from functools import partial

import pytest

from httsleep.command.converters import (
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


@pytest.fixture
def file(tmp_path):
    """Write the bytes to a file, and return ``@`` and its path."""

    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        return f"@{path}"

    return write


@pytest.fixture
def piped(monkeypatch, tmp_path):
    """Fill standard input with bytes, as far as converters open it."""

    def fill(content):
        def opened(path, *_, **__):
            assert path == 0
            return io.BytesIO(content)

        monkeypatch.setattr("httsleep.command.converters.open", opened, raising=False)

    return fill


def refused(convert, text):
    """Return why ``convert`` refuses the text."""
    with pytest.raises(ArgumentTypeError) as caught:
        convert(text)
    (message,) = caught.value.args
    assert message.isprintable(), "more than one line"
    return message


# Durations and numbers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90", 90), ("0", 0), ("1.5", 1.5), ("500ms", 0.5), ("2s", 2), ("2m", 120)),
        *(("1h", 3600), ("1d", 86400), ("1h30m", 5400), ("1m0.5s", 60.5)),
        ("1000000000", 1e9),
    ],
)
def test_a_duration_is_in_seconds_or_has_units(text, seconds):
    """A plain number means seconds; parts with units are added."""
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "x", "5x", "-1", "1,5", "1 s", "m", "1m30", "1e3", "inf", "nan", "٣", ".5"],
)
def test_an_invalid_duration_is_refused(text):
    """The error for an invalid duration repeats the text and shows valid ones."""
    assert refused(duration, text) == (
        f"{text!r}: give a duration such as 90, 500ms, 2m or 1h30m"
    )


@pytest.mark.parametrize(
    ("text", "short"),
    [
        *(("10min", "10m"), ("90secs", "90s"), ("1.5 hours", "1.5h"), ("2days", "2d")),
        *(("1hr30minutes", "1h30m"), ("1 second", "1s")),
    ],
)
def test_a_unit_is_a_letter(text, short):
    """The error for a longer unit has the duration to give."""
    assert refused(duration, text) == f"{text!r}: give a duration such as {short}"


@pytest.mark.parametrize("text", ["1000000001", "9" * 400, "40000d"])
def test_a_duration_has_a_maximum(text):
    """A duration that the library does not take is refused."""
    assert refused(duration, text).endswith("': give at most thirty years")


def test_a_positive_duration_is_above_0():
    """A duration of 0 is no limit for a wait."""
    assert positive_duration("1ms") == 0.001
    assert refused(positive_duration, "0s") == "'0s': give a duration above 0"


def test_an_int_from_0_is_at_least_0():
    """Only whole numbers are ints from 0; more than 18 digits are too many."""
    assert int_from_0("0") == 0
    for text in ("-1", "1.5", "", "9" * 19):
        error = f"{text!r}: give a whole number of at least 0"
        assert refused(int_from_0, text) == error


def test_a_positive_int_is_at_least_1():
    """Only whole numbers from 1 are positive ints; more than 18 digits are too many."""
    assert positive_int("20") == 20
    for text in ("0", "-1", "1.5", "", "x", "²", "9" * 19):
        error = f"{text!r}: give a whole number of at least 1"
        assert refused(positive_int, text) == error


def test_none_is_no_limit():
    """``none`` becomes ``None``; any other text is converted."""
    assert or_none(positive_int)("none") is None
    assert or_none(positive_int)("3") == 3
    for text in ("unlimited", "-1", "Inf"):
        error = f"{text!r}: give none for no limit"
        assert refused(or_none(positive_int), text) == error


# URLs and paths


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("server:8080/health", "http://server:8080/health"),
        ("server", "http://server"),
        ("https://server/", "https://server/"),
        ("HTTP://server/", "HTTP://server/"),
        ("server/x?next=http://y", "http://server/x?next=http://y"),
        ("user:pa$$'word@server", "http://user:pa$$'word@server"),
        ("server/it's?name='x'", "http://server/it's?name='x'"),
        ('server/?q={"a":1}', 'http://server/?q={"a":1}'),
        ("server/$metadata?$top=1", "http://server/$metadata?$top=1"),
        ("2130706433:80", "http://2130706433:80"),
        ("get", "http://get"),
        ("[::1]:80", "http://[::1]:80"),
    ],
)
def test_the_scheme_can_be_left_out(given, whole):
    """A URL without a scheme is one of http, as for curl."""
    assert url(given) == whole


@pytest.mark.parametrize(
    ("given", "without"),
    [
        ('"http://server/x"', "http://server/x"),
        ("'http://user:secret@server/x?token=secret'", "http://server/x?token=…"),
        ('http://server/x"', "http://server/x"),
        ("'server:80", "http://server:80"),
        ('http://"server":80/x', "http://server:80/x"),
        ("\u201chttp://server/\u201d", "http://server/"),
        ('http://server"/health"?name="x"', "http://server/health?name=…"),
        ('http://server/"jobs"/1', "http://server/jobs/1"),
        ('"', "http://"),
    ],
)
def test_quotes_in_a_url_are_named(given, without):
    """Quotes that an env file leaves in a URL are named, without a secret."""
    assert refused(url, given) == (
        "it has quotes in it, perhaps from an env file: give it without, as in "
        f"{without}"
    )


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ("8080", "localhost:8080"),
        (":80", "localhost:80"),
        (":8080/health?token=secret", "localhost:8080/health?token=…"),
        ("8080/health", "localhost:8080/health"),
    ],
)
def test_a_port_needs_a_host(given, local):
    """A port alone would be the number of a host."""
    assert refused(url, given) == f"this is a port without a host: give {local}"


def test_a_variable_is_filled_in_by_the_shell():
    """A name of a variable in place of a host, and an empty URL, are named."""
    assert refused(url, "http://user:secret@$HOST:80/x") == (
        "'$HOST:80' is no host: use double quotes, in which the shell fills in "
        "variables"
    )
    assert refused(url, "") == "it is empty; is a variable not set?"


@pytest.mark.parametrize("text", ["http://server/x\r", " server", "server\n", " "])
def test_blanks_around_a_url_are_named(text):
    """The line end of an env file of Windows would become a part of the path."""
    assert refused(url, text) == (
        "there is a blank or a line end around it, perhaps from a file: give it without"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://", "'http://' has no host"),
        ("http://:8080/x", "'http://:8080/x' has no host"),
        ("https:///x?token=secret", "'https:///x?token=…' has no host"),
        ("http://user:secret@/x", "'http:///x' has no host"),
        ("server:/x", "'http://server:/x' has no port behind the colon"),
        ("http://server:", "'http://server:' has no port behind the colon"),
        ("https://[::1]:/", "'https://[::1]:/' has no port behind the colon"),
    ],
)
def test_an_unset_variable_leaves_a_hole_in_a_url(text, why):
    """A URL without host, or without the port of its colon, is refused."""
    assert refused(url, text) == f"{why}; is a variable not set?"


@pytest.mark.parametrize(
    "text", ["server:99999", "server:80a/x", "http://user:secret/@server/", "a:b/c"]
)
def test_a_port_is_a_number(text):
    """An invalid port is named, but not repeated."""
    assert refused(url, text) == "the port is no number up to 65535"


@pytest.mark.parametrize("text", ["file:///x", "http://fe80::1/", "http:/server"])
def test_other_urls_are_left_to_the_library(text):
    """The library refuses them, and says why."""
    assert url(text) == text


def test_a_method_is_no_url():
    """The way of HTTPie to write a method is not the one here."""
    error = refused(url, "POST")
    assert error == "'POST': this is a method: give -X POST, and the URL"


def test_quotes_in_a_path_are_named(tmp_path):
    """Quotes around the name of a file are named, unless there is such a file."""
    for text in ('"/etc/ca.pem"', "'/etc/ca.pem'"):
        assert refused(file_path, text) == (
            f"{text!r}: the quotes are part of this name, perhaps from an env file: "
            "give /etc/ca.pem"
        )
    assert ": the quotes are part of this name" in refused(json_value, '@"x"')
    assert refused(header_lines, "@~/token") == (
        "'~/token': the shell replaces only a ~ that is first: give $HOME/token"
    )
    assert file_path("it's") == "it's"
    path = tmp_path / "'x'"
    path.touch()
    with contextlib.chdir(tmp_path):
        assert file_path("'x'") == "'x'"


# JSON


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a": [1, null]}', {"a": [1, None]}), ('"a"', "a"), ("0", 0), (" [] ", [])],
)
def test_a_json_value_is_read(text, value, file):
    """JSON is read from the argument, or from a file."""
    assert json_value(text) == value
    assert json_value(file(text.encode())) == value


@pytest.mark.parametrize("text", ["", "SUCCESS", "{'a': 1}", "NaN", "[Infinity]", "{"])
def test_invalid_json_is_refused(text, file):
    """The error says where JSON breaks off, and names the argument or the file."""
    assert refused(json_value, text).startswith(f"{text!r}: not JSON (")
    path = file(text.encode())
    error = refused(json_value, path)
    assert error.startswith(f"{path!r}: not JSON (")
    assert error.endswith(")")


def test_invalid_json_is_refused_with_what_to_type():
    """The error proposes a string for a value, and another option for a condition."""
    error = refused(json_value, "OK")
    assert error.endswith("""); a string has double quotes: '"OK"'""")
    error = refused(conditions, "$.status=OK")
    assert error.endswith("); give --jsonpath '$.status=OK'")
    error = refused(partial(conditions, option="--alarm"), "5xx")
    assert error.endswith("); give --alarm-status-code 5xx")


def test_json_that_is_too_deep_is_refused():
    """JSON that is nested too deeply is an error of the option, not a traceback."""
    assert ": not JSON (" in refused(json_value, "[" * 200_000)


def test_conditions_are_one_or_several():
    """A list holds conditions; any other JSON value is one condition."""
    assert conditions('{"text": "a"}') == [{"text": "a"}]
    assert conditions('[{"text": "a"}, {"text": "b"}]') == [
        {"text": "a"},
        {"text": "b"},
    ]
    assert conditions("5") == [5]  # the library refuses it


def test_status_codes_are_separated_by_commas():
    """Statuses and classes of statuses are split at commas, blanks removed."""
    assert status_codes("200") == ["200"]
    assert status_codes("2xx, 404") == ["2xx", "404"]
    for text in ("20x", "200-299", "", "200,", "99"):
        assert refused(status_codes, text) == (
            f"{text!r}: give statuses from 100 to 999, or classes, such as 200, 2xx or "
            "200,204"
        )


# PATH=VALUE


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("$.status=SUCCESS", "$.status", "SUCCESS"),
        ("$.progress=100", "$.progress", 100),
        ("$.version=1.10", "$.version", 1.1),
        ('$.version="1.10"', "$.version", "1.10"),
        ("$.done=true", "$.done", True),
        ("$.error=null", "$.error", None),
        ("$.error=", "$.error", ""),
        ("$.items=[1, 2]", "$.items", [1, 2]),
        ("$.limit=NaN", "$.limit", "NaN"),
        ("$.query=a=b", "$.query", "a=b"),
        ("$.deep=" + "[" * 200_000, "$.deep", "[" * 200_000),
        (
            '$.conditions[?(@.type=="Ready")].status=True',
            '$.conditions[?(@.type=="Ready")].status',
            "True",
        ),
        ("$.'a=b'=c", "$.'a=b'", "c"),
        ("$.a.`sub(/=/, x)`=c", "$.a.`sub(/=/, x)`", "c"),
        ("$[?(@.a = ')')].b=c", "$[?(@.a = ')')].b", "c"),
    ],
)
def test_an_entry_is_split_at_its_own_equals_sign(text, path, value):
    """The first ``=`` outside brackets and quotes splits; the value is JSON or str."""
    found = jsonpath_entry(text)
    assert found == {"expression": path, "value": value}
    assert type(found["value"]) is type(value)


def test_an_entry_without_equals_sign_is_refused():
    """The error for an entry without its own ``=`` shows how an entry is written."""
    right = "give PATH=VALUE, such as '$.status=SUCCESS'"
    assert refused(jsonpath_entry, "$.status") == f"'$.status': {right}"
    assert refused(jsonpath_entry, "$[?(@.a==1)]") == f"'$[?(@.a==1)]': {right}"


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        (
            "$.a!=RUNNING",
            """--until '{"jsonpath": {"expression": "$.a", "not_in": ["RUNNING"]}}'""",
        ),
        (
            "$.n <> 5",
            """--until '{"jsonpath": {"expression": "$.n", "not_in": [5]}}'""",
        ),
        ("$.n>=80", """--until '{"jsonpath": {"expression": "$.n", "ge": 80}}'"""),
        ("$.n <= 80", """--until '{"jsonpath": {"expression": "$.n", "le": 80}}'"""),
        ("$.n>0.5", """--until '{"jsonpath": {"expression": "$.n", "gt": 0.5}}'"""),
        ("$.n<b", """--until '{"jsonpath": {"expression": "$.n", "lt": "b"}}'"""),
        ("$.status==OK", "--jsonpath '$.status=OK'"),
    ],
)
def test_other_operators_are_refused(text, instead):
    """The error proposes the condition in JSON, or ``=`` in place of ``==``."""
    error = refused(jsonpath_entry, text)
    assert error == f"{text!r}: only = is supported here; give {instead}"


def test_an_alarm_has_options_of_its_own():
    """The error about an alarm proposes options for alarms."""
    entry = partial(jsonpath_entry, option="--alarm")
    assert "give --alarm '{" in refused(entry, "$.n>5")
    assert refused(entry, "$.n==5").endswith("; give --alarm-jsonpath '$.n=5'")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("SUCCESS,FAILED", '["SUCCESS", "FAILED"]'),
        ("SUCCESS|FAILED|DONE", '["SUCCESS", "FAILED", "DONE"]'),
        ("1,2", "[1, 2]"),
        ("in-work||done", '["in-work", "done"]'),
    ],
)
def test_several_words_are_one_string(value, words):
    """The error says how to write "or", and how to write this very string."""
    text = f"status={value}"
    assert refused(jsonpath_entry, text) == (
        f"{text!r}: {value} is one string; for any one of its words give --until "
        f"""'{{"jsonpath": {{"expression": "status", "in": {words}}}}}', """
        f"""for the string 'status="{value}"'"""
    )
    entry = jsonpath_entry(f'status="{value}"')
    assert entry == {"expression": "status", "value": value}


@pytest.mark.parametrize(
    ("text", "kind", "without"),
    [
        ("$.a='OK'", "quotes", "'$.a=OK'"),
        ("$.a=`OK`", "quotes", "'$.a=OK'"),
        ("$.a = OK", "blanks", "'$.a=OK'"),
        ("a=OK ", "blanks", "a=OK"),
        ("$.a = 'O K'", "blanks", "'$.a=O K'"),
    ],
)
def test_quotes_and_blanks_are_part_of_a_string(text, kind, without):
    """The error says how to write the string without, and this very string."""
    path, _, value = text.partition("=")
    exactly = shlex.quote(f'{path}="{value}"')
    assert refused(jsonpath_entry, text) == (
        f"{text!r}: the {kind} are part of the string; without them give {without}, "
        f"for the string {exactly}"
    )
    assert jsonpath_entry(f'{path}="{value}"')["value"] == value


def test_a_path_begins_with_a_dollar():
    """jq writes paths without it."""
    error = refused(jsonpath_entry, ".status=OK")
    assert error == "'.status=OK': a path begins with $: give '$.status=OK'"
    error = refused(jsonpath_entry, '.status == "OK"')
    assert error.endswith("""; give --jsonpath '$.status="OK"'""")


@pytest.mark.parametrize("value", ["Doe, John", "a,", ",", "a b", "[1,2]", "a;b", "|"])
def test_other_commas_are_part_of_a_string(value):
    """Only words without blanks between commas or bars look like several."""
    assert jsonpath_entry(f"$.a={value}")["expression"] == "$.a"


# Text and headers


def test_a_regular_expression_is_compiled():
    """A valid regular expression is compiled, an invalid one refused."""
    assert regular_expression("a+").search("caat")
    assert regular_expression("[[a]").search("a")  # with a FutureWarning
    error = refused(regular_expression, "a(")
    assert error.startswith("'a(': not a regular expression (missing )")
    assert error.endswith(r"; to find this very text give 'a\('")


def test_a_header_condition_is_a_name_and_a_value():
    """The first ``=`` separates name and value; the name must be a valid one."""
    assert header_condition("X-Ready=yes") == ("X-Ready", "yes")
    assert header_condition("ETag=a=b") == ("ETag", "a=b")
    assert header_condition("X-Empty=") == ("X-Empty", "")
    for text in ("X-Ready", "=yes", "X-Ready: a=b", "Content-Type: b; charset=utf-8"):
        assert refused(header_condition, text) == f"{text!r}: give NAME=VALUE"


def test_header_lines_are_written_as_for_curl(file):
    """A header without a value is removed, one with a semicolon is sent empty."""
    assert header_lines("X-Token: a: b ") == [("X-Token", "a: b")]
    assert header_lines("User-Agent:") == [("User-Agent", None)]
    assert header_lines("X-Empty;") == [("X-Empty", "")]
    assert header_lines(file(b"\xef\xbb\xbfA: 1\r\n\nB: 2\x0b3\n")) == [
        ("A", "1"),
        ("B", "2\x0b3"),
    ]


def test_a_header_is_one_line():
    """A line end would begin another header; the error does not show the value."""
    error = "there is a line end: give one -H for each header"
    assert refused(header_lines, "X-A: secret\nX-B: 2") == error


@pytest.mark.parametrize(
    "text",
    ["Authorization Bearer secret", "Authorization Bearer sec:ret", ": secret", ";"],
)
def test_a_header_line_without_a_name_is_not_repeated(text):
    """The error for a header line without a name does not show it: a token perhaps."""
    error = refused(header_lines, text)
    assert error == "give 'NAME: VALUE', the name in one word, or @FILE"


def test_a_header_file_with_a_token_alone_is_told_what_to_write(file):
    """The error says that the file was read, and does not show its lines."""
    for content in (b"secret\n", b"Accept: */*\nBearer secret\n"):
        assert refused(header_lines, file(content)) == (
            "a line of the file has no name in one word: write it as "
            "'Authorization: Bearer TOKEN'"
        )


def test_a_method_is_one_word():
    """A method is any valid word, kept as it was typed."""
    assert method("PATCH") == "PATCH"
    for text in ("", "a b", "GET\n"):
        assert refused(method, text) == f"{text!r}: give a method, such as POST"


# Body and credentials


def test_data_is_sent_as_it_was_typed():
    """Data becomes the bytes of the argument, in any encoding."""
    assert data('{"a": 1}\n') == b'{"a": 1}\n'
    assert data("\udcff\u20ac") == b"\xff\xe2\x82\xac"


def test_data_of_a_file_loses_its_line_ends(file, piped):
    """Line ends of ``@FILE``, and of standard input (``-``, ``@-``), are removed."""
    assert data(file(b'{"a":\r\n 1}\n')) == b'{"a": 1}'
    piped(b"a=1\n")
    assert data("-") == data("@-") == b"a=1"


def test_credentials_are_user_and_password(file):
    """User and password are bytes, because no encoding is right for all servers."""
    assert credentials("user:pass:word") == (b"user", b"pass:word")
    assert credentials("user:") == (b"user", b"")
    assert credentials(file("user:pä\n".encode())) == (b"user", "pä".encode())


def test_credentials_are_not_repeated(file):
    """The error for credentials without a colon does not show them."""
    right = "there is no colon: give USER:PASSWORD or @FILE"
    assert refused(credentials, "secret") == right
    assert refused(credentials, file(b"secret")) == right


def test_credentials_are_one_line(file):
    """A header cannot hold a line end; the error does not show the password."""
    error = "there is a line end: give USER:PASSWORD on one line"
    assert refused(credentials, "user:sec\nret") == error
    assert refused(credentials, file(b"us\rer:secret")) == error


@pytest.mark.parametrize("convert", [json_value, header_lines, data, credentials])
def test_a_file_that_cannot_be_read_is_refused(convert):
    """The error for a file that cannot be read has its name and the reason."""
    assert refused(convert, "@missing") == (
        "'missing': this file cannot be read (No such file or directory)"
    )
    error = refused(convert, "@a\0b")
    assert error == "'a\\x00b': this file cannot be read (embedded null byte)"


@pytest.mark.parametrize("convert", [json_value, header_lines])
def test_a_text_file_is_utf_8(convert, file):
    """A file that is not UTF-8 is refused with its name."""
    path = file(b"\xff")
    assert refused(convert, path) == f"{path[1:]!r}: this file is not UTF-8"


@pytest.mark.parametrize("text", ["Location", "$.links.self", "/jobs/{$.id}"])
def test_a_place_is_kept_as_it_is(text):
    """A header, a JSONPath and a URL with parts are places."""
    assert place(text) == text


def test_a_place_of_jq_is_refused_before_the_submit():
    """It would be the name of a header, which no answer has."""
    error = refused(place, ".links.self")
    assert error == "'.links.self': a path begins with $: give '$.links.self'"
    assert place("../jobs/{$.id}") == "../jobs/{$.id}"


@pytest.mark.parametrize("text", ["", "a b", "{", "$.[", "Loca\ttion"])
def test_what_is_no_place(text):
    """The error names the three forms, and no callable."""
    with pytest.raises(ArgumentTypeError, match="give the name of a header, a JSONPat"):
        place(text)
