"""Bodies that are not what they should be: met or not met, never an exception."""

import json
import re

import pytest
import requests

from httsleep import Alarm, HttSleeper, UnexpectedResponse, httsleep

JSON = {"Content-Type": "application/json"}
PLAIN = {"Content-Type": "text/plain"}
DONE = {"status": "done"}
NEVER = {"status_code": 200, "json": DONE}
DIGITS = b"1" * 5000
DEPTH = 5000

# Whatever looks into a body, and is met by none of those below.
LOOKS = [
    {"json": DONE},
    {"json": {"status": re.compile("^do")}},
    {"json": [[[[[[]]]]]]},
    {"json_contains": DONE},
    {"jsonpath": {"$.status": "done"}},
    {"jsonpath": {"$..status": "done"}},
    {"jsonpath": {"expression": "$.status", "gt": 5, "lt": 6}},
    {"jsonpath": {"expression": "$.status", "lt": "a", "exists": True}},
    {"jsonpath": {"expression": "$[*]", "all": ["done"]}},
    {"jsonpath": {"expression": "$[?(@.status=='done')]", "exists": True}},
    {"text": "done"},
    {"text": re.compile("^done$")},
    {"headers": {"X-Status": "done"}},
]
BODIES = {
    "deep list": b"[" * DEPTH + b"]" * DEPTH,
    "deep object": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "deep and open": b"[" * 100_000,
    "digits": b'{"status":' + DIGITS + b"}",
    "digits alone": DIGITS,
    "digits below 0": b"-" + DIGITS,
    "digits in a fraction": b'{"status":0.' + DIGITS + b"}",
    "digits in an exponent": b'{"status":1e' + DIGITS + b"}",
    "digits in a key": b'{"' + DIGITS + b'":' + b"1}",
    "NaN": b"NaN",
    "NaN in it": b'{"status":NaN}',
    "minus infinity": b'{"status":-Infinity}',
    "duplicate keys": b'{"status":"done","status":"undone"}',
    "surrogate": rb'{"status":"\ud800"}',
    "surrogate alone": rb'"\udfff"',
    "surrogate as a key": rb'{"\ud83d":"\ud83d"}',
    "surrogate in UTF-8": b'{"status":"\xed\xa0\x80"}',
    "mark": b"\xef\xbb\xbf" + b'{"status":"new"}',
    "mark only": b"\xef\xbb\xbf",
    "UTF-16 mark only": b"\xff\xfe",
    "two marks": b"\xef\xbb\xbf" * 2 + b"1",
    "NULs": bytes(1000),
    "NUL in it": b'{"status":"new\x00"}',
    "not UTF-8": b'{"status":"\xff\xfe"}',
    "cut in a character": b'{"status":"\xe6\xbc',
    "blank": b" \r\n\t",
    "empty": b"",
    "other types": b'{"status":{"status":["done"]}}',
    "html": b"<html>502</html>",
    "every byte": bytes(range(256)),
}


def polled(server, until, **arguments):
    """Return the attempt of one poll of the server."""
    with HttSleeper(server.url, until, **arguments) as sleeper:
        return sleeper.poll()


@pytest.mark.parametrize("headers", [JSON, PLAIN, {"Content-Type": ""}], ids=str)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_bad_body_is_not_met(serve, body, headers):
    """A condition on a bad body is not met, gives a reason, and raises nothing."""
    attempt = polled(serve((200, body, headers)), LOOKS, alarms=LOOKS)
    assert (attempt.outcome, len(attempt.reasons)) == ("waiting", len(LOOKS))
    for reason in attempt.reasons:
        assert reason.isprintable()
        assert 0 < len(reason) <= 500
    str(attempt).encode()  # what can be logged


@pytest.mark.parametrize("name", ["deep list", "digits", "surrogate", "NaN"])
def test_a_bad_body_is_not_pending(serve, name):
    """A bad body is not pending either: the run ends with UnexpectedResponse."""
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(serve((200, BODIES[name], JSON)).url, NEVER, pending=LOOKS)
    assert str(caught.value).count("not pending: ") > 2


# JSON is Unicode; tests/unit/test_decoding.py has all encodings


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-32"])
def test_json_is_unicode_whatever_its_type(serve, encoding, kind):
    """A body that is JSON in an encoding of Unicode is decoded as such."""
    document = {"status": "ü"}
    body = json.dumps(document, ensure_ascii=False).encode(encoding)
    server = serve((200, body, {"Content-Type": kind}))
    assert polled(server, {"json": document}).met


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_and_utf_16_without_a_type(serve, name):
    """Without a Content-Type a byte order mark says what encoding JSON is in."""
    body = json.dumps(DONE).encode(name)
    server = serve(b"HTTP/1.1 200 OK\r\n\r\n" + body)
    assert polled(server, {"json": DONE, "jsonpath": {"$.status": "done"}}).met


CHARSETS = [
    *("idna", "undefined", "utf\0 8", "base64", "rot13", "klingon", "punycode"),
    *("utf-7", "unicode_escape", "raw_unicode_escape", "utf-16", "utf-32", "cp037"),
    *("", '"', "'", '"utf-8', "utf-8;charset=idna", "mbcs", "oem", "hex", "zlib"),
    *("x" * 1000, "../../etc/passwd", "..", "\xff", "__main__", "none", "utf_8\t"),
]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("body", [b"ok", b"\\q\\u12", b"xn--\xff", b"", b'"ok"', b"+"])
def test_a_charset_that_lies(serve, charset, body):
    """No charset makes a run raise: the text is met, or is not, or has none."""
    header = f"Content-Type: text/html; charset={charset}\r\n".encode("latin-1")
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    server = serve(b"HTTP/1.1 200 OK\r\n" + header + length + body)
    looks = [{"text": re.compile("done")}, {"text": "done"}, {"json": "done"}]
    attempt = polled(server, looks, alarms=looks)
    assert (attempt.outcome, len(attempt.reasons)) == ("waiting", 3)
    assert "".join(attempt.reasons).isprintable()


@pytest.mark.parametrize("charset", ["idna", "undefined", "utf\0 8"])
def test_a_charset_that_no_body_can_be_in(serve, charset):
    """A text that requests cannot decode is the reason of both text and json."""
    kind = {"Content-Type": f"text/html; charset={charset}"}
    attempt = polled(serve((200, b"ok", kind)), {"text": "ok", "json": "ok"})
    assert attempt.reasons == (
        "text cannot be decoded: the answer's charset is wrong",
        "body is not JSON (text/html, 2 bytes)",
    )


@pytest.mark.parametrize("charset", ["base64", "rot13", "klingon", "hex"])
def test_a_charset_that_is_none(serve, charset):
    """A charset that does not exist, or is none, is read as UTF-8."""
    kind = {"Content-Type": f"text/html; charset={charset}"}
    assert polled(serve((200, "ü".encode(), kind)), {"text": "ü"}).met


def test_a_charset_without_a_name(serve):
    """``charset`` alone is no charset."""
    kind = {"Content-Type": "text/html; charset; boundary"}
    assert polled(serve((200, b"ok", kind)), {"text": "ok"}).met


# Bodies that are not there


@pytest.mark.parametrize("status", [200, 204, 205, 304, 404, 500])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_body(serve, status, method):
    """An answer without a body has the text ``''``, and no JSON."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n".encode()
    if method == "GET" and status not in (204, 304):
        head += b"Content-Length: 0\r\n"
    elif method == "HEAD":
        head += b"Content-Length: 1000\r\nContent-Encoding: gzip\r\n"
    server = serve(lambda handler: handler.send(head + b"\r\n"))
    request = requests.Request(method, server.url)
    with HttSleeper(request, {"text": "", "status_code": status}) as sleeper:
        assert sleeper.poll().met
        for look in LOOKS:
            sleeper.until = look
            attempt = sleeper.poll()
            assert (attempt.outcome, len(attempt.reasons)) == ("waiting", 1)
        sleeper.until = {"json": None}
        assert sleeper.poll().reasons == ("body is not JSON (no body)",)
    assert server.connections == 1


# Values that are what they are

ODD_VALUES = {
    "400 digits": (b'{"n":%s}' % DIGITS[:400], {"$.n": int(DIGITS[:400])}),
    "4300 digits": (b'{"n":%s}' % DIGITS[:4300], {"expression": "$.n", "gt": 1.5}),
    "below 5000 digits": (b'{"n":1}', {"expression": "$.n", "lt": 10**5000}),
    "infinity": (b"1e999", {"expression": "$", "gt": 10**5000}),
    "duplicate keys": (b'{"status":"new","status":"done"}', {"$": DONE}),
    "surrogate": (rb'"\ud800"', {"$": "\ud800"}),
    "surrogate as a key": (rb'{"\ud83d":"\ude00"}', {"$": {"\ud83d": "\ude00"}}),
    "two surrogates": (rb'"\ud83d\ude00"', {"$": "😀"}),
    "depth": (b"[" * 300 + b"]" * 300, {"$[0][0]": json.loads("[" * 298 + "]" * 298)}),
}


@pytest.mark.parametrize(("body", "until"), ODD_VALUES.values(), ids=ODD_VALUES)
def test_odd_values_are_met(serve, body, until):
    """Large numbers, duplicate keys, lone surrogates and depth can be waited for."""
    assert polled(serve((200, body, JSON)), {"jsonpath": until}).met


@pytest.mark.parametrize("name", ["gt", "ge", "lt", "le", "value", "any", "all"])
def test_nan_is_not_in_any_order(serve, name):
    """NaN is neither above nor below a number, nor equal to one."""
    until = {"jsonpath": {"expression": "$.n", name: 0}}
    attempt = polled(serve((200, b'{"n":NaN}', JSON)), until)
    assert "nan" in attempt.reasons[0]


# Expressions that cannot be evaluated on every document

MIXED = {
    "number": 1,
    "text": "a",
    "null": None,
    "mixed": [1, "a", None, {"b": 1}, {"b": "x"}, {"b": None}, {"b": [1]}, [1]],
}
RAISING = [
    "$.number.`sub(/a/, b)`",
    "$.mixed.`sorted`",
    "$.number.`sorted`",
    "$.`parent`",
    "$.mixed[?(@.b =~ '(')]",
    "$.mixed[\\b]",
    "$.mixed[/@]",
]
ODD = [
    *("$.number.`len`", "$.null.`len`", "$.number.`keys`", "$.null.`keys`"),
    *("$.mixed[?(@.b > 1)]", "$.mixed[?(@.b > 'a')]", "$.mixed[?(@.b < 1)].c"),
    *("$.mixed[?(@ > 1)].c", "$.mixed[?(@.b == 'zz')]", "$.mixed[?(@.b =~ 'zz')]"),
    *("$.number[0]", "$.text[0].c", "$.text[*].c", "$.null[*]", "$.number[-5]"),
    *("$.number + $.text", "$.number * $.nothing", "$.null * 2", "$.number - $.null"),
    *("$..b.`parent`.c", "$.text.`str()`.c", "$.mixed[?(@.b + 1 > 1)]"),
    *("$.number[1:2:3]", "$.mixed[::-1].c", "$.text.`split(a, 9, -1)`"),
]


@pytest.mark.parametrize("expression", RAISING)
def test_an_expression_that_raises_on_a_document(serve, expression):
    """An expression that cannot be evaluated on a document is not met, and says so."""
    look = {"jsonpath": {"expression": expression, "exists": True}}
    alarms = [look, {"jsonpath": {"expression": expression, "exists": False}}]
    pending = [look, {"text": re.compile("mixed")}]
    server = serve((200, MIXED))
    attempt = polled(server, look, alarms=alarms, pending=pending)
    assert attempt.outcome == "waiting"
    (reason,) = attempt.reasons
    assert reason.startswith(f"{expression} cannot be evaluated (")


@pytest.mark.parametrize("expression", ODD)
def test_an_expression_on_a_document_that_it_is_not_for(serve, expression):
    """An expression for other documents is not met, and raises nothing."""
    until = {"jsonpath": {expression: "never"}}
    server = serve((200, MIXED), (200, b"1"), (200, b"null"), (200, b"[]"), (200, {}))
    with HttSleeper(server.url, until, alarms=until) as sleeper:
        for _ in range(5):
            attempt = sleeper.poll()
            assert (attempt.outcome, len(attempt.reasons)) == ("waiting", 1)


def test_an_expression_that_raises_hides_nothing_else(serve):
    """The entry beside one that cannot be evaluated is still looked at."""
    entries = {"$.mixed.`sorted`": 1, "$.text": "b"}
    attempt = polled(serve((200, MIXED)), {"jsonpath": entries})
    assert attempt.reasons == (
        "$.mixed.`sorted` cannot be evaluated (TypeError); $.text is 'a', not 'b'",
    )
    alarms = [{"jsonpath": entries}, {"status_code": 200}]
    with pytest.raises(Alarm) as caught:
        polled(serve((200, MIXED)), NEVER, alarms=alarms)
    assert caught.value.alarm == {"status_code": 200}


# Expectations that are too deep


def deep(depth, leaf=1):
    """Lists in lists, and a leaf."""
    for _ in range(depth):
        leaf = {"a": leaf}
    return leaf
