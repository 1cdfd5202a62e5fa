"""What tests/servers does not reach of a bounded session; the rest needs a server."""

from math import inf

import pytest
import requests

from httsleep.bounded import BoundedSession, Bounds

URL = "http://server/endpoint"


def test_without_a_request_there_are_no_bounds():
    """Bounds that were given nothing, or were lifted, never end."""
    bounds = Bounds(lambda: 1.0)
    bounds.lift()
    assert bounds.left() == Bounds().left() == inf
    assert 0 < bounds.timeout() < 2**32 / 1000


def test_a_request_without_time_is_not_sent():
    """A redirect that is followed too late is a ReadTimeout."""
    with BoundedSession() as session:
        session.bound(Bounds(lambda: 0.0))
        with pytest.raises(requests.exceptions.ReadTimeout):
            session.get(URL)


def test_what_is_no_answer_of_urllib3_is_left_as_it_is():
    """Only the bodies that urllib3 reads are bounded; others have been read."""
    with BoundedSession() as session:
        request = requests.Request("GET", URL).prepare()
        raw = requests.models.Response()
        raw.status, raw.reason = 200, "OK"
        response = session.get_adapter(URL).build_response(request, raw)
    assert response.raw is raw
