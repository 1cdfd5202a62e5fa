"""Values, URLs, responses and exceptions as text that is safe to show."""

import traceback
import warnings
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import requests

from httsleep import HttSleeper
from httsleep.formatting import (
    beside,
    describe_body,
    describe_response,
    describe_status,
    describe_way,
    format_seconds,
    format_size,
    one_line,
    redact_url,
    safe_repr,
    there_are,
    written,
)
from httsleep.wording import words_of_the_shell

URL = "http://server/endpoint"


class Hostile:
    def __repr__(self):
        raise RuntimeError("no repr today")


# one line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("as it is", "as it is"),
        ("é 漢 🙂", "é 漢 🙂"),
        ("two\nlines", "two\\nlines"),
        ("\r\x1b[31mred", "\\r\\x1b[31mred"),
        ("\u2028\u202e", "\\u2028\\u202e"),
        ("\ud800", "\\ud800"),
        ("C:\\it's\n", "C:\\it's\\n"),
    ],
)
def test_a_line_escapes_what_a_terminal_would_obey(text, line):
    """What cannot be printed is escaped, and all else stays as it is."""
    assert one_line(text) == line


def test_a_line_is_cut_to_its_longest():
    """A text that is too long ends in an ellipsis, within the longest length."""
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcde…"


def test_a_line_of_escapes_is_cut_as_well():
    """Escaping does not make a line longer than asked for."""
    assert len(one_line("\n" * 300, 200)) <= 200


# values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("SUCCESS", "'SUCCESS'"),
        ("a\nb", "'a\\nb'"),
        (200, "200"),
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        ({"status": "RUNNING"}, "{'status': 'RUNNING'}"),
        ([1, [2]], "[1, [2]]"),
        ({"b": 1, "a": {"d": 2, "c": {}}}, "{'b': 1, 'a': {'d': 2, 'c': {}}}"),
        ([[[[{}, {"a": 1}]]]], "[[[[{}, {...}]]]]"),
    ],
)
def test_a_value_is_shown_as_its_repr(value, text):
    """A short value is shown as Python writes it."""
    assert safe_repr(value) == text


def test_a_value_that_cannot_be_shown_is_its_class():
    """A value whose repr raises an exception is shown as its class."""
    assert safe_repr(Hostile()).startswith("<Hostile")
    assert safe_repr(10**5000) == "<int>"


LARGE = {
    "long text": "x" * 10_000,
    "escapes": "\x00" * 79,
    "digits": 10**5000,
    "list": list(range(1000)),
    "dict": {str(number): "y" * 1000 for number in range(100)},
    "depth": [[[[[[[["deep"]]]]]]]],
    "hostile": [Hostile()],
}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_a_large_value_is_shown_in_short(value):
    """However large a value is, it is shown in one bounded line."""
    assert len(safe_repr(value)) <= 500
    assert safe_repr(value).isprintable()


class Long:
    def __init__(self, length):
        self.length = length

    def __repr__(self):
        return "a" * self.length


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, dict.fromkeys])
def test_a_container_is_shown_with_eight_elements(kind):
    """A container with more than eight elements is cut."""
    assert safe_repr(kind(range(8))) == repr(kind(range(8)))
    assert "..." in safe_repr(kind(range(9)))
    assert " 8" not in safe_repr(kind(range(9)))


@pytest.mark.parametrize(
    ("fits", "is_cut"),
    [
        ([[[[1]]]], [[[[[1]]]]]),
        ("x" * 80, "x" * 81),
        (Long(80), Long(81)),
        (10**39, 10**40),
    ],
    ids=["depth", "text", "other", "digits"],
)
def test_a_value_is_cut_at_a_length(fits, is_cut):
    """Depth, characters and digits beyond a number are left out."""
    assert safe_repr(fits) == repr(fits)
    assert "..." in safe_repr(is_cut)


# URLs


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://server/endpoint", "http://server/endpoint"),
        (b"http://server/bytes", "http://server/bytes"),
        ("http://server:8080/a/b", "http://server:8080/a/b"),
        ("http://user:secret@server/a", "http://server/a"),
        ("http://user:sec@ret@server/a", "http://server/a"),
        ("http://server/a?token=secret&page=secret", "http://server/a?token=…&page=…"),
        ("http://server/a?secret", "http://server/a?…"),
        ("http://server/a#secret", "http://server/a"),
        ("/relative?key=secret", "/relative?key=…"),
        ("server:8080/a", "server:8080/a"),
        ("http:/a", "http:///a"),
        ("http:", "http://"),
        ("mailto:a", "mailto:a"),
        ("http://server:1/a", "http://server:1/a"),
        ("http://server:0/a", "<no valid URL>"),
        ("http://server/a\x1b[31m", "http://server/a\\x1b[31m"),
        ("http://[::1/", "<no valid URL>"),
        (b"http://\xff", "<no valid URL>"),
        (None, "<no valid URL>"),
        (5, "<no valid URL>"),
    ],
)
def test_a_url_is_shown_without_what_is_secret_in_it(url, text):
    """Userinfo, query values and the fragment of a URL are not shown."""
    assert redact_url(url) == text


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pa/secret@server/",
        "http://user:secret/x@server/",
        "http://user:secret#x@server/",
        "http://user:secret?x@server/",
        "user:secret@server/endpoint",
        "http:/user:secret@server/endpoint",
        "//user:secret@server/endpoint",
    ],
)
def test_a_url_that_is_written_wrong_shows_no_password(url):
    """A password is not shown where a mistake has moved it in the URL."""
    assert "secret" not in redact_url(url)


def test_a_long_url_is_cut():
    """A URL of any length is shown in one bounded line."""
    assert len(redact_url("http://server/" + "a" * 10_000)) <= 200


# quantities


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.999, "999 ms"),
        (1, "1 s"),
        (99.96, "100 s"),
        (100, "100 s"),
        (3600.4, "3600.4 s"),
    ],
)
def test_seconds_have_a_unit(seconds, text):
    """Seconds are shown with a unit and no digit too many."""
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_000_000, "1.0 MB"),
        (16 * 2**20, "16.8 MB"),
    ],
)
def test_bytes_have_a_unit(size, text):
    """A size is shown with a unit of 1000."""
    assert format_size(size) == text


# answers


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("", "text/html", "no body"),
        ("x" * 1200, "text/html; charset=utf-8", "text/html, 1.2 kB"),
        ("x", None, "no Content-Type, 1 byte"),
        ("x", "a\x1bb" + "c" * 100, "a\\x1bb" + "c" * 53 + "…, 1 byte"),
    ],
)
def test_a_body_is_shown_as_its_kind_and_size(make_response, body, kind, text):
    """Of a body its kind and size are shown, nothing of what is in it."""
    headers = {} if kind is None else {"Content-Type": kind}
    assert describe_body(make_response(200, body, headers)) == text


def test_a_status_is_shown_with_its_reason(make_response):
    """A status is shown with the reason phrase, if it has one."""
    assert describe_status(make_response(503)) == "503 Service Unavailable"
    assert describe_status(make_response(299)) == "299"


def test_a_reason_phrase_cannot_forge_a_line(make_response):
    """A reason phrase is escaped and cut."""
    response = make_response(200)
    response.reason = "OK\n" + "x" * 1000
    assert describe_status(response) == "200 OK\\n" + "x" * 55 + "…"


def test_an_answer_says_where_it_was_redirected_to(make_response):
    """An answer after a redirect is shown with where it came from, without secrets."""
    response = make_response(200, "x", url="http://other/login?next=secret")
    assert "redirected" not in describe_response(response)
    response.history.append(make_response(302))
    assert describe_response(response) == (
        "200 OK, no Content-Type, 1 byte, redirected to http://other/login?next=…"
    )


@pytest.mark.parametrize("status", [401, 407])
def test_an_answer_that_asks_for_credentials_is_no_redirect(make_response, status):
    """HTTPDigestAuth keeps the answer to its first request as requests a redirect."""
    response = make_response(200, "x", url="http://other/login")
    response.history.append(make_response(status))
    assert describe_response(response) == "200 OK, no Content-Type, 1 byte"
    response.history.append(make_response(302))
    assert describe_response(response).endswith(", redirected to http://other/login")


# one secret, wherever a caller may put one; tests/servers/test_leaks.py has those that
# are sent

SECRET = "canary-5e7d"


def generator():
    yield SECRET


def asking(method="POST", url=URL, **fields):
    return {"url_or_request": requests.Request(method, url, **fields)}


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            {"url_or_request": url}
            for url in (
                f"user:{SECRET}@server/endpoint",
                f"user:{SECRET}@server:8080/endpoint",
                f"http://user:{SECRET}/@server/endpoint",
                f"http://user:a/{SECRET}@server/",
                f"http://user:{SECRET}#@server/endpoint",
                f"http://user:a#{SECRET}@server/",
                f"http://user:{SECRET}?@server/endpoint",
                f"http:/user:{SECRET}@server/endpoint",
                f"//user:{SECRET}@server/endpoint",
                f"ftp://user:{SECRET}@server/endpoint?token={SECRET}",
                f"http://user:{SECRET}@:80?token={SECRET}",
                f"http://user:{SECRET}@server:x/",
                f"http://user:{SECRET}@[server/",
                f"/endpoint?token={SECRET}",
                [SECRET],
                {"url": SECRET},
                SECRET.encode(),
            )
        ),
        asking(url=f"u:{SECRET}@server"),
        asking(data=generator()),
        asking(data=[SECRET]),
        asking(json={SECRET: {SECRET}}),
        asking(params=iter([SECRET])),
        asking(cookies={"a": f"{SECRET}漢"}),
        asking(headers=[("a", SECRET)]),
        *(
            {"auth": auth}
            for auth in (
                SECRET,
                ["user", SECRET],
                ("user", SECRET, "x"),
                {"user": SECRET},
                ("user", f"{SECRET}漢"),
            )
        ),
        *(
            {"headers": headers}
            for headers in (
                {"X-Token": f"{SECRET}\n"},
                {"X-Token": f"{SECRET}漢"},
                {"X-Token": [SECRET]},
                SECRET,
                [("X-Token", SECRET)],
            )
        ),
        {"session": SECRET},
        {"auth": ("user", SECRET), "max_retries": 0},
        {"auth": ("user", SECRET), "until": {}},
    ],
)
def test_no_secret_is_in_a_refusal(arguments):
    """A ValueError of the constructor shows no credential."""
    arguments = {"url_or_request": URL, **arguments}
    if "until" not in arguments:
        arguments["status_code"] = 200
    with pytest.raises(
        ValueError, match=r"^(url|auth|headers|session|max_retries|until)"
    ) as info:
        HttSleeper(**arguments)
    shown = "".join(traceback.format_exception(info.value))
    assert SECRET not in str(info.value)
    assert SECRET not in shown.partition("ValueError")[2]


def test_no_secret_is_in_a_warning():
    """The warning about loglevel shows no credential."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        HttSleeper(
            f"http://user:{SECRET}@server/?token={SECRET}",
            status_code=200,
            auth=("user", SECRET),
            loglevel="DEBUG",
        )
    assert caught
    assert not [each for each in caught if SECRET in str(each.message)]


# where an answer came from


def test_a_status_says_that_it_is_of_a_cache(make_response):
    """Answers of requests-cache and of CacheControl have a true ``from_cache``."""
    response = make_response(202)
    for value in (False, None, "x"):
        response.from_cache = value
        assert describe_status(response) == "202 Accepted"
    response.from_cache = True
    assert describe_status(response) == "202 Accepted (from a cache)"


def test_a_test_double_has_no_way():
    """A double of a response need not have what only real ones have."""
    assert describe_way(None) == ""
    assert describe_way(SimpleNamespace(status_code=200)) == ""
    assert describe_way(Mock(status_code=200)) == ""


# what there is


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["id"], " (there is 'id')"),
        (["id", "n"], " (there are 'id', 'n')"),
        (map(str, range(8)), " (there are '0', '1', '2', '3', '4', '5', '6', '7')"),
        (map(str, range(9)), " (there are '0', '1', '2', '3', '4', '5', '6', '7', …)"),
        (["\x1b"], " (there is '\\x1b')"),
    ],
)
def test_there_are_a_few_names(names, text):
    """At most eight names are shown, and escaped."""
    assert there_are(names) == text


def test_there_are_names_of_a_limited_length():
    """Long names are cut, and all of them together."""
    assert len(there_are(["x" * 1000] * 3)) < 140
    assert there_are({"a": 1, "b": 2}, "$.job") == " (there are 'a', 'b' in $.job)"


@pytest.mark.parametrize(
    ("actual", "expected", "text"),
    [
        (25, "25", "25 (a number)"),
        (2.5, "2.5", "2.5 (a number)"),
        ("25", 25, "'25' (a string)"),
        (True, "true", "True (a boolean)"),
        ("true", True, "'true' (a string)"),
        (25, "26", "25"),
        (25, 26, "25"),
        ("a", "A", "'a'"),
        ({}, "{}", "{}"),
    ],
    ids=repr,
)
def test_the_kind_of_a_value_is_shown_where_only_that_differs(actual, expected, text):
    """The repr alone would look like the expected value."""
    assert beside(actual, expected) == text


def test_values_are_shown_as_the_reader_writes_them():
    """In the shell a value is JSON."""
    value = {"done": True, "ä": None}
    assert written(value) == "{'done': True, 'ä': None}"
    with words_of_the_shell():
        assert written(value) == '{"done": true, "ä": null}'


def test_names_of_json_have_no_capitals_in_the_shell():
    """True, False and None are those of JSON in the reasons of the command."""
    value = {"a": [True, False, None]}
    assert safe_repr(value) == "{'a': [True, False, None]}"
    with words_of_the_shell():
        assert safe_repr(value) == "{'a': [true, false, null]}"


def test_values_that_are_not_json_are_shown_in_another_way():
    """A value that JSON cannot hold has its repr; a long one is cut."""
    with words_of_the_shell():
        assert written({1, 2}) == "{1, 2}"
        assert len(written("x" * 500)) == 200
        deep = []
        deep.append(deep)
        assert written(deep) == "[[[[[...]]]]]"
