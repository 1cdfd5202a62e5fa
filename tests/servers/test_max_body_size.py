"""``max_body_size``: what is larger is not read, however it is packed."""

import gzip
import zlib

import pytest
import requests

from httsleep import BodyTooLarge, httsleep

LIMIT = 100_000
OK = b"HTTP/1.1 200 OK\r\n"


def chunked(body):
    pieces = [body[i : i + 30_000] for i in range(0, len(body), 30_000)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces)
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def zipped(size):
    return gzip.compress(bytes(size), 1)


def deflated(size):
    return zlib.compress(bytes(size), 1)


ANSWERS = {
    "plain": lambda size: (200, bytes(size)),
    "until the end": lambda size: OK + b"\r\n" + bytes(size),
    "chunked": lambda size: chunked(bytes(size)),
    "gzip": lambda size: (200, zipped(size), {"Content-Encoding": "gzip"}),
    "deflate": lambda size: (200, deflated(size), {"Content-Encoding": "deflate"}),
    "404": lambda size: (404, bytes(size)),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_too_large(serve, naps, answer):
    """A body of one byte more than max_body_size is BodyTooLarge."""
    server = serve(answer(LIMIT + 1))
    with pytest.raises(BodyTooLarge) as caught:
        httsleep(server.url, status_code=200, max_body_size=LIMIT)
    assert caught.value.limit == LIMIT
    assert isinstance(caught.value, requests.exceptions.RequestException)
    assert naps == []


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_just_right(serve, naps, answer):
    """A body of exactly max_body_size bytes is read whole."""
    server = serve(answer(LIMIT))
    response = httsleep(
        server.url, [{"status_code": 200}, {"status_code": 404}], max_body_size=LIMIT
    )
    assert response.content == bytes(LIMIT)


@pytest.mark.parametrize("name", ["plain", "chunked", "gzip"])
def test_none_is_no_limit(serve, naps, name):
    """With ``None`` a body of any size is read."""
    server = serve(ANSWERS[name](LIMIT * 50))
    response = httsleep(server.url, status_code=200, max_body_size=None)
    assert len(response.content) == LIMIT * 50


def test_the_next_poll_is_not_the_rest_of_a_large_body(serve, naps):
    """The poll after a body that was too large has its own answer."""
    server = serve((200, b"x" * LIMIT * 20), (200, "next"))
    response = httsleep(
        server.url,
        status_code=200,
        max_body_size=LIMIT,
        ignore_exceptions=BodyTooLarge,
    )
    assert response.text == "next"
    assert server.connections == 2
