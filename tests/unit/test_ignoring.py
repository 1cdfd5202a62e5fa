import errno
import socket
import ssl

import pytest
from requests import exceptions as broken

from httsleep import Alarm, BodyTooLarge, GaveUp
from httsleep.ignoring import IgnoredExceptions, class_that_ignores

CHUNKED = broken.ChunkedEncodingError


def ignores(given, exc):
    """Return whether the wait goes on after an exception."""
    return IgnoredExceptions.checked(given)(exc)


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        ((), ()),
        (None, ()),
        (KeyError, (KeyError,)),
        ([KeyError, OSError], (KeyError, OSError)),
        ({KeyError}, (KeyError,)),
        ((each for each in [KeyError]), (KeyError,)),
        (ConnectionError, (ConnectionError,)),
    ],
    ids=["()", "None", "one", "list", "set", "generator", "builtin"],
)
def test_the_classes_are_kept_as_they_were_given(given, classes):
    """One class, or any iterable of classes, becomes a tuple."""
    assert IgnoredExceptions.checked(given).classes == classes


@pytest.mark.parametrize(
    ("given", "raised", "ignored"),
    [
        ((), broken.ConnectionError, False),
        (ConnectionError, broken.ConnectionError, True),
        (ConnectionError, broken.ConnectTimeout, True),
        (ConnectionError, broken.ProxyError, True),
        (ConnectionError, CHUNKED, True),
        (ConnectionError, ConnectionResetError, True),
        (ConnectionError, broken.SSLError, False),
        (ConnectionError, broken.ReadTimeout, False),
        (ConnectionError, TimeoutError, False),
        (ConnectionError, broken.TooManyRedirects, False),
        (TimeoutError, broken.ReadTimeout, True),
        (TimeoutError, broken.ConnectTimeout, True),
        (TimeoutError, broken.Timeout, True),
        (TimeoutError, TimeoutError, True),
        (TimeoutError, broken.ConnectionError, False),
        (ConnectionResetError, broken.ConnectionError, False),
        (broken.ConnectionError, broken.ConnectionError, True),
        (broken.ConnectionError, broken.SSLError, True),
        (broken.ConnectionError, CHUNKED, False),
        (broken.ConnectionError, ConnectionError, False),
        (broken.Timeout, broken.ReadTimeout, True),
        (broken.ReadTimeout, broken.ConnectTimeout, False),
        (broken.RequestException, CHUNKED, True),
        ([ConnectionError, broken.SSLError], broken.SSLError, True),
        (OSError, broken.ConnectionError, True),
        (Exception, KeyError, True),
        (LookupError, KeyError, True),
        (KeyError, LookupError, False),
    ],
    ids=str,
)
def test_which_exceptions_are_ignored(given, raised, ignored):
    """Subclasses count, and two builtins stand for the classes of requests."""
    assert ignores(given, raised()) is ignored


def test_a_body_that_is_too_large_can_be_ignored():
    """BodyTooLarge is ignored by its own name and by requests' base."""
    for given in (BodyTooLarge, broken.RequestException, Exception):
        assert ignores(given, BodyTooLarge(5))
    assert not ignores([ConnectionError, TimeoutError], BodyTooLarge(5))


@pytest.mark.parametrize(
    "error", [Alarm(None, None), GaveUp()], ids=["Alarm", "GaveUp"]
)
def test_what_ends_a_wait_is_never_ignored(error):
    """Alarm and GaveUp are never ignored, whichever class is given."""
    given = [Exception, Alarm, GaveUp, TimeoutError, OSError]
    assert not ignores(given, error)


@pytest.mark.parametrize(
    "given",
    [
        "ConnectionError",
        ["ConnectionError"],
        KeyboardInterrupt,
        [KeyError, BaseException],
        SystemExit,
        5,
        [5],
        KeyError(),
        int,
    ],
    ids=str,
)
def test_only_classes_of_exceptions_can_be_ignored(given):
    """Anything but a subclass of Exception is refused, and its value is shown."""
    with pytest.raises(ValueError, match=r"^ignore_exceptions is .*: give (Ex|the cl)"):
        IgnoredExceptions.checked(given)


@pytest.mark.parametrize(
    "kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError]
)
def test_a_handshake_that_is_cut_off_is_a_broken_connection(kind):
    """A server that closes the connection during the handshake may be starting."""
    exc = broken.SSLError(kind())
    assert ignores(ConnectionError, exc)
    assert not ignores(TimeoutError, exc)
    assert not ignores((), exc)


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
    assert not ignores(ConnectionError, exc)
    assert ignores(type(exc), exc)
    assert ignores(broken.ConnectionError, exc)


def test_a_reset_and_a_proxy_that_fails_are_broken_connections():
    """Without a failure of TLS each ConnectionError of requests is one."""
    for exc in (
        broken.ConnectionError(ConnectionResetError()),
        broken.ProxyError(OSError("Tunnel connection failed: 503")),
        broken.ChunkedEncodingError(),
    ):
        assert ignores(ConnectionError, exc)


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
        assert not ignores(classes, exc)
    assert ignores(Exception, exc)
    assert ignores([ConnectionError, broken.RequestException], exc)


def test_a_name_that_is_not_resolved_is_a_broken_connection():
    """As long as this machine has descriptors, the name is the cause."""
    exc = broken.ConnectionError(socket.gaierror(socket.EAI_NONAME, "unknown"))
    assert ignores(ConnectionError, exc)


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
