"""The road of a worker: claim what is ready, run the engine on it, commit each job on its own, ring what is next.

A message is a doorbell: its job name is only a hint, and it may come twice, late, or never.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any

from celery import current_task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from pipeline import child
from pipeline.app import TASKS, app, ring
from pipeline.committing import Outcome, commit, unexpected
from pipeline.errors import TooSlow, Unavailable, WaijiaoError, wordless
from pipeline.jobs import Bell, Jobs
from pipeline.leases import leased
from pipeline.readiness import LoadedEngine, engine, serve
from pipeline.record import Job
from pipeline.same_store import SameStore
from pipeline.settings import settings
from pipeline.stopping import Stopping
from pipeline.store import AWAY, connect
from pipeline.sweep import Sweep
from pipeline.turns import Answer, Completion, Cuts, Feedback, Transcript
from pipeline.watchdog import Watchdog

log = logging.getLogger("waijiao")
app.steps["worker"].update({Stopping, LoadedEngine, SameStore, Sweep, Watchdog})

Run = Callable[[Any, list[Job]], Sequence[Outcome]]
RESULTS: dict[str, type[Any]] = {"asr": Transcript, "llm": Feedback, "tts": Answer, "cut": Cuts}  # of each stage
ALONE: dict[str, type[Any]] = {"chat": Completion}  # of a task that asks one model by itself, where it is another


@functools.cache
def records() -> Jobs:
    """This process's connection to the job records; first used in the child, so it crosses no fork."""
    return Jobs(connect(settings()), settings())


def stage(name: str, engine_class: str) -> Callable[[Run], Callable[[str], None]]:
    """Make `run(engine, jobs) -> results` the work of a stage; the child loads `engine_class`, a 'module:Class'."""
    serve(name, engine_class)

    def wrap(run: Run) -> Callable[[str], None]:
        @functools.wraps(run)
        def task(hint: str) -> None:
            try:
                with child.working():
                    work(name, run)
            except Ignore:
                raise
            except Exception as error:  # noqa: BLE001 - MemoryError too: it would end the worker's parent
                log.error("a worker of %s could not go on; what it held is taken back: %s", name, wordless(error))
                raise Ignore from None

        return task

    return wrap


def work(name: str, run: Run) -> None:
    """Claim, run, commit, ring. Raises Ignore, which ends this message's chain, when the chain has nobody to ring."""
    jobs = records()
    batch, bells = jobs.claim(name, child.WORKER, getattr(settings(), f"{name}_batch", 1))
    if batch:
        with leased(jobs, name, batch):
            outcomes = attempt(name, run, batch)
        for job, outcome in zip(batch, outcomes, strict=True):
            bells += commit(jobs, name, job, outcome)
    ring_next(bells)


def attempt(name: str, run: Run, batch: list[Job]) -> Sequence[Outcome]:
    """The engine's results, or for every job the error that stopped it; no exception goes on to Celery."""
    try:
        outcomes = list(run(engine(), batch))
        wanted = [ALONE.get(job.question.task, RESULTS[name]) for job in batch]
        if len(outcomes) != len(wanted) or not all(map(fits, outcomes, wanted)):
            raise TypeError(f"the engine of {name} did not give one result for each job")
        return outcomes
    except WaijiaoError as error:
        return [error] * len(batch)
    except AWAY:
        return [Unavailable("The job store could not be reached; try again.")] * len(batch)
    except SoftTimeLimitExceeded:
        return [TooSlow(f"The stage took longer than {settings().stage_s} s. Try a shorter recording.")] * len(batch)
    except Exception as error:  # noqa: BLE001 - an engine may raise anything
        return [unexpected(error, batch)] * len(batch)


def fits(outcome: object, wanted: type[Any]) -> bool:
    return isinstance(outcome, (wanted, WaijiaoError))


def ring_next(bells: list[Bell]) -> None:
    """Ring every bell but one that this message's own chain rings by itself."""
    ahead = current_task.request.chain
    following = ahead[-1]["task"] if ahead else None
    by_chain = next((bell for bell in bells if TASKS[bell.stage] == following), None)
    try:
        ring(bell for bell in bells if bell is not by_chain)
    except (OperationalError, RedisError) as error:
        log.warning("bells were not rung; the sweep will ring them: %s", error)
    if following and not by_chain:
        raise Ignore
