"""Pages of a tenant's jobs, newest first, read from the records themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from redis import Redis

from pipeline.jobs import PREFIX
from pipeline.record import Job

AT_ONCE = 100  # records read in one go
LOOKED_AT = 2000  # records one page looks at, however few of them it wants


@dataclass(frozen=True)
class Page:
    """Jobs, and the cursor after which the next page begins; None when this one is the last."""

    jobs: list[Job]
    next: int | None


def page(redis: "Redis", line: str, wanted: Callable[[Job], bool], most: int, before: int | None) -> Page:
    """At most `most` wanted jobs of `line`, a sorted set of job names, those whose score is below `before`.

    It may hold fewer though more follow: it looks at LOOKED_AT records and no more.
    """
    jobs: list[Job] = []
    last = before
    for looked_at, (score, job) in enumerate(newest_first(redis, line, before)):
        if last is not None and (len(jobs) == most or looked_at == LOOKED_AT):
            return Page(jobs, last)
        if job and wanted(job):
            jobs.append(job)
        last = score
    return Page(jobs, None)


def newest_first(redis: "Redis", line: str, before: int | None) -> Iterator[tuple[int, Job | None]]:
    """Each score below `before` and its job; None in the place of a job that is not kept any more."""
    while True:
        below = "+inf" if before is None else f"({before}"
        names = cast(
            list[tuple[str, float]],
            redis.zrevrangebyscore(f"{PREFIX}{line}", below, "-inf", start=0, num=AT_ONCE, withscores=True),
        )
        with redis.pipeline(transaction=False) as reading:
            for name, _ in names:
                reading.hgetall(f"{PREFIX}job:{name}")
            records = reading.execute()
        for (_, score), record in zip(names, records, strict=True):
            before = int(score)
            yield before, Job.from_record(record) if "road" in record else None
        if len(names) < AT_ONCE:
            return
