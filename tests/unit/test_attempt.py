"""The attempt: what one poll brought."""

import dataclasses
import pickle

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError

from httsleep import Attempt
from httsleep.attempt import describe_attempt


@pytest.fixture
def attempt(make_response):
    def make(**facts):
        made = {
            "number": 3,
            "response": make_response(503),
            "exception": None,
            "outcome": "waiting",
            "reasons": (),
            "elapsed": 4.0,
            "next_wait": 2.0,
        }
        return Attempt(**made | facts)

    return make


@pytest.mark.parametrize(
    ("outcome", "met"),
    [("met", True), ("alarm", False), ("waiting", False), ("ignored", False)],
)
def test_met_is_a_bool_of_the_outcome(attempt, outcome, met):
    """Only the outcome decides whether an attempt met the condition."""
    assert attempt(outcome=outcome).met is met


def test_met_does_not_look_at_the_status(attempt, make_response):
    """A 404, which is false as a response, may be the success."""
    response = make_response(404)
    assert not response
    assert attempt(response=response, outcome="met").met is True


def test_an_attempt_does_not_change(attempt):
    """An attempt is frozen, and takes no other attributes."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        attempt().number = 4
    with pytest.raises((AttributeError, TypeError)):
        attempt().other = 4


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            {"reasons": ("status_code is 503, not 200", "$.a is missing")},
            "poll 3: waiting: status_code is 503, not 200; $.a is missing; next in 2 s",
        ),
        ({"next_wait": None}, "poll 3: waiting: 503 Service Unavailable"),
        ({"next_wait": 0}, "poll 3: waiting: 503 Service Unavailable; next in 0 s"),
        (
            {"outcome": "met", "next_wait": None},
            "poll 3: met: 503 Service Unavailable",
        ),
        (
            {"response": None, "outcome": "ignored"},
            "poll 3: ignored: no answer; next in 2 s",
        ),
        (
            {
                "response": None,
                "outcome": "ignored",
                "exception": RequestsConnectionError(ConnectionRefusedError("secret")),
            },
            "poll 3: ignored: ConnectionError: connection refused; next in 2 s",
        ),
    ],
    ids=["reasons", "last", "at once", "met", "nothing", "exception"],
)
def test_an_attempt_reads_as_a_line(attempt, facts, text):
    """The str of an attempt is what a log needs: which poll, what came, what next."""
    assert str(attempt(**facts)) == text


@pytest.mark.parametrize(
    ("reasons", "what"),
    [
        ((), "503 Service Unavailable"),
        (("text is 'x', not 'y'",), "text is 'x', not 'y'"),
    ],
)
def test_an_attempt_says_where_redirects_led_to(attempt, make_response, reasons, what):
    """A login page is the usual reason for an answer that surprises."""
    response = make_response(503, "x", url="http://server/login?to=secret")
    response.history.append(make_response(302))
    text = str(attempt(response=response, reasons=reasons))
    assert text == (
        f"poll 3: waiting: {what}, redirected to http://server/login?to=…; next in 2 s"
    )


def test_the_description_leaves_the_reasons_out(attempt):
    """The description of an attempt is the status or the exception, never a reason."""
    error = RequestsConnectionError("http://user:secret@server/")
    described = describe_attempt(attempt(reasons=("$.a is missing",)))
    assert described == "503 Service Unavailable"
    assert describe_attempt(attempt(response=None, exception=error)) == (
        "ConnectionError"
    )


def test_the_repr_shows_no_exception(attempt):
    """The repr leaves the exception out, whose own text may hold a whole URL."""
    assert "secret" not in repr(attempt(exception=KeyError("secret")))
    assert "number=3" in repr(attempt())


def test_an_attempt_pickles(attempt):
    """An attempt can be sent to another process."""
    other = pickle.loads(pickle.dumps(attempt(reasons=("a",))))
    assert (other.number, other.outcome, other.reasons) == (3, "waiting", ("a",))
    assert other.response.status_code == 503
