"""Estimates when a job will have ended, from the jobs ahead of it and the measured speed of each model."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from redis import Redis

from pipeline.jobs.job import MODEL_STAGES, Job, StageName
from pipeline.jobs.store import PREFIX, Jobs
from pipeline.worker.registry import count_workers

LOADS_CACHE_S = 0.25  # seconds for which the loads of all stages are used again


@dataclass(frozen=True)
class Estimate:
    """What a job can expect.

    `queue_position` counts from 1, the job that is claimed next at its stage. It is None while the job runs, or is
    blocked until earlier turns of its session are answered, and when it has ended. `eta_s` is the seconds until the job
    has ended. It is None when it has, and while a model that it needs has no ready worker or was not measured yet.
    """

    queue_position: int | None
    eta_s: float | None


@dataclass(frozen=True)
class Position:
    """A job's position in the queues, as scripts/position.lua returns it.

    `jobs_before` is None when it runs at `stage`; `jobs_before_later` has the jobs that are ready at other stages now,
    and come before it there.
    """

    stage: str
    jobs_before: int | None
    ran_s: float
    turns_before: int
    jobs_before_later: Mapping[str, int]


@dataclass(frozen=True)
class StageLoad:
    """One stage: how long a job runs there, and how long it takes from one job's end to the next's, in seconds.

    `waiting` counts the ready jobs of all lanes; `running_jobs` is the work that its workers still have to do on their
    present jobs, as a number of whole jobs.
    """

    run_s: float
    interval_s: float
    waiting: int
    running_jobs: float


class Estimator:
    """One for each process, shared by its threads. An estimate costs one round trip, none when the job has ended."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.lock = threading.Lock()
        self.loads: Mapping[str, StageLoad] = {}
        self.read_at = float("-inf")

    def estimate(self, job: Job) -> Estimate:
        """The job's present estimate, which does not foresee jobs that others will submit and that come before it."""
        if job.ended_at is not None:
            return Estimate(None, None)
        phase, stage, jobs_before, ran_s, turns_before, counts = self.jobs.run("position", job=job.name)
        if phase in {None, "ended"}:  # since it was read
            return Estimate(None, None)
        stages = remaining_stages(job, stage, phase == "blocked")
        jobs_before_later = dict(zip(counts[::2], counts[1::2], strict=True))
        position = Position(stage, jobs_before, float(ran_s), turns_before, jobs_before_later)
        eta = eta_s(stages, position, self.stage_loads())
        return Estimate(jobs_before + 1 if phase == "ready" else None, eta)

    def stage_loads(self) -> Mapping[str, StageLoad]:
        """The loads of those stages that have been measured and have a ready worker."""
        with self.lock:
            if time.monotonic() - self.read_at > LOADS_CACHE_S:
                self.loads, self.read_at = read_stage_loads(self.jobs.redis), time.monotonic()
            return self.loads


def remaining_stages(job: Job, stage: str, is_blocked: bool) -> tuple[str, ...]:
    """The stages to the job's end; those of a blocked one begin where its session's first open turn is, at `stage`."""
    stages: tuple[str, ...] = job.request.stages
    if is_blocked:
        return MODEL_STAGES[MODEL_STAGES.index(stage) : MODEL_STAGES.index("llm")] + stages[stages.index("llm") :]
    return stages[stages.index(cast(StageName, stage)) :]


def eta_s(stages: tuple[str, ...], position: Position, loads: Mapping[str, StageLoad]) -> float | None:
    """Seconds until the job has ended: its own runs, after the longest of the waits at its stages.

    None when a stage has no load. Jobs ahead of it are assumed to go through the same stages.
    """
    ahead = wait_s = run_s = 0.0
    for stage in stages:
        load = loads.get(stage)
        if load is None:
            return None
        run_s += load.run_s * (1 + position.turns_before if stage == "llm" else 1)
        if stage == position.stage and position.jobs_before is None:
            run_s = max(0.0, run_s - position.ran_s)
        else:
            waiting = position.jobs_before if stage == position.stage else position.jobs_before_later[stage]
            ahead += load.running_jobs + (waiting or 0)
            wait_s = max(wait_s, ahead * load.interval_s)
    return wait_s + run_s


def read_stage_loads(redis: "Redis") -> dict[str, StageLoad]:
    """The loads as they are now."""
    with redis.pipeline(transaction=False) as pipe:  # a full Redis accepts no transaction
        pipe.time()
        pipe.hgetall(f"{PREFIX}pace")
        pipe.zrange(f"{PREFIX}leases", 0, -1)
        for stage in MODEL_STAGES:
            pipe.zcard(f"{PREFIX}ready:{stage}")
        (seconds, microseconds), pace, running, *counts = pipe.execute()
        for name in running:
            pipe.hmget(f"{PREFIX}job:{name}", "stage", "claimed_at")
        runs = [(stage, seconds + microseconds / 1e6 - float(at)) for stage, at in pipe.execute() if stage]
    ready_workers = {stage: workers["ready"] for stage, workers in count_workers(redis).items()}
    loads = {}
    for stage, waiting in zip(MODEL_STAGES, counts, strict=True):
        if ready_workers.get(stage) and f"ran:{stage}" in pace:
            run_s, each_s = float(pace[f"ran:{stage}"]), float(pace[f"each:{stage}"])
            running_jobs = sum(max(0.0, 1 - elapsed_s / run_s) for run_stage, elapsed_s in runs if run_stage == stage)
            loads[stage] = StageLoad(run_s, each_s / ready_workers[stage], waiting, running_jobs)
    return loads
