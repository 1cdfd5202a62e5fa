import gzip

import pytest
import requests
import responses
from requests import exceptions as broken
from requests.auth import HTTPDigestAuth

from httsleep import BodyTooLarge, GaveUp, HttSleeper
from httsleep.failures import without_tracebacks
from httsleep.request import checked_copy
from httsleep.sending import Sender
from httsleep.session import BoundedSession

URL = "http://server/endpoint"


def own(url_or_request=URL):
    return checked_copy(url_or_request, None, None, check_sendable=True)


def a_minute():
    return 60.0


# sending through a session of the caller's


def sender(session, request=None, **changes):
    settings = {
        "options": {},
        "allow_redirects": True,
        "max_body_size": None,
    }
    return Sender(session, request or own(), **settings | changes)


def test_a_session_of_the_callers_is_used_through_request(stub_session, make_response):
    """Each poll asks the session's own request(), with time left and stream."""
    session = stub_session(lambda **_: make_response())
    sender(session).send(lambda: 7.0)
    (sent,) = session.sent
    assert (sent["method"], sent["url"]) == ("GET", URL)
    assert sent["timeout"] == 7.0
    assert sent["stream"] is True
    assert sent["allow_redirects"] is True
    assert "verify" not in sent
    assert "proxies" not in sent


def test_what_the_caller_has_set_is_sent(stub_session, make_response):
    """verify and allow_redirects reach the session."""
    session = stub_session(lambda **_: make_response())
    options = {"verify": False}
    sender(session, options=options, allow_redirects=False).send(a_minute)
    assert session.sent[0]["verify"] is False
    assert session.sent[0]["allow_redirects"] is False


def test_a_session_cannot_write_into_the_request(stub_session, make_response):
    """What a session does to its arguments does not reach the next poll."""

    def write(**fields):
        fields["headers"]["X-Count"] = "1"
        fields["json"]["list"].append(1)
        return make_response()

    session = stub_session(write)
    request = own(requests.Request("POST", URL, json={"list": []}))
    polls = sender(session, request)
    polls.send(a_minute)
    session.answer = lambda **fields: make_response()
    polls.send(a_minute)
    assert session.sent[1]["headers"] == {}
    assert session.sent[1]["json"] == {"list": []}
    assert request.json == {"list": []}


@pytest.mark.parametrize("left", [1e-9, 0, -1, -1e9])
def test_a_timeout_is_above_zero(stub_session, left):
    """However little is left, the session gets a timeout that sockets take."""

    def stall(**_):
        raise broken.ReadTimeout

    session = stub_session(stall)
    with pytest.raises(broken.ReadTimeout):
        sender(session).send(lambda: left)
    assert session.sent[0]["timeout"] > 0


def test_a_timeout_is_finite(stub_session, make_response):
    """Where there is no limit, the session gets a timeout that sockets take."""
    session = stub_session(lambda **_: make_response())
    sender(session).send(lambda: float("inf"))
    assert 10**6 < session.sent[0]["timeout"] < 2**32 / 1000


# sending through a session of our own: when a prepared request may be used again


@pytest.fixture
def prepared(server, monkeypatch):
    """How often a request is prepared in three polls of a session of our own."""

    def count(request=None, *, between=lambda session: None, session=None, **answer):
        server.add(responses.GET, URL, **answer)
        server.add(responses.POST, URL, **answer)
        session, count = session or BoundedSession(), []
        prepare = session.prepare_request

        def counted(request):
            count.append(1)
            return prepare(request)

        monkeypatch.setattr(session, "prepare_request", counted)
        polls = sender(session, own(request or URL))
        for _ in range(3):
            polls.send(a_minute)
            between(session)
        assert len(server.calls) == 3
        return len(count)

    return count


CONSTANT = {
    "get": requests.Request("GET", URL),
    "params": requests.Request("GET", URL, params={"a": "b"}, headers={"X-A": "b"}),
    "auth": requests.Request("GET", URL, auth=("user", "password")),
    "json": requests.Request("POST", URL, json={"a": "b"}),
    "form": requests.Request("POST", URL, data={"a": "b"}),
    "bytes": requests.Request("POST", URL, data=b"bytes"),
    "files": requests.Request("POST", URL, files={"a": b"bytes"}),
}


@pytest.mark.parametrize("request_", CONSTANT.values(), ids=CONSTANT)
def test_what_cannot_change_is_prepared_once(prepared, request_):
    """A plain request of our own session is prepared for the first poll only."""
    assert prepared(request_) == 1


def test_computed_auth_is_computed_for_each_poll(prepared):
    """An auth that is a callable has its say each time."""
    calls = []

    def auth(request):
        calls.append(1)
        return request

    assert prepared(requests.Request("GET", URL, auth=auth)) == 3
    assert len(calls) == 3


def test_computed_auth_of_the_session_is_computed_for_each_poll(prepared):
    """So has one that the session got."""
    session = BoundedSession()
    session.auth = HTTPDigestAuth("user", "password")
    assert prepared(session=session) == 3


def test_hooks_of_the_request_are_called_for_each_poll(prepared):
    """A request with hooks is prepared each time."""
    calls = []
    hooks = {"response": lambda response, **_: calls.append(1)}
    assert prepared(requests.Request("GET", URL, hooks=hooks)) == 3
    assert len(calls) == 3


def test_hooks_of_the_session_are_called_for_each_poll(prepared):
    """So it is if the session has hooks."""
    calls, session = [], BoundedSession()
    session.hooks["response"].append(lambda response, **_: calls.append(1))
    assert prepared(session=session) == 3
    assert len(calls) == 3


def test_cookies_of_the_request_are_sent_with_each_poll(prepared, server):
    """A request with cookies is prepared each time."""
    assert prepared(requests.Request("GET", URL, cookies={"a": "b"})) == 3
    assert [c.request.headers["Cookie"] for c in server.calls] == ["a=b"] * 3


def test_cookies_that_an_answer_set_are_sent_with_the_next_poll(prepared, server):
    """As soon as there are cookies, each poll is prepared with them."""
    assert prepared(headers={"Set-Cookie": "seen=1"}) == 3
    sent = [call.request.headers.get("Cookie") for call in server.calls]
    assert sent == [None, "seen=1", "seen=1"]


def test_a_body_that_is_read_anew_is_prepared_for_each_poll(prepared):
    """A body that is an iterable of its own kind is asked for anew each time."""

    class Body:
        def __iter__(self):
            return iter([b"a", b"b"])

    assert prepared(requests.Request("POST", URL, data=Body())) == 3


CHANGES = {
    "headers": lambda session: session.headers.update({"X-New": "1"}),
    "headers replaced": lambda session: setattr(session, "headers", {"X-New": "1"}),
    "params": lambda session: session.params.update({"new": "1"}),
    "auth": lambda session: setattr(session, "auth", ("new", "1")),
    "proxies": lambda session: session.proxies.update({"ftp": "http://new"}),
    "verify": lambda session: setattr(session, "verify", False),
    "cert": lambda session: setattr(session, "cert", "new.pem"),
    "trust_env": lambda session: setattr(session, "trust_env", False),
}


@pytest.mark.parametrize("setting", CHANGES)
def test_a_setting_of_the_session_that_changes_counts(prepared, setting):
    """After a change of the session's settings the request is prepared again, once."""
    changes = [CHANGES[setting]]
    count = prepared(between=lambda session: changes and changes.pop()(session))
    assert count == 2


def test_a_header_that_changes_is_sent(server):
    """A header set on the sleeper's own session from on_poll is in the next poll."""
    server.get(URL)
    sleeper = HttSleeper(
        URL,
        status_code=201,
        max_retries=2,
        on_poll=lambda attempt: sleeper.session.headers.update({"X-Token": "new"}),
    )
    with pytest.raises(GaveUp):
        sleeper.run()
    sent = [call.request.headers.get("X-Token") for call in server.calls]
    assert sent == [None, "new"]


def test_the_environment_counts_for_a_session_of_our_own(server, monkeypatch):
    """Proxies and CA bundles of the environment count, and verify goes before."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/bundle.pem")
    seen = []
    session = BoundedSession()
    send = session.send

    def spy(request, **kwargs):
        seen.append(kwargs)
        return send(request, **kwargs)

    monkeypatch.setattr(session, "send", spy)
    server.get(URL)
    sender(session).send(lambda: 7.0)
    sender(session, options={"verify": False}).send(a_minute)
    assert seen[0]["proxies"]["http"] == "http://proxy:3128"
    assert [each["verify"] for each in seen] == ["/bundle.pem", False]
    assert seen[0]["stream"] is True
    assert seen[0]["timeout"] == 7.0
    assert seen[0]["allow_redirects"] is True


# reading


def answering(stub_session, response):
    return sender(stub_session(lambda **_: response))


def test_a_body_is_read_to_its_end(stub_session, make_response):
    """The answer that comes back has its whole body, and its raw as it was."""
    response = make_response(200, b"x" * 1_000_000)
    raw = response.raw
    assert answering(stub_session, response).send(a_minute) is response
    assert len(response.content) == 1_000_000
    assert response.raw is raw


class Tee:
    """A file that keeps what was read of it, as CacheControl has one."""

    def __init__(self, file):
        self.file, self.seen = file, b""

    def __getattr__(self, name):
        return getattr(self.file, name)

    def read(self, amt=None):
        data = self.file.read(amt)
        self.seen += data
        return data


def test_a_cache_sees_the_body(stub_session, make_response):
    """A file that a cache has put around the body is read through, to its end."""
    response = make_response(200, b"x" * 1_000_000)
    tee = response.raw._fp = Tee(response.raw._fp)
    answering(stub_session, response).send(a_minute)
    assert tee.seen == response.content == b"x" * 1_000_000


def test_reading_stops_when_the_time_is_up(stub_session, make_response):
    """A body that drips on beyond the limit is cut off with a ReadTimeout."""
    response = make_response(200, b"x" * 2**20)
    left = iter([3, 2, 1, 0, 0])
    with pytest.raises(broken.ReadTimeout, match="the request took too long"):
        answering(stub_session, response).send(lambda: next(left))
    assert response.raw.closed


def test_a_compressed_body_counts_as_what_it_unpacks_to(stub_session, make_response):
    """The limit is on what is decoded; more than that is not kept."""
    packed = gzip.compress(bytes(5_000_000))
    response = make_response(200, packed, {"Content-Encoding": "gzip"})
    polls = sender(stub_session(lambda **_: response), max_body_size=1_000_000)
    with pytest.raises(BodyTooLarge):
        polls.send(a_minute)
    assert response.raw.closed


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
@pytest.mark.parametrize("raw", [True, False], ids=["urllib3", "other"])
def test_a_body_may_have_as_many_bytes_as_allowed(
    stub_session, make_response, size, fits, raw
):
    """A body of max_body_size bytes is taken, one byte more is BodyTooLarge."""
    response = make_response(200, b"x" * size)
    if not raw:  # an adapter that has its own way to read
        response._content, response._content_consumed = b"x" * size, True
        response.raw = None
    polls = sender(stub_session(lambda **_: response), max_body_size=100)
    if fits:
        assert polls.send(a_minute).content == b"x" * size
    else:
        with pytest.raises(BodyTooLarge) as info:
            polls.send(a_minute)
        assert info.value.limit == 100


def test_a_connection_error_after_the_limit_is_a_timeout(stub_session):
    """What requests calls a ConnectionError is a ReadTimeout if the time is up."""

    def stall(**_):
        raise broken.ConnectionError("read timed out")

    session = stub_session(stall)
    with pytest.raises(broken.ReadTimeout, match="the request took too long") as info:
        sender(session).send(lambda: 0.0)
    assert isinstance(info.value.reason, broken.ConnectionError)
    with pytest.raises(broken.ConnectionError) as info:
        sender(session).send(a_minute)
    assert not isinstance(info.value, broken.Timeout)


def test_a_timeout_while_connecting_stays_what_it_is(stub_session):
    """ConnectTimeout tells more than ReadTimeout, and is not turned into it."""

    def stall(**_):
        raise broken.ConnectTimeout

    with pytest.raises(broken.ConnectTimeout):
        sender(stub_session(stall)).send(lambda: 0.0)


def test_an_answer_that_is_not_final_is_closed(stub_session, make_response):
    """After a 1xx the connection is not used again, and there is no body."""
    response = make_response(103, b"HTTP/1.1 200 OK\r\n\r\n")
    answering(stub_session, response).send(a_minute)
    assert response.raw.closed
    assert response.content == b""


def test_what_looks_at_raw_meanwhile_finds_it(stub_session, make_response):
    """A response class that reads in its own way has all of raw while it reads."""

    class OwnWay(requests.Response):
        @property
        def content(self):
            return b"".join(self.raw.stream()) + str(self.raw.status).encode()

    response = OwnWay()
    response.status_code, response.raw = 200, make_response(200, "body ").raw
    assert answering(stub_session, response).send(a_minute).content == b"200"
    assert response.raw.closed


def test_an_exception_without_tracebacks_is_the_same_one():
    """Tracebacks and contexts go, of the causes too; the exception stays."""

    def fail():
        try:
            try:
                {}["x"]
            except KeyError as cause:
                raise OSError from cause
        except OSError as exc:
            return exc

    exc = fail()
    assert exc.__traceback__
    assert without_tracebacks(exc) is exc
    assert exc.__traceback__ is exc.__context__ is None
    assert isinstance(exc.__cause__, KeyError)
    assert exc.__cause__.__traceback__ is None


def test_no_cookie_of_one_sender_reaches_another(server):
    """There is no session but the one that was given."""
    server.get(URL, headers={"Set-Cookie": "a=b"})
    for _ in range(2):
        sender(BoundedSession()).send(a_minute)
    assert "Cookie" not in server.calls[1].request.headers
