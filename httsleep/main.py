"""HttSleeper: the settings of a wait, ``run()`` and ``poll()``; ``httsleep()``."""

import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy, deepcopy
from time import sleep
from typing import Any, ClassVar, Self

import requests
from requests.auth import AuthBase

from .attempt import Attempt
from .checks import (
    Seconds,
    Setting,
    bad_argument,
    boolean,
    event,
    function,
    int_from_0,
    or_none,
    positive_int,
    positive_seconds,
    refuse_unpicklable,
    seconds,
    usable_session,
)
from .conditions import (
    CheckedCondition,
    Conditions,
    Expectations,
    checked_conditions,
    copy_containers,
)
from .exceptions import Alarm as Alarm  # users import it from here
from .excerpt import BodyExcerpt
from .follow import Route, check_resumed
from .formatting import one_line, redact_url, safe_repr
from .guesses import Function, explains_unknown_keywords
from .history import History
from .ignoring import IgnoredExceptions
from .intervals import CheckedInterval, Interval, checked_interval
from .limits import Limits
from .places import Places, PlacesToLook
from .request import UrlOrRequest, checked_copy, sending_options
from .sending import Sender
from .session import BoundedSession
from .validators import VALIDATORS, Callback, JSONPath, StatusCode, Text, Validator
from .wait import Wait

# The signatures below have the same numbers, because editors show them as written.

#: Seconds between two polls.
DEFAULT_POLLING_INTERVAL = 2
#: The largest number of polls of a run, unless ``max_time`` is given.
DEFAULT_MAX_RETRIES = 50
#: The longest Retry-After that is waited for, in seconds, unless ``max_time`` is given.
DEFAULT_MAX_RETRY_AFTER = 300
#: Seconds that one request may take.
DEFAULT_REQUEST_TIMEOUT = 30
#: The largest body that is read, in bytes: 16 MiB.
DEFAULT_MAX_BODY_SIZE = 16 * 2**20
#: The largest number of characters of a body that an exception shows.
DEFAULT_MAX_BODY_EXCERPT = 200

#: What ``auth`` takes.
Auth = tuple[str, str] | AuthBase | Callable[[requests.PreparedRequest], Any]
#: What ``headers`` takes.
Headers = Mapping[str, str | bytes | None]
#: What ``ignore_exceptions`` takes.
ExceptionTypes = type[Exception] | Iterable[type[Exception]]
#: What ``on_poll`` takes.
OnPoll = Callable[[Attempt], Any]

#: The properties that a pickle holds in place of the objects behind them.
_WRITTEN = ("until", "alarms", "pending", "follow", "checkpoint")

_IN_REPR = ("until", "alarms", "pending", "max_retries", "max_time")
_MAX_IN_REPR = 80  # characters of each of these

_log = logging.getLogger("httsleep")


class _OnlyWithoutMaxTime(int):
    """A default that counts only if ``max_time`` is not given.

    The type tells it from an equal number that the caller gives.
    """


def _marks_defaults(function: Function) -> Function:
    """Return the function, whose defaults that depend on ``max_time`` have a type.

    So editors, which read the source, show the same numbers as ``help()``.
    """
    defaults: dict[str, Any] = function.__kwdefaults__ or {}
    for name in ("max_retries", "max_retry_after"):
        defaults[name] = _OnlyWithoutMaxTime(defaults[name])
    return function


class HttSleeper:
    """A request, the conditions to wait for and the limits of the wait.

    ::

        response = HttSleeper('http://server/jobs/1', status_code=200).run()

        with HttSleeper('http://server/jobs/1', until={'json': {'status': 'DONE'}},
                        alarms={'json': {'status': 'FAILED'}}) as sleeper:
            attempt = sleeper.poll()  # one step, for a scheduler that does the waiting

        class JobSleeper(HttSleeper):  # with a key of its own for conditions
            validators = {**HttSleeper.validators, 'job_state': job_state}

    The arguments are those of :func:`httsleep`, which explains each of them. As a
    context manager a sleeper closes the session that it made itself. It serves one
    thread at a time, and cannot be used from its own callbacks: make one for each
    thread.

    :raises ValueError: at construction, for every argument that cannot work. The text
        says which one, and what to give instead.
    """

    #: The validators by key of a condition; a subclass can add keys of its own.
    validators: ClassVar[Mapping[str, Validator]] = VALIDATORS

    allow_redirects: Setting[bool] = Setting(boolean)
    polling_interval: Setting[CheckedInterval] = Setting(checked_interval)
    max_retries: Setting[int | None] = Setting(or_none(positive_int))
    max_time: Setting[float | None] = Setting(or_none(positive_seconds))
    request_timeout: Setting[float | None] = Setting(or_none(positive_seconds))
    max_retry_after: Setting[float | None] = Setting(or_none(seconds))
    max_body_size: Setting[int | None] = Setting(or_none(positive_int))
    max_body_excerpt: Setting[int] = Setting(int_from_0)
    on_poll: Setting[OnPoll | None] = Setting(or_none(function))
    cancel: Setting[threading.Event | None] = Setting(or_none(event))

    @explains_unknown_keywords
    @_marks_defaults
    def __init__(
        self,
        url_or_request: UrlOrRequest,
        until: Conditions | None = None,
        alarms: Conditions | None = None,
        *,
        status_code: StatusCode | None = None,
        json: Any = None,
        jsonpath: JSONPath | None = None,
        text: Text | None = None,
        callback: Callback | None = None,
        pending: Conditions | None = None,
        follow: Places | None = None,
        auth: Auth | None = None,
        headers: Headers | None = None,
        session: requests.Session | None = None,
        verify: bool | str | None = None,
        allow_redirects: bool = True,
        polling_interval: Interval = 2,
        max_retries: int | None = 50,
        max_time: Seconds | None = None,
        request_timeout: Seconds | None = 30,
        max_retry_after: Seconds | None = 300,
        max_body_size: int | None = 16 * 2**20,
        max_body_excerpt: int = 200,
        ignore_exceptions: ExceptionTypes = (),
        on_poll: OnPoll | None = None,
        cancel: threading.Event | None = None,
        loglevel: int | str | None = None,
    ) -> None:
        _set_loglevel(loglevel)
        self._owns_session = session is None
        self._session = BoundedSession() if session is None else usable_session(session)
        self._request = checked_copy(
            url_or_request, auth, headers, check_sendable=self._owns_session
        )
        self.follow = follow
        self._options = sending_options(verify)
        self.allow_redirects = allow_redirects

        shorthand = {
            "status_code": status_code,
            "json": json,
            "jsonpath": jsonpath,
            "text": text,
            "callback": callback,
        }
        self._expected = Expectations()
        self._wait: Wait | None = None  # of poll(), and of an assigned checkpoint
        self._active: dict[int, Wait] = {}  # by the thread that is polling
        self.until = _success(until, shorthand, headers)
        self.alarms = () if alarms is None else alarms
        self.pending = pending

        if isinstance(max_retries, _OnlyWithoutMaxTime):
            max_retries = int(max_retries) if max_time is None else None
        if isinstance(max_retry_after, _OnlyWithoutMaxTime):
            max_retry_after = int(max_retry_after) if max_time is None else None
        self.polling_interval = polling_interval
        self.max_retries = max_retries
        self.max_time = max_time
        self.request_timeout = request_timeout
        self.max_retry_after = max_retry_after
        self.max_body_size = max_body_size
        self.max_body_excerpt = max_body_excerpt
        self._is_ignored = IgnoredExceptions.checked(ignore_exceptions)
        self.on_poll = on_poll
        self.cancel = cancel

    @property
    def session(self) -> requests.Session:
        """The session that was given, or the sleeper's own."""
        return self._session

    @property
    def request(self) -> requests.Request:
        """The sleeper's own copy of the request. A change counts from the next wait on.

        :raises ValueError: for a URL or Request that cannot work, when it is assigned.
        """
        return self._request

    @request.setter
    def request(self, value: UrlOrRequest) -> None:
        request = checked_copy(value, None, None, check_sendable=self._owns_session)
        _route(self._places, request)
        self._request = request

    @property
    def follow(self) -> Places | None:
        """The places where answers name the next URL, as they were given.

        A change counts from the next wait on.

        :raises ValueError: for a place that makes no sense, when it is assigned.
        """
        return None if self._places is None else copy_containers(self._places.written)

    @follow.setter
    def follow(self, value: Places | None) -> None:
        places = None if value is None else PlacesToLook(value)
        _route(places, self._request)
        self._places = places

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments for sending: ``{}`` or ``{'verify': ...}``, copied."""
        return dict(self._options)

    @property
    def until(self) -> list[dict[str, Any]]:
        """The success conditions: a list of dicts, copied. Assign to change them.

        :raises ValueError: for a value that is no condition, when it is assigned.
        """
        return _written(self._expected.until)

    @until.setter
    def until(self, value: Conditions) -> None:
        until = checked_conditions("until", value, self.validators)
        if not until:
            raise bad_argument("until", value, "give at least one condition")
        self._expected.until = until

    @property
    def alarms(self) -> list[dict[str, Any]]:
        """The alarm conditions: a list of dicts, copied. Assign to change them.

        :raises ValueError: for a value that is no condition, when it is assigned.
        """
        return _written(self._expected.alarms)

    @alarms.setter
    def alarms(self, value: Conditions) -> None:
        self._expected.alarms = checked_conditions("alarms", value, self.validators)

    @property
    def pending(self) -> list[dict[str, Any]] | None:
        """The conditions that an answer may meet while the wait goes on, copied.

        ``None`` if any answer may come. Assign to change them.

        :raises ValueError: for a value that is no condition, when it is assigned.
        """
        pending = self._expected.pending
        return None if pending is None else _written(pending)

    @pending.setter
    def pending(self, value: Conditions | None) -> None:
        pending = None
        if value is not None:
            pending = checked_conditions("pending", value, self.validators)
            if any("consecutive" in condition.source for condition in pending):
                instead = "'consecutive' cannot be used in pending; leave it out"
                raise bad_argument("pending", value, instead)
        self._expected.pending = pending

    @property
    def ignore_exceptions(self) -> tuple[type[Exception], ...]:
        """The exception classes to ignore, as they were given."""
        return self._is_ignored.classes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sleeper's own session and clear its cookies; never the caller's.

        The sleeper can be used again afterwards.
        """
        if self._wait is not None:
            self._wait.close()
        if self._owns_session:
            self.session.cookies.clear()
            self.session.close()

    @property
    def checkpoint(self) -> dict[str, Any] | None:
        """The wait that is under way, as JSON; ``None`` if there is none.

        A dict of str, int, float, list and dict, below 500 bytes for a plain wait. In
        ``on_poll``, also during :meth:`run`, it includes the poll just made, and is
        ``None`` at the last one. Assign it to a sleeper that was made with the same
        arguments, in this process or another, and the wait goes on.

        It holds no credential, no header, no cookie, no body and no answer. A count of
        ``consecutive`` goes on only for the very condition that it was counted for;
        with a lambda in the condition it starts at 0.

        :raises ValueError: for a value that is no checkpoint, when it is assigned. The
            wait stays as it was.
        :raises RuntimeError: when it is assigned while the sleeper is polling.
        """
        wait = self._active.get(threading.get_ident(), self._wait)
        return None if wait is None else wait.checkpoint()

    @checkpoint.setter
    def checkpoint(self, value: Mapping[str, Any] | None) -> None:
        self._check_idle()
        history = None
        if value is not None:
            history = History.resumed(value, self._expected)
            check_resumed(_route(self._places, self._request), history)
        if self._wait is not None:
            self._wait.close()
        self._wait = None if history is None else self._begin(history)

    def run(self) -> requests.Response:
        """Poll until the answer is the one that is waited for, and return it.

        If :meth:`poll` or an assigned :attr:`checkpoint` has begun a wait, this method
        sleeps until the next poll of that wait is due, and goes on with it; else it
        begins a wait. On a session of the sleeper's own a wait begins with an empty
        cookie jar, and at its end the connections are closed. Another call begins
        another wait.

        :raises Alarm: an answer met one of ``alarms``; :class:`UnexpectedResponse` if
            ``pending`` is given and the answer met nothing.
        :raises GaveUp: a limit ended the wait.
        :raises Cancelled: ``cancel`` was set.
        :raises requests.exceptions.RequestException: a request failed, and
            ``ignore_exceptions`` does not cover that; likewise what a callback raised.
        :raises RuntimeError: it was called while this sleeper is polling, from a
            callback.
        """
        self._check_idle()
        wait, self._wait = self._wait or self._begin(History()), None
        with self._closing(wait), self._activate(wait), wait:
            rest = sleep if self.cancel is None else self.cancel.wait
            if pause := wait.first_pause():
                rest(pause)
            while not (attempt := wait.poll()).met:
                rest(wait.pause())
        assert attempt.response is not None
        return attempt.response

    def poll(self) -> Attempt:
        """Make one step of a wait, and return the attempt: for schedulers.

        The first call begins a wait. A success, an :class:`Alarm`, a :class:`GaveUp` or
        a :class:`Cancelled` ends it, and the call after that begins another one. Other
        exceptions do not end it. It never sleeps: how long to wait is in the attempt.
        The limits are those of a run, with one difference, because a scheduler may be
        late: ``max_time`` does not cut a request off, and a poll that comes after it is
        made, and is the last one. Cookies and connections of the sleeper's own session
        are kept until :meth:`close`.

        :returns: an :class:`Attempt`; its ``next_wait`` is the seconds until the next
            poll, and ``None`` only if it is met.
        :raises Alarm: as :meth:`run`; likewise all that ``run()`` raises.
        :raises GaveUp: a limit allows no poll after this one.
        """
        self._check_idle()
        self._wait = wait = self._wait or self._begin(History())
        with self._activate(wait):
            try:
                return wait.poll()
            finally:
                if wait.has_ended:
                    self._wait = None
                    wait.close()

    def _check_idle(self) -> None:
        """Check that no callback of this sleeper makes the call."""
        if threading.get_ident() in self._active:
            raise RuntimeError("this sleeper is polling already: make another one")

    @contextmanager
    def _activate(self, wait: Wait) -> Iterator[None]:
        """Note within the block that this thread is polling for the wait."""
        thread = threading.get_ident()
        self._active[thread] = wait
        try:
            yield
        finally:
            del self._active[thread]

    @contextmanager
    def _closing(self, wait: Wait) -> Iterator[None]:
        """Close the sessions that are not the caller's at the end of a run."""
        try:
            yield
        finally:
            wait.close()
            if self._owns_session:
                self.session.close()

    def _begin(self, history: History) -> Wait:
        """Return a wait with the current settings, and clear the sleeper's cookies."""
        if self._owns_session:
            self.session.cookies.clear()
        route = _route(self._places, self._request)
        sender = Sender(
            self.session,
            self._request,
            options=self._options,
            allow_redirects=self.allow_redirects,
            max_body_size=self.max_body_size,
            route=route,
        )
        limits = Limits.where_given(
            max_retries=self.max_retries,
            max_time=self.max_time,
            max_retry_after=self.max_retry_after,
            request_timeout=self.request_timeout,
        )
        return Wait(
            sender,
            self._expected,
            limits,
            request_line=self._request_line(),
            route=route,
            is_ignored=self._is_ignored,
            interval=self.polling_interval,
            excerpt=BodyExcerpt(self.max_body_excerpt, self._request),
            on_poll=self.on_poll,
            cancel=self.cancel,
            history=history,
        )

    def _request_line(self) -> str:
        """Return the method and the URL, without secrets."""
        return f"{self._request.method} {redact_url(self._request.url)}"

    def __repr__(self) -> str:
        if "cancel" not in vars(self):  # the last attribute that is set
            return f"<{type(self).__name__}, not yet made>"
        values = ((name, getattr(self, name)) for name in _IN_REPR)
        given = [
            f", {name}={one_line(safe_repr(value), _MAX_IN_REPR)}"
            for name, value in values
            if value is not None
        ]
        return f"<{type(self).__name__} {self._request_line()}{''.join(given)}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Return what a pickle holds.

        :raises pickle.PicklingError: an argument cannot be pickled; the text names it.
        """
        state = self.__getstate__()
        if self._owns_session:
            del state["_session"]  # it can be pickled, and is most of the work
        refuse_unpicklable(state)
        return super().__reduce_ex__(protocol)

    def __copy__(self) -> Self:
        """Return a copy, which shares the values that cannot be pickled."""
        copied = object.__new__(type(self))
        state = self.__getstate__()
        if self._owns_session:  # the wait of the copy has cookies of its own
            state["_session"] = copy(self._session)
            state["_session"].cookies = self._session.cookies.copy()
        copied.__setstate__(state)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a deep copy."""
        copied = memo[id(self)] = object.__new__(type(self))
        copied.__setstate__(deepcopy(self.__getstate__(), memo))
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, with conditions and wait as plain values."""
        state = {name: getattr(self, name) for name in _WRITTEN} | vars(self)
        for name in ("_expected", "_active", "_wait", "_places"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        follow, checkpoint = state.pop("follow"), state.pop("checkpoint")
        self._expected, self._active, self._wait = Expectations(), {}, None
        for name, value in state.items():
            setattr(self, name, value)
        self.follow = follow
        self.checkpoint = checkpoint


@explains_unknown_keywords
@_marks_defaults
def httsleep(
    url_or_request: UrlOrRequest,
    until: Conditions | None = None,
    alarms: Conditions | None = None,
    *,
    status_code: StatusCode | None = None,
    json: Any = None,
    jsonpath: JSONPath | None = None,
    text: Text | None = None,
    callback: Callback | None = None,
    pending: Conditions | None = None,
    follow: Places | None = None,
    auth: Auth | None = None,
    headers: Headers | None = None,
    session: requests.Session | None = None,
    verify: bool | str | None = None,
    allow_redirects: bool = True,
    polling_interval: Interval = 2,
    max_retries: int | None = 50,
    max_time: Seconds | None = None,
    request_timeout: Seconds | None = 30,
    max_retry_after: Seconds | None = 300,
    max_body_size: int | None = 16 * 2**20,
    max_body_excerpt: int = 200,
    ignore_exceptions: ExceptionTypes = (),
    on_poll: OnPoll | None = None,
    cancel: threading.Event | None = None,
    loglevel: int | str | None = None,
) -> requests.Response:
    """Poll a URL until the answer is the one you wait for, and return that answer.

    ::

        response = httsleep('http://server/jobs/1', until={'json': {'status': 'DONE'}},
                            alarms={'json': {'status': 'FAILED'}}, max_time=600)

    :param url_or_request: a URL to GET, or a :class:`requests.Request` for anything
        else (method, params, headers, body). A body that can be sent only once, such
        as an open file, is refused.
    :param until: the success: a condition, or a list of conditions of which one has to
        be met. Give either this or some of the five shorthand arguments. An *expected*
        header is ``until={'headers': {name: value}}``.
    :param alarms: a condition or a list of them; an answer that meets one ends the wait
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
        alarm, no success and none of these ends the wait with
        :class:`UnexpectedResponse`. ``[]`` means that nothing else is expected.
        ``None``, the default, means that the wait goes on after any other answer.
    :param follow: where an answer names the URL to poll next: the name of a header, a
        JSONPath such as ``'$.links.self'``, a URL with parts to fill in such as
        ``'/jobs/{$.id}'``, a callable that is given the response and returns a URL or
        ``None``, or a list of these. A request that is neither GET nor HEAD is then
        sent once, and the wait goes on with GET at the URL that its answer names; a
        later answer can name another one. What was given for sending goes to no other
        origin. ``None``, the default, means that no answer names a URL.
    :param auth: ``(user, password)``, or a callable as requests takes it; set on a copy
        of the request. Default: that of the Request, the session, the URL or netrc. A
        token that changes needs a callable, which is asked for each poll.
    :param headers: a dict of headers to *send*, not of those that the answer has to
        have; they replace those of the Request.
    :param session: a :class:`requests.Session`, of which ``request()`` is called for
        each poll; it is never closed. A :class:`BoundedSession` can be shared among
        sleepers and threads. Default: a session of the wait's own.
    :param verify: ``True``, ``False`` or the path of a CA bundle, as for requests.
        Default: what the session and the environment say.
    :param allow_redirects: whether redirects are followed; default ``True``.
    :param polling_interval: seconds between the end of a poll and the next one, or a
        callable that is given the last :class:`Attempt` and returns seconds, such as
        :func:`exponential`. 0 means no pause. Default 2.
    :param max_retries: the largest number of polls of a wait, an int from 1; ``None``
        means no limit. Default 50, or no limit if ``max_time`` is given.
    :param max_time: seconds that the whole wait may take, above 0: sleeps are
        shortened, and ``run()`` cuts a request off. ``None``, the default, means no
        limit.
    :param request_timeout: seconds that one request may take, body included, above 0;
        ``None`` means no limit but ``max_time``. Default 30. A request that takes
        longer raises :class:`requests.exceptions.ReadTimeout` (``ConnectTimeout`` while
        connecting).
    :param max_retry_after: the longest ``Retry-After`` (RFC 9110 §10.2.3), in seconds,
        that is waited for; a longer one ends the wait. 0 means that the header is not
        looked at, ``None`` that there is no limit. Default 300, or ``None`` if
        ``max_time`` is given.
    :param max_body_size: bytes of decoded body that are read in one poll, redirects
        included, an int from 1; a larger body raises :class:`BodyTooLarge`. ``None``
        means no limit. Default 16 MiB.
    :param max_body_excerpt: the largest number of characters of the body of an alarm,
        or of an answer with the status 4xx or 5xx, that the text of an exception shows,
        an int from 0. 0 means that no body is shown. Default 200. Values that were sent
        in headers, auth, cookies or the query are replaced by ``...``.
    :param ignore_exceptions: an exception class or several; if sending, reading or
        checking raises one of them, the wait goes on. The builtin ``ConnectionError``
        stands for every way in which a connection can break, but not for a refused
        certificate; ``TimeoutError`` stands for requests that take too long. Default:
        none.
    :param on_poll: a callable that is given an :class:`Attempt` after every poll. An
        exception of it ends a run.
    :param cancel: a :class:`threading.Event`; once another thread has set it, the wait
        ends with :class:`Cancelled`: a sleep at once, a request that is under way after
        its answer. Default: none.
    :param loglevel: deprecated: the level of the logger ``httsleep``. Use
        ``logging.getLogger('httsleep').setLevel(...)``.
    :returns: the :class:`requests.Response` that met a success condition.
        ``bool(response)`` is False for 4xx and 5xx, so do not test it for truth.
    :raises Alarm: an answer met one of ``alarms``; :class:`UnexpectedResponse` if
        ``pending`` is given and the answer met nothing.
    :raises GaveUp: a limit ended the wait; also a :class:`TimeoutError`.
    :raises Cancelled: ``cancel`` was set.
    :raises ValueError: an argument cannot work; nothing was sent. The text says which
        one, and what to give instead.
    :raises requests.exceptions.RequestException: a request failed, and
        ``ignore_exceptions`` does not cover that.
    """
    arguments = locals()  # all arguments, by name
    _set_loglevel(arguments.pop("loglevel"))
    sleeper = HttSleeper(**arguments)
    del arguments  # it holds auth, and the frame lasts as long as the wait
    return sleeper.run()


def _written(conditions: Iterable[CheckedCondition]) -> list[dict[str, Any]]:
    """Return copies of the conditions as they were written."""
    return [copy_containers(condition.source) for condition in conditions]


def _route(places: PlacesToLook | None, request: requests.Request) -> Route | None:
    """Return the way of a wait whose answers name URLs; ``None`` if they do not.

    :raises ValueError: the URL of the request is not a whole one.
    """
    return None if places is None else Route(places, request)


def _success(until: Any, shorthand: Mapping[str, Any], headers: Any) -> Any:
    """Return ``until``, or the shorthand arguments as one condition.

    :param headers: the headers to send, which may be meant as a condition.
    """
    given = {key: value for key, value in shorthand.items() if value is not None}
    if until is None and not given:
        words = ", ".join(["until", *shorthand])
        text = f"there is no success condition: give one of {words}"
        if headers is not None:
            text += "; headers are sent, until={'headers': {...}} expects them"
        raise ValueError(text)
    if until is not None and given:
        words = " and ".join(["until", *given])
        keys = ", ".join(f"{key!r}: ..." for key in given)
        instead = f"give not both; as keys of a condition, until={{{keys}}}"
        raise ValueError(f"{words} are given: {instead}")
    return given if until is None else until


def _set_loglevel(loglevel: int | str | None) -> None:
    """Set the level of the logger, and warn that this argument is deprecated."""
    if loglevel is None:
        return
    instead = "logging.getLogger('httsleep').setLevel(...)"
    warnings.warn(
        f"loglevel is deprecated: use {instead}", DeprecationWarning, stacklevel=4
    )
    with suppress(Exception):  # also from its repr()
        _log.setLevel(loglevel)
        return
    raise bad_argument("loglevel", loglevel, "give a level of logging")
