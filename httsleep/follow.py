"""The way of a wait whose answers name the URL to poll next.

An asynchronous API answers a request such as a POST, the *submit*, and names the URL
where the status is. *Home* is the origin of the caller's request (RFC 6454: scheme,
host and port). Nothing that the caller has given for sending goes to another origin.
"""

import re
from contextlib import suppress
from itertools import pairwise
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_auth_from_url

from .conditions import Expectations, IsIgnored, Verdict
from .formatting import as_text, redact_url, show_origin
from .history import History, bad_checkpoint
from .places import PlacesToLook
from .request import copied_fields
from .validators import Answer
from .wording import worded

#: The text about a submit without an answer.
NOBODY_KNOWS = "nobody knows whether the server has begun"

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Headers about the body of the submit, and those of a conditional request.
_ONLY_OF_SUBMIT = "(?i)content-.*|if-.*|transfer-encoding|expect"


class _Refused(Exception):
    """The wait cannot go on where an answer leads, and why: two texts."""


def is_submit(request: requests.Request) -> bool:
    """Return whether a request with ``follow`` is to be sent only once."""
    return str(request.method).upper() not in ("GET", "HEAD")


class Route:
    """The way of one wait: from the caller's request to the URLs that answers name.

    :param places: where an answer may name the next URL.
    :param request: the caller's request; unless it is a GET or a HEAD, it is a submit.
    :ivar submits: whether the caller's request is a submit.
    :raises ValueError: its URL is not a whole one.
    """

    def __init__(self, places: PlacesToLook, request: requests.Request) -> None:
        self._places = places
        self._request = requests.Request(**copied_fields(request))
        self.submits = is_submit(request)
        try:
            self._home = _origin(_as_sent(request.url))
        except ValueError:
            self._home = ("", "", 0)
        if not any(self._home):
            option = worded("follow", "--follow")
            instead = f"with {option}, give a whole URL such as 'http://server/jobs'"
            raise ValueError(f"url_or_request: {redact_url(request.url)!r}: {instead}")

    def is_at_submit(self, history: History) -> bool:
        """Return whether the next poll, or the one under way, is the submit."""
        return self.submits and history.url is None

    def check_place(self, history: History) -> None:
        """Check that a wait can go on where its checkpoint says.

        :raises ValueError: it would submit again, or the URL cannot be polled.
        """
        if history.url is not None:
            try:
                history.url = self._checked("it", history.url, self._home[0])
            except _Refused:
                raise bad_checkpoint("its 'url' cannot be polled") from None
        elif self.submits and history.polls:
            raise bad_checkpoint("it has polls and no 'url'")

    def is_home(self, url: str) -> bool:
        """Return whether a URL has the origin of the caller's request.

        https counts as the same as http if both have their default ports.
        """
        try:
            origin = _origin(url)
        except ValueError:
            return False
        upgraded = ("https", self._home[1], 443)
        return origin == self._home or (
            self._home == ("http", self._home[1], 80) and origin == upgraded
        )

    def is_from_home(self, answer: Answer, history: History) -> bool:
        """Return whether an answer, redirects included, came from home."""
        return self.is_home(self._url_of(answer, history))

    def _url_of(self, answer: Answer, history: History) -> str:
        """Return the URL of an answer; a test double may have none but the poll's."""
        url = getattr(answer.response, "url", None)
        polled = history.url or as_text(self._request.url)
        return url if isinstance(url, str) else polled

    def home_request(self, url: str, session: Any) -> requests.Request:
        """Return the request for a URL at home, which carries what the caller gave.

        :param session: the caller's session, whose ``auth`` goes before a URL's.
        """
        request = self._request
        headers = {
            name: value
            for name, value in request.headers.items()
            if not re.fullmatch(_ONLY_OF_SUBMIT, as_text(name))
        }
        auth = request.auth
        if not auth and not getattr(session, "auth", None):
            user_and_password = get_auth_from_url(as_text(request.url))
            auth = user_and_password if any(user_and_password) else None
        return requests.Request(
            "GET", url, headers=headers, auth=auth, cookies=request.cookies
        )

    def line(self, history: History) -> str:
        """Return both ends of the way, as log and exceptions show them."""
        line = f"{self._request.method} {redact_url(self._request.url)}"
        if history.url is None:
            return line
        return f"{line}, then GET {self._describe(history.url)}"

    def _describe(self, url: str) -> str:
        """Return a URL as text: of another origin's no more than the origin."""
        if self.is_home(url):
            return redact_url(url)
        return f"{show_origin(url)} (another origin: sent without credentials)"

    def judge(
        self,
        answer: Answer,
        expected: Expectations,
        history: History,
        is_ignored: IsIgnored,
    ) -> Verdict:
        """Return the verdict on an answer, and note where to poll next."""
        try:
            if self.is_at_submit(history) and _status_that_made_get(answer) != 303:
                return self._judge_submit(answer, expected, history, is_ignored)
            verdict = expected.judge(answer, history.counts, is_ignored)
            if verdict.outcome == "waiting":
                if self.is_at_submit(history):
                    self._go_to("the redirect", "", answer, history)
                self._look(answer, history)
            return verdict
        except _Refused as refused:
            unexpected, about_url = refused.args
            return Verdict("alarm", unexpected=unexpected, about_url=(about_url,))

    def _judge_submit(
        self,
        answer: Answer,
        expected: Expectations,
        history: History,
        is_ignored: IsIgnored,
    ) -> Verdict:
        """Return the verdict on the answer to the submit.

        It names a URL and the wait goes on there, or it is the end.
        """
        about_url: tuple[str, ...] = ()

        def names_url() -> bool:
            nonlocal about_url
            if (status := _status_that_made_get(answer)) is not None:
                self._refuse_redirect(answer, status)
            about_url = self._look(answer, history)
            return history.url is not None

        try:
            verdict = expected.judge_submit(
                answer, history.counts, is_ignored, names_url
            )
        except _Refused:
            raise
        except Exception:  # of a callback, after which poll() can go on with the wait
            with suppress(Exception):
                names_url()
            raise
        if verdict.outcome != "waiting":
            return verdict
        verdict = verdict._replace(about_url=about_url)
        if history.url is not None:
            return verdict
        response = answer.response
        unexpected = "the answer to the submit names no URL"
        if response.status_code >= 400:
            unexpected = f"the submit was not accepted ({response.status_code})"
        return verdict._replace(outcome="alarm", unexpected=unexpected)

    def _refuse_redirect(self, answer: Answer, status: int) -> NoReturn:
        """Raise the error for a redirect that is followed with a GET."""
        url = answer.response.url
        where = redact_url(url) if self.is_home(url) else show_origin(url)
        leave_redirect = worded("allow_redirects=False", "--no-location")
        why = (
            f"{status} redirects to {where}: the server may never have seen the "
            f"submit; {leave_redirect} leaves the redirect to follow"
        )
        raise _Refused("a redirect made a GET of the submit", why)

    def _look(self, answer: Answer, history: History) -> tuple[str, ...]:
        """Go where the answer says, if it is below 400; return what there is to say."""
        if answer.response.status_code >= 400:
            return ()
        named, missing = self._places.look(answer)
        if named is None:
            return missing
        url = self._go_to(named.place, named.url, answer, history)
        return (f"{named.place} is {self._describe(url)}",)

    def _go_to(self, place: str, named: str, answer: Answer, history: History) -> str:
        """Let the next poll go to a named URL, joined to the URL of the answer."""
        base = self._url_of(answer, history)
        try:
            url, scheme = urljoin(base, named), urlsplit(base).scheme
        except ValueError:
            url, scheme = "", ""
        history.url = self._checked(place, url, scheme)
        return history.url

    def _checked(self, place: str, url: str, before: str) -> str:
        """Return a URL as it will be polled.

        :param before: the scheme of the URL that led there.
        :raises _Refused: it is neither http nor https, or http after https.
        """
        unexpected = "the answer names a URL that is not polled"
        try:
            sent = _as_sent(url)
        except ValueError:
            why = f"{place} is {show_origin(url)}: only http and https are polled"
            raise _Refused(unexpected, why) from None
        if sent.startswith("http:") and "https" in (before, self._home[0]):
            why = f"{place} is {show_origin(sent)}: https must not lead to http"
            raise _Refused(unexpected, why)
        return sent


def check_resumed(route: Route | None, history: History) -> None:
    """Check that a wait can go on where its checkpoint says.

    :param route: that of the sleeper; ``None`` if its answers name no URL.
    :raises ValueError: it cannot.
    """
    if route is not None:
        route.check_place(history)
    elif history.url is not None:
        raise bad_checkpoint("it has a 'url', and the sleeper no follow")


def _as_sent(url: Any) -> str:
    r"""Return a URL as requests sends it, without userinfo and fragment.

    Parsers differ: ``https://b.example\@a.example/`` goes to ``b.example``.

    :raises ValueError: it cannot be sent, or is neither http nor https.
    """
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    parts = urlsplit(str(prepared.url))
    _origin(str(prepared.url))
    netloc = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=netloc, fragment="").geturl()


def _origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL as requests sends it.

    :raises ValueError: it is neither http nor https, or has no valid host.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    host.encode("idna")
    is_escaped = "%" in host and ":" not in host  # by urllib3 before 2.3, of a blank
    if parts.scheme not in _DEFAULT_PORTS or not host or is_escaped:
        raise ValueError("neither http nor https")
    return parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme]


def _redirects(answer: Answer) -> list[requests.Response]:
    """Return the redirects that led to an answer; a test double may have none."""
    history = getattr(answer.response, "history", None)
    return history if isinstance(history, list) else []


def _status_that_made_get(answer: Answer) -> int | None:
    """Return the status of the redirect by which a submit became a GET, if any."""
    for redirect, after in pairwise([*_redirects(answer), answer.response]):
        if after.request.method != redirect.request.method:
            return redirect.status_code
    return None
