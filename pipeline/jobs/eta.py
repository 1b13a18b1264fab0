"""When a job will have ended: from what is ahead of it, and from how fast each model has been of late."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from pipeline.jobs.job import LANES, MODEL_STAGES, Job
from pipeline.jobs.store import PREFIX, Jobs
from pipeline.worker.registry import count_workers

BEHIND = (1e15, 2e15, "+inf")  # the places at which the lanes end, as scripts/lib.lua has them
KEPT_S = 0.25  # seconds for which the figures of the whole house are used again

# The job's phase; of itself, or of its session's first open turn while it is held: the stage, how many jobs are claimed
# before it (none: it runs), the seconds it has run; and how many turns of its session are before the held one.
WHERE = """
local P, job, turns, t = 'waijiao:', ARGV[1], 0, redis.call('TIME')
local function get(...) return redis.call('HMGET', P .. 'job:' .. job, ...) end
local phase, tenant, session = unpack(get('phase', 'tenant', 'session'))
if phase == 'held' then
  local open = P .. 'open:' .. tenant .. '/' .. session
  turns = redis.call('ZRANK', open, job) or 0
  job = redis.call('ZRANGE', open, 0, 0)[1] or job
end
local stage, claimed_at = unpack(get('stage', 'claimed_at'))
local before = redis.call('ZRANK', P .. 'ready:' .. (stage or ''), job)
local ran = before and 0 or t[1] + t[2] / 1000000 - (claimed_at or 0)
return { phase, stage, before, tostring(ran), turns }
"""


@dataclass(frozen=True)
class Expected:
    """What a job may expect. `queue_position` 1 is claimed next at the stage where it waits; None when it does not
    wait there: it runs, has ended, or is held until the earlier turns of its session are answered.

    `eta_s`: seconds until it has ended, for a held one too; None when it has, and when nobody knows, since a model that
    it needs has no ready worker or has answered nothing yet.
    """

    queue_position: int | None
    eta_s: float | None


@dataclass(frozen=True)
class Place:
    """Where a job stands, in the words of WHERE."""

    stage: str
    before: int | None
    ran_s: float
    turns: int


@dataclass(frozen=True)
class Line:
    """One stage: how long a job runs there, and how long it takes from one job's end to the next's, in seconds.

    `waiting` counts the ready jobs that are before a newcomer of each lane; `in_hand` is the work that its workers
    have still to do on theirs, as a number of whole jobs.
    """

    ran_s: float
    every_s: float
    waiting: Mapping[str, int]
    in_hand: float


class Forecast:
    """Made once for a process, whose threads share it: a look costs one round trip, none when the job has ended."""

    def __init__(self, jobs: Jobs) -> None:
        self.redis = jobs.redis
        self.where = jobs.redis.register_script(WHERE)
        self.lock = threading.Lock()
        self.lines: Mapping[str, Line] = {}
        self.read_at = float("-inf")

    def of(self, job: Job) -> Expected:
        """What the job may expect as things stand; nobody foresees who will yet come into a faster lane."""
        if job.ended_at is not None:
            return Expected(None, None)
        phase, stage, before, ran_s, turns = cast(list[Any], self.where(args=[job.name]))
        if phase in {None, "ended"}:  # since it was read
            return Expected(None, None)
        path = way(job, stage, phase == "held")
        eta = eta_s(path, Place(stage, before, float(ran_s), turns), self.house(), job.request.lane)
        return Expected(before + 1 if phase == "ready" else None, eta)

    def house(self) -> Mapping[str, Line]:
        """The lines of those stages that have been measured and have a ready worker."""
        with self.lock:
            if time.monotonic() - self.read_at > KEPT_S:
                self.lines, self.read_at = lines(self.redis), time.monotonic()
            return self.lines


def way(job: Job, stage: str, held: bool) -> tuple[str, ...]:
    """The stages to the job's end; those of a held one begin where its session's first open turn is, at `stage`."""
    stages = job.request.stages
    if held:
        return MODEL_STAGES[MODEL_STAGES.index(stage) : MODEL_STAGES.index("llm")] + stages[stages.index("llm") :]
    return stages[stages.index(stage) :]


def eta_s(path: tuple[str, ...], place: Place, house: Mapping[str, Line], lane: str) -> float | None:
    """Seconds until the job has ended: its own runs, after the longest of the waits on its way.

    None when a stage of it is not in `house`. Whatever is ahead of it is taken to go the same way.
    """
    ahead = wait = own = 0.0
    for stage in path:
        line = house.get(stage)
        if line is None:
            return None
        own += line.ran_s * (1 + place.turns if stage == "llm" else 1)
        if stage == place.stage and place.before is None:
            own = max(0.0, own - place.ran_s)
        else:
            waiting = place.before if stage == place.stage else line.waiting[lane]
            ahead += line.in_hand + (waiting or 0)
            wait = max(wait, ahead * line.every_s)
    return wait + own


def lines(redis: "Redis") -> dict[str, Line]:
    """The lines as they are now."""
    with redis.pipeline(transaction=False) as reading:  # a full Redis takes no transaction
        reading.time()
        reading.hgetall(f"{PREFIX}pace")
        reading.zrange(f"{PREFIX}leases", 0, -1)
        for stage in MODEL_STAGES:
            for end in BEHIND:
                reading.zcount(f"{PREFIX}ready:{stage}", "-inf", f"({end}")
        (seconds, microseconds), pace, leased, *counts = reading.execute()
        for name in leased:
            reading.hmget(f"{PREFIX}job:{name}", "stage", "claimed_at")
        begun = [(stage, seconds + microseconds / 1e6 - float(at)) for stage, at in reading.execute() if stage]
    ready = {stage: counted["ready"] for stage, counted in count_workers(redis).items()}
    made = {}
    for stage, *waiting in zip(MODEL_STAGES, counts[::3], counts[1::3], counts[2::3], strict=True):
        if ready.get(stage) and f"ran:{stage}" in pace:
            ran_s, each_s = float(pace[f"ran:{stage}"]), float(pace[f"each:{stage}"])
            in_hand = sum(max(0.0, 1 - ran / ran_s) for at, ran in begun if at == stage)
            made[stage] = Line(ran_s, each_s / ready[stage], dict(zip(LANES, waiting, strict=True)), in_hand)
    return made
