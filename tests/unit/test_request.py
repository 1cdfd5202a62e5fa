import io
import re

import pytest
import requests
from requests.auth import AuthBase

from httsleep import httsleep
from httsleep.request import checked_copy, sending_options

URL = "http://server/endpoint"


def own(url_or_request=URL, auth=None, headers=None, *, check_sendable=True):
    return checked_copy(url_or_request, auth, headers, check_sendable=check_sendable)


# the request


def test_a_url_is_a_get():
    """A URL stands for a GET of it."""
    request = own(URL)
    assert (request.method, request.url) == ("GET", URL)


def test_a_request_is_copied():
    """A Request is taken with all that it has, and is not the caller's own."""
    hooks = {"response": lambda response, **_: None}
    given = requests.Request(
        "POST",
        URL,
        params={"a": [1]},
        headers={"X-A": "1"},
        json={"b": [2]},
        cookies={"c": "3"},
        auth=("user", "password"),
        hooks=hooks,
    )
    request = own(given)
    assert request is not given
    for name in ("method", "url", "params", "headers", "json", "cookies", "auth"):
        assert getattr(request, name) == getattr(given, name)
    assert request.hooks["response"] == given.hooks["response"]
    request.params["a"].append(2)
    request.json["b"].append(3)
    request.headers["X-A"] = "2"
    assert given.params == {"a": [1]}
    assert given.json == {"b": [2]}
    assert given.headers == {"X-A": "1"}


def test_auth_and_headers_go_on_top():
    """What is given beside a Request counts, and the rest of the Request stays."""
    given = requests.Request(
        "GET", URL, headers={"x-token": "old", "X-B": "b"}, auth=("a", "b")
    )
    request = own(given, ("c", "d"), {"X-Token": "new", "X-C": None})
    assert request.auth == ("c", "d")
    assert request.headers == {"X-Token": "new", "X-B": "b", "X-C": None}
    assert given.headers == {"x-token": "old", "X-B": "b"}
    assert given.auth == ("a", "b")


def test_empty_headers_take_nothing_away():
    """An empty dict of headers, and an empty auth, are given, and change nothing."""
    given = requests.Request("GET", URL, headers={"X-A": "1"}, auth=("a", "b"))
    request = own(given, None, {})
    assert request.headers == {"X-A": "1"}
    assert request.auth == ("a", "b")


class Token(AuthBase):
    def __call__(self, request):
        return request


@pytest.mark.parametrize(
    "auth", [("user", "password"), Token(), lambda request: request]
)
def test_auth_is_a_pair_or_a_callable(auth):
    """What requests takes for auth is taken."""
    assert own(URL, auth).auth is auth


@pytest.mark.parametrize(
    "body",
    [
        {"data": "text"},
        {"data": b"bytes"},
        {"data": {"a": ["b", "c"]}},
        {"data": [("a", "b"), ("a", "c")]},
        {"files": {"file": b"bytes"}},
        {"files": {"file": ("name.txt", b"bytes", "text/plain")}},
        {"files": [("file", ("name.txt", "text"))]},
        {"json": {"a": [1, None]}},
        {"json": []},
    ],
    ids=str,
)
def test_a_body_that_can_be_sent_again_is_taken(body):
    """Each poll sends the body again, which these can be."""
    assert own(requests.Request("POST", URL, **body))


def numbers():
    yield b"1"


ONCE = {
    "file": {"data": io.BytesIO(b"x")},
    "text file": {"data": io.StringIO("x")},
    "generator": {"data": numbers()},
    "iterator": {"data": iter([b"1"])},
    "map": {"data": map(str, [1])},
    "file in data": {"data": {"a": io.BytesIO(b"x")}},
    "generator in data": {"data": [("a", numbers())]},
    "file in files": {"files": {"a": io.BytesIO(b"x")}},
    "file in a tuple": {"files": {"a": ("name", io.BytesIO(b"x"), "text/plain")}},
    "file in a list": {"files": [("a", ("name", io.BytesIO(b"x")))]},
    "generator in params": {"params": {"a": numbers()}},
    "params": {"params": numbers()},
}


@pytest.mark.parametrize("case", ONCE)
def test_a_body_that_can_be_sent_only_once_is_refused(case):
    """The second poll would silently send nothing, so the first is refused."""
    (name,) = ONCE[case]
    with pytest.raises(ValueError, match="can be sent only once") as info:
        own(requests.Request("POST", URL, **ONCE[case]))
    assert f"url_or_request: its {name} " in str(info.value)
    assert "give bytes" in str(info.value)


@pytest.mark.parametrize(
    ("json", "kind"),
    [
        ({"a": {1}}, "TypeError"),
        (float("nan"), "InvalidJSONError"),
        ([float("inf")], "InvalidJSONError"),
        ({"a": object()}, "TypeError"),
    ],
    ids=["set", "nan", "inf", "object"],
)
def test_a_json_body_that_cannot_be_sent_is_refused(json, kind):
    """A body that is no JSON is refused at construction, not at the first poll."""
    with pytest.raises(
        ValueError, match="url_or_request: its json cannot be sent"
    ) as info:
        own(requests.Request("POST", URL, json=json))
    assert f"({kind})" in str(info.value)


ENDLESS = []
ENDLESS.append(ENDLESS)

REFUSED = {
    "bytes": (b"http://server", ["url_or_request", "URL or a requests.Request"]),
    "None": (None, ["url_or_request", "is a NoneType: give a URL"]),
    "method first": (
        "POST",
        ["'POST' cannot be", "give requests.Request('POST', url)"],
    ),
    "sent": (requests.Response(), ["is a Response: give a", "Request('POST', url)"]),
    "prepared": (
        requests.Request("GET", URL).prepare(),
        ["is a PreparedRequest: give"],
    ),
    "list": ([URL], ["is a list: give a URL"]),
    "empty": ("", ["url_or_request has no URL"]),
    "no method": (requests.Request(url=URL), ["has no valid method", "such as 'GET'"]),
    "empty method": (requests.Request("", URL), ["has no valid method"]),
    "odd method": (requests.Request(5, URL), ["has no valid method"]),
    "no URL": (requests.Request("GET"), ["has no URL"]),
    "odd URL": (requests.Request("GET", 5), ["has no URL"]),
    "relative": ("/endpoint", ["'/endpoint' cannot be polled", "a whole URL such as"]),
    "no scheme": ("server/endpoint", ["cannot be polled (MissingSchema)"]),
    "no colon": ("https//server/a?t=x", ["give 'https://server/a?t=…'"]),
    "no host": ("http://", ["cannot be polled (InvalidURL)"]),
    "bad host": ("http://*server", ["cannot be polled (InvalidURL)"]),
    "bad IPv6": ("http://[::1/", ["cannot be polled"]),
    "mailto": ("mailto:a@b", ["not http or https"]),
    "ftp": ("ftp://server/file", ["'ftp://server/file' is not http or https"]),
    "file": ("file:///etc/passwd", ["is not http or https"]),
    "params": (requests.Request("GET", URL, params=5), ["cannot be polled (TypeErr"]),
    "header list": (requests.Request("GET", URL, headers=[("a", "b")]), ["headers"]),
    "auth": (requests.Request("GET", URL, auth="a:b"), ["auth is a str"]),
    "endless": (requests.Request("POST", URL, json=ENDLESS), ["url_or_request"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_cannot_work_is_refused(case):
    """A ValueError names the argument and says what is right."""
    given, words = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(words[0])) as info:
        own(given)
    for word in words:
        assert word in str(info.value)
    assert info.value.__suppress_context__ or info.value.__context__ is None


@pytest.mark.parametrize("url", ["HTTP://server/a", "https://server", " http://server"])
def test_an_absolute_url_is_taken(url):
    """The scheme may be in capitals, and a path is not needed."""
    assert own(url).url == url


@pytest.mark.parametrize("url", ["/relative", "mock://server", b"http://server"])
def test_a_session_of_the_callers_may_read_a_url_in_its_own_way(url):
    """Without a session of ours only method and URL have to be there."""
    assert own(requests.Request("GET", url), check_sendable=False).url == url


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"X-A": "a\nb"}, "'X-A'"),
        ({"X-A": 5}, "'X-A'"),
        ({"X\nA": "a"}, "'X\\nA'"),
        ({5: "a"}, "5"),
        ({"X-A": ["a"]}, "'X-A'"),
        ({"X-A": " a"}, "'X-A'"),
    ],
    ids=str,
)
def test_a_header_that_cannot_be_sent_is_refused(headers, word):
    """A bad header is refused by its name; its value may be a secret."""
    with pytest.raises(ValueError, match=r"^headers: .* str or bytes on one line"):
        own(URL, None, headers)
    with pytest.raises(ValueError, match=f"^headers: {re.escape(word)}: "):
        own(requests.Request("GET", URL, headers=headers))


@pytest.mark.parametrize(
    ("headers", "kind"),
    [(5, "an int"), ("X-A: a", "a str"), ([("X-A", "a")], "a list")],
)
def test_headers_are_a_dict(headers, kind):
    """What is no dict is refused by its kind."""
    with pytest.raises(ValueError, match=f"headers is {kind}: give a dict"):
        own(URL, None, headers)


@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        *(("user:password", "a str"), (["u", "p"], "a list"), (5, "an int")),
        *((("u",), "a tuple"), ((), "a tuple")),
    ],
)
def test_auth_that_requests_would_stumble_over_is_refused(auth, kind):
    """What is no pair and no callable is refused by its kind."""
    with pytest.raises(ValueError, match=f"auth is {kind}: give a \\(user, pass"):
        own(URL, auth)


# verify


def test_verify_that_is_not_given_is_not_set():
    """Without verify nothing is set, so that session and environment count."""
    assert sending_options(None) == {}


def test_verify_is_a_bool_or_a_path(tmp_path):
    """True, False, and the path of what exists are taken as they are."""
    missing = tmp_path / "mounted-later.pem"
    for verify in (True, False, str(tmp_path), tmp_path, missing):
        assert sending_options(verify) == {"verify": verify}


@pytest.mark.parametrize(
    ("verify", "word"),
    [
        ("", "give True, False, or the path"),
        (0, "give True, False, or the path"),
        (b"/", "give True, False, or the path"),
        ([], "give True, False, or the path"),
    ],
    ids=str,
)
def test_verify_that_cannot_work_is_refused(verify, word):
    """A value that is neither a bool nor a path is refused."""
    with pytest.raises(ValueError, match=r"^verify is ") as info:
        sending_options(verify)
    assert word in str(info.value)


# what the caller is handling

LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: httsleep("no url", status_code=200),
        lambda: httsleep(requests.Request("POST", URL, json={1, 2}), status_code=200),
        lambda: httsleep(requests.Request("GET", URL, params=LOOP), status_code=200),
        lambda: httsleep(URL, {"json": LOOP}),
        lambda: httsleep(URL, {"status_code": "x"}),
        lambda: httsleep(URL, jsonpath={"$[": 1}),
    ],
    ids=["URL", "json", "nested", "condition", "validator", "jsonpath"],
)
def test_a_refusal_hides_nothing_that_the_caller_handles(refused):
    """The exception that the caller was handling is in the traceback, and no other."""
    deploy_failed = LookupError("deploy")
    try:
        raise deploy_failed
    except LookupError:
        with pytest.raises(ValueError) as info:  # noqa: PT011 - its context counts
            refused()
    assert info.value.__context__ is deploy_failed
    assert not info.value.__suppress_context__


@pytest.mark.parametrize("userinfo", ["user:%E2%82%AC", "%E2%82%AC:pass", "us%0Aer:p"])
def test_a_password_in_the_url_that_cannot_be_sent(userinfo):
    """User and password of a URL are refused as those of ``auth`` are."""
    with pytest.raises(ValueError, match="user or password of 'http://server/'") as e:
        own(f"http://{userinfo}@server/")
    assert "give both on one line, in ISO-8859-1" in str(e.value)
    own(requests.Request("GET", f"http://{userinfo}@server/", auth=("a", "b")))
    own("http://us%C3%A4r:p%20w@server/")


def test_cookies_that_cannot_be_sent():
    """Cookies of more than one line are refused."""
    request = requests.Request("GET", URL, cookies={"a": "b\nc"})
    with pytest.raises(ValueError, match="its cookies cannot be sent"):
        own(request)
