"""An answer like the one before: it is not decoded, and judged no differently."""

import random
import re
import weakref

import pytest
import requests
from jsonpath_ng.ext import parse

from httsleep import HttSleeper
from httsleep.validators import are_alike

URL = "http://server/endpoint"
RUNNING, DONE = {"status": "RUNNING"}, {"status": "DONE"}


@pytest.fixture
def decoded(monkeypatch):
    """Return the list of the responses whose JSON was decoded."""
    from httsleep.validators import decoded_json

    decoded = []

    def noted(response):
        decoded.append(response)
        return decoded_json(response)

    monkeypatch.setattr("httsleep.validators.decoded_json", noted)
    return decoded


@pytest.fixture
def polled(stub_session):
    """Return a function that polls responses, and returns the attempts."""

    def polled(responses, sleeper_class=HttSleeper, on_poll=None, **conditions):
        left, attempts = list(responses), []

        def noted(attempt):
            attempts.append(attempt)
            if on_poll is not None:
                on_poll(sleeper)

        session = stub_session(lambda **_: left.pop(0))
        sleeper = sleeper_class(URL, session=session, on_poll=noted, **conditions)
        while left and not (attempts and attempts[-1].met):
            sleeper.poll()
        return attempts

    return polled


@pytest.fixture
def same(make_response):
    """Return a function that makes as many responses with the same body."""
    return lambda count, body=RUNNING, *args: [
        make_response(200, body, *args) for _ in range(count)
    ]


@pytest.mark.parametrize(
    "until",
    [
        *({"json": DONE}, {"json_contains": DONE}, {"jsonpath": {"$.status": "DONE"}}),
        {"jsonpath": {"expression": "$.status", "in": ["DONE", re.compile("^OK")]}},
    ],
    ids=str,
)
def test_an_answer_like_the_one_before_is_not_decoded(polled, same, decoded, until):
    """JSON is decoded once for answers in a row with the same body."""
    alarms = {"jsonpath": {"$.status": "FAILED"}}
    responses = [*same(3), *same(2, {"status": "x"}), *same(1), *same(1, DONE)]
    attempts = polled(responses, until=until, alarms=alarms)
    assert decoded == [responses[index] for index in (0, 3, 5, 6)]
    assert attempts[-1].met
    assert attempts[0].reasons == attempts[2].reasons != attempts[3].reasons


def test_a_text_like_the_one_before_is_not_searched(polled, same, monkeypatch):
    """A text is compared once for answers in a row with the same body."""
    compared = []
    monkeypatch.setattr(
        "httsleep.validators._is_found", lambda *texts: compared.append(texts)
    )
    polled(same(4, "text"), until={"text": "a"}, alarms={"text": re.compile("b")})
    assert len(compared) == 2


def test_consecutive_counts_answers_that_are_alike(polled, same, decoded):
    """Each answer counts for ``consecutive``, decoded or not."""
    attempts = polled(same(9, DONE), until={"json": DONE, "consecutive": 3})
    assert [attempt.met for attempt in attempts] == [False, False, True]
    assert attempts[1].reasons == ("2 of 3 in a row",)
    assert len(decoded) == 1


def test_headers_and_callbacks_are_asked_anew(polled, make_response, decoded):
    """The headers are compared, and a callback is called, for each answer."""
    responses = [make_response(200, DONE, {"X-Number": n}) for n in ("1", "2", "2")]
    seen = []
    until = {"json": DONE, "headers": {"X-Number": "2"}, "callback": seen.append}
    polled(responses, until=until)
    assert seen == responses[1:]
    assert len(decoded) == 1


def test_a_status_is_asked_anew(polled, make_response, decoded):
    """An answer with another status is another answer."""
    responses = [make_response(status, DONE) for status in (202, 202, 200)]
    attempts = polled(responses, until={"status_code": 200, "json": DONE})
    assert [attempt.met for attempt in attempts] == [False, False, True]


def test_a_key_of_a_subclass_is_asked_anew(polled, same):
    """A check of a subclass is called for each answer, also one for a known key."""
    asked = []

    def own(expected):
        return lambda answer: asked.append(answer.response) or "no"

    class Own(HttSleeper):
        validators = {**HttSleeper.validators, "json": own, "own": own}  # noqa: RUF012

    responses = same(3)
    polled(responses, Own, until=[{"json": 1}, {"own": 1}])
    assert asked == [each for each in responses for _ in range(2)]


def test_code_of_the_caller_is_asked_anew(polled, same):
    """A compiled expression and an object with its own equality are always asked."""
    asked = []

    class Expected:
        def __eq__(self, other):
            asked.append("eq")

    expression = parse("$.status")
    find = expression.find
    expression.find = lambda document: asked.append("find") or find(document)
    polled(
        same(3),
        until=[{"jsonpath": {expression: 1}}, {"json": {"status": Expected()}}],
        alarms={"jsonpath": {"$.status": Expected()}},
    )
    assert asked.count("find") == 3
    assert asked.count("eq") >= 6


def test_conditions_that_were_assigned_are_asked_anew(polled, same):
    """A condition that is assigned between two polls judges the next answer."""

    def assign(sleeper):
        sleeper.until = {"json": RUNNING}

    attempts = polled(same(3), until={"json": DONE}, on_poll=assign)
    assert [attempt.met for attempt in attempts] == [False, True]


def test_a_check_that_raises_leaves_nothing_behind(same, stub_session):
    """After a poll that a check ended, an answer is compared with the right one."""

    def broken(response):
        raise KeyError

    responses = iter([*same(1), *same(1, DONE), *same(1)])
    session = stub_session(lambda **_: next(responses))
    sleeper = HttSleeper(URL, {"json": DONE, "callback": broken}, session=session)
    assert sleeper.poll().outcome == "waiting"
    with pytest.raises(KeyError):
        sleeper.poll()
    assert sleeper.poll().outcome == "waiting"


def test_a_wait_keeps_no_third_body(make_response, stub_session):
    """While an answer is judged, the one before is there, and no other."""
    alive = weakref.WeakSet()
    most = []

    def answer():
        for number in range(5):
            response = make_response(200, {"status": number // 2})
            alive.add(response)
            most.append(len(alive))
            yield response

    responses = answer()
    session = stub_session(lambda **_: next(responses))
    sleeper = HttSleeper(URL, until={"json": DONE}, session=session)
    for _ in range(5):
        sleeper.poll()
    assert max(most) <= 2


def test_the_verdicts_are_the_same_as_without(polled, make_response, monkeypatch):
    """Random answers have the same verdicts and reasons, known or decoded anew."""
    chance = random.Random(1)
    kinds = [
        *((200, RUNNING), (200, DONE), (500, DONE), (200, "<html>"), (200, "")),
        *((200, {"status": "FAILED"}), (200, "null"), (503, RUNNING)),
    ]
    conditions = {
        "until": [
            {"status_code": 200, "json": DONE, "consecutive": 2},
            {"text": re.compile("htm"), "jsonpath": {"$.status": "DONE"}},
        ],
        "alarms": {"jsonpath": {"$.status": "FAILED"}, "consecutive": 4},
        "pending": [{"json_contains": RUNNING}, {"status_code": "2xx"}],
    }
    for _ in range(50):
        chosen = [each for each in chance.choices(kinds, k=8) for _ in range(2)]
        runs = []
        for is_known in (True, False):
            with monkeypatch.context() as patch:
                if not is_known:
                    patch.setattr("httsleep.wait.are_alike", lambda *_: False)
                attempts = []
                answers = [make_response(*each) for each in chosen]
                try:
                    attempts = polled(answers, **conditions)
                    runs.append([(each.outcome, each.reasons) for each in attempts])
                except Exception as error:
                    runs.append(str(error))
        assert runs[0] == runs[1]


# which answers are alike


def test_answers_are_alike_if_status_type_encoding_and_body_are(make_response):
    """Two answers are alike if all is the same of which text and JSON are made."""
    kind = {"Content-Type": "application/json; charset=utf-8"}
    first = make_response(200, DONE, kind)
    assert are_alike(make_response(200, DONE, {**kind, "Date": "now"}), first)
    assert not are_alike(first, None)
    assert not are_alike(make_response(201, DONE, kind), first)
    assert not are_alike(make_response(200, RUNNING, kind), first)
    assert not are_alike(make_response(200, DONE, {"Content-Type": "a/b"}), first)
    other = make_response(200, DONE, kind)
    other.encoding = "utf-16"
    assert not are_alike(other, first)


def test_answers_with_a_json_of_their_own_are_never_alike(make_response):
    """A hook can set ``json``, and test doubles and subclasses have their own."""

    class Own(requests.Response):
        pass

    first, second = make_response(200, DONE), make_response(200, DONE)
    assert are_alike(first, second)
    second.json = dict
    assert not are_alike(first, second)
    assert not are_alike(second, first)
    assert not are_alike(Own(), Own())
    assert not are_alike(object(), object())
