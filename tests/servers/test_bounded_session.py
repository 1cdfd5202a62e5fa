"""A BoundedSession that is used by hand, and requests that are part of a poll."""

import threading

import pytest
import requests
import urllib3
from requests.exceptions import ReadTimeout

from httsleep import BodyTooLarge, GaveUp, HttSleeper
from httsleep.session import BoundedSession

LARGE = b"x" * 5000
SHORT = 0.15  # seconds


def stalled(handler):
    """Begin a body, and hang."""
    handler.stall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")


def paths(**more):
    """The paths of a server beside its /endpoint."""
    return {"/large": [(200, LARGE)], "/stalled": [stalled], **more}


@pytest.fixture(params=["after a poll", "in on_poll", "in a callback"])
def by_hand(request, serve):
    """Call a function with a session and a server's root, at one of three places."""

    def use(function):
        server = serve((200, "done"), paths=paths())

        def call(_):
            function(session, server.root)
            return True

        settings = {"text": "done", "max_body_size": 1000, "request_timeout": 20}
        if request.param == "in on_poll":
            settings["on_poll"] = call
        if request.param == "in a callback":
            settings["callback"] = call
        with BoundedSession() as session:
            HttSleeper(server.url, session=session, **settings).run()
            if request.param == "after a poll":
                call(None)

    return use


def test_by_hand_a_body_has_any_size(by_hand):
    """The max_body_size of a poll does not apply to a request by hand."""
    by_hand(lambda session, root: session.get(f"{root}/large", timeout=20).content)


def test_by_hand_a_body_comes_in_pieces(by_hand):
    """iter_content() yields pieces of the size that was asked for."""

    def read(session, root):
        response = session.get(f"{root}/large", stream=True, timeout=20)
        assert type(response.raw) is urllib3.HTTPResponse
        assert list(map(len, response.iter_content(100))) == [100] * 50

    by_hand(read)


def test_by_hand_the_timeout_is_the_callers(by_hand, within):
    """A request to a server that stalls ends after its own timeout."""

    def stall(session, root):
        with within(SHORT), pytest.raises(requests.exceptions.ConnectionError):
            session.get(f"{root}/stalled", timeout=SHORT)

    by_hand(stall)


def test_by_hand_a_request_can_take_longer_than_a_poll(serve):
    """The request_timeout of a poll does not apply to a request by hand."""

    def slow(handler):
        handler.server.stopping.wait(SHORT * 2)
        return (200, "late")

    server = serve((200, "done"), paths={"/slow": [slow]})
    sleeper = HttSleeper(
        server.url,
        text="done",
        request_timeout=SHORT,
        on_poll=lambda _: sleeper.session.get(f"{server.root}/slow").raise_for_status(),
    )
    sleeper.run()
    assert server.seen[-1].path == "/slow"


def request_with_hook(url, hook):
    return requests.Request("GET", url, hooks={"response": hook})


def test_a_request_of_a_hook_has_the_time_of_its_poll(serve, within):
    """What a response hook sends ends with the request_timeout of the poll."""
    server = serve((200, "done"), paths=paths())

    def hook(response, **_):
        if response.url == server.url:
            sleeper.session.get(f"{server.root}/stalled", timeout=20)

    sleeper = HttSleeper(
        request_with_hook(server.url, hook), status_code=200, request_timeout=SHORT
    )
    with sleeper, within(SHORT), pytest.raises(ReadTimeout):
        sleeper.run()


def test_a_request_of_a_hook_can_have_less_time(serve, within):
    """The smaller timeout of two counts: here it is that of the hook's request."""
    server, ended = serve((200, "done"), paths=paths()), []

    def hook(response, **_):
        if response.url == server.url:
            with pytest.raises(requests.exceptions.ConnectionError):
                sleeper.session.get(f"{server.root}/stalled", timeout=SHORT)
            ended.append(True)

    sleeper = HttSleeper(
        request_with_hook(server.url, hook), status_code=200, request_timeout=20
    )
    with sleeper, within(SHORT):
        assert sleeper.run().text == "done"
    assert ended == [True]


def test_a_body_that_auth_reads_counts_for_its_poll(serve):
    """A request of an auth callable is part of the poll, and so is its body."""
    server = serve((200, "done"), paths=paths())

    def auth(request):
        session.get(f"{server.root}/large", timeout=20)
        return request

    with BoundedSession() as session:
        sleeper = HttSleeper(
            server.url, session=session, status_code=200, auth=auth, max_body_size=1000
        )
        with pytest.raises(BodyTooLarge):
            sleeper.run()


def test_another_thread_is_not_bound(serve):
    """While one thread polls, another one can read any size by hand."""
    polling, read = threading.Event(), threading.Event()

    def wait(_):
        polling.set()
        read.wait(10)
        return (503, "busy")

    def by_hand():
        polling.wait(10)
        sizes.append(len(session.get(f"{server.root}/large", timeout=20).content))
        read.set()

    server, sizes = serve(wait, paths=paths()), []
    with BoundedSession() as session:
        thread = threading.Thread(target=by_hand)
        thread.start()
        with pytest.raises(GaveUp):
            HttSleeper(
                server.url,
                session=session,
                status_code=200,
                max_body_size=1000,
                max_retries=1,
            ).run()
        thread.join()
    assert sizes == [len(LARGE)]


# --- what a response hook sees -----------------------------------------------------


@pytest.mark.parametrize("kind", [BoundedSession, requests.Session])
def test_a_hook_finds_the_certificate(serve, tls, ca_bundle, kind):
    """requests_ntlm takes the certificate for channel binding from response.raw."""
    certificates = []

    def hook(response, **_):
        assert isinstance(response.raw, urllib3.HTTPResponse)
        sock = response.raw._fp.fp.raw._sock
        certificates.append(sock.getpeercert(True))

    server = serve((200, "done"), tls=tls)
    with kind() as session:
        request = request_with_hook(server.url, hook)
        sleeper = HttSleeper(request, session=session, text="done", verify=ca_bundle)
        assert sleeper.run().text == "done"
    assert isinstance(certificates[0], bytes)


def test_a_hook_can_iterate_over_the_lines(serve):
    """response.raw yields the lines of the body."""
    lines = []
    request = request_with_hook(
        serve((200, b"a\nb\nc")).url, lambda response, **_: lines.extend(response.raw)
    )
    HttSleeper(request, status_code=200).run()
    assert lines == [b"a\n", b"b\n", b"c"]


def test_a_hook_can_read_some_bytes(serve):
    """After a hook has read a part of the body, the rest of it is the response's."""
    head, url = [], serve((200, b"abcdef")).url
    request = request_with_hook(url, lambda r, **_: head.append(r.raw.read(2)))
    assert HttSleeper(request, status_code=200).run().content == b"cdef"
    assert head == [b"ab"]
