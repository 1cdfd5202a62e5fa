"""The places where an answer names the URL to poll next."""

import json

import pytest
import requests

from httsleep import Alarm, HttSleeper, UnexpectedResponse, httsleep


@pytest.fixture
def follow_to(serve, submit, sent):
    """Return a function that returns where the answer to a POST to /v1/jobs leads."""

    def follow_to(follow, body=b"", headers=(), status=202):
        server = serve(200, paths={"/v1/jobs": [(status, body, dict(headers))]})
        request = submit(f"{server.root}/v1/jobs")
        until = {"callback": lambda response: response.request.method == "GET"}
        httsleep(request, until, follow=follow)
        first, second = sent(server)
        assert first == "POST /v1/jobs"
        return second.removeprefix("GET ")

    return follow_to


def monitor(response):
    return response.links.get("monitor", {}).get("url")


HEADERS = {"Location": "/jobs/7", "X-Id": "7", "Link": '</jobs/7>; rel="monitor"'}
BODY = {
    "id": 7,
    "name": "a b/c?d#e%é",
    "nextUri": "/jobs/7",
    "links": [{"rel": "self", "href": "/jobs/6"}, {"rel": "next", "href": "/jobs/7"}],
    "a.b": "/jobs/7",
}
LEAD_TO_JOB_7 = {
    "a header": "Location",
    "a header in another case": "LOCATION",
    "a path": "$.nextUri",
    "a path with a filter": "$.links[?(@.rel=='next')].href",
    "a path with quotes": "$['a.b']",
    "a template with an int": "/jobs/{$.id}",
    "a template with a header": "/jobs/{X-Id}",
    "a template that is only a header": "{Location}",
    "a template that is only a path": "{$.nextUri}",
    "a template without any": "/jobs/7",
    "a callable": monitor,
    "a list": ["Azure-AsyncOperation", "$.none", "Location"],
    "a tuple": ("$.none", monitor),
    "a list of one": ["Location"],
}


@pytest.mark.parametrize("follow", LEAD_TO_JOB_7.values(), ids=LEAD_TO_JOB_7)
def test_a_place_that_names_a_url(follow_to, follow):
    """The poll after the submit asks the URL that the place names."""
    assert follow_to(follow, BODY, HEADERS) == "/jobs/7"


FILLED = {
    "an id is quoted, slashes are kept": ("/q/{$.name}", "/q/a%20b/c%3Fd%23e%25%C3%A9"),
    "a part that begins the URL is not quoted": ("{$.nextUri}?a=b", "/jobs/7?a=b"),
    "a header that begins the URL": ("{Location}/api/json", "/jobs/7/api/json"),
    "several parts": ("/{X-Id}/{$.id}/{X-Id}", "/7/7/7"),
    "text after a part": ("/jobs/{$.id}?verbose=1", "/jobs/7?verbose=1"),
    "a relative URL": ("status/{$.id}", "/v1/status/7"),
    "a relative URL that goes up": ("../status/{$.id}", "/status/7"),
    "a query alone": ("?id={$.id}/", "/v1/jobs?id=7/"),
}


@pytest.mark.parametrize(("follow", "path"), FILLED.values(), ids=FILLED)
def test_a_template(follow_to, follow, path):
    """The parts of a template are filled in, and the rest is as it was written."""
    assert follow_to(follow, BODY, HEADERS) == path


def test_a_part_that_begins_the_url_may_be_a_whole_one(serve, submit, sent):
    """It is not quoted, whatever is in it."""
    server = serve(404, paths={"/jobs/a b": [200], "/jobs/a%20b": [200]})
    body = {"url": f"{server.root}/jobs/a%20b?c=d&e=", "id": 7}
    server._scripts["/endpoint"] = [(202, body)]
    httsleep(submit(server.url), status_code=200, follow="{$.url}{$.id}")
    assert sent(server)[1] == "GET /jobs/a%20b?c=d&e=7"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (-1, "-1"), (10**30, f"{10**30}"), (1.5, "1.5")]
)
def test_a_number_is_an_id(follow_to, number, text):
    """A number fills a template, also 0."""
    assert follow_to("/jobs/{$.id}", {"id": number}) == f"/jobs/{text}"


def test_an_id_cannot_lead_to_another_host(follow_to):
    """An id is a part of the path, whatever is in it."""
    path = follow_to("/jobs/{$.id}", {"id": "@b.example:80?x=y#z"})
    assert path.startswith("/jobs/")
    assert "?" not in path
    assert "#" not in path


def test_the_first_of_a_list_that_names_a_url(follow_to):
    """The order of the list decides, not the order of the answer."""
    headers = {"Location": "/location", "Operation-Location": "/operation"}
    assert follow_to(["Operation-Location", "Location"], b"", headers) == "/operation"
    assert follow_to(["Location", "Operation-Location"], b"", headers) == "/location"
    assert follow_to(["$.none", "Nothing", "Location"], b"", headers) == "/location"


def test_a_template_whose_part_is_missing_names_nothing(follow_to):
    """The next place of the list counts then."""
    follow = ["/jobs/{$.none}", "{Nothing}/x", "/a/{$.id}/{$.none}", "/b/{$.id}"]
    assert follow_to(follow, {"id": 7}) == "/b/7"


def test_places_look_at_the_body_of_any_status_below_400(follow_to):
    """200, 201 and 202 are all answers that may name a URL."""
    for status in (200, 201, 202):
        assert follow_to("$.nextUri", BODY, status=status) == "/jobs/7"


def lookup_error(response):
    return {}["monitor"]


def index_error(response):
    return [][0]


def no_json(response):
    return response.json()["id"]


NAMES_NOTHING = {
    "no such header": ("Location", b"", {}),
    "an empty header": ("Location", b"", {"Location": ""}),
    "a blank header": ("Location", b"", {"Location": "  "}),
    "an empty body": ("$.url", b"", {}),
    "no JSON": ("$.url", "<html>/jobs/7</html>", {}),
    "half of a JSON": ("$.url", b'{"url": "/jobs/7"', {}),
    "no match": ("$.url", {"uri": "/jobs/7"}, {}),
    "null": ("$.url", {"url": None}, {}),
    "true": ("$.url", {"url": True}, {}),
    "a list": ("$.url", {"url": ["/jobs/7"]}, {}),
    "an object": ("$.url", {"url": {"href": "/jobs/7"}}, {}),
    "several matches": ("$.url[*]", {"url": ["/jobs/7", "/jobs/8"]}, {}),
    "no matches": ("$.url[*]", {"url": []}, {}),
    "an empty str": ("$.url", {"url": ""}, {}),
    "a number for a URL": ("$.url", {"url": 7}, {}),
    "a template of null": ("/jobs/{$.id}", {"id": None}, {}),
    "a template of a bool": ("/jobs/{$.id}", {"id": False}, {}),
    "a template of an empty id": ("/jobs/{$.id}", {"id": ""}, {}),
    "a template of an object": ("/jobs/{$.id}", {"id": {"id": 7}}, {}),
    "a template of several": ("/jobs/{$.ids[*]}", {"ids": [7, 8]}, {}),
    "a template without JSON": ("/jobs/{$.id}", b"7 is the id", {}),
    "a template of a missing header": ("/jobs/{X-Id}", {"id": 7}, {}),
    "a path that cannot be evaluated": ("$.a.`sub(/x/, y)`", {"a": 7}, {}),
    "a callable that returns None": (monitor, b"", {}),
    "a callable that returns ''": (lambda response: "", b"", {}),
    "a KeyError": (lookup_error, b"", {}),
    "an IndexError": (index_error, b"", {}),
    "a JSONDecodeError": (no_json, b"no JSON", {}),
    "none of a list": (["Location", "$.url", lookup_error], {"id": 7}, {}),
}


@pytest.mark.parametrize(
    ("follow", "body", "headers"), NAMES_NOTHING.values(), ids=NAMES_NOTHING
)
def test_a_place_that_names_nothing(serve, submit, sent, follow, body, headers):
    """The submit was not answered with a URL: the wait ends, and nothing is asked."""
    server = serve((202, body, headers))
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(submit(server.url), status_code=200, follow=follow)
    assert sent(server) == ["POST /endpoint"]
    assert caught.value.alarm is None
    assert caught.value.response.status_code == 202
    assert "names no URL" in str(caught.value)


@pytest.mark.parametrize(
    ("follow", "told"),
    [
        ("$.id", "$.id is 7, which names no URL; {$.id} can be a part of one"),
        ("$.done", "$.done is True, which names no URL\n"),
        ("/jobs/{id}", "/jobs/{id} has no part: id is missing (there "),
        ("/jobs/{id}", "); the body has $.id\n"),
        ("/jobs/{$.done}", "has no part: $.done is True, which names no URL\n"),
        ("id", "); the body has $.id\n"),
        ("id.self", "); the body has $.id.self\n"),
        (".id", "); the body has $.id\n"),
        ("Location", ")\n"),
    ],
)
def test_a_key_of_the_body_is_told_how_to_be_written(serve, submit, follow, told):
    """An id is no URL, and a name without a $ is that of a header."""
    server = serve((202, {"id": 7, "done": True}))
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(submit(server.url), status_code=200, follow=follow)
    assert told in str(caught.value)


def test_an_exception_of_a_callable_reaches_the_caller(serve, submit, sent):
    """Only a LookupError and a JSONDecodeError mean that there is no URL."""

    def broken(response):
        raise ZeroDivisionError("mine")

    server = serve(202)
    with pytest.raises(ZeroDivisionError, match="mine"):
        httsleep(submit(server.url), status_code=200, follow=broken)
    assert sent(server) == ["POST /endpoint"]


@pytest.mark.parametrize("error", [TypeError, ValueError, AttributeError])
def test_a_mistake_in_a_callable_is_not_hidden(serve, submit, error):
    """An exception that is no LookupError is one of the caller's code."""

    def broken(response):
        raise error("mine")

    with pytest.raises(error, match="mine"):
        httsleep(submit(serve(202).url), status_code=200, follow=broken)


def test_a_value_error_of_json_other_than_that_of_requests(serve, submit):
    """``json.loads()`` raises another JSONDecodeError than requests, which is shown."""

    def loads(response):
        return json.loads(response.text)["id"]

    with pytest.raises(json.JSONDecodeError):
        httsleep(submit(serve(202).url), status_code=200, follow=loads)


@pytest.mark.parametrize("status", [400, 404, 503])
def test_callables_are_asked_only_below_400(serve, submit, status):
    """An answer that is an error is not shown to a callable."""
    asked = []

    def place(response):
        asked.append(response.status_code)

    with pytest.raises(UnexpectedResponse):
        httsleep(submit(serve(status).url), status_code=200, follow=place)
    assert asked == []


def test_callables_are_asked_about_what_is_waited_through(serve, submit, sent):
    """A callable sees the submit's answer and those that are neither end nor error."""
    asked = []

    def place(response):
        asked.append((response.request.method, response.status_code))
        return "/jobs/7" if response.status_code == 202 else None

    server = serve(202, paths={"/jobs/7": [404, 203, 200]})
    httsleep(submit(server.url), status_code=200, follow=place)
    assert asked == [("POST", 202), ("GET", 203)]


def test_a_callable_is_asked_once_for_each_answer(serve, submit):
    """One answer is one question."""
    asked = []

    def place(response):
        asked.append(response.url)
        return "/jobs/7"

    server = serve(202, paths={"/jobs/7": [202, 200]})
    httsleep(submit(server.url), status_code=200, follow=place)
    assert asked == [server.url, f"{server.root}/jobs/7"]


@pytest.mark.parametrize("odd", [7, b"/jobs/7", ["/jobs/7"], True])
def test_a_callable_that_returns_no_url_leads_nowhere(serve, submit, sent, odd):
    """No request follows what is neither a str nor None."""
    server = serve(202)
    with pytest.raises((Alarm, TypeError, ValueError)):
        httsleep(submit(server.url), status_code=200, follow=lambda response: odd)
    assert sent(server) == ["POST /endpoint"]


REFUSED = {
    "an empty str": "",
    "a blank": " ",
    "a blank within a header": "Operation Location",
    "a blank before a header": " Location",
    "a blank after a header": "Location ",
    "a blank in a URL": "/jobs/ {$.id}",
    "a line break": "Location\n",
    "a NUL": "/jobs/\0",
    "a DEL": "/jobs/\x7f{$.id}",
    "no header": "Location:",
    "no header, with umlauts": "Örtlichkeit",
    "an open brace": "/jobs/{$.id",
    "a closing brace": "/jobs/$.id}",
    "a brace in a brace": "/jobs/{{$.id}}",
    "empty braces": "/jobs/{}",
    "blank braces": "/jobs/{ }",
    "braces around no header": "/jobs/{a b}",
    "braces around a bad path": "/jobs/{$.[}",
    "a bad path": "$.[",
    "an empty list": [],
    "an empty tuple": (),
    "a list in a list": ["Location", ["$.url"]],
    "None in a list": ["Location", None],
    "a number": 7,
    "a bool": True,
    "bytes": b"Location",
    "a dict": {"header": "Location"},
    "a set": {"Location"},
}


@pytest.mark.parametrize("follow", REFUSED.values(), ids=REFUSED)
def test_a_place_that_makes_no_sense(follow):
    """It is refused at construction, by its name, with what to give instead."""
    with pytest.raises(ValueError, match=r"^follow(\[\d\])? is .*: ") as caught:
        HttSleeper("http://server/jobs", status_code=200, follow=follow)
    assert str(caught.value).isprintable()
    assert type(caught.value) is ValueError


def test_none_means_that_nothing_is_followed(serve, submit, sent):
    """Without ``follow`` a POST is sent until its answer is the one."""
    server = serve((202, b"", {"Location": "/jobs/7"}), 200)
    httsleep(submit(server.url), status_code=200, follow=None)
    assert sent(server) == ["POST /endpoint"] * 2


def test_the_list_of_the_caller_is_copied(serve, submit, sent):
    """A list that changes later changes nothing."""
    follow = ["Location"]
    server = serve((202, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [200]})
    sleeper = HttSleeper(submit(server.url), status_code=200, follow=follow)
    follow[:] = ["$.url"]
    sleeper.run()
    assert sent(server) == ["POST /endpoint", "GET /jobs/7"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_header_that_is_not_ascii(serve, submit, sent, encoding):
    """It is read as in a redirect: as UTF-8, else as ISO-8859-1."""
    location = "Location: /jobs/\xe9\r\n".encode(encoding)
    head = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n"
    server = serve(head + location + b"\r\n", 200)
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server)[1] == "GET /jobs/%C3%A9"


@pytest.mark.parametrize("follow", ["/jobs/{$.id}", "$.id", "{$.id}/x"])
def test_half_of_a_character_names_nothing(serve, submit, sent, follow):
    """A lone surrogate cannot be sent."""
    server = serve((202, {"id": "/a\ud800"}))
    with pytest.raises(UnexpectedResponse, match="names no URL"):
        httsleep(submit(server.url), status_code=200, follow=follow)
    assert sent(server) == ["POST /endpoint"]


def test_an_answer_in_another_encoding(follow_to):
    """A body in UTF-16 is decoded as requests does it."""
    body = json.dumps({"url": "/jobs/7"}).encode("utf-16")
    assert follow_to("$.url", body) == "/jobs/7"


@pytest.mark.parametrize(
    "url", ["/jobs", "jobs", "//server/jobs", "ftp://server/", "s"]
)
def test_a_submit_whose_url_is_not_whole(submit, url):
    """A session may complete it, but then nobody knows what home is."""
    with requests.Session() as session:
        sleeper = HttSleeper(submit(url), status_code=200, session=session)
        with pytest.raises(ValueError, match="give a whole URL"):
            sleeper.follow = "Location"
        with pytest.raises(ValueError, match="give a whole URL"):
            HttSleeper(submit(url), status_code=200, session=session, follow="Location")
    with pytest.raises(ValueError, match=r"http"):
        HttSleeper(submit(url), status_code=200, follow="Location")


def test_a_url_in_bytes(serve, submit, sent):
    """The URL of a Request may be bytes."""
    server = serve((202, b"", {"Location": "/jobs/7"}), paths={"/jobs/7": [200]})
    url = server.url.replace("://", "://user:p4ss@").encode()
    httsleep(submit(url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint", "GET /jobs/7"]
    assert len({seen.headers["Authorization"] for seen in server.seen}) == 1
