import io
from argparse import ArgumentTypeError

import pytest

from httsleep.command import converters as arguments
from httsleep.command.converters import (
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


@pytest.fixture
def file(tmp_path):
    """``@`` and the path of a file that holds the bytes."""

    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        return f"@{path}"

    return write


@pytest.fixture
def piped(monkeypatch, tmp_path):
    """Standard input, as far as this module opens it."""

    def fill(content):
        def opened(path, *_, **__):
            assert path == 0
            return io.BytesIO(content)

        monkeypatch.setattr(arguments, "open", opened, raising=False)

    return fill


def refused(convert, text):
    """Why ``convert`` does not take the text."""
    with pytest.raises(ArgumentTypeError) as caught:
        convert(text)
    (message,) = caught.value.args
    assert message.isprintable(), "more than one line"
    return message


# durations and numbers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90", 90), ("0", 0), ("1.5", 1.5), ("500ms", 0.5), ("2s", 2), ("2m", 120)),
        *(("1h", 3600), ("1d", 86400), ("1h30m", 5400), ("1m0.5s", 60.5)),
        ("1000000000", 1e9),
    ],
)
def test_a_duration_is_in_seconds_or_has_units(text, seconds):
    """A plain number is seconds; parts with units add up."""
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "x", "5x", "-1", "1,5", "1 s", "m", "1m30", "1e3", "inf", "nan", "٣", ".5"],
)
def test_what_is_no_duration_is_refused(text):
    """The error repeats the text and shows how durations are written."""
    assert refused(duration, text) == (
        f"{text!r}: give a duration such as 90, 500ms, 2m or 1h30m"
    )


@pytest.mark.parametrize("text", ["1000000001", "9" * 400, "40000d"])
def test_a_duration_has_an_end(text):
    """More than a clock can wait for is refused."""
    assert "that is more than thirty years" in refused(duration, text)


def test_a_limit_is_above_0():
    """A limit of 0 would end every wait before it began."""
    assert limit("1ms") == 0.001
    assert refused(limit, "0s") == "'0s': give a duration above 0"


def test_a_number_is_at_least_1():
    """Whole numbers only."""
    assert number("20") == 20
    for text in ("0", "-1", "1.5", "", "x", "²", "9" * 19):
        assert refused(number, text) == f"{text!r}: give a whole number of at least 1"


def test_none_is_no_limit():
    """``none`` stands for no limit, all else for what it is."""
    assert or_none(number)("none") is None
    assert or_none(number)("3") == 3


# JSON


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a": [1, null]}', {"a": [1, None]}), ('"a"', "a"), ("0", 0), (" [] ", [])],
)
def test_a_document_is_json(text, value, file):
    """From the argument, or from a file."""
    assert document(text) == value
    assert document(file(text.encode())) == value


@pytest.mark.parametrize("text", ["", "SUCCESS", "{'a': 1}", "NaN", "[Infinity]", "{"])
def test_what_is_no_json_is_refused(text, file):
    """The error says where the text stops being JSON; of a file only its name."""
    assert refused(document, text).startswith(f"{text!r}: not JSON (")
    path = file(text.encode())
    assert refused(document, path).startswith(f"{path!r}: not JSON (")


def test_json_that_is_too_deep_is_refused():
    """No mistake of a user is a traceback."""
    assert ": not JSON (" in refused(document, "[" * 200_000)


def test_conditions_are_one_or_several():
    """A dict is one condition, a list is taken as it is."""
    assert conditions('{"text": "a"}') == [{"text": "a"}]
    assert conditions('[{"text": "a"}, {"text": "b"}]') == [
        {"text": "a"},
        {"text": "b"},
    ]
    assert conditions("5") == [5]  # the library says what is wrong with that


def test_codes_are_separated_by_commas():
    """Each is what the library calls a status_code."""
    assert codes("200") == ["200"]
    assert codes("2xx, 404") == ["2xx", "404"]


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
    """A ``=`` within brackets or quotes belongs to the path; a value is JSON or str."""
    found = entry(text)
    assert found == {"expression": path, "value": value}
    assert type(found["value"]) is type(value)


def test_an_entry_without_equals_sign_is_refused():
    """The error shows how an entry is written."""
    right = "give PATH=VALUE, such as '$.status=SUCCESS'"
    assert refused(entry, "$.status") == f"'$.status': {right}"
    assert refused(entry, "$[?(@.a==1)]") == f"'$[?(@.a==1)]': {right}"


@pytest.mark.parametrize("sign", [">=", "<=", "!=", "=="])
def test_other_operators_are_refused(sign):
    """What looks like a comparison would be compared with something else."""
    told = refused(entry, f"$.progress{sign}5")
    assert told.endswith("there is only =; the other operators are for JSON")


# text and headers


def test_an_expression_is_compiled():
    """A regular expression, refused if it is none."""
    assert expression("a+").search("caat")
    assert expression("[[a]").search("a")  # Python warns of that
    told = refused(expression, "a(")
    assert told.startswith("'a(': no regular expression (missing )")


def test_a_pair_is_a_header_and_its_value():
    """The value may hold the sign that separates."""
    assert pair("X-Ready=yes") == ("X-Ready", "yes")
    assert pair("ETag=a=b") == ("ETag", "a=b")
    assert pair("X-Empty=") == ("X-Empty", "")
    for text in ("X-Ready", "=yes", "X-Ready: a=b", "Content-Type: b; charset=utf-8"):
        assert refused(pair, text) == f"{text!r}: give NAME=VALUE"


def test_fields_are_written_as_for_curl(file):
    """Nothing behind the colon takes a header away, a semicolon sends it empty."""
    assert fields("X-Token: a: b ") == [("X-Token", "a: b")]
    assert fields("User-Agent:") == [("User-Agent", None)]
    assert fields("X-Empty;") == [("X-Empty", "")]
    assert fields(file(b"\xef\xbb\xbfA: 1\r\n\nB: 2\x0b3\n")) == [
        ("A", "1"),
        ("B", "2\x0b3"),
    ]


@pytest.mark.parametrize(
    "text",
    ["Authorization Bearer secret", "Authorization Bearer sec:ret", ": secret", ";"],
)
def test_a_field_without_a_name_is_not_repeated(text):
    """It may be a token."""
    told = refused(fields, text)
    assert told == "give 'NAME: VALUE', the name in one word, or @FILE"


def test_a_method_is_one_word():
    """As it was typed."""
    assert method("PATCH") == "PATCH"
    for text in ("", "a b", "GET\n"):
        assert refused(method, text) == f"{text!r}: give a method, such as POST"


# what is sent


def test_data_is_sent_as_it_was_typed():
    """The bytes of the argument, whatever the encoding."""
    assert data('{"a": 1}\n') == b'{"a": 1}\n'
    assert data("\udcff\u20ac") == b"\xff\xe2\x82\xac"


def test_data_of_a_file_loses_its_line_ends(file, piped):
    """As curl does it; ``-`` and ``@-`` are standard input."""
    assert data(file(b'{"a":\r\n 1}\n')) == b'{"a": 1}'
    piped(b"a=1\n")
    assert data("-") == data("@-") == b"a=1"


def test_credentials_are_user_and_password(file):
    """As bytes, for no encoding is right for all servers."""
    assert credentials("user:pass:word") == (b"user", b"pass:word")
    assert credentials("user:") == (b"user", b"")
    assert credentials(file("user:pä\n".encode())) == (b"user", "pä".encode())


def test_credentials_are_not_repeated(file):
    """An error does not hold what may be a password."""
    right = "there is no colon: give USER:PASSWORD or @FILE"
    assert refused(credentials, "secret") == right
    assert refused(credentials, file(b"secret")) == right


@pytest.mark.parametrize("convert", [document, fields, data, credentials])
def test_a_file_that_cannot_be_read_is_refused(convert):
    """With its name, and why."""
    assert refused(convert, "@missing") == (
        "'missing': this file cannot be read (No such file or directory)"
    )
    told = refused(convert, "@a\0b")
    assert told == "'a\\x00b': this file cannot be read (embedded null byte)"


@pytest.mark.parametrize("convert", [document, fields])
def test_a_text_file_is_utf_8(convert, file):
    """What cannot be decoded is refused with the file's name."""
    path = file(b"\xff")
    assert refused(convert, path) == f"{path[1:]!r}: this file is not UTF-8"
