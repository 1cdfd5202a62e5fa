"""What all tests share: no setting of the machine or of the shell has a say."""

import os
import signal
import time

import hypothesis
import pytest

import httsleep.main

# The same examples in each run: a gate that fails, fails for everybody.
hypothesis.settings.register_profile(
    "stable", derandomize=True, deadline=None, database=None, print_blob=False
)
hypothesis.settings.load_profile("stable")

_VARIABLES = {
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("netrc", "requests_ca_bundle", "curl_ca_bundle"),
}


def pytest_sessionfinish(session, exitstatus):
    """Accept that a selection has only tests with, or only tests without, a marker."""
    is_empty = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if is_empty and session.config.option.markexpr:
        session.exitstatus = pytest.ExitCode.OK


@pytest.fixture(autouse=True)
def _no_patch_of_an_earlier_test():
    """Fail if the clock is still that of an earlier test, which would never wait."""
    assert httsleep.main.sleep is time.sleep
    assert httsleep.history.monotonic is time.monotonic


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.lower() in _VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture(autouse=True, scope="session")
def _no_ignored_signals():
    """Handle the signals that ``nohup`` or a background job ignores.

    A process inherits a signal that is ignored. One with a handler is at its default in
    the processes that the tests start.
    """
    handlers = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGHUP: lambda *_: None,  # nohup has to go on protecting this process
    }
    ignored = [n for n in handlers if signal.getsignal(n) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, handlers[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
