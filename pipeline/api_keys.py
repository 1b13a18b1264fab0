"""API keys: creates, finds, lists and revokes them. Redis stores the digest of a key's secret, never the secret."""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

from redis import Redis

from pipeline.errors import BadRequest, UnknownKeyId
from pipeline.jobs.records import read_hashes
from pipeline.jobs.store import PREFIX
from pipeline.redis_connection import run_with_full_memory

log = logging.getLogger("waijiao")

ROLES = ("learner", "teacher", "admin")  # each may do everything that the ones before it may
TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")  # it becomes a part of Redis keys and of folders' names
KEY_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
KEY_TEXT = re.compile(r"wj_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
ERASED_NAME = "(erased)"  # of a key whose learner was erased
KEYS_INDEX = f"{PREFIX}keys"  # a sorted set: the id of every key, by the time at which it was made
ROTATE = """
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'revoked_at') == 1 then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'digest', ARGV[1])
return 1
"""
DUMMY_DIGEST = hashlib.sha256(secrets.token_bytes(32)).hexdigest()  # compared when there is no such key


@dataclass(frozen=True)
class Limits:
    """A key's limits, 0 for none: jobs accepted `per_minute`; `minutes_a_day` of transcribed recordings (UTC days)."""

    per_minute: int = 0
    minutes_a_day: int = 0


@dataclass(frozen=True)
class Key:
    """A key without its secret. It is valid until it is revoked. Times are Unix seconds."""

    id: str
    tenant: str
    role: str
    name: str
    limits: Limits
    created_at: float
    revoked_at: float | None = None

    @classmethod
    def from_record(cls, id_: str, record: Mapping[str, str]) -> Self:
        return cls(
            id_,
            record["tenant"],
            record["role"],
            record["name"],
            Limits(int(record["per_minute"]), int(record["minutes_a_day"])),
            float(record["created_at"]),
            float(record["revoked_at"]) if "revoked_at" in record else None,
        )


class Keys:
    """The keys in one Redis. scripts/submit.lua reads their limits."""

    def __init__(self, redis: "Redis") -> None:
        self.redis = redis

    def create(self, tenant: str, role: str, name: str, limits: Limits) -> tuple[Key, str]:
        """Create a key. Returns it and its text, which is not stored and cannot be shown again. Raises BadRequest."""
        check_fields(tenant, role, name, limits)
        key = Key(secrets.token_hex(8), tenant, role, name, limits, now(self.redis))
        secret = secrets.token_urlsafe(32)
        fields: dict[Any, str | float] = {
            "digest": digest(secret),
            "tenant": tenant,
            "role": role,
            "name": name,
            "per_minute": limits.per_minute,
            "minutes_a_day": limits.minutes_a_day,
            "created_at": key.created_at,
        }
        with self.redis.pipeline() as pipe:
            pipe.hset(record_key(key.id), mapping=fields)
            pipe.zadd(KEYS_INDEX, {key.id: key.created_at})
            pipe.execute()
        return key, f"wj_{key.id}_{secret}"

    def list(self, tenant: str | None = None) -> "list[Key]":
        """Every key, of one tenant or of all, oldest first; revoked ones too."""
        ids = cast("list[str]", self.redis.zrange(KEYS_INDEX, 0, -1))
        records = read_hashes(self.redis, [record_key(id_) for id_ in ids])
        keys = []
        for id_, record in zip(ids, records, strict=True):
            try:
                keys.append(Key.from_record(id_, record or {}))
            except (KeyError, ValueError) as error:
                log.error("the record of the key %s cannot be read (%s)", id_, type(error).__name__)
        return [key for key in keys if tenant in (None, key.tenant)]

    def revoke(self, id_: str, tenant: str | None = None) -> Key:
        """Make the key invalid from now on, and end its logins. UnknownKeyId when this tenant has no such key."""
        record = cast(dict[str, str], self.redis.hgetall(record_key(id_)))
        if not record or tenant not in (None, record["tenant"]):
            raise UnknownKeyId(f"There is no key with the id {id_[:64]!r}.")
        revoke = "redis.call('DEL', KEYS[2]) return redis.call('HSETNX', KEYS[1], 'revoked_at', ARGV[1])"
        run_with_full_memory(self.redis, revoke, (record_key(id_), logins_key(id_)), now(self.redis))
        return Key.from_record(id_, cast(dict[str, str], self.redis.hgetall(record_key(id_))))

    def rotate(self, id_: str, tenant: str | None = None) -> tuple[Key, str]:
        """Give a valid key another secret, and end its logins: what belongs to it stays its own. Returns it and its
        text. UnknownKeyId when this tenant has no such key, or it was revoked.
        """
        record = cast(dict[str, str], self.redis.hgetall(record_key(id_)))
        secret = secrets.token_urlsafe(32)
        is_ours = record and tenant in (None, record["tenant"])
        arguments = (record_key(id_), logins_key(id_)), digest(secret)
        if not is_ours or not run_with_full_memory(self.redis, ROTATE, *arguments):
            raise UnknownKeyId(f"There is no valid key with the id {id_[:64]!r}.")
        return Key.from_record(id_, record), f"wj_{id_}_{secret}"

    def forget_name(self, id_: str, tenant: str) -> bool:
        """Take the learner's name off a key, which stays valid; False when the tenant has no such key with a name."""
        name, key_tenant = self.redis.hmget(record_key(id_), ["name", "tenant"])
        if key_tenant != tenant or name == ERASED_NAME:
            return False
        self.redis.hset(record_key(id_), "name", ERASED_NAME)
        return True

    def find(self, text: str) -> Key | None:
        """The valid key with this text; None when there is no such key or it was revoked. One round trip."""
        parts = KEY_TEXT.fullmatch(text)
        if parts is None:
            return None
        record = cast(dict[str, str], self.redis.hgetall(record_key(parts[1])))
        is_valid = hmac.compare_digest(record.get("digest", DUMMY_DIGEST), digest(parts[2]))
        return valid_key(parts[1], record) if is_valid else None


def valid_key(id_: str, record: Mapping[str, str]) -> Key | None:
    """The key with this record; None when there is no such key or it was revoked."""
    return Key.from_record(id_, record) if record and "revoked_at" not in record else None


def now(redis: "Redis") -> float:
    """Redis's clock, in Unix seconds."""
    seconds, microseconds = redis.time()
    return seconds + microseconds / 1_000_000


def record_key(id_: str) -> str:
    return f"{PREFIX}key:{id_}"


def logins_key(id_: str) -> str:
    """The sorted set with the logins of a key."""
    return f"{PREFIX}logins:{id_}"


def digest(secret: str) -> str:
    """A secret of 256 random bits cannot be guessed from its digest: a slow hash, as passwords need, adds nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_fields(tenant: str, role: str, name: str, limits: Limits) -> None:
    if not TENANT.fullmatch(tenant):
        raise BadRequest("`tenant` must be 1 to 32 of a-z, 0-9, - and _, and begin with a letter or a digit.")
    if role not in ROLES:
        raise BadRequest(f"`role` must be one of {', '.join(ROLES)}.")
    if not KEY_NAME.fullmatch(name):
        raise BadRequest("`name` must have 1 to 64 characters, all of which can be printed.")
    if min(limits.per_minute, limits.minutes_a_day) < 0:
        raise BadRequest("A limit must be a number from 0 up; 0 means no limit.")
