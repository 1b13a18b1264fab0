"""Histograms of /metrics: how long jobs waited for each stage and ran at it, and how long their recordings were.

pipeline/jobs/scripts/lib/ending.lua counts them in Redis, when a stage is done, so that they are of all processes.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import cast

from prometheus_client.core import HistogramMetricFamily, Metric
from redis import Redis

from pipeline.jobs.store import PREFIX

BOUNDS_S = ("0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "120", "300", "900")  # as ending.lua has them
BUCKETS = (*BOUNDS_S, "inf")


def histogram_metrics(redis: "Redis") -> Iterator[Metric]:
    """Each histogram; that of a stage from its first job on."""
    counts = cast(Mapping[str, str], redis.hgetall(f"{PREFIX}histograms"))
    explanations = {"waited": "Seconds jobs waited for a stage.", "ran": "Seconds jobs ran at a stage."}
    for kind, explanation in explanations.items():
        family = HistogramMetricFamily(f"waijiao_job_{kind}_seconds", explanation, labels=["stage"])
        for stage in sorted({name.split(":")[1] for name in counts if name.startswith(f"{kind}:")}):
            family.add_metric([stage], read_buckets(counts, f"{kind}:{stage}"), read_sum(counts, f"{kind}:{stage}"))
        yield family
    recordings = HistogramMetricFamily("waijiao_recording_seconds", "Seconds of audio of recognised recordings.")
    recordings.add_metric([], read_buckets(counts, "heard"), read_sum(counts, "heard"))
    yield recordings


def read_buckets(counts: Mapping[str, str], name: str) -> list[tuple[str, float]]:
    """The upper bound of each bucket, and the number of values up to it."""
    totals = accumulate(int(counts.get(f"{name}:{bucket}", 0)) for bucket in BUCKETS)
    return [("+Inf" if bucket == "inf" else bucket, total) for bucket, total in zip(BUCKETS, totals, strict=True)]


def read_sum(counts: Mapping[str, str], name: str) -> float:
    return int(counts.get(f"{name}:sum_ms", 0)) / 1000
