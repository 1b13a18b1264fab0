"""The Celery application, and how ready jobs are enqueued: as chains of signatures that carry only a job's name."""

from collections.abc import Iterable

from celery import Celery, chain

from pipeline.jobs.job import MAINTENANCE, MODEL_STAGES, STAGE_TASKS
from pipeline.jobs.store import ReadyJob
from pipeline.redis_connection import FAST

TASKS = {**STAGE_TASKS, MAINTENANCE: "maintenance.deliver_webhooks"}  # by stage

app = Celery("waijiao")
app.config_from_object("celeryconfig")


def enqueue(ready_jobs: Iterable[ReadyJob]) -> None:
    """Publish for each job the chain of its next stage and those after it. The sweeper repeats lost messages."""
    for ready_job in ready_jobs:
        stages = (
            MODEL_STAGES[MODEL_STAGES.index(ready_job.stage) :]
            if ready_job.stage in MODEL_STAGES
            else (ready_job.stage,)
        )
        chain(*(app.signature(TASKS[stage], args=[ready_job.name], immutable=True) for stage in stages)).apply_async()


def use_short_timeouts() -> None:
    """Give up soon when the broker does not answer, since clients wait; the sweeper enqueues those jobs later."""
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "socket_connect_timeout": FAST.connect_s,
        "socket_timeout": FAST.answer_s,
    }
