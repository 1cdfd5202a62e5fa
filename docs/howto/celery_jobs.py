"""A wait as a Celery task: it polls once, and retries itself until the wait ends."""

from celery import Celery

from httsleep import HttSleeper

LONGEST_COUNTDOWN = 600  # seconds

app = Celery("jobs", broker="redis://localhost", backend="redis://localhost")
app.conf.broker_transport_options = {  # of Redis
    "visibility_timeout": LONGEST_COUNTDOWN + 300,
    "max_connections": 1000,
}


@app.task(bind=True, max_retries=None, acks_late=True, reject_on_worker_lost=True)
def wait_for_job(self, url, checkpoint=None, **limits):
    defaults = {
        "polling_interval": 60,
        "max_time": 3600,
        "max_retry_after": LONGEST_COUNTDOWN,
    }
    with HttSleeper(
        url,
        jsonpath={"$.status": "SUCCESS"},
        alarms={"jsonpath": {"$.status": "FAILED"}},
        ignore_exceptions=[ConnectionError, TimeoutError],
        **defaults | limits,
    ) as sleeper:
        sleeper.checkpoint = checkpoint
        attempt = sleeper.poll()
        if not attempt.met:
            state = {"url": url, "checkpoint": sleeper.checkpoint, **limits}
            countdown = min(attempt.next_wait, LONGEST_COUNTDOWN)
            raise self.retry(args=(), kwargs=state, countdown=countdown)
    return attempt.response.json()["result"]
