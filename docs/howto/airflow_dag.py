"""A DAG that waits for a job."""

from airflow.sdk import DAG
from airflow_sensors import HttSleepSensor

with DAG("nightly"):
    HttSleepSensor(
        task_id="wait_for_job",
        url="http://server/jobs/1",
        until={"jsonpath": {"$.status": "SUCCESS"}},
        alarms={"jsonpath": {"$.status": "FAILED"}},
        mode="reschedule",
        poke_interval=60,
        timeout=3600,
    )
