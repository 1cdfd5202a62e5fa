"""The contenders: each polls a URL until the status is SUCCESS, without a nap.

As a command, ``contenders.py NAME`` answers each line on standard input, a URL, with
the seconds of CPU time that the contender ``NAME`` took to poll it to the end.

A contender imports what it needs by itself: httsleep 0.3.1 runs in an environment
without the others.
"""

import http.client
import json
import re
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit

import requests

#: What the eight conditions look for.
EXPRESSIONS = ["$.status", "$.status", "$.items[0].state", "$.error.code"]

#: What the hand-written loop waits for.
UNTIL = {
    "status_code": 200,
    "jsonpath": [{"expression": "$.status", "value": "SUCCESS"}],
}


def redirected(response: requests.Response) -> bool:
    """Whether the answer came from elsewhere."""
    return bool(response.history)


#: With ``UNTIL``, eight conditions: each of the five kinds, four times a JSONPath.
ALARMS = [
    {"status_code": 500},
    {"text": "gone"},
    {"json": {"status": "TIMEOUT"}},
    {"callback": redirected},
    {"jsonpath": [{"expression": "$.status", "value": "FAILED"}]},
    {"jsonpath": [{"expression": "$.items[0].state", "value": "lost"}]},
    {"jsonpath": [{"expression": "$.error.code", "value": "E42"}]},
]


def hand_written(url: str) -> requests.Response:
    """The loop that one writes by hand, and what all others are compared with."""
    with requests.Session() as s:
        while True:
            r = s.get(url, timeout=30)
            if r.status_code == 200 and r.json()["status"] == "SUCCESS":
                return r


#: What waits for the state of every item.
EVERY_ITEM = {
    "status_code": 200,
    "jsonpath": [
        {"expression": "$.items[*].state", "all": "queued"},
        {"expression": "$.status", "value": "SUCCESS"},
    ],
}


def hand_written_every_item(url: str) -> requests.Response:
    """The loop by hand that looks at the state of every item."""
    with requests.Session() as s:
        while True:
            r = s.get(url, timeout=30)
            body = r.json()
            all_queued = all(item["state"] == "queued" for item in body["items"])
            if r.status_code == 200 and all_queued and body["status"] == "SUCCESS":
                return r


#: Sixteen conditions with the words of version 1.0: fifteen alarms and the success.
SIXTEEN = [
    {"expression": "$.status", "in": ["FAILED", "CANCELLED"]},
    {"expression": "$.status", "not_in": ["RUNNING", "SUCCESS"]},
    {"expression": "$.items[0].id", "gt": 10**9},
    {"expression": "$.items[0].id", "lt": 0},
    {"expression": "$.items[0].state", "value": re.compile("^lost")},
    {"expression": "$.items[0].state", "in": ["lost", "broken"]},
    {"expression": "$.items[1].state", "any": ["lost", "broken"]},
    {"expression": "$.items[1].state", "all": "lost"},
    {"expression": "$.items[1].id", "ge": 10**9},
    {"expression": "$.items[1].id", "le": -1},
    {"expression": "$.error", "exists": True},
    {"expression": "$.error.code", "value": "E42"},
    {"expression": "$.status", "exists": False},
    {"expression": "$.failures", "gt": 3},
    {"expression": "$.phase", "value": "Failed"},
    {"expression": "$.status", "value": "SUCCESS"},
]


def sixteen_finds(url: str) -> requests.Response:
    """The loop by hand that decodes once and calls ``find()`` for sixteen JSONPaths."""
    from jsonpath_ng.ext import parse  # type: ignore[attr-defined]

    expressions = [parse(entry["expression"]) for entry in SIXTEEN]
    with requests.Session() as s:
        while True:
            r = s.get(url, timeout=30)
            body = r.json()
            found = [expression.find(body) for expression in expressions]
            if r.status_code == 200 and found[-1][0].value == "SUCCESS":
                return r


def httsleep_sixteen(url: str) -> requests.Response:
    """httsleep with the sixteen conditions."""
    from httsleep import HttSleeper

    *alarms, until = ({"jsonpath": entry} for entry in SIXTEEN)
    return HttSleeper(url, until, alarms, polling_interval=0, max_retries=None).run()


@cache
def compiled() -> list[Any]:
    """The expressions of the eight conditions, compiled."""
    from jsonpath_ng.ext import parse  # type: ignore[attr-defined]

    return [parse(expression) for expression in EXPRESSIONS]


def hand_written_eight(url: str, finds: int = 0) -> requests.Response:
    """The same with eight predicates on a body that is decoded once.

    :param finds: how many JSONPaths are looked for beside, to see what these cost.
    """
    expressions = list(islice(cycle(compiled()), finds))
    with requests.Session() as s:
        while True:
            r = s.get(url, timeout=30)
            body = r.json()
            for expression in expressions:
                expression.find(body)
            if (
                r.status_code == 500
                or r.text == "gone"
                or body == {"status": "TIMEOUT"}
                or redirected(r)
                or body["status"] == "FAILED"
                or body["items"][0]["state"] == "lost"
                or body.get("error", {}).get("code") == "E42"
            ):
                raise RuntimeError("alarm")
            if r.status_code == 200 and body["status"] == "SUCCESS":
                return r


def httsleep(url: str, until: Any = UNTIL, alarms: Any = None) -> requests.Response:
    """httsleep, whichever version is installed."""
    from httsleep import HttSleeper

    return HttSleeper(
        url, until=until, alarms=alarms, polling_interval=0, max_retries=None
    ).run()


def success(response: requests.Response) -> bool:
    """The condition of the hand-written loop."""
    return response.status_code == 200 and response.json()["status"] == "SUCCESS"


def polling2(url: str) -> Any:
    """polling2 around a session."""
    from polling2 import poll  # type: ignore[import-untyped]

    with requests.Session() as s:
        get = partial(s.get, url, timeout=30)
        return poll(get, step=0, poll_forever=True, check_success=success)


def tenacity(url: str) -> Any:
    """tenacity around a session."""
    from tenacity import Retrying, retry_if_not_result

    with requests.Session() as s:
        return Retrying(retry=retry_if_not_result(success))(s.get, url, timeout=30)


def http_client(url: str) -> bytes:
    """The floor: one connection of the standard library and no comfort."""
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.netloc, timeout=30)
    while True:
        connection.request("GET", target.path)
        response = connection.getresponse()
        body = response.read()
        if response.status == 200 and json.loads(body)["status"] == "SUCCESS":
            connection.close()
            return body


CONTENDERS: dict[str, Callable[[str], object]] = {
    "hand-written loop": hand_written,
    "httsleep": httsleep,
    "httsleep, unchanged": httsleep,
    "polling2": polling2,
    "tenacity": tenacity,
    "httsleep 0.3.1": httsleep,
    "http.client": http_client,
    "hand-written loop, eight conditions": hand_written_eight,
    "… and four find() beside": partial(hand_written_eight, finds=4),
    "… and eight find() beside": partial(hand_written_eight, finds=8),
    "httsleep, eight conditions": partial(httsleep, alarms=ALARMS),
    "httsleep, eight conditions, unchanged": partial(httsleep, alarms=ALARMS),
    "hand-written loop, every item": hand_written_every_item,
    "httsleep, every item": partial(httsleep, until=EVERY_ITEM),
    "hand-written loop and sixteen find()": sixteen_finds,
    "httsleep, sixteen conditions": httsleep_sixteen,
}


def main(name: str) -> None:
    """Time the contender ``name`` on each URL that comes."""
    time.sleep = lambda _: None  # before anybody imports it
    contender = CONTENDERS[name]
    for line in sys.stdin:
        start = time.process_time()
        contender(line.strip())
        print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
