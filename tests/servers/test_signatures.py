"""What an editor shows of the two ways to call it."""

import inspect

import requests

from httsleep import HttSleeper, httsleep


def test_function_and_class_take_the_same():
    """The signatures are the same, but for what is returned."""
    function, of_class = inspect.signature(httsleep), inspect.signature(HttSleeper)
    assert list(function.parameters.values()) == list(of_class.parameters.values())
    assert function.return_annotation is requests.Response


def test_every_argument_is_there():
    """Each argument of the design is one by name, in its order; the rest by keyword."""
    parameters = inspect.signature(httsleep).parameters
    positional = [
        name
        for name, each in parameters.items()
        if each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    assert positional == ["url_or_request", "until", "alarms"]
    by_name = [name for name in parameters if name not in positional]
    assert [name for name in by_name if name not in ("pending", "cancel")] == [
        *("status_code", "json", "jsonpath", "text", "callback"),
        *("auth", "headers", "session", "verify", "allow_redirects"),
        *("polling_interval", "max_retries", "max_time", "request_timeout"),
        *("max_retry_after", "max_body_size", "ignore_exceptions", "on_poll"),
        "loglevel",
    ]
    kinds = {parameters[name].kind for name in by_name}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_every_argument_is_annotated():
    """Each argument says its type."""
    for each in inspect.signature(httsleep).parameters.values():
        assert each.annotation is not each.empty, each.name
