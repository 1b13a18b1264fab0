"""Crash points: named places in the product's own functions at which a process obeys an order. The product has none.

before_ and after_ of claim, complete, fail, submit, review, sweep, release, blob (one is written) and publish (a
message is sent, not by the sweep); in_blob (before it is synced); before_ack (all is done but the message's
acknowledgement).
"""

import functools
import os
from typing import Any

from celery.signals import after_task_publish, before_task_publish, task_postrun

from pipeline.blob_store import FolderBlobs
from pipeline.jobs.store import Jobs
from tests.faults.harness.injected.orders import obey


def install() -> None:
    """Let this process, and those that it forks, obey at every crash point."""
    for method in ("claim", "complete", "fail", "submit", "review", "sweep", "release"):
        setattr(Jobs, method, obey_around(getattr(Jobs, method), method))
    FolderBlobs.put = obey_around(FolderBlobs.put, "blob")
    os.fsync = obey_around(os.fsync, "blob", before="in_blob", after="synced_blob")
    before_task_publish.connect(receiver_at("before_publish"), weak=False)
    after_task_publish.connect(receiver_at("after_publish"), weak=False)
    task_postrun.connect(receiver_at("before_ack"), weak=False)
    if retention_s := os.environ.get("FAULTS_RETENTION_S"):
        Jobs.__init__ = keep_for(float(retention_s))


def keep_for(retention_s: float) -> Any:
    """`Jobs.__init__`, with a retention that is shorter than the hour which the settings allow."""
    initialise = Jobs.__init__

    def wrapper(self: Jobs, redis: Any, settings: Any, *args: Any) -> None:
        initialise(self, redis, settings.model_copy(update={"retention_h": retention_s / 3600}), *args)

    return wrapper


def obey_around(function: Any, name: str, before: str = "", after: str = "") -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        obey(before or f"before_{name}")
        result = function(*args, **kwargs)
        obey(after or f"after_{name}")
        return result

    return wrapper


def receiver_at(point: str) -> Any:
    """A receiver of a Celery signal. A worker's parent, which leads its group, only sweeps: it is left alone here."""

    def receive(**_: object) -> None:
        if os.getpid() != os.getpgrp():
            obey(point)

    return receive
