"""What was sent to webhooks and what must still be: the outbox that scripts/common.lua fills in a job's own scripts.

A delivery is named 'tenant/job/event'. The only writer of deliveries beside those scripts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from pipeline.jobs import PREFIX, Jobs, one_call, record
from pipeline.record import Job
from pipeline.webhooks import EVENTS

DUE = f"{PREFIX}deliveries"  # each open delivery by the time at which it is due


@dataclass(frozen=True)
class Attempt:
    """One try, `at` a Unix time, that took `seconds`: answered with a `status`, or stopped by an `error`."""

    at: float
    seconds: float
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one webhook. `state`: waiting, delivered or given_up; `tried`: attempts begun."""

    name: str
    host: str
    at: float
    state: str
    tried: int
    attempts: tuple[Attempt, ...]
    next_at: float | None = None

    @property
    def tenant(self) -> str:
        return self.name.split("/")[0]

    @property
    def job_id(self) -> str:
        return self.name.split("/")[1]

    @property
    def event(self) -> str:
        return self.name.split("/")[2]

    @property
    def id(self) -> str:
        """The same for every attempt, so that a receiver knows what it has had."""
        return f"msg_{self.job_id}_{self.event.removeprefix('job.')}"

    @classmethod
    def from_record(cls, name: str, found: Mapping[str, str], next_at: float | None = None) -> Self:
        tried = int(found["tried"])
        entries = [found.get(f"attempt:{number}") for number in range(1, tried + 1)]
        attempts = tuple(Attempt(**json.loads(entry)) for entry in entries if entry)
        return cls(name, found["host"], float(found["at"]), found["state"], tried, attempts, next_at)


class Deliveries:
    """The deliveries in one Redis; every method is atomic."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    def claim(self, most: int, most_host: int, busy: Sequence[str], lease_s: float) -> list[Delivery]:
        """Up to `most` that are due, ours for lease_s, at most `most_host` of one host; `busy`: hosts now posted to."""
        tries = self.jobs.settings.webhook_attempts
        claimed = self.jobs.run("deliver", one_call(), lease_s, most, most_host, tries, *busy)
        return [Delivery.from_record(name, record(flat)) for name, flat in claimed]

    def write(self, delivery: Delivery, attempt: Attempt, state: str, wait_s: float | None = None) -> None:
        """What came of a claimed delivery; unless that is the end of it, it is due again after wait_s."""
        told = json.dumps(asdict(attempt))
        self.jobs.run("delivered", delivery.name, delivery.tried, told, state, "" if wait_s is None else wait_s)

    def of(self, job: Job) -> list[Delivery]:
        """Everything that was, or is to be, told of this job, in the order in which it happened."""
        names = [f"{job.name}/{event}" for event in EVENTS]
        with self.jobs.redis.pipeline(transaction=False) as reading:
            for name in names:
                reading.hgetall(f"{PREFIX}delivery:{name}")
            reading.zmscore(DUE, names)
            *found, due = reading.execute()
        both = zip(names, found, due, strict=True)
        told = [Delivery.from_record(name, each, next_at) for name, each, next_at in both if each]
        return sorted(told, key=lambda delivery: delivery.at)
