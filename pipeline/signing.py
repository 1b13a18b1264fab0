"""Signs deliveries as standardwebhooks.com says, with a secret of the tenant's that can be changed without a gap."""

import base64
import hashlib
import hmac
import secrets
from typing import cast

from redis import Redis

from pipeline.jobs import PREFIX, Jobs

KIND = "whsec_"  # what a secret begins with, before its base64
OVERLAP_S = 86_400  # seconds for which the secret before the present one signs as well


def fresh() -> str:
    return KIND + base64.b64encode(secrets.token_bytes(32)).decode()


def secrets_of(redis: "Redis", tenant: str) -> list[str]:
    """The tenant's secrets, the present one first; it is made when it is first asked for."""
    key = f"{PREFIX}webhook-secret:{tenant}"
    if not redis.exists(key):
        redis.set(key, fresh(), nx=True)
    return [each for each in cast(list[str | None], redis.mget(key, f"{key}:before")) if each]


def rotate(jobs: Jobs, tenant: str) -> str:
    """A new secret; the present one signs beside it for OVERLAP_S."""
    return str(jobs.run("rotate_secret", tenant, fresh(), OVERLAP_S)[0])


def signature(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,` and base64, over id, timestamp and body."""
    key = base64.b64decode(secret.removeprefix(KIND))
    signed = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def headers(owned: list[str], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows that the body is ours: one signature for each secret."""
    signatures = " ".join(signature(secret, id_, timestamp, body) for secret in owned)
    return {"webhook-id": id_, "webhook-timestamp": str(timestamp), "webhook-signature": signatures}
