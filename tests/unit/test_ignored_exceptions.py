import errno
import socket
import ssl

import pytest
from requests import exceptions as broken

from httsleep.checks import IgnoredExceptions, class_that_ignores


def ignored(exc, *classes):
    """Return whether the wait goes on after an exception."""
    return IgnoredExceptions.checked(classes)(exc)


@pytest.mark.parametrize(
    "kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError]
)
def test_a_handshake_that_is_cut_off_is_a_broken_connection(kind):
    """A server that closes the connection during the handshake may be starting."""
    exc = broken.SSLError(kind())
    assert ignored(exc, ConnectionError)
    assert not ignored(exc, TimeoutError)
    assert not ignored(exc)


@pytest.mark.parametrize(
    "exc",
    [
        broken.SSLError(ssl.SSLCertVerificationError()),
        broken.SSLError(ssl.SSLError()),
        broken.SSLError(),
        broken.ProxyError(ssl.SSLError()),
        broken.ProxyError(ssl.SSLCertVerificationError()),
    ],
)
def test_a_refused_certificate_is_no_broken_connection(exc):
    """Neither is a server, or a proxy, that does not speak TLS."""
    assert not ignored(exc, ConnectionError)
    assert ignored(exc, type(exc))
    assert ignored(exc, broken.ConnectionError)


def test_a_reset_and_a_proxy_that_fails_are_broken_connections():
    """Without a failure of TLS each ConnectionError of requests is one."""
    for exc in (
        broken.ConnectionError(ConnectionResetError()),
        broken.ProxyError(OSError("Tunnel connection failed: 503")),
        broken.ChunkedEncodingError(),
    ):
        assert ignored(exc, ConnectionError)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EBUSY])
def test_too_many_open_files_are_no_broken_connection(number):
    """No ConnectionError covers it, and neither does TimeoutError; Exception does."""
    exc = broken.ConnectionError(OSError(number, "too many"))
    for classes in (
        (ConnectionError,),
        (broken.ConnectionError,),
        (broken.ConnectTimeout, broken.SSLError),
        (ConnectionError, TimeoutError),
    ):
        assert not ignored(exc, *classes)
    assert ignored(exc, Exception)
    assert ignored(exc, ConnectionError, broken.RequestException)


def test_a_name_that_is_not_resolved_is_a_broken_connection():
    """As long as this machine has descriptors, the name is the cause."""
    exc = broken.ConnectionError(socket.gaierror(socket.EAI_NONAME, "unknown"))
    assert ignored(exc, ConnectionError)


@pytest.mark.parametrize(
    ("exc", "name"),
    [
        (broken.ConnectionError(ConnectionRefusedError()), "ConnectionError"),
        (broken.ChunkedEncodingError(), "ConnectionError"),
        (broken.SSLError(ssl.SSLEOFError()), "ConnectionError"),
        (broken.ReadTimeout(), "TimeoutError"),
        (broken.ConnectTimeout(), "TimeoutError"),
        (broken.SSLError(ssl.SSLCertVerificationError()), None),
        (broken.ConnectionError(OSError(errno.EMFILE, "too many")), None),
        (broken.TooManyRedirects(), None),
        (broken.InvalidURL(), None),
    ],
)
def test_the_class_to_propose_is_one_that_ignores(exc, name):
    """A failure that no wait repairs has none."""
    assert class_that_ignores(exc) == name
