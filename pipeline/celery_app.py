"""The Celery application, and how a stage is rung: a chain of immutable signatures that carry only a job's name."""

from collections.abc import Iterable

from celery import Celery, chain

from pipeline.jobs.job import MAINTENANCE, MODEL_STAGES, STAGE_TASKS
from pipeline.jobs.store import ReadyJob
from pipeline.redis_connection import FAST

TASKS = {**STAGE_TASKS, MAINTENANCE: "maintenance.deliver_webhooks"}  # for a bell

app = Celery("waijiao")
app.config_from_object("celeryconfig")


def enqueue(ready_jobs: Iterable[ReadyJob]) -> None:
    """Publish, for each bell, the chain of its stage and those after it. A lost message is rung again by the sweep."""
    for ready_job in ready_jobs:
        ahead = (
            MODEL_STAGES[MODEL_STAGES.index(ready_job.stage) :]
            if ready_job.stage in MODEL_STAGES
            else (ready_job.stage,)
        )
        chain(*(app.signature(TASKS[stage], args=[ready_job.name], immutable=True) for stage in ahead)).apply_async()


def use_short_timeouts() -> None:
    """From now on, leave to the sweep what the broker does not take at once: in this process people wait."""
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "socket_connect_timeout": FAST.connect_s,
        "socket_timeout": FAST.answer_s,
    }
