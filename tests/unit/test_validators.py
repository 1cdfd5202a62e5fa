import json
import re

import jsonpath_ng.ext
import jsonpath_rw
import pytest
import requests

from httsleep.operators import OPERATORS
from httsleep.validators import VALIDATORS, Answer


@pytest.fixture
def says(make_response):
    """What the validator ``key``, expecting ``expected``, says about an answer."""

    def says(key, expected, body=b"", *, status=200, headers=()):
        response = make_response(status, body, headers)
        return VALIDATORS[key](expected)(Answer(response))

    return says


def test_the_base_validators():
    """The table has the keys of the documentation, and cannot be written to."""
    assert list(VALIDATORS) == [
        *("status_code", "headers", "text"),
        *("json", "json_contains", "jsonpath", "callback"),
    ]
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
    assert says("text", "done", "done\n") == (
        "text is 'done\\n', not 'done' alone; a regular expression would find it"
    )
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
    ("status_code", "abc", ["status_code is 'abc'", "give an int from 100 to 999"]),
    ("status_code", "", ["status_code is ''"]),
    ("status_code", "²", ["status_code is '²'"]),
    ("status_code", "20 0", ["status_code is '20 0'"]),
    ("status_code", True, ["status_code is True"]),
    ("status_code", 200.0, ["status_code is 200.0"]),
    ("status_code", None, ["status_code is None"]),
    ("status_code", 99, ["status_code is 99", "from 100 to 999"]),
    ("status_code", 1000, ["status_code is 1000"]),
    ("status_code", "20000", ["status_code is 20000", "from 100 to 999"]),
    ("status_code", "9" * 5000, ["status_code is '9999"]),
    ("text", b"done", ["text is b'done'", "str"]),
    ("text", None, ["text is None", "str"]),
    ("text", 5, ["text is 5", "str"]),
    ("jsonpath", "$.a", ["jsonpath is '$.a'", "or a list"]),
    ("jsonpath", [], ["jsonpath is []", "expects nothing"]),
    ("jsonpath", ["$.a"], ["jsonpath entry is '$.a'", "{'expression': ..., 'value'"]),
    ("jsonpath", [{"value": 1}], ["jsonpath entry is", "there is no 'expression'"]),
    ("jsonpath", [{"expression": "$"}], ["jsonpath entry is", "there is no operator"]),
    (
        "jsonpath",
        [{"expresion": "$", "value": 1}],
        ["unknown key 'expresion'", "did you mean 'expression'?"],
    ),
    ("jsonpath", path("$.[", 1), ["expression is '$.['", "give a valid JSONPath ("]),
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


# several statuses


@pytest.mark.parametrize(
    ("expected", "met", "not_met"),
    [
        ("2xx", {200, 204, 299}, {199, 300, 404}),
        ("5XX", {500, 599}, {499, 600}),
        (["2xx", 404, "429"], {200, 299, 404, 429}, {300, 403, 428}),
        ((200, 201), {200, 201}, {202}),
        ({200, "3xx"}, {200, 300, 399}, {201, 400}),
        (frozenset({503}), {503}, {200}),
        (range(400, 500, 2), {400, 498}, {401, 500}),
    ],
)
def test_a_status_may_be_one_of_several(says, expected, met, not_met):
    """Classes, lists, tuples, sets and ranges: any of them will do."""
    for status in met:
        assert says("status_code", expected, status=status) is None
    for status in not_met:
        assert says("status_code", expected, status=status) is not None


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("2xx", "status_code is 503, not 2xx"),
        ([200, "3xx"], "status_code is 503, not one of 200, 3xx"),
        (range(200, 300), "status_code is 503, not range(200, 300)"),
    ],
)
def test_a_status_that_is_none_of_several_is_told(says, expected, told):
    """The reason has the status, and what was expected as it was written."""
    assert says("status_code", expected, status=503) == told


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("2xy", "did you mean '2xx'"),
        ("6xx", "a class such as '2xx'"),
        ("20", "give an int from 100 to 999"),
        ([], "an empty list expects nothing"),
        (range(0), "an empty list expects nothing"),
        ([200, True], "status_code is True"),
        ([200, None], "status_code is None"),
        (range(90, 110), "status_code is 90"),
        (range(990, 10**12), "status_code is 1000"),
        ({"200": 1}, "give an int from 100 to 999"),
    ],
)
def test_no_status_at_all_is_refused(expected, words):
    """What no status can be is a mistake, alone and among others."""
    with pytest.raises(ValueError, match=r"^status_code is ") as info:
        VALIDATORS["status_code"](expected)
    assert words in str(info.value)


# headers


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"etag": True}, None),
        ({"ETAG": '"1"', "X-State": re.compile("^re")}, None),
        ({"ETag": '"2"'}, "header ETag is '\"1\"', not '\"2\"'"),
        (
            {"X-State": re.compile("^up")},
            "header X-State is 'ready', not re.compile('^up')",
        ),
        ({"X-State": "read"}, "header X-State is 'ready', not 'read'"),
        ({"Location": True}, "header Location is missing"),
        (
            {"Location": "/", "ETag": True, "X-State": "up"},
            "header Location is missing; header X-State is 'ready', not 'up'",
        ),
    ],
)
def test_headers(says, expected, told):
    """All headers have their value, whatever the case of their names."""
    headers = {"ETag": '"1"', "X-State": "ready"}
    assert says("headers", expected, headers=headers) == told


@pytest.mark.parametrize(
    "expected",
    [
        None,
        {},
        "ETag",
        ["ETag"],
        {"ETag": 1},
        {"ETag": False},
        {"ETag": None},
        {"ETag": re.compile(b"x")},
        {1: "x"},
        {"": "x"},
    ],
)
def test_headers_that_cannot_be_are_refused(expected):
    """Names are str; values are str, an expression for str, or True."""
    with pytest.raises(ValueError, match=r"^headers"):
        VALIDATORS["headers"](expected)


# text by expression, and the hints


def test_a_text_may_be_an_expression(says):
    """A regular expression may be found anywhere in the text."""
    assert says("text", re.compile("^OK$", re.MULTILINE), "fine\nOK\n") is None
    told = says("text", re.compile("^OK"), "not OK")
    assert told == "text is 'not OK', not re.compile('^OK')"


def test_an_expression_for_bytes_is_refused():
    """A text is no bytes."""
    with pytest.raises(ValueError, match=r"^text is "):
        VALIDATORS["text"](re.compile(b"OK"))


@pytest.mark.parametrize(
    ("key", "expected", "body", "hint"),
    [
        ("text", "OK", "OK\n", "a regular expression would find it"),
        ("text", "OK", "no", None),
        ("text", "", "no", None),
        (
            "json",
            {"a": 1},
            {"a": 1, "b": 2},
            "json_contains would allow the other keys",
        ),
        ("json", {"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, "json_contains"),
        ("json", {"a": 2}, {"a": 1, "b": 2}, None),
        ("json", {}, {"a": 1}, None),
        ("json", [1], [1, 2], None),
    ],
)
def test_a_near_miss_is_told_the_right_word(says, key, expected, body, hint):
    """What is there, but not alone, names the word that would have met it."""
    told = says(key, expected, body)
    assert f"not {expected!r}" in told
    assert (hint or "") in told
    assert (" alone; " in told) is (hint is not None)


# json_contains


def test_json_contains(says):
    """Objects are looked at by key, and everything that is lacking is told."""
    body = {"status": "DONE", "meta": {"name": "web", "tags": ["a"]}, "left": None}
    assert says("json_contains", {"meta": {"name": "web"}, "left": None}, body) is None
    told = says("json_contains", {"meta": {"name": "x", "tags": []}, "no": 1}, body)
    assert told == (
        "$.meta.name is 'web', not 'x'; $.meta.tags is ['a'], not []; $.no is missing"
    )
    assert says("json_contains", {}, "<html>").startswith("body is not JSON")
    assert says("json_contains", {}, {"a": 1}) is None
    assert says("json_contains", {}, [1]) == "$ is [1], not an object"


def test_json_contains_tells_a_few_places():
    """An answer that lacks everything is told in a few words."""
    expected = {str(number): 1 for number in range(100)}
    check = VALIDATORS["json_contains"](expected)
    response = requests.Response()
    response._content, response.encoding = b"{}", "utf-8"
    assert check(Answer(response)).count("is missing") == 5


@pytest.mark.parametrize("key", ["json", "json_contains"])
def test_json_that_no_body_can_equal_is_refused(key):
    """A wait for a tuple would never end."""
    with pytest.raises(ValueError, match=f"^{key} is .* a tuple is not JSON"):
        VALIDATORS[key]({"a": (1, 2)})


# the shapes of jsonpath

JOB = {
    "status": "DONE",
    "progress": 100,
    "jobs": [{"state": "up"}, {"state": "up"}],
}


GONE = {"expression": "$.no", "exists": False}


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"$.status": "DONE", "$.progress": 100}, None),
        ({"$.status": re.compile("^D")}, None),
        ({"$.jobs[*].state": ["up", "up"]}, None),
        ({"$.jobs[0]": {"state": "up"}}, None),
        ({"$.none": {}}, "$.none is missing"),
        (
            {"$.status": "UP", "$.no": 1},
            "$.status is 'DONE', not 'UP'; $.no is missing",
        ),
        ({"expression": "$.progress", "ge": 100, "lt": 101}, None),
        (
            {"expression": "$.progress", "gt": 100, "in": [1, 2]},
            "$.progress is 100, not above 100 and is 100, not one of 1, 2",
        ),
        ({"expression": "$.jobs[*].state", "all": "up"}, None),
        ({"expression": "$.jobs", "exists": True}, None),
        (
            {"expression": "$.jobs[0]", "exists": False},
            "$.jobs[0] exists: {'state': 'up'}",
        ),
        (GONE, None),
        ({**GONE, "exists": True}, "$.no is missing"),
        ([GONE, {"expression": "$.status", "in": ["DONE"]}], None),
        ({jsonpath_ng.ext.parse("$.status"): "DONE"}, None),
    ],
)
def test_the_shapes_of_jsonpath(says, expected, told):
    """A mapping, one entry and a list of entries all say what has to be there."""
    assert says("jsonpath", expected, JOB) == told


@pytest.mark.parametrize("operator", sorted(set(OPERATORS) - {"exists"}))
def test_a_missing_path_satisfies_no_operator(says, operator):
    """Nothing is met by what is not there, neither are exclusions."""
    expected = {"in": [1], "not_in": [1]}.get(operator, 1)
    told = says("jsonpath", {"expression": "$.no", operator: expected}, JOB)
    assert told == "$.no is missing"


def test_what_does_not_exist_does_so_in_json_only(says):
    """An HTML page has no paths, but it is no document without them either."""
    told = says("jsonpath", {"expression": "$.no", "exists": False}, "<html>")
    assert told.startswith("body is not JSON")


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({}, "an empty one expects nothing"),
        ("$.status", "give {'$.path': value}"),
        ({"expression": "$.a"}, "there is no operator"),
        ({"expression": "$.a", "valeu": 1}, "did you mean 'value'"),
        (
            {"expression": "$.a", "exists": False, "value": 1},
            "leave the other operators out",
        ),
        ({"expression": "$.a", "in": "DONE"}, "in is 'DONE': give a list"),
        ({"value": 1}, "{'expression': '$.path', 'value': 1}"),
        ({"ge": 1, "le": 2}, "{'expression': '$.path', 'ge': 1, 'le': 2}"),
        ({"$.a": {"ge": 100}}, "write {'expression': '$.a', 'ge': 100}"),
        ([{"$.a": 1}], "unknown key '$.a'"),
        (["$.a"], "give a dict such as {'expression': ..., 'value': ...}"),
        ([{"value": 1}], "there is no 'expression'; give one"),
        ({"$.a b": 1}, "give a valid JSONPath"),
        ({1: 2}, "expression is 1"),
        ({"$.a": (1,)}, "a tuple is not JSON"),
    ],
)
def test_a_jsonpath_that_makes_no_sense_is_refused(expected, words):
    """Each mistake is told with the entry or the word to write instead."""
    with pytest.raises(ValueError, match=r"^(expression|in|jsonpath|value)\b") as info:
        VALIDATORS["jsonpath"](expected)
    assert words in str(info.value)
