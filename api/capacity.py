"""/v1/capacity: each model's workers, what waits for them and how fast they are of late; `waijiao plan` reads it."""

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from flask import Blueprint, jsonify
from redis import Redis
from werkzeug.wrappers import Response

from api import here
from api.spec import answers
from pipeline.capacity_shapes import Capacity, Place
from pipeline.forecast import BEHIND
from pipeline.gpu_shares import on_gpu
from pipeline.jobs import PREFIX
from pipeline.readiness import workers
from pipeline.record import LANES, STAGES
from pipeline.settings import Settings

routes = Blueprint("capacity", __name__)


@routes.get("/v1/capacity")
@answers("capacity", {200: Capacity})
def read() -> Response:
    """How much work the models do, and how much waits, of all tenants together."""
    redis = here.jobs().redis
    pace = cast(Mapping[str, str], redis.hgetall(f"{PREFIX}pace"))
    waiting, running, found = waiting_jobs(redis), running_jobs(redis), workers(redis)
    models = {
        stage: {
            **found.get(stage, {"ready": 0, "loading": 0}),
            "running": running[stage],
            "waiting": waiting[stage],
            "ran_s": seconds(pace, f"ran:{stage}"),
            "each_s": seconds(pace, f"each:{stage}"),
            "computes_on": computes_on(stage, here.settings()),
        }
        for stage in STAGES
    }
    cores = len(os.sched_getaffinity(0))
    return jsonify({"models": models, "heard_s": seconds(pace, "heard"), "cores": cores})


def waiting_jobs(redis: "Redis") -> dict[str, dict[str, int]]:
    """For each stage the ready jobs of each lane that no worker has."""
    with redis.pipeline(transaction=False) as reading:
        for stage in STAGES:
            for end in BEHIND:
                reading.zcount(f"{PREFIX}ready:{stage}", "-inf", f"({end}")
        counts = iter(reading.execute())
    so_far = {stage: [next(counts) for _ in BEHIND] for stage in STAGES}
    return {
        stage: {lane: end - begin for lane, begin, end in zip(LANES, (0, *ends), ends, strict=False)}
        for stage, ends in so_far.items()
    }


def running_jobs(redis: "Redis") -> Counter[str | None]:
    """How many jobs are leased to a worker at each stage."""
    with redis.pipeline(transaction=False) as reading:
        for name in cast(list[str], redis.zrange(f"{PREFIX}leases", 0, -1)):
            reading.hget(f"{PREFIX}job:{name}", "stage")
        return Counter(cast(list[str | None], reading.execute()))


def seconds(pace: Mapping[str, Any], name: str) -> float | None:
    return round(float(pace[name]), 3) if name in pace else None


def computes_on(stage: str, settings: Settings) -> Place:
    """Where the engine of a stage computes, as the settings say, which are the same for the whole house."""
    if getattr(settings, f"{stage}_engine") == "openai":
        return "server"
    return "gpu" if on_gpu(stage, settings) else "cpu"
