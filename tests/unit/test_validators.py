import json
import re

import jsonpath_ng.ext
import jsonpath_rw
import pytest

from httsleep.validators import VALIDATORS, Answer, same


@pytest.fixture
def says(make_response):
    """What the validator ``key``, expecting ``expected``, says about an answer."""

    def says(key, expected, body=b"", *, status=200, headers=()):
        response = make_response(status, body, headers)
        return VALIDATORS[key](expected)(Answer(response))

    return says


def test_there_are_five_base_validators():
    """The table has the five keys of the documentation, and cannot be written to."""
    assert list(VALIDATORS) == ["status_code", "json", "jsonpath", "text", "callback"]
    with pytest.raises(TypeError):
        VALIDATORS["other"] = None


# an answer


def test_an_answer_is_decoded_once(make_response, monkeypatch):
    """However often it is looked at, the text and the JSON are computed once."""
    response, calls = make_response(200, {"a": 1}), []
    monkeypatch.setattr(response, "json", lambda: calls.append(1))
    answer = Answer(response)
    assert answer.json is answer.json is None
    assert answer.is_json
    assert calls == [1]
    assert answer.text is answer.text


def test_an_answer_that_is_not_json_says_what_it_is(make_response):
    """The reason for a body that is not JSON has its kind and size."""
    answer = Answer(make_response(200, "<html>", {"Content-Type": "text/html"}))
    assert not answer.is_json
    assert answer.not_json == "body is not JSON (text/html, 6 bytes)"


NOT_JSON = {
    "html": b"<html>",
    "empty": b"",
    "half": b'{"a": ',
    "too deep": b"[" * 200_000,
    "many digits": b"1" * 5000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("key", ["json", "jsonpath"])
def test_a_body_that_is_not_json_is_a_miss(says, key, body):
    """A body that cannot be decoded is a miss, never an exception."""
    expected = {"json": None, "jsonpath": [{"expression": "$", "value": None}]}
    assert says(key, expected[key], body).startswith("body is not JSON (")


# equality


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (False, 0),
        (True, 1.0),
        ([True], [1]),
        ([[0]], [[False]]),
        ({"a": {"b": [1]}}, {"a": {"b": [True]}}),
        ([{"a": 1}, 2], [{"a": True}, 2]),
        (None, False),
        ("", None),
        ([], {}),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1, "b": 2}),
    ],
)
def test_different_values_are_not_the_same(one, other):
    """JSON booleans are not numbers, however deep, and nothing else is as empty."""
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize(
    "value", [None, True, 0, 1.5, "a", [], {}, [1, [True]], {"a": [None, {"b": False}]}]
)
def test_equal_values_are_the_same(value):
    """A value is the same as a decoded copy of it."""
    assert same(json.loads(json.dumps(value)), value)


def test_an_int_is_the_same_as_an_equal_float():
    """JSON has one kind of number."""
    assert same([1], [1.0])


def test_values_that_are_too_deep_are_not_the_same():
    """A comparison without end is a miss, not an exception."""
    one, other = [], []
    one.append(one), other.append(other)
    assert not same(one, other)


# status_code


@pytest.mark.parametrize("expected", [503, "503", "0503"], ids=repr)
def test_a_status_code_is_an_int_or_a_numeric_string(says, expected):
    """A status matches the equal int, or that int as a string."""
    assert says("status_code", expected, status=503) is None


def test_a_status_code_that_differs_is_told(says):
    """A miss tells what came and what was expected."""
    assert says("status_code", "200", status=503) == "status_code is 503, not 200"


# json


@pytest.mark.parametrize(
    "expected", [{}, [], "", 0, False, None, {"a": [1, None]}, "text", 1.5]
)
def test_json_expects_the_whole_body(says, expected):
    """Every JSON value can be expected, the false ones and null too."""
    assert says("json", expected, json.dumps(expected)) is None
    assert says("json", expected, '{"other": 1}') is not None


def test_json_that_differs_is_told(says):
    """A miss tells what came and what was expected."""
    reason = says("json", {"status": "SUCCESS"}, {"status": "RUNNING", "id": 7})
    assert reason == (
        "json is {'id': 7, 'status': 'RUNNING'}, not {'status': 'SUCCESS'}"
    )


# text


def test_text_expects_the_whole_text(says):
    """The whole text has to be equal; an empty one can be expected."""
    assert says("text", "done", "done") is None
    assert says("text", "", "") is None
    assert says("text", "done", "done\n") == "text is 'done\\n', not 'done'"
    assert says("text", "", "x") == "text is 'x', not ''"


def test_text_is_decoded_as_the_answer_says(says):
    """The charset of the answer counts."""
    latin = {"Content-Type": "text/plain; charset=latin-1"}
    assert says("text", "é", "é".encode("latin-1"), headers=latin) is None


def test_text_that_cannot_be_decoded_is_a_miss(says):
    """A charset in which no body can be is a miss, not an exception."""
    odd = {"Content-Type": "text/plain; charset=idna"}
    reason = says("text", "", b"\xff..", headers=odd)
    assert reason == "text cannot be decoded: the answer's charset is wrong"


# jsonpath

DOCUMENT = {
    "status": "RUNNING",
    "none": None,
    "empty": [],
    "jobs": [{"id": 1, "done": True}, {"id": 2, "done": False}],
}


def path(expression, value):
    return [{"expression": expression, "value": value}]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$.status", "RUNNING"),
        ("status", "RUNNING"),
        ("$.status", ["RUNNING"]),
        ("$.none", None),
        ("$.empty", []),
        ("$.empty", [[]]),
        ("$.jobs[*].id", [1, 2]),
        ("$.jobs[0].done", True),
        ("$.jobs[1].done", False),
        ("$.jobs[?id == 2].done", False),
        ("$.jobs[?id == 2].done", [False]),
        ("$.jobs.`len`", 2),
    ],
)
def test_jsonpath_compares_what_it_finds(says, expression, value):
    """One match is compared itself or as a list of one, several as a list."""
    assert says("jsonpath", path(expression, value), DOCUMENT) is None


@pytest.mark.parametrize(
    ("expression", "value", "reason"),
    [
        ("$.status", "SUCCESS", "$.status is 'RUNNING', not 'SUCCESS'"),
        ("$.jobs[*].id", 1, "$.jobs[*].id is [1, 2], not 1"),
        ("$.jobs[*].id", [1], "$.jobs[*].id is [1, 2], not [1]"),
        ("$.jobs[*].id", [[1, 2]], "$.jobs[*].id is [1, 2], not [[1, 2]]"),
        ("$.jobs[0].id", True, "$.jobs[0].id is 1, not True"),
        ("$.jobs[0].done", [1], "$.jobs[0].done is True, not [1]"),
        ("$.other", None, "$.other is missing"),
        ("$.empty[*]", [], "$.empty[*] is missing"),
        ("$.jobs[?id == 3]", [], "$.jobs[?id == 3] is missing"),
    ],
)
def test_jsonpath_that_differs_is_told(says, expression, value, reason):
    """A miss tells the expression, what it found and what was expected."""
    assert says("jsonpath", path(expression, value), DOCUMENT) == reason


def test_jsonpath_needs_every_expression(says):
    """Every entry has to match, and each miss is told."""
    entries = [*path("$.status", "RUNNING"), *path("$.none", 1), *path("$.x", 1)]
    assert says("jsonpath", entries[:1], DOCUMENT) is None
    reason = says("jsonpath", entries, DOCUMENT)
    assert reason == "$.none is None, not 1; $.x is missing"


@pytest.mark.parametrize("value", [False, 0, None, [], "", {}])
def test_jsonpath_can_expect_what_is_false(says, value):
    """A value that is false is expected like any other."""
    assert says("jsonpath", path("$.a", value), {"a": value}) is None
    assert says("jsonpath", path("$.a", value), {"a": "x"}) is not None
    assert says("jsonpath", path("$.a", value), {}) == "$.a is missing"


@pytest.mark.parametrize("library", [jsonpath_ng.ext, jsonpath_rw])
def test_jsonpath_takes_what_is_compiled(says, library):
    """An expression compiled by one of the JSONPath libraries is used as it is."""
    compiled = library.parse("$.status")
    assert says("jsonpath", path(compiled, "RUNNING"), DOCUMENT) is None
    reason = says("jsonpath", path(compiled, "SUCCESS"), DOCUMENT)
    assert reason.endswith("status is 'RUNNING', not 'SUCCESS'")


def test_jsonpath_takes_whatever_has_find(says):
    """Anything but a str that has ``find`` is an expression; if it fails, a miss."""

    class Odd:
        def find(self, document):
            raise KeyError(document)

        def __str__(self):
            return "odd\npath"

    reason = says("jsonpath", path(Odd(), 1), DOCUMENT)
    assert reason == "odd\\npath cannot be evaluated (KeyError)"


# callback


@pytest.mark.parametrize("result", [True, 1, "yes", [0]])
def test_a_callback_that_returns_something_true_is_met(says, result):
    """Whatever is true will do."""
    assert says("callback", lambda response: result) is None


@pytest.mark.parametrize(
    ("result", "shown"), [(False, "False"), (None, "None"), ("", "''"), ([], "[]")]
)
def test_a_callback_that_returns_something_false_is_told(says, result, shown):
    """A miss tells the name of the callback and what it returned."""

    def ready(response):
        return result

    reason = says("callback", ready)
    assert reason.startswith("callback ")
    assert reason.endswith(f"ready returned {shown}")


def test_a_callback_is_given_the_response(says):
    """The callback gets the response itself; an object will do as well."""

    class Ready:
        def __call__(self, response):
            return response.status_code == 404

    assert says("callback", Ready(), status=404) is None
    reason = says("callback", Ready(), status=200)
    assert reason.endswith("Ready returned False")


# what makes no sense

REFUSED = [
    ("status_code", "abc", ["status_code is 'abc'", "give an int such as 200"]),
    ("status_code", "", ["status_code is ''"]),
    ("status_code", "²", ["status_code is '²'"]),
    ("status_code", "20 0", ["status_code is '20 0'"]),
    ("status_code", True, ["status_code is True"]),
    ("status_code", 200.0, ["status_code is 200.0"]),
    ("status_code", None, ["status_code is None"]),
    ("status_code", [200, 201], ["status_code is [200, 201]"]),
    ("status_code", 99, ["status_code is 99", "from 100 to 999"]),
    ("status_code", 1000, ["status_code is 1000"]),
    ("status_code", "20000", ["status_code is 2000", "from 100 to 999"]),
    ("status_code", "9" * 5000, ["status_code is 9999"]),
    ("text", b"done", ["text is b'done'", "str"]),
    ("text", None, ["text is None", "str"]),
    ("text", 5, ["text is 5", "str"]),
    ("jsonpath", {"expression": "$", "value": 1}, ["jsonpath is {", "give a list of"]),
    ("jsonpath", "$.a", ["jsonpath is '$.a'", "give a list of"]),
    ("jsonpath", [], ["jsonpath is []", "expects nothing"]),
    ("jsonpath", ["$.a"], ["jsonpath entry is '$.a'", "{'expression': ..., 'value'"]),
    ("jsonpath", [{"value": 1}], ["jsonpath entry is", "no 'expression' in it"]),
    ("jsonpath", [{"expression": "$"}], ["jsonpath entry is", "no 'value' in it"]),
    (
        "jsonpath",
        [{"expresion": "$", "value": 1}],
        ["unknown key 'expresion'", "did you mean 'expression'?"],
    ),
    ("jsonpath", path("$.[", 1), ["expression is '$.['", "not a JSONPath ("]),
    ("jsonpath", path("", 1), ["expression is ''"]),
    ("jsonpath", path(5, 1), ["expression is 5", "a str or a compiled JSONPath"]),
    ("jsonpath", path(None, 1), ["expression is None"]),
    ("callback", "ready", ["callback is 'ready'", "takes the response"]),
    ("callback", None, ["callback is None"]),
]


@pytest.mark.parametrize(
    ("key", "expected", "words"),
    REFUSED,
    ids=[f"{number}-{key}" for number, (key, *_) in enumerate(REFUSED)],
)
def test_what_makes_no_sense_is_refused(key, expected, words):
    """A validator refuses what it cannot expect: what it is, and what is right."""
    with pytest.raises(ValueError, match=re.escape(words[0])) as info:
        VALIDATORS[key](expected)
    for word in words:
        assert word in str(info.value)
    assert info.value.__suppress_context__ or info.value.__context__ is None
    assert str(info.value).isprintable()
