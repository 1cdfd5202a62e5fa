"""What the caller wrote, checked and copied; whether an answer meets it.

A condition is a dict, and its keys are an AND; a list of dicts is an OR. Which keys are
there decides, not whether their values are true.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .attempt import Outcome
from .validators import Answer, Check, Validator
from .words import nearest, one_line, refusal, shown, shown_exception

#: What ``until`` and ``alarms`` take: a condition, or several of which any will do.
Conditions = Mapping[str, Any] | Sequence[Mapping[str, Any]]
#: Whether an exception is one of those that the caller wants ignored.
Ignores = Callable[[Exception], bool]

_LONGEST_REASON = 500


def copied(value: Any) -> Any:
    """A copy of the dicts and lists in ``value``; everything else is kept as it is."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value


class Condition:
    """One condition: the dict that the caller wrote, and a check for each of its keys.

    :ivar source: a copy of the dict, a numeric string status cast to int.
    """

    def __init__(
        self, where: str, source: Any, validators: Mapping[str, Validator]
    ) -> None:
        if not isinstance(source, Mapping):
            right = "a condition is a dict such as {'status_code': 200}"
            raise refusal(where, source, right)
        if not source:
            raise refusal(where, source, "an empty condition expects nothing")
        for key in source:
            if key not in validators:
                right = f"unknown key {shown(key)}: {nearest(key, validators)}"
                raise refusal(where, source, right)
        try:
            self.source: dict[str, Any] = copied(dict(source))
            checks = {key: validators[key](self.source[key]) for key in source}
        except RecursionError:
            raise ValueError(f"{where} contains itself, or is too deep") from None
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if isinstance(status := source.get("status_code"), str):
            self.source["status_code"] = int(status)
        # The caller's own code comes last, and sees only what is otherwise right.
        self._callback = checks.pop("callback", None)
        self._checks = checks

    def unmet(self, answer: Answer, ignores: Ignores) -> list[str]:
        """Why ``answer`` does not meet the condition, a reason for each key; or []."""
        reasons = [
            reason
            for key, check in self._checks.items()
            if (reason := _reason(key, check, answer, ignores)) is not None
        ]
        if self._callback is not None and not reasons:
            reason = _reason("callback", self._callback, answer, ignores)
            reasons = [] if reason is None else [reason]
        return reasons


def _reason(key: str, check: Check, answer: Answer, ignores: Ignores) -> str | None:
    """What ``check`` says; that it raised, if that is to be ignored."""
    try:
        reason = check(answer)
    except Exception as exc:
        if not ignores(exc):
            raise
        return f"{key} raised {shown_exception(exc)}"
    return None if reason is None else one_line(reason, _LONGEST_REASON)


def conditions(
    where: str, source: Any, validators: Mapping[str, Validator]
) -> tuple[Condition, ...]:
    """The checked conditions for what ``until`` or ``alarms`` was given."""
    if not isinstance(source, (list, tuple)):
        return (Condition(where, source, validators),)
    return tuple(
        Condition(f"{where}[{index}]", each, validators)
        for index, each in enumerate(source)
    )


class Verdict(NamedTuple):
    """What an answer means for the run; the alarm that it met, if it met one."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    alarm: dict[str, Any] | None = None


def judge(
    answer: Answer,
    alarms: Sequence[Condition],
    until: Sequence[Condition],
    ignores: Ignores,
) -> Verdict:
    """Alarms first, in order, then ``until``, in order; if neither, why not."""
    for alarm in alarms:
        if not alarm.unmet(answer, ignores):
            return Verdict("alarm", alarm=copied(alarm.source))
    reasons: list[str] = []
    for condition in until:
        unmet = condition.unmet(answer, ignores)
        if not unmet:
            return Verdict("met")
        reasons += unmet
    return Verdict("waiting", tuple(reasons))
