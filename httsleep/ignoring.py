"""The exceptions that do not end a wait."""

import builtins
import ssl
from collections.abc import Iterable
from typing import Any, Self

import requests
from requests.exceptions import ChunkedEncodingError, SSLError, Timeout

from .checks import bad_argument
from .exceptions import Alarm, Cancelled, GaveUp
from .failures import CUT_OFF_TLS, causes, is_out_of_files

_REQUESTS_ERROR = requests.exceptions.ConnectionError

#: The classes that mean a broken connection.
_CONNECTION_ERRORS = (builtins.ConnectionError, _REQUESTS_ERROR)


class IgnoredExceptions:
    """The exceptions that do not end a wait.

    A call with an exception returns whether the wait goes on after it.

    :ivar classes: the classes as the caller gave them. The builtins ``ConnectionError``
        and ``TimeoutError`` stand for classes of requests, because requests raises
        neither of them itself.
    """

    def __init__(self, classes: tuple[type[Exception], ...] = ()) -> None:
        self.classes = classes

    @classmethod
    def checked(cls, value: Any) -> Self:
        """Return those of ``ignore_exceptions``: a class, several, or ``None``."""
        if value is None:
            return cls()
        is_several = isinstance(value, Iterable) and not isinstance(value, (type, str))
        classes: tuple[Any, ...] = tuple(value) if is_several else (value,)
        for each in classes:
            if not (isinstance(each, type) and issubclass(each, Exception)):
                instead = "give Exception or classes derived from it"
                if isinstance(each, str) and each.isidentifier() and len(each) < 80:
                    instead = f"give the class {each}, without quotes"
                raise bad_argument("ignore_exceptions", each, instead)
        return cls(classes)

    def __call__(self, exc: Exception) -> bool:
        """Return whether the wait goes on after this exception."""
        # A callback may have run another wait, which ended with one of these.
        if isinstance(exc, (Alarm, GaveUp, Cancelled)):
            return False
        classes = self.classes
        if is_out_of_files(exc):  # this machine is the cause, not the connection
            classes = tuple(c for c in classes if not issubclass(c, _CONNECTION_ERRORS))
        return isinstance(exc, classes) or (
            (builtins.ConnectionError in classes and _is_broken_connection(exc))
            or (builtins.TimeoutError in classes and isinstance(exc, Timeout))
        )


def class_that_ignores(exc: Exception) -> str | None:
    """Return the name of the builtin that ignores this; ``None`` if neither does."""
    for kind in (builtins.TimeoutError, builtins.ConnectionError):
        if IgnoredExceptions((kind,))(exc):
            return kind.__name__
    return None


def _is_broken_connection(exc: Exception) -> bool:
    """Return whether a connection was refused or broken, TLS handshakes included.

    A refused certificate is no broken connection, and neither is a server or a proxy
    that does not speak TLS.
    """
    tls = [cause for cause in causes(exc) if isinstance(cause, ssl.SSLError)]
    if tls or isinstance(exc, SSLError):
        return any(isinstance(cause, CUT_OFF_TLS) for cause in tls)
    return isinstance(exc, (_REQUESTS_ERROR, ChunkedEncodingError))
