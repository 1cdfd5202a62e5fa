"""Test doubles that users put in the place of responses, and of parts of requests."""

from types import SimpleNamespace
from unittest import mock

import pytest
import requests
from requests.adapters import HTTPAdapter

from httsleep import (
    Alarm,
    BodyTooLarge,
    GaveUp,
    HttSleeper,
    UnexpectedResponse,
    httsleep,
)
from httsleep.session import BoundedSession

URL = "http://server/endpoint"


def bare(status):
    response = requests.Response()
    response.status_code = status
    return response


def with_spec(status):
    return mock.Mock(spec=requests.Response, status_code=status, content=b"")


def autospec(status):
    double = mock.create_autospec(requests.Response, instance=True)
    double.status_code, double.content = status, b""
    return double


DOUBLES = {
    "bare Response": bare,
    "Mock with spec": with_spec,
    "autospec": autospec,
    "Mock": lambda status: mock.Mock(status_code=status),
    "MagicMock": lambda status: mock.MagicMock(status_code=status),
    "SimpleNamespace": lambda status: SimpleNamespace(status_code=status),
}
#: The names of the functions that tests patch.
PATCHED = (
    *("requests.Session.send", "requests.Session.request"),
    "requests.sessions.Session.request",
)


@pytest.mark.parametrize("double", DOUBLES.values(), ids=DOUBLES)
@pytest.mark.parametrize("place", PATCHED)
def test_a_response_of_a_patched_session(naps, double, place):
    """A double with a status is met, waited for, an alarm, and given up on."""
    answers = [double(503), double(200)]
    with mock.patch(place, side_effect=answers) as patched:
        assert httsleep(URL, status_code=200) is answers[1]
    assert patched.call_count == 2
    assert naps == [2]
    with mock.patch(place, side_effect=answers), pytest.raises(Alarm):
        httsleep(URL, status_code=200, alarms={"status_code": 503})
    with mock.patch(place, side_effect=answers), pytest.raises(GaveUp) as gave_up:
        httsleep(URL, status_code=200, max_retries=1)
    assert "last answer (poll 1): 503, no body" in str(gave_up.value)
    assert "Mock" not in str(gave_up.value)


@pytest.mark.parametrize("double", DOUBLES.values(), ids=DOUBLES)
@pytest.mark.parametrize("kind", [requests.Session, BoundedSession])
def test_a_response_of_a_patched_request_method(naps, double, kind):
    """The ``request()`` that a test has set on a session is called."""
    answers = [double(503), double(200)]
    with kind() as session:
        session.request = mock.Mock(side_effect=answers)
        assert httsleep(URL, status_code=200, session=session) is answers[1]
        assert session.request.call_count == 2


@pytest.mark.parametrize("double", DOUBLES.values(), ids=DOUBLES)
def test_a_double_that_names_a_url(naps, double):
    """A double without a URL counts as the answer of the URL that was polled."""
    answers = [double(202), double(503), double(200)]
    answers[0].headers = {"Location": "jobs/7"}
    submit = requests.Request("POST", URL, headers={"X-Token": "1"})
    with mock.patch("requests.Session.request", side_effect=answers) as patched:
        assert httsleep(submit, follow="Location", status_code=200) is answers[2]
    sent = [call.kwargs for call in patched.call_args_list]
    assert [each["url"] for each in sent] == [URL, *["http://server/jobs/7"] * 2]
    assert [each["headers"] for each in sent] == [{"X-Token": "1"}] * 3


def test_the_request_method_of_the_sleepers_session(naps):
    """So is one that a test has set on ``sleeper.session``."""
    sleeper = HttSleeper(URL, status_code=200)
    with mock.patch.object(sleeper.session, "request", return_value=bare(200)) as own:
        sleeper.run()
    assert own.call_count == 1


def test_a_response_of_a_patched_adapter(naps):
    """A bare Response of a patched adapter is taken as an answer without a body."""
    answers = [bare(503), bare(200)]
    with mock.patch.object(HTTPAdapter, "send", side_effect=answers) as patched:
        assert httsleep(URL, status_code=200, verify="/override/path").content is None
    assert patched.call_args.kwargs["verify"] == "/override/path"
    assert naps == [2]


def test_a_redirect_of_a_patched_adapter():
    """A bare Response may redirect to no URL."""
    moved = bare(302)
    moved.headers["Location"], moved.url = "http://[", URL
    invalid = pytest.raises(requests.exceptions.InvalidURL)
    with mock.patch.object(HTTPAdapter, "send", return_value=moved), invalid:
        httsleep(URL, status_code=200)


@pytest.mark.parametrize("name", ["prepare_request", "send"])
def test_a_patched_session_has_its_methods_called_for_each_poll(answers, name):
    """What a test wraps is called for each poll, and not only for the first."""
    answers(503, 503, 200)
    own = getattr(requests.Session, name)
    with mock.patch.object(
        requests.Session, name, autospec=True, side_effect=own
    ) as it:
        httsleep(URL, status_code=200)
    assert it.call_count == 3


def test_a_subclass_has_its_methods_called_for_each_poll(answers):
    """A subclass of BoundedSession may compute a header for each request."""
    answers(503, 503, 200)

    class Counting(BoundedSession):
        count = 0

        def prepare_request(self, request):
            self.count += 1
            return super().prepare_request(request)

    with Counting() as session:
        httsleep(URL, status_code=200, session=session)
        assert session.count == 3


def test_the_json_and_the_text_of_a_double():
    """A double is asked for its own json() and text."""
    double = mock.Mock(status_code=200, text="done")
    double.json.return_value = {"status": "DONE"}
    condition = {"json": {"status": "DONE"}, "text": "done"}
    with mock.patch("requests.Session.request", return_value=double):
        assert httsleep(URL, condition) is double
    simple = SimpleNamespace(status_code=200, json=lambda: [1], text="done")
    with mock.patch("requests.Session.request", return_value=simple):
        assert httsleep(URL, {"jsonpath": {"$[0]": 1}, "text": "done"}) is simple


def test_a_bare_response_has_no_json(naps):
    """A bare Response is an answer that is not JSON."""
    patched = mock.patch("requests.Session.send", return_value=bare(200))
    with patched, pytest.raises(GaveUp) as gave_up:
        httsleep(URL, json=[], max_retries=1)
    assert "not met: body is not JSON (no body)" in str(gave_up.value)


def test_the_body_of_a_double_is_limited():
    """The body of a double counts for max_body_size."""
    double = with_spec(200)
    double.content, double.raw = b"x" * 11, mock.Mock()
    patched = mock.patch("requests.Session.send", return_value=double)
    with patched, pytest.raises(BodyTooLarge):
        httsleep(URL, status_code=200, max_body_size=10)
    assert double.raw.close.called


@pytest.mark.parametrize("value", [mock.Mock(), mock.MagicMock(), None, 5])
def test_a_retry_after_that_is_no_str_does_not_count(naps, value):
    """Only a header that is text is a Retry-After."""
    double = SimpleNamespace(status_code=503, headers={"Retry-After": value})
    answers = [double, bare(200)]
    with mock.patch("requests.Session.request", side_effect=answers):
        httsleep(URL, status_code=200)
    assert naps == [2]


# what is changed while a wait is under way


COOKIES = {"Set-Cookie": "seen=1"}


def change_in_poll(answers, change, headers, *, runs=2):
    """Run a sleeper that changes its request in the first poll; return the tokens."""
    script = [(503, "", headers), (503, "", headers), (200, "", headers)]
    server = answers(*script, *script)

    def on_poll(attempt):
        if attempt.number == 1:
            change(sleeper.request)

    request = requests.Request("GET", URL, headers={"X-Token": "old"})
    sleeper = HttSleeper(request, status_code=200, on_poll=on_poll)
    for _ in range(runs):
        sleeper.run()
    return [call.request.headers.get("X-Token") for call in server.calls]


CHANGES = {
    "in place": lambda request: request.headers.update({"X-Token": "new"}),
    "assigned": lambda request: setattr(request, "headers", {"X-Token": "new"}),
}


@pytest.mark.parametrize("headers", [{}, COOKIES], ids=["plain", "cookies"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_request_counts_from_the_next_wait_on(answers, change, headers):
    """The polls of a wait send the same request, with and without cookies."""
    assert change_in_poll(answers, change, headers) == ["old"] * 3 + ["new"] * 3


@pytest.mark.parametrize("headers", [{}, COOKIES], ids=["plain", "cookies"])
def test_netrc_and_proxies_are_read_when_a_wait_begins(
    answers, monkeypatch, tmp_path, headers
):
    """What changes in netrc and environment counts from the next wait on."""
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    sent = []

    def set_to(word):
        path.write_text(f"default login {word} password {word}")
        monkeypatch.setenv("HTTP_PROXY", f"http://{word}:80")

    def change(_):
        set_to("new")

    send = BoundedSession.send

    def spy(session, request, **options):
        user = request.headers["Authorization"]
        sent.append((user, options["proxies"]["http"]))
        return send(session, request, **options)

    set_to("old")
    monkeypatch.setattr("httsleep.sending._SEND", spy)
    monkeypatch.setattr(requests.Session, "send", spy)
    change_in_poll(answers, change, headers)
    old, new = sent[0], sent[-1]
    assert sent == [old] * 3 + [new] * 3
    assert (old[1], new[1]) == ("http://old:80", "http://new:80")
    assert old[0] != new[0]


@pytest.mark.parametrize("headers", [{}, COOKIES], ids=["plain", "cookies"])
def test_an_entry_that_netrc_gets_later_counts_from_the_next_wait_on(
    answers, monkeypatch, tmp_path, headers
):
    """A wait that began without credentials goes on without."""
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    server = answers((503, "", headers), (503, "", headers), 200)
    httsleep(
        URL,
        status_code=200,
        on_poll=lambda _: path.write_text("default login user password secret"),
    )
    assert ["Authorization" in c.request.headers for c in server.calls] == [False] * 3


# Answers that name a URL


def submit():
    return requests.Request("POST", "http://server/v1/jobs", headers={"X-Key": "k"})


def test_responses_in_the_place_of_all_servers(server):
    """``responses`` gets the submit, and the polls of every origin."""
    for url, more in {
        "http://server/v1/jobs": {"headers": {"Location": "http://other/7"}},
        "http://other/7": {"headers": {"Location": "http://server/8"}},
        "http://server/8": {},
    }.items():
        server.add("POST" if "jobs" in url else "GET", url, status=202, **more)
    server.get("http://server/8", status=200)
    httsleep(submit(), status_code=200, follow="Location")
    assert [call.request.headers.get("X-Key") for call in server.calls] == [
        *("k", None, "k", "k")
    ]


@pytest.mark.parametrize("double", DOUBLES.values(), ids=DOUBLES)
@pytest.mark.parametrize("place", PATCHED)
def test_a_double_names_a_url(double, place):
    """It has no URL, so a relative one is joined to that of the request."""
    answers = [double(202), double(202), double(200)]
    answers[0].headers = {"Location": "7"}
    answers[1].headers = {"Location": "8"}
    with mock.patch(place, side_effect=answers, autospec=True) as patched:
        httsleep(submit(), status_code=200, follow="Location")
    urls = [
        call.kwargs["url"] if "url" in call.kwargs else call.args[1].url
        for call in patched.call_args_list
    ]
    assert urls == [f"http://server/v1/{last}" for last in ("jobs", "7", "8")]


@pytest.mark.parametrize("double", DOUBLES.values(), ids=DOUBLES)
@pytest.mark.parametrize("follow", ["Location", "/jobs/{X-Id}"])
def test_a_double_that_names_no_url(double, follow):
    """A double without headers names nothing in them."""
    session = mock.Mock()
    session.request.return_value = double(202)
    with pytest.raises(UnexpectedResponse, match="names no URL"):
        httsleep(submit(), status_code=200, follow=follow, session=session)


@pytest.mark.parametrize("double", DOUBLES.values(), ids=DOUBLES)
def test_a_double_that_is_no_answer_to_a_submit(double):
    """A status from 400 on is a refusal."""
    session = mock.Mock()
    session.request.return_value = double(503)
    with pytest.raises(UnexpectedResponse, match="not accepted"):
        httsleep(submit(), status_code=200, follow="Location", session=session)


def test_a_double_whose_url_has_no_origin():
    """It can still name a whole URL."""
    session = mock.Mock()
    answers = [bare(202), bare(200)]
    session.request.side_effect = answers
    answers[0].url, answers[0].headers["Location"] = "no URL", "http://server/jobs/7"
    submit = requests.Request("POST", URL)
    options = {"status_code": 200, "follow": "Location", "polling_interval": 0}
    assert httsleep(submit, session=session, **options) is answers[1]
    assert session.request.call_args.kwargs["url"] == "http://server/jobs/7"


def test_the_body_of_a_double_names_a_url():
    """``json()`` of a double is called, as for conditions."""
    session = mock.Mock()
    session.request.side_effect = [
        mock.Mock(status_code=202, json=lambda: {"url": "/jobs/7"}),
        mock.Mock(status_code=200),
    ]
    httsleep(submit(), status_code=200, follow=["X-None", "$.url"], session=session)
    urls = [call.kwargs["url"] for call in session.request.call_args_list]
    assert urls == ["http://server/v1/jobs", "http://server/jobs/7"]
