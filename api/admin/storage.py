"""Whether new work can be stored: the free space of the disks, and whether Redis takes writes. For administrators."""

from collections.abc import Iterator
from dataclasses import asdict

from prometheus_client.core import GaugeMetricFamily, Metric
from redis import Redis

from pipeline.disk_space import DISK_STATES, MB, DiskSpace, find_fullest, measure_disks
from pipeline.redis_connection import REFUSAL_REASONS, RefusalReason, why_redis_refuses
from pipeline.settings import Settings

MAKE_ROOM = (
    "Delete files that nobody needs from this disk, erase old jobs, or keep them for a shorter time "
    "(WAIJIAO_RETENTION_H). Reading and erasing go on; uploads are accepted again when there is space."
)
REDIS_ADVICE = {
    "memory": "Redis's memory is full, so new work is refused: erase old jobs, or raise `maxmemory` of Redis.",
    "disk": "Redis cannot write to its disk, so new work is refused: make room there; Redis's log says more.",
    "read_only": "This Redis is a replica and takes no writes: name the primary with WAIJIAO_REDIS_URL.",
    "other": "Redis refuses to write, so new work is refused: Redis's log says why.",
}


def describe_storage(redis: "Redis", settings: Settings) -> dict[str, object]:
    """The fields of the schema `Storage`."""
    disk, reason = find_fullest(measure_disks(settings)), why_redis_refuses(redis)
    fields = {**asdict(disk), "folder": str(disk.folder), "disk": disk.state, "redis_refuses": reason}
    del fields["state"]
    return {**fields, "advice": advise(disk, reason)}


def advise(disk: DiskSpace, reason: RefusalReason | None) -> list[str]:
    """What to do, one sentence or more for each trouble."""
    advice = [REDIS_ADVICE[reason]] if reason else []
    free_mb, needed_mb = disk.free_bytes // MB, disk.needed_bytes // MB
    if disk.state == "low":
        advice.append(f"The disk is nearly full: {free_mb} MB are free ({disk.folder}). {MAKE_ROOM}")
    elif disk.state == "full":
        room = f"of the {needed_mb} MB that must be" if free_mb < needed_mb else "but there is no room for more files"
        trouble = f"The disk is full, so uploads are refused: {free_mb} MB are free {room} ({disk.folder})."
        advice.append(f"{trouble} {MAKE_ROOM}")
    return advice


def storage_metrics(redis: "Redis", settings: Settings) -> Iterator[Metric]:
    """Free bytes and state of each disk, and why Redis refuses writes: of states and reasons, the true one is 1."""
    free_bytes = GaugeMetricFamily("waijiao_disk_free_bytes", "Bytes free on the disk of a folder.", labels=["folder"])
    needed_bytes = GaugeMetricFamily(
        "waijiao_disk_needed_bytes", "Bytes that must stay free, or uploads are refused.", labels=["folder"]
    )
    states = GaugeMetricFamily(
        "waijiao_disk_state", "1 for the disk's state; full: uploads are refused.", labels=["folder", "state"]
    )
    for disk in measure_disks(settings):
        free_bytes.add_metric([str(disk.folder)], disk.free_bytes)
        needed_bytes.add_metric([str(disk.folder)], disk.needed_bytes)
        for state in DISK_STATES:
            states.add_metric([str(disk.folder), state], state == disk.state)
    refusals = GaugeMetricFamily(
        "waijiao_redis_refuses_writes", "1 for the reason why Redis stores nothing new.", labels=["reason"]
    )
    actual_reason = why_redis_refuses(redis)
    for reason in REFUSAL_REASONS:
        refusals.add_metric([reason], reason == actual_reason)
    yield from (free_bytes, needed_bytes, states, refusals)
