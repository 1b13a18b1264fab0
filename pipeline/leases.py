"""Keeps the leases of claimed jobs while an engine works on them, and knows which of them are no longer wanted."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis.exceptions import RedisError

from pipeline.jobs import Jobs
from pipeline.record import Job

log = logging.getLogger("waijiao")
LOOK_S = 1.0  # seconds between two renewals at most, so that an engine soon learns that its work was canceled
_lost: set[tuple[str, str]] = set()  # names and fences


def wanted(job: Job) -> bool:
    """Whether a job that this process claimed is still its to answer: not canceled, not erased, not taken over."""
    return (job.name, job.fence) not in _lost


@contextmanager
def leased(jobs: Jobs, stage: str, batch: Sequence[Job]) -> Iterator[None]:
    """Inside it a thread renews the leases of `batch`."""
    _lost.clear()
    done = threading.Event()
    threading.Thread(target=keep, args=(jobs, stage, batch, done), name="leases", daemon=True).start()
    try:
        yield
    finally:
        done.set()  # a renewal that is under way may come later: it is fenced


def keep(jobs: Jobs, stage: str, batch: Sequence[Job], done: threading.Event) -> None:
    fences = {job.name: job.fence for job in batch}
    while not done.wait(min(LOOK_S, jobs.settings.lease_s / 3)):
        try:
            _lost.update((name, fences[name]) for name in jobs.renew(stage, batch))
        except RedisError as error:
            log.warning("leases of %s were not renewed: %s", stage, error)
