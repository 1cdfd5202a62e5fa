"""``poll()``, checkpoint and pickle keep the place where ``follow`` has led."""

import copy
import json
import pickle
import subprocess
import sys

import pytest
import requests

from httsleep import Alarm, GaveUp, HttSleeper, UnexpectedResponse

TO_JOB = (202, b"", {"Location": "/jobs/7"})


@pytest.fixture
def jobs(serve):
    """A server that takes a submit, and whose job is done at its third poll."""
    return serve(TO_JOB, paths={"/jobs/7": [202, 202, 200]})


@pytest.fixture
def sleeper(jobs, submit):
    """A sleeper that submits and follows."""
    with HttSleeper(submit(jobs.url), status_code=200, follow="Location") as sleeper:
        yield sleeper


def by_polls(make):
    """Return the numbers of the polls of a wait, each made by another sleeper."""
    checkpoint, numbers = None, []
    while True:
        with make() as sleeper:
            sleeper.checkpoint = checkpoint
            attempt = sleeper.poll()
            numbers.append(attempt.number)
            if attempt.met:
                return numbers
            checkpoint = json.loads(json.dumps(sleeper.checkpoint))


def test_poll_by_poll(sleeper, jobs, sent):
    """The first ``poll()`` submits, and the next ones follow."""
    outcomes = [sleeper.poll().outcome for _ in range(4)]
    assert outcomes == ["waiting", "waiting", "waiting", "met"]
    assert sent(jobs) == ["POST /endpoint", *["GET /jobs/7"] * 3]


def test_the_next_wait_of_poll(sleeper, naps):
    """The attempt of the submit says when the first poll is due."""
    assert sleeper.poll().next_wait == 2
    assert naps == []


def test_a_new_wait_of_poll_submits_anew(sleeper, jobs, sent):
    """After a success the next ``poll()`` begins at the submit."""
    while not sleeper.poll().met:
        pass
    sleeper.poll()
    assert sent(jobs)[-1] == "POST /endpoint"


def test_run_goes_on_after_poll(sleeper, jobs, sent):
    """``run()`` does not submit again."""
    sleeper.poll()
    sleeper.run()
    assert sent(jobs) == ["POST /endpoint", *["GET /jobs/7"] * 3]


def test_a_checkpoint_has_the_url(sleeper, jobs):
    """It is JSON, has the URL, and is below 500 bytes."""
    assert sleeper.checkpoint is None
    sleeper.poll()
    written = json.dumps(sleeper.checkpoint)
    assert f"{jobs.root}/jobs/7" in written
    assert len(written) < 500


def test_a_checkpoint_without_follow_has_no_url(serve):
    """A wait that follows nothing has no URL in its checkpoint."""
    server = serve(202)
    with HttSleeper(server.url, status_code=200) as sleeper:
        sleeper.poll()
        assert server.url not in json.dumps(sleeper.checkpoint)


def test_a_checkpoint_holds_nothing_else_of_the_request(serve, submit):
    """No credential, no header, no cookie, no body and no answer is in it."""
    server = serve(
        (
            202,
            {"answer": "s3cret"},
            {"Location": "/jobs/7", "Set-Cookie": "a=s3cret; Path=/"},
        ),
        paths={"/jobs/7": [202]},
    )
    request = submit(
        server.url.replace("://", "://s3cret:s3cret@"),
        headers={"X-Api-Key": "s3cret"},
        json={"a": "s3cret"},
        params={"b": "s3cret"},
        cookies={"c": "s3cret"},
    )
    with HttSleeper(
        request, status_code=200, follow="Location", auth=("s3cret", "s3cret")
    ) as sleeper:
        for _ in range(2):
            sleeper.poll()
            assert "s3cret" not in json.dumps(sleeper.checkpoint)


def test_a_checkpoint_holds_no_userinfo_of_the_server(serve, submit):
    """Userinfo in a named URL is dropped before it is kept."""
    server = serve(404)
    location = server.root.replace("://", "://eve:s3cret@") + "/jobs/7"
    server._scripts["/endpoint"] = [(202, b"", {"Location": location})]
    with HttSleeper(submit(server.url), status_code=200, follow="Location") as sleeper:
        sleeper.poll()
        assert "s3cret" not in json.dumps(sleeper.checkpoint)


def test_another_sleeper_goes_on(jobs, submit, sent):
    """A sleeper with the same arguments polls where the first one was led."""

    def make():
        return HttSleeper(submit(jobs.url), status_code=200, follow="Location")

    assert by_polls(make) == [1, 2, 3, 4]
    assert sent(jobs) == ["POST /endpoint", *["GET /jobs/7"] * 3]


def test_a_chain_over_many_sleepers(serve, submit, sent):
    """Each of them is at its place of the chain."""
    server = serve(
        (202, {"next": "/1"}),
        paths={
            "/1": [(202, {"next": "2"})],
            "/2": [503, (202, {"next": "/3"})],
            "/3": [200],
        },
    )

    def make():
        return HttSleeper(submit(server.url), status_code=200, follow="$.next")

    assert by_polls(make) == [1, 2, 3, 4, 5]
    assert sent(server) == ["POST /endpoint", "GET /1", "GET /2", "GET /2", "GET /3"]


def test_another_process_goes_on(jobs, submit, sent, naps):
    """The checkpoint is all that the next process needs, and ``run()`` goes on."""
    with HttSleeper(submit(jobs.url), status_code=200, follow="Location") as sleeper:
        sleeper.poll()
        checkpoint = json.dumps(sleeper.checkpoint)
    code = (
        "import json, sys, requests\n"
        "from httsleep import HttSleeper\n"
        "url, checkpoint = sys.argv[1:]\n"
        "sleeper = HttSleeper(requests.Request('POST', url, headers={'X-Key': 'k'}),\n"
        "                     status_code=200, follow='Location',\n"
        "                     polling_interval=0.01)\n"
        "sleeper.checkpoint = dict(json.loads(checkpoint), due=0)\n"
        "print(sleeper.run().url)\n"
    )
    command = [sys.executable, "-c", code, jobs.url, checkpoint]
    out = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert out.stderr == ""
    assert out.stdout == f"{jobs.root}/jobs/7\n"
    assert sent(jobs) == ["POST /endpoint", *["GET /jobs/7"] * 3]
    assert [seen.headers.get("X-Key") for seen in jobs.seen[1:]] == ["k"] * 3


def test_a_checkpoint_in_on_poll(jobs, submit):
    """It has the place already that the answer named, and is None at the last."""
    checkpoints = []
    sleeper = HttSleeper(
        submit(jobs.url),
        status_code=200,
        follow="Location",
        on_poll=lambda _: checkpoints.append(sleeper.checkpoint),
    )
    sleeper.run()
    *before, last = checkpoints
    assert last is None
    assert [f"{jobs.root}/jobs/7" in json.dumps(each) for each in before] == [True] * 3


def test_a_checkpoint_of_another_origin(serve, submit):
    """A sleeper that goes on there sends nothing of the caller's either."""
    other = serve(202, 200)
    server = serve((202, b"", {"Location": other.url}))

    def make():
        return HttSleeper(
            submit(server.url),
            status_code=200,
            follow="Location",
            headers={"X-Api-Key": "s3cret"},
            auth=("s3cret", "s3cret"),
        )

    assert by_polls(make) == [1, 2, 3]
    for seen in other.seen:
        assert "X-Api-Key" not in seen.headers
        assert "Authorization" not in seen.headers


def test_a_checkpoint_after_303(serve, submit, sent):
    """The URL that 303 led to is kept."""
    server = serve(
        (303, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [202, 202, 200]}
    )

    def make():
        return HttSleeper(submit(server.url), status_code=200, follow="Location")

    assert by_polls(make) == [1, 2, 3]
    assert sent(server) == ["POST /endpoint", *["GET /jobs/7"] * 3]


def test_a_checkpoint_of_a_get_before_anything_was_named(serve, sent):
    """A GET that was not led anywhere yet goes on where it is."""
    server = serve(
        202, 202, (202, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [200]}
    )

    def make():
        return HttSleeper(server.url, status_code=200, follow="Location")

    assert by_polls(make) == [1, 2, 3, 4]
    assert sent(server) == [*["GET /endpoint"] * 3, "GET /jobs/7"]


def test_the_account_after_a_checkpoint(jobs, submit):
    """It names both ends, and counts the submit."""
    with HttSleeper(submit(jobs.url), status_code=200, follow="Location") as sleeper:
        sleeper.poll()
        checkpoint = sleeper.checkpoint
    with HttSleeper(
        submit(jobs.url), status_code=200, follow="Location", max_retries=2
    ) as sleeper:
        sleeper.checkpoint = checkpoint
        with pytest.raises(GaveUp) as caught:
            sleeper.poll()
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("gave up after 2 polls in ")
    assert lines[1] == f"  POST {jobs.url}, then GET {jobs.root}/jobs/7"
    assert lines[-1] == "  polls: 2 x 202 Accepted"


def test_a_submit_that_is_due_no_more(jobs, submit, sent):
    """``checkpoint=None`` begins at the submit."""
    with HttSleeper(submit(jobs.url), status_code=200, follow="Location") as sleeper:
        sleeper.checkpoint = None
        sleeper.poll()
        sleeper.checkpoint = None
        sleeper.poll()
    assert sent(jobs) == ["POST /endpoint"] * 2


# Checkpoints that are refused.


@pytest.fixture
def led(sleeper):
    """A checkpoint of a sleeper that was led somewhere."""
    sleeper.poll()
    return json.loads(json.dumps(sleeper.checkpoint))


def the_url(checkpoint):
    """Return the name of the field that has the URL."""
    (name,) = [key for key, value in checkpoint.items() if "http" in str(value)]
    return name


REFUSED = {
    "ftp": "ftp://127.0.0.1/s3cret",
    "file": "file:///s3cret",
    "no URL": "s3cret",
    "a path": "/s3cret",
    "empty": "",
    "an int": 7,
    "a list": ["http://127.0.0.1/s3cret"],
    "a dict": {"url": "s3cret"},
    "a bool": True,
    "no host": "http:///s3cret",
    "no port": "http://127.0.0.1:s3cret/",
    "half a bracket": "http://[s3cret",
    "a long label": f"http://{'s3cret' * 20}.example/",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_a_url_that_is_no_http_url(led, sleeper, jobs, sent, url):
    """It is refused without being shown, and the wait stays as it was."""
    before = sleeper.checkpoint
    with pytest.raises(ValueError, match=r"^checkpoint ") as caught:
        sleeper.checkpoint = {**led, the_url(led): url}
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    after = sleeper.checkpoint
    assert after[the_url(led)] == before[the_url(led)]
    sleeper.poll()
    assert sent(jobs) == ["POST /endpoint", "GET /jobs/7"]


def test_http_in_the_checkpoint_of_an_https_sleeper(led, submit):
    """Such a URL is trusted no more than a server."""
    sleeper = HttSleeper(
        submit("https://127.0.0.1/jobs"), status_code=200, follow="Location"
    )
    with pytest.raises(ValueError, match=r"^checkpoint "):
        sleeper.checkpoint = led


def test_a_url_for_a_sleeper_without_follow(led, submit, jobs):
    """A sleeper that follows nothing would poll the wrong URL."""
    sleeper = HttSleeper(jobs.url, status_code=200)
    with pytest.raises(ValueError, match=r"^checkpoint ") as caught:
        sleeper.checkpoint = led
    assert "/jobs/7" not in str(caught.value)
    assert sleeper.checkpoint is None


def test_polls_without_a_url_for_a_sleeper_that_submits(led, submit, jobs, sent):
    """It would submit again."""
    del led[the_url(led)]
    sleeper = HttSleeper(submit(jobs.url), status_code=200, follow="Location")
    with pytest.raises(ValueError, match=r"^checkpoint "):
        sleeper.checkpoint = led
    assert sleeper.checkpoint is None
    assert sent(jobs) == ["POST /endpoint"]


def test_polls_with_null_for_a_sleeper_that_submits(led, submit, jobs):
    """null is no URL either."""
    sleeper = HttSleeper(submit(jobs.url), status_code=200, follow="Location")
    with pytest.raises(ValueError, match=r"^checkpoint "):
        sleeper.checkpoint = {**led, the_url(led): None}


def test_a_checkpoint_of_a_sleeper_without_follow(serve, submit):
    """Polls of a POST that was sent again and again are no place to go on from."""
    server = serve(202)
    with HttSleeper(submit(server.url), status_code=200) as sleeper:
        sleeper.poll()
        checkpoint = sleeper.checkpoint
    sleeper = HttSleeper(submit(server.url), status_code=200, follow="Location")
    with pytest.raises(ValueError, match=r"^checkpoint "):
        sleeper.checkpoint = checkpoint


def test_a_url_with_userinfo(led, sleeper, jobs, sent):
    """A checkpoint is trusted no more than a server: userinfo in it is not sent."""
    url = f"{jobs.root}/jobs/7".replace("://", "://eve:s3cret@")
    sleeper.checkpoint = {**led, the_url(led): url}
    sleeper.poll()
    assert sent(jobs) == ["POST /endpoint", "GET /jobs/7"]
    assert "Authorization" not in jobs.seen[-1].headers


def test_a_url_of_another_origin_in_a_checkpoint(led, jobs, serve, submit):
    """Credentials go home only."""
    other = serve(200)
    with HttSleeper(
        submit(jobs.url), status_code=200, follow="Location", headers={"X-Key": "k"}
    ) as sleeper:
        sleeper.checkpoint = {**led, the_url(led): other.url}
        assert sleeper.poll().met
    assert "X-Key" not in other.seen[0].headers


def test_unknown_keys_are_left_alone(led, sleeper):
    """A newer version may have written more."""
    sleeper.checkpoint = {**led, "something": "new"}
    sleeper.poll()


# Pickle and copy.

COPIES = {
    "pickle": lambda sleeper: pickle.loads(pickle.dumps(sleeper)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("polls", [0, 1, 2])
def test_a_copy_keeps_the_place(sleeper, jobs, sent, copied, polls):
    """A copy of a sleeper goes on where the sleeper was."""
    for _ in range(polls):
        sleeper.poll()
    other = copied(sleeper)
    other.run()
    assert sent(jobs) == ["POST /endpoint", *["GET /jobs/7"] * 3]


def first_link(response):
    return response.links["monitor"]["url"]


@pytest.mark.parametrize(
    "follow", ["Location", ["$.a", "/jobs/{$.id}"], ("Location",), None]
)
def test_follow_can_be_read(submit, follow):
    """A sleeper says what it was given, and so does a copy of it."""
    sleeper = HttSleeper(submit("http://server/jobs"), status_code=200, follow=follow)
    assert sleeper.follow == follow
    assert pickle.loads(pickle.dumps(sleeper)).follow == follow
    assert copy.deepcopy(sleeper).follow == follow


def test_a_callable_that_cannot_be_pickled(submit):
    """The error names the argument."""
    sleeper = HttSleeper(
        submit("http://server/jobs"), status_code=200, follow=lambda response: None
    )
    with pytest.raises(pickle.PicklingError, match=r"^follow"):
        pickle.dumps(sleeper)
    assert copy.copy(sleeper).follow is sleeper.follow


def test_exceptions_pickle(serve, submit):
    """The account comes back as it was."""
    server = serve((202, b"", {"Location": "ftp://b.example/"}))
    with (
        pytest.raises(UnexpectedResponse) as caught,
        HttSleeper(submit(server.url), status_code=200, follow="Location") as sleeper,
    ):
        sleeper.poll()
    loaded = pickle.loads(pickle.dumps(caught.value))
    assert str(loaded) == str(caught.value)
    assert type(loaded) is UnexpectedResponse


def test_attempts_pickle(sleeper):
    """An attempt with the reason of a submit can be sent to another process."""
    attempt = sleeper.poll()
    loaded = pickle.loads(pickle.dumps(attempt))
    assert str(loaded) == str(attempt)


def test_follow_can_be_assigned(jobs, submit, sent):
    """It counts from the next wait on, and is checked."""
    sleeper = HttSleeper(submit(jobs.url), status_code=200, follow="X-None")
    sleeper.follow = "Location"
    with pytest.raises(ValueError, match=r"^follow"):
        sleeper.follow = []
    assert sleeper.follow == "Location"
    sleeper.run()
    assert sent(jobs) == ["POST /endpoint", *["GET /jobs/7"] * 3]


def test_a_request_that_is_assigned_counts_from_the_next_wait(sleeper, jobs, sent):
    """Home and submit of the wait that is under way stay what they are."""
    sleeper.poll()
    sleeper.request = requests.Request("PUT", f"{jobs.root}/other")
    while not sleeper.poll().met:
        pass
    assert sent(jobs) == ["POST /endpoint", *["GET /jobs/7"] * 3]
    sleeper.poll()
    assert sent(jobs)[-1] == "PUT /other"


CHANGES = {
    "url": lambda request, url: setattr(request, "url", url),
    "headers": lambda request, _: request.headers.update({"X-Token": "s3cret"}),
    "other headers": lambda request, _: setattr(request, "headers", {"X": "s3cret"}),
    "auth": lambda request, _: setattr(request, "auth", ("s3cret", "s3cret")),
    "method": lambda request, _: setattr(request, "method", "PUT"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_request_that_is_changed_counts_from_the_next_wait(
    sleeper, jobs, serve, change
):
    """The polls of a wait that is under way carry what its submit carried."""
    other = serve(200)
    sleeper.poll()
    change(sleeper.request, other.url.replace("//", "//s3cret:s3cret@"))
    sleeper.poll()
    assert [seen.path for seen in jobs.seen] == ["/endpoint", "/jobs/7"]
    assert "Authorization" not in jobs.seen[1].headers
    assert "s3cret" not in repr(jobs.seen)
    assert other.seen == []


def test_the_account_after_a_change_of_the_request(sleeper, jobs):
    """The text of a wait that is under way has the method and the URL of its submit."""
    sleeper.poll()
    sleeper.request.method, sleeper.request.url = "PUT", "http://server/other"
    sleeper.alarms = {"status_code": 202}
    with pytest.raises(Alarm) as caught:
        sleeper.poll()
    second = str(caught.value).split("\n  ")[1]
    assert second == f"POST {jobs.url}, then GET {jobs.root}/jobs/7"


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_leaves_the_cookies_of_the_wait(serve, submit, copied):
    """A copy has a cookie jar of its own, so the wait it was made of keeps its own."""
    cookie = {"Location": "/jobs/7", "Set-Cookie": "seen=1; Path=/"}
    server = serve((202, b"", cookie), 202)
    with HttSleeper(submit(server.url), status_code=200, follow="Location") as sleeper:
        sleeper.poll()
        copied(sleeper).close()
        sleeper.poll()
    assert server.seen[1].headers["Cookie"] == "seen=1"
