"""The beginning of a body in the text of an exception, without what was sent."""

import base64
import html
import json
import logging
import pickle
import threading
from unittest.mock import Mock
from urllib.parse import quote

import pytest
import requests
from requests.auth import HTTPDigestAuth

from httsleep import Alarm, Cancelled, GaveUp, HttSleeper, UnexpectedResponse
from httsleep import httsleep as poll_until
from httsleep.excerpt import BodyExcerpt, is_error

URL = "http://server/endpoint"
FAILED = {"status": "FAILED", "error": "disk full"}
BODY = 'body: {"status": "FAILED", "error": "disk full"}'
ALARM = {"jsonpath": {"$.status": "FAILED"}}


@pytest.fixture
def excerpt(make_response):
    """Return a function that returns the excerpt of a body."""

    def excerpt(body, kind="text/html", *, max_length=200, sent=None, **request):
        response = make_response(500, body, {"Content-Type": kind})
        if sent is not None:
            response.request = sent.prepare()
        caller = requests.Request("GET", request.pop("url", URL), **request)
        return BodyExcerpt(max_length, caller).of(response)

    return excerpt


def lines_of(kind, *arguments, **options):
    """Return the lines of the exception that ends a wait."""
    with pytest.raises(kind) as info:
        poll_until(URL, *arguments, **options)
    assert type(info.value) is kind
    assert str(pickle.loads(pickle.dumps(info.value))) == str(info.value)
    return str(info.value).split("\n  ")


# Where a body is shown.


def test_an_alarm_shows_the_body(answers):
    """The body stands below the answer, as it was sent."""
    answers(FAILED)
    lines = lines_of(Alarm, status_code=201, alarms=ALARM)
    assert lines[-3] == "last answer (poll 1): 200 OK, application/json, 42 bytes"
    assert lines[-2] == BODY


def test_an_unexpected_answer_shows_the_body(answers):
    """An answer that meets nothing is shown as an alarm is."""
    answers(FAILED)
    assert BODY in lines_of(UnexpectedResponse, status_code=201, pending=[])


@pytest.mark.parametrize(
    ("status", "is_shown"), [(200, False), (399, False), (400, True), (599, True)]
)
def test_a_limit_shows_the_body_of_an_error(answers, status, is_shown):
    """GaveUp has the body of the last answer if its status is 4xx or 5xx."""
    answers((status, json.dumps(FAILED)))
    lines = lines_of(GaveUp, status_code=201, max_retries=1)
    assert (BODY in lines) is is_shown


def test_cancelled_shows_the_body_of_an_error(answers):
    """Cancelled has the lines of GaveUp."""
    cancel = threading.Event()
    answers((500, json.dumps(FAILED)))
    options = {"cancel": cancel, "on_poll": lambda _: cancel.set()}
    assert BODY in lines_of(Cancelled, status_code=200, **options)


def test_an_error_has_400_to_599(make_response):
    """Other statuses are no errors, whatever they mean."""
    statuses = (200, 302, 399, 400, 404, 500, 599, 600, 999)
    errors = [each for each in statuses if is_error(make_response(each))]
    assert errors == [400, 404, 500, 599]


def test_nothing_is_shown_with_0(answers):
    """max_body_excerpt=0 leaves the line out."""
    answers(FAILED)
    lines = lines_of(Alarm, status_code=201, alarms=ALARM, max_body_excerpt=0)
    assert not [line for line in lines if line.startswith("body")]


def test_the_setting_counts_from_the_next_wait_on(answers):
    """max_body_excerpt can be assigned."""
    answers(FAILED)
    sleeper = HttSleeper(URL, status_code=201, alarms=ALARM)
    assert sleeper.max_body_excerpt == 200
    sleeper.max_body_excerpt = 8
    with pytest.raises(Alarm, match=r'\n  body: {"statu…\n'):
        sleeper.run()


# The text.


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{\n  "a": 1,\n\t"b": 2\r\n}\n', '{ "a": 1, "b": 2 }'),
        ("<h1>Bad\x1b[31m\u202e</h1>", "<h1>Bad\\x1b[31m\\u202e</h1>"),
        ("\ufeffword", "word"),
        ("", ""),
        (" \n ", ""),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ""),
        (b"\xc3\xc3\xc3x", ""),
        ("Zürich, seriously".encode("latin-1"), "Z\ufffdrich, seriously"),
        ("Zürich".encode("utf-16"), "Zürich"),
    ],
    ids=[
        *("white space", "control characters", "byte order mark", "empty", "blank"),
        *("binary", "no text", "one bad character", "UTF-16"),
    ],
)
def test_the_text_is_one_line(excerpt, body, shown):
    """White space is one blank, control characters are escaped, binary is left out."""
    assert excerpt(body) == shown


def test_a_declared_charset_counts(excerpt):
    """The body is decoded as the answer says, if Python can."""
    kind = "text/html; charset=latin-1"
    assert excerpt("Zürich".encode("latin-1"), kind) == "Zürich"
    assert excerpt(b"x", "text/html; charset=idna") in ("x", "")


def test_a_long_body_is_shortened(excerpt):
    """At most max_length characters are shown, the sign of the cut included."""
    assert excerpt("x" * 200) == "x" * 200
    assert excerpt("x" * 201) == "x" * 199 + "…"
    assert excerpt("x" * 99999, max_length=5000) == "x" * 4999 + "…"


def test_only_the_first_kilobytes_are_decoded(excerpt):
    """What stands behind them has no effect, not even on a character that is cut."""
    body = ("x" * 4895 + "ü" * 500).encode() + bytes(9)
    assert excerpt(body) == "x" * 199 + "…"
    assert excerpt(b" " * 4892 + "xxxü".encode()) == "xxx"


def test_a_test_double_has_no_excerpt(excerpt):
    """A response that cannot be decoded costs the line, and raises nothing."""
    double = Mock(content=b"word")
    assert BodyExcerpt(200, requests.Request("GET", URL)).of(double) == ""


def test_a_response_without_a_request_has_an_excerpt():
    """A bare Response, as a test makes it, has no request and no headers."""
    response = requests.Response()
    response._content = b"word 1234"
    caller = requests.Request("GET", URL, params={"key": "1234"})
    assert BodyExcerpt(200, caller).of(response) == "word ..."
    response.history = None
    assert BodyExcerpt(200, caller).of(response) == "word ..."


# The secrets.

SECRET = "s3\"cr&t/'ü%=+ x"


def in_query(secret):
    return {"sent": requests.Request("GET", URL, params={"key": secret})}


def in_header(secret):
    return {"headers": {"X-Api-Key": secret.encode()}}


def in_cookie(secret):
    return {"cookies": {"sid": secret}}


def in_auth(secret):
    return {"auth": ("user", secret)}


def in_digest(secret):
    return {"auth": HTTPDigestAuth("user", secret)}


def in_params(secret):
    return {"params": {"key": secret}}


def in_url(secret):
    return {"url": f"http://user:{quote(secret, safe='')}@server/"}


@pytest.mark.parametrize(
    "where",
    [in_query, in_header, in_cookie, in_auth, in_digest, in_params, in_url],
)
@pytest.mark.parametrize(
    "written",
    [
        str,
        html.escape,
        quote,
        lambda secret: quote(secret, safe=""),
        lambda secret: json.dumps(secret)[1:-1],
        lambda secret: json.dumps(secret)[1:-1].replace("/", r"\/"),
    ],
    ids=["plain", "HTML", "path", "query", "JSON", "JSON of PHP"],
)
def test_a_value_that_was_sent_is_not_shown(excerpt, where, written):
    """Each value is replaced in each form in which a page can repeat it."""
    body = f"<p>no access with {written(SECRET)}!"
    assert excerpt(body, **where(SECRET)) == "<p>no access with ...!"


@pytest.mark.parametrize(
    "echo",
    [
        "s3cr3t",
        base64.b64encode(b"us3r:s3cr3t").decode(),
        "Basic " + base64.b64encode(b"us3r:s3cr3t").decode(),
        "us3r:s3cr3t",
        "us3r",
    ],
)
def test_basic_auth_is_not_shown(excerpt, echo):
    """Neither the header nor a part of it is shown: a key can be the user."""
    sent = requests.Request("GET", URL, auth=("us3r", "s3cr3t"))
    assert excerpt(f"no: {echo}.", sent=sent) == "no: ...."


@pytest.mark.parametrize(
    ("header", "echo"),
    [
        ({"Authorization": "Bearer abc"}, "abc"),
        ({"Authorization": 'Token token="abcdefgh", x=y'}, "abcdefgh"),
        ({"Authorization": "Basic &&&"}, "&&&"),
        ({"Cookie": "sid=abc; b=c"}, "abc"),
        ({"X-Key": "key abcdefgh"}, "abcdefgh"),
        ({"X-Key": "AbcDefgh"}, "abcdefgh"),
    ],
)
def test_a_part_of_a_header_is_not_shown(excerpt, header, echo):
    """A page can repeat the part of a header that is the credential."""
    assert excerpt(f"no: {echo}!", headers=header) == "no: ...!"


def test_words_are_left_as_they_are(excerpt):
    """Headers that say what is accepted, and short values in a word, stay readable."""
    headers = {"Accept": "application/json", "Content-Length": "2", "X-A": "1", "B": ""}
    body = "Bearer 1 of 12: application/json, 2"
    shown = excerpt(body, headers={**headers, "Authorization": "Bearer x"})
    assert shown == "Bearer ... of 12: application/json, 2"


def test_four_characters_are_a_secret_inside_a_word(excerpt):
    """Three are one only as a whole word."""
    shown = excerpt("xabcdx xabcx abc", headers={"X-A": "abcd", "X-B": "abc"})
    assert shown == "x...x xabcx ..."


def test_the_requests_before_a_redirect_count(make_response):
    """The key of the first URL is not shown of the answer to the last."""
    first, last = make_response(302, url=f"{URL}?k=abcd"), make_response(500, "abcd e")
    last.history.append(first)
    assert BodyExcerpt(200, requests.Request("GET", URL)).of(last) == "... e"


def test_the_credentials_of_a_proxy_count(make_response):
    """A page of a proxy can repeat the header that was sent to it."""
    response = make_response(502, "no: abcd")
    response.raw._pool = Mock(proxy_headers={"Proxy-Authorization": "Basic abcd"})
    assert BodyExcerpt(200, requests.Request("GET", URL)).of(response) == "no: ..."


def test_a_secret_that_is_cut_off_is_not_shown(excerpt):
    """The beginning of a secret at the end of what is decoded is left out."""
    secret = "abcdefgh" * 10
    blanks = " " * 4880
    assert excerpt(f"no {blanks}{secret}", headers={"X-Key": secret}) == "no"


def test_urls_that_cannot_be_read_hide_nothing_else(excerpt):
    """A URL that is no URL is left alone, and the other secrets are found."""
    shown = excerpt("no: abcd", url="http://[", headers={"X-Key": "abcd", "X": None})
    assert shown == "no: ..."


# The log.


def records(caplog, **options):
    caplog.set_level(logging.DEBUG, "httsleep")
    with pytest.raises((Alarm, GaveUp)):
        poll_until(URL, status_code=200, **options)
    return caplog.records


def test_a_record_has_plain_facts(answers, caplog):
    """A record has the facts as attributes, and holds no response and no attempt."""
    answers(503, (500, json.dumps(FAILED)))
    first, waiting, alarm, last = records(caplog, alarms={"status_code": 500})
    assert not hasattr(first, "poll")
    names = ("poll", "outcome", "status", "reasons", "alarm", "elapsed", "next_wait")
    of_alarm = "{'status_code': 500}"
    assert [
        [getattr(each, name) for name in names] for each in (waiting, alarm, last)
    ] == [
        [1, "waiting", 503, ("status_code is 503, not 200",), None, 0.0, 2],
        [2, "alarm", 500, (), of_alarm, 2.0, None],
        [2, "ended", 500, (), of_alarm, 2.0, None],
    ]
    assert alarm.getMessage().endswith(f"poll 2: alarm: {of_alarm}")
    assert last.getMessage().endswith(f"ended after 2 polls in 2 s: alarm: {of_alarm}")
    for record in caplog.records:
        assert all(type(each) is str for each in record.args)
        assert "disk full" not in repr(vars(record))
        pickle.dumps(record)


def test_a_record_without_an_answer_has_no_status(answers, caplog):
    """An ignored exception has neither a status nor reasons."""
    answers(requests.exceptions.ConnectionError())
    _, poll, last = records(caplog, ignore_exceptions=ConnectionError, max_retries=1)
    assert (poll.outcome, poll.status, poll.reasons) == ("ignored", None, ())
    assert (last.outcome, last.status, last.reasons) == ("ended", None, ())


def test_the_record_of_a_success(answers, caplog):
    """The last record of a success has its outcome."""
    caplog.set_level(logging.INFO, "httsleep")
    answers(200)
    poll_until(URL, status_code=200)
    assert (caplog.records[-1].outcome, caplog.records[-1].status) == ("met", 200)


def test_on_poll_is_given_the_alarm(answers):
    """An attempt has the alarm as the caller wrote it, or None."""
    answers(503, FAILED)
    attempts = []
    with pytest.raises(Alarm):
        poll_until(URL, status_code=201, alarms=ALARM, on_poll=attempts.append)
    assert attempts[0].alarm is None
    assert attempts[1].alarm == ALARM
    assert str(attempts[1]) == ("poll 2: alarm: {'jsonpath': {'$.status': 'FAILED'}}")
