"""Submits that are redirected: 303, 301 and 302, 307 and 308."""

import pytest
import requests

from httsleep import Alarm, GaveUp, HttSleeper, UnexpectedResponse, httsleep

SEE_JOB = (303, b"", {"Location": "/jobs/7"})
KEY = {"X-Api-Key": "key"}


def test_303_counts_as_the_first_poll(serve, submit, sent, mine):
    """The answer that comes back is that of a GET, and it is judged."""
    server = serve(SEE_JOB, paths={"/jobs/7": [200]})
    attempts = []
    response = httsleep(
        submit(server.url, data=b"body"),
        status_code=200,
        follow="Location",
        on_poll=attempts.append,
        **mine,
    )
    assert sent(server) == ["POST /endpoint", "GET /jobs/7"]
    assert response.url == f"{server.root}/jobs/7"
    assert [attempt.outcome for attempt in attempts] == ["met"]


def test_the_url_of_303_is_polled(serve, submit, sent, mine):
    """The wait goes on at the URL that the answer came from."""
    server = serve(SEE_JOB, paths={"/jobs/7": [202, 404, 503, 200]})
    attempts = []
    httsleep(
        submit(server.url, data=b"body"),
        status_code=200,
        follow="Location",
        on_poll=attempts.append,
        **mine,
    )
    assert sent(server) == ["POST /endpoint", *["GET /jobs/7"] * 4]
    assert [attempt.number for attempt in attempts] == [1, 2, 3, 4]
    assert attempts[0].reasons[-1] == "status_code is 202, not 200"
    assert {seen.body for seen in server.seen[1:]} == {b""}


@pytest.mark.parametrize("status", [404, 503])
def test_an_error_after_303_is_waited_through(serve, submit, sent, status):
    """It is the answer of a poll, so it does not mean "not accepted"."""
    server = serve(SEE_JOB, paths={"/jobs/7": [status, 200]})
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7", "GET /jobs/7"]


def test_the_answer_after_303_may_name_a_url(serve, submit, sent):
    """It is followed like that of any poll."""
    server = serve(
        SEE_JOB,
        paths={"/jobs/7": [(202, b"", {"Location": "/jobs/8"})], "/jobs/8": [200]},
    )
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7", "GET /jobs/8"]


def test_the_answer_after_303_is_judged_by_alarms_and_pending(serve, submit):
    """It is judged as ever."""
    server = serve(SEE_JOB, paths={"/jobs/7": [202]})
    request = submit(server.url)
    with pytest.raises(Alarm):
        httsleep(
            request, status_code=200, alarms={"status_code": 202}, follow="Location"
        )
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(request, status_code=200, pending=[], follow="Location")
    assert "not accepted" not in str(caught.value)
    httsleep(request, status_code=202, follow="Location")


def test_consecutive_counts_from_the_answer_after_303(serve, submit, sent):
    """It is the first of the polls."""
    server = serve(SEE_JOB, paths={"/jobs/7": [200]})
    until = {"status_code": 200, "consecutive": 2}
    httsleep(submit(server.url), until, follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7", "GET /jobs/7"]


def test_303_after_307(serve, submit, sent):
    """Whoever forwards a submit may answer it with 303."""
    server = serve(
        (307, b"", {"Location": "/v2"}),
        paths={"/v2": [SEE_JOB], "/jobs/7": [202, 200]},
    )
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint", "POST /v2", *["GET /jobs/7"] * 2]


def test_303_and_another_redirect(serve, submit, sent):
    """The URL that the answer came from counts, after all redirects."""
    server = serve(
        SEE_JOB,
        paths={
            "/jobs/7": [(302, b"", {"Location": "/eu/7"})],
            "/eu/7": [202, 200],
        },
    )
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7", *["GET /eu/7"] * 2]


def test_303_to_another_origin(serve, submit, caplog):
    """The polls that follow are plain, and show no more than the origin."""
    caplog.set_level("DEBUG", "httsleep")
    other = serve(202, 200)
    server = serve((303, b"", {"Location": f"{other.root}/s3cret"}))
    httsleep(
        submit(server.url),
        status_code=200,
        follow="Location",
        headers=KEY,
        auth=("u", "p"),
    )
    assert len(other.seen) == 2
    assert "X-Api-Key" not in other.seen[1].headers
    assert "Authorization" not in other.seen[1].headers
    assert "s3cret" not in caplog.text


def test_303_from_https_to_http(serve, submit, any_tls, ca_bundle):
    """The polls never go from https to http."""
    plain = serve(202)
    server = serve((303, b"", {"Location": plain.url}), tls=any_tls)
    with pytest.raises(UnexpectedResponse):
        httsleep(
            submit(server.url), status_code=200, follow="Location", verify=ca_bundle
        )
    assert len(plain.seen) == 1


def test_303_without_following_redirects(serve, submit, sent):
    """``allow_redirects=False`` leaves 303 to ``follow``."""
    server = serve(SEE_JOB, paths={"/jobs/7": [202, 200]})
    httsleep(
        submit(server.url), status_code=200, follow="Location", allow_redirects=False
    )
    assert sent(server) == ["POST /endpoint", *["GET /jobs/7"] * 2]


@pytest.mark.parametrize("code", [301, 302])
@pytest.mark.parametrize("status", [200, 202, 401, 404, 405])
def test_a_redirect_that_made_a_get_of_it(serve, submit, sent, mine, code, status):
    """The server may never have seen the submit: the text names the redirect."""
    if status == 200:
        until = {"status_code": 200, "text": "never"}
    else:
        until = {"status_code": 200}
    named = {"Location": "/jobs/7"}
    server = serve(
        (code, b"", {"Location": "/login?next=s3cret"}),
        paths={"/login": [(status, b"", named)]},
    )
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(
            submit(server.url),
            until,
            follow="Location",
            ignore_exceptions=[Exception],
            **mine,
        )
    assert sent(server) == ["POST /endpoint", "GET /login?next=s3cret"]
    text = str(caught.value)
    assert str(code) in text
    assert f"{server.root}/login" in text
    assert "s3cret" not in text
    assert "may never have seen the submit" in text
    assert "allow_redirects=False" in text


@pytest.mark.parametrize("code", [301, 302])
def test_a_success_after_a_redirect_that_made_a_get_of_it(serve, submit, code):
    """A login page that meets until is no success: nothing was submitted."""
    server = serve((code, b"", {"Location": "/login"}), paths={"/login": [200]})
    with pytest.raises(UnexpectedResponse):
        httsleep(submit(server.url), status_code=200, follow="Location")


def test_an_alarm_after_a_redirect_that_made_a_get_of_it(serve, submit):
    """Alarms are looked at first."""
    server = serve((302, b"", {"Location": "/login"}), paths={"/login": [200]})
    with pytest.raises(Alarm) as caught:
        httsleep(
            submit(server.url),
            status_code=201,
            alarms={"status_code": 200},
            follow="Location",
        )
    assert caught.value.alarm == {"status_code": 200}


@pytest.mark.parametrize("code", [301, 302])
def test_without_following_redirects_it_is_followed(serve, submit, sent, code):
    """Who wants it followed says so, and ``follow`` names the status."""
    server = serve((code, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [202, 200]})
    httsleep(
        submit(server.url), status_code=200, follow="Location", allow_redirects=False
    )
    assert sent(server) == ["POST /endpoint", *["GET /jobs/7"] * 2]


def test_302_of_a_put_becomes_a_get(serve, submit, sent):
    """Every method becomes a GET there, so it is the same for all submits."""
    server = serve((302, b"", {"Location": "/login"}), paths={"/login": [200]})
    with pytest.raises(UnexpectedResponse):
        httsleep(submit(server.url, "PUT"), status_code=200, follow="Location")
    assert sent(server) == ["PUT /endpoint", "GET /login"]


def test_301_of_a_put_remains_a_put(serve, submit, sent):
    """requests sends a PUT again after a 301, which is a submit that was forwarded."""
    server = serve(
        (301, b"", {"Location": "/v2"}),
        paths={"/v2": [(202, b"", {"Location": "/jobs/7"})], "/jobs/7": [200]},
    )
    httsleep(submit(server.url, "PUT"), status_code=200, follow="Location")
    assert sent(server) == ["PUT /endpoint", "PUT /v2", "GET /jobs/7"]


def test_http_that_leads_to_https(serve, submit, names, any_tls, ca_bundle, sent):
    """The usual reason: the URL of the submit should have been https."""
    names["a.example", 80] = serve((301, b"", {"Location": "https://a.example/jobs"}))
    names["a.example", 443] = secure = serve((405, {"error": "no GET"}), tls=any_tls)
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(
            submit("http://a.example/jobs"),
            status_code=200,
            follow="Location",
            verify=ca_bundle,
        )
    assert "https://a.example/jobs" in str(caught.value)
    assert sent(secure) == ["GET /jobs"]


def test_a_redirected_submit_by_poll(serve, submit):
    """The wait ends, and the next ``poll()`` begins another one."""
    server = serve((302, b"", {"Location": "/login"}), paths={"/login": [200]})
    with HttSleeper(submit(server.url), status_code=200, follow="Location") as sleeper:
        with pytest.raises(UnexpectedResponse):
            sleeper.poll()
        assert sleeper.checkpoint is None


def test_redirects_of_a_get_are_no_matter(serve, sent):
    """A wait that begins with a GET has nothing that a redirect could lose."""
    server = serve(
        (302, b"", {"Location": "/v2"}),
        paths={"/v2": [(202, b"", {"Location": "/jobs/7"})], "/jobs/7": [200]},
    )
    httsleep(server.url, status_code=200, follow="Location")
    assert sent(server) == ["GET /endpoint", "GET /v2", "GET /jobs/7"]


def test_too_many_redirects_of_a_submit(serve, submit):
    """The exception reaches the caller: nobody knows what the server has begun."""
    server = serve((307, b"", {"Location": "/endpoint"}))
    with pytest.raises(requests.exceptions.TooManyRedirects) as caught:
        httsleep(
            submit(server.url),
            status_code=200,
            follow="Location",
            ignore_exceptions=[Exception],
        )
    assert "nobody knows" in "\n".join(caught.value.__notes__)


def test_a_redirect_of_a_poll_to_a_login_page(serve, submit):
    """A poll that is redirected is judged as ever, and its URL is asked again."""
    server = serve(
        (202, b"", {"Location": "/jobs/7"}),
        paths={
            "/jobs/7": [(302, b"", {"Location": "/login"})],
            "/login": [(401, "<html>")],
        },
    )
    with pytest.raises(GaveUp) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location", max_retries=3)
    assert f"then GET {server.root}/jobs/7" in str(caught.value)
    assert f"redirected to {server.root}/login" in str(caught.value)
