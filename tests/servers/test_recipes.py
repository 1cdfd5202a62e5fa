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
        "started queued running success": SUCCESS,
        "started queued running failure": 0,
        "started timed-out": 0,
    },
    "GitLab: a pipeline": {
        "created running running success": SUCCESS,
        "created failed": 0,
        "running manual": 0,
        "created ?": UNEXPECTED,
    },
    "Jenkins: from the queue to the result": {
        "submitted waiting started building finishing success": SUCCESS,
        "submitted waiting cancelled": 0,
        "submitted waiting dropped": 1,
        "submitted started building unstable": 2,
    },
    "Kubernetes: a rollout": {
        "stale rolling ending waiting done": SUCCESS,
        "stale rolling stuck": 0,
    },
    "Kubernetes: a job": {
        "created running ending done": SUCCESS,
        "created running failed": 0,
        "created deleted": 1,
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
        "created running running done": SUCCESS,
        "existing": SUCCESS,
        "created running failed": 0,
        "created canceled": 0,
    },
    "Azure Resource Manager: an operation with a Location": {
        "accepted throttled accepted done": SUCCESS,
        "accepted deleted": SUCCESS,
        "deleted": SUCCESS,
        "accepted conflict": UNEXPECTED,
        "conflict": UNEXPECTED,
    },
    "Azure Document Intelligence: a document": {
        "accepted waiting running succeeded": SUCCESS,
        "accepted running failed": 0,
    },
    "Google Cloud: a long-running operation": {
        "started running done": SUCCESS,
        "done done": SUCCESS,
        "started running failed": 0,
        "failed": 0,
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
        "started running running done": SUCCESS,
        "started running error": 0,
        "started running partly": 1,
        "started running cancelled": 2,
        "started running lost": 3,
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
        "done done": SUCCESS,
        "running failed": 0,
        "failed": 0,
        "running timeout": 0,
        "running ?": UNEXPECTED,
    },
    "Databricks: a job": {
        "started pending running success": SUCCESS,
        "started running failed": 0,
    },
    "Databricks: a SQL statement": {
        "pending pending running succeeded": SUCCESS,
        "pending failed": 0,
    },
    "Trino: a statement": {
        "queued busy queued running running finished": SUCCESS,
        "finished": SUCCESS,
        "queued running failed": 0,
        "failed": 0,
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
        "validating ?": UNEXPECTED,
    },
    "Replicate: a prediction": {
        "starting processing succeeded": SUCCESS,
        "starting failed": 0,
    },
    "FHIR: a bulk export": {
        "accepted running limited running done": SUCCESS,
        "limited accepted done": SUCCESS,
        "accepted running failed": UNEXPECTED,
    },
    "OGC API Processes: a job": {
        "accepted running successful": SUCCESS,
        "accepted running succeeded": SUCCESS,
        "accepted failed": 0,
        "accepted running dismissed": 0,
    },
    "Redfish: a task of a server's controller": {
        "accepted new running completed": SUCCESS,
        "accepted running exception": 0,
        "accepted running warning": 1,
    },
}
#: By recipe whose answers name a URL, the different requests of its first story.
FOLLOWED = {
    "GitHub Actions: a workflow run": [
        "POST /repos/team/app/actions/workflows/ci.yml/dispatches",
        "GET /repos/team/app/actions/runs/7",
    ],
    "Jenkins: from the queue to the result": [
        "POST /job/app/build",
        "GET /queue/item/31/api/json",
        "GET /job/app/12/api/json",
    ],
    "Kubernetes: a job": [
        "POST /apis/batch/v1/namespaces/default/jobs",
        "GET /apis/batch/v1/namespaces/default/jobs/load-x7k2p",
    ],
    "Azure Resource Manager: an asynchronous operation": [
        "PUT /subscriptions/1/stores/store?api-version=2025-01-01",
        "GET /subscriptions/1/operations/7?api-version=2025-01-01",
    ],
    "Azure Resource Manager: an operation with a Location": [
        "DELETE /subscriptions/1/stores/old?api-version=2025-01-01",
        "GET /subscriptions/1/operationresults/7",
    ],
    "Azure Document Intelligence: a document": [
        "POST /documentintelligence/documentModels/prebuilt-layout:analyze"
        "?api-version=2024-11-30",
        "GET /documentintelligence/documentModels/prebuilt-layout/analyzeResults/7"
        "?api-version=2024-11-30",
    ],
    "Google Cloud: a long-running operation": [
        "POST /v1/projects/p/locations/eu/disks?diskId=data",
        "GET /v1/projects/p/locations/eu/operations/7",
    ],
    "Elasticsearch: a reindex task": [
        "POST /_reindex?wait_for_completion=false",
        "GET /_tasks/node%3A124",
    ],
    "dbt: a run": [
        "POST /api/v2/accounts/5/jobs/3/run/",
        "GET /api/v2/accounts/5/runs/7/",
    ],
    "Snowflake: a statement": [
        "POST /api/v2/statements?async=true",
        "GET /api/v2/statements/01a2",
    ],
    "Databricks: a job": [
        "POST /api/2.2/jobs/run-now",
        "GET /api/2.2/jobs/runs/get?run_id=7",
    ],
    "Databricks: a SQL statement": [
        "POST /api/2.0/sql/statements",
        "GET /api/2.0/sql/statements/01f0",
    ],
    "Trino: a statement": [
        "POST /v1/statement",
        "GET /v1/statement/queued/q7/y1/1",
        "GET /v1/statement/executing/q7/y2/1",
    ],
    "OpenAI: a batch of requests": ["POST /v1/batches", "GET /v1/batches/batch_7"],
    "Replicate: a prediction": ["POST /v1/predictions", "GET /v1/predictions/7"],
    "FHIR: a bulk export": ["GET /fhir/Patient/$export", "GET /fhir/status/7"],
    "OGC API Processes: a job": [
        "POST /processes/buffer/execution",
        "GET /jobs/j7",
    ],
    "Redfish: a task of a server's controller": [
        "POST /redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate",
        "GET /redfish/v1/TaskService/Tasks/545",
    ],
}
SUBMITS = [each for each, sent in FOLLOWED.items() if not sent[0].startswith("GET")]


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
    status, text, headers = int(text[:3]), text[3:].strip(), {}
    while header := re.match(r"([A-Z][\w-]+):\s+(\S+)\s*", text):
        headers[header[1]] = header[2]
        text = text[header.end() :]
    if text.startswith("{"):
        return status, json.loads(text), headers
    if headers:
        return status, b"", headers
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
    sent: list[str]
    response: requests.Response
    alarm: Alarm | None

    @property
    def polls(self):
        """How many requests the server got."""
        return len(self.sent)


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
            return Played(waits, sent(server), alarm.response, alarm)
        return Played(waits, sent(server), responses[-1], None)

    return play


def sent(server):
    """The requests that a server got, as method and path."""
    return [f"{seen.method} {seen.path}" for seen in server.seen]


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
    assert ends - {UNEXPECTED} == {SUCCESS} | alarms
    assert (UNEXPECTED in ends) == pending
    assert len(ends) > 1


@pytest.mark.parametrize("heading", RECIPES)
def test_a_gateway_that_fails(play, heading):
    """A recipe waits through a 502 unless it has ``pending``.

    It is not the answer to a submit, which is the end.
    """
    story = next(story for story, end in STORIES[heading].items() if end == SUCCESS)
    submits = heading in SUBMITS
    script = answers(heading, story)
    script.insert(submits, (502, "<html><title>Bad Gateway</title></html>"))
    played = play(RECIPES[heading], script)
    if played.waits[0].pending is None:
        assert (played.alarm, played.polls) == (None, len(script))
    else:
        assert isinstance(played.alarm, UnexpectedResponse)
        assert played.polls == 1 + submits


@pytest.mark.parametrize("heading", FOLLOWED)
def test_the_requests_of_a_recipe(play, heading):
    """The first request of a recipe is sent once, and then the URLs are polled."""
    (story, end), *_ = STORIES[heading].items()
    assert end == SUCCESS
    played = play(RECIPES[heading], answers(heading, story))
    assert list(dict.fromkeys(played.sent)) == FOLLOWED[heading]
    assert played.sent.count(FOLLOWED[heading][0]) == 1


@pytest.mark.parametrize("heading", SUBMITS)
def test_a_submit_that_is_refused(play, naps, heading):
    """A submit that the server does not accept is not sent again."""
    played = play(RECIPES[heading], [(503, "<html><title>Busy</title></html>")])
    assert isinstance(played.alarm, UnexpectedResponse)
    assert (played.sent, naps) == ([FOLLOWED[heading][0]], [])


@pytest.mark.parametrize("heading", SUBMITS)
def test_a_submit_that_breaks(play, heading):
    """A submit that breaks is not sent again, and reaches the caller."""
    script = [lambda handler: handler.reset(), 200]
    with pytest.raises(requests.ConnectionError) as caught:
        play(RECIPES[heading], script)
    assert "nobody knows" in " ".join(caught.value.__notes__)


def test_recipes_that_follow():
    """A recipe that follows is listed with its requests."""
    assert {each for each, recipe in RECIPES.items() if "follow=" in recipe.code} == {
        *FOLLOWED
    }
    assert len(SUBMITS) > 12


def test_every_recipe_has_stories():
    """Every recipe of the page has stories, and no other has."""
    assert STORIES.keys() == RECIPES.keys()
    assert len(RECIPES) > 15


@pytest.mark.parametrize(
    ("heading", "story", "expected"),
    [
        (
            "Azure Resource Manager: an asynchronous operation",
            "created running running done",
            [15, 20, 20],
        ),
        (
            "Azure Resource Manager: an operation with a Location",
            "accepted throttled accepted done",
            [15, 60, 15],
        ),
        (
            "Azure Document Intelligence: a document",
            "accepted waiting running succeeded",
            [5, 2, 2],
        ),
        ("FHIR: a bulk export", "accepted running limited done", [2, 120, 60]),
        (
            "Redfish: a task of a server's controller",
            "accepted new running completed",
            [30, 2, 2],
        ),
    ],
)
def test_retry_after(play, naps, heading, story, expected):
    """A recipe sleeps as long as Retry-After asks, also after its submit."""
    play(RECIPES[heading], answers(heading, story))
    assert naps == expected


def test_a_connection_that_breaks(play):
    """A recipe that ignores ConnectionError goes on after a reset connection."""
    for heading, story, at in (
        ("Prometheus: ready", "loading ready", 0),
        ("Redfish: a task of a server's controller", "accepted running completed", 1),
    ):
        script = answers(heading, story)
        script.insert(at, lambda handler: handler.reset())
        assert play(RECIPES[heading], script).polls == len(script)


def test_head(play):
    """The recipe for a registry sends HEAD, with the type of manifest."""
    heading = "Container registry: a tag is moved"
    played = play(RECIPES[heading], answers(heading, "missing new"))
    sent = played.response.request
    assert (sent.method, sent.path_url) == ("HEAD", "/v2/team/app/manifests/2.1")
    assert sent.headers["Accept"] == "application/vnd.oci.image.index.v1+json"
