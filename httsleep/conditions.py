"""What the caller wrote, checked and copied; whether an answer meets it.

A condition is a dict, and its keys are an AND; a list of dicts is an OR. Which keys are
there decides, not whether their values are true.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from .attempt import Outcome
from .checks import bad_argument, nearest
from .formatting import describe_exception, one_line, safe_repr
from .validators import Answer, Check, Validator

#: What ``until`` and ``alarms`` take: a condition, or several of which any will do.
Conditions = Mapping[str, Any] | Sequence[Mapping[str, Any]]
#: Whether an exception is one of those that the caller wants ignored.
Ignores = Callable[[Exception], bool]

#: By condition, how many answers in a row have met its other keys.
Counts = dict[str, int]

_LONGEST_REASON = 500


def copy_containers(value: Any) -> Any:
    """A copy of the dicts and lists in ``value``; everything else is kept as it is."""
    if isinstance(value, dict):
        return {key: copy_containers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copy_containers(each) for each in value]
    return value


class Condition:
    """One condition: the dict that the caller wrote, and a check for each of its keys.

    :ivar place: the argument that it stands in, and where: ``'until[0]'``.
    :ivar source: a copy of the dict, a numeric string status cast to int.
    :ivar consecutive: in how many polls in a row the checks have to be met.
    """

    def __init__(
        self,
        where: str,
        source: Any,
        validators: Mapping[str, Validator],
        *,
        place: str = "",
    ) -> None:
        if not isinstance(source, Mapping):
            right = "a condition is a dict such as {'status_code': 200}"
            raise bad_argument(where, source, right)
        if not source:
            raise bad_argument(where, source, "an empty condition expects nothing")
        for key in source:
            if key not in validators and key != "consecutive":
                words = (*validators, "consecutive")
                right = f"unknown key {safe_repr(key)}: {nearest(key, words)}"
                raise bad_argument(where, source, right)
        self.place = place or where
        try:
            self.source: dict[str, Any] = copy_containers(dict(source))
            wanted = dict(self.source)
            self.consecutive = _consecutive(wanted)
            wanted.pop("consecutive", None)
            checks = {key: validators[key](each) for key, each in wanted.items()}
        except RecursionError:
            raise ValueError(f"{where} contains itself, or is too deep") from None
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        status = source.get("status_code")
        if isinstance(status, str) and status.isdigit():
            self.source["status_code"] = int(status)
        # The caller's own code comes last, and sees only what is otherwise right.
        self._callback = checks.pop("callback", None)
        self._checks = checks

    def unmet(
        self,
        answer: Answer,
        counts: Counts,
        ignores: Ignores,
        most: int | None = None,
    ) -> list[str]:
        """Why ``answer`` does not meet the condition, ``most`` reasons of it; or [].

        Counts one more answer in a row that meets the other keys, or starts anew.
        """
        reasons = list(islice(self._misses(answer, ignores), most))
        if self.consecutive > 1:
            counts[self.place] = 0 if reasons else counts.get(self.place, 0) + 1
            if 0 < counts[self.place] < self.consecutive:
                return [f"{counts[self.place]} of {self.consecutive} in a row"]
        return reasons

    def _misses(self, answer: Answer, ignores: Ignores) -> Iterator[str]:
        """A reason for each key that is not met."""
        met = True
        for key, check in self._checks.items():
            reason = _reason(key, check, answer, ignores)
            if reason is not None:
                met = False
                yield reason
        if met and self._callback is not None:
            reason = _reason("callback", self._callback, answer, ignores)
            if reason is not None:
                yield reason


def _consecutive(source: Mapping[str, Any]) -> int:
    """How many answers in a row have to meet the other keys."""
    number = source.get("consecutive", 1)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise bad_argument("consecutive", number, "give an int of at least 1")
    if source.keys() == {"consecutive"}:
        raise bad_argument("consecutive", number, "say what has to be met so often")
    return number


def _reason(key: str, check: Check, answer: Answer, ignores: Ignores) -> str | None:
    """What ``check`` says; that it raised, if that is to be ignored."""
    try:
        reason = check(answer)
    except Exception as exc:
        if not ignores(exc):
            raise
        return f"{key} raised {describe_exception(exc)}"
    return None if reason is None else one_line(reason, _LONGEST_REASON)


def conditions(
    where: str,
    source: Any,
    validators: Mapping[str, Validator],
) -> tuple[Condition, ...]:
    """The checked conditions for what an argument such as ``until`` was given."""
    if not isinstance(source, (list, tuple)):
        return (Condition(where, source, validators, place=f"{where}[0]"),)
    return tuple(
        Condition(f"{where}[{index}]", each, validators)
        for index, each in enumerate(source)
    )


class Verdict(NamedTuple):
    """What an answer means for the run, and why it is not a success.

    :ivar reasons: of ``until``, if the answer met none of its conditions.
    :ivar alarm: the alarm that was met; ``None`` for an answer that nothing expects.
    :ivar unpending: of ``pending``, if the answer met none of its conditions either.
    """

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    alarm: dict[str, Any] | None = None
    unpending: tuple[str, ...] = ()


def judge(
    answer: Answer,
    alarms: Sequence[Condition],
    until: Sequence[Condition],
    pending: Sequence[Condition] | None,
    counts: Counts,
    ignores: Ignores,
) -> Verdict:
    """Alarms first, in order, then ``until``, then ``pending`` if it is given.

    Conditions that count are looked at in every poll, also behind one that is met.
    """
    counted = {
        condition.place: condition.unmet(answer, counts, ignores)
        for condition in (*alarms, *until)
        if condition.consecutive > 1
    }

    def unmet(condition: Condition, most: int | None = None) -> list[str]:
        if condition.place in counted:
            return counted[condition.place]
        return condition.unmet(answer, counts, ignores, most)

    for alarm in alarms:
        if not unmet(alarm, most=1):
            return Verdict("alarm", alarm=copy_containers(alarm.source))
    reasons: list[str] = []
    for condition in until:
        missing = unmet(condition)
        if not missing:
            return Verdict("met")
        reasons += missing
    if pending is not None and not any(map(counts.get, counted)):
        missed = [unmet(condition) for condition in pending]
        if all(missed):
            return Verdict("alarm", tuple(reasons), None, tuple(chain(*missed)))
    return Verdict("waiting", tuple(reasons))
