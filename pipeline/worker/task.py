"""Claims jobs for a stage, runs the engine on them while their leases are renewed, and commits each result."""

import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from celery import current_task
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from pipeline.blob_store import FolderBlobs
from pipeline.celery_app import TASKS, app, enqueue
from pipeline.disk_space import existing_parent, is_short_of_space
from pipeline.errors import BrokenRecord, EngineFailed, OutOfMemory, TooSlow, Unavailable, WaijiaoError, safe_traceback
from pipeline.jobs.job import SEGMENT, STAGE_RESULTS, Job
from pipeline.jobs.listing import list_tries
from pipeline.jobs.results import Answer, Completion
from pipeline.jobs.store import Jobs, ReadyJob, Result
from pipeline.practice.tries import find_needed_blobs
from pipeline.redis_connection import REDIS_UNAVAILABLE, connect
from pipeline.settings import settings
from pipeline.worker.bootsteps import install
from pipeline.worker.engine_process import EngineProcess
from pipeline.worker.leases import Leases

log = logging.getLogger("waijiao")
STORING_STAGES = {SEGMENT, "tts"}  # whose results are audio
RESULT_BYTES = 20_000_000  # that must be free on the disk for the audio that a worker stores for a batch of jobs
FULL_DISK_S = 5.0  # seconds until a worker looks for space again
COMMIT_RETRY_S = 0.3  # seconds between two attempts to reach a Redis that is gone

Outcome = Result | WaijiaoError
T = TypeVar("T")
Chain = list[dict[str, Any]] | None  # the links of a message that are still to come, the next one last
Run = Callable[[Any, list[Job], Leases], Sequence[Outcome]]
SINGLE_MODEL_RESULTS: dict[str, type[Any]] = {"chat": Completion}  # of a task for one model alone, where it differs


@functools.cache
def job_store() -> Jobs:
    """This process's connection to the job records; first used in the child, so it crosses no fork."""
    return Jobs(connect(settings()), settings())


def stage(name: str, engine_class: str) -> Callable[[Run], Callable[[str], None]]:
    """Make `run(engine, jobs, leases) -> results` the work of a stage.

    The child loads `engine_class`, a 'module:Class'; `leases` tells the engine which of the jobs are still wanted.
    """
    child = EngineProcess(name, engine_class)
    install(app, child)

    def wrap(run: Run) -> Callable[[str], None]:
        @functools.wraps(run)
        def task(hint: str) -> None:
            # Celery 5.7.0 would publish the chain's next link after the task. When Redis is gone by then, or the task
            # raises, even Ignore, the parent gets a pickled traceback: 35 to 104 kB through a pipe that holds 64 kB.
            chain, current_task.request.chain = current_task.request.chain, None
            try:
                with child.working():
                    work_on_batch(child, run, chain)
            except Exception as error:  # noqa: BLE001 - MemoryError too: it would end the worker's parent
                log.error(
                    "a worker of %s could not go on; its jobs will be taken back: %s", name, safe_traceback(error)
                )

        return task

    return wrap


def work_on_batch(child: EngineProcess, run: Run, chain: Chain) -> None:
    """Claim, run, commit, enqueue. While there is no space for what it would store, no job is claimed.

    The jobs stay ready, and the sweeper enqueues them again: they wait for space, and lose no attempt.
    """
    jobs, stage = job_store(), child.stage
    if stage in STORING_STAGES and is_short_of_space(existing_parent(settings().blobs_folder), RESULT_BYTES):
        log.warning("the disk of %s is full; jobs of %s wait for space", settings().blobs_folder, stage)
        time.sleep(FULL_DISK_S)  # else all messages of the queue were taken, and the log filled, again and again
        return
    batch, ready_jobs = jobs.claim(stage, child.worker, getattr(settings(), f"{stage}_batch", 1))
    if batch:
        with Leases(jobs, stage, batch) as leases:
            outcomes = run_engine(child, run, batch, leases)
        for job, outcome in zip(batch, outcomes, strict=True):
            ready_jobs += commit(jobs, stage, job, outcome)
    enqueue_next(ready_jobs, chain)


def run_engine(child: EngineProcess, run: Run, batch: list[Job], leases: Leases) -> Sequence[Outcome]:
    """The engine's results, or for every job the error that stopped it; no exception goes on to Celery."""
    try:
        outcomes = list(run(child.engine, batch, leases))
        types = [SINGLE_MODEL_RESULTS.get(job.request.task, STAGE_RESULTS[child.stage]) for job in batch]
        if len(outcomes) != len(types) or not all(map(is_outcome, outcomes, types)):
            raise TypeError(f"the engine of {child.stage} did not give one result for each job")
        return outcomes
    except WaijiaoError as error:
        return [error] * len(batch)
    except REDIS_UNAVAILABLE:
        return [Unavailable("The job store could not be reached; try again.")] * len(batch)
    except SoftTimeLimitExceeded:
        return [TooSlow(f"The stage took longer than {settings().stage_s} s. Try a shorter recording.")] * len(batch)
    except Exception as error:  # noqa: BLE001 - an engine may raise anything
        return [describe_failure(error, batch)] * len(batch)


def is_outcome(outcome: object, result_type: type[Any]) -> bool:
    return isinstance(outcome, (result_type, WaijiaoError))


def enqueue_next(ready_jobs: list[ReadyJob], chain: Chain) -> None:
    """Enqueue the ready jobs, one of them with the next link of this message's own chain if that is for its stage."""
    following = chain[-1]["task"] if chain else None
    by_chain = next((ready_job for ready_job in ready_jobs if TASKS[ready_job.stage] == following), None)
    try:
        if chain and by_chain:
            app.signature(chain[-1]).apply_async(chain=chain[:-1])
        enqueue(ready_job for ready_job in ready_jobs if ready_job is not by_chain)
    except (OperationalError, RedisError) as error:
        log.warning("could not enqueue the next stages; the sweeper will retry: %s", error)


# --- results


def commit(jobs: Jobs, stage: str, job: Job, outcome: Outcome) -> list[ReadyJob]:
    """Write the outcome, or why it cannot be written. RedisError when Redis was gone for as long as a lease lasts."""
    try:
        ready_jobs = write_outcome(jobs, stage, job, outcome)
    except RedisError:
        raise
    except Exception as error:  # noqa: BLE001 - such as a result that JSON cannot represent
        ready_jobs = write_outcome(jobs, stage, job, describe_failure(error, [job]))
    if job.request.recording and (stage in {"asr", SEGMENT} or job.request.card):
        remove_unneeded(jobs, job)
    if job.request.keeps_recording:
        for other_try in find_other_tries(jobs, job):
            remove_unneeded(jobs, other_try)
    return ready_jobs


def find_other_tries(jobs: Jobs, job: Job) -> list[Job]:
    """The earlier tries of the same sentence; none while Redis cannot be reached, as orphans are found later."""
    try:
        (tries,) = list_tries(jobs.redis, [f"{job.request.tenant}/{job.request.practised}"])
        return [each for each in tries if each.id != job.id]
    except RedisError as error:
        log.warning("the recordings of earlier tries than %s were not removed yet: %s", job.id, error)
        return []


def write_outcome(jobs: Jobs, stage: str, job: Job, outcome: Outcome) -> list[ReadyJob]:
    if isinstance(outcome, WaijiaoError):
        return retry_while_redis_is_away(jobs, lambda: jobs.fail(stage, job, outcome, again=outcome.try_again))
    is_accepted, ready_jobs = retry_while_redis_is_away(jobs, lambda: jobs.complete(stage, job, outcome))
    if not is_accepted and isinstance(outcome, Answer):
        for blob in outcome.blobs:
            FolderBlobs(jobs.settings.blobs_folder).delete(blob)
    return ready_jobs


def retry_while_redis_is_away(jobs: Jobs, call: Callable[[], T]) -> T:
    """Call Redis until it answers, for as long as a lease lasts. The call must be idempotent."""
    deadline = time.monotonic() + jobs.settings.lease_s
    while True:
        try:
            try:
                return call()
            except REDIS_UNAVAILABLE as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("a result waits for Redis: %s", error)
                time.sleep(COMMIT_RETRY_S)
        except SoftTimeLimitExceeded:  # it comes once, and too late: the work is done
            continue


def remove_unneeded(jobs: Jobs, job: Job) -> None:
    """Remove the recording when the record needs it no more. What cannot be removed now becomes an orphan."""
    recording = job.request.recording
    try:
        if recording not in find_needed_blobs(jobs, job.name):
            FolderBlobs(jobs.settings.blobs_folder).delete(recording)
    except (RedisError, OSError, BrokenRecord) as error:
        log.warning("the recording of %s was not removed yet: %s", job.id, error)


def describe_failure(error: Exception, batch: Sequence[Job]) -> WaijiaoError:
    """The error that the jobs of a batch get when the engine raised an unexpected exception."""
    if isinstance(error, MemoryError):
        return OutOfMemory()
    log.error("an engine failed on %s: %s", ", ".join(job.id for job in batch), safe_traceback(error))
    return EngineFailed(f"The model failed ({type(error).__name__}); the worker's log has the cause.")
