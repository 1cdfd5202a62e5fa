"""What a user reads when a wait did not end well: the text alone tells the story."""

import logging
import pickle
import re
import traceback

import pytest
import requests

from httsleep import Alarm, GaveUp, httsleep

SECRET = "hunter2"
PAGE = (503, "<html>" + "x" * 1200)
FLAPPING = [PAGE, (200, {"status": "RUNNING"}), b""] * 3
PATH = [{"expression": "$.status", "value": "SUCCESS"}]
DONE = {"status_code": 200, "jsonpath": PATH}
STORIES = {
    "never up": (
        None,
        {"until": DONE, "ignore_exceptions": ConnectionError, "max_retries": 3},
        ["gave up", "3 polls", "max_retries=3", "no answer", "3 x", "refused"],
    ),
    "wrong status": (
        [PAGE],
        {"until": {"status_code": 200}, "max_retries": 4},
        ["gave up", "4 polls", "max_retries=4", "503", "not 200", "4 x 503", "poll 4"],
    ),
    "wrong field": (
        [(200, {"status": "RUNNING"})],
        {"until": DONE, "max_retries": 2},
        ["gave up", "$.status is 'RUNNING', not 'SUCCESS'", "max_retries=2", "200 OK"],
    ),
    "field missing": (
        [(200, {"state": "RUNNING"})],
        {"until": DONE, "max_retries": 2},
        ["gave up", "$.status is missing", "max_retries=2"],
    ),
    "body not JSON": (
        [(200, "<html>Please log in</html>")],
        {"until": DONE, "max_retries": 2},
        ["gave up", "body is not JSON", "text/html", "26 bytes"],
    ),
    "flapping": (
        FLAPPING,
        {"until": DONE, "ignore_exceptions": ConnectionError, "max_retries": 9},
        ["gave up", "9 polls", "3 x 503", "3 x 200", "3 x ConnectionError", "poll 8"],
    ),
    "alarm by status": (
        [(200, {"status": "RUNNING"}), (500, "<html>")],
        {"until": DONE, "alarms": {"status_code": 500}},
        ["alarm", "2 polls", "{'status_code': 500}", "500 Internal Server Error"],
    ),
    "alarm by field": (
        [(200, {"status": "FAILED"})],
        {"until": DONE, "alarms": [{"json": {"status": "FAILED"}}]},
        ["alarm", "1 poll", "{'json': {'status': 'FAILED'}}", "200 OK"],
    ),
    "ended by time": (
        [(202, {"status": "RUNNING"})],
        {"until": DONE, "max_time": 0.3, "polling_interval": 0.1},
        ["gave up", "max_time=300 ms", "status_code is 202, not 200", "'RUNNING'"],
    ),
    "ended by Retry-After": (
        [(429, "", {"Retry-After": "3600"})],
        {"until": DONE},
        ["gave up", "1 poll", "Retry-After", "3600 s", "max_retry_after=300 s", "429"],
    ),
}


@pytest.fixture(autouse=True)
def short_naps(naps, serve):
    """Naps that take a hundredth of their time: max_time is real here."""
    waiting = serve(200)
    naps.during = lambda number: waiting.stopping.wait(min(naps[-1], 0.02))


@pytest.mark.parametrize(("script", "options", "words"), STORIES.values(), ids=STORIES)
def test_the_text_tells_the_story(serve, script, options, words):
    """It says what was asked, what came, how often, how long and what ended it."""
    server = serve(*script or [200], listening=script is not None)
    with pytest.raises((Alarm, GaveUp)) as caught:
        httsleep(server.url, **options)
    text = str(caught.value)
    expected = [f"GET {server.url}", *words]
    assert [word for word in expected if word not in text] == []
    assert re.search(r"polls? in [\d.]+ (ms|s)", text)
    lines = text.splitlines()
    assert len(lines) <= 12
    assert all(len(line) < 600 for line in lines)


def test_many_conditions_are_a_few_lines(serve):
    """Twenty unmet conditions are not twenty lines."""
    until = [{"json": {"n": number}} for number in range(20)]
    with pytest.raises(GaveUp) as caught:
        httsleep(serve((200, {"n": -1})).url, until, max_retries=1)
    assert len(str(caught.value).splitlines()) <= 12
    assert len(caught.value.reasons) == 20


def test_a_large_answer_is_a_short_text(serve):
    """However large a document is, its text is not."""
    server = serve((200, {"items": ["x" * 1000] * 1000}))
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, json={"items": []}, text="y" * 9999, max_retries=1)
    assert len(str(caught.value)) < 1500


def private(server):
    """A request that is full of secrets."""
    url = server.url.replace("http://", f"http://user:{SECRET}@")
    return requests.Request(
        "POST",
        f"{url}?token={SECRET}#{SECRET}",
        params={"key": SECRET},
        headers={"X-Token": SECRET},
        data={"password": SECRET},
        cookies={"session": SECRET},
    )


OUTCOMES = {
    "alarm": ([500], {"alarms": {"status_code": 500}}),
    "gave up": ([404], {"max_retries": 2}),
    "broken": ([b""], {"max_retries": 2, "ignore_exceptions": ConnectionError}),
    "cut": (
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"],
        {"max_retries": 2, "ignore_exceptions": ConnectionError},
    ),
    "not ignored": ([b""], {}),
    "redirected": (
        [(302, b"", {"Location": f"http://u:{SECRET}@127.0.0.1:1/?a={SECRET}"})],
        {"max_retries": 2, "allow_redirects": False},
    ),
    "bad redirect": (
        [(302, b"", {"Location": f"http://[{SECRET}"})],
        {"max_retries": 2, "ignore_exceptions": ValueError},
    ),
}


@pytest.mark.parametrize(("script", "options"), OUTCOMES.values(), ids=OUTCOMES)
def test_no_credential_in_words_of_ours(serve, caplog, script, options):
    """No password, query value, header or body is in a text, a log or a repr."""
    server = serve(*script)
    seen = []
    caplog.set_level(logging.DEBUG, "httsleep")
    with pytest.raises(Exception) as caught:  # noqa: PT011
        httsleep(private(server), {"status_code": 200}, on_poll=seen.append, **options)
    error = caught.value
    texts = [record.getMessage() for record in caplog.records]
    texts += [str(each) + repr(each) for each in seen]
    texts += getattr(error, "__notes__", [])
    if isinstance(error, (Alarm, GaveUp)):
        texts += [str(error), repr(error), repr(error.args)]
        texts += traceback.format_exception_only(error)
    assert texts
    assert not any(SECRET in text for text in texts)
    assert SECRET in str(server.seen[-1])  # they were sent, all the same


@pytest.mark.parametrize("name", ["alarm", "gave up", "broken", "cut", "redirected"])
def test_the_exceptions_pickle(serve, name):
    """What comes out of a pickle says the same, and has the same facts."""
    script, options = OUTCOMES[name]
    with pytest.raises((Alarm, GaveUp)) as caught:
        httsleep(serve(*script).url, {"status_code": 200}, **options)
    error = caught.value
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.attempts) == (str(error), error.attempts)
    assert again.elapsed == error.elapsed
    if error.response is not None:
        assert again.response.status_code == error.response.status_code
        assert again.response.content == error.response.content


def test_no_log_line_can_be_forged(serve, caplog):
    """Whatever a server sends, a record is one printable line."""
    forged = "x\r\nINFO httsleep: success\x1b[2J\u2028"
    head = (
        b"HTTP/1.1 200 O\x1b[2JK\r\nContent-Type: a/\x1bb\r\nContent-Length: 2\r\n\r\n"
    )
    server = serve(
        (200, {"status": forged}), lambda handler: handler.send(head + b"{x")
    )
    caplog.set_level(logging.DEBUG, "httsleep")
    with pytest.raises(GaveUp) as caught:
        httsleep(server.url, jsonpath=PATH, max_retries=2)
    messages = [each.getMessage() for each in caplog.records]
    assert len(messages) >= 4
    for line in [*messages, *str(caught.value).splitlines()]:
        assert line.isprintable()
    assert "success" not in [line.split()[-1] for line in messages]


def test_a_run_is_logged(serve, caplog):
    """INFO for the start and the end of a run, DEBUG for each poll."""
    caplog.set_level(logging.DEBUG, "httsleep")
    httsleep(serve(202, 202, 200).url, status_code=200)
    records = [each for each in caplog.records if each.name.startswith("httsleep")]
    levels = [each.levelname for each in records]
    assert levels == ["INFO", "DEBUG", "DEBUG", "DEBUG", "INFO"]


def test_no_handler_and_no_level(serve):
    """Only a NullHandler; the levels are left to the application."""
    httsleep(serve(200).url, status_code=200)
    log = logging.getLogger("httsleep")
    assert [type(each) for each in log.handlers] == [logging.NullHandler]
    assert log.level == logging.NOTSET
