"""One model asked by itself: a job like any other, whose answer is waited for, given once, and then forgotten."""

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event
from typing import Any, TypeVar

from flask import request
from redis.exceptions import RedisError

from api import context
from api.jobs.parser import ParsedRequest
from api.jobs.routes import accept
from api.long_poll import wait_until
from pipeline.blob_store import FolderBlobs
from pipeline.errors import (
    BadRequest,
    Canceled,
    EngineFailed,
    Erased,
    Expired,
    MinutesUsed,
    ModelNotFound,
    OutOfMemory,
    QuotaFull,
    RateLimited,
    ServerFull,
    TooManyWaiting,
    TooSlow,
    WaijiaoError,
    WorkerLost,
    coded,
)
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.store import Jobs

REFUSALS = (ModelNotFound, ServerFull, QuotaFull, RateLimited, MinutesUsed, TooManyWaiting)
FAILURES = (EngineFailed, WorkerLost, OutOfMemory, TooSlow, Expired, Canceled, Erased)
AGAIN_S = 5  # seconds after which one who found too many waiting may try again
TOMBSTONE_S = 60  # seconds for which a forgotten job is known to have been one

T = TypeVar("T")
log = logging.getLogger("waijiao")


class PendingJob:
    """A job that a request waits for, and how long it may."""

    def __init__(self, jobs: Jobs, job_request: JobRequest, changed: Event) -> None:
        self.jobs, self.request, self.changed = jobs, job_request, changed
        self.deadline = time.monotonic() + jobs.settings.alone_s

    def job(self) -> Job:
        return self.jobs.get(self.request.tenant, self.request.id)

    def answered(self, kind: type[T]) -> T:
        """The job's result, of this kind, once it is there; raises why it is not."""
        job = self.judged(self.wait(self.job, lambda job: job.ended_at is not None, self.jobs.settings.alone_s))
        return next(each for each in (job.transcript, job.completion, job.answer) if isinstance(each, kind))

    def wait(self, read: Callable[[], T], enough: Callable[[T], bool], seconds: float) -> T:
        """What `read` gives as soon as it is `enough`, or after `seconds`, or when the time is over."""
        return wait_until(self.changed, read, enough, min(seconds, self.deadline - time.monotonic()))

    def judged(self, job: Job) -> Job:
        """The job, unless it failed or its time is over."""
        if job.error:
            raise coded(job.error["code"])(job.error["detail"])
        if job.ended_at is None and time.monotonic() >= self.deadline:
            raise TooSlow(f"There was no answer within {self.jobs.settings.alone_s:g} seconds. It was canceled.")
        return job


def single_model_request(task: str, **fields: Any) -> JobRequest:
    """The caller's question to one model; nobody else speaks in its session."""
    caller, job_id = context.caller(), secrets.token_hex(16)
    mine = JobRequest(job_id, job_id, caller.tenant, key=caller.key, owner=caller.owner, task=task)
    return replace(mine, **fields)


@contextmanager
def submitted(asked: ParsedRequest) -> Iterator[PendingJob]:
    """The job while it is waited for. Afterwards there is nothing of it, whether it was answered or not."""
    if "Idempotency-Key" in request.headers:
        raise BadRequest("An Idempotency-Key is of no use here: no answer is kept, so none can be given twice.")
    jobs, blobs = context.jobs(), context.blobs()
    with context.changes().of(asked.request.name) as changed:
        if changed is None:
            raise TooManyWaiting(retry_after_s=AGAIN_S)
        accept(asked)
        try:
            yield PendingJob(jobs, asked.request, changed)
        finally:
            forget(jobs, blobs, asked.request)


def forget(jobs: Jobs, blobs: FolderBlobs, job_request: JobRequest) -> None:
    """Erase the job, which cancels it if it is not answered yet; it may be used where no request is any more."""
    try:
        jobs.erase(job_request.tenant, job_request.conversation, TOMBSTONE_S)
        blobs.delete_job(job_request.name)
    except (RedisError, WaijiaoError) as error:
        log.warning("%s could not be forgotten; it stays until its retention has passed: %s", job_request.id, error)
