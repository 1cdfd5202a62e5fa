"""The JSON of a response, whatever its encoding and its Content-Type say."""

import codecs
import json

import pytest
import requests

from httsleep import Alarm, HttSleeper
from httsleep.decoding import decoded_json

DOCUMENT = {"city": "Zürich", "sign": "€", "face": "😀"}
TEXT = json.dumps(DOCUMENT, ensure_ascii=False)
LATIN = {"city": "Zürich"}


@pytest.fixture
def answer(make_response):
    """Return a response with a body and, if it is given, a Content-Type."""

    def answer(body, content_type=None):
        headers = {} if content_type is None else {"Content-Type": content_type}
        return make_response(200, body, headers)

    return answer


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "text/plain", "text/html", "application/octet-stream"],
)
@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"),
        *("utf-32", "utf-32-le", "utf-32-be"),
    ],
)
def test_json_is_unicode_unless_a_charset_is_declared(answer, content_type, encoding):
    """Every encoding of Unicode is recognized, with a byte order mark and without."""
    assert decoded_json(answer(TEXT.encode(encoding), content_type)) == DOCUMENT


@pytest.mark.parametrize(
    "mark", [codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE, codecs.BOM_UTF8], ids=repr
)
def test_a_byte_order_mark_counts_more_than_a_charset(answer, mark):
    """A declared charset that contradicts the mark is wrong."""
    names = {codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF32_BE: "utf-32-be"}
    body = mark + TEXT.encode(names.get(mark, "utf-8"))
    for charset in ("iso-8859-1", "utf-8", "utf-16"):
        response = answer(body, f"application/json; charset={charset}")
        assert decoded_json(response) == DOCUMENT


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("iso-8859-1", "latin-1"),
        ('"ISO-8859-1"', "latin-1"),
        ("utf-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("klingon", "utf-8"),  # a charset that Python does not know
        ("base64", "utf-8"),  # a codec that is not one of text
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_declared_charset_counts(answer, kind, charset, encoding):
    """The body is decoded as the Content-Type says, if Python can."""
    body = json.dumps(LATIN, ensure_ascii=False).encode(encoding)
    assert decoded_json(answer(body, f"{kind}; charset={charset}")) == LATIN


def test_a_charset_that_a_hook_has_set_counts(answer):
    """response.encoding is used if it is not the default of requests."""
    response = answer(json.dumps(LATIN, ensure_ascii=False).encode("cp500"))
    response.encoding = "cp500"
    assert decoded_json(response) == LATIN


def test_bytes_that_are_no_text_are_replaced(answer):
    """A stray byte in a string does not make the document unreadable."""
    assert decoded_json(answer(b'{"a": "\xff"}')) == {"a": "\ufffd"}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xef\xbb\xbf", b"{} {}", b"\xff\xfe"]
)
def test_a_body_that_is_not_json_is_a_value_error(answer, body):
    """An empty one, a lone byte order mark and two documents are not JSON."""
    with pytest.raises(json.JSONDecodeError):
        decoded_json(answer(body, "application/json"))


def test_a_response_with_a_json_of_its_own_is_asked(answer):
    """Neither a subclass nor a test double is decoded past its own json()."""

    class Double(requests.Response):
        def json(self, **kwargs):
            return "of the subclass"

    assert decoded_json(Double()) == "of the subclass"
    response = answer(b"{}")
    response.json = lambda: "of the instance"
    assert decoded_json(response) == "of the instance"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_alarm_sees_through_a_byte_order_mark(server, encoding):
    """A mark that made the body unreadable would make every alarm on it silent."""
    body = '{"status": "FAILED"}'.encode(encoding)
    server.get("http://server/jobs/1", body=body, content_type="application/json")
    with pytest.raises(Alarm):
        HttSleeper(
            "http://server/jobs/1",
            json={"status": "SUCCESS"},
            alarms=[{"json": {"status": "FAILED"}}],
        ).run()
