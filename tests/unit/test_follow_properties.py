"""Properties of waits that follow: what is sent where, whatever is answered.

A world of a few URLs on four origins answers at random. The model of such a wait is
written from the words of the design, and knows nothing of httsleep.
"""

import base64
import io
import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPMessage
from urllib.parse import urlsplit

import pytest
import requests
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.exceptions import ConnectionError as Broken
from urllib3.util import parse_url

from httsleep import Alarm, GaveUp, HttSleeper, UnexpectedResponse
from httsleep.session import BoundedSession

HOME = "http://a.example"
UPGRADED = "https://a.example"  # home as well, on the default ports
ORIGINS = (HOME, UPGRADED, "http://b.example", "http://a.example:8080")
PATHS = ("/1", "/2")
URLS = (f"{HOME}/jobs", *(origin + path for path in PATHS for origin in ORIGINS))
START = URLS[0]
SECRETS = ("s3cret", base64.b64encode(b"s3cret:s3cret").decode())
MAX_RETRIES = 6
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Answer:
    """One answer of the world.

    :ivar status: of the answer; ``None`` if the connection breaks.
    :ivar target: the number of the URL that it names, or redirects to.
    :ivar form: how a URL is named.
    :ivar asks: the seconds of its Retry-After.
    """

    status: int | None
    target: int | None
    form: str
    asks: int

    def named(self, url):
        """Return what the answer of a URL names; ``None`` for nothing."""
        if self.target is None:
            return None
        target = URLS[self.target % len(URLS)]
        parts = urlsplit(target)
        same = parts[:2] == urlsplit(url)[:2]
        if self.form == "ftp":
            return f"ftp://{parts.netloc}/s3cret"
        if self.form == "userinfo":
            return target.replace("://", "://eve:3v3@")
        return parts.path if self.form == "relative" and same else target


answers = st.builds(
    Answer,
    status=st.sampled_from(
        [None, 200, 201, 202, 202, 202, 206, 404, 500, 503, *REDIRECTS]
    ),
    target=st.none() | st.integers(0, len(URLS) - 1),
    form=st.sampled_from(["whole", "whole", "relative", "userinfo", "ftp"]),
    asks=st.sampled_from([0, 0, 7]),
)
leading = st.builds(
    Answer,
    status=st.sampled_from([201, 202, 303, 307]),
    target=st.integers(1, len(URLS) - 1),
    form=st.sampled_from(["whole", "relative", "userinfo"]),
    asks=st.just(0),
)
worlds = st.fixed_dictionaries(
    {url: st.lists(answers | leading, min_size=1, max_size=3) for url in URLS}
).filter(lambda world: world[START][0].status not in (None, 500))


class Script:
    """The answers of a world in turn; each URL repeats its last one."""

    def __init__(self, world):
        self.world, self.visits = world, Counter()

    def next(self, url):
        script, visit = self.world[url], self.visits[url]
        self.visits[url] += 1
        return script[min(visit, len(script) - 1)]

    @staticmethod
    def redirects_to(answer, url):
        """Return the URL that an answer redirects to, always one that comes later."""
        index = URLS.index(url) + 1
        if answer.status not in REDIRECTS or index >= len(URLS):
            return None
        return URLS[index + (answer.target or 0) % (len(URLS) - index)]


def is_home(url):
    """Return whether a URL of the world has the origin of the caller's request."""
    return url.startswith((f"{HOME}/", f"{UPGRADED}/"))


def without_userinfo(url):
    """Return the URL of the caller as it stands in the world."""
    return url.replace("s3cret:s3cret@", "")


class Original:
    """The response of http.client, of which requests reads the cookies."""

    def __init__(self, headers):
        self.msg = HTTPMessage()
        for name, value in headers.items():
            self.msg[name] = value

    def isclosed(self):
        return False

    def close(self):
        pass


class World:
    """The script on the place of the network, and what was sent.

    :ivar seen: the prepared requests, in order.
    """

    def __init__(self, world):
        self.script, self.seen = Script(world), []

    def send(self, adapter, request, *_, **__):
        """Send a request, as an adapter does."""
        self.seen.append(request)
        url = without_userinfo(request.url)
        answer = self.script.next(url)
        if answer.status is None:
            raise Broken
        is_with_all = is_home(url) and "X-Api-Key" in request.headers
        cookie = "s3cret" if is_with_all else "x"
        headers = {"Set-Cookie": f"set={cookie}; Path=/"}
        if answer.asks:
            headers["Retry-After"] = str(answer.asks)
        target = self.script.redirects_to(answer, url)
        if target is not None:
            headers["Location"] = target
        named = answer.named(url)
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(json.dumps({"next": named}).encode()),
            headers=headers,
            status=answer.status,
            preload_content=False,
            original_response=Original(headers),
        )
        return requests.adapters.HTTPAdapter.build_response(adapter, request, raw)

    def requests(self):
        """Return the methods and the URLs."""
        return [(each.method, without_userinfo(each.url)) for each in self.seen]


@dataclass
class Model:
    """A wait as the design has it; ``run()`` fills in the rest.

    :ivar sent: the method and the URL of each request.
    :ivar is_plain: for each request, whether the poll began at another origin.
    :ivar waits: the seconds between the polls.
    :ivar end: ``'met'``, or the name of the exception.
    """

    script: Script
    method: str
    pending: list[int] | None
    ignores: bool

    def run(self):
        self.sent, self.is_plain, self.waits, self.end = [], [], [], None
        self.place = None
        for poll in range(1, MAX_RETRIES + 1):
            asks = self.poll()
            if self.end is not None:
                return
            if poll < MAX_RETRIES:
                self.waits.append(max(2, asks))
        self.end = "GaveUp"

    def poll(self):
        """Make one poll, and return the seconds of its Retry-After."""
        is_submit = self.place is None and self.method != "GET"
        answer, url, made_get = self.send()
        if answer.status is None:
            if is_submit or not self.ignores:
                self.end = "ConnectionError"
        elif is_submit and made_get != 303:
            self.judge_submit(answer, url, made_get)
        else:
            self.judge(answer, url, is_submit)
        return answer.asks if answer.status is not None else 0

    def send(self):
        """Send a request and follow redirects; return the last answer."""
        url, method, made_get = self.place or START, self.method, None
        if self.place is not None:
            method = "GET"
        is_plain = not is_home(url)
        while True:
            self.sent.append((method, url))
            self.is_plain.append(is_plain)
            answer = self.script.next(url)
            target = self.script.redirects_to(answer, url)
            if target is None:
                return answer, url, made_get
            before, url = method, target
            if answer.status in (302, 303) or (answer.status, method) == (301, "POST"):
                method = "GET"
            if method != before and made_get is None:
                made_get = answer.status

    def judge_submit(self, answer, url, made_get):
        """A submit names a URL, or it is the end."""
        if answer.status == 500:
            self.end = "Alarm"
        elif made_get is not None:
            self.end = "UnexpectedResponse"
        elif answer.status < 400 and answer.target is not None:
            self.go(answer, url)
        else:
            self.end = "met" if answer.status == 200 else "UnexpectedResponse"

    def judge(self, answer, url, is_submit):
        """A later answer is judged as ever; one that is waited through may lead on."""
        if answer.status == 500:
            self.end = "Alarm"
        elif answer.status == 200:
            self.end = "met"
        elif self.pending is not None and answer.status not in self.pending:
            self.end = "UnexpectedResponse"
        else:
            if is_submit:
                self.place = url
            if answer.status < 400 and answer.target is not None:
                self.go(answer, url)

    def go(self, answer, url):
        """The next poll goes to a URL of http, or of https, and never down."""
        target = URLS[answer.target % len(URLS)]
        is_down = url.startswith("https:") and target.startswith("http:")
        if answer.form == "relative" and urlsplit(target)[:2] == urlsplit(url)[:2]:
            is_down = False
        if answer.form == "ftp" or is_down:
            self.end = "UnexpectedResponse"
        else:
            self.place = target


KINDS = (Alarm, GaveUp, UnexpectedResponse, Broken)


def wait(clock, request, how, options):
    """Wait in one of the ways; return how it ended, and all that was shown."""
    attempts = []
    options["on_poll"] = attempts.append
    end = by_run if how == "run" else by_poll
    ended, text = "met", ""
    try:
        end(clock, request, options, is_resumed=how == "resume")
    except KINDS as exc:
        ended, text = type(exc).__name__, str(exc)
    return ended, " ".join([text, *map(str, attempts)])


def by_run(clock, request, options, **_):
    """Wait by ``run()``."""
    HttSleeper(request, **options).run()


def by_poll(clock, request, options, is_resumed):
    """Wait by ``poll()``, each perhaps of another sleeper that has a checkpoint."""
    sleeper = HttSleeper(request, **options)
    while not (attempt := sleeper.poll()).met:
        clock.sleep(attempt.next_wait)
        if is_resumed:
            checkpoint = json.loads(json.dumps(sleeper.checkpoint))
            sleeper = HttSleeper(request, **options)
            sleeper.checkpoint = checkpoint


@pytest.fixture(scope="session")
def netrc_for_all(tmp_path_factory):
    """The path of a netrc with an entry for all hosts."""
    path = tmp_path_factory.mktemp("home") / ".netrc"
    path.write_text("default login s3cret password s3cret")
    path.chmod(0o600)
    return str(path)


@settings(max_examples=250)
@given(
    world=worlds,
    method=st.sampled_from(["POST", "POST", "PUT", "GET"]),
    pending=st.none() | st.just([201, 202, 206, 503]),
    ignores=st.booleans(),
    how=st.sampled_from(["run", "run", "poll", "resume"]),
    kind=st.sampled_from([None, requests.Session, BoundedSession]),
    named=st.sampled_from(["headers", "auth", "netrc", "userinfo"]),
)
def test_what_is_sent_where(
    virtual_clock, netrc_for_all, world, method, pending, ignores, how, kind, named
):
    """Whatever the answers are, the requests are those of the model.

    The submit is sent once (307 and 308 aside), nothing of the caller's reaches another
    origin unless a redirect of requests takes it there, and each URL that is polled was
    named by an answer.
    """
    model = Model(Script(world), method, pending, ignores)
    model.run()
    net = World(world)
    url = START
    options = {
        "status_code": 200,
        "alarms": {"status_code": 500},
        "pending": None if pending is None else [{"status_code": s} for s in pending],
        "follow": "$.next",
        "max_retries": MAX_RETRIES,
        "ignore_exceptions": Exception if ignores else (),
        "headers": {"X-Api-Key": "s3cret"},
    }
    if named == "headers":
        options["headers"]["Authorization"] = "s3cret"
    elif named == "auth":
        options["auth"] = ("s3cret", "s3cret")
    elif named == "userinfo":
        url = START.replace("://", "://s3cret:s3cret@")
    with ExitStack() as stack:
        clock = stack.enter_context(virtual_clock())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(
            "requests.adapters.HTTPAdapter.send", lambda *args, **_: net.send(*args)
        )
        if named == "netrc":
            patch.setenv("NETRC", netrc_for_all)
        if kind is not None:
            options["session"] = stack.enter_context(kind())
            options["session"].headers["X-Session"] = "s3cret"
        fields = {"cookies": {"mine": "s3cret"}, "json": {"a": "s3cret"}}
        request = requests.Request(method, url, **fields)
        end, shown = wait(clock, request, how, options)
        naps = list(clock.naps)
    assert net.requests() == model.sent
    assert end == model.end
    assert "s3cret" not in shown
    assert naps == model.waits
    assert_safe(net, model, method)


def assert_safe(net, model, method):
    """Assert what holds for all waits, in words that need no model of them."""
    for request, is_plain in zip(net.seen, model.is_plain, strict=True):
        everything = repr((request.url, request.headers, request.body))
        if is_plain:
            assert not [secret for secret in SECRETS if secret in everything]
        assert "3v3" not in everything
    if method != "GET":
        submits = [r for r in net.seen if r.method == method]
        assert [r.url for r in submits if r.url.endswith("/jobs")] == [submits[0].url]
        for later in net.seen[len(submits) :]:
            assert later.method == "GET"


pieces = st.sampled_from(
    [
        *("http:", "https:", "HTTP:", "ftp:", "/", "//", "///", "\\", "@", ":"),
        *("a.example", "b.example", "A.Example", "a.example.", "www.", "\uff41"),
        *("80", "443", "8080", "0", "99999", "?", "#", ";", "=", "&", "%", "%zz"),
        *("%40", "%2f", "%5c", "%00", "%2e", "..", ".", "[", "]", "::1", "*", "{"),
        *("\t", "\n", "\r", " ", "\0", "\u2028", "\u3002", "\xe9", "\ud800", "\u202e"),
        *("user", "user:3v3", "xn--", "x" * 64, "e\u0301", "\xdf", "\xa0"),
    ]
)
hosts = st.sampled_from(["a.example", "b.example", "A.EXAMPLE", "\uff41.example", ""])
separators = st.sampled_from(["", "@", "\\", "\\@", ":80@", ":", ":443", ":8080", "#@"])
authorities = st.tuples(hosts, separators, hosts, separators).map("".join)
schemes = st.sampled_from(["http://", "https://", "//", "http:\\\\", "http:/", "/\\"])
paths = st.sampled_from(
    ["", "/jobs/7", "\\@a.example/7", "@a.example/7", "?@b.example"]
)
odd_urls = (
    st.lists(pieces, max_size=12).map("".join)
    | st.text(max_size=20)
    | st.tuples(schemes, authorities, paths).map("".join)
    | st.tuples(schemes, authorities, paths).map("".join)
)


@settings(max_examples=500)
@given(odd_urls, st.sampled_from(["$.next", "{$.next}/status", "/jobs/{$.next}"]))
def test_odd_urls(virtual_clock, url, follow):
    """Whatever is named, what is the caller's goes to his origin alone.

    The parser that decides on the connection, and the other one, agree on where that
    is; and the account is a text of printable lines that has no userinfo.
    """
    seen, attempts = [], []

    def send(adapter, request, *_, **__):
        seen.append(request)
        body = json.dumps({"next": url} if len(seen) == 1 else {}).encode()
        raw = urllib3.HTTPResponse(io.BytesIO(body), status=202, preload_content=False)
        return requests.adapters.HTTPAdapter.build_response(adapter, request, raw)

    with virtual_clock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("requests.adapters.HTTPAdapter.send", send)
        with pytest.raises((UnexpectedResponse, GaveUp)) as caught:
            HttSleeper(
                requests.Request("POST", START, headers={"X-Api-Key": "s3cret"}),
                status_code=200,
                follow=follow,
                max_retries=3,
                on_poll=attempts.append,
            ).run()
    assert isinstance(caught.value, GaveUp) is (len(seen) == 3)
    assert [request.method for request in seen] == ["POST", "GET", "GET"][: len(seen)]
    for request in seen:
        parts, other = urlsplit(request.url), parse_url(request.url)
        assert (parts.scheme, parts.hostname) == (other.scheme, other.host.strip("[]"))
        assert parts.port == other.port
        assert "@" not in parts.netloc
        origin = (parts.scheme, parts.hostname, parts.port or None)
        is_at_home = origin in (
            *(("http", "a.example", None), ("http", "a.example", 80)),
            *(("https", "a.example", None), ("https", "a.example", 443)),
        )
        assert ("X-Api-Key" in request.headers) is is_at_home
    for line in [*str(caught.value).split("\n"), *map(str, attempts)]:
        assert line.isprintable()
        assert len(line) < 1000
