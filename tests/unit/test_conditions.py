import re

import pytest

from httsleep import Alarm, GaveUp
from httsleep.checks import bad_argument
from httsleep.conditions import (
    CheckedCondition,
    Condition,
    Expectations,
    Verdict,
    checked_conditions,
    copy_containers,
)
from httsleep.ignoring import IgnoredExceptions
from httsleep.validators import VALIDATORS, Answer


def never(exc):
    return False


def always(exc):
    return True


@pytest.fixture
def answer(make_response):
    return lambda *args, **kwargs: Answer(make_response(*args, **kwargs))


def condition(source, where="until"):
    return CheckedCondition(where, source, VALIDATORS)


def expectations(**arguments):
    """Return the expectations of a sleeper with these conditions."""
    expected = Expectations()
    for name, value in arguments.items():
        setattr(expected, name, checked_conditions(name, value, VALIDATORS))
    return expected


def test_the_type_of_a_condition_has_its_keys():
    """The keys that editors complete are those that a condition can have."""
    assert Condition.__annotations__.keys() == VALIDATORS.keys() | {"consecutive"}


# Copies.


def test_dicts_and_lists_are_copied():
    """A change of a copied dict or list leaves the original as it was."""
    source = {"json": {"a": [{"b": 1}]}}
    copy = copy_containers(source)
    assert copy == source
    copy["json"]["a"][0]["b"] = 2
    copy["json"]["a"].append(3)
    assert source == {"json": {"a": [{"b": 1}]}}


@pytest.mark.parametrize("value", [object(), (1, [2]), {1, 2}, print, "text", None])
def test_other_values_are_not_copied(value):
    """Callbacks, compiled expressions and all but dicts and lists are kept."""
    assert copy_containers(value) is value
    assert copy_containers({"a": [value]})["a"][0] is value


# One condition.


def test_a_condition_is_a_copy_of_what_was_written():
    """The source of a condition is a copy of the dict that the caller wrote."""
    written = {"json": {"a": [1]}, "text": "x", "callback": print}
    made = condition(written)
    assert made.source == written
    written["json"]["a"].append(2)
    assert made.source["json"] == {"a": [1]}
    assert made.source["callback"] is print


def test_a_numeric_status_is_cast():
    """In the source of a condition a status of digits is an int."""
    assert condition({"status_code": "200"}).source == {"status_code": 200}


def test_the_checks_do_not_see_later_changes(answer):
    """A check expects the copied value, whatever happens to the caller's."""
    written = {"json": {"a": [1]}}
    made = condition(written)
    written["json"]["a"].append(2)
    assert made.unmet(answer(200, {"a": [1]}), never) == []


def test_every_key_counts(answer):
    """A condition is met if each key is; else it has a reason for each that is not."""
    made = condition({"text": "x", "status_code": 201, "json": {"a": 1}})
    assert made.unmet(answer(201, "x"), never)
    assert made.unmet(answer(200, '{"a": 2}'), never) == [
        "text is '{\"a\": 2}', not 'x'",
        "status_code is 200, not 201",
        "json is {'a': 2}, not {'a': 1}",
    ]


def test_the_callback_is_called_last(answer):
    """The callback is called only for an answer that meets all other keys."""
    seen = []
    made = condition({"callback": seen.append, "status_code": 200})
    assert made.unmet(answer(404), never) == ["status_code is 404, not 200"]
    assert seen == []
    right = answer(200)
    assert len(made.unmet(right, never)) == 1
    assert seen == [right.response]


def test_an_exception_of_a_check_reaches_the_caller(answer):
    """An exception of a check that is not ignored is raised as it is."""
    made = condition({"callback": lambda response: response.json()["status"]})
    with pytest.raises(KeyError):
        made.unmet(answer(200, {}), never)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"callback": lambda response: {}["secret"]}, "callback raised KeyError"),
        (
            {"callback": lambda response: (_ for _ in ()).throw(ConnectionResetError)},
            "callback raised ConnectionResetError: connection reset",
        ),
    ],
    ids=["KeyError", "ConnectionResetError"],
)
def test_an_ignored_exception_of_a_check_is_a_reason(answer, source, reason):
    """A key whose check raises an ignored exception is not met.

    The reason has no text of the exception's own.
    """
    assert condition(source).unmet(answer(200), always) == [reason]


def test_the_keys_behind_an_ignored_exception_are_checked(answer):
    """After a check that raised an ignored exception the other keys are checked."""

    def broken(expected):
        def check(answer):
            raise KeyError(expected)

        return check

    made = CheckedCondition(
        "until", {"broken": 1, "status_code": 200}, {**VALIDATORS, "broken": broken}
    )
    assert made.unmet(answer(404), always) == [
        "broken raised KeyError",
        "status_code is 404, not 200",
    ]


def test_a_reason_of_any_length_is_cut_to_a_line(answer):
    """The reason of a validator, also of a user's, is one line of 500 characters."""
    validators = {"own": lambda expected: lambda answer: "x\n" * 10_000}
    (reason,) = CheckedCondition("until", {"own": 1}, validators).unmet(answer(), never)
    assert reason.startswith("x\\nx")
    assert len(reason) == 500


@pytest.mark.parametrize("source", [{"json": {"a": 1}}, {"text": "done"}], ids=str)
def test_an_alarm_that_is_not_met_makes_no_words(answer, source, monkeypatch):
    """The text or the JSON of an answer is made into words only for a reason."""
    shown = []
    monkeypatch.setattr("httsleep.validators.safe_repr", shown.append)
    body = answer(200, {"a": 2})
    assert expectations(alarms=source).judge(body, {}, never) == Verdict("waiting")
    assert shown == []
    expectations(until=source).judge(body, {}, never)
    assert shown


@pytest.mark.parametrize(
    ("source", "met"),
    [
        *(({"text": "x"}, "x"), ({"text": re.compile("x")}, "axe")),
        *(({"json": [1]}, "[1]"), ({"json": None}, "null")),
    ],
    ids=str,
)
@pytest.mark.parametrize("body", ["x", "axe", "[1]", "null", "[true]", ""])
def test_a_condition_matches_the_same_answers_without_words(answer, source, met, body):
    """Whether an alarm is met does not depend on the words of a reason."""
    made = condition(source)
    without_words = made.unmet(answer(200, body), never, first_only=True)
    assert bool(without_words) is bool(made.unmet(answer(200, body), never))
    assert not made.unmet(answer(200, met), never, first_only=True)


def test_an_exception_without_words_is_that_of_the_check(answer):
    """An exception of a comparison is ignored or raised, also in an alarm."""

    class Broken:
        def __eq__(self, other):
            raise KeyError("secret")

    made = condition({"json": Broken()})
    reasons = ["json raised KeyError"]
    assert made.unmet(answer(200, {}), always, first_only=True) == reasons
    with pytest.raises(KeyError) as caught:
        made.unmet(answer(200, {}), never, first_only=True)
    assert caught.value.__notes__ == ["raised by 'json' in until"]


def test_a_check_of_a_subclass_can_call_the_one_it_replaces(answer):
    """A check of the library returns its reason as a str to all who call it."""

    def json(expected):
        check = VALIDATORS["json"](expected)
        return lambda answer: (reason := check(answer)) and f"so: {reason}"

    made = CheckedCondition("alarms", {"json": 1}, {**VALIDATORS, "json": json})
    for first_only in (True, False):
        reasons = made.unmet(answer(200, "2"), never, first_only=first_only)
        assert reasons == ["so: json is 2, not 1"]
        assert not made.unmet(answer(200, "1"), never, first_only=first_only)


@pytest.mark.parametrize(
    "source",
    [{"json": {}}, {"json": []}, {"json": 0}, {"json": False}, {"text": ""}],
    ids=str,
)
def test_a_false_value_is_expected_like_any_other(answer, source):
    """A key counts if it is there, also with an empty or false value."""
    assert condition(source).unmet(answer(200, "other"), never)


def test_json_none_waits_for_null(answer):
    """{'json': None} is met by the JSON document null only."""
    made = condition({"json": None})
    assert made.unmet(answer(200, "null"), never) == []
    for other in ("", "{}", "false", "None"):
        assert made.unmet(answer(200, other), never)


# Values that are no condition.

ENDLESS = {"json": []}
ENDLESS["json"].append(ENDLESS["json"])

NO_CONDITIONS = {
    "None": (None, ["until is None", "such as {'status_code': 200}"]),
    "int": (200, ["until is 200", "a condition is a dict"]),
    "str": ("status_code", ["until is 'status_code'", "a condition is a dict"]),
    "empty": ({}, ["until is {}", "expects nothing"]),
    "empty in a list": ([{"text": ""}, {}], ["until[1] is {}", "expects nothing"]),
    "None in a list": ([None], ["until[0] is None"]),
    "misspelt": (
        {"status": 200},
        ["unknown key 'status'", "did you mean 'status_code'?", "'callback'"],
    ),
    "misspelt in a list": ([{"jason": 1}], ["until[0] is", "did you mean 'json'?"]),
    "no str": ({5: 1}, ["unknown key 5", "There are 'status_code'"]),
    "bad value": ({"status_code": "x"}, ["until: status_code is 'x'"]),
    "bad value in a list": ([{"text": 5}], ["until[0]: text is 5"]),
    "endless": (ENDLESS, ["until contains itself"]),
}


@pytest.mark.parametrize("case", NO_CONDITIONS)
def test_a_value_that_is_no_condition_is_refused(case):
    """A ValueError names the place, the value, and what to give instead."""
    source, words = NO_CONDITIONS[case]
    with pytest.raises(ValueError, match=re.escape(words[0])) as info:
        checked_conditions("until", source, VALIDATORS)
    for word in words:
        assert word in str(info.value)
    assert info.value.__suppress_context__ or info.value.__context__ is None


# Several conditions.


def test_conditions_are_a_dict_or_several():
    """A dict is one condition; a list or tuple has as many as dicts."""
    assert len(checked_conditions("until", {"text": ""}, VALIDATORS)) == 1
    assert (
        len(checked_conditions("until", [{"text": ""}, {"text": "x"}], VALIDATORS)) == 2
    )
    assert len(checked_conditions("until", ({"text": ""},), VALIDATORS)) == 1
    assert checked_conditions("until", [], VALIDATORS) == ()


def test_a_validator_of_a_user_counts(answer):
    """The keys of a condition are those of the table, and its validators check them."""

    def header(expected):
        if not isinstance(expected, str):
            raise bad_argument("header", expected, "give a str")
        return lambda a: None if expected in a.response.headers else "no header"

    (made,) = checked_conditions("until", {"header": "X-Done"}, {"header": header})
    assert made.unmet(answer(200, "", {"X-Done": "1"}), never) == []
    assert made.unmet(answer(200), never) == ["no header"]
    with pytest.raises(ValueError, match=r"until: header is 5: give a str"):
        checked_conditions("until", {"header": 5}, {"header": header})


# The verdict.


def verdict(answer, until=(), alarms=(), ignores=never):
    expected = expectations(until=list(until), alarms=list(alarms))
    return expected.judge(answer, {}, ignores)


def test_an_answer_that_meets_a_condition_is_a_success(answer):
    """An answer that meets one condition of several is a success."""
    until = [{"status_code": 404}, {"status_code": 200}]
    assert verdict(answer(200), until) == Verdict("met")


def test_an_alarm_is_checked_up_to_its_first_unmet_key(answer):
    """The keys behind an unmet key of an alarm are not checked; those of until are."""
    checked = []
    validators = {**VALIDATORS, "own": lambda expected: checked.append}
    expected = Expectations()
    written = {"status_code": 500, "own": 1}
    expected.alarms = checked_conditions("alarms", written, validators)
    expected.until = checked_conditions("until", {"text": "x"}, validators)
    seen = answer(200)
    expected.judge(seen, {}, never)
    assert checked == []
    expected.until = checked_conditions("until", written, validators)
    expected.judge(seen, {}, never)
    assert checked == [seen]


def test_an_alarm_comes_before_a_success(answer):
    """An answer that meets both an alarm and a success is an alarm."""
    alarm = {"status_code": 200}
    assert verdict(answer(200), [alarm], [alarm]) == Verdict("alarm", alarm=alarm)


def test_the_first_alarm_that_is_met_counts(answer):
    """Of several alarms that are met, the verdict has the first."""
    alarms = [{"status_code": 500}, {"text": "x"}, {"status_code": 200}]
    assert verdict(answer(200, "x"), [{"text": ""}], alarms).alarm == {"text": "x"}


def test_an_alarm_is_a_copy(answer):
    """A change of the alarm in a verdict leaves the condition as it was."""
    expected = expectations(alarms={"json": [1]})
    expected.judge(answer(200, [1]), {}, never).alarm["json"].append(2)
    assert expected.judge(answer(200, [1]), {}, never).alarm == {"json": [1]}


def test_the_reasons_of_a_miss_are_in_the_order_of_until(answer):
    """A verdict has a reason for each unmet key of until, in order; none of alarms."""
    until = [{"status_code": 201, "text": "x"}, {"status_code": 202}]
    assert verdict(answer(200, "y"), until, [{"text": "z"}]) == Verdict(
        "waiting",
        (
            "status_code is 200, not 201",
            "text is 'y', not 'x'",
            "status_code is 200, not 202",
        ),
    )


def test_a_body_that_is_not_json_hides_no_other_alarm(answer):
    """After an alarm on a body that is not JSON the next alarm is checked."""
    alarms = [{"json": {"status": "TIMEOUT"}}, {"status_code": 502}]
    found = verdict(answer(502, "<html>"), [{"status_code": 200}], alarms)
    assert found.alarm == {"status_code": 502}


def test_an_ignored_exception_hides_no_other_alarm(answer):
    """After an alarm whose check raised an ignored exception the next is checked."""
    alarms = [{"callback": lambda response: {}["x"]}, {"status_code": 502}]
    found = verdict(answer(502), [{"status_code": 200}], alarms, always)
    assert found.alarm == {"status_code": 502}


def test_an_answer_is_decoded_once_for_all_conditions(answer, monkeypatch):
    """However many conditions check the JSON of an answer, it is decoded once."""
    calls = []
    seen = answer(200, {"a": 1})
    decode = seen.response.json
    monkeypatch.setattr(seen.response, "json", lambda: calls.append(1) or decode())
    path = {"jsonpath": [{"expression": "$.a", "value": 2}]}
    verdict(seen, [{"json": 1}, path, {"json": 2}], [path, {"json": 3}])
    assert calls == [1]


@pytest.mark.parametrize(
    "error", [Alarm(None, None), GaveUp()], ids=["Alarm", "GaveUp"]
)
def test_the_end_of_a_wait_in_a_callback_is_never_ignored(answer, error):
    """Alarm and GaveUp of a wait in a callback are raised, even with [Exception]."""

    def callback(response):
        raise error

    ignores = IgnoredExceptions.checked([Exception])
    with pytest.raises(type(error)):
        verdict(answer(200), [{"callback": callback}], (), ignores)


# consecutive.


def test_a_condition_can_need_several_answers_in_a_row(answer):
    """The reason says how many there were, and another answer sets the count to 0.

    A count that was reached is reached by the next such answer as well.
    """
    expected = expectations(until={"status_code": 200, "consecutive": 3})
    counts = {}
    told = [
        expected.judge(answer(status), counts, never).reasons
        for status in (200, 200, 503, 200, 200, 200, 200)
    ]
    assert told == [
        ("1 of 3 in a row",),
        ("2 of 3 in a row",),
        ("status_code is 503, not 200",),
        ("1 of 3 in a row",),
        ("2 of 3 in a row",),
        (),
        (),
    ]


def test_once_in_a_row_is_once(answer):
    """A condition with consecutive=1 is met by one answer, and is not counted."""
    counts, expected = {}, expectations(until={"text": "", "consecutive": 1})
    assert expected.judge(answer(), counts, never).outcome == "met"
    assert counts == {}


def test_a_count_belongs_to_its_condition(answer):
    """The count of a new condition starts at 0, also in the place of an older one.

    The counts of the other conditions go on.
    """
    counts, until = {}, {"status_code": 200, "consecutive": 3}
    expected = expectations(until=until, alarms={"text": "x", "consecutive": 2})
    expected.judge(answer(200), counts, never)
    expected.alarms = expectations(alarms={"text": "", "consecutive": 9}).alarms
    assert expected.judge(answer(200), counts, never).reasons == ("2 of 3 in a row",)
    assert list(counts.values()) == [1, 2]
    expected.until = expectations(until=[{"text": ""}, until]).until[1:]
    assert expected.judge(answer(200), counts, never).reasons == ("1 of 3 in a row",)
    assert list(counts.values()) == [2, 1]


@pytest.mark.parametrize("number", [0, -1, True, 2.0, "2", None])
def test_a_consecutive_that_is_no_number_is_refused(number):
    """``consecutive`` takes an int from 1 only."""
    with pytest.raises(ValueError, match=r"^until: consecutive is .* at least 1"):
        condition({"status_code": 200, "consecutive": number})


def test_consecutive_alone_is_refused():
    """A condition with no key but consecutive is refused."""
    with pytest.raises(ValueError, match=r"^until: consecutive is 2: give another key"):
        condition({"consecutive": 2})


def test_every_answer_advances_every_count(answer):
    """An answer that meets a condition is counted for the conditions behind it too."""
    counts = {}
    expected = expectations(
        alarms=[
            {"status_code": 500},
            {"status_code": "5xx", "consecutive": 2},
            {"text": "", "consecutive": 9},
        ],
        until=[{"status_code": 200}, {"text": "", "consecutive": 9}],
    )

    outcomes = [
        expected.judge(answer(status), counts, never).outcome
        for status in (200, 500, 503)
    ]
    assert outcomes == ["met", "alarm", "alarm"]
    assert list(counts.values()) == [2, 3, 3]


# pending.


@pytest.fixture
def expects(answer):
    """Return a function of a status, where 200 is the success and 500 the alarm."""

    def expects(status, pending):
        written = {"until": {"status_code": 200}, "alarms": {"status_code": 500}}
        if pending is not None:
            written["pending"] = pending
        return expectations(**written).judge(answer(status), {}, never)

    return expects


@pytest.mark.parametrize(
    ("status", "pending", "outcome"),
    [
        (404, None, "waiting"),
        (404, [], "alarm"),
        (404, {"status_code": 503}, "alarm"),
        (503, {"status_code": 503}, "waiting"),
        (503, [{"status_code": 502}, {"status_code": 503}], "waiting"),
        (200, [], "met"),
        (500, {"status_code": 500}, "alarm"),
    ],
)
def test_an_answer_that_is_not_pending_is_an_alarm(expects, status, pending, outcome):
    """With ``pending``, an answer that meets no condition at all is an alarm."""
    assert expects(status, pending).outcome == outcome


def test_the_verdict_on_an_unexpected_answer_has_all_reasons(expects):
    """The verdict on an unexpected answer has the reasons of until and of pending."""
    verdict = expects(404, [{"status_code": 502}, {"status_code": 503}])
    assert verdict.alarm is None
    assert verdict.reasons == ("status_code is 404, not 200",)
    assert verdict.not_pending == (
        "status_code is 404, not 502",
        "status_code is 404, not 503",
    )


def test_an_answer_that_is_counted_is_pending(answer):
    """An answer that meets a condition, but not yet often enough, is expected."""
    until, counts = {"status_code": 200, "consecutive": 2}, {}
    expected = expectations(until=until, pending=[])
    outcomes = [
        expected.judge(answer(status), counts, never).outcome
        for status in (200, 200, 404)
    ]
    assert outcomes == ["waiting", "met", "alarm"]
