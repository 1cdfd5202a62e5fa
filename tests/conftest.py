"""What all tests share: no proxy, netrc or CA bundle of the machine has a say."""

import os

import hypothesis
import pytest

# The same examples in each run: a gate that fails, fails for everybody.
hypothesis.settings.register_profile(
    "stable", derandomize=True, deadline=None, database=None, print_blob=False
)
hypothesis.settings.load_profile("stable")

_VARIABLES = {
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("netrc", "requests_ca_bundle", "curl_ca_bundle"),
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.lower() in _VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
