"""What was said before: a session's turns, in the order accepted, read from the jobs' own records."""

from typing import cast

from redis import Redis

from pipeline.errors import NoSpeech, UnknownSession
from pipeline.jobs import PREFIX
from pipeline.record import Job


def turns(redis: "Redis", tenant: str, session: str, before: float = float("inf"), most: int = -1) -> list[Job]:
    """The session's jobs with seq < `before` since it was last started over, oldest first; silence is no turn.

    A turn that was retried or done again is left out: the one in its place stands where it was accepted again.
    Of the records, the latest `most` are read; all of them when it is negative.
    """
    name = f"{tenant}/{session}"
    since = cast(str | None, redis.hget(f"{PREFIX}session:{name}", "since")) or "0"
    latest = redis.zrevrangebyscore(f"{PREFIX}turns:{name}", f"({before}", f"({since}", start=0, num=most)
    jobs = cast(list[str], latest)[::-1]
    with redis.pipeline(transaction=False) as reading:
        for job in jobs:
            reading.hgetall(f"{PREFIX}job:{job}")
        records = reading.execute()
    left_out = {"retried_as", "rerun_as"}
    found = [Job.from_record(record) for record in records if "road" in record and not left_out & record.keys()]
    return [job for job in found if not (job.error and job.error["code"] == NoSpeech.code)]


def known_turns(redis: "Redis", tenant: str, session: str) -> list[Job]:
    """As `turns`, but UnknownSession when nothing was ever said in it, or all of it was erased."""
    if not redis.exists(f"{PREFIX}turns:{tenant}/{session}"):
        raise UnknownSession("There is no such session: nothing was said in it, or it was erased.")
    return turns(redis, tenant, session)
