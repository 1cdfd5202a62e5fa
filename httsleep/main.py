"""The run: poll, judge, wait, until a success, an alarm or a limit ends it."""

import logging
import re
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf
from time import monotonic, sleep
from typing import Any, ClassVar, Self

import requests
from requests.auth import AuthBase

from .attempt import Attempt
from .bounded import BoundedSession
from .checks import (
    IgnoredExceptions,
    Seconds,
    bad_argument,
    or_none,
    positive_int,
    positive_seconds,
    seconds,
)
from .conditions import Conditions, Counts, Verdict, conditions, copy_containers, judge
from .exceptions import Alarm as Alarm  # users import it from here
from .exceptions import Cancelled, GaveUp, UnexpectedResponse, story
from .formatting import (
    describe_exception,
    describe_status,
    format_seconds,
    redact_url,
    safe_repr,
)
from .intervals import Interval, retry_after
from .request import UrlOrRequest, checked_copy, sending_options
from .sending import Sender, without_tracebacks
from .validators import VALIDATORS, Answer, JSONPath, StatusCode, Validator

#: Seconds between two polls.
DEFAULT_POLLING_INTERVAL = 2
#: How many polls a run makes at most, unless ``max_time`` is given.
DEFAULT_MAX_RETRIES = 50
#: The longest Retry-After that is waited for, in seconds, unless ``max_time`` is given.
DEFAULT_MAX_RETRY_AFTER = 300
#: How long one request may take, in seconds.
DEFAULT_REQUEST_TIMEOUT = 30
#: How many bytes of body are read: 16 MiB.
DEFAULT_MAX_BODY_SIZE = 16 * 2**20

_log = logging.getLogger("httsleep")


class _Unless(int):
    """A default that gives way if ``max_time`` is given; signatures show ``<50>``."""

    def __repr__(self) -> str:
        return f"<{int(self)}>"


_MAX_RETRIES = _Unless(DEFAULT_MAX_RETRIES)
_MAX_RETRY_AFTER = _Unless(DEFAULT_MAX_RETRY_AFTER)
_MOST_COUNTED = 20
_INSTANT = 0.001  # seconds: less than this is no time, and may be lost in rounding


class _Run:
    """What changes while a run lasts, and the limits that it has."""

    def __init__(
        self,
        sender: Sender,
        max_retries: int | None,
        max_time: float | None,
        max_retry_after: float | None,
        cancel: threading.Event | None = None,
    ) -> None:
        self.sender = sender
        self.cancel = cancel
        self.max_retries = max_retries
        self.max_time = inf if max_time is None else max_time
        self.max_retry_after = inf if max_retry_after is None else max_retry_after
        self.began = monotonic()
        self.polls = self.polls_before = 0
        self.counts: Counts = {}
        self.slowest = 0.0
        self.response: requests.Response | None = None
        self.response_poll = 0
        self.verdict = Verdict("ignored")  # on that answer
        self.exception: Exception | None = None
        self.tally: Counter[str] = Counter()
        self.limit: tuple[str, str] | None = None  # argument's name, and why in words

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return monotonic() - self.began

    def last_moment(self) -> float:
        """The second of the run at which its last poll starts, to end in time."""
        margin = max(1.5 * self.slowest, 0.1)
        return self.max_time - min(margin, self.max_time / 2)

    def cancelled(self) -> bool:
        """Whether the event that ends the run is set."""
        return self.cancel is not None and self.cancel.is_set()

    def count(self, what: str) -> None:
        """Count what came; of a server that always says something new, not all."""
        known = what in self.tally or len(self.tally) < _MOST_COUNTED
        self.tally[what if known else "others"] += 1

    def out_of_time(self) -> tuple[str, str]:
        """That there will be no other poll because of ``max_time``."""
        most = f"max_time={format_seconds(self.max_time)}"
        over = self.elapsed() >= self.max_time
        why = "is over" if over else "has no room for another poll"
        return "max_time", f"{most} {why}"

    def asked(self, attempt: Attempt) -> float:
        """The seconds that the answer asks to wait, as far as anyone listens."""
        if attempt.response is None or self.max_retry_after == 0:
            return 0.0
        return retry_after(attempt.response) or 0.0

    def told(self) -> str:
        """How many polls, and in what time."""
        number = self.polls - self.polls_before
        polls = "1 poll" if number == 1 else f"{number} polls"
        return f"{polls} in {format_seconds(self.elapsed())}"

    def story(self, head: str) -> str:
        """The text of the exception that ends the run."""
        return story(
            head,
            answer=self.response,
            poll=self.response_poll,
            reasons=self.verdict.reasons,
            unpending=self.verdict.unpending,
            tally=self.tally,
        )


class HttSleeper:
    """A request, the conditions to wait for and the limits of the wait.

    A context manager: leaving it closes the session that it made itself.

    :param url_or_request: a URL to GET, or a :class:`requests.Request` for anything
        else (method, params, headers, body). A body that can be sent only once, such
        as an open file, is refused.
    :param until: the success: a condition, or a list of conditions of which any will
        do. Either this or some of the five shorthand arguments must be given.
    :param alarms: a condition or a list of them; an answer that meets one ends the run
        with :class:`Alarm`. Default: none.
    :param status_code: shorthand for a success condition: the *expected* status, an
        int, a class such as ``'2xx'``, or a list, tuple, set or range of these.
        ``None`` (the default of all five) means not given.
    :param json: shorthand: the *expected* body, decoded; not a body to send.
    :param jsonpath: shorthand: ``{'$.path': value}``, an entry such as
        ``{'expression': '$.path', 'ge': 100}``, or a list of entries.
    :param text: shorthand: the whole *expected* text of the body, or a compiled regular
        expression that is found in it.
    :param callback: shorthand: a callable that is given the response and returns
        something true for success.
    :param pending: a condition or a list of them; if given, an answer that meets no
        alarm, no success and none of these ends the run with
        :class:`UnexpectedResponse`. ``[]`` means that nothing else is expected.
        ``None``, the default: any other answer is waited through.
    :param auth: ``(user, password)``, or a callable as requests takes it; set on a copy
        of the request. Default: that of the Request, the session, the URL or netrc.
    :param headers: a dict of headers to send, on top of those of the Request.
    :param session: a :class:`requests.Session` to use through its ``request()``; never
        changed or closed. Default: a session of its own.
    :param verify: ``True``, ``False`` or the path of a CA bundle, as for requests.
        Default: what the session and the environment say.
    :param allow_redirects: whether redirects are followed; default ``True``.
    :param polling_interval: seconds between the end of a poll and the next one, or a
        callable that is given the last :class:`Attempt` and returns them, such as
        :func:`exponential`. 0 polls without a pause. Default 2.
    :param max_retries: how many polls a run makes at most, an int from 1; ``None`` for
        no limit. Default 50, or no limit if ``max_time`` is given.
    :param max_time: seconds that the whole run may take, above 0: waits are shortened,
        a request in flight is cut off. ``None``, the default, for no limit.
    :param request_timeout: seconds that one request may take, body included, above 0;
        ``None`` for no limit but ``max_time``. Default 30. Too slow is
        :class:`requests.exceptions.ReadTimeout` (``ConnectTimeout`` while connecting).
    :param max_retry_after: the longest ``Retry-After`` (RFC 9110 §10.2.3), in seconds,
        that is waited for; a longer one ends the run. 0 means the header is not looked
        at, ``None`` that any is waited for. Default 300, or ``None`` if ``max_time``
        is given.
    :param max_body_size: bytes of decoded body that are read in one poll, redirects
        included, an int from 1; more is :class:`BodyTooLarge`. ``None`` for no limit.
        Default 16 MiB.
    :param ignore_exceptions: an exception class or several; when sending, reading or
        checking raises one, the run goes on. The builtin ``ConnectionError`` stands for
        all connection trouble but refused certificates, ``TimeoutError`` for requests
        that are too slow. Default: none.
    :param on_poll: called with an :class:`Attempt` after every poll; what it raises
        ends the run.
    :param cancel: a :class:`threading.Event`; once it is set, by another thread, the
        run ends with :class:`Cancelled`: at once in a wait, and at the end of a request
        that is under way. :meth:`poll` does not look at it. Default: none.
    :param loglevel: deprecated: the level of the logger ``httsleep``. Use
        ``logging.getLogger('httsleep').setLevel(...)``.
    :raises ValueError: at construction, for every argument that cannot work.
    """

    #: The validators by key of a condition; a subclass can add keys of its own.
    validators: ClassVar[Mapping[str, Validator]] = VALIDATORS

    def __init__(
        self,
        url_or_request: UrlOrRequest,
        until: Conditions | None = None,
        alarms: Conditions | None = None,
        *,
        status_code: StatusCode | None = None,
        json: Any = None,
        jsonpath: JSONPath | None = None,
        text: str | re.Pattern[str] | None = None,
        callback: Callable[[requests.Response], Any] | None = None,
        pending: Conditions | None = None,
        auth: tuple[str, str] | AuthBase | Callable[[Any], Any] | None = None,
        headers: Mapping[str, str | bytes | None] | None = None,
        session: requests.Session | None = None,
        verify: bool | str | None = None,
        allow_redirects: bool = True,
        polling_interval: Interval = DEFAULT_POLLING_INTERVAL,
        max_retries: int | None = _MAX_RETRIES,
        max_time: Seconds | None = None,
        request_timeout: Seconds | None = DEFAULT_REQUEST_TIMEOUT,
        max_retry_after: Seconds | None = _MAX_RETRY_AFTER,
        max_body_size: int | None = DEFAULT_MAX_BODY_SIZE,
        ignore_exceptions: type[Exception] | Iterable[type[Exception]] = (),
        on_poll: Callable[[Attempt], Any] | None = None,
        cancel: threading.Event | None = None,
        loglevel: int | str | None = None,
    ) -> None:
        _set_loglevel(loglevel)
        self._owns_session = session is None
        self.session: requests.Session = (
            BoundedSession() if session is None else session
        )
        usable = callable(getattr(self.session, "request", None))
        if isinstance(self.session, type) or not usable:
            raise bad_argument("session", type(session), "give a requests.Session")
        self.request = checked_copy(
            url_or_request, auth, headers, absolute=self._owns_session
        )
        self._line = f"{self.request.method} {redact_url(self.request.url)}"
        self.kwargs = sending_options(verify)
        if not isinstance(allow_redirects, bool):
            raise bad_argument("allow_redirects", allow_redirects, "give True or False")
        self.allow_redirects = allow_redirects
        self.until = _success(
            until,
            {
                "status_code": status_code,
                "json": json,
                "jsonpath": jsonpath,
                "text": text,
                "callback": callback,
            },
        )
        self.alarms = () if alarms is None else alarms
        self.pending = pending

        if not callable(polling_interval):
            polling_interval = seconds("polling_interval", polling_interval)
        self.polling_interval: Interval = polling_interval
        if max_retries is _MAX_RETRIES:
            max_retries = None if max_time is not None else DEFAULT_MAX_RETRIES
        if max_retry_after is _MAX_RETRY_AFTER:
            max_retry_after = None if max_time is not None else DEFAULT_MAX_RETRY_AFTER
        self.max_retries = or_none(positive_int, "max_retries", max_retries)
        self.max_time = or_none(positive_seconds, "max_time", max_time)
        self.request_timeout = or_none(
            positive_seconds, "request_timeout", request_timeout
        )
        self.max_retry_after = or_none(seconds, "max_retry_after", max_retry_after)
        self.max_body_size = or_none(positive_int, "max_body_size", max_body_size)
        self._ignores = IgnoredExceptions.checked(ignore_exceptions)
        if on_poll is not None and not callable(on_poll):
            raise bad_argument(
                "on_poll", on_poll, "give a callable that takes an Attempt"
            )
        self.on_poll = on_poll
        if cancel is not None and not isinstance(cancel, threading.Event):
            raise bad_argument("cancel", cancel, "give a threading.Event")
        self.cancel = cancel
        self._polls = 0  # made by poll()

    @property
    def until(self) -> list[dict[str, Any]]:
        """The success conditions: a list of dicts, copied; assign to change them.

        :raises ValueError: when assigned what is no condition.
        """
        return [copy_containers(condition.source) for condition in self._until]

    @until.setter
    def until(self, value: Conditions) -> None:
        until = conditions("until", value, self.validators)
        if not until:
            raise bad_argument(
                "until", value, "without a condition nothing is a success"
            )
        self._until = until
        self._counts: Counts = {}

    @property
    def alarms(self) -> list[dict[str, Any]]:
        """The alarm conditions: a list of dicts, copied; assign to change them.

        :raises ValueError: when assigned what is no condition.
        """
        return [copy_containers(condition.source) for condition in self._alarms]

    @alarms.setter
    def alarms(self, value: Conditions) -> None:
        self._alarms = conditions("alarms", value, self.validators)
        self._counts = {}

    @property
    def pending(self) -> list[dict[str, Any]] | None:
        """What an answer has to be that is neither: as ``until``, or ``None``.

        :raises ValueError: when assigned what is no condition.
        """
        if self._pending is None:
            return None
        return [copy_containers(condition.source) for condition in self._pending]

    @pending.setter
    def pending(self, value: Conditions | None) -> None:
        pending = None
        if value is not None:
            pending = conditions("pending", value, self.validators)
            if any("consecutive" in condition.source for condition in pending):
                right = "consecutive counts towards an end; leave it out"
                raise bad_argument("pending", value, right)
        self._pending = pending
        self._counts = {}

    @property
    def ignore_exceptions(self) -> tuple[type[Exception], ...]:
        """The exception classes to ignore, as they were given."""
        return self._ignores.classes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sleeper's own session, cookies and all; never the caller's.

        The sleeper can be used again afterwards.
        """
        if self._owns_session:
            self.session.cookies.clear()
            self.session.close()

    def run(self) -> requests.Response:
        """Poll until the answer is the one that is waited for, and return it.

        A session of the sleeper's own starts with an empty cookie jar, and its
        connections are closed at the end. Can be called again.

        :raises Alarm: an answer met one of ``alarms``; :class:`UnexpectedResponse` if
            ``pending`` is given and the answer met nothing.
        :raises GaveUp: a limit ended the wait.
        :raises Cancelled: ``cancel`` was set.
        :raises requests.exceptions.RequestException: a request failed, and
            ``ignore_exceptions`` does not cover that; likewise what a callback raised.
        """
        if self._owns_session:
            self.session.cookies.clear()
        limits = (self.max_retries, self.max_time, self.max_retry_after)
        run = _Run(self._sender(), *limits, self.cancel)
        _log.info("%s: polling", self._line)
        try:
            self._check_limit(run)
            while not (attempt := self._poll(run)).met:
                self._rest(run, attempt)
        except BaseException as exc:
            why = describe_exception(exc) if run.limit is None else run.limit[1]
            _log.info("%s: ended after %s: %s", self._line, run.told(), why)
            raise
        finally:
            if self._owns_session:
                self.session.close()
        _log.info("%s: success after %s", self._line, run.told())
        assert attempt.response is not None
        return attempt.response

    def poll(self) -> Attempt:
        """Poll once and say what came: for schedulers that do the waiting themselves.

        Never sleeps and never gives up: of the limits only ``request_timeout`` and
        ``max_body_size`` apply. Cookies and connections of the sleeper's own session
        are kept until :meth:`close`.

        :returns: an :class:`Attempt`; its ``next_wait`` says when to poll again.
        :raises Alarm: as :meth:`run`.
        :raises requests.exceptions.RequestException: as :meth:`run`.
        """
        patience = 0 if self.max_retry_after == 0 else None
        run = _Run(self._sender(), None, None, patience)
        run.polls = run.polls_before = self._polls
        run.counts = self._counts
        try:
            return self._poll(run)
        finally:
            self._polls = run.polls

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle holds: the conditions as written, and their counts."""
        written = {name: getattr(self, name) for name in ("until", "alarms", "pending")}
        made = ("_until", "_alarms", "_pending")
        kept = {name: each for name, each in vars(self).items() if name not in made}
        return written | kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        counts = state["_counts"]
        for name, value in state.items():
            setattr(self, name, value)
        self._counts = counts

    def _sender(self) -> Sender:
        """What sends the requests of one run."""
        return Sender(
            self.session,
            self.request,
            options=self.kwargs,
            allow_redirects=self.allow_redirects,
            max_body_size=self.max_body_size,
        )

    def _poll(self, run: _Run) -> Attempt:
        """One step of the run: request, answer, verdict, and when to go on."""
        run.polls += 1
        attempt = self._attempt(run)
        if attempt.outcome in ("waiting", "ignored"):
            run.limit = self._limit(run, attempt)
            if run.limit is None:
                attempt = replace(attempt, next_wait=self._next_wait(run, attempt))
        _log.debug("%s: %s", self._line, attempt)
        if self.on_poll is not None:
            self.on_poll(attempt)
        if attempt.outcome == "alarm" and attempt.response is not None:
            raise self._alarm(run, attempt.response) from None
        return attempt

    def _attempt(self, run: _Run) -> Attempt:
        """Send the request and judge the answer."""
        began = run.elapsed()
        timeout = inf if self.request_timeout is None else self.request_timeout
        ends = min(began + timeout, run.max_time)
        verdict = Verdict("ignored")
        response = ignored = None
        try:
            response = run.sender.send(lambda: ends - run.elapsed())
        except Exception as exc:
            slow = isinstance(exc, requests.exceptions.Timeout)
            cut_off = slow and (
                run.elapsed() > run.max_time - _INSTANT or run.cancelled()
            )
            if not (cut_off or self._ignores(exc)):
                if isinstance(exc, requests.exceptions.RequestException):
                    hint = "ignore_exceptions would make it poll on"
                    exc.add_note(f"{self._line} failed after {run.told()}; {hint}")
                raise
            ignored = run.exception = without_tracebacks(exc)
            run.count(describe_exception(exc))
            run.counts.clear()
        else:
            verdict = judge(
                Answer(response),
                self._alarms,
                self._until,
                self._pending,
                run.counts,
                self._ignores,
            )
            run.response, run.response_poll, run.verdict = response, run.polls, verdict
            run.count(describe_status(response))
        elapsed = run.elapsed()
        run.slowest = max(run.slowest, elapsed - began)
        return Attempt(
            number=run.polls,
            response=response,
            exception=ignored,
            outcome=verdict.outcome,
            reasons=verdict.reasons,
            elapsed=elapsed,
            next_wait=None,
        )

    def _alarm(self, run: _Run, response: requests.Response) -> Alarm:
        """The exception for an answer that met an alarm, or that nothing expects."""
        alarm = run.verdict.alarm
        if alarm is None:
            kind: type[Alarm] = UnexpectedResponse
            what = "got an answer that nothing expects"
        else:
            kind, what = Alarm, "met an alarm"
        told = f"{self._line} {what} after {run.told()}"
        return kind(
            response,
            alarm,
            attempts=run.polls,
            elapsed=run.elapsed(),
            story=run.story(told if alarm is None else f"{told}: {safe_repr(alarm)}"),
        )

    def _limit(self, run: _Run, attempt: Attempt) -> tuple[str, str] | None:
        """Which argument says that this was the last poll, and why; or ``None``."""
        if run.cancelled():
            return "cancel", "cancel is set"
        if run.polls == run.max_retries:
            return "max_retries", f"max_retries={run.max_retries} is reached"
        if run.elapsed() > run.last_moment() - _INSTANT:
            return run.out_of_time()
        asked, most = run.asked(attempt), run.max_retry_after
        if asked > most:
            told = f"Retry-After asks for {format_seconds(asked)}"
            return "max_retry_after", f"{told}, max_retry_after={format_seconds(most)}"
        return None

    def _next_wait(self, run: _Run, attempt: Attempt) -> float:
        """Seconds until the next poll."""
        wait = max(self._interval(attempt), run.asked(attempt))
        # A poll that started any later would leave no time for one at the last moment.
        left = run.last_moment() - run.elapsed()
        return wait if wait + run.slowest < left - _INSTANT else max(left, 0.0)

    def _interval(self, attempt: Attempt) -> float:
        """The ``polling_interval`` after ``attempt``, in seconds."""
        if not callable(self.polling_interval):
            return float(seconds("polling_interval", self.polling_interval))
        interval = self.polling_interval(attempt)
        return float(seconds("what polling_interval returned", interval))

    def _rest(self, run: _Run, attempt: Attempt) -> None:
        """Sleep until the next poll; give up if there is none."""
        left = run.last_moment() - run.elapsed()
        if run.limit is None and left > 0 and attempt.next_wait is not None:
            nap = sleep if run.cancel is None else run.cancel.wait
            nap(min(attempt.next_wait, left))
            left = run.max_time - run.elapsed()
        if run.limit is None and left <= 0:  # on_poll took long, or the machine slept
            run.limit = run.out_of_time()
        self._check_limit(run)

    def _check_limit(self, run: _Run) -> None:
        """End the run if a limit was reached, or if it was cancelled."""
        if run.limit is None and run.cancelled():
            run.limit = "cancel", "cancel is set"
        if run.limit is None:
            return
        limit, why = run.limit
        cancelled = limit == "cancel"
        kind, what = (Cancelled, "stopped") if cancelled else (GaveUp, "gave up")
        raise kind(
            run.story(f"{self._line} {what} after {run.told()}: {why}"),
            limit=limit,
            response=run.response,
            exception=run.exception,
            reasons=run.verdict.reasons,
            attempts=run.polls,
            elapsed=run.elapsed(),
        ) from None


def httsleep(
    url_or_request: UrlOrRequest,
    until: Conditions | None = None,
    alarms: Conditions | None = None,
    *,
    status_code: StatusCode | None = None,
    json: Any = None,
    jsonpath: JSONPath | None = None,
    text: str | re.Pattern[str] | None = None,
    callback: Callable[[requests.Response], Any] | None = None,
    pending: Conditions | None = None,
    auth: tuple[str, str] | AuthBase | Callable[[Any], Any] | None = None,
    headers: Mapping[str, str | bytes | None] | None = None,
    session: requests.Session | None = None,
    verify: bool | str | None = None,
    allow_redirects: bool = True,
    polling_interval: Interval = DEFAULT_POLLING_INTERVAL,
    max_retries: int | None = _MAX_RETRIES,
    max_time: Seconds | None = None,
    request_timeout: Seconds | None = DEFAULT_REQUEST_TIMEOUT,
    max_retry_after: Seconds | None = _MAX_RETRY_AFTER,
    max_body_size: int | None = DEFAULT_MAX_BODY_SIZE,
    ignore_exceptions: type[Exception] | Iterable[type[Exception]] = (),
    on_poll: Callable[[Attempt], Any] | None = None,
    cancel: threading.Event | None = None,
    loglevel: int | str | None = None,
) -> requests.Response:
    """Poll a URL until the answer is the one you wait for, and return that answer.

    Takes the arguments of :class:`HttSleeper`, runs it once and closes it.

    :returns: the :class:`requests.Response` that met a success condition. It is false
        for 4xx and 5xx, so do not test it for truth.
    :raises Alarm: an answer met one of ``alarms``; :class:`UnexpectedResponse` if
        ``pending`` is given and the answer met nothing.
    :raises GaveUp: a limit ended the wait; also a :class:`TimeoutError`.
    :raises Cancelled: ``cancel`` was set.
    :raises ValueError: an argument cannot work; nothing was sent.
    :raises requests.exceptions.RequestException: a request failed, and
        ``ignore_exceptions`` does not cover that.
    """
    arguments = locals()
    _set_loglevel(arguments.pop("loglevel"))
    return HttSleeper(**arguments).run()


def _success(until: Any, shorthand: Mapping[str, Any]) -> Any:
    """What to wait for: ``until``, or the shorthand arguments as one condition."""
    given = {key: value for key, value in shorthand.items() if value is not None}
    if until is None and not given:
        words = ", ".join(["until", *shorthand])
        raise ValueError(f"there is no success condition: give one of {words}")
    if until is not None and given:
        words = " and ".join(["until", *given])
        raise ValueError(f"{words} are given: give until or the shorthand, not both")
    return given if until is None else until


def _set_loglevel(loglevel: int | str | None) -> None:
    if loglevel is None:
        return
    instead = "logging.getLogger('httsleep').setLevel(...)"
    warnings.warn(
        f"loglevel is deprecated: use {instead}", DeprecationWarning, stacklevel=3
    )
    try:
        _log.setLevel(loglevel)
    except Exception:  # also that of its repr()
        raise bad_argument("loglevel", loglevel, "give a level of logging") from None
