"""The URL that is named: how it is joined, and which URLs are refused."""

import pytest

from httsleep import UnexpectedResponse, httsleep


@pytest.fixture
def follow_to(serve, submit):
    """Return a function that returns what is requested for a Location of /v1/jobs."""

    def follow_to(location, url="/v1/jobs"):
        server = serve(200, paths={"/v1/jobs": [(202, b"", {"Location": location})]})
        location = location.replace("PORT", str(server.port))
        server._scripts["/v1/jobs"] = [(202, b"", {"Location": location})]
        until = {"callback": lambda response: response.request.method == "GET"}
        httsleep(submit(server.root + url), until, follow="Location")
        first, second = server.seen
        assert (first.method, second.method) == ("POST", "GET")
        return second.path

    return follow_to


JOINED = {
    "a whole URL": ("http://127.0.0.1:PORT/jobs/7", "/jobs/7"),
    "without a scheme": ("//127.0.0.1:PORT/jobs/7", "/jobs/7"),
    "from the root": ("/jobs/7", "/jobs/7"),
    "relative": ("jobs/7", "/v1/jobs/7"),
    "relative, up": ("../jobs/7", "/jobs/7"),
    "relative, up too far": ("../../../jobs/7", "/jobs/7"),
    "a query": ("?id=7", "/v1/jobs?id=7"),
    "with a fragment": ("/jobs/7?a=b#part", "/jobs/7?a=b"),
    "with a blank": ("/jobs/7 8", "/jobs/7%208"),
    "quoted": ("/jobs/a%2Fb%20c", "/jobs/a%2Fb%20c"),
    "with blanks around it": ("  /jobs/7  ", "/jobs/7"),
    "a scheme in capitals": ("HTTP://127.0.0.1:PORT/jobs/7", "/jobs/7"),
    "a URL in the query": ("/jobs?u=http://b.example/", "/jobs?u=http://b.example/"),
    "with a colon in it": ("/jobs/a:b", "/jobs/a:b"),
    "a root alone": ("http://127.0.0.1:PORT", "/"),
}


@pytest.mark.parametrize(("location", "path"), JOINED.values(), ids=JOINED)
def test_a_url_is_joined(follow_to, location, path):
    """A relative URL is joined to that of the answer."""
    assert follow_to(location) == path


def test_the_query_of_the_submit_is_not_kept(follow_to):
    """The URL is joined like any reference, so the query of the submit is gone."""
    assert follow_to("status/7", "/v1/jobs?key=value") == "/v1/status/7"


def test_it_is_joined_to_the_url_after_redirects(serve, submit, sent):
    """The answer came from where a 307 led, and its names are relative to that."""
    server = serve(
        (307, b"", {"Location": "/v2/jobs/"}),
        paths={"/v2/jobs/": [(202, b"", {"Location": "7"})], "/v2/jobs/7": [200]},
    )
    httsleep(submit(server.url), status_code=200, follow="Location")
    assert sent(server) == ["POST /endpoint", "POST /v2/jobs/", "GET /v2/jobs/7"]


def test_a_poll_that_is_redirected(serve, submit, sent):
    """What it names is joined to where it was led; else the URL named is asked."""
    server = serve(
        (202, b"", {"Location": "/jobs/7"}),
        paths={
            "/jobs/7": [(302, b"", {"Location": "/eu/jobs/7"})],
            "/eu/jobs/7": [202, (202, {"next": "8"})],
            "/eu/jobs/8": [200],
        },
    )
    httsleep(submit(server.url), status_code=200, follow=["$.next", "Location"])
    assert sent(server) == [
        "POST /endpoint",
        *["GET /jobs/7", "GET /eu/jobs/7"] * 2,
        "GET /eu/jobs/8",
    ]


NO_URLS = {
    "ftp": "ftp://b.example/s3cret",
    "file": "file:///s3cret",
    "javascript": "javascript:alert('s3cret')",
    "data": "data:,s3cret",
    "mailto": "mailto:s3cret@b.example",
    "an open bracket": "http://[s3cret",
    "a port that is no number": "http://b.example:s3cret/",
    "a port that is too large": "http://b.example:99999/s3cret",
    "a host with a blank": "http://b example/s3cret",
    "a host that starts with a dot": "http://.example/s3cret",
    "a host that starts with a star": "http://*.example/s3cret",
    "a label that is too long": f"http://{'x' * 64}.example/s3cret",
}


@pytest.mark.parametrize("location", NO_URLS.values(), ids=NO_URLS)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_is_no_http_url(serve, submit, sent, location, method, caplog):
    """It is an UnexpectedResponse, which does not show what may be a secret."""
    caplog.set_level("DEBUG", "httsleep")
    server = serve((202, b"", {"Location": location}))
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(
            submit(server.url, method),
            status_code=200,
            follow="Location",
            ignore_exceptions=[Exception],
            max_retries=3,
        )
    assert sent(server) == [f"{method} /endpoint"]
    assert caught.value.response.status_code == 202
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in caplog.text


def test_what_is_refused_shows_its_origin(serve, submit):
    """The text has scheme, host and port that were named."""
    server = serve((202, b"", {"Location": "ftp://u:p4ss@b.example:2121/s3cret?a=b"}))
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    text = str(caught.value)
    assert "ftp://b.example:2121" in text
    for secret in ("s3cret", "p4ss", "u:", "a=b"):
        assert secret not in text


def test_a_refused_url_in_a_chain(serve, submit, sent):
    """A later answer that names no http URL ends the wait, too."""
    server = serve(
        (202, b"", {"Location": "/jobs/7"}),
        paths={"/jobs/7": [(202, b"", {"Location": "ftp://b.example/x"})]},
    )
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(submit(server.url), status_code=200, follow="Location")
    assert caught.value.attempts == 2
    assert sent(server) == ["POST /endpoint", "GET /jobs/7"]


def test_a_refused_url_is_not_the_end_of_a_success(serve, submit):
    """An answer that meets until is a success, whatever it names."""
    server = serve(
        (202, b"", {"Location": "/jobs/7"}),
        paths={"/jobs/7": [(200, b"", {"Location": "ftp://b.example/x"})]},
    )
    assert httsleep(submit(server.url), status_code=200, follow="Location").ok


def test_http_is_never_named_from_https(
    serve, submit, sent, any_tls, ca_bundle, names, caplog
):
    """A proxy that ends TLS names http: it is refused, also for the same host."""
    caplog.set_level("DEBUG", "httsleep")
    plain = serve(200)
    location = f"http://127.0.0.1:{plain.port}/s3cret"
    server = serve((202, b"", {"Location": location}), tls=any_tls)
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(
            submit(server.url), status_code=200, follow="Location", verify=ca_bundle
        )
    assert sent(plain) == []
    assert sent(server) == ["POST /endpoint"]
    assert f"http://127.0.0.1:{plain.port}" in str(caught.value)
    assert "s3cret" not in str(caught.value) + caplog.text


def test_http_is_refused_on_the_default_ports(
    serve, submit, sent, any_tls, ca_bundle, names
):
    """Port 80 of the host is not home if the caller's URL is https."""
    names["a.example", 80] = plain = serve(200)
    named = (202, b"", {"Location": "http://a.example/jobs/7"})
    names["a.example", 443] = serve(named, tls=any_tls)
    with pytest.raises(UnexpectedResponse):
        httsleep(
            submit("https://a.example/jobs"),
            status_code=200,
            follow="Location",
            verify=ca_bundle,
        )
    assert sent(plain) == []


def test_http_is_refused_if_the_answer_was_https(
    serve, submit, sent, any_tls, ca_bundle
):
    """The submit was http; a poll by https names http, which is refused."""
    plain = serve(200)
    down = (202, b"", {"Location": plain.url})
    secure = serve(down, tls=any_tls)
    server = serve((202, b"", {"Location": secure.url}))
    with pytest.raises(UnexpectedResponse) as caught:
        httsleep(
            submit(server.url), status_code=200, follow="Location", verify=ca_bundle
        )
    assert caught.value.attempts == 2
    assert sent(plain) == []


def test_http_is_refused_if_the_caller_used_https(
    serve, submit, sent, any_tls, ca_bundle
):
    """Whatever an answer says later on, the wait that began with https stays there."""
    plain = serve(200)
    other = serve((202, b"", {"Location": plain.url}), tls=any_tls)
    server = serve((202, b"", {"Location": other.url}), tls=any_tls)
    with pytest.raises(UnexpectedResponse):
        httsleep(
            submit(server.url), status_code=200, follow="Location", verify=ca_bundle
        )
    assert sent(plain) == []
    assert len(other.seen) == 1


def test_https_may_be_named_from_http(serve, submit, any_tls, ca_bundle, sent):
    """An upgrade is followed."""
    secure = serve(200, tls=any_tls)
    server = serve((202, b"", {"Location": secure.url}))
    httsleep(submit(server.url), status_code=200, follow="Location", verify=ca_bundle)
    assert sent(secure) == ["GET /endpoint"]


def test_a_url_without_scheme_keeps_https(serve, submit, any_tls, ca_bundle, sent):
    """``//host/path`` has the scheme of the answer."""
    secure = serve(200, tls=any_tls)
    server = serve(
        (202, b"", {"Location": f"//127.0.0.1:{secure.port}/jobs/7"}), tls=any_tls
    )
    httsleep(submit(server.url), status_code=200, follow="Location", verify=ca_bundle)
    assert sent(secure) == ["GET /jobs/7"]
