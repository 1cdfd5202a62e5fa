"""Guesses at the meaning of a wrong word, for the texts that refuse it.

Other libraries have other words (``timeout``, ``retries``, ``eq``). One table says what
these are here. A word that is not in the table is compared by likeness.
"""

import re
from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

from .formatting import written
from .wording import worded

Function = TypeVar("Function", bound=Callable[..., Any])

#: A sentence, or a pair of sentences where the words of JSON are others.
_Sentence = str | tuple[str, str]

_MIN_LENGTH = 5  # of a word that is compared by likeness: many short words are alike
_LIKENESS = 0.6
_STATUS = "status code status_codes http_status http_code expected_status"
_STATUS_TEXT = r"[1-5](\d\d|xx)"
_REGEX = "regex regexp regular_expression pattern re match matches ~ =~"

_EXPECTED_BODY = (
    "json and text are the expected body; to send one, pass "
    "requests.Request('POST', url, data=...)"
)
_EACH_OR_WHOLE = "request_timeout bounds each request, max_time the whole wait"
_LOGGING = "write logging.getLogger('httsleep').setLevel(...)"
_SESSION = "set {0} on a session, and pass session=session"
_SEND = "pass requests.Request('GET', url, {0}=...)"
_NO_REGEX = (
    "JSON has no regular expression; --text-matches and --alarm-text-matches look for "
    "one in the text of the body"
)
_COMPILED_TEXT = "give 'text' a compiled expression, re.compile(...)", _NO_REGEX
_COMPILED_VALUE = "give 'value' a compiled expression, re.compile(...)", _NO_REGEX

#: Rows of wrong words, of the valid name that they stand for, and of a sentence if the
#: name alone does not help. A row counts only where its name is valid: of several rows
#: for a word the first one whose name is.
_GUESSES: tuple[tuple[str, str, _Sentence], ...] = (
    # Arguments.
    ("timeout connect_timeout read_timeout", "request_timeout", _EACH_OR_WHOLE),
    ("max_wait max_duration deadline total_timeout", "max_time", ""),
    (
        "interval delay sleep wait step period poll_interval poll_every retry_delay",
        "polling_interval",
        "",
    ),
    (
        "backoff backoff_factor exponential factor",
        "polling_interval",
        "pass polling_interval=exponential(1), from httsleep",
    ),
    ("retry retries attempts tries polls max_attempts max_tries", "max_retries", ""),
    ("method verb", "url_or_request", "pass requests.Request('POST', url)"),
    *(
        (word, "url_or_request", _SEND.format(word))
        for word in ("params", "cookies", "hooks")
    ),
    *(
        (word, "url_or_request", f"pass requests.Request('POST', url, {word}=...)")
        for word in ("data", "files")
    ),
    ("body content payload", "url_or_request", _EXPECTED_BODY),
    ("cert", "session", _SESSION.format("cert")),
    ("proxy proxies", "session", _SESSION.format("proxies")),
    ("client", "session", "pass a requests.Session"),
    ("stop stop_event event", "cancel", "pass cancel=threading.Event()"),
    ("url uri request endpoint", "url_or_request", ""),
    ("alarm fail failure failed error errors", "alarms", ""),
    ("success condition conditions expect expected", "until", ""),
    ("consecutive", "until", "pass until={'consecutive': 3, ...}"),
    (
        "json_contains contains has includes",
        "until",
        "pass until={'json_contains': ...}",
    ),
    (
        "expected_headers response_headers",
        "until",
        "pass until={'headers': {...}}; headers are sent",
    ),
    ("ignore ignored exceptions retry_on", "ignore_exceptions", ""),
    ("ssl verify_ssl ssl_verify insecure", "verify", ""),
    ("redirects redirect follow_redirects", "allow_redirects", ""),
    ("on_retry on_attempt on_response", "on_poll", ""),
    ("user username password", "auth", "pass auth=(user, password)"),
    (
        "token bearer api_key",
        "headers",
        "pass headers={'Authorization': f'Bearer {token}'}",
    ),
    ("log_level verbose debug", "loglevel", _LOGGING),
    # Arguments and keys of a condition.
    (_STATUS, "status_code", ""),
    ("header", "headers", ""),
    ("body content", "text", ""),
    ("path json_path jmespath query", "jsonpath", ""),
    (_REGEX, "text", _COMPILED_TEXT),
    ("contains has includes", "json_contains", ""),
    ("function func lambda predicate check", "callback", ""),
    ("in_a_row times count repeat stable", "consecutive", ""),
    # Keys of an entry of jsonpath.
    ("path jsonpath json_path field key", "expression", ""),
    ("eq equal equals is = == expected", "value", ""),
    ("ne neq not not_equal not_equals != <> nin none_of", "not_in", ""),
    ("one_of any_of", "in", ""),
    ("contains has includes", "any", ""),
    ("each every", "all", ""),
    ("min minimum gte at_least >= =>", "ge", ""),
    ("max maximum lte at_most <= =<", "le", ""),
    ("> above greater more_than", "gt", ""),
    ("< below less less_than", "lt", ""),
    ("present is_present defined", "exists", ""),
    ("missing absent", "exists", ("give 'exists': False", 'give "exists": false')),
    ("len length size count", "expression", "end the expression with .`len`"),
    (_REGEX, "value", _COMPILED_VALUE),
)


def guess(word: Any, names: Collection[str]) -> str:
    """Return the probable meaning of a wrong word as a sentence; empty without one.

    :param names: the valid names.
    """
    name, sentence = _meaning(word, names)
    if isinstance(sentence, tuple):
        return worded(*sentence)
    return sentence or (f"did you mean {written(name)}?" if name else "")


def probable_name(word: Any, names: Collection[str]) -> str:
    """Return the valid name that a wrong word stands for; empty without one."""
    return _meaning(word, names)[0]


def _meaning(word: Any, names: Collection[str]) -> tuple[str, _Sentence]:
    """Return the valid name that a wrong word stands for, and a sentence about it."""
    lower = word[:80].lower() if isinstance(word, str) else ""
    for words, name, sentence in _GUESSES:
        if lower in words.split() and name in names:
            return name, sentence
    return _most_alike(lower, names), ""


def _most_alike(word: str, names: Collection[str]) -> str:
    """Return the name that is most like a word; empty if none is."""
    from difflib import get_close_matches  # imported only for a mistake

    if word in names or len(word) < _MIN_LENGTH:
        return word if word in names else ""
    return "".join(get_close_matches(word, names, 1, _LIKENESS))


def nearest(word: Any, names: Iterable[str]) -> str:
    """Return the valid names as a sentence, first the meaning of the wrong word."""
    names = list(names)
    return _with_names(guess(word, names), names)


def _with_names(meaning: str, names: Iterable[str]) -> str:
    """Return what a word means, and the valid names."""
    end = "" if not meaning else " " if meaning.endswith("?") else "; "
    there_are = "There are" if end != "; " else "there are"
    return f"{meaning}{end}{there_are} {', '.join(map(written, names))}"


def nearest_key(key: Any, value: Any, names: Collection[str]) -> str:
    """Return the valid keys of a condition, first the meaning of the wrong one.

    :param value: the value of the key. A key for which there is no guess, or a status
        that is a word, is probably a name in the JSON body.
    """
    meaning = guess(key, names)
    is_word = isinstance(value, str) and re.fullmatch(_STATUS_TEXT, value) is None
    is_path = isinstance(key, str) and (key.isidentifier() or key.startswith("$"))
    if is_path and (not meaning or (is_word and written("status_code") in meaning)):
        path = key if key.startswith("$") else f"$.{key}"
        condition = written({"jsonpath": {path: value}})
        meaning = f"for a value in the body give {condition}"
    return _with_names(meaning, names)


def example_condition(value: Any) -> str:
    """Return the condition that was probably meant by a value that is no dict."""
    if callable(value):
        return "{'callback': ...}"
    if isinstance(value, str) and value.startswith("$"):
        return f"{{{written('jsonpath')}: {{{written(value)}: ...}}}}"
    is_class = isinstance(value, str) and re.fullmatch(_STATUS_TEXT, value) is not None
    is_status = is_class or (isinstance(value, int) and 100 <= value <= 999)
    return written({"status_code": value if is_status else 200})


def explains_unknown_keywords(function: Function) -> Function:
    """Return the function, which says what to write in place of an unknown keyword.

    The type is that of the function, so that type checkers and editors report the
    keyword as before.
    """
    code = function.__code__
    known = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

    @wraps(function)
    def explaining(*args: Any, **kwargs: Any) -> Any:
        for name in kwargs:
            if name not in known:
                raise _unknown_keyword(function.__qualname__, name, known)
        return function(*args, **_taken_from(kwargs))

    return cast(Function, explaining)


def _unknown_keyword(function: str, name: str, known: Collection[str]) -> TypeError:
    """Return the error of Python for an unknown keyword, with a guess at its end."""
    meaning = guess(name, sorted(known))
    text = f"{function}() got an unexpected keyword argument {name!r}"
    return TypeError(f"{text}: {meaning}" if meaning else text)


def _taken_from(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return a copy, and empty the dict.

    The frame of the caller lasts as long as a wait, and error trackers show what it
    holds: no password.
    """
    taken = kwargs.copy()
    kwargs.clear()
    return taken
