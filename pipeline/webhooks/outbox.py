"""Deliveries of webhooks: their records, and their signatures as standardwebhooks.com specifies.

A tenant's secret can be changed while deliveries are under way: for ROTATION_OVERLAP_S both secrets sign.
"""

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self, cast

from redis import Redis

from pipeline.errors import BrokenRecord
from pipeline.jobs.job import Job
from pipeline.jobs.records import read_hashes, read_json, to_json
from pipeline.jobs.store import PREFIX, Jobs, call_token, record_from_pairs
from pipeline.webhooks.validation import EVENTS

log = logging.getLogger("waijiao")
WEBHOOK_PREFIX = "whsec_"  # what a secret begins with, before its base64
ROTATION_OVERLAP_S = 86_400  # seconds for which the secret before the present one signs as well


def new_secret() -> str:
    return WEBHOOK_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def load_secrets(redis: "Redis", tenant: str) -> list[str]:
    """The tenant's secrets, the present one first; it is made when it is first needed."""
    key = f"{PREFIX}webhook-secret:{tenant}"
    if not redis.exists(key):
        redis.set(key, new_secret(), nx=True)
    return [each for each in cast(list[str | None], redis.mget(key, f"{key}:before")) if each]


def rotate(jobs: Jobs, tenant: str) -> str:
    """A new secret for the tenant; the one before it signs as well for ROTATION_OVERLAP_S."""
    return str(jobs.run("rotate_secret", tenant=tenant, secret=new_secret(), overlap_s=ROTATION_OVERLAP_S)[0])


def signature(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,` and base64, over id, timestamp and body."""
    key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX))
    digest = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(tenant_secrets: list[str], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver verifies the sender: one signature for each secret."""
    signatures = " ".join(signature(secret, id_, timestamp, body) for secret in tenant_secrets)
    return {"webhook-id": id_, "webhook-timestamp": str(timestamp), "webhook-signature": signatures}


DUE_KEY = f"{PREFIX}deliveries"  # tenants with open deliveries; scripts/lib/deliveries.lua has the keys below it


def count_deliveries(redis: "Redis", job: str) -> int:
    """How many deliveries are stored of the events of the job `tenant/id`."""
    return redis.exists(*(f"{PREFIX}delivery:{job}/{event}" for event in EVENTS))


@dataclass(frozen=True)
class Attempt:
    """One attempt, `at` a Unix time, that took `seconds`: answered with a `status`, or stopped by an `error`."""

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
    def due_key(self) -> str:
        """The sorted set that says when it is due, while it is open."""
        return f"{DUE_KEY}:{self.tenant}/{self.host}"

    @property
    def id(self) -> str:
        """The same for every attempt, so that a receiver recognises a repeated delivery."""
        return f"msg_{self.job_id}_{self.event.removeprefix('job.')}"

    @classmethod
    def from_record(cls, name: str, record: Mapping[str, str]) -> Self:
        attempt_count = int(record["tried"])
        entries = [record.get(f"attempt:{number}") for number in range(1, attempt_count + 1)]
        attempts = tuple(read_json(Attempt, entry) for entry in entries if entry)
        return cls(name, record["host"], float(record["at"]), record["state"], attempt_count, attempts)

    @classmethod
    def read(cls, name: str, record: Mapping[str, str]) -> Self | None:
        """The delivery of a record; None when it cannot be read, which stops no other."""
        try:
            return cls.from_record(name, record)
        except (BrokenRecord, KeyError, ValueError) as error:
            log.error("the delivery %s cannot be read (%s)", name, type(error).__name__)
            return None


@dataclass(frozen=True)
class DeliveryLimits:
    """How many deliveries are open at the same time at most: in `total`, of a `tenant`, of a tenant to one `host`."""

    total: int
    tenant: int
    host: int


class Deliveries:
    """The deliveries in one Redis; every change is atomic."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    def claim(self, limits: DeliveryLimits, open_deliveries: Iterable[Delivery], lease_s: float) -> list[Delivery]:
        """Claim deliveries that are due, for lease_s seconds.

        With the `open_deliveries`, those that the caller is sending already, they stay within the limits. There is
        always one left for a tenant or a host that has none open.
        """
        records = self.jobs.run(
            "deliver",
            call=call_token(),
            lease_s=lease_s,
            limit=limits.total,
            tenant_limit=limits.tenant,
            host_limit=limits.host,
            attempts=self.jobs.settings.webhook_attempts,
            open=[f"{delivery.tenant}/{delivery.host}" for delivery in open_deliveries],
        )
        deliveries = [Delivery.read(name, record_from_pairs(flat)) for name, flat in records]
        return [delivery for delivery in deliveries if delivery]

    def write(self, delivery: Delivery, attempt: Attempt, state: str, wait_s: float | None = None) -> None:
        """Record an attempt of a claimed delivery and its new state; it is due again after wait_s, if given."""
        self.jobs.run(
            "delivered",
            name=delivery.name,
            tried=str(delivery.tried),
            attempt=to_json(attempt),
            state=state,
            wait_s=wait_s,
        )

    def list_for_job(self, job: Job) -> list[Delivery]:
        """The deliveries of this job's events, in the order in which these happened."""
        names = [f"{job.name}/{event}" for event in EVENTS]
        records = read_hashes(self.jobs.redis, [f"{PREFIX}delivery:{name}" for name in names])
        entries = zip(names, records, strict=True)
        deliveries = [*filter(None, (Delivery.read(name, each) for name, each in entries if each))]
        with self.jobs.redis.pipeline(transaction=False) as pipe:
            for delivery in deliveries:
                pipe.zscore(delivery.due_key, delivery.name)
            due_times = pipe.execute()
        entries_with_times = zip(deliveries, due_times, strict=True)
        deliveries = [replace(delivery, next_at=due_time) for delivery, due_time in entries_with_times]
        return sorted(deliveries, key=lambda delivery: delivery.at)

    def count(self) -> int:
        """The open deliveries of all tenants, in three round trips."""
        tenants = cast(list[str], self.jobs.redis.zrange(DUE_KEY, 0, -1))
        with self.jobs.redis.pipeline(transaction=False) as pipe:
            for tenant in tenants:
                pipe.zrange(f"{DUE_KEY}:{tenant}", 0, -1)
            for tenant, hosts in zip(tenants, pipe.execute(), strict=True):
                for host in hosts:
                    pipe.zcard(f"{DUE_KEY}:{tenant}/{host}")
            return sum(pipe.execute())
