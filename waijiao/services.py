"""The processes of the house: what each is called, how it is started, how many threads it may compute with."""

import os
import sys
from dataclasses import dataclass

from pipeline.jobs.job import MAINTENANCE, MODEL_STAGES, SEGMENT
from pipeline.redis_connection import redis_url
from pipeline.settings import Settings


@dataclass(frozen=True)
class Service:
    """One process: its name in logs, its command line, and what its environment has besides ours."""

    name: str
    command: list[str]
    environment: dict[str, str]


def api(settings: Settings) -> Service:
    """The HTTP API under gunicorn."""
    command = [sys.executable, "-m", "gunicorn", "-c", "python:api.gunicorn", "api:create_app()"]
    return Service("api", command, environment(settings))


def workers(settings: Settings, counts: dict[str, int]) -> list[Service]:
    """`counts[stage]` workers of each model stage, and one each for lessons, at a low priority, and for maintenance."""
    threads = thread_budget(counts, len(os.sched_getaffinity(0)))
    model_workers = [
        worker(settings, stage, number, threads[stage])
        for stage in MODEL_STAGES
        for number in range(1, counts[stage] + 1)
    ]
    return [*model_workers, worker(settings, SEGMENT, 1, 1), worker(settings, MAINTENANCE, 1, 1)]


def worker(settings: Settings, queue: str, number: int, threads: int) -> Service:
    name = f"{queue}{number}"
    command = [
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        f"worker_{queue}.tasks",
        "worker",
        "-Q",
        queue,
    ]
    command += [
        "-c",
        "1",
        "-n",
        f"{name}@%h",
        "--loglevel",
        "WARNING",
        "--without-gossip",
        "--without-mingle",
    ]
    chosen = {f"WAIJIAO_{queue.upper()}_THREADS": str(threads)} if queue in MODEL_STAGES else {}
    return Service(name, command, {**environment(settings), **chosen})


def environment(settings: Settings) -> dict[str, str]:
    """What every process gets: the same settings, no spinning threads, nothing downloaded while running."""
    places = {"models": settings.models_folder, "blobs": settings.blobs_folder, "redis_url": redis_url(settings)}
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    chosen = {**given, "home": settings.home, **places}
    return {
        **{f"WAIJIAO_{name.upper()}": str(value) for name, value in chosen.items() if value is not None},
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def thread_budget(counts: dict[str, int], cores: int) -> dict[str, int]:
    """Compute threads of one worker of each stage; together at most max(cores, workers), since more are far slower.

    What is left after an equal share goes to the language model, which takes longest.
    """
    total = sum(counts.values())
    share = max(1, cores // total)
    spare = max(0, cores - share * total)
    return {stage: share + (spare // counts["llm"] if stage == "llm" else 0) for stage in MODEL_STAGES}
