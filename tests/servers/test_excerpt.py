"""Pages of errors that repeat the request, and texts that show no credential."""

import base64
import json
import logging

import pytest
import requests

from httsleep import Alarm, GaveUp, httsleep

BASIC = base64.b64encode(b"us3r:s3cr3t").decode()
SECRETS = ("s3cr3t", "us3r", BASIC, "t0k3n", "c00k13", "qu3ry")


def echo_as_json(handler):
    """Answer with the request as JSON, as httpbin does."""
    headers = dict(handler.headers)
    body = {"error": "no", "headers": headers, "url": handler.path}
    handler.reply(500, json.dumps(body).encode(), {"Content-Type": "application/json"})


def echo_as_page(handler):
    """Answer with the request in a page, as debug pages of frameworks do."""
    lines = "".join(f"<dt>{k}</dt><dd>{v}</dd>" for k, v in handler.headers.items())
    page = f"<h1>{handler.path}</h1><dl>{lines}</dl>"
    handler.reply(500, page.encode(), {"Content-Type": "text/html"})


def echo_decoded(handler):
    """Answer with the user and the password in clear text."""
    encoded = handler.headers.get("Authorization", "Basic ").partition(" ")[2]
    words = [base64.b64decode(encoded), handler.headers.get("X-Token", "").encode()]
    handler.reply(500, b"no access for " + b" with ".join(words))


@pytest.mark.parametrize("echo", [echo_as_json, echo_as_page, echo_decoded])
@pytest.mark.parametrize("way", ["arguments", "session", "redirect", "URL"])
def test_a_page_that_repeats_the_request_shows_no_credential(serve, caplog, echo, way):
    """The text has the page, and neither text nor log has what was sent as a secret."""
    caplog.set_level(logging.DEBUG, "httsleep")
    server = serve(echo, paths={"/from": [(302, b"", {"Location": "/jobs/1?k=qu3ry"})]})
    url, auth, headers = (
        f"{server.url}?key=qu3ry",
        ("us3r", "s3cr3t"),
        {"X-Token": "t0k3n"},
    )
    cookies, session = {"sid": "c00k13"}, None
    if way == "session":
        session = requests.Session()
        session.auth, session.params = auth, {"other": "qu3ry"}
        session.headers.update(headers)
        session.cookies.set("sid", "c00k13")
        auth = headers = cookies = None
    if way == "redirect":
        url = f"{server.root}/from?key=qu3ry"
    if way == "URL":
        url, auth = url.replace("http://", "http://us3r:s3cr3t@"), None
    with pytest.raises(GaveUp) as info:
        httsleep(
            requests.Request("GET", url, cookies=cookies),
            status_code=200,
            auth=auth,
            headers=headers,
            session=session,
            max_retries=1,
            max_body_excerpt=5000,
        )
    text = str(info.value)
    assert "\n  body: " in text
    assert "..." in text
    for secret in SECRETS:
        assert secret not in text
        assert secret not in caplog.text
    if session is not None:
        session.close()


def test_another_origin_shows_no_body(serve):
    """The body of an answer of another origin, where follow has led, is not shown."""
    other = serve((500, b"word"))
    server = serve((202, b"", {"Location": other.url}))
    request = requests.Request("POST", server.url)
    options = {"status_code": 200, "follow": "Location", "alarms": {"status_code": 500}}
    with pytest.raises(Alarm) as info:
        httsleep(request, polling_interval=0, **options)
    assert "last answer (poll 2): 500" in str(info.value)
    assert "body:" not in str(info.value)
