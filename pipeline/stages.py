"""The road of a worker: claim what is ready, run the engine on it, commit each job on its own, ring what is next.

A message is a doorbell: its job name is only a hint, and it may come twice, late, or never.
"""

import functools
import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import current_task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from redis.exceptions import RedisError

from pipeline.app import TASKS, app, ring
from pipeline.blobs import FolderBlobs
from pipeline.errors import EngineFailed, OutOfMemory, TooSlow, WaijiaoError
from pipeline.jobs import Bell, Jobs, Result, Worker
from pipeline.readiness import LoadedEngine, engine, serve
from pipeline.record import Job
from pipeline.settings import settings
from pipeline.store import connect
from pipeline.sweep import Sweep
from pipeline.turns import Answer

log = logging.getLogger("waijiao")
app.steps["worker"].update({LoadedEngine, Sweep})

Outcome = Result | WaijiaoError
Run = Callable[[Any, list[Job]], Sequence[Outcome]]
NAME = secrets.token_hex(8)  # made in the worker's parent; its children share it


@functools.cache
def records() -> Jobs:
    """This process's connection to the job records; first used in the child, so it crosses no fork."""
    return Jobs(connect(settings()), settings())


@functools.cache
def child() -> str:
    """This child process's own name; a new child of the same parent has another."""
    return secrets.token_hex(8)


def stage(name: str, engine_class: str) -> Callable[[Run], Callable[[str], None]]:
    """Make `run(engine, jobs) -> results` the work of a stage; the child loads `engine_class`, a 'module:Class'."""
    serve(name, engine_class)

    def wrap(run: Run) -> Callable[[str], None]:
        @functools.wraps(run)
        def task(hint: str) -> None:
            work(name, run)

        return task

    return wrap


def work(name: str, run: Run) -> None:
    """Claim, run, commit, ring. Raises Ignore, which ends this message's chain, when the chain has nobody to ring."""
    jobs = records()
    batch, bells = jobs.claim(name, Worker(NAME, child()), getattr(settings(), f"{name}_batch"))
    if batch:
        with leased(name, batch):
            outcomes = attempt(run, batch)
        for job, outcome in zip(batch, outcomes, strict=True):
            bells += commit(name, job, outcome)
    ring_next(bells)


def attempt(run: Run, batch: list[Job]) -> Sequence[Outcome]:
    """The engine's results, or for every job the error that stopped it; no exception goes on to Celery."""
    try:
        return run(engine(), batch)
    except WaijiaoError as error:
        return [error] * len(batch)
    except SoftTimeLimitExceeded:
        return [TooSlow(f"The stage took longer than {settings().stage_s} s. Try a shorter recording.")] * len(batch)
    except MemoryError:
        return [OutOfMemory()] * len(batch)
    except Exception as error:
        log.exception("an engine failed on %s", ", ".join(job.id for job in batch))
        return [EngineFailed(f"The model failed ({type(error).__name__}); the worker's log has the cause.")] * len(
            batch
        )


def commit(name: str, job: Job, outcome: Outcome) -> list[Bell]:
    """Write one job's outcome; what a refused or finished job leaves in the blob store is removed."""
    blobs = FolderBlobs(settings().blobs_folder)
    if isinstance(outcome, WaijiaoError):
        bells = records().fail(name, job, outcome, again=outcome.try_again)
        heard = not outcome.try_again
    else:
        heard, bells = records().complete(name, job, outcome)
        if not heard and isinstance(outcome, Answer):
            blobs.delete(outcome.blob)
    if heard and name == "asr" and not settings().keep_recordings:
        blobs.delete(job.question.recording)
    return bells


def ring_next(bells: list[Bell]) -> None:
    """Ring every bell but one that this message's own chain rings by itself."""
    ahead = current_task.request.chain
    following = ahead[-1]["task"] if ahead else None
    by_chain = next((bell for bell in bells if TASKS[bell.stage] == following), None)
    ring(bell for bell in bells if bell is not by_chain)
    if following and not by_chain:
        raise Ignore


@contextmanager
def leased(name: str, batch: list[Job]) -> Iterator[None]:
    """Renew the leases of `batch` from a thread until the work on it ends."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(settings().lease_s / 3):
            try:
                records().renew(name, batch)
            except RedisError as error:
                log.warning("leases of %s were not renewed: %s", name, error)

    heartbeat = threading.Thread(target=renew, daemon=True)
    heartbeat.start()
    try:
        yield
    finally:
        done.set()
        heartbeat.join()
