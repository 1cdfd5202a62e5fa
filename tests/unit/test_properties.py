"""Properties that hold for all conditions, answers, costs and texts."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
import requests
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from requests.exceptions import ReadTimeout

from httsleep import Alarm, Attempt, GaveUp, HttSleeper, exponential, httsleep
from httsleep.comparison import json_equal
from httsleep.formatting import one_line, redact_url, safe_repr
from httsleep.intervals import retry_after

URL = "http://server/endpoint"

scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a"])
documents = st.recursive(
    scalars,
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(st.sampled_from("abc"), each, max_size=3)
    ),
    max_leaves=6,
)
bodies = documents.map(json.dumps) | st.sampled_from(["", "<html>", "a"])
statuses = st.sampled_from([200, 404, 500])
entries = st.fixed_dictionaries(
    {"expression": st.sampled_from(["$", "$.a", "$.a.b", "$[*]"]), "value": documents}
)
written = st.fixed_dictionaries(
    {},
    optional={
        "status_code": statuses,
        "json": documents,
        "text": bodies,
        "jsonpath": st.lists(entries, min_size=1, max_size=2),
        "callback": st.sampled_from([lambda r: True, lambda r: r.text == "a"]),
    },
).filter(bool)
lists = st.lists(written, min_size=1, max_size=4)


@pytest.fixture(scope="session")
def verdict(make_response, stub_session):
    """Return a function that returns the attempt of one poll."""

    def verdict(status, body, until, alarms=()):
        attempts = []
        session = stub_session(lambda **_: make_response(status, body))
        options = {"session": session, "on_poll": attempts.append}
        with suppress(Alarm):
            HttSleeper(URL, until, alarms, **options).poll()
        return attempts[0]

    return verdict


# conditions


@given(statuses, bodies, lists, st.randoms(use_true_random=False))
def test_the_order_inside_until_never_changes_the_verdict(
    verdict, status, body, until, random
):
    """However until and the keys in it are ordered, the verdict is the same."""
    one = verdict(status, body, until)
    shuffled = [dict(random.sample(list(each.items()), len(each))) for each in until]
    random.shuffle(shuffled)
    other = verdict(status, body, shuffled)
    assert other.outcome == one.outcome
    assert sorted(other.reasons) == sorted(one.reasons)


@given(statuses, bodies, written, written)
def test_adding_a_key_never_turns_a_miss_into_a_hit(
    verdict, status, body, source, more
):
    """A condition with more keys is met by no answer that did not meet it before."""
    one = verdict(status, body, source)
    other = verdict(status, body, {**more, **source})
    if other.outcome == "met":
        assert one.outcome == "met"


@given(statuses, bodies, lists, lists)
def test_an_alarm_beats_a_success(verdict, status, body, until, alarms):
    """An answer that meets an alarm is an alarm, whatever is waited for."""
    alone = verdict(status, body, alarms)
    both = verdict(status, body, until, alarms)
    assert (both.outcome == "alarm") is (alone.outcome == "met")


@given(documents)
def test_a_document_meets_itself(verdict, document):
    """A body meets the condition that expects just it."""
    body = json.dumps(document)
    assert verdict(200, body, {"json": document}).outcome == "met"


def swap(value):
    """Return ``value`` with booleans in the place of 0 and 1, and the other way."""
    if isinstance(value, dict):
        return {key: swap(each) for key, each in value.items()}
    if isinstance(value, list):
        return [swap(each) for each in value]
    if isinstance(value, bool):
        return int(value)
    return bool(value) if value in (0, 1) and isinstance(value, int) else value


@given(documents)
def test_true_is_never_1(document):
    """A boolean is not the number that Python takes for equal, at any depth."""
    swapped = swap(document)
    if repr(swapped) == repr(document):
        assert json_equal(swapped, document)
    else:
        assert not json_equal(swapped, document)
        assert not json_equal(document, swapped)


# time


class World:
    """A server on the virtual clock: what each request costs, and how it answers."""

    def __init__(self, clock, costs, status, *, headers=(), make_response):
        self.clock, self.began, self.costs = clock, clock.now, costs
        self.status, self.headers, self.make = status, headers, make_response
        self.polls = 0

    def request(self, *, timeout, **_):
        assert timeout > 0
        cost = self.costs[self.polls % len(self.costs)]
        self.polls += 1
        start = self.clock.now - self.began
        self.clock.now += min(cost, timeout)
        if cost > timeout:
            raise ReadTimeout
        status = self.status(start, self.clock.now - self.began)
        return self.make(status, "", self.headers)


def never(start, end):
    return 404


costs = st.lists(st.floats(0, 40) | st.integers(0, 5), min_size=1, max_size=5)


@given(
    max_time=st.floats(0.05, 300) | st.integers(1, 300),
    interval=st.floats(0.5, 50),
    costs=costs,
    request_timeout=st.none() | st.floats(0.01, 50),
    asked=st.none() | st.integers(0, 10**30),
    polls=st.none() | st.integers(1, 10),
    on_poll=st.just(0) | st.floats(0, 1),
)
def test_a_run_never_outlasts_max_time(
    virtual_clock,
    make_response,
    max_time,
    interval,
    costs,
    request_timeout,
    asked,
    polls,
    on_poll,
):
    """Whatever requests cost and answers ask for, a run ends within max_time."""

    def told(attempt):
        ends = clock.now - began + on_poll
        clock.now += on_poll if ends < max_time else 0

    headers = {} if asked is None else {"Retry-After": str(asked)}
    with virtual_clock() as clock:
        began = clock.now
        world = World(clock, costs, never, headers=headers, make_response=make_response)
        with pytest.raises(GaveUp) as info:
            httsleep(
                URL,
                status_code=200,
                session=world,
                max_time=max_time,
                max_retries=polls,
                polling_interval=interval,
                request_timeout=request_timeout,
                ignore_exceptions=TimeoutError,
                on_poll=told,
            )
        elapsed = clock.now - began
    assert elapsed <= max_time + 1e-6
    assert info.value.elapsed == pytest.approx(elapsed)
    assert info.value.limit in ("max_time", "max_retries")
    # A poll that was cut off follows a wait as well as any other.
    assert len(clock.naps) == world.polls - 1
    assert all(nap >= 0 for nap in clock.naps)


@settings(max_examples=300)
@given(
    max_time=st.integers(1, 400) | st.floats(0.3, 100),
    share=st.integers(0, 31) | st.floats(0, 31),
    interval=st.integers(1, 400) | st.floats(0.25, 100),
    asked=st.just(0) | st.integers(0, 400),
    done=st.integers(0, 64) | st.floats(0, 64),
    start=st.booleans(),
)
def test_a_job_that_is_finished_in_time_is_seen(
    virtual_clock, make_response, max_time, share, interval, asked, done, start
):
    """A job that is finished before the last-poll moment is a success.

    Each request costs the same, less than half of max_time, and the server looks at
    the job when the request begins, or when it ends. It may ask to wait for longer.
    """
    cost = max_time * share / 64
    last_moment = max_time - min(max(1.5 * cost, 0.1), max_time / 2)
    finished = last_moment * done / 64 - 1e-6
    headers = {"Retry-After": str(asked)} if asked else {}

    def status(began, ended):
        return 200 if (began if start else ended) >= finished else 404

    with virtual_clock() as clock:
        world = World(
            clock, [cost], status, headers=headers, make_response=make_response
        )
        httsleep(
            URL,
            status_code=200,
            session=world,
            max_time=max_time,
            polling_interval=interval,
            request_timeout=None,
        )
        assert clock.now - world.began <= max_time + 1e-6


# words


class Odd:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class Text(str):
    pass


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**4000, 10**5000)
    | st.floats()
    | st.text()
    | st.text().map(Text)
    | st.binary()
    | st.text().map(Odd)
    | st.text(min_size=200).map(Odd)
    | st.just(object()),
    lambda each: (
        st.lists(each)
        | st.dictionaries(st.text(), each)
        | st.tuples(each, each)
        | st.frozensets(st.integers())
    ),
)


@given(values)
def test_any_value_is_shown_in_one_line(value):
    """Whatever a value is, it is shown in one bounded, printable line."""
    assert safe_repr(value).isprintable()
    assert len(safe_repr(value)) <= 1000


@given(st.text(), st.integers(2, 300))
def test_any_text_is_one_line_of_its_longest(text, longest):
    """Any text is one printable line, no longer than asked for."""
    line = one_line(text, longest)
    assert line.isprintable()
    assert len(line) <= longest
    if text.isprintable() and len(text) <= longest:
        assert line == text


@given(st.text() | st.binary() | st.none())
def test_any_url_is_shown_in_one_line(url):
    """Whatever is given for a URL, it is shown in one bounded, printable line."""
    assert redact_url(url).isprintable()
    assert len(redact_url(url)) <= 200


secrets = st.text(
    st.characters(exclude_characters="\t\r\n", codec="utf-8"), min_size=3
).map(lambda text: f"5ecret{text}5ecret")


@given(secrets, st.sampled_from(["http://", "https://", "//", "http:/", ""]))
def test_no_userinfo_is_shown(secret, scheme):
    """Whatever is in a password, nothing of it is shown, quoted or not."""
    url = f"{scheme}user:{secret}@server/endpoint"
    assert "5ecret" not in redact_url(url)


@given(secrets)
def test_no_query_value_is_shown(secret):
    """Whatever is in a query value or a fragment, nothing of it is shown."""
    assume("&" not in secret)
    assert "5ecret" not in redact_url(f"{URL}?token={secret}#{secret}")


# intervals

dates = st.datetimes(timezones=st.just(None) | st.timezones()).map(
    lambda date: date.strftime("%a, %d %b %Y %H:%M:%S %Z")
)
headers = (
    st.text()
    | st.integers().map(str)
    | dates
    | st.lists(
        st.sampled_from(
            [
                *("Thu", ",", " ", "01", "Jan", "2026", "12:00:30", ":", "GMT", "-"),
                *("+9999", "-2400", "99999999999", "0", "EST", "(", ")", '"', "\0"),
            ]
        )
    ).map(" ".join)
)


@settings(max_examples=200)
@given(headers)
def test_retry_after_never_raises(header):
    """For any text of the header there are seconds that can be waited, or None."""
    response = requests.Response()
    response.headers["Retry-After"] = header
    asked = retry_after(response)
    assert asked is None or 0 <= asked <= 10**9


numbers = (
    st.integers(1, 10**4) | st.integers(1) | st.integers(0, 400).map(lambda n: 10**n)
)


@given(
    initial=st.floats(0, 100) | st.integers(0, 100) | st.just(timedelta(seconds=1)),
    factor=st.floats(1, 1000) | st.integers(1, 1000),
    maximum=st.floats(100, 10**9) | st.integers(100, 10**9),
    jitter=st.floats(0, 1),
    number=numbers,
)
def test_exponential_never_raises_and_never_exceeds_its_maximum(
    initial, factor, maximum, jitter, number
):
    """After any number of polls there is a wait from 0 to maximum."""
    interval = exponential(initial, factor, maximum, jitter)
    attempt = Attempt(number, None, None, "waiting", (), 0.0, None)
    assert 0 <= interval(attempt) <= maximum
    without = exponential(initial, factor, maximum)
    later = Attempt(number + 1, None, None, "waiting", (), 0.0, None)
    assert without(attempt) <= without(later)
