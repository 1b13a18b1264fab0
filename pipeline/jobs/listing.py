"""Reading many jobs: pages of a list, and the turns of a session."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from redis import Redis

from pipeline.errors import NoSpeech, UnknownSession
from pipeline.jobs.job import Job
from pipeline.jobs.store import PREFIX

PAGE_CHUNK = 100  # records read in one go
MAX_SCANNED = 2000  # records read for one page, however few of them match


@dataclass(frozen=True)
class Page:
    """Jobs, and the cursor of the next page; None when this one is the last."""

    jobs: list[Job]
    next: int | None


def list_jobs(redis: "Redis", index: str, matches: Callable[[Job], bool], limit: int, before: int | None) -> Page:
    """At most `limit` matching jobs of `index`, a sorted set of job names, with scores below `before`.

    A page may have fewer although more follow, since at most MAX_SCANNED records are read for it.
    """
    jobs: list[Job] = []
    last = before
    for scan_count, (score, job) in enumerate(newest_first(redis, index, before)):
        if last is not None and (len(jobs) == limit or scan_count == MAX_SCANNED):
            return Page(jobs, last)
        if job and matches(job):
            jobs.append(job)
        last = score
    return Page(jobs, None)


def newest_first(redis: "Redis", index: str, before: int | None) -> Iterator[tuple[int, Job | None]]:
    """Each score below `before` and its job; None for a job that is not stored any more."""
    while True:
        below = "+inf" if before is None else f"({before}"
        names = cast(
            list[tuple[str, float]],
            redis.zrevrangebyscore(f"{PREFIX}{index}", below, "-inf", start=0, num=PAGE_CHUNK, withscores=True),
        )
        with redis.pipeline(transaction=False) as pipe:
            for name, _ in names:
                pipe.hgetall(f"{PREFIX}job:{name}")
            records = pipe.execute()
        for (_, score), record in zip(names, records, strict=True):
            before = int(score)
            yield before, Job.from_record(record) if "stages" in record else None
        if len(names) < PAGE_CHUNK:
            return


def turns(redis: "Redis", tenant: str, session: str, before: float = float("inf"), limit: int = -1) -> list[Job]:
    """The session's jobs with seq < `before` since it was last started over, oldest first; silence is not a turn.

    A turn that was retried or rerun is left out; the job that replaces it is included, where it was accepted.
    Of the records, the latest `limit` are read; all of them when it is negative.
    """
    name = f"{tenant}/{session}"
    since = cast(str | None, redis.hget(f"{PREFIX}session:{name}", "since")) or "0"
    latest = redis.zrevrangebyscore(f"{PREFIX}turns:{name}", f"({before}", f"({since}", start=0, num=limit)
    jobs = cast(list[str], latest)[::-1]
    with redis.pipeline(transaction=False) as pipe:
        for job in jobs:
            pipe.hgetall(f"{PREFIX}job:{job}")
        records = pipe.execute()
    replacement_fields = {"retried_as", "rerun_as"}
    latest_jobs = [
        Job.from_record(record) for record in records if "stages" in record and not replacement_fields & record.keys()
    ]
    return [job for job in latest_jobs if not (job.error and job.error["code"] == NoSpeech.code)]


def existing_turns(redis: "Redis", tenant: str, session: str) -> list[Job]:
    """As `turns`, but raises UnknownSession when the session never existed or was erased."""
    if not redis.exists(f"{PREFIX}turns:{tenant}/{session}"):
        raise UnknownSession("There is no such session: it has no turns, or it was erased.")
    return turns(redis, tenant, session)
