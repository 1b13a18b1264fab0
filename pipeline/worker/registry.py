"""Which workers are alive, and whether their models are loaded: keys in Redis that expire unless they are renewed."""

from typing import cast

from redis import Redis

from pipeline.jobs.store import PREFIX
from pipeline.redis_connection import run_with_full_memory

REGISTER = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SADD', KEYS[2], KEYS[1])
"""


def register(redis: "Redis", stage: str, worker: str, state: str, seconds: float) -> None:
    """Publish a worker's state, `ready` or `loading`, for `seconds`, after which it counts as gone."""
    key = f"{PREFIX}worker:{stage}:{worker}"
    run_with_full_memory(redis, REGISTER, (key, f"{PREFIX}workers"), state, int(seconds * 1000))


def unregister(redis: "Redis", stage: str, worker: str) -> None:
    """Forget the worker: it stops."""
    redis.delete(f"{PREFIX}worker:{stage}:{worker}")


def count_workers(redis: "Redis") -> dict[str, dict[str, int]]:
    """For each stage, how many workers are `ready` and how many are `loading`."""
    counts_by_stage: dict[str, dict[str, int]] = {}
    keys = sorted(cast(set[str], redis.smembers(f"{PREFIX}workers")))
    for key, state in zip(keys, cast(list[str | None], redis.mget(keys)) if keys else [], strict=True):
        counts = counts_by_stage.setdefault(key.split(":")[2], {"ready": 0, "loading": 0})
        if state:
            counts[state] += 1
        else:
            redis.srem(f"{PREFIX}workers", key)
    return counts_by_stage
