"""A process that forks while it has connections: the child makes its own."""

import pytest

BEGIN = """
import multiprocessing, os, sys
from httsleep import BoundedSession, HttSleeper

url, ca = sys.argv[1:]
shared = BoundedSession()
sleeper = HttSleeper(url, text='never', verify=ca, max_retries=None)

def by_hand():
    return shared.get(url, verify=ca, timeout=5).text

def poll():
    return sleeper.poll().response.text

def exit_code_of(child):
    child.start()
    child.join()
    return child.exitcode
"""

FORK = """
use = {use}
numbers = [use(), use()]
pid = os.fork()
if not pid:
    {child}
    os._exit(0 if use() not in numbers else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
print(*numbers, use())
"""

MULTIPROCESSING = """
use = {use}
numbers = [use(), use()]

def child():
    {child}
    sys.exit(0 if use() not in numbers else 1)

context = multiprocessing.get_context('fork')
children = [context.Process(target=child) for _ in range(3)]
assert list(map(exit_code_of, children)) == [0, 0, 0]
print(*numbers, use())
"""


@pytest.mark.parametrize("script", [FORK, MULTIPROCESSING])
@pytest.mark.parametrize("use", ["by_hand", "poll"])
@pytest.mark.parametrize("child", ["pass", "shared.close(), sleeper.close()"])
def test_a_child_has_connections_of_its_own(
    serve, tls, ca_bundle, run_child, script, use, child
):
    """The parent goes on with its connection, whatever the child does with its own."""
    server = serve(lambda each: (200, str(each.connection_number)), tls=tls)
    code = BEGIN + script.format(use=use, child=child)
    process = run_child(code, server.url, ca_bundle)
    printed, errors = process.communicate(timeout=20)
    assert (printed, errors) == ("1 1 1\n", "")
    assert server.connections == (2 if script is FORK else 4)


CLOSE = """
by_hand()
if os.fork():
    shared.close()
    os.wait()
else:
    print(shared.get(url, verify=ca, timeout=9).status_code)
"""


def test_a_parent_can_close_a_connection(serve, tls, ca_bundle, run_child):
    """The connection ends, although the child had a copy of it."""

    def after_the_end(handler):
        return 200 if handler.server.eof.acquire(timeout=5) else 500

    server = serve(200, after_the_end, tls=tls)
    process = run_child(BEGIN + CLOSE, server.url, ca_bundle)
    assert process.communicate(timeout=20) == ("200\n", "")
