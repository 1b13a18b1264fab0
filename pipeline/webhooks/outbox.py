"""Deliveries of webhooks: their records, and their signatures as standardwebhooks.com specifies.

A tenant's secret can be changed while deliveries are under way: for ROTATION_OVERLAP_S both secrets sign.
"""

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


DUE_KEY = f"{PREFIX}deliveries"  # each open delivery by the time at which it is due


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
    def id(self) -> str:
        """The same for every attempt, so that a receiver recognises a repeated delivery."""
        return f"msg_{self.job_id}_{self.event.removeprefix('job.')}"

    @classmethod
    def from_record(cls, name: str, record: Mapping[str, str], next_at: float | None = None) -> Self:
        attempt_count = int(record["tried"])
        entries = [record.get(f"attempt:{number}") for number in range(1, attempt_count + 1)]
        attempts = tuple(read_json(Attempt, entry) for entry in entries if entry)
        return cls(name, record["host"], float(record["at"]), record["state"], attempt_count, attempts, next_at)

    @classmethod
    def read(cls, name: str, record: Mapping[str, str], next_at: float | None = None) -> Self | None:
        """The delivery of a record; None when it cannot be read, which stops no other."""
        try:
            return cls.from_record(name, record, next_at)
        except (BrokenRecord, KeyError, ValueError) as error:
            log.error("the delivery %s cannot be read (%s)", name, type(error).__name__)
            return None


class Deliveries:
    """The deliveries in one Redis; every method is atomic."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    def claim(self, limit: int, host_limit: int, busy_hosts: Sequence[str], lease_s: float) -> list[Delivery]:
        """Claim up to `limit` deliveries that are due, for lease_s seconds.

        Of one host at most `host_limit` are claimed at the same time; `busy_hosts` names the host of each delivery that
        the caller is sending already.
        """
        records = self.jobs.run(
            "deliver",
            call=call_token(),
            lease_s=lease_s,
            limit=limit,
            host_limit=host_limit,
            attempts=self.jobs.settings.webhook_attempts,
            busy_hosts=list(busy_hosts),
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
        due_times = self.jobs.redis.zmscore(DUE_KEY, names)
        entries = zip(names, records, due_times, strict=True)
        deliveries = [Delivery.read(name, each, next_at) for name, each, next_at in entries if each]
        return sorted(filter(None, deliveries), key=lambda delivery: delivery.at)
