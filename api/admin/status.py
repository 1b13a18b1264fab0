"""The state of the server: /healthz, /readyz, /metrics, /v1/capacity and /v1/capabilities."""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, cast

from flask import Blueprint, jsonify
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from redis import Redis
from werkzeug.wrappers import Response

from api import context
from api.admin.histograms import histogram_metrics
from api.admin.server_facts import server_metrics
from api.admin.storage import describe_storage, storage_metrics
from api.auth import ADMIN, LEARNER, OPEN, TEACHER, current_caller, requires
from api.jobs.parser import list_voices
from api.jobs.schemas import SPEEDS
from api.openapi import answers
from pipeline import personas
from pipeline.audio.formats import FORMATS
from pipeline.errors import WaijiaoError
from pipeline.gpu.fractions import on_gpu
from pipeline.jobs.job import LANE_ENDS, LANES, MODEL_STAGES, SEGMENT
from pipeline.jobs.store import PREFIX, Jobs
from pipeline.schemas import status as status_schemas
from pipeline.schemas.status import Capacity, ComputeLocation
from pipeline.settings import Settings
from pipeline.webhooks.outbox import Deliveries
from pipeline.worker.registry import count_workers

log = logging.getLogger("waijiao")
routes = Blueprint("status", __name__)


@routes.get("/healthz")
@requires(OPEN)
@answers("health", {200: status_schemas.Alive})
def alive() -> Response:
    """This process is alive."""
    return jsonify({"alive": True})


@routes.get("/readyz")
@requires(OPEN)
@answers("health", {200: status_schemas.Readiness, 503: status_schemas.Readiness})
def ready() -> Response:
    """200 when every stage has a worker with a loaded model, else 503; both count workers and waiting jobs."""
    workers, waiting = count_workers(context.jobs().redis), context.jobs().waiting()
    none = {"ready": 0, "loading": 0}
    models = {stage: {**workers.get(stage, none), "waiting": waiting[stage]} for stage in MODEL_STAGES}
    all_ready = all(model["ready"] for model in models.values())
    caller = current_caller()
    readiness: dict[str, Any] = {"ready": all_ready, "models": models}
    if caller and caller.role == ADMIN:
        redis = context.jobs().redis
        readiness |= {"redis": name_redis(redis), "storage": describe_storage(redis, context.settings())}
    answer = jsonify(readiness)
    answer.status_code = 200 if all_ready else 503
    return answer


def name_redis(redis: "Redis") -> str:
    """The name and the version of the server, such as Redis 7.2.4 or Valkey 8.0.1."""
    server = redis.info("server")
    return f"Valkey {server['valkey_version']}" if "valkey_version" in server else f"Redis {server['redis_version']}"


@routes.get("/metrics")
@requires(ADMIN)
@answers("metrics", {200: "text/plain"})
def metrics() -> Response:
    """Jobs accepted, ended, unfinished and waiting; workers; each model's speed; how long jobs waited and ran.

    Also deliveries to come; disks, memory, GPUs; queues; Redis.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServerMetrics(context.jobs(), context.settings()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class ServerMetrics(Collector):
    """Prometheus metrics of the whole server, read from Redis and from the disks at each scrape."""

    def __init__(self, jobs: Jobs, settings: Settings) -> None:
        self.jobs, self.settings = jobs, settings

    def collect(self) -> Iterator[Metric]:
        redis = self.jobs.redis
        accepted_counter = CounterMetricFamily("waijiao_jobs_accepted", "Jobs accepted since the store was made.")
        accepted_counter.add_metric([], float(cast(str | None, redis.get(f"{PREFIX}accepted")) or 0))
        yield accepted_counter
        ended_counter = CounterMetricFamily(
            "waijiao_jobs_ended", "Jobs ended since the store was made.", labels=["state"]
        )
        for state, count in cast(dict[str, str], redis.hgetall(f"{PREFIX}ended")).items():
            ended_counter.add_metric([state], float(count))
        yield ended_counter
        yield GaugeMetricFamily(
            "waijiao_jobs_unfinished", "Jobs that have not ended.", redis.zcard(f"{PREFIX}deadlines")
        )
        yield GaugeMetricFamily("waijiao_webhooks_waiting", "Deliveries to come.", Deliveries(self.jobs).count())
        yield from self.stage_metrics()
        yield from storage_metrics(redis, self.settings)
        yield from server_metrics(redis, self.settings)
        yield from histogram_metrics(redis)

    def stage_metrics(self) -> Iterator[Metric]:
        waiting = {**self.jobs.waiting(), SEGMENT: self.jobs.redis.zcard(f"{PREFIX}ready:{SEGMENT}")}
        workers = count_workers(self.jobs.redis)
        pace = cast(dict[str, str], self.jobs.redis.hgetall(f"{PREFIX}pace"))
        waiting_jobs = GaugeMetricFamily(
            "waijiao_jobs_waiting", "Jobs ready for a stage that no worker has.", labels=["stage"]
        )
        worker_counts = GaugeMetricFamily("waijiao_workers", "Workers of a stage.", labels=["stage", "state"])
        speed = GaugeMetricFamily(
            "waijiao_stage_seconds", "Seconds a stage takes for a job, the latest counting most.", labels=["stage"]
        )
        for stage in waiting:
            waiting_jobs.add_metric([stage], waiting[stage])
            for state, count in workers.get(stage, {"ready": 0, "loading": 0}).items():
                worker_counts.add_metric([stage, state], count)
            if f"ran:{stage}" in pace:
                speed.add_metric([stage], float(pace[f"ran:{stage}"]))
        yield from (waiting_jobs, worker_counts, speed)


@routes.get("/v1/capacity")
@requires(TEACHER)
@answers("capacity", {200: Capacity})
def show_capacity() -> Response:
    """How much the models work and how much is waiting, for all tenants together."""
    redis = context.jobs().redis
    pace = cast(Mapping[str, str], redis.hgetall(f"{PREFIX}pace"))
    waiting, running, workers = waiting_jobs(redis), running_jobs(redis), count_workers(redis)
    models = {
        stage: {
            **workers.get(stage, {"ready": 0, "loading": 0}),
            "running": running[stage],
            "waiting": waiting[stage],
            "ran_s": read_seconds(pace, f"ran:{stage}"),
            "each_s": read_seconds(pace, f"each:{stage}"),
            "computes_on": computes_on(stage, context.settings()),
        }
        for stage in MODEL_STAGES
    }
    cores = len(os.sched_getaffinity(0))
    return jsonify({"models": models, "heard_s": read_seconds(pace, "heard"), "cores": cores})


def waiting_jobs(redis: "Redis") -> dict[str, dict[str, int]]:
    """For each stage the ready jobs of each lane that no worker has."""
    with redis.pipeline(transaction=False) as pipe:
        for stage in MODEL_STAGES:
            for end in LANE_ENDS:
                pipe.zcount(f"{PREFIX}ready:{stage}", "-inf", f"({end}")
        counts = iter(pipe.execute())
    ends_by_stage = {stage: [next(counts) for _ in LANE_ENDS] for stage in MODEL_STAGES}
    return {
        stage: {lane: end - begin for lane, begin, end in zip(LANES, (0, *ends), ends, strict=False)}
        for stage, ends in ends_by_stage.items()
    }


def running_jobs(redis: "Redis") -> Counter[str | None]:
    """How many jobs are leased to a worker at each stage."""
    with redis.pipeline(transaction=False) as pipe:
        for name in cast(list[str], redis.zrange(f"{PREFIX}leases", 0, -1)):
            pipe.hget(f"{PREFIX}job:{name}", "stage")
        return Counter(cast(list[str | None], pipe.execute()))


def read_seconds(pace: Mapping[str, Any], name: str) -> float | None:
    return round(float(pace[name]), 3) if name in pace else None


def computes_on(stage: str, settings: Settings) -> ComputeLocation:
    """Where the engine of a stage computes, according to the settings, which all workers share."""
    if getattr(settings, f"{stage}_engine") == "openai":
        return "server"
    return "gpu" if on_gpu(stage, settings) else "cpu"


@routes.get("/v1/capabilities")
@requires(LEARNER)
@answers("capabilities", {200: status_schemas.Capabilities})
def show_capabilities() -> Response:
    """The teachers, voices and formats that a job may name, and its limits."""
    server_settings = context.settings()
    limits = {
        "upload_mb": server_settings.max_upload_mb,
        "recording_s": server_settings.max_recording_s,
        "text_chars": server_settings.max_text_chars,
        "lesson_mb": server_settings.max_lesson_mb,
        "hand_in_mb": server_settings.max_hand_in_mb,
        "hand_in_files": server_settings.max_hand_in_files,
    }
    return jsonify(
        {
            "version": version("waijiao"),
            "personas": list(teachers()),
            "persona": server_settings.persona,
            "voices": list_voices() or ["default"],
            "formats": list(FORMATS),
            "speed": dict(zip(("min", "max"), SPEEDS, strict=True)),
            "limits": limits,
            "retention_h": server_settings.retention_h,
            "keeps_recordings": server_settings.keep_recordings,
        }
    )


def teachers() -> Iterator[dict[str, Any]]:
    """The usable personas: a file that is being edited does not make the others unavailable."""
    folder = context.settings().personas
    for name in personas.list_names(folder):
        try:
            teacher = personas.load(name, folder)
        except (WaijiaoError, OSError) as error:
            log.warning("the persona %s cannot be offered: %s", name, error)
            continue
        yield {
            "name": name,
            "display": dict(teacher.display),
            "about": dict(teacher.about),
            "greeting": teacher.greeting,
            "greetings": teacher.greetings,
            "languages": list(teacher.languages),
        }
