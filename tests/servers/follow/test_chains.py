"""Chains: each answer that is waited through may name the next URL."""

import pytest
import requests

from httsleep import Alarm, GaveUp, HttSleeper, UnexpectedResponse, httsleep


def names(path, status=200, **more):
    """Return an answer that names a path in its body."""
    return (status, {"nextUri": path, **more})


NOT_THERE = {"expression": "$.nextUri", "exists": False}
DONE = {"status_code": 200, "jsonpath": NOT_THERE}


def test_each_answer_names_the_next(serve, submit, sent):
    """The wait follows the chain until an answer is the one."""
    server = serve(
        names("/q/1"),
        paths={
            "/q/1": [names("/q/2")],
            "/q/2": [names("/q/3")],
            "/q/3": [(200, {"rows": 7})],
        },
    )
    response = httsleep(submit(server.url, data=b"select 1"), DONE, follow="$.nextUri")
    assert response.json() == {"rows": 7}
    assert sent(server) == ["POST /endpoint", "GET /q/1", "GET /q/2", "GET /q/3"]


def test_the_same_url_again_if_none_is_named(serve, submit, sent):
    """An answer that names nothing leaves the place as it was."""
    server = serve(
        names("/q/1"),
        paths={
            "/q/1": [(202, {}), (202, b""), (202, {"nextUri": None}), names("/q/2")],
            "/q/2": [200],
        },
    )
    until = {"status_code": 200, "text": ""}
    httsleep(submit(server.url), until, follow="$.nextUri")
    assert sent(server) == ["POST /endpoint", *["GET /q/1"] * 4, "GET /q/2"]


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_an_error_never_leads_anywhere(serve, submit, sent, status):
    """After an error the same URL is asked again, whatever the error names."""
    headers = {"Location": "/elsewhere"}
    server = serve(
        (202, b"", {"Location": "/q/1"}),
        paths={"/q/1": [(status, b"", headers), (status, b"", headers), 200]},
    )
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint", *["GET /q/1"] * 3]


def test_an_exception_leaves_the_place(serve, submit, sent):
    """After an ignored exception the same URL is asked again."""
    server = serve(
        names("/q/1"), paths={"/q/1": [lambda handler: handler.reset(), 204]}
    )
    httsleep(
        submit(server.url),
        status_code=204,
        follow="$.nextUri",
        ignore_exceptions=ConnectionError,
    )
    assert sent(server)[0] == "POST /endpoint"
    assert set(sent(server)[1:]) == {"GET /q/1"}


def test_a_success_is_the_end_of_a_chain(serve, submit, sent):
    """An answer that meets until is returned, also if it names a URL."""
    server = serve(names("/q/1"), paths={"/q/1": [names("/q/2")]})
    httsleep(submit(server.url), status_code=200, follow="$.nextUri")
    assert sent(server) == ["POST /endpoint", "GET /q/1"]


def test_an_alarm_is_the_end_of_a_chain(serve, submit, sent):
    """An answer that meets an alarm is not followed."""
    server = serve(names("/q/1"), paths={"/q/1": [names("/q/2", error={"code": 7})]})
    with pytest.raises(Alarm):
        httsleep(
            submit(server.url),
            DONE,
            {"jsonpath": {"expression": "$.error", "exists": True}},
            follow="$.nextUri",
        )
    assert sent(server) == ["POST /endpoint", "GET /q/1"]


def test_what_is_not_pending_is_the_end_of_a_chain(serve, submit, sent):
    """An answer that is not expected is not followed."""
    server = serve(names("/q/1"), paths={"/q/1": [names("/q/2", 202)]})
    with pytest.raises(UnexpectedResponse):
        httsleep(
            submit(server.url), DONE, pending={"status_code": 203}, follow="$.nextUri"
        )
    assert sent(server) == ["POST /endpoint", "GET /q/1"]


def test_what_is_pending_is_followed(serve, submit, sent):
    """An answer that is pending leads on."""
    server = serve(
        names("/q/1"), paths={"/q/1": [names("/q/2", 202)], "/q/2": [(200, {})]}
    )
    httsleep(submit(server.url), DONE, pending={"status_code": 202}, follow="$.nextUri")
    assert sent(server) == ["POST /endpoint", "GET /q/1", "GET /q/2"]


def test_a_queue_and_then_a_build(serve, submit, sent):
    """The first place of a list that an answer has decides, for each answer anew."""
    server = serve(
        (201, b"", {"Location": "/queue/item/1/"}),
        paths={
            "/queue/item/1/api/json": [
                (200, {"executable": None}),
                (200, {"executable": {"url": "/job/app/9/"}}),
            ],
            "/job/app/9/api/json": [
                (200, {"result": None}),
                (200, {"result": "SUCCESS"}),
            ],
        },
    )
    httsleep(
        submit(f"{server.root}/job/app/build"),
        jsonpath={"$.result": "SUCCESS"},
        follow=["{Location}api/json", "{$.executable.url}api/json"],
    )
    assert sent(server) == [
        "POST /job/app/build",
        *["GET /queue/item/1/api/json"] * 2,
        *["GET /job/app/9/api/json"] * 2,
    ]


def test_a_get_that_follows(serve, sent):
    """A GET is judged as ever, and an answer that is waited through is followed."""
    server = serve(503, names("/q/1"), paths={"/q/1": [(200, {})]})
    httsleep(server.url, DONE, follow="$.nextUri")
    assert sent(server) == ["GET /endpoint", "GET /endpoint", "GET /q/1"]


def test_a_get_that_is_a_success_at_once(serve, sent):
    """The answer of a GET is judged before it is followed."""
    server = serve(names("/q/1"))
    httsleep(server.url, status_code=200, follow="$.nextUri")
    assert sent(server) == ["GET /endpoint"]


def test_a_get_that_names_nothing(serve, sent):
    """Nothing of a submit holds for it: it is asked again."""
    server = serve(202, 202, 200)
    httsleep(server.url, status_code=200, follow="Location")
    assert sent(server) == ["GET /endpoint"] * 3


def test_a_get_with_body_and_params(serve, sent):
    """They are those of the first URL, not of the one that is named."""
    server = serve(
        202, (202, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [202, 200]}
    )
    request = requests.Request("GET", server.url, params={"a": "b"}, data=b"body")
    httsleep(request, status_code=200, follow="Location")
    assert sent(server) == [*["GET /endpoint?a=b"] * 2, *["GET /jobs/7"] * 2]
    assert [seen.body for seen in server.seen] == [b"body", b"body", b"", b""]


def test_a_head_that_names_a_url(serve, sent):
    """The URL is polled by GET, so that it has a body."""
    server = serve(
        (202, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [(200, {"a": 1})]}
    )
    request = requests.Request("HEAD", server.url)
    assert httsleep(request, status_code=200, follow="Location").json() == {"a": 1}
    assert sent(server) == ["HEAD /endpoint", "GET /jobs/7"]


def test_a_chain_that_comes_back(serve, sent):
    """A URL may name the one before it; max_retries ends the wait."""
    server = serve(404, paths={"/a": [names("/b")], "/b": [names("/a")]})
    with pytest.raises(GaveUp):
        httsleep(f"{server.root}/a", status_code=204, follow="$.nextUri", max_retries=4)
    assert sent(server) == ["GET /a", "GET /b", "GET /a", "GET /b"]


def test_a_chain_by_poll(serve, submit, sent):
    """``poll()`` makes the same requests, one at a time."""
    server = serve(
        names("/q/1"), paths={"/q/1": [names("/q/2")], "/q/2": [202, (200, {})]}
    )
    with HttSleeper(
        submit(server.url),
        {"status_code": 200, "jsonpath": NOT_THERE},
        follow="$.nextUri",
    ) as sleeper:
        outcomes = [sleeper.poll().outcome for _ in range(4)]
    assert outcomes == ["waiting", "waiting", "waiting", "met"]
    assert sent(server) == ["POST /endpoint", "GET /q/1", "GET /q/2", "GET /q/2"]


def test_consecutive_goes_on_along_a_chain(serve, submit, sent):
    """Answers in a row may come from different URLs."""
    server = serve(
        (202, {"nextUri": "/q/1"}),
        paths={"/q/1": [names("/q/2")], "/q/2": [names("/q/3")]},
    )
    until = {"status_code": 200, "consecutive": 2}
    httsleep(submit(server.url), until, follow="$.nextUri")
    assert sent(server) == ["POST /endpoint", "GET /q/1", "GET /q/2"]


def test_two_runs_of_a_get_begin_at_the_first_url(serve, sent):
    """A new wait knows nothing of where the last one was led."""
    server = serve(names("/q/1"), names("/q/1"), paths={"/q/1": [204]})
    sleeper = HttSleeper(server.url, status_code=204, follow="$.nextUri")
    sleeper.run()
    sleeper.run()
    assert sent(server) == ["GET /endpoint", "GET /q/1"] * 2
