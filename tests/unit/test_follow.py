import pytest
import requests

from httsleep import HttSleeper, UnexpectedResponse

URL = "http://server/jobs"


def sleeper(follow="Location", url=URL, **arguments):
    """Return a sleeper that submits, and waits for a 200."""
    request = requests.Request("POST", url, data=b"x")
    return HttSleeper(request, follow=follow, status_code=200, **arguments)


def test_a_path_that_cannot_be_evaluated_names_nothing(server):
    """A number, for instance, has no part that could be replaced."""
    server.post(URL, status=202, json={"id": 7})
    with pytest.raises(UnexpectedResponse, match="cannot be evaluated"):
        sleeper("$.id.`sub(/a/, b)`").run()


def test_a_url_that_a_session_completes_cannot_be_followed(stub_session):
    """The origin of such a URL is not known, so nobody could say where home is."""
    session = stub_session(lambda **_: None)
    refusal = (
        "url_or_request: '/jobs': with follow, give a whole URL such as 'http://se"
    )
    with pytest.raises(ValueError, match=refusal):
        sleeper(url="/jobs", session=session)
    with pytest.raises(ValueError, match=refusal):
        sleeper(session=session).request = requests.Request("POST", "/jobs")
    HttSleeper("/jobs", status_code=200, session=session)


@pytest.mark.parametrize(
    "url", ["ftp://server/jobs/1", "server/jobs/1", "", "http://[", "https://"]
)
def test_the_url_of_a_checkpoint_is_one_that_can_be_polled(server, url):
    """A changed checkpoint is refused, and the refusal does not show the URL."""
    server.post(URL, status=202, headers={"Location": "/jobs/1"})
    with sleeper() as first:
        first.poll()
        checkpoint = first.checkpoint
    with sleeper() as second:
        with pytest.raises(ValueError, match="its 'url' cannot be polled") as info:
            second.checkpoint = checkpoint | {"url": url}
        assert not url or url not in str(info.value)
        assert second.checkpoint is None


def test_a_checkpoint_leads_from_https_nowhere_without_tls():
    """A changed checkpoint cannot take credentials out of TLS."""
    checkpoint = sleeper_checkpoint("http://server/jobs/1")
    with (
        sleeper(url="https://server/jobs") as secure,
        pytest.raises(ValueError, match="its 'url' cannot be polled"),
    ):
        secure.checkpoint = checkpoint


def sleeper_checkpoint(url):
    """Return a checkpoint of one poll, with this URL."""
    numbers = {"version": 1, "began": 0, "due": 0, "wait": 0, "polls": 1}
    return numbers | {"recent": [], "counts": {}, "tally": {}, "url": url}
