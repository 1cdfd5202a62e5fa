"""The validators: what each key expects, and the reason if it is not met."""

import json
import re
from types import SimpleNamespace

import jsonpath_ng.ext
import jsonpath_rw
import pytest
import requests

from httsleep import HttSleeper
from httsleep.operators import OPERATORS
from httsleep.validators import VALIDATORS, Answer


@pytest.fixture
def says(make_response):
    """Return a function that returns the reason of a validator, or ``None``."""

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
    """The text and the JSON of an answer are computed once."""
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
    """A status can be expected as an int, or as a str of digits."""
    assert says("status_code", expected, status=503) is None


# json


@pytest.mark.parametrize(
    "expected", [{}, [], "", 0, False, None, {"a": [1, None]}, "text", 1.5]
)
def test_json_expects_the_whole_body(says, expected):
    """Every JSON value can be the expected body, false ones and null too."""
    assert says("json", expected, json.dumps(expected)) is None
    assert says("json", expected, '{"other": 1}') is not None


# text


def test_text_expects_the_whole_text(says):
    """A str is met only by a text that equals it as a whole."""
    assert says("text", "done", "done") is None
    assert says("text", "", "") is None


def test_text_is_decoded_as_the_answer_says(says):
    """A text is decoded by the charset of the answer."""
    latin = {"Content-Type": "text/plain; charset=latin-1"}
    assert says("text", "é", "é".encode("latin-1"), headers=latin) is None


@pytest.mark.parametrize(
    ("charset", "body"), [("idna", b"\xff.."), ("unicode_escape", b"\\q")]
)
def test_text_that_cannot_be_decoded_is_a_miss(says, charset, body):
    """A charset in which no body can be is a miss, not an exception or a warning."""
    odd = {"Content-Type": f"text/plain; charset={charset}"}
    reason = says("text", "", body, headers=odd)
    assert reason == "text cannot be decoded: the answer's charset is wrong"
    assert says("json", "", body, headers=odd).startswith("body is not JSON (")


# jsonpath

DOCUMENT = {
    "status": "RUNNING",
    "none": None,
    "empty": [],
    "jobs": [{"id": 1, "done": True}, {"id": 2, "done": False}],
}
IN_DOCUMENT = " (there are 'status', 'none', 'empty', 'jobs')"


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
    """One match of a path is compared itself or as a list of one, several as a list."""
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
        ("$.other", None, "$.other is missing" + IN_DOCUMENT),
        ("$.other.x", None, "$.other.x is missing" + IN_DOCUMENT),
        ("$.status.x", 1, "$.status.x is missing ($.status is 'RUNNING')"),
        ("$.jobs.x[0]", 1, "$.jobs.x[0] is missing ($.jobs is a list)"),
        ("$.status", "running", "$.status is 'RUNNING', not 'running'"),
        ("$.empty[*]", [], "$.empty[*] is missing"),
        ("$.jobs[?id == 3]", [], "$.jobs[?id == 3] is missing"),
    ],
)
def test_jsonpath_that_differs_is_told(says, expression, value, reason):
    """The reason of jsonpath has the expression, its matches and the expected value."""
    assert says("jsonpath", path(expression, value), DOCUMENT) == reason


def test_jsonpath_needs_every_expression(says):
    """Every entry of jsonpath has to be met, and each miss is a reason."""
    entries = [*path("$.status", "RUNNING"), *path("$.none", 1), *path("$.x", 1)]
    assert says("jsonpath", entries[:1], DOCUMENT) is None
    reason = says("jsonpath", entries, DOCUMENT)
    assert reason == "$.none is None, not 1; $.x is missing" + IN_DOCUMENT


@pytest.mark.parametrize("value", [False, 0, None, [], "", {}])
def test_jsonpath_can_expect_what_is_false(says, value):
    """A false value at a path is met by itself, not by a missing path."""
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
    """A callback that returns any true value is met."""
    assert says("callback", lambda response: result) is None


@pytest.mark.parametrize(
    ("result", "shown"), [(False, "False"), (None, "None"), ("", "''"), ([], "[]")]
)
def test_a_callback_that_returns_something_false_is_told(says, result, shown):
    """The reason of a callback has its name and the value that it returned."""

    def ready(response):
        return result

    reason = says("callback", ready)
    assert reason.startswith("callback ")
    assert reason.endswith(f"ready returned {shown}")


def test_a_callback_is_given_the_response(says):
    """A callback, which may be an object, is given the response itself."""

    class Ready:
        def __call__(self, response):
            return response.status_code == 404

    assert says("callback", Ready(), status=404) is None
    reason = says("callback", Ready(), status=200)
    assert reason.endswith("Ready returned False")


# several statuses


@pytest.mark.parametrize(
    ("expected", "met", "not_met"),
    [
        (100, {100}, {101}),
        ("999", {999}, {998}),
        ("1xx", {100, 199}, {200}),
        ("2xx", {200, 204, 299}, {199, 300, 404}),
        ("4xx", {400, 499}, {399, 500}),
        ("5XX", {500, 599}, {499, 600}),
        (["2xx", 404, "429"], {200, 299, 404, 429}, {300, 403, 428}),
        ((200, 201), {200, 201}, {202}),
        ({200, "3xx"}, {200, 300, 399}, {201, 400}),
        (frozenset({503}), {503}, {200}),
        (range(400, 500, 2), {400, 498}, {401, 500}),
    ],
)
def test_a_status_may_be_one_of_several(says, expected, met, not_met):
    """A status may be expected as a class, a list, a tuple, a set or a range."""
    for status in met:
        assert says("status_code", expected, status=status) is None
    for status in not_met:
        assert says("status_code", expected, status=status) is not None


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("200", "status_code is 503, not 200"),
        ("2xx", "status_code is 503, not 2xx"),
        ([200, "3xx"], "status_code is 503, not one of 200, 3xx"),
        (
            frozenset(("404", "2xx", "410", "3xx")),
            "status_code is 503, not one of 2xx, 3xx, 404, 410",
        ),
        (range(200, 300), "status_code is 503, not range(200, 300)"),
    ],
)
def test_a_status_that_is_none_of_several_is_told(says, expected, told):
    """The reason of status_code has the status and the expected value as written."""
    assert says("status_code", expected, status=503) == told


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
    """Each header has its value; the case of names does not matter."""
    headers = {"ETag": '"1"', "X-State": "ready"}
    assert says("headers", expected, headers=headers) == told


# text by expression, and the hints


def test_a_text_may_be_an_expression(says):
    """A regular expression is met if it is found anywhere in the text."""
    assert says("text", re.compile("^OK$", re.MULTILINE), "fine\nOK\n") is None
    told = says("text", re.compile("^OK"), "not OK")
    assert told == "text is 'not OK', not re.compile('^OK')"


TEXT_HINT = " alone; a regular expression would find it"
PATTERN_HINT = ", which is a text; a regular expression would be searched for"
JSON_HINT = " alone; json_contains would allow the other keys"


@pytest.mark.parametrize(
    ("key", "expected", "body", "told"),
    [
        ("text", "OK", "OK\n", f"text is 'OK\\n', not 'OK'{TEXT_HINT}"),
        ("text", "OK", "no", "text is 'no', not 'OK'"),
        ("text", "", "no", "text is 'no', not ''"),
        *(
            ("text", like, "no", f"text is 'no', not {like!r}{PATTERN_HINT}")
            for like in ("O.*", "O.+K", r"\d", "^OK", "OK$")
        ),
        ("text", "a.b^c$d", "no", "text is 'no', not 'a.b^c$d'"),
        (
            *("json", {"a": 1}, {"a": 1, "b": 2}),
            f"json is {{'a': 1, 'b': 2}}, not {{'a': 1}}{JSON_HINT}",
        ),
        (
            *("json", {"a": {}}, {"a": {"b": 1}}),
            f"json is {{'a': {{'b': 1}}}}, not {{'a': {{}}}}{JSON_HINT}",
        ),
        ("json", {"a": 2}, {"b": 2}, "json is {'b': 2}, not {'a': 2}"),
        ("json", {}, {"a": 1}, "json is {'a': 1}, not {}"),
        ("json", 25, '"25"', "json is '25' (a string), not 25"),
        ("json", True, '"true"', "json is 'true' (a string), not True"),
        ("json", 25, 26, "json is 26, not 25"),
        ("json", [1], [1, 2], "json is [1, 2], not [1]"),
        (
            *("json", '{"b": 1, "a": 2}', {"b": 1, "a": 2}),
            "json is {'b': 1, 'a': 2}, not '{\"b\": 1, \"a\": 2}', which is its text: "
            "give the value itself",
        ),
        (
            *("json", "25", 25),
            "json is 25, not '25', which is its text: give the value itself",
        ),
        (
            *("json", '{"a": 2}', {"b": 1, "a": 2}),
            "json is {'b': 1, 'a': 2}, not '{\"a\": 2}', which is the text of an "
            "object: give the object itself",
        ),
        ("json", '{"a": 2}', [], "json is [], not '{\"a\": 2}'"),
        ("json", "[1]", [2], "json is [2], not '[1]'"),
        ("json", "[" * 100_000, [2], f"json is [2], not '{'[' * 37}...{'[' * 38}'"),
    ],
)
def test_a_body_that_differs(says, key, expected, body, told):
    """A body that has more than was expected is told the key that would allow it."""
    assert says(key, expected, body) == told


# json_contains


def test_json_contains(says):
    """json_contains compares objects by key, and names each place that is not met."""
    body = {"status": "DONE", "meta": {"name": "web", "tags": ["a"]}, "left": None}
    assert says("json_contains", {"meta": {"name": "web"}, "left": None}, body) is None
    told = says("json_contains", {"meta": {"name": "x", "tags": []}, "no": 1}, body)
    assert told == (
        "$.meta.name is 'web', not 'x'; $.meta.tags is ['a'], not []; "
        "$.no is missing (there are 'status', 'meta', 'left')"
    )
    told = says("json_contains", {"x": 1, "y": 1}, {"a": 1})
    assert told == "$.x is missing (there is 'a'); $.y is missing"
    assert says("json_contains", {}, "<html>").startswith("body is not JSON")
    assert says("json_contains", {}, {"a": 1}) is None
    assert says("json_contains", {}, [1]) == "$ is [1], not an object"


def test_json_contains_tells_a_few_places():
    """json_contains gives at most five reasons."""
    expected = {str(number): 1 for number in range(100)}
    check = VALIDATORS["json_contains"](expected)
    response = requests.Response()
    response._content, response.encoding = b"{}", "utf-8"
    assert check(Answer(response)).count("is missing") == 5


# the shapes of jsonpath

IN_JOB = " (there are 'status', 'progress', 'jobs')"
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
        ({"$.none": {}}, "$.none is missing" + IN_JOB),
        (
            {"$.status": "UP", "$.no": 1},
            "$.status is 'DONE', not 'UP'; $.no is missing" + IN_JOB,
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
        ({**GONE, "exists": True}, "$.no is missing" + IN_JOB),
        ({"$.progress": "100"}, "$.progress is 100 (a number), not '100'"),
        (
            {"expression": "$.progress", "in": ["99", "100"]},
            "$.progress is 100 (a number), not one of '99', '100'",
        ),
        ([GONE, {"expression": "$.status", "in": ["DONE"]}], None),
        ({jsonpath_ng.ext.parse("$.status"): "DONE"}, None),
    ],
)
def test_the_shapes_of_jsonpath(says, expected, told):
    """jsonpath takes a mapping, one entry or a list of entries."""
    assert says("jsonpath", expected, JOB) == told


@pytest.mark.parametrize("operator", sorted(set(OPERATORS) - {"exists"}))
def test_a_missing_path_satisfies_no_operator(says, operator):
    """A path that is missing meets no operator, not_in included."""
    expected = {"in": [1], "not_in": [1]}.get(operator, 1)
    told = says("jsonpath", {"expression": "$.no", operator: expected}, JOB)
    assert told.startswith("$.no is missing")
    assert told.endswith(IN_JOB)


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ({"value": "x"}, ""),
        ({"exists": True}, ""),
        ({"gt": 1}, ", expected above 1"),
        ({"ge": 50, "lt": 100}, ", expected at least 50 and below 100"),
        ({"le": "2026-01-01"}, ", expected at most '2026-01-01'"),
        ({"in": ["a", "b"]}, ", expected one of ['a', 'b']"),
        ({"in": {"b", "a"}, "value": "a"}, ", expected one of {'a', 'b'}"),
        ({"not_in": ["a"]}, ", expected none of ['a']"),
        ({"any": ["a", "b"]}, ", expected any of ['a', 'b']"),
        ({"all": "a"}, ", expected only 'a'"),
    ],
)
def test_what_is_missing_is_told_with_what_is_expected(says, operators, expected):
    """The reason for a missing value says what the operators expect."""
    told = says("jsonpath", {"expression": "$.no", **operators}, JOB)
    assert told.startswith(f"$.no is missing{expected}")
    assert told.endswith(IN_JOB)


@pytest.mark.parametrize(
    ("document", "there"),
    [
        ({"job": {"id": 1}}, " (there is 'id' in $.job)"),
        ({"job": {"id": 1, "n": 2}}, " (there are 'id', 'n' in $.job)"),
        ({"job": {}}, ""),
        ({"jobs": {}}, " (there is 'jobs')"),
        ({"job": None}, " ($.job is None)"),
        ({"job": ["secret"]}, " ($.job is a list)"),
        ([{"job": 1}], " ($ is a list)"),
        ("job", " ($ is 'job')"),
        ({"job": {"state": []}}, " (the length of $.job.state is 0)"),
        ({"job": {"state": None}}, " ($.job.state is None)"),
        ({"job": {"state": {}}}, " ($.job.state is an object)"),
    ],
)
def test_what_there_is_in_place_of_a_missing_value(says, document, there):
    """The names are those beside the first one of the path that is missing."""
    expected = {"expression": "$.job.state[0]", "value": 1}
    told = says("jsonpath", expected, json.dumps(document))
    assert told == f"$.job.state[0] is missing{there}"


@pytest.mark.parametrize(
    ("document", "there"),
    [
        ({"jobs": [{"id": 1}]}, " (there is 'id' in $.jobs[0])"),
        ({"jobs": [7]}, " ($.jobs[0] is 7)"),
        ({"jobs": [{"state": {"x": [[]]}}]}, " (there is 'x' in $.jobs[0].state)"),
    ],
)
def test_what_there_is_in_an_element_of_a_list(says, document, there):
    """The path to the missing name may have indexes, and ends at a filter."""
    path = "$.jobs[0].state.of[*].a"
    told = says("jsonpath", {"expression": path, "value": 1}, json.dumps(document))
    assert told == f"{path} is missing{there}"


def test_what_does_not_exist_does_so_in_json_only(says):
    """``exists: False`` is not met by a body that is no JSON."""
    told = says("jsonpath", {"expression": "$.no", "exists": False}, "<html>")
    assert told.startswith("body is not JSON")


# what makes no sense

NO_STATUS = "give an int from 100 to 999"
NOTHING = "an empty list expects nothing"
REFUSED = {
    "status_code": [
        *((value, NO_STATUS) for value in ("abc", "", "²", "20 0", "20", True, 200.0)),
        *((value, NO_STATUS) for value in (None, 99, 1000, "20000", {"200": 1})),
        ("9" * 5000, "status_code is '9999"),
        ("2xy", "a class such as '2xx'"),
        ("200,204", "give a list: ['200', '204']"),
        ("2xx or 404", "give a list: ['2xx', '404']"),
        *((value, "class such as '2xx'") for value in ("200-299", "200 to 299")),
        ("6xx", "a class such as '2xx'"),
        *((value, NOTHING) for value in ([], range(0))),
        ([200, True], "status_code is True"),
        ([200, None], "status_code is None"),
        (range(90, 110), "status_code is 90"),
        (range(990, 10**12), "status_code is 1000"),
    ],
    "headers": [
        *((value, "give a dict of names") for value in (None, {}, "ETag", ["ETag"])),
        *(({"ETag": value}, "give a str, a") for value in (1, False, None)),
        ({"ETag": re.compile(b"x")}, "headers: ETag is re.compile(b'x')"),
        *(({name: "x"}, "is not a name") for name in (1, "")),
    ],
    "text": [
        *((value, "the whole text as a str") for value in (b"done", None, 5)),
        (re.compile(b"OK"), "compiled expression for str"),
        (SimpleNamespace(pattern="OK"), "compiled expression for str"),
    ],
    "json": [({"a": (1, 2)}, "a tuple is not JSON")],
    "json_contains": [({"a": (1, 2)}, "a tuple is not JSON")],
    "jsonpath": [
        *((value, "an empty one expects nothing") for value in ({}, [])),
        *((value, "give {'$.path': value}") for value in ("$.status", None)),
        (["$.a"], "give a dict such as {'expression': ..., 'value': ...}"),
        ([{"value": 1}], "there is no 'expression'; give one"),
        ({"expression": "$.a"}, "there is no operator"),
        ({"expression": "$.a", "valeu": 1}, "did you mean 'value'"),
        (
            {"expression": "$.a", "exists": False, "value": 1},
            "leave the other operators out",
        ),
        ([{"expresion": "$.a", "value": 1}], "did you mean 'expression'?"),
        ({"expression": "$.a", "in": "DONE"}, "in is 'DONE': give a list"),
        ({"value": 1}, "{'expression': '$.path', 'value': 1}"),
        ({"ge": 1, "le": 2}, "{'expression': '$.path', 'ge': 1, 'le': 2}"),
        ({"$.a": {"ge": 100}}, "write {'expression': '$.a', 'ge': 100}"),
        (
            {"$.a": {">=": 100}},
            "{'expression': '$.a', '>=': 100}: unknown key '>=': did you mean 'ge'?",
        ),
        ([{"$.a": 1}], "unknown key '$.a'"),
        (
            [{"expression": "$.a", "value": each} for each in ("X", "Y")],
            "no value is both; for one of them write "
            "{'expression': '$.a', 'in': ['X', 'Y']}",
        ),
        (
            [{"expression": "$.a", "value": each} for each in (1, True)],
            "no value is both; for one",
        ),
        ({"$.a": (1,)}, "a tuple is not JSON"),
        *(
            ({path: 1}, f"expression is {path!r}: give a valid JSONPath (")
            for path in ("$.a b", "$.[", "")
        ),
        *(({path: 1}, "a str or a compiled JSONPath") for path in (5, None)),
    ],
    "callback": [(value, "takes the response") for value in ("ready", None)],
}


@pytest.mark.parametrize(
    ("key", "expected", "instead"),
    [(key, *row) for key, rows in REFUSED.items() for row in rows],
    ids=[f"{key} {number}" for key in REFUSED for number in range(len(REFUSED[key]))],
)
def test_an_expected_value_that_makes_no_sense_is_refused(key, expected, instead):
    """A validator refuses a senseless value by its name, and says what to give."""
    with pytest.raises(ValueError, match=rf"^(expression|in|value|{key})\b") as info:
        VALIDATORS[key](expected)
    assert instead in str(info.value)
    assert info.value.__suppress_context__ or info.value.__context__ is None
    assert str(info.value).isprintable()


@pytest.mark.parametrize("value", ["X", ["Y"], re.compile("Y")])
def test_entries_of_one_path_that_can_hold_together(value):
    """Only two different values of a path are refused."""
    entries = [{"expression": "$.a", "value": each} for each in ("X", value)]
    VALIDATORS["jsonpath"]([*entries, {"expression": "$.b", "value": "Y"}])


@pytest.mark.parametrize("key", ["json", "json_contains", "jsonpath"])
def test_an_expected_value_without_end_is_refused(key):
    """A value that contains itself is refused by the name of its argument."""
    endless = {}
    endless["a"] = endless
    value = {"$.a": endless} if key == "jsonpath" else endless
    with pytest.raises(ValueError, match=r"^until contains itself, or is nested too"):
        HttSleeper("http://server/", {key: value})
