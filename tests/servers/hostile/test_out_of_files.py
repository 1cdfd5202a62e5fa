"""A machine that has no file descriptor left."""

import pytest

CHILD = """
import os, resource, sys
import requests
from httsleep import GaveUp, httsleep

url = sys.argv[1]
httsleep(url, status_code=200, max_retries=1)  # all modules are loaded now
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
try:
    httsleep(
        url, status_code=200, ignore_exceptions=[ConnectionError], max_retries=1
    )
except requests.exceptions.ConnectionError:
    print("not ignored")
try:
    httsleep(
        url,
        status_code=200,
        ignore_exceptions=[requests.exceptions.RequestException],
        max_retries=1,
    )
except (GaveUp, requests.exceptions.ConnectionError) as error:
    print(error)
try:
    httsleep(url, status_code=200, ignore_exceptions=[Exception], max_retries=1)
except GaveUp as error:
    print(error)
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_too_many_open_files_are_no_broken_connection(serve, run_child, host):
    """ConnectionError does not cover it, and the text names it, for a name as well."""
    server = serve(200)
    child = run_child(CHILD, f"http://{host}:{server.port}/")
    out, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
    assert out.startswith("not ignored\n")
    assert "1 x ConnectionError: too many open files\n" in out
