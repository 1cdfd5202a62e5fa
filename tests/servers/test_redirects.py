"""Answers after redirects: a login page is the usual reason for one that surprises."""

import logging

from httsleep import httsleep
from httsleep.command.main import main

TO_LOGIN = (302, "", {"Location": "/login?next=secret"})


def test_a_success_says_where_redirects_led_to(serve, caplog):
    """Attempt and log have the URL of the answer, without the values in its query."""
    caplog.set_level(logging.DEBUG, "httsleep")
    server, attempts = serve(TO_LOGIN, paths={"/login": [200]}), []
    httsleep(server.url, status_code=200, on_poll=attempts.append)
    met = f"200 OK, redirected to {server.root}/login?next=…"
    assert str(attempts[0]) == f"poll 1: met: {met}"
    _, poll, end = caplog.messages
    assert poll.endswith(f"poll 1: met: {met}")
    assert " success after 1 poll in " in end
    assert end.endswith(f"s, redirected to {server.root}/login?next=…")


def test_a_success_without_redirects_has_no_other_url(serve, caplog):
    """The log of a plain success ends with the time that it took."""
    caplog.set_level(logging.INFO, "httsleep")
    httsleep(serve(200).url, status_code=200)
    assert caplog.messages[-1].endswith("s")
    assert "redirected" not in caplog.messages[-1]


def test_the_command_says_where_redirects_led_to(serve, capfd):
    """Lines and JSON have the URL of the answer."""
    server = serve(TO_LOGIN, paths={"/login": [200]})
    assert main([server.url]) == 0
    where = f"{server.root}/login?next=…"
    err = capfd.readouterr().err
    assert err.endswith(f"poll 1: met: 200 OK, redirected to {where}\n")
    assert main([server.url, "--log-format", "json"]) == 0
    shown = where.replace("…", "\\u2026")
    assert f'"redirected_to": "{shown}"' in capfd.readouterr().err
