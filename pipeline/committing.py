"""Writes what became of a job, once, through whatever Redis goes through; then removes the audio nobody needs now."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from redis.exceptions import RedisError

from pipeline.blobs import FolderBlobs
from pipeline.errors import EngineFailed, OutOfMemory, WaijiaoError, wordless
from pipeline.jobs import Bell, Jobs, Result
from pipeline.record import CUT, Job
from pipeline.store import AWAY
from pipeline.turns import Answer

log = logging.getLogger("waijiao")
AGAIN_S = 0.3  # seconds between two attempts to reach a Redis that is gone
Outcome = Result | WaijiaoError
T = TypeVar("T")


def commit(jobs: Jobs, stage: str, job: Job, outcome: Outcome) -> list[Bell]:
    """Write the outcome, or why it cannot be written. RedisError when Redis was gone for as long as a lease lasts."""
    try:
        bells = write(jobs, stage, job, outcome)
    except RedisError:
        raise
    except Exception as error:  # noqa: BLE001 - such as a result that no JSON can hold
        bells = write(jobs, stage, job, unexpected(error, [job]))
    if stage in {"asr", CUT}:
        remove_unneeded(jobs, job)
    return bells


def write(jobs: Jobs, stage: str, job: Job, outcome: Outcome) -> list[Bell]:
    if isinstance(outcome, WaijiaoError):
        return until_answered(jobs, lambda: jobs.fail(stage, job, outcome, again=outcome.try_again))
    heard, bells = until_answered(jobs, lambda: jobs.complete(stage, job, outcome))
    if not heard and isinstance(outcome, Answer):
        for blob in outcome.blobs:
            FolderBlobs(jobs.settings.blobs_folder).delete(blob)
    return bells


def until_answered(jobs: Jobs, say: Callable[[], T]) -> T:
    """Say it to Redis until it answers, for as long as a lease lasts; what is said twice counts once."""
    deadline = time.monotonic() + jobs.settings.lease_s
    while True:
        try:
            try:
                return say()
            except AWAY as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("a result waits for Redis: %s", error)
                time.sleep(AGAIN_S)
        except SoftTimeLimitExceeded:  # it comes once, and too late: the work is done
            continue


def remove_unneeded(jobs: Jobs, job: Job) -> None:
    """Remove the recording when the record needs it no more. What cannot be removed now is tidied up later."""
    recording = job.question.recording
    try:
        if recording not in jobs.blobs(job.name):
            FolderBlobs(jobs.settings.blobs_folder).delete(recording)
    except (RedisError, OSError) as error:
        log.warning("the recording of %s was not removed yet: %s", job.id, error)


def unexpected(error: Exception, batch: Sequence[Job]) -> WaijiaoError:
    """What an exception that nobody expected means for the jobs that met it."""
    if isinstance(error, MemoryError):
        return OutOfMemory()
    log.error("an engine failed on %s: %s", ", ".join(job.id for job in batch), wordless(error))
    return EngineFailed(f"The model failed ({type(error).__name__}); the worker's log has the cause.")
