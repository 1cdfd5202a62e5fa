"""Log, attempts and exceptions of a wait that follows."""

import logging

import pytest
import requests

from httsleep import Alarm, GaveUp, UnexpectedResponse, httsleep

TO_JOB = (202, b"", {"Location": "/jobs/7"})


@pytest.fixture
def account(serve, submit):
    """Return a function that returns the lines of the exception, and the server."""

    def account(*answers, kind=UnexpectedResponse, paths=(), follow="Location", **more):
        server = serve(*answers, paths=dict(paths))
        options = {"status_code": 200, "follow": follow, **more}
        with pytest.raises(kind) as caught:
            httsleep(submit(server.url), **options)
        assert type(caught.value) is kind
        return str(caught.value).split("\n  "), server

    return account


def test_both_ends(account):
    """The second line names the submit and the URL that is polled."""
    lines, server = account(
        TO_JOB, kind=GaveUp, paths={"/jobs/7": [404]}, max_retries=2
    )
    assert lines[0].startswith("gave up after 2 polls in ")
    assert lines[1] == f"POST {server.url}, then GET {server.root}/jobs/7"


def test_both_ends_of_an_alarm(account):
    """An alarm has the same second line."""
    lines, server = account(
        TO_JOB, kind=Alarm, paths={"/jobs/7": [500]}, alarms={"status_code": 500}
    )
    assert lines[0].startswith("met an alarm after 2 polls in ")
    assert lines[1] == f"POST {server.url}, then GET {server.root}/jobs/7"


def test_before_anything_was_named(account):
    """An end of the submit itself has one end only."""
    lines, server = account(503)
    assert lines[1] == f"POST {server.url}"


def test_the_last_of_a_chain(account):
    """Of a chain the URL that is polled is named, and those before it are not."""
    lines, server = account(
        (202, {"next": "/1"}),
        kind=GaveUp,
        paths={"/1": [(202, {"next": "/2"})], "/2": [404]},
        follow="$.next",
        max_retries=3,
    )
    assert lines[1] == f"POST {server.url}, then GET {server.root}/2"


def test_a_get_that_was_led_somewhere(serve):
    """It is the same for a wait that begins with a GET."""
    server = serve(TO_JOB, paths={"/jobs/7": [404]})
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, status_code=200, follow="Location", max_retries=2)
    second = str(caught.value).split("\n  ")[1]
    assert second == f"GET {server.url}, then GET {server.root}/jobs/7"


def test_urls_are_shown_without_secrets(serve, submit):
    """Neither userinfo nor the values of a query are shown."""
    server = serve(
        (202, b"", {"Location": "/jobs/7?token=s3cret"}), paths={"/jobs/7": [404]}
    )
    url = server.url.replace("://", "://s3cret:s3cret@") + "?key=s3cret"
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(url), status_code=200, follow="Location", max_retries=2)
    second = str(caught.value).split("\n  ")[1]
    assert second == (f"POST {server.url}?key=…, then GET {server.root}/jobs/7?token=…")


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422, 429, 500, 503])
def test_a_submit_that_is_refused(account, status):
    """The text says "not accepted", with the status and the reasons."""
    lines, _ = account((status, {"error": "why"}))
    text = "\n".join(lines)
    assert "not accepted" in lines[0]
    assert str(status) in text
    assert f"not met: status_code is {status}, not 200" in lines


def test_what_is_refused_and_names_a_url(account):
    """A refusal is no matter of where the URL is."""
    lines, _ = account((400, b"", {"Location": "/jobs/7"}))
    assert "names no URL" not in "\n".join(lines)
    assert "not accepted" in lines[0]


def test_a_submit_that_names_no_url(account):
    """The text says where it was looked for, and what is there."""
    lines, _ = account(
        (202, {"id": 7, "state": "QUEUED"}, {"X-Job": "s3cret"}),
        follow=["Operation-Location", "$.links.self", "/jobs/{$.job}"],
        max_body_excerpt=0,
    )
    text = "\n".join(lines)
    assert "names no URL" in lines[0]
    assert "not accepted" not in text
    for place in ("Operation-Location", "$.links.self", "$.job"):
        assert place in text
    assert "X-Job" in text  # the names of what is there
    assert "'id'" in text
    assert "s3cret" not in text
    assert "QUEUED" not in text
    assert "not met: status_code is 202, not 200" in lines


def test_a_submit_that_names_no_url_because_it_is_no_json(account):
    """The text says that there is no JSON."""
    lines, _ = account((202, "<html>"), follow="$.url")
    text = "\n".join(lines)
    assert "$.url" in text
    assert "text/html" in text


def test_a_callable_is_named(account):
    """A function has its name in the text."""

    def place(response):
        return None

    lines, _ = account(202, follow=place)
    assert "names no URL" in lines[0]


def test_the_text_is_bounded(account):
    """An answer with many headers and long values makes no long text."""
    headers = {f"X-{n}-{'x' * 200}": "y" * 1000 for n in range(50)}
    body = {f"{n}{'z' * 1000}": n for n in range(1000)}
    lines, _ = account((202, body, headers), follow=["Location", "$.url", "/x/{$.y}"])
    assert max(map(len, lines)) < 3000
    assert all(line.isprintable() for line in lines)


def test_control_characters_are_escaped(account):
    """What a server sends cannot move the cursor of a terminal."""
    lines, _ = account((202, {"\x1b[31m": 1, "url": {"\x1b[2J": 1}}), follow="$.url")
    assert all(line.isprintable() for line in lines)
    lines, _ = account((202, {"url": "ftp://\x1b[31m\u202e/"}), follow="$.url")
    assert all(line.isprintable() for line in lines)


def test_the_log(serve, submit, caplog):
    """Each poll has a line with both ends; the submit says where it leads."""
    caplog.set_level(logging.DEBUG, "httsleep")
    server = serve(
        (202, b"", {"Location": "/jobs/7", "Retry-After": "10"}),
        paths={"/jobs/7": [200]},
    )
    httsleep(submit(server.url), status_code=200, follow="Location")
    begin, first, second, end = caplog.messages
    ends = f"POST {server.url}, then GET {server.root}/jobs/7"
    assert begin == f"POST {server.url}: polling"
    named = f"Location is {server.root}/jobs/7"
    assert first == f"POST {server.url}: poll 1: waiting: {named}; next in 10 s"
    assert second == f"{ends}: poll 2: met: 200 OK"
    assert end.startswith(f"{ends}: success after 2 polls in ")


def test_the_log_of_a_chain(serve, submit, caplog):
    """Each line has the URL that was polled, and not the one that was named by it."""
    caplog.set_level(logging.DEBUG, "httsleep")
    server = serve(
        (202, {"next": "/1"}), paths={"/1": [(202, {"next": "/2"})], "/2": [200]}
    )
    httsleep(submit(server.url), status_code=200, follow="$.next")
    start, root = f"POST {server.url}", server.root
    _, *polls, _ = caplog.messages
    lines = [line.partition(": poll")[0] for line in polls]
    assert lines == [
        start,
        f"{start}, then GET {root}/1",
        f"{start}, then GET {root}/2",
    ]


def test_the_log_of_a_refusal(serve, submit, caplog):
    """The end says that the submit was not accepted."""
    caplog.set_level(logging.DEBUG, "httsleep")
    server = serve(503)
    with pytest.raises(UnexpectedResponse):
        httsleep(submit(server.url), status_code=200, follow="Location")
    assert caplog.messages[-1].startswith(f"POST {server.url}: ended after 1 poll in ")
    assert "not accepted" in caplog.messages[-1]


def test_the_note_of_a_submit_that_breaks(serve, submit):
    """One note names the poll, the request, and that nobody knows."""
    server = serve(lambda handler: handler.reset())
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    (note,) = caught.value.__notes__
    assert note.startswith("failed after 1 poll in ")
    assert note.endswith(
        f"\n  POST {server.url}\n  nobody knows whether the server has begun"
    )


def test_the_note_of_a_broken_poll(serve, submit):
    """It names both ends."""
    server = serve(TO_JOB, paths={"/jobs/7": [lambda handler: handler.reset()]})
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    (note,) = caught.value.__notes__
    assert note.startswith("failed after 2 polls in ")
    assert note.endswith(
        f"\n  POST {server.url}, then GET {server.root}/jobs/7"
        "\n  ignore_exceptions=[ConnectionError] would make it poll on"
    )


def test_the_note_of_a_check_that_raises(serve, submit):
    """It names the poll, its answer and both ends."""

    def broken(response):
        raise KeyError("mine")

    server = serve(TO_JOB, paths={"/jobs/7": [(200, {"a": 1})]})
    with pytest.raises(KeyError) as caught:
        httsleep(submit(server.url), callback=broken, follow="Location")
    _, note = caught.value.__notes__  # the first names the condition
    assert note.startswith("poll 2 was answered 200 OK")
    assert note.endswith(f"\n  POST {server.url}, then GET {server.root}/jobs/7")


def test_the_note_of_a_place_that_raises(serve, submit):
    """It names the poll and its answer."""

    def broken(response):
        raise ZeroDivisionError

    server = serve(202)
    with pytest.raises(ZeroDivisionError) as caught:
        httsleep(submit(server.url), status_code=200, follow=broken)
    (note,) = caught.value.__notes__
    assert note.startswith("poll 1 was answered 202 Accepted")


def test_attributes_of_the_exceptions(serve, submit):
    """A refusal has its answer and how many polls there were."""
    server = serve((503, {"error": "why"}))
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    refusal = caught.value
    assert refusal.response.json() == {"error": "why"}
    assert (refusal.alarm, refusal.attempts) == (None, 1)
    assert refusal.elapsed >= 0


def test_reasons_of_a_submit_that_was_the_last_poll(serve, submit):
    """GaveUp has the reason of the submit: where the wait would have gone on."""
    server = serve(TO_JOB)
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", max_retries=1)
    assert caught.value.reasons == (f"Location is {server.root}/jobs/7",)
