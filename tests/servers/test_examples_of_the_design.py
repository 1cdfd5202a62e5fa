"""The two examples, word for word, against a server that is slow to get ready."""

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
    """The first example waits two seconds after each other status."""
    server = server_named(PAGE, 404, (200, "ready"))
    resp = example(ONE)
    assert (resp.status_code, resp.text) == (200, "ready")
    assert (len(server.seen), naps) == (3, [2, 2])


def test_example_one_asks_for_the_endpoint(server_named, naps):
    """What arrives is a GET of the endpoint at the host ``server``."""
    server = server_named(200)
    example(ONE)
    (seen,) = server.seen
    assert seen.method == "GET"
    assert seen.path in ("/endpoint", "http://server/endpoint")
    assert seen.headers["Host"] == "server"


def test_example_one_fails_when_refused(server_named, naps):
    """Without ignore_exceptions a refused connection reaches the caller at once."""
    server_named(200, listening=False)
    with pytest.raises(requests.exceptions.ConnectionError):
        example(ONE)
    assert naps == []


def test_example_one_gives_up_after_50_polls(server_named, naps):
    """Not told otherwise, a run makes 50 polls and 49 naps."""
    server = server_named(PAGE)
    with pytest.raises(httsleep.GaveUp) as caught:
        example(ONE)
    assert (len(server.seen), naps) == (50, [2] * 49)
    assert (caught.value.attempts, caught.value.limit) == (50, "max_retries")


def test_example_two_survives_a_starting_server(server_named, naps):
    """Refused, refused, 503 with a page, RUNNING, SUCCESS: the last is returned."""
    server = server_named(PAGE, RUNNING, SUCCESS, TIMEOUT, listening=False)
    naps.during = lambda number: server.listen() if number == 2 else None
    resp = example(TWO)
    assert resp.status_code == 200
    assert resp.json() == {"status": "SUCCESS"}
    assert (len(server.seen), naps) == (3, [2, 2, 2, 2])


def test_example_two_raises_the_alarm_of_a_status(server_named, naps):
    """A 500 ends the run with the response and the alarm as it was written."""
    server = server_named(PAGE, RUNNING, (500, "<html>down</html>"), SUCCESS)
    with pytest.raises(httsleep.Alarm) as caught:
        example(TWO)
    assert caught.value.response.status_code == 500
    assert caught.value.response.text == "<html>down</html>"
    assert caught.value.alarm == {"status_code": 500}
    assert (len(server.seen), naps) == (3, [2, 2])
    assert caught.value.attempts == 3


def test_example_two_raises_the_alarm_of_a_payload(server_named, naps):
    """The payload TIMEOUT ends the run with the response and the alarm."""
    server = server_named(PAGE, RUNNING, TIMEOUT, SUCCESS)
    with pytest.raises(httsleep.Alarm) as caught:
        example(TWO)
    assert caught.value.response.json() == {"status": "TIMEOUT"}
    assert caught.value.alarm == {"json": {"status": "TIMEOUT"}}
    assert (len(server.seen), naps) == (3, [2, 2])


def test_example_two_gives_up_after_20_polls(server_named, naps):
    """With neither success nor alarm there are exactly 20 polls and 19 naps."""
    server = server_named(RUNNING)
    with pytest.raises(httsleep.GaveUp) as caught:
        example(TWO)
    assert (len(server.seen), naps) == (20, [2] * 19)
    gave_up = caught.value
    assert (gave_up.attempts, gave_up.limit) == (20, "max_retries")
    assert gave_up.response.json() == {"status": "RUNNING"}
    assert gave_up.exception is None


def test_example_two_counts_refused_connections(server_named, naps):
    """A server that is never up is asked 20 times as well."""
    server_named(SUCCESS, listening=False)
    with pytest.raises(httsleep.GaveUp) as caught:
        example(TWO)
    assert naps == [2] * 19
    gave_up = caught.value
    assert (gave_up.attempts, gave_up.limit) == (20, "max_retries")
    assert gave_up.response is None
    assert isinstance(gave_up.exception, requests.exceptions.ConnectionError)


def test_example_two_ignores_a_drop_in_the_middle_of_a_body(server_named, naps):
    """Half of the SUCCESS is no success: the next whole one is."""
    half = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"status": '
    server = server_named(half, SUCCESS)
    assert example(TWO).json() == {"status": "SUCCESS"}
    assert (len(server.seen), naps) == (2, [2])


def test_giving_up_in_a_generator_is_what_it_is(server_named, naps):
    """GaveUp passes through a generator, where a StopIteration would not."""
    server_named(RUNNING)

    def fixture():
        yield example(TWO)

    with pytest.raises(httsleep.GaveUp):
        next(fixture())
