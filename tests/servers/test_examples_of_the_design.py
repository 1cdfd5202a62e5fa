"""The two examples, word for word, against a server that is slow to get ready."""

import pickle

import pytest
import requests

import httsleep

ONE = """\
from httsleep import httsleep

resp = httsleep('http://server/endpoint', status_code=200)
"""
TWO = """\
from httsleep import httsleep

resp = httsleep('http://server/endpoint',
                until={'json': {'status': 'SUCCESS'}, 'status_code': 200},
                alarms=[{'status_code': 500}, {'json': {'status': 'TIMEOUT'}}],
                ignore_exceptions=[ConnectionError],
                max_retries=20)
"""
PAGE = (503, "<html><title>Service Unavailable</title></html>")
RUNNING = (200, {"status": "RUNNING"})
SUCCESS = (200, {"status": "SUCCESS"})
TIMEOUT = (200, {"status": "TIMEOUT"})


def example(source):
    """Run the example as a script of its own; the response that it ends with."""
    names = {"__name__": "__main__"}
    exec(compile(source, "<the design>", "exec"), names)
    return names["resp"]


@pytest.fixture(params=["HTTP/1.0", "HTTP/1.1"])
def protocol(request):
    return request.param


@pytest.fixture(params=["look-up", "proxy"])
def server_named(request, serve, protocol, named_server, monkeypatch):
    """Start a server that is reached as ``http://server/endpoint``."""

    def start(*answers, listening=True):
        server = serve(*answers, protocol=protocol, listening=listening)
        if request.param == "proxy":
            monkeypatch.setenv("HTTP_PROXY", server.root)
        else:
            named_server(server)
        return server

    return start


def test_example_one_returns_the_first_200(server_named, naps):
    """The first example sleeps for two seconds after each other status."""
    server = server_named(PAGE, 404, (200, "ready"))
    resp = example(ONE)
    assert (resp.status_code, resp.text) == (200, "ready")
    assert (len(server.seen), naps) == (3, [2, 2])


def test_example_two_survives_a_starting_server(server_named, naps):
    """The second example waits through refused connections, a 503 and RUNNING."""
    server = server_named(PAGE, RUNNING, SUCCESS, TIMEOUT, listening=False)
    naps.during = lambda number: server.listen() if number == 2 else None
    resp = example(TWO)
    assert resp.status_code == 200
    assert resp.json() == {"status": "SUCCESS"}
    assert (len(server.seen), naps) == (3, [2, 2, 2, 2])


@pytest.mark.parametrize(
    ("answer", "alarm"),
    [
        ((500, "<html>down</html>"), {"status_code": 500}),
        (TIMEOUT, {"json": {"status": "TIMEOUT"}}),
    ],
    ids=["status", "payload"],
)
def test_example_two_raises_an_alarm(server_named, naps, answer, alarm):
    """A 500 or the payload TIMEOUT ends the second example with the written alarm."""
    server = server_named(PAGE, RUNNING, answer, SUCCESS)
    with pytest.raises(httsleep.Alarm) as caught:
        example(TWO)
    assert caught.value.response.status_code == answer[0]
    assert (caught.value.alarm, caught.value.attempts) == (alarm, 3)
    assert (len(server.seen), naps) == (3, [2, 2])


def test_example_two_gives_up_after_20_polls(server_named, naps):
    """With neither success nor alarm the second example polls 20 times."""
    server = server_named(RUNNING)
    with pytest.raises(httsleep.GaveUp) as caught:
        example(TWO)
    assert (len(server.seen), naps) == (20, [2] * 19)
    gave_up = caught.value
    assert (gave_up.attempts, gave_up.limit) == (20, "max_retries")
    assert gave_up.exception is None
    for each in (gave_up, pickle.loads(pickle.dumps(gave_up))):
        assert each.response.json() == {"status": "RUNNING"}


def test_example_two_counts_refused_connections(server_named, naps):
    """The second example polls a server that is never up 20 times as well."""
    server_named(SUCCESS, listening=False)
    with pytest.raises(httsleep.GaveUp) as caught:
        example(TWO)
    assert naps == [2] * 19
    gave_up = caught.value
    assert (gave_up.attempts, gave_up.limit) == (20, "max_retries")
    assert gave_up.response is None
    assert isinstance(gave_up.exception, requests.exceptions.ConnectionError)


def test_example_two_ignores_a_drop_in_the_middle_of_a_body(server_named, naps):
    """A body that is cut off in the middle is no success of the second example."""
    half = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"status": '
    server = server_named(half, SUCCESS)
    assert example(TWO).json() == {"status": "SUCCESS"}
    assert (len(server.seen), naps) == (2, [2])
