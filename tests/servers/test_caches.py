"""Sessions that answer from a cache."""

import subprocess
import sys

import pytest
from requests_cache import CachedSession

from httsleep import GaveUp, httsleep

DONE = {"status": "SUCCESS"}


@pytest.fixture
def session():
    """Return a session with a cache in memory."""
    with CachedSession(backend="memory") as session:
        yield session


def test_an_answer_of_a_cache_says_so(serve, naps, session):
    """The second poll is answered by the cache; reasons and text say so."""
    server, attempts = serve((200, {"status": "RUNNING"}), (200, DONE)), []
    with pytest.raises(GaveUp) as caught:
        httsleep(
            server.url,
            json=DONE,
            session=session,
            max_retries=3,
            on_poll=attempts.append,
        )
    assert len(server.seen) == 1
    reason = f"json is {{'status': 'RUNNING'}}, not {DONE}"
    cached = f"{reason} (from a cache)"
    assert [each.reasons for each in attempts] == [(reason,), (cached,), (cached,)]
    assert str(attempts[1]) == f"poll 2: waiting: {cached}; next in 2 s"
    text = str(caught.value)
    assert "last answer (poll 3): 200 OK (from a cache), application/json" in text
    assert f"not met: {cached}\n" in text
    assert "polls: 1 x 200 OK, 2 x 200 OK (from a cache)" in text


def test_a_success_of_a_cache_says_so(serve, naps, session):
    """A success that is older than the wait is named as one of the cache."""
    server, attempts = serve((200, DONE)), []
    session.get(server.url, timeout=5)
    httsleep(server.url, json=DONE, session=session, on_poll=attempts.append)
    assert str(attempts[0]) == "poll 1: met: 200 OK (from a cache)"


def test_a_cache_that_is_switched_off_is_not_asked(serve, naps, session):
    """With ``cache_disabled()`` each poll reaches the server."""
    server = serve((200, {"status": "RUNNING"}), (200, DONE))
    with session.cache_disabled():
        httsleep(server.url, json=DONE, session=session)
    assert len(server.seen) == 2


CHILD = """
import sys
import requests_cache

if sys.argv[2] == "before":
    requests_cache.install_cache(backend="memory")
import httsleep

if sys.argv[2] == "after":
    requests_cache.install_cache(backend="memory")
try:
    httsleep.httsleep(sys.argv[1], status_code=201, polling_interval=0, max_retries=2)
except httsleep.GaveUp as error:
    print(error)
"""


@pytest.mark.parametrize(("when", "polls"), [("before", 1), ("after", 2)])
def test_install_cache_gives_a_cache_to_later_classes_only(serve, when, polls):
    """Sessions of httsleep have a cache if it is installed before the import."""
    server = serve(200)
    child = [sys.executable, "-c", CHILD, server.url, when]
    text = subprocess.run(child, capture_output=True, text=True, check=True).stdout
    assert text.startswith("gave up after 2 polls")
    assert len(server.seen) == polls
    assert ("(from a cache)" in text) is (when == "before")
