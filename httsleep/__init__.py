"""Polls an HTTP endpoint until the answer is the one that you wait for.

>>> from httsleep import httsleep
>>> response = httsleep('http://server/endpoint', status_code=200)  # doctest: +SKIP
"""

import logging
import sys

from .attempt import Attempt
from .conditions import Condition
from .exceptions import (
    Alarm,
    BodyTooLarge,
    Cancelled,
    GaveUp,
    HttSleepError,
    UnexpectedResponse,
)
from .intervals import exponential
from .main import HttSleeper, httsleep
from .operators import JSONPathEntry
from .session import BoundedSession

__all__ = [
    "Alarm",
    "Attempt",
    "BodyTooLarge",
    "BoundedSession",
    "Cancelled",
    "Condition",
    "GaveUp",
    "HttSleepError",
    "HttSleeper",
    "JSONPathEntry",
    "UnexpectedResponse",
    "exponential",
    "httsleep",
]

#: The version, which the metadata of the distribution is made from.
__version__ = "1.0.0"


def __dir__() -> list[str]:
    """Return the public names, which is what ``dir(httsleep)`` shows."""
    return [*__all__, "__version__"]


logging.getLogger(__name__).addHandler(logging.NullHandler())

for _error in (
    Alarm,
    BodyTooLarge,
    Cancelled,
    GaveUp,
    HttSleepError,
    UnexpectedResponse,
):
    _error.__module__ = __name__  # a traceback prints the name that users import

for _name, _module in list(sys.modules.items()):
    if _name.startswith(f"{__name__}."):
        vars(_module)["__tracebackhide__"] = True  # pytest shows the line of the caller
