"""A caller of the task: what the wait raised in the worker is raised here."""

from celery_jobs import wait_for_job

from httsleep import Alarm, GaveUp


def rows_of_job(url, **limits):
    result = wait_for_job.delay(url, **limits)
    try:
        return result.get()["rows"]
    except Alarm as alarm:
        return f"the job has failed: {alarm}"
    except GaveUp as gave_up:
        return f"no end in sight: {gave_up}"
