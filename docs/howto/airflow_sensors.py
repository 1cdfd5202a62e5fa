"""Sensors that poll with httsleep: one for a worker, one for the triggerer."""

import asyncio

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout
from airflow.triggers.base import BaseTrigger, TriggerEvent

from httsleep import Alarm, GaveUp, HttSleeper


def new_sleeper(url, until, alarms, interval, timeout):
    return HttSleeper(
        url,
        until,
        alarms,
        ignore_exceptions=[ConnectionError, TimeoutError],
        polling_interval=interval,
        max_time=timeout,
    )


class HttSleepSensor(BaseSensorOperator):
    template_fields = ("url", "until", "alarms")

    def __init__(self, *, url, until, alarms=(), **kwargs):
        super().__init__(**kwargs)
        self.url, self.until, self.alarms = url, until, alarms

    def arguments(self):
        return {
            "url": self.url,
            "until": self.until,
            "alarms": self.alarms,
            "interval": self.poke_interval,
            "timeout": self.timeout,
        }

    def poke(self, context):
        store = context["task_state_store"]
        with new_sleeper(**self.arguments()) as sleeper:
            sleeper.checkpoint = store.get("checkpoint")
            try:
                self.attempt = sleeper.poll()
            except Alarm as alarm:
                raise AirflowFailException(str(alarm)) from None
            except GaveUp as gave_up:
                raise AirflowSensorTimeout(str(gave_up)) from None
            finally:
                self.checkpoint = sleeper.checkpoint
                if self.checkpoint is None:  # the wait has ended
                    store.delete("checkpoint")
                else:
                    store.set("checkpoint", self.checkpoint)
        self.log.info("%s", self.attempt)
        return self.attempt.met


class DeferrableHttSleepSensor(HttSleepSensor):
    def execute(self, context):
        if not self.poke(context):
            trigger = HttSleepTrigger(
                self.arguments(), self.checkpoint, self.attempt.next_wait
            )
            self.defer(trigger=trigger, method_name="resume")

    def resume(self, context, event):
        context["task_state_store"].delete("checkpoint")
        if event["outcome"] == "alarm":
            raise AirflowFailException(event["text"])
        if event["outcome"] == "gave up":
            raise AirflowSensorTimeout(event["text"])
        self.log.info("%s", event["text"])


class HttSleepTrigger(BaseTrigger):
    def __init__(self, arguments, checkpoint, next_wait):
        super().__init__()
        self.arguments = arguments
        self.checkpoint = checkpoint
        self.next_wait = next_wait

    def serialize(self):
        state = {
            "arguments": self.arguments,
            "checkpoint": self.checkpoint,
            "next_wait": self.next_wait,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", state

    async def run(self):
        with new_sleeper(**self.arguments) as sleeper:
            sleeper.checkpoint = self.checkpoint
            try:
                text = await self.finished(sleeper)
                event = {"outcome": "met", "text": text}
            except Alarm as alarm:
                event = {"outcome": "alarm", "text": str(alarm)}
            except GaveUp as gave_up:
                event = {"outcome": "gave up", "text": str(gave_up)}
        yield TriggerEvent(event)

    async def finished(self, sleeper):
        while self.next_wait is not None:
            await asyncio.sleep(self.next_wait)
            attempt = await asyncio.to_thread(sleeper.poll)
            self.log.info("%s", attempt)
            self.next_wait = attempt.next_wait
        return str(attempt)
