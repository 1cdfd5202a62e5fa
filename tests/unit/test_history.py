"""Waits of ``poll()`` and ``run()`` over several processes, by their checkpoints."""

import json
import pickle
import re
import threading
from functools import partial

import pytest
import requests
from jsonpath_ng.ext import parse
from requests import exceptions as broken

import httsleep.main
from httsleep import Alarm, Cancelled, GaveUp, HttSleeper, exponential

URL = "http://server/endpoint"
RUNNING, SUCCESS = {"status": "RUNNING"}, {"status": "SUCCESS"}
STABLE = {"status_code": 200, "consecutive": 3}
REFUSED = broken.ConnectionError(ConnectionRefusedError())


def even(response):
    return len(response.content) % 2 == 0


class Checker:
    def even(self, response):
        return even(response)


@pytest.fixture
def wall(monkeypatch, clock):
    """The wall clock, which differs from the monotonic one, and can be set."""

    class Wall:
        offset = 1.7e9

        def time(self):
            return clock.now + self.offset

    wall = Wall()
    monkeypatch.setattr("httsleep.history.time", wall.time)
    return wall


@pytest.fixture
def elsewhere(wall, clock):
    """Go on with a wait in another process: only the JSON of its checkpoint is kept."""

    def elsewhere(checkpoint, *args, **kwargs):
        text = json.dumps(checkpoint)
        assert len(text) < 500
        clock.now += 5000  # another machine has been up for longer
        wall.offset -= 5000
        sleeper = HttSleeper(URL, *args, **kwargs)
        sleeper.checkpoint = json.loads(text)
        return sleeper

    return elsewhere


# A wait of poll()


def test_poll_is_a_step_of_one_wait(answers, naps, clock):
    """The number, the elapsed time and the account go on from poll to poll."""
    answers(503, 503, 200)
    sleeper = HttSleeper(URL, status_code=200)
    attempts = []
    for _ in range(3):
        attempts.append(sleeper.poll())
        clock.now += 10
    assert [each.number for each in attempts] == [1, 2, 3]
    assert [each.elapsed for each in attempts] == [0, 10, 20]
    assert [each.next_wait for each in attempts] == [2, 2, None]
    assert naps == []


@pytest.mark.parametrize("end", ["success", "alarm", "limit"])
def test_the_end_of_a_wait_is_the_beginning_of_the_next(answers, end):
    """After a success, an Alarm or a GaveUp, the next poll is number 1 again."""
    answers(503, {"success": 200, "alarm": 500, "limit": 503}[end], 503)
    sleeper = HttSleeper(
        URL, status_code=200, alarms={"status_code": 500}, max_retries=2
    )
    sleeper.poll()
    if end == "success":
        assert sleeper.poll().met
    else:
        with pytest.raises({"alarm": Alarm, "limit": GaveUp}[end]) as info:
            sleeper.poll()
        assert info.value.attempts == 2
    assert sleeper.checkpoint is None
    assert sleeper.poll().number == 1


def test_poll_gives_up_in_the_poll_after_which_no_other_may_follow(answers):
    """max_retries=3 allows two attempts with a next_wait; the third poll raises."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200, max_retries=3)
    assert [sleeper.poll().next_wait for _ in range(2)] == [2, 2]
    with pytest.raises(GaveUp, match=r"^gave up after 3 polls in 0 s: max_retries=3"):
        sleeper.poll()


def test_poll_gives_up_when_retry_after_asks_for_too_much(answers):
    """max_retry_after holds for poll() as for run(); 0 means not to look at it."""
    answers((503, "", {"Retry-After": "400"}))
    with pytest.raises(GaveUp, match="Retry-After asks for 400 s"):
        HttSleeper(URL, status_code=200).poll()
    assert HttSleeper(URL, status_code=200, max_retry_after=0).poll().next_wait == 2


def test_next_wait_leads_to_the_last_poll_moment(answers, clock):
    """A scheduler is told to come in time for the last poll before max_time."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200, max_time=3)
    assert sleeper.poll().next_wait == 2
    clock.now += 2
    assert sleeper.poll().next_wait == pytest.approx(0.9)
    clock.now += 0.9
    with pytest.raises(GaveUp, match="max_time=3 s leaves no time"):
        sleeper.poll()


def test_a_late_poll_is_made_and_is_the_last(stub_session, make_response, clock):
    """max_time cuts no request of poll(); one that comes after it gives up."""
    sent = []

    def answer(timeout, **_):
        sent.append(timeout)
        clock.now += 20
        return make_response(503)

    sleeper = HttSleeper(
        URL, status_code=200, session=stub_session(answer), max_time=60
    )
    assert sleeper.poll().met is False
    clock.now += 1000
    with pytest.raises(GaveUp) as info:
        sleeper.poll()
    assert sent == [30, 30]
    assert (info.value.attempts, info.value.limit) == (2, "max_time")
    assert "max_time=60 s is over" in str(info.value)


def test_a_late_poll_may_be_the_success(answers, clock):
    """A job that is done when the scheduler comes late is a success."""
    answers(503, 200)
    sleeper = HttSleeper(URL, status_code=200, max_time=60)
    sleeper.poll()
    clock.now += 1000
    assert sleeper.poll().met


def test_poll_is_cancelled(answers):
    """An event that is set ends the wait, before a request or after it."""
    server, cancel = answers(503), threading.Event()
    sleeper = HttSleeper(URL, status_code=200, cancel=cancel)
    sleeper.poll()
    cancel.set()
    with pytest.raises(Cancelled) as info:
        sleeper.poll()
    assert (info.value.attempts, len(server.calls)) == (1, 1)
    assert sleeper.checkpoint is None


@pytest.mark.parametrize("what", ["request", "callback", "on_poll", "interval"])
def test_other_exceptions_do_not_end_a_wait(answers, what):
    """The next poll goes on, even after a GaveUp of another wait in a callback."""
    answers(REFUSED if what == "request" else 503, 503, 503)
    error = GaveUp("another wait")
    calls = []

    def once(_):
        calls.append(1)
        if len(calls) == 1 and what != "request":
            raise error
        return 2

    arguments = {"status_code": 200}
    if what == "callback":
        arguments = {"callback": lambda response: once(response) == 0}
    elif what != "request":
        arguments["polling_interval" if what == "interval" else "on_poll"] = once
    sleeper = HttSleeper(URL, max_retries=3, **arguments)
    with pytest.raises((GaveUp, broken.ConnectionError)):
        sleeper.poll()
    assert sleeper.checkpoint["polls"] == 1
    assert sleeper.poll().number == 2
    with pytest.raises(GaveUp, match="gave up after 3 polls") as info:
        sleeper.poll()
    first = "ConnectionError: connection refused" if what == "request" else "503"
    assert f"1 x {first}" in str(info.value) or "3 x 503" in str(info.value)


def test_settings_count_from_the_next_wait_on(answers):
    """Limits that are assigned in the middle of a wait do not change it."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200, max_retries=2)
    sleeper.poll()
    sleeper.max_retries, sleeper.polling_interval = 50, 7
    with pytest.raises(GaveUp, match="max_retries=2"):
        sleeper.poll()
    assert sleeper.poll().next_wait == 7


def test_a_wait_begins_with_an_empty_cookie_jar(answers):
    """Cookies last as long as a wait of poll(), whatever its end."""
    server = answers((503, "", {"Set-Cookie": "seen=1"}))
    sleeper = HttSleeper(URL, status_code=200, max_retries=2)
    for _ in range(2):
        sleeper.poll()
        with pytest.raises(GaveUp):
            sleeper.poll()
    sent = [call.request.headers.get("Cookie") for call in server.calls]
    assert sent == [None, "seen=1", None, "seen=1"]


# run() after poll()


def test_run_goes_on_with_the_wait_of_poll(answers, naps, clock):
    """run() first waits until the next poll is due, and counts all polls."""
    answers(503, 503, 503, 200)
    sleeper = HttSleeper(URL, status_code=200, polling_interval=10)
    sleeper.poll()
    clock.now += 4
    response = sleeper.run()
    assert response.status_code == 200
    assert naps == [6, 10, 10]
    assert sleeper.checkpoint is None
    assert sleeper.poll().number == 1


def test_run_does_not_wait_for_a_poll_that_is_overdue(answers, naps, clock):
    """If the next poll is due already, run() polls at once."""
    answers(503, 200)
    sleeper = HttSleeper(URL, status_code=200)
    sleeper.poll()
    clock.now += 100
    sleeper.run()
    assert naps == []


def test_run_makes_one_poll_even_after_max_time(stub_session, make_response, clock):
    """A wait that is taken up too late has one more poll, with its whole timeout."""
    sent = []

    def answer(timeout, **_):
        sent.append(timeout)
        clock.now += 1
        return make_response(503)

    session = stub_session(answer)
    sleeper = HttSleeper(URL, status_code=200, session=session, max_time=60)
    sleeper.poll()
    clock.now += 1000
    with pytest.raises(GaveUp, match="gave up after 2 polls"):
        sleeper.run()
    assert sent == [30, 30]


def test_run_leaves_no_wait_behind(answers, monkeypatch):
    """However a run ends, the next call begins a wait."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200)

    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(httsleep.main, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sleeper.run()
    assert sleeper.checkpoint is None
    assert sleeper.poll().number == 1


@pytest.mark.parametrize("use", ["run", "poll"])
@pytest.mark.parametrize("where", ["on_poll", "callback"])
@pytest.mark.parametrize("call", ["run", "poll", "checkpoint"])
def test_a_sleeper_is_not_used_from_its_own_callbacks(answers, use, where, call):
    """run(), poll() and an assignment of checkpoint are refused in its callbacks."""
    answers(200)

    def callback(_):
        if call == "checkpoint":
            sleeper.checkpoint = None
        else:
            getattr(sleeper, call)()

    conditions = {"status_code": 200} if where == "on_poll" else {}
    sleeper = HttSleeper(URL, **conditions, **{where: callback})
    with pytest.raises(RuntimeError, match="this sleeper is polling already"):
        getattr(sleeper, use)()
    assert sleeper._active == {}


def test_two_threads_may_run_one_sleeper(answers):
    """Each run has a wait of its own, also in on_poll."""
    answers(503, 503, 503, 503)
    meet, seen = threading.Barrier(2, timeout=10), []

    def on_poll(attempt):
        seen.append(
            (attempt.number, sleeper.checkpoint and sleeper.checkpoint["polls"])
        )
        if attempt.number == 1:
            meet.wait()

    sleeper = HttSleeper(URL, status_code=200, max_retries=2, on_poll=on_poll)

    def run():
        with pytest.raises(GaveUp, match="gave up after 2 polls"):
            sleeper.run()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen, key=repr) == [(1, 1), (1, 1), (2, None), (2, None)]


# Checkpoints


def test_there_is_no_checkpoint_before_and_after_a_wait(answers):
    """Only a wait that is under way has one; closing the session does not end it."""
    answers(503, 200)
    with HttSleeper(URL, status_code=200) as sleeper:
        assert sleeper.checkpoint is None
        sleeper.poll()
    assert sleeper.checkpoint["polls"] == 1
    sleeper.poll()
    assert sleeper.checkpoint is None


def test_on_poll_sees_the_checkpoint_with_the_poll_just_made(answers):
    """In a run too; at the last poll there is nothing to go on with."""
    answers(503, 503, 200)
    seen = []
    sleeper = HttSleeper(
        URL,
        status_code=200,
        on_poll=lambda attempt: seen.append(sleeper.checkpoint),
    )
    sleeper.run()
    assert [each and each["polls"] for each in seen] == [1, 2, None]


def test_a_wait_goes_on_in_other_processes(answers, elsewhere, clock):
    """Polls, time, counts, intervals and the tally are those of the whole wait."""
    answers(REFUSED, 503, 200, 200, 503, 503)
    arguments = {
        "until": STABLE,
        "ignore_exceptions": [ConnectionError],
        "polling_interval": exponential(1),
        "max_retries": 6,
    }
    sleeper, waits, reasons = HttSleeper(URL, **arguments), [], []
    for _ in range(5):
        attempt = sleeper.poll()
        waits.append(attempt.next_wait)
        reasons.append(attempt.reasons)
        clock.now += attempt.next_wait
        sleeper = elsewhere(sleeper.checkpoint, **arguments)
    assert waits == [1, 2, 4, 8, 16]
    assert reasons[2:4] == [("1 of 3 in a row",), ("2 of 3 in a row",)]
    with pytest.raises(GaveUp) as info:
        sleeper.poll()
    assert str(info.value).splitlines() == [
        "gave up after 6 polls in 31 s: max_retries=6 is reached",
        "  GET http://server/endpoint",
        "  last answer (poll 6): 503 Service Unavailable, no body",
        "  not met: status_code is 503, not 200",
        "  polls: 1 x ConnectionError: connection refused, "
        "3 x 503 Service Unavailable, 2 x 200 OK",
    ]


def test_run_goes_on_with_an_assigned_checkpoint(answers, elsewhere, naps, clock):
    """A script that was stopped sleeps until its next poll is due, then polls on."""
    answers(503, 503, 200)
    sleeper = HttSleeper(URL, status_code=200, polling_interval=10)
    sleeper.poll()
    clock.now += 3
    sleeper = elsewhere(sleeper.checkpoint, status_code=200, polling_interval=10)
    assert sleeper.run().status_code == 200
    assert naps == pytest.approx([7, 10])


def test_a_resumed_wait_without_an_answer_says_so(answers, elsewhere):
    """The last answer is in no checkpoint, so the text does not deny that one came."""
    answers(503, REFUSED)
    arguments = {"status_code": 200, "ignore_exceptions": ConnectionError}
    sleeper = HttSleeper(URL, **arguments)
    sleeper.poll()
    sleeper = elsewhere(sleeper.checkpoint, max_retries=2, **arguments)
    with pytest.raises(GaveUp) as info:
        sleeper.poll()
    assert "\n  no answer since the wait was resumed\n" in str(info.value)
    assert (info.value.response, info.value.reasons) == (None, ())


def test_more_polls_than_max_retries_leave_one_poll(answers, elsewhere):
    """If the limit was lowered meanwhile, one more poll is made, the last."""
    server = answers(503)
    sleeper = HttSleeper(URL, status_code=200)
    for _ in range(5):
        sleeper.poll()
    sleeper = elsewhere(sleeper.checkpoint, status_code=200, max_retries=2)
    with pytest.raises(GaveUp, match="after 6 polls"):
        sleeper.poll()
    assert len(server.calls) == 6


@pytest.mark.parametrize("skew", [-3600, 3600])
def test_clocks_of_machines_may_differ(answers, elsewhere, wall, naps, skew):
    """A beginning in the future counts as now; no wait is longer than was planned."""
    answers(503, 503, 200)
    sleeper = HttSleeper(URL, status_code=200, polling_interval=10)
    sleeper.poll()
    checkpoint = sleeper.checkpoint
    wall.offset += skew
    sleeper = elsewhere(checkpoint, status_code=200, polling_interval=10)
    seen = []
    sleeper.on_poll = lambda attempt: seen.append(attempt.elapsed)
    sleeper.checkpoint = checkpoint
    sleeper.run()
    assert naps == pytest.approx([10, 10] if skew < 0 else [10])
    assert seen[0] == pytest.approx(10 if skew < 0 else 3600)


def test_the_wall_clock_does_not_matter_within_a_process(answers, wall, clock):
    """A wait of poll() stays on the monotonic clock."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200, max_time=60)
    sleeper.poll()
    wall.offset += 1e6
    clock.now += 5
    assert sleeper.poll().elapsed == 5


def test_a_pickled_sleeper_carries_its_checkpoint(answers, wall, clock):
    """Copies go on with the wait, each for itself."""
    answers(200, 503, 503)
    sleeper = HttSleeper(URL, until=STABLE, max_retries=3)
    sleeper.poll()
    copy = pickle.loads(pickle.dumps(sleeper))
    assert copy.checkpoint == sleeper.checkpoint
    assert sleeper.poll().number == copy.poll().number == 2


def test_a_checkpoint_can_be_taken_back(answers):
    """Assigning None means that the next poll begins a wait."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200)
    sleeper.poll()
    sleeper.checkpoint = None
    assert sleeper.poll().number == 1


def test_a_checkpoint_holds_no_secret(stub_session, make_response):
    """Nothing of the request or of an answer gets into it."""
    canary = "hunter2"
    headers = {"X-Secret": canary, "Set-Cookie": f"session={canary}"}
    answer = make_response(200, {"status": canary}, headers)
    sleeper = HttSleeper(
        requests.Request(
            "POST",
            f"http://user:{canary}@server/endpoint?token={canary}",
            data=canary,
            cookies={"c": canary},
        ),
        until={"json": {"status": "x", "token": canary}, "consecutive": 2},
        alarms={"status_code": "2xx", "consecutive": 9},
        headers={"Authorization": canary},
        session=stub_session(lambda **_: answer),
    )
    sleeper.poll()
    sleeper.poll()
    assert list(sleeper.checkpoint["counts"].values()) == [2]
    assert canary not in json.dumps(sleeper.checkpoint)
    assert sleeper.checkpoint["version"] == 1


@pytest.mark.parametrize(
    "condition",
    [
        {"text": re.compile("^{", re.IGNORECASE)},
        {"json": {"a": "x", "b": [1, None, True]}},
        {"jsonpath": {"expression": "$.a", "in": {"x", "y"}}},
        {"jsonpath": [{"expression": parse("$.a"), "value": "x"}]},
        {"status_code": range(200, 300)},
        {"callback": even},
        {"callback": Checker().even},
    ],
    ids=["pattern", "json", "set", "compiled", "range", "function", "method"],
)
def test_a_count_is_valid_for_an_equal_condition(answers, elsewhere, condition):
    """Another process finds the count by what the condition expects, not its place."""
    answers({"a": "x", "b": [1, None, True]})
    alarm = {**condition, "consecutive": 9}
    sleeper = HttSleeper(URL, {"text": "never"}, alarm)
    sleeper.poll()
    assert list(sleeper.checkpoint["counts"].values()) == [1]
    resumed = elsewhere(sleeper.checkpoint, {"text": "never"}, [{"text": "x"}, alarm])
    assert resumed.checkpoint["counts"] == sleeper.checkpoint["counts"]


@pytest.mark.parametrize(
    "callback", [lambda response: True, partial(even)], ids=["lambda", "partial"]
)
def test_a_count_of_a_nameless_callable_starts_again(answers, elsewhere, callback):
    """Another process cannot know whether it is the same one."""
    answers(200)
    until = {"callback": callback, "consecutive": 3}
    sleeper = HttSleeper(URL, until)
    sleeper.poll()
    assert sleeper.poll().reasons == ("2 of 3 in a row",)
    sleeper = elsewhere(sleeper.checkpoint, until)
    assert sleeper.poll().reasons == ("1 of 3 in a row",)


@pytest.mark.parametrize(
    "until", [{"status_code": "2xx"}, {"status_code": 200, "text": ""}], ids=str
)
def test_a_count_of_another_condition_starts_again(answers, elsewhere, until):
    """Neither the place nor a part of a condition makes it the same."""
    answers(200)
    sleeper = HttSleeper(URL, STABLE)
    sleeper.poll()
    sleeper = elsewhere(sleeper.checkpoint, {**until, "consecutive": 3})
    assert sleeper.poll().reasons == ("1 of 3 in a row",)


VALID = {
    "version": 1,
    "began": 1.7e9,
    "due": 1.7e9,
    "wait": 2,
    "polls": 3,
    "recent": [0.1],
    "counts": {},
    "tally": {"200 OK": 3},
}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": 2}, "its version is not 1"),
        ({"version": None}, "it has no version"),
        ({"version": True}, "it has no version"),
        ({"began": None}, "its 'began' is missing"),
        ({"began": float("nan")}, "its 'began'"),
        ({"began": float("inf")}, "its 'began'"),
        ({"began": True}, "its 'began'"),
        ({"due": "secret"}, "its 'due'"),
        ({"wait": -1}, "its 'wait'"),
        ({"polls": 1.5}, "its 'polls'"),
        ({"polls": -1}, "its 'polls'"),
        ({"polls": 10**30}, "its 'polls'"),
        ({"polls": 10**400}, "its 'polls'"),
        ({"due": 10**400}, "its 'due'"),
        ({"recent": "secret"}, "its 'recent'"),
        ({"recent": [0.1] * 4}, "its 'recent'"),
        ({"recent": [None]}, "its 'recent'"),
        ({"counts": []}, "its 'counts'"),
        ({"counts": {"secret": "2"}}, "its 'counts'"),
        ({"tally": {"secret": True}}, "its 'tally'"),
        ({"tally": {1: 1}}, "its 'tally'"),
        ({"tally": dict.fromkeys(map(str, range(1001)), 1)}, "its 'tally'"),
    ],
    ids=lambda change: None,
)
def test_a_value_of_another_shape_is_refused(answers, change, why):
    """The error does not show the value, and the wait stays as it was."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200)
    sleeper.poll()
    with pytest.raises(ValueError, match=f"^checkpoint cannot be used, {why}") as info:
        sleeper.checkpoint = VALID | change
    assert "secret" not in str(info.value)
    assert sleeper.poll().number == 2


@pytest.mark.parametrize("value", [5, "secret", [], {}], ids=repr)
def test_what_is_no_checkpoint_is_refused(value):
    """Neither is anything that is no dict, nor an empty one."""
    with pytest.raises(ValueError, match=r"^checkpoint cannot be used, it ") as info:
        HttSleeper(URL, status_code=200).checkpoint = value
    assert "secret" not in str(info.value)


def test_unknown_keys_are_left_alone(answers):
    """A newer version may add facts to a checkpoint: deployments roll."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200)
    sleeper.checkpoint = VALID | {"new": "fact"}
    assert sleeper.poll().number == 4


def test_a_tally_of_a_checkpoint_is_made_safe(answers):
    """A checkpoint may come from anywhere, so its text cannot forge a line."""
    answers(503)
    sleeper = HttSleeper(URL, status_code=200, max_retries=4)
    sleeper.checkpoint = VALID | {"tally": {"x\n  forged\x1b[2J": 3}}
    with pytest.raises(GaveUp) as info:
        sleeper.poll()
    assert not any("forged" in line[:9] for line in str(info.value).splitlines())
    assert "\x1b" not in str(info.value)


# Clocks that stand still


def test_a_wait_ends_while_the_clock_stands_still(answers, monkeypatch):
    """Sleeps count as time that has passed, so max_time ends it all the same."""
    answers(503)
    naps = []
    monkeypatch.setattr("httsleep.history.monotonic", lambda: 1000.0)
    monkeypatch.setattr(httsleep.main, "sleep", naps.append)
    with pytest.raises(GaveUp, match="max_time=7 s leaves no time"):
        HttSleeper(URL, status_code=200, max_time=7).run()
    assert naps == pytest.approx([2, 2, 2, 0.9])


def test_a_request_has_a_timeout_although_the_sleep_is_replaced(
    stub_session, make_response, monkeypatch, clock
):
    """A sleep that takes no time does not stop the clock of the requests after it."""
    left = []

    def answer(timeout, **_):
        left.append(timeout)
        clock.now += 7
        return make_response(503)

    naps = []
    monkeypatch.setattr(httsleep.main, "sleep", naps.append)
    session = stub_session(answer)
    with pytest.raises(GaveUp) as info:
        HttSleeper(
            URL, status_code=200, session=session, max_time=60, polling_interval=10
        ).run()
    assert left[:3] == [30, 30, 26]
    assert info.value.elapsed == pytest.approx(60, abs=10)
