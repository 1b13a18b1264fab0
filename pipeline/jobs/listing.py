"""Reading many jobs: pages of a list, and the turns of a session."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis

from pipeline.errors import NoSpeech, UnknownSession
from pipeline.jobs.job import Job
from pipeline.jobs.records import read_all, read_hashes
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
        jobs = read_jobs(redis, [name for name, _ in names], index)
        for name, score in names:
            before = int(score)
            yield before, jobs.get(name)
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
    jobs = read_jobs(redis, cast(list[str], latest)[::-1], f"turns:{name}").values()
    latest_jobs = [job for job in jobs if not job.retried_as and not job.rerun_as]
    return [job for job in latest_jobs if not (job.error and job.error["code"] == NoSpeech.code)]


def list_tries(redis: "Redis", names: Sequence[str]) -> list[list[Job]]:
    """For each job `tenant/id` the jobs in which its sentence is said again, oldest first, without replaced ones."""
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.zrange(f"{PREFIX}tries:{name}", 0, -1)
        lists = cast(list[list[str]], pipe.execute())
    jobs = read_jobs(redis, [name for each in lists for name in each], "lists of tries")
    latest_jobs = {name: job for name, job in jobs.items() if not job.retried_as and not job.rerun_as}
    return [[latest_jobs[name] for name in each if name in latest_jobs] for each in lists]


def read_jobs(redis: "Redis", names: Sequence[str], where: str) -> dict[str, Job]:
    """The jobs `tenant/id` that are stored and can be read, by name and in the order of `names`.

    `where` is the list that has the names, for the log.
    """
    records = read_hashes(redis, [f"{PREFIX}job:{name}" for name in names])
    stored = {name: record for name, record in zip(names, records, strict=True) if record is None or "stages" in record}
    jobs = read_all(Job.from_record, stored.values(), where)
    return {name: job for name, job in zip(stored, jobs, strict=True) if job}


def check_session_exists(redis: "Redis", tenant: str, session: str) -> None:
    """Raises UnknownSession when the session never existed or was erased."""
    if not redis.exists(f"{PREFIX}turns:{tenant}/{session}"):
        raise UnknownSession("There is no such session: it has no turns, or it was erased.")


def existing_turns(redis: "Redis", tenant: str, session: str) -> list[Job]:
    """As `turns`, but raises UnknownSession when the session never existed or was erased."""
    check_session_exists(redis, tenant, session)
    return turns(redis, tenant, session)
