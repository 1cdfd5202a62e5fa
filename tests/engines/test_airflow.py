"""The sensors of the page, run by Airflow itself, with its database in SQLite."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "howto"

#: A DAG with each sensor in each mode, and each end of a wait.
DAG = """
from airflow.sdk import DAG
from airflow_sensors import DeferrableHttSleepSensor, HttSleepSensor

SENSORS = {{
    "poke": (HttSleepSensor, {{"mode": "poke"}}),
    "reschedule": (HttSleepSensor, {{"mode": "reschedule"}}),
    "deferrable": (DeferrableHttSleepSensor, {{}}),
}}
QUERIES = {{
    "done": "polls=4",
    "failing": "polls=3&last=FAILED",
    "endless": "",
}}

with DAG("ends", default_args={{"retries": 0}}):
    for mode, (sensor, arguments) in SENSORS.items():
        for end, query in QUERIES.items():
            sensor(
                task_id=f"{{mode}}_{{end}}",
                url=f"{root}/{{mode}}_{{end}}?{{query}}",
                until={{"jsonpath": {{"$.status": "SUCCESS"}}}},
                alarms={{"jsonpath": {{"$.status": "FAILED"}}}},
                poke_interval=1,
                timeout=10 if end == "endless" else 300,
                **arguments,
            )
"""


class Airflow:
    """Airflow with a home of its own."""

    def __init__(self, home):
        self.dags = home / "dags"
        self.dags.mkdir(parents=True)
        shutil.copy(PAGES / "airflow_sensors.py", self.dags)
        self._env = {**os.environ, "AIRFLOW_HOME": str(home)}
        self._env["AIRFLOW__CORE__LOAD_EXAMPLES"] = "false"
        self._env["NO_COLOR"] = "1"
        self.run("db", "migrate")

    def run(self, *command):
        """Run a command of Airflow, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *command],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
        )
        return done.stdout

    def test(self, dag):
        """Run a DAG once, and return what was logged, by task, and at its end."""
        logs = {}
        task = "before"
        for line in self.run("dags", "test", dag).splitlines():
            if "[DAG TEST] starting task_id=" in line:
                task = line.split("task_id=")[1].split()[0]
            elif "DagRun Finished" in line:
                task = "after"
            logs.setdefault(task, []).append(line)
        return {task: "\n".join(lines) for task, lines in logs.items()}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    """Airflow with an empty database."""
    return Airflow(tmp_path_factory.mktemp("airflow"))


def test_the_dag_of_the_page(airflow, jobs):
    """A sensor that is rescheduled counts on: its wait is kept in the task's store."""
    text = (PAGES / "airflow_dag.py").read_text()
    for old, new in [
        ("http://server/jobs/1", jobs.url("job", polls=3)),
        ("poke_interval=60", "poke_interval=0.5"),
    ]:
        assert old in text
        text = text.replace(old, new)
    (airflow.dags / "page.py").write_text(text)
    logs = airflow.test("nightly")
    assert "state=success" in logs["after"]
    assert jobs.polls == {"/job": 3}
    for line in ("poll 1: waiting: $.status is", "poll 2: waiting:", "poll 3: met:"):
        assert logs["wait_for_job"].count(line) == 1
    assert logs["wait_for_job"].count("marking task as UP_FOR_RESCHEDULE") == 2


def test_each_sensor_and_each_end(airflow, jobs):
    """Each poll is a line of the log, and a wait that fails gives its whole account."""
    (airflow.dags / "ends.py").write_text(DAG.format(root=jobs.root))
    logs = airflow.test("ends")
    assert "state=failed" in logs["after"]
    for mode in ("poke", "reschedule", "deferrable"):
        done, failing, endless = (
            logs[f"{mode}_{end}"] for end in ("done", "failing", "endless")
        )
        for log in (done, failing, endless):
            assert log.count("poll 1: waiting: $.status is 'RUNNING'") == 1
        for log in (done, failing):
            assert log.count("poll 2: waiting: $.status is 'RUNNING'") == 1
        assert done.count("poll 4: met: 200 OK") >= 1
        assert "new_state=success" in done
        assert "AirflowFailException" in failing
        assert "met an alarm" in failing
        assert "after 3 polls in" in failing
        assert "new_state=failed" in failing
        assert "AirflowSensorTimeout" in endless
        assert "gave up" in endless
        assert "max_time=10 s" in endless
        assert "not met: $.status is 'RUNNING', not 'SUCCESS'" in endless
        assert "new_state=failed" in endless
        assert jobs.polls[f"/{mode}_done"] == 4
        assert jobs.polls[f"/{mode}_failing"] == 3
        assert jobs.polls[f"/{mode}_endless"] >= 2
        assert ("new_state=deferred" in done) == (mode == "deferrable")
