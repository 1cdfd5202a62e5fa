import inspect
import re

import pytest

from httsleep import HttSleeper, httsleep
from httsleep.guesses import guess, nearest
from httsleep.operators import OPERATORS
from httsleep.validators import VALIDATORS

URL = "http://server/endpoint"
EACH_OR_WHOLE = "request_timeout bounds each request, max_time the whole wait"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("status", "did you mean 'status_code'? There are 'status_code', 'json'"),
        ("JSON", "did you mean 'json'? There are 'status_code', 'json'"),
        ("jason", "did you mean 'json'? There are 'status_code', 'json'"),
        ("jsn", "There are 'status_code', 'json'"),
        ("zzzzz", "There are 'status_code', 'json'"),
        (5, "There are 'status_code', 'json'"),
    ],
)
def test_a_wrong_word_gets_the_right_one(word, text):
    """A wrong word is answered with its meaning, and with all names that there are."""
    assert nearest(word, ("status_code", "json")) == text


KEYWORDS = {
    "timeout": EACH_OR_WHOLE,
    "interval": "did you mean 'polling_interval'?",
    "method": "pass requests.Request('POST', url)",
    "params": "pass requests.Request('GET', url, params=...)",
    "data": "pass requests.Request('POST', url, data=...)",
    "retries": "did you mean 'max_retries'?",
    "attempts": "did you mean 'max_retries'?",
    "status": "did you mean 'status_code'?",
    "backoff": "pass polling_interval=exponential(1), from httsleep",
    "json_contains": "pass until={'json_contains': ...}",
    "cert": "set cert on a session, and pass session=session",
    "proxies": "set proxies on a session, and pass session=session",
    "proxy": "set proxies on a session, and pass session=session",
    "retry": "did you mean 'max_retries'?",
    "client": "pass a requests.Session",
    "stop_event": "pass cancel=threading.Event()",
    "polling_intervall": "did you mean 'polling_interval'?",
}


@pytest.mark.parametrize("call", [httsleep, HttSleeper], ids=["function", "class"])
@pytest.mark.parametrize(("keyword", "meaning"), KEYWORDS.items(), ids=KEYWORDS)
def test_an_unknown_keyword_is_a_type_error_with_a_guess(call, keyword, meaning):
    """The text begins as that of Python, and says what to write."""
    text = f"() got an unexpected keyword argument '{keyword}': {meaning}"
    with pytest.raises(TypeError) as caught:
        call(URL, status_code=200, **{keyword: 1})
    assert str(caught.value).endswith(text)
    assert str(caught.value).startswith(call.__name__)


def test_an_unknown_keyword_without_a_guess_has_the_text_of_python():
    """Neither a list of all arguments nor a wrong guess would help."""
    with pytest.raises(TypeError, match=r"^httsleep\(\) got .* argument 'zzz'$"):
        httsleep(URL, zzz=1)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        httsleep()


def test_the_signature_has_the_arguments_and_nothing_else():
    """No parameter takes any keyword."""
    for call in (httsleep, HttSleeper, HttSleeper.__init__):
        parameters = inspect.signature(call).parameters.values()
        assert not {each.kind for each in parameters} & {
            inspect.Parameter.VAR_KEYWORD,
            inspect.Parameter.VAR_POSITIONAL,
        }


OPERATOR_WORDS = {
    "value": "eq equals ==",
    "not_in": "ne !=",
    "any": "contains",
    "expression": "path",
    "ge": "min >=",
    "le": "max <=",
}


@pytest.mark.parametrize(
    ("word", "name"),
    [(word, name) for name, words in OPERATOR_WORDS.items() for word in words.split()],
)
def test_an_operator_of_another_language_is_named(word, name):
    """An unknown key of an entry gets the operator that does the same."""
    with pytest.raises(ValueError, match=rf"unknown key .*: did you mean '{name}'\?"):
        httsleep(URL, jsonpath=[{"expression": "$.a", word: 1}])


def test_an_entry_with_a_wrong_word_for_its_expression_is_refused():
    """It would be two paths, and nothing would ever meet them."""
    with pytest.raises(ValueError, match="'path': did you mean 'expression'"):
        httsleep(URL, jsonpath={"path": "$.status", "value": "DONE"})
    HttSleeper(URL, jsonpath={"path": "/", "value": "$5", "$.a": "$"})


@pytest.mark.parametrize("word", ["regex", "matches"])
def test_an_expression_is_a_value(word):
    """There is no operator for expressions: they are compiled, in value or text."""
    compiled = re.escape("a compiled expression, re.compile(...)")
    with pytest.raises(ValueError, match=f"give 'value' {compiled}"):
        httsleep(URL, jsonpath=[{"expression": "$.a", word: 1}])
    with pytest.raises(ValueError, match=f"give 'text' {compiled}"):
        httsleep(URL, {word: 1})


@pytest.mark.parametrize(
    ("until", "text"),
    [
        ({"status": 200}, "did you mean 'status_code'? There are"),
        ({"status": "2xx"}, "did you mean 'status_code'? There are"),
        ({"status": "UP"}, "give {'jsonpath': {'$.status': 'UP'}}; there are"),
        ({"state": "UP"}, "give {'jsonpath': {'$.state': 'UP'}}; there are"),
        ({"$.n": 1}, "unknown key '$.n': for a value in the body give {'jsonpath': {'"),
        ({"not a name": 1}, "unknown key 'not a name': There are"),
        ({"body": "OK"}, "did you mean 'text'?"),
        ({"contains": {}}, "did you mean 'json_contains'?"),
        (len, "a condition is a dict such as {'callback': ...}"),
        ("$.a", "a condition is a dict such as {'jsonpath': {'$.a': ...}}"),
        ("OK", "a condition is a dict such as {'status_code': 200}"),
        (404, "a condition is a dict such as {'status_code': 404}"),
        ("5xx", "a condition is a dict such as {'status_code': '5xx'}"),
        (5, "a condition is a dict such as {'status_code': 200}"),
    ],
)
def test_a_wrong_condition_gets_the_one_that_was_meant(until, text):
    """The value says as much as the key."""
    with pytest.raises(ValueError, match=re.escape(text)):
        httsleep(URL, until)


@pytest.mark.parametrize(
    "names",
    [
        [*inspect.signature(httsleep).parameters],
        [*VALIDATORS, "consecutive"],
        ["expression", *OPERATORS],
    ],
    ids=["arguments", "condition", "entry"],
)
def test_a_valid_name_means_itself(names):
    """No row of the table takes a valid name for another one."""
    for name in names:
        assert guess(name, names) == f"did you mean {name!r}?"


def test_an_exception_class_in_quotes_is_named():
    """The text shows the class without quotes."""
    with pytest.raises(ValueError, match="give the class OSError, without quotes"):
        httsleep(URL, status_code=200, ignore_exceptions=["OSError"])


@pytest.mark.parametrize("url", ["localhost:8080/health", "server", "server/a?b=c"])
def test_a_url_without_a_scheme_gets_one(url):
    """The text has the URL to write, without values of its query."""
    shown = "http://" + url.replace("=c", "=…")
    with pytest.raises(ValueError, match=re.escape(f": give '{shown}'") + "$"):
        httsleep(url, status_code=200)
