"""Conditions, checked and copied; the verdict on an answer.

A condition is a dict, and all of its keys have to be met. Of a list of conditions one
has to be met. A key counts if it is there, whatever its value is.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypedDict

from .attempt import Outcome
from .checks import bad_argument
from .failures import describe_exception
from .formatting import one_line, written
from .guesses import example_condition, nearest_key
from .operators import JSONPathEntry
from .validators import (
    VALIDATORS,
    Answer,
    Callback,
    Check,
    ExpectedHeaders,
    StatusCode,
    Text,
    TwoStepCheck,
    Validator,
)
from .wording import worded


class Condition(TypedDict, total=False):
    """The type of a condition, for annotations: a plain dict with some of these keys.

    A condition need not be annotated. A dict with keys that a subclass of
    :class:`HttSleeper <httsleep.HttSleeper>` has added is annotated as a
    ``dict[str, Any]``.
    """

    status_code: StatusCode
    """The status: an int, a class such as ``'2xx'``, or a list of these."""

    headers: ExpectedHeaders
    """Headers of the answer: a dict of names and values; ``True`` for any value."""

    text: Text
    """The whole text of the body, or a regular expression that is found in it."""

    json: Any
    """The decoded body."""

    json_contains: Any
    """A part of the decoded body."""

    jsonpath: JSONPathEntry | dict[str, Any] | list[JSONPathEntry]
    """JSONPaths with their values, an entry, or a list of entries."""

    callback: Callback
    """A callable that is given the response and returns something true."""

    consecutive: int
    """How many answers in a row have to meet the other keys."""


#: What ``until`` and ``alarms`` take: a condition, or several of which one has to be
#: met.
Conditions = Condition | Mapping[str, Any] | Sequence[Condition | Mapping[str, Any]]
#: Whether an exception does not end the wait.
IsIgnored = Callable[[Exception], bool]

_MAX_REASON = 500  # characters
_KEYS_OF_BODY = {"text", "json", "json_contains", "jsonpath"}


def copy_containers(value: Any) -> Any:
    """Return a copy of the dicts and lists in ``value``; all else is kept as it is."""
    if isinstance(value, dict):
        return {key: copy_containers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copy_containers(each) for each in value]
    return value


def _is_plain(value: Any) -> bool:
    """Return whether a value has no code of the caller's in it."""
    if isinstance(value, dict):
        return all(map(_is_plain, chain.from_iterable(value.items())))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return type(value) in (str, int, float, bool, type(None), re.Pattern)


class CheckedCondition:
    """One condition: the dict that the caller wrote, and a check for each of its keys.

    :ivar source: a copy of the dict, in which a numeric string status is an int.
    :ivar consecutive: how many answers in a row have to meet the other keys.
    """

    def __init__(
        self, place: str, source: Any, validators: Mapping[str, Validator]
    ) -> None:
        _check_keys(place, source, validators)
        self._place = place
        checks, problem = {}, ""
        try:
            self.source: dict[str, Any] = copy_containers(dict(source))
            self.consecutive = _consecutive(self.source)
            checks = {
                key: validators[key](expected)
                for key, expected in self.source.items()
                if key != "consecutive"
            }
            # These checks have the same result for each answer with the same body.
            self._repeatable = {
                key
                for key in checks.keys() & _KEYS_OF_BODY
                if validators[key] is VALIDATORS[key] and _is_plain(self.source[key])
            }
        except RecursionError:
            problem = " contains itself, or is nested too deeply: give flat data"
        except ValueError as error:
            problem = f": {error}"
        if problem:
            raise ValueError(f"{place}{problem}")
        status = self.source.get("status_code")
        if isinstance(status, str) and status.isdigit():
            self.source["status_code"] = int(status)
        if "callback" in checks:  # unmet() calls it after all other checks
            checks["callback"] = checks.pop("callback")
        self._checks = checks

    def unmet(
        self, answer: Answer, is_ignored: IsIgnored, *, first_only: bool = False
    ) -> list[str]:
        """Return a reason for each key that the answer does not meet.

        The callback is called only if all other keys are met.

        :param first_only: whether one reason is enough, and may be empty.
        """
        reasons: list[str] = []
        for key, check in self._checks.items():
            if reasons and (first_only or key == "callback"):
                break
            try:
                reason = self._ask(key, check, answer, first_only)
            except Exception as exc:
                if not is_ignored(exc):
                    exc.add_note(
                        f"raised by {key!r} in {self._place}{self._guard(key, answer)}"
                    )
                    raise
                reason = f"{key} raised {describe_exception(exc)}"
            if reason is not None:
                reasons.append(one_line(reason, _MAX_REASON))
        return reasons

    def _guard(self, key: str, answer: Answer) -> str:
        """Return what keeps error pages from a callback that has raised for one."""
        status = answer.response.status_code
        is_guarded = key != "callback" or "status_code" in self._checks
        if is_guarded or not isinstance(status, int) or status < 400:
            return ""
        return "\n  with status_code=200 beside it, a callback is given no error page"

    def _ask(
        self, key: str, check: Check, answer: Answer, first_only: bool
    ) -> str | None:
        """Return the reason of a check, which may be known from the answer before."""
        is_repeatable = key in self._repeatable
        if is_repeatable and check in answer.known:
            reason = answer.known[check]
        elif first_only and isinstance(check, TwoStepCheck):
            reason = None if check.is_met(answer) else ""
        else:
            reason = check(answer)
        if is_repeatable:
            answer.results[check] = reason
        return reason


def _check_keys(place: str, source: Any, validators: Mapping[str, Validator]) -> None:
    """Check that a condition is a dict with at least one key, and only known keys."""
    if not isinstance(source, Mapping):
        kind = worded("a dict", "an object")
        instead = f"a condition is {kind} such as {example_condition(source)}"
        raise bad_argument(place, source, instead)
    if not source:
        instead = "an empty condition expects nothing; give one with a key"
        raise bad_argument(place, source, instead)
    for key, value in source.items():
        if key not in validators and key != "consecutive":
            known = (*validators, "consecutive")
            instead = f"unknown key {written(key)}: {nearest_key(key, value, known)}"
            raise bad_argument(place, source, instead)


def _consecutive(source: Mapping[str, Any]) -> int:
    """Return how many answers in a row have to meet the other keys, checked."""
    number = source.get("consecutive", 1)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        instead = f"give {worded('an int', 'a whole number')} of at least 1"
        raise bad_argument("consecutive", number, instead)
    if source.keys() == {"consecutive"}:
        raise bad_argument("consecutive", number, "give another key beside it")
    return number


def checked_conditions(
    argument: str, value: Any, validators: Mapping[str, Validator]
) -> tuple[CheckedCondition, ...]:
    """Return the conditions that an argument such as ``until`` holds."""
    if not isinstance(value, (list, tuple)):
        return (CheckedCondition(argument, value, validators),)
    return tuple(
        CheckedCondition(f"{argument}[{index}]", each, validators)
        for index, each in enumerate(value)
    )


class Verdict(NamedTuple):
    """The meaning of an answer for the wait, and why it is not a success.

    :ivar unmet: the reasons of ``until``, if the answer met none of its conditions.
    :ivar alarm: the alarm that was met; ``None`` if an unexpected answer is the alarm.
    :ivar not_pending: the reasons of ``pending``, if the answer is unexpected.
    :ivar unexpected: why an answer is unexpected, in words.
    :ivar about_url: what there is to say of the URL to poll next, with ``follow``.
    """

    outcome: Outcome
    unmet: tuple[str, ...] = ()
    alarm: dict[str, Any] | None = None
    not_pending: tuple[str, ...] = ()
    unexpected: str = "got an unexpected answer"
    about_url: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the answer is no success."""
        return self.about_url + self.unmet


#: For each condition with ``consecutive``, how many answers in a row have met its other
#: keys.
Counts = dict[CheckedCondition, int]
#: A function that returns a reason for each key of a condition that is not met.
_Unmet = Callable[..., list[str]]


class Expectations:
    """The conditions by which every answer of a wait is judged.

    The attributes can be assigned while the wait is under way.

    :ivar until: an answer that meets one of these is the success.
    :ivar alarms: an answer that meets one of these is a failure.
    :ivar pending: an answer that meets none of the conditions, these included, is a
        failure; with ``None`` the wait goes on after such an answer.
    """

    def __init__(self) -> None:
        self.until: tuple[CheckedCondition, ...] = ()
        self.alarms: tuple[CheckedCondition, ...] = ()
        self.pending: tuple[CheckedCondition, ...] | None = None

    def judge(self, answer: Answer, counts: Counts, is_ignored: IsIgnored) -> Verdict:
        """Return the verdict: alarms first, then ``until``, then ``pending``.

        :param counts: the counts of the wait; updated. Conditions that count are looked
            at for every answer, even if one before them is met.
        """
        unmet = _unmet((*self.alarms, *self.until), answer, counts, is_ignored)
        verdict = self._alarm(unmet) or self._success(unmet)
        is_waiting = verdict.outcome == "waiting"
        if is_waiting and self.pending is not None and not any(counts.values()):
            of_pending = [unmet(condition) for condition in self.pending]
            if all(of_pending):
                not_pending = tuple(chain(*of_pending))
                verdict = verdict._replace(outcome="alarm", not_pending=not_pending)
        return verdict

    def judge_submit(
        self,
        answer: Answer,
        counts: Counts,
        is_ignored: IsIgnored,
        names_url: Callable[[], bool],
    ) -> Verdict:
        """Return the verdict on the answer to a submit: alarms first, then ``until``.

        In ``until``, ``consecutive`` counts as reached, for no other answer will come.

        :param names_url: returns whether the wait goes on at a URL that the answer
            names, so that ``until`` is not looked at.
        """
        unmet = _unmet(self.alarms, answer, counts, is_ignored)
        if (alarm := self._alarm(unmet)) is not None:
            return alarm
        return Verdict("waiting") if names_url() else self._success(unmet)

    def _alarm(self, unmet: _Unmet) -> Verdict | None:
        """Return the verdict for the first alarm that is met, or ``None``."""
        for alarm in self.alarms:
            if not unmet(alarm, first_only=True):
                return Verdict("alarm", alarm=copy_containers(alarm.source))
        return None

    def _success(self, unmet: _Unmet) -> Verdict:
        """Return whether a success condition is met, and if not why."""
        reasons: list[str] = []
        for condition in self.until:
            of_condition = unmet(condition)
            if not of_condition:
                return Verdict("met")
            reasons += of_condition
        return Verdict("waiting", tuple(reasons))


def _unmet(
    counting: Iterable[CheckedCondition],
    answer: Answer,
    counts: Counts,
    is_ignored: IsIgnored,
) -> _Unmet:
    """Count the answer for those conditions that count; return a function for all.

    :param counts: the counts of the wait; updated.
    """
    counted = {
        condition: condition.unmet(answer, is_ignored)
        for condition in counting
        if condition.consecutive > 1
    }
    _count(counted, counts)

    def unmet(condition: CheckedCondition, first_only: bool = False) -> list[str]:
        if condition in counted:
            return counted[condition]
        return condition.unmet(answer, is_ignored, first_only=first_only)

    return unmet


def _count(counted: dict[CheckedCondition, list[str]], counts: Counts) -> None:
    """Count this answer for each condition, and add a reason where more have to come.

    :param counted: the reasons of each condition; updated.
    :param counts: the counts of the wait; updated.
    """
    before = counts.copy()
    counts.clear()  # removes conditions that were replaced during the wait
    for condition, reasons in counted.items():
        counts[condition] = 0 if reasons else before.get(condition, 0) + 1
        if 0 < counts[condition] < condition.consecutive:
            reasons.append(f"{counts[condition]} of {condition.consecutive} in a row")
