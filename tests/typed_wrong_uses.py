"""Wrong uses, which mypy and pyright have to report.

The type checkers read this file; nothing calls its functions. Each comment names the
error of mypy. Both report a comment on a line where they find no error.
"""

# pyright: basic, reportUnnecessaryTypeIgnoreComment=true, reportUnnecessaryComparison=true

import requests

from httsleep import Condition, GaveUp, HttSleeper, JSONPathEntry, httsleep

URL = "http://server/endpoint"


def condition(_: Condition) -> None: ...


def entry(_: JSONPathEntry) -> None: ...


def wrong_keys() -> None:
    condition({"status": 200})  # type: ignore[typeddict-unknown-key]
    condition({"status_code": 200, "json_path": {"$.status": "DONE"}})  # type: ignore[typeddict-unknown-key]
    condition({"jsonpath": [{"expression": "$.status", "equals": "DONE"}]})  # type: ignore[typeddict-unknown-key]
    entry({"expression": "$.progress", "min": 50})  # type: ignore[typeddict-unknown-key]
    entry({"value": "DONE"})  # type: ignore[typeddict-item]
    alarms: list[Condition] = [{"status_code": 500}, {"body": "error"}]  # type: ignore[typeddict-unknown-key]
    httsleep(URL, status_code=200, alarms=alarms)


def wrong_values_of_keys() -> None:
    condition({"status_code": 200.5})  # type: ignore[typeddict-item]
    condition({"status_code": {"ge": 400}})  # type: ignore[typeddict-item]
    condition({"headers": "text/html"})  # type: ignore[typeddict-item]
    condition({"headers": {"Retry-After": 5}})  # type: ignore[dict-item]
    condition({"text": b"OK"})  # type: ignore[typeddict-item]
    condition({"jsonpath": "$.status"})  # type: ignore[typeddict-item]
    condition({"callback": "is_done"})  # type: ignore[typeddict-item]
    condition({"callback": is_done_without_response})  # type: ignore[typeddict-item]
    condition({"consecutive": "3"})  # type: ignore[typeddict-item]
    entry({"expression": "$.status", "in": "DONE,FAILED"})  # type: ignore[typeddict-item]
    entry({"expression": "$.progress", "ge": [50]})  # type: ignore[typeddict-item]
    entry({"expression": "$.status", "exists": "yes"})  # type: ignore[typeddict-item]
    entry({"expression": 5, "value": 5})  # type: ignore[typeddict-item]


def is_done_without_response() -> bool:
    return True


def wrong_arguments() -> None:
    httsleep(URL, status_code=200, timeout=5)  # type: ignore[call-arg]
    HttSleeper(URL, status_code=200, timeout=5)  # type: ignore[call-arg]
    httsleep(URL, {"status_code": 200}, [], 30)  # type: ignore[call-arg]
    httsleep(None, status_code=200)  # type: ignore[arg-type]
    httsleep(URL, until=200)  # type: ignore[arg-type]
    httsleep(URL, until="$.status")  # type: ignore[arg-type]
    httsleep(URL, until=lambda response: response.ok)  # type: ignore[arg-type]
    httsleep(URL, alarms=[500, 502])  # type: ignore[list-item]
    httsleep(URL, status_code=200.5)  # type: ignore[arg-type]
    httsleep(URL, jsonpath="$.status")  # type: ignore[arg-type]
    httsleep(URL, text=b"OK")  # type: ignore[arg-type]
    httsleep(URL, callback=True)  # type: ignore[arg-type]
    httsleep(URL, status_code=200, follow=True)  # type: ignore[arg-type]
    httsleep(URL, status_code=200, auth="token")  # type: ignore[arg-type]
    httsleep(URL, status_code=200, headers=["Accept: text/html"])  # type: ignore[arg-type]
    httsleep(URL, status_code=200, session=requests)  # type: ignore[arg-type]
    httsleep(URL, status_code=200, verify=0.5)  # type: ignore[arg-type]
    httsleep(URL, status_code=200, allow_redirects="no")  # type: ignore[arg-type]
    httsleep(URL, status_code=200, polling_interval="2s")  # type: ignore[arg-type]
    httsleep(URL, status_code=200, max_retries="20")  # type: ignore[arg-type]
    httsleep(URL, status_code=200, max_retries=2.5)  # type: ignore[arg-type]
    httsleep(URL, status_code=200, max_time="5m")  # type: ignore[arg-type]
    httsleep(URL, status_code=200, request_timeout=(3, 30))  # type: ignore[arg-type]
    httsleep(URL, status_code=200, ignore_exceptions="ConnectionError")  # type: ignore[arg-type]
    httsleep(URL, status_code=200, ignore_exceptions=[KeyboardInterrupt])  # type: ignore[list-item]
    httsleep(URL, status_code=200, on_poll=is_done_without_response)  # type: ignore[arg-type]
    httsleep(URL, status_code=200, cancel=True)  # type: ignore[arg-type]


def wrong_uses_of_what_comes(error: GaveUp, sleeper: HttSleeper) -> None:
    if error.limit == "max_tries":  # type: ignore[comparison-overlap]
        print(error.limit)
    print(error.response.status_code)  # type: ignore[union-attr]
    print(error.reason)  # type: ignore[attr-defined]
    print(sleeper.poll().response.status_code)  # type: ignore[union-attr]
    sleeper.until = "$.status"  # type: ignore[assignment]
    print(httsleep(URL, status_code=200).met)  # type: ignore[attr-defined]
