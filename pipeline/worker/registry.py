"""Which workers are alive, and whether their models are loaded: keys in Redis that expire unless they are renewed."""

from typing import cast

from redis import Redis

from pipeline.jobs.store import PREFIX


def register(redis: "Redis", stage: str, worker: str, state: str, seconds: float) -> None:
    """Publish a worker's state, `ready` or `loading`, for `seconds`, after which it counts as gone."""
    key = f"{PREFIX}worker:{stage}:{worker}"
    with redis.pipeline() as writing:
        writing.set(key, state, px=int(seconds * 1000))
        writing.sadd(f"{PREFIX}workers", key)
        writing.execute()


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
