"""The five conditions, from the wire: alone, together, falsy, and beside alarms."""

import jsonpath_ng
import pytest

from httsleep import Alarm, HttSleeper, httsleep

DONE = [{"expression": "$.status", "value": "done"}]
STATES = [{"expression": "$.jobs[*].state", "value": ["ok", "ok"]}]
LATE = [{"expression": "$.jobs[?(@.id==2)].state", "value": "ok"}]
COMPILED = [{"expression": jsonpath_ng.parse("$.status"), "value": "done"}]
FALSY = (False, 0, None, [], "", {})
NOT_JSON = {
    "html": (200, "<html>starting</html>"),
    "empty": 200,
    "no content": 204,
    "cut": (200, b'{"status": "SUCC', {"Content-Type": "application/json"}),
    "two documents": (200, b'{"a": 1} {"a": 2}'),
    "binary": (200, bytes(range(256))),
    "too large a number": (200, b"1" * 4301, {"Content-Type": "application/json"}),
    "too deep": (200, b"[" * 100_000, {"Content-Type": "application/json"}),
    "closed at once": b"HTTP/1.1 200 OK\r\n\r\n",
}


@pytest.fixture(params=["HTTP/1.0", "HTTP/1.1"])
def server_of(request, serve):
    """Start a server of either protocol."""
    return lambda *answers: serve(*answers, protocol=request.param)


def is_done(response):
    return response.headers.get("X-State") == "done"


ALONE = {
    "status": ("status_code", 201, [200, 404, 503], 201),
    "status as str": ("status_code", "404", [200, 500], 404),
    "json": ("json", {"a": [1]}, [(200, {"a": [1], "b": 2}), 200], (200, {"a": [1]})),
    "json status": ("json", {"a": 1}, [(200, {"a": 2})], (500, {"a": 1})),
    "json str": ("json", "done", [(200, "done")], (200, b'"done"')),
    "text": ("text", "ok", [(200, "ok\n"), (200, "OK"), 200], (200, "ok")),
    "text umlaut": ("text", "über", [(200, "uber")], (200, "über")),
    "jsonpath": (
        *("jsonpath", DONE),
        [(200, {"status": "new"}), (200, {"state": "done"}), (200, [])],
        (200, {"status": "done", "more": 1}),
    ),
    "jsonpath compiled": (
        *("jsonpath", COMPILED),
        [(200, {"status": "new"}), (200, "<html>")],
        (200, {"status": "done"}),
    ),
    "jsonpath several": (
        *("jsonpath", STATES),
        [
            (200, {"jobs": []}),
            (200, {"jobs": [{"state": "ok"}]}),
            (200, {"jobs": [{"state": "ok"}, {"state": "bad"}]}),
        ],
        (200, {"jobs": [{"state": "ok"}, {"state": "ok"}]}),
    ),
    "jsonpath filter": (
        *("jsonpath", LATE),
        [(200, {"jobs": [{"id": 1, "state": "ok"}, {"id": 2, "state": "bad"}]})],
        (200, {"jobs": [{"id": 1, "state": "bad"}, {"id": 2, "state": "ok"}]}),
    ),
    "callback": ("callback", is_done, [200], (200, b"", {"X-State": "done"})),
}


@pytest.mark.parametrize("way", ["shorthand", "until", "list"])
@pytest.mark.parametrize(("key", "value", "misses", "hit"), ALONE.values(), ids=ALONE)
def test_alone(server_of, naps, key, value, misses, hit, way):
    """A condition waits through all that is not it, and ends with what is."""
    server = server_of(*misses, hit, 418)
    condition = {key: value}
    ways = {"shorthand": condition, "until": {"until": condition}}
    response = httsleep(server.url, **ways.get(way, {"until": [condition]}))
    assert response.status_code == (hit if isinstance(hit, int) else hit[0])
    assert len(naps) == len(misses)
    assert len(server.seen) == len(misses) + 1


def test_together(server_of, naps):
    """All five together are an AND: an answer that lacks one of them will not do."""
    body, other = {"status": "done"}, {"status": "done", "more": 1}
    marked = {"X-State": "done"}
    text = b'{"status":"done"}'
    server = server_of(
        *((201, text, marked), (200, other, marked), (200, body, marked)),
        *((200, text), (200, text, marked), 200),
    )
    response = httsleep(
        server.url,
        status_code=200,
        json=body,
        jsonpath=DONE,
        text=text.decode(),
        callback=is_done,
    )
    assert response.content == text
    assert len(server.seen) == 5


@pytest.mark.parametrize("expected", [{}, [], False, 0, ""], ids=repr)
def test_falsy_json(server_of, naps, expected):
    """``json=`` something falsy is met by this document, and by no other falsy one."""
    others = [each for each in FALSY if repr(each) != repr(expected)]
    answers = [(200, _json(each)) for each in [*others, expected]]
    server = server_of(200, *answers)
    response = httsleep(server.url, json=expected)
    assert repr(response.json()) == repr(expected)
    assert len(server.seen) == len(others) + 2


def test_none_waits_for_null(server_of, naps):
    """``{'json': None}`` waits for the document null."""
    others = [(200, _json(each)) for each in FALSY if each is not None]
    server = server_of(200, 204, (200, "null?"), *others, (200, b"null"))
    response = httsleep(server.url, {"json": None})
    assert response.content == b"null"
    assert len(server.seen) == len(others) + 4


def test_falsy_text(server_of, naps):
    """``text=''`` waits for an empty body."""
    server = server_of((200, " "), (200, "\n"), (200, "0"), (202, ""))
    assert httsleep(server.url, text="").status_code == 202
    assert len(server.seen) == 4


@pytest.mark.parametrize("expected", FALSY, ids=repr)
def test_falsy_jsonpath_value(server_of, naps, expected):
    """A falsy value at a path is met by itself, not by another or a missing path."""
    others = [{"v": each} for each in FALSY if repr(each) != repr(expected)]
    misses = [{}, [], {"w": expected}, *others]
    answers = [(200, each) for each in misses]
    server = server_of(200, *answers, (200, {"v": expected}))
    response = httsleep(server.url, jsonpath=[{"expression": "$.v", "value": expected}])
    assert repr(response.json()) == repr({"v": expected})
    assert len(server.seen) == len(misses) + 2


def test_one_match_may_be_a_list_of_one(server_of, naps):
    """What a single match found equals the value, or a list of it."""
    server = server_of((200, {"v": 2}), (200, {"v": 1}))
    for value in (1, [1]):
        condition = [{"expression": "$.v", "value": value}]
        assert httsleep(server.url, jsonpath=condition).json() == {"v": 1}
    assert len(server.seen) == 3


def test_one_match_may_be_a_list(server_of, naps):
    """A single match that is a list equals that list."""
    server = server_of((200, {"v": 1}), (200, {"v": [1, 2]}))
    condition = [{"expression": "$.v", "value": [1, 2]}]
    assert httsleep(server.url, jsonpath=condition).json() == {"v": [1, 2]}


@pytest.mark.parametrize(
    ("expected", "other"),
    [(True, 1), (1, True), ([True], [1]), ({"a": 0}, {"a": False})],
    ids=repr,
)
def test_booleans_are_not_numbers(server_of, naps, expected, other):
    """``True`` is not ``1``, at whatever depth."""
    server = server_of((200, other), (200, expected))
    assert repr(httsleep(server.url, json=expected).json()) == repr(expected)
    assert len(server.seen) == 2


def test_a_list_of_conditions_is_an_or(server_of, naps):
    """Any of several success conditions will do."""
    server = server_of((503, "down"), (404, "gone"), (200, {"status": "done"}))
    response = httsleep(server.url, [{"jsonpath": DONE}, {"status_code": 404}])
    assert response is not None
    assert response.status_code == 404
    assert len(server.seen) == 2


def test_an_alarm_comes_before_a_success(server_of, naps):
    """An answer that meets both is an alarm."""
    server = server_of((200, {"status": "done"}))
    with pytest.raises(Alarm) as caught:
        httsleep(server.url, {"status_code": 200}, alarms={"jsonpath": DONE})
    assert caught.value.alarm == {"jsonpath": DONE}


def test_the_first_alarm_that_is_met_counts(server_of, naps):
    """Alarms are looked at in their order."""
    server = server_of((500, {"status": "done"}))
    alarms = [{"status_code": 404}, {"jsonpath": DONE}, {"status_code": 500}]
    with pytest.raises(Alarm) as caught:
        httsleep(server.url, {"text": "ok"}, alarms)
    assert caught.value.alarm == alarms[1]


@pytest.mark.parametrize("answer", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_not_json_does_not_end_a_wait(server_of, naps, answer):
    """Nothing that looks into the JSON is met, and nothing is raised."""
    until = [{"json": {"status": "done"}}, {"jsonpath": DONE}, {"json": None}]
    late = [{"expression": "$.status", "value": "TIMEOUT"}]
    alarms = [{"json": {"status": "TIMEOUT"}}, {"jsonpath": late}]
    server = server_of(answer, answer, (200, {"status": "done"}))
    response = httsleep(server.url, until, alarms)
    assert response.json() == {"status": "done"}
    assert len(server.seen) == 3


def test_html_does_not_hide_another_alarm(server_of, naps):
    """The second alarm fires on an HTML 502, of which the first knows nothing."""
    server = server_of((200, {"status": "RUNNING"}), (502, "<html>Bad Gateway</html>"))
    alarms = [{"json": {"status": "TIMEOUT"}}, {"status_code": 502}]
    with pytest.raises(Alarm) as caught:
        httsleep(server.url, {"json": {"status": "SUCCESS"}}, alarms)
    assert caught.value.alarm == {"status_code": 502}
    assert caught.value.response.text == "<html>Bad Gateway</html>"
    assert len(server.seen) == 2


@pytest.mark.parametrize("answer", NOT_JSON.values(), ids=NOT_JSON)
def test_not_json_does_not_hide_another_alarm(server_of, naps, answer):
    """An alarm on the status fires whatever is wrong with the body."""
    server = server_of(answer)
    looks = [{"json": {"status": "TIMEOUT"}}, {"jsonpath": DONE}]
    status = 204 if answer == 204 else 200
    with pytest.raises(Alarm) as caught:
        httsleep(server.url, looks[0], [*looks, {"status_code": status}])
    assert caught.value.alarm == {"status_code": status}


def test_a_charset_that_no_text_can_have(server_of, naps):
    """A body that cannot be decoded is one that is not met."""
    broken = (200, b"ok", {"Content-Type": "text/plain; charset=idna"})
    server = server_of(broken, (200, "ok"))
    assert httsleep(server.url, text="ok").headers["Content-Type"].endswith("utf-8")


def test_conditions_can_be_assigned_again(server_of, naps):
    """What is assigned to ``.until`` and ``.alarms`` counts in the next run."""
    server = server_of(200, 200, 404)
    sleeper = HttSleeper(server.url, status_code=200)
    assert sleeper.run().status_code == 200
    sleeper.until = {"status_code": 500}
    sleeper.alarms = [{"status_code": "404"}]
    with pytest.raises(Alarm) as caught:
        sleeper.run()
    assert caught.value.alarm == {"status_code": 404}
    assert len(server.seen) == 3


def _json(document):
    """The document as the body of an answer, even where ``serve`` has a short cut."""
    return b'""' if document == "" else document
