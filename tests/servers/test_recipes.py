"""The recipes of docs/recipes.rst, against the answers that stand there.

Every recipe of the page has answers, each with a name, and the code of one or more
waits. A story is a row of these names: a server gives these answers, the last one for
good, and the code of the page runs against it as it is. Each story has to end with its
last answer, no sooner and no later.
"""

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from httsleep import Alarm, HttSleeper, UnexpectedResponse, httsleep

PAGE = Path(__file__).parents[2] / "docs" / "recipes.rst"
SUCCESS, UNEXPECTED = "success", "unexpected"
#: By recipe, an answer that the page does not have: the ``?`` of its stories.
OTHERS = {
    "GitLab: a pipeline": (200, {"id": 46, "status": "waiting_for_callback"}),
    "Kubernetes: a namespace is gone": (404, {"error": "no such route"}),
    "Container registry: a tag is moved": (500, b""),
    "Vault: unsealed": (530, b""),
    "Prometheus: ready": (200, "<html><title>Log in</title></html>"),
    "dbt: a run": (200, {"data": {"status": 4}}),
    "Snowflake: a statement": (500, b""),
    "OpenAI: a batch of requests": (200, {"status": "paused"}),
}
#: By recipe, its stories and how they end: well, with an alarm (its place among the
#: alarms of the wait), or with an answer that nothing expects.
STORIES = {
    "GitHub Actions: a workflow run": {
        "queued running success": SUCCESS,
        "queued running failure": 0,
        "timed-out": 0,
    },
    "GitLab: a pipeline": {
        "created running running success": SUCCESS,
        "created failed": 0,
        "running manual": 0,
        "created ?": UNEXPECTED,
    },
    "Jenkins: from the queue to the result": {
        "waiting started building finishing success": SUCCESS,
        "waiting cancelled": 0,
        "waiting dropped": 1,
        "started building unstable": 0,
    },
    "Kubernetes: a rollout": {
        "stale rolling ending waiting done": SUCCESS,
        "stale rolling stuck": 0,
    },
    "Kubernetes: a namespace is gone": {
        "terminating failing failing failing failing terminating gone": SUCCESS,
        "terminating failing failing failing failing failing": 0,
        "terminating again": UNEXPECTED,
        "forbidden": UNEXPECTED,
        "terminating ?": UNEXPECTED,
    },
    "Argo CD: synced and healthy": {
        "before progressing healthy progressing healthy healthy healthy": SUCCESS,
        "before degraded degraded degraded degraded healthy healthy healthy": SUCCESS,
        "progressing degraded degraded degraded degraded degraded": 1,
        "before healthy failed": 0,
    },
    "Docker: a container is healthy": {
        "starting starting healthy": SUCCESS,
        "starting exited": 0,
        "starting unhealthy": 1,
        "no-check": 2,
    },
    "Container registry: a tag is moved": {
        "missing limited old new": SUCCESS,
        "missing denied": 0,
        "old ?": UNEXPECTED,
    },
    "Azure Resource Manager: an asynchronous operation": {
        "accepted throttled accepted done": SUCCESS,
        "accepted deleted": SUCCESS,
        "accepted conflict": UNEXPECTED,
    },
    "Google Cloud: a long-running operation": {
        "running running done": SUCCESS,
        "running failed": 0,
    },
    "OpenStack: a server is free": {
        "building uploading free": SUCCESS,
        "building error": 0,
    },
    "Vault: unsealed": {
        "sealed sealed active": SUCCESS,
        "sealed standby": SUCCESS,
        "performance": SUCCESS,
        "uninitialised": 0,
        "sealed recovery": UNEXPECTED,
        "?": UNEXPECTED,
    },
    "Prometheus: ready": {
        "loading loading ready": SUCCESS,
        "loading older": SUCCESS,
        "loading ?": UNEXPECTED,
    },
    "Spring Boot: healthy, and not only for a moment": {
        "down up up down up up unknown up up up": SUCCESS,
        "down " * 9 + "up up up": SUCCESS,
        "up " + "down " * 10: 0,
    },
    "Elasticsearch: cluster health": {
        "no-master red red red two-nodes moving green": SUCCESS,
        "red two-nodes yellow": SUCCESS,
        "red two-nodes red red red red": 0,
    },
    "Elasticsearch: a reindex task": {
        "running running done": SUCCESS,
        "running error": 0,
        "running partly": 1,
        "running cancelled": 2,
        "running lost": 3,
    },
    "CouchDB: a replication": {
        "missing pending crashing crashing running completed": SUCCESS,
        "pending failed": 0,
        "running partly": 1,
        "running crashing error crashing": 2,
    },
    "Kafka Connect: a connector and its tasks": {
        "unknown no-task one running": SUCCESS,
        "no-task failed": 0,
        "one broken": 1,
    },
    "Slurm: a job": {
        "pending running completing completed": SUCCESS,
        "running failing": 0,
        "running timeout": 0,
    },
    "Airflow: the tasks of a DAG run": {
        "waiting retried waiting half success": SUCCESS,
        "waiting failed": 0,
    },
    "dbt: a run": {
        "queued starting running success": SUCCESS,
        "running error": 0,
        "running cancelled": 0,
        "queued ?": UNEXPECTED,
    },
    "Snowflake: a statement": {
        "running limited running done": SUCCESS,
        "running failed": 0,
        "running timeout": 0,
        "running ?": UNEXPECTED,
    },
    "Stripe: a payment": {
        "payer processing succeeded": SUCCESS,
        "processing declined": 0,
        "canceled": 0,
        "unconfirmed": UNEXPECTED,
    },
    "OpenAI: a batch of requests": {
        "validating running finalizing completed": SUCCESS,
        "running expired": 0,
        "running partly": 1,
        "?": UNEXPECTED,
    },
    "Redfish: a task of a server's controller": {
        "new running completed": SUCCESS,
        "running exception": 0,
        "running warning": 1,
    },
}


@dataclass(frozen=True)
class Recipe:
    """A recipe as it stands on the page: answers by name, and code."""

    answers: dict[str, tuple]
    code: str


def blocks(language, text):
    """The code blocks of a language."""
    pattern = rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)"
    return list(map(textwrap.dedent, re.findall(pattern, text, re.MULTILINE)))


def answer(text):
    """``202  Retry-After: 15  {"done": false}`` as an answer of a server."""
    status, text = int(text[:3]), text[3:].strip()
    if header := re.match(r"([A-Z][\w-]+): (\S+)", text):
        return status, b"", {header[1]: header[2]}
    if text.startswith("{"):
        return status, json.loads(text)
    return status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"}


def recipes():
    """The recipes of the page by heading, and the imports that stand before them."""
    head, *parts = re.split(r"^(.+)\n~+\n", PAGE.read_text() + "\n", flags=re.MULTILINE)
    found = {}
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        (listed,), (code,) = blocks("text", text), blocks("python", text)
        rows = re.findall(r"^(\S+) +(\d{3}\b.*(?:\n +.*)*)", listed, re.MULTILINE)
        found[heading] = Recipe({name: answer(rest) for name, rest in rows}, code)
    return found, "".join(blocks("python", head))


RECIPES, IMPORTS = recipes()


@dataclass(frozen=True)
class Played:
    """What came of a story.

    ``response`` is the last one that the code got, with its alarm or without.
    """

    waits: list[HttSleeper]
    polls: int
    response: requests.Response
    alarm: Alarm | None


@pytest.fixture
def play(serve, named_server, naps):
    """Run the code of a recipe against a server that gives these answers."""

    def play(recipe, answers):
        server = serve(*answers)
        named_server(server)
        waits, responses = [], []

        def watched(*args, **kwargs):
            waits.append(HttSleeper(*args, **kwargs))
            responses.append(httsleep(*args, **kwargs))
            return responses[-1]

        names = {}
        exec(IMPORTS, names)
        names["httsleep"] = watched
        try:
            exec(recipe.code, names)
        except Alarm as alarm:
            return Played(waits, len(server.seen), alarm.response, alarm)
        return Played(waits, len(server.seen), responses[-1], None)

    return play


def answers(heading, story):
    """The answers that a story is made of."""
    known = RECIPES[heading].answers | {"?": OTHERS.get(heading)}
    return [known[name] for name in story.split()]


def is_from(response, answer):
    """Whether the response is this answer of the server."""
    status, body, *_ = answer
    if isinstance(body, str):
        body = body.encode()
    same = (
        response.content == body if isinstance(body, bytes) else response.json() == body
    )
    return response.status_code == status and same


@pytest.mark.parametrize(
    ("heading", "story", "end"),
    [(each, *pair) for each, stories in STORIES.items() for pair in stories.items()],
)
def test_a_story(play, naps, heading, story, end):
    """The code of a recipe ends with the last answer of a story."""
    script = answers(heading, story)
    played = play(RECIPES[heading], script)
    assert played.polls == len(script)
    assert len(naps) == played.polls - len(played.waits)
    assert is_from(played.response, script[-1])
    if end == SUCCESS:
        assert played.alarm is None
    elif end == UNEXPECTED:
        assert isinstance(played.alarm, UnexpectedResponse)
    else:
        assert played.alarm.alarm == played.waits[-1].alarms[end]


@pytest.mark.parametrize("heading", RECIPES)
def test_the_stories_of_a_recipe(play, heading):
    """The stories of a recipe have each of its answers and each of its ends."""
    told, alarms, ends = set(), set(), set()
    for story, end in STORIES[heading].items():
        played = play(RECIPES[heading], answers(heading, story))
        told |= set(story.split()) - {"?"}
        alarms |= {
            (n, i) for n, w in enumerate(played.waits) for i in range(len(w.alarms))
        }
        ends.add(end if isinstance(end, str) else (len(played.waits) - 1, end))
    pending = any(wait.pending is not None for wait in played.waits)
    assert told == set(RECIPES[heading].answers)
    assert ends == {SUCCESS} | alarms | ({UNEXPECTED} if pending else set())
    assert len(ends) > 1


@pytest.mark.parametrize("heading", RECIPES)
def test_a_gateway_that_fails(play, heading):
    """A recipe waits through a 502 unless it has ``pending``."""
    story = next(story for story, end in STORIES[heading].items() if end == SUCCESS)
    script = [
        (502, "<html><title>Bad Gateway</title></html>"),
        *answers(heading, story),
    ]
    played = play(RECIPES[heading], script)
    if played.waits[0].pending is None:
        assert (played.alarm, played.polls) == (None, len(script))
    else:
        assert isinstance(played.alarm, UnexpectedResponse)
        assert played.polls == 1


def test_every_recipe_has_stories():
    """Every recipe of the page has stories, and no other has."""
    assert STORIES.keys() == RECIPES.keys()
    assert len(RECIPES) > 15


def test_retry_after(play, naps):
    """The recipe for Azure sleeps as long as Retry-After asks."""
    heading = "Azure Resource Manager: an asynchronous operation"
    play(RECIPES[heading], answers(heading, "accepted throttled accepted done"))
    assert naps == [15, 60, 15]


def test_a_connection_that_breaks(play):
    """A recipe that ignores ConnectionError goes on after a reset connection."""
    for heading, story in (
        ("Prometheus: ready", "loading ready"),
        ("Redfish: a task of a server's controller", "running completed"),
    ):
        script = [lambda handler: handler.reset(), *answers(heading, story)]
        assert play(RECIPES[heading], script).polls == 3


def test_head(play):
    """The recipe for a registry sends HEAD, with the type of manifest."""
    heading = "Container registry: a tag is moved"
    played = play(RECIPES[heading], answers(heading, "missing new"))
    sent = played.response.request
    assert (sent.method, sent.path_url) == ("HEAD", "/v2/team/app/manifests/2.1")
    assert sent.headers["Accept"] == "application/vnd.oci.image.index.v1+json"
