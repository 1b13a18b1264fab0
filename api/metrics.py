"""/metrics: what Prometheus reads of the house. It is counted in Redis: each process of the API says the same."""

from collections.abc import Iterator
from typing import cast

from flask import Blueprint
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from werkzeug.wrappers import Response

from api import here
from api.spec import answers
from pipeline.jobs import PREFIX, Jobs
from pipeline.readiness import workers
from pipeline.record import CUT

routes = Blueprint("metrics", __name__)


@routes.get("/metrics")
@answers("metrics", {200: "text/plain"})
def metrics() -> Response:
    """Jobs accepted, ended, unfinished and waiting; workers; each model's speed; webhooks that are due."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(House(here.jobs()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class House(Collector):
    """The figures as they are now."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    def collect(self) -> Iterator[Metric]:
        redis = self.jobs.redis
        accepted = CounterMetricFamily("waijiao_jobs_accepted", "Jobs accepted since the store was made.")
        accepted.add_metric([], float(cast(str | None, redis.get(f"{PREFIX}accepted")) or 0))
        yield accepted
        ended = CounterMetricFamily("waijiao_jobs_ended", "Jobs ended since the store was made.", labels=["state"])
        for state, count in cast(dict[str, str], redis.hgetall(f"{PREFIX}ended")).items():
            ended.add_metric([state], float(count))
        yield ended
        yield GaugeMetricFamily(
            "waijiao_jobs_unfinished", "Jobs that have not ended.", redis.zcard(f"{PREFIX}deadlines")
        )
        yield GaugeMetricFamily("waijiao_webhooks_waiting", "Deliveries to come.", redis.zcard(f"{PREFIX}deliveries"))
        yield from self.of_stages()

    def of_stages(self) -> Iterator[Metric]:
        waiting = {**self.jobs.waiting(), CUT: self.jobs.redis.zcard(f"{PREFIX}ready:{CUT}")}
        found = workers(self.jobs.redis)
        pace = cast(dict[str, str], self.jobs.redis.hgetall(f"{PREFIX}pace"))
        line = GaugeMetricFamily("waijiao_jobs_waiting", "Jobs ready for a stage that no worker has.", labels=["stage"])
        hands = GaugeMetricFamily("waijiao_workers", "Workers of a stage.", labels=["stage", "state"])
        speed = GaugeMetricFamily(
            "waijiao_stage_seconds", "Seconds a stage takes for a job, the latest counting most.", labels=["stage"]
        )
        for stage in waiting:
            line.add_metric([stage], waiting[stage])
            for state, count in found.get(stage, {"ready": 0, "loading": 0}).items():
                hands.add_metric([stage, state], count)
            if f"ran:{stage}" in pace:
                speed.add_metric([stage], float(pace[f"ran:{stage}"]))
        yield from (line, hands, speed)
