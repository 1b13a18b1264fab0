"""A worker's start: the child loads and warms the engine, and only then does the parent take work.

Readiness is a key in Redis with a time to live, kept by the parent while its child has an engine.
"""

import os
import sys
import time
import traceback
from typing import Any, cast

from celery import bootsteps
from celery.signals import worker_process_init
from celery.worker.state import maybe_shutdown
from redis import Redis

from pipeline import child
from pipeline.engines import named
from pipeline.errors import WaijiaoError
from pipeline.jobs import PREFIX
from pipeline.settings import settings
from pipeline.stopping import Stopping

_stage = ""
_engine_class = ""
_engine: Any = None


def serve(stage: str, engine_class: str) -> None:
    """Say which stage this worker process serves, with which engine ('module:Class')."""
    global _stage, _engine_class
    _stage, _engine_class = stage, engine_class


def serving() -> str:
    """The stage this worker process serves."""
    return _stage


def engine() -> Any:
    """The engine that this child loaded at its start."""
    return _engine


@worker_process_init.connect
def load_engine(**_: object) -> None:
    """Load in the child. Celery only logs what a handler raises and would take jobs, so a failure ends the child."""
    global _engine
    child.begin()
    if child.state() == child.FAILED:  # an earlier child could not load it, so the parent is about to end
        time.sleep(1)
        os._exit(1)
    child.say(child.LOADING)
    try:
        _engine = named(_engine_class)(settings()) if _engine_class else None
        child.say(child.READY)
    except WaijiaoError as error:
        give_up(str(error))
    except Exception:  # noqa: BLE001 - the boundary: printed whole, then the worker ends
        give_up(f"\n{traceback.format_exc()}")
    if child.state() == child.FAILED:
        os._exit(1)


def give_up(why: str) -> None:
    """Say why the engine cannot be loaded; the parent then ends the worker."""
    print(f"waijiao: the {_stage} worker cannot start: {why}", file=sys.stderr, flush=True)
    child.say(child.FAILED)


def say(redis: "Redis", stage: str, worker: str, state: str, seconds: float) -> None:
    """Keep a worker's state, ready or loading, where `workers` finds it for `seconds`."""
    key = f"{PREFIX}worker:{stage}:{worker}"
    with redis.pipeline() as writing:
        writing.set(key, state, px=int(seconds * 1000))
        writing.sadd(f"{PREFIX}workers", key)
        writing.execute()


def unsay(redis: "Redis", stage: str, worker: str) -> None:
    """The worker stops: it is neither ready nor loading any more."""
    redis.delete(f"{PREFIX}worker:{stage}:{worker}")


def workers(redis: "Redis") -> dict[str, dict[str, int]]:
    """For each stage, how many workers are `ready` and how many are `loading`."""
    found: dict[str, dict[str, int]] = {}
    keys = sorted(cast(set[str], redis.smembers(f"{PREFIX}workers")))
    for key, state in zip(keys, cast(list[str | None], redis.mget(keys)) if keys else [], strict=True):
        counts = found.setdefault(key.split(":")[2], {"ready": 0, "loading": 0})
        if state:
            counts[state] += 1
        else:
            redis.srem(f"{PREFIX}workers", key)
    return found


class LoadedEngine(bootsteps.StartStopStep):
    """Holds the worker's start until the child has an engine: a loading worker takes no work from an idle one."""

    requires = ("celery.worker.components:Pool", Stopping)

    def start(self, parent: Any) -> None:
        deadline = time.monotonic() + settings().load_s
        with child.killed_at_exit():
            while child.state() == child.LOADING:
                maybe_shutdown()
                if time.monotonic() > deadline:
                    give_up(f"the engine was not loaded after {settings().load_s} s (WAIJIAO_LOAD_S).")
                time.sleep(0.05)
            if child.state() == child.FAILED:
                raise SystemExit(1)
