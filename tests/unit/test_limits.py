"""Numbers alone: no test of this file has a clock, a request or a sleeper."""

import dataclasses
import pickle
from collections import deque
from itertools import chain, pairwise, repeat
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httsleep.limits import RECENT_POLLS, Limits

#: Seconds that may be lost in rounding: twice what the limits allow for.
ROUNDING = 0.002


# The rule, as the design states it.


def moment(max_time, duration):
    """Return when the last poll should start, if it takes that many seconds."""
    return max_time - min(max(1.5 * duration, 0.1), max_time / 2)


def first_moment(max_time, recent):
    """Return the last-poll moment with room for the slowest of the recent polls."""
    return moment(max_time, max(recent, default=0))


def fastest(recent):
    """Return the fastest of the last three polls; 0 while there are fewer."""
    return min(recent) if len(recent) == 3 else 0


# A wait as a list of polls.


@dataclasses.dataclass
class Poll:
    """When one poll began and ended, in seconds since the wait began."""

    start: float
    end: float
    is_answered: bool
    recent: tuple[float, ...]  # durations of the last answered polls


def polls_of_a_wait(limits, costs, wanted):
    """Return the polls of a wait in which each poll takes the next of ``costs``.

    A poll that would take longer than its time is cut off, and is not answered. The
    last of ``costs`` is repeated. A poll is taken to last at least 1 ms: a wait whose
    polls take no time has no end when the interval is 0.
    """
    elapsed, recent, polls = 0.0, deque(maxlen=RECENT_POLLS), []
    for cost in chain(costs, repeat(costs[-1])):
        time_left = min(limits.request_timeout, limits.max_time - elapsed)
        start, elapsed = elapsed, elapsed + max(min(cost, time_left), 0.001)
        if cost <= time_left:
            recent.append(elapsed - start)
        polls.append(Poll(start, elapsed, cost <= time_left, tuple(recent)))
        if limits.is_over(elapsed):
            return polls
        wait = limits.next_wait(elapsed, wanted, recent)
        if wait is None:
            return polls
        elapsed += wait


def sees(polls, done):
    """Return whether an answered poll began when the job was finished."""
    return any(poll.is_answered and poll.start >= done for poll in polls)


def starts(polls):
    return [poll.start for poll in polls]


# The limits as a value.


def test_a_limit_that_is_not_given_is_infinite():
    """Limits that are not given, or given as None, are infinite; 0 is kept."""
    limits = Limits.where_given(max_retries=None, max_time=5, max_retry_after=0)
    assert limits == Limits(inf, 5, 0, inf)
    assert Limits() == Limits(inf, inf, inf, inf)


def test_limits_are_a_value():
    """Limits cannot be changed, are equal if their numbers are, and pickle."""
    limits = Limits(max_time=5)
    with pytest.raises(AttributeError):
        limits.max_time = 6
    assert not hasattr(limits, "__dict__")
    assert pickle.loads(pickle.dumps(limits)) == limits
    assert hash(limits) == hash(Limits(max_time=5)) != hash(Limits(max_time=6))


@pytest.mark.parametrize(
    ("max_time", "elapsed", "is_over"),
    [
        (10, 0, False),
        (10, 9.998, False),
        (10, 9.9995, True),  # a difference that is lost in rounding
        (10, 10, True),
        (10, 11, True),
        (inf, 1e9, False),
    ],
)
def test_max_time_is_over_within_a_rounding_error(max_time, elapsed, is_over):
    """max_time is over when it has passed, or when less than 1 ms of it is left."""
    assert Limits(max_time=max_time).is_over(elapsed) is is_over


# The next wait.


@pytest.mark.parametrize("recent", [(), (5,), (5, 1, 2)], ids=str)
@pytest.mark.parametrize("wanted", [0, 2, 1e9])
def test_a_wait_without_max_time_is_as_long_as_wanted(wanted, recent):
    """Without max_time no wait is shortened, however long the wait has lasted."""
    assert Limits(max_retries=3).next_wait(1e6, wanted, recent) == wanted


NEXT_WAITS = {
    "far from the end": (0, 2, (1,), 2),
    "no poll so far": (0, 2, (), 2),
    "beyond the first moment, without an answer": (8, 5, (), 1.9),
    "beyond the first moment, of a fast poll": (8, 5, (0.01,), 1.9),
    "beyond the first moment, of a slow poll": (5, 5, (2,), 2),
    "up to the first moment": (8, 1.9, (), 1.9),
    "a little before the first moment": (8, 1.89, (), 1.89),
    "a poll that would end before the first moment": (3, 1.9, (2,), 1.9),
    "a poll that would end at the first moment": (3, 2, (2,), 4),
    "a poll that would end after the first moment": (3, 3, (2,), 4),
    "the slowest decides the first moment": (6, 9, (1, 2, 0.5), 1),
    "at the first moment": (7, 1, (2,), 1),
    "after the first moment, beyond the second": (7, 9, (2,), 2.9),
    "the second moment with two polls": (7, 9, (2, 1), 2.9),
    "the second moment with three polls": (7, 9, (2, 1, 1.5), 1.5),
    "after the first moment, before the second": (7, 1, (2, 1, 1.5), 1),
    "at the second moment, and a poll fits": (8.5, 0.4, (2, 1, 1.5), 0.4),
    "at the second moment, and no poll fits": (8.5, 0.6, (2, 1, 1.5), None),
    "after the second moment, and a poll just fits": (9.3, 0.19, (0.5,) * 3, 0.19),
    "after the second moment, and the end is missed": (9.3, 0.2, (1, 0.5, 1), None),
    "after both moments, with two polls": (9.95, 0.03, (2, 1), 0.03),
    "after both moments, with an interval too long": (9.95, 0.06, (2, 1), None),
    "within a rounding error of the first moment": (6.9995, 9, (2, 2, 2), None),
    "not within a rounding error of the first moment": (6.998, 9, (2, 2, 2), 0.002),
    "within a rounding error of the second moment": (8.4995, 9, (2, 1, 2), None),
    "not within a rounding error of the second moment": (8.498, 9, (2, 1, 2), 0.002),
    "the margin is at most half of the time": (4, 9, (4,), 1),
    "an interval of 0": (3, 0, (1,), 0),
    "an interval of 0 after both moments": (9.5, 0, (), 0),
    "max_time is over": (10, 0, (), None),
    "long after max_time": (70, 2, (1,), None),
}


@pytest.mark.parametrize("situation", NEXT_WAITS)
def test_the_next_wait_of_ten_seconds(situation):
    """The last two polls of max_time=10 are moved to the moments that they miss."""
    elapsed, wanted, recent, expected = NEXT_WAITS[situation]
    wait = Limits(max_time=10).next_wait(elapsed, wanted, recent)
    assert wait == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("max_time", "expected"), [(0.4, 0.3), (0.2, 0.1), (0.1, 0.05), (0.01, 0.005)]
)
def test_a_short_max_time_has_a_last_moment(max_time, expected):
    """The margin is 0.1 s, but at most half of a shorter max_time."""
    wait = Limits(max_time=max_time).next_wait(0, 2, ())
    assert wait == pytest.approx(expected)


# Whole waits.


def test_a_slow_first_answer_does_not_halve_max_time():
    """After a first answer of 2 s out of 6 s the wait goes on to its end.

    The second poll is delayed to the last-poll moment of a poll that slow, 3 s. A job
    that is done after 4 s is seen soon after.
    """
    polls = polls_of_a_wait(Limits(max_time=6), [2, 0.01], 0.2)
    assert starts(polls)[:3] == pytest.approx([0, 3, 3.21])
    seen_at = min(poll.start for poll in polls if poll.start >= 4)
    assert seen_at < 4.3
    assert polls[-1].start == pytest.approx(5.9)


def test_a_slow_first_answer_takes_no_poll_away():
    """With an interval of half of max_time both moments have their poll."""
    polls = polls_of_a_wait(Limits(max_time=60), [20, 0.05], 30)
    assert starts(polls) == pytest.approx([0, 30, 59.9])


def test_a_request_that_hangs_costs_its_own_time_only():
    """A request that is not answered for 30 s of 60 s delays no other poll."""
    limits = Limits(max_time=60, request_timeout=30)
    polls = polls_of_a_wait(limits, [inf, 0.05], 2)
    assert starts(polls)[:3] == pytest.approx([0, 32, 34.05])
    assert polls[-1].start == pytest.approx(59.9)
    assert [poll.is_answered for poll in polls[:2]] == [False, True]


def test_a_slow_poll_counts_until_three_others_were_answered():
    """A slow poll moves the last-poll moment for as long as it is a recent one."""
    # The first moment is 14 for polls of 4 s, and 18.5 for polls of 1 s.
    polls = polls_of_a_wait(Limits(max_time=20), [4, 1], 3)
    assert starts(polls) == pytest.approx([0, 7, 14, 18])
    polls = polls_of_a_wait(Limits(max_time=20), [4, 1], 1)
    assert starts(polls) == pytest.approx([0, 5, 7, 9, 11, 13, 15, 17, 18.5])


max_times = st.integers(1, 300) | st.floats(0.3, 300)
durations = st.floats(0, 40) | st.integers(0, 5)
costs = st.lists(durations | st.just(inf), min_size=1, max_size=6)
shares = st.floats(0.005, 2)  # of max_time, so that no wait has too many polls
request_timeouts = st.floats(0.01, 50) | st.just(inf)


@given(
    max_time=max_times,
    share=st.floats(0, 1.1),
    wanted=st.floats(0, 400),
    recent=st.lists(durations, max_size=3),
)
def test_a_wait_keeps_to_the_rule_at_every_second(max_time, share, wanted, recent):
    """A wait is as wanted, or ends at a moment, or is None because no poll fits.

    No wait ends at max_time or later. Only the first moment makes a wait longer, and
    by no more than the slowest poll.
    """
    elapsed = max_time * share
    wait = Limits(max_time=max_time).next_wait(elapsed, wanted, recent)
    if wait is None:
        assert elapsed + wanted + fastest(recent) > max_time - ROUNDING
        return
    first, second = first_moment(max_time, recent), moment(max_time, fastest(recent))
    assert wait >= 0
    assert elapsed + wait < max_time
    if wait < wanted:
        ends = [pytest.approx(each, abs=1e-6) for each in (first, second)]
        assert elapsed + wait in ends
    if wait > wanted:
        assert elapsed + wait == pytest.approx(first, abs=1e-6)
        assert wait - wanted <= max(recent, default=0) + ROUNDING


@given(max_time=max_times, costs=costs, share=shares, request_timeout=request_timeouts)
def test_a_wait_lasts_until_no_poll_fits(max_time, costs, share, request_timeout):
    """After the last poll of a wait there is no time for its interval and a poll."""
    limits = Limits(max_time=max_time, request_timeout=request_timeout)
    wanted = max_time * share
    last = polls_of_a_wait(limits, costs, wanted)[-1]
    assert last.start < max_time
    assert last.end + wanted + fastest(last.recent) > max_time - ROUNDING


@given(max_time=max_times, costs=costs, share=shares, request_timeout=request_timeouts)
def test_a_wait_has_no_more_polls_than_its_interval_allows(
    max_time, costs, share, request_timeout
):
    """A poll that follows sooner than the interval is one at a last-poll moment."""
    limits = Limits(max_time=max_time, request_timeout=request_timeout)
    wanted = max_time * share
    polls = polls_of_a_wait(limits, costs, wanted)
    for poll, following in pairwise(polls):
        if following.start < poll.end + wanted - 1e-6:
            first = first_moment(max_time, poll.recent)
            second = moment(max_time, fastest(poll.recent))
            ends = [pytest.approx(each, abs=1e-6) for each in (first, second)]
            assert following.start in ends


@settings(max_examples=300)
@given(
    max_time=max_times,
    cost_share=st.integers(0, 31) | st.floats(0, 31),
    share=shares,
    done=st.integers(0, 64) | st.floats(0, 64),
)
def test_a_job_that_is_finished_in_time_is_seen(max_time, cost_share, share, done):
    """A job that is finished before the first last-poll moment is seen.

    Each poll costs the same, less than half of max_time. Such a wait has at most two
    polls more than its interval allows, one for each moment.
    """
    cost = max(max_time * cost_share / 64, 0.001)
    finished = moment(max_time, cost) * done / 64
    wanted = max_time * share
    polls = polls_of_a_wait(Limits(max_time=max_time), [cost], wanted)
    assert sees(polls, finished - 1e-6)
    allowed = 1 + (max_time - cost) / (wanted + cost)
    assert len(polls) <= allowed + 2
