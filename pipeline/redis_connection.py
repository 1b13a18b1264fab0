"""Connections to Redis: the addresses of the job records and of the broker, and the timeouts."""

import codecs
import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, OutOfMemoryError, ReadOnlyError, ResponseError, TimeoutError
from redis.retry import Retry

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings

EXTRA_CONNECTIONS = 16  # that a process may need besides those of its requests
REPLACE_WHEN_READING = "replace-when-reading"  # the name of an error handler of text encodings
HEALTH_CHECK_S = 30  # idle seconds after which a TCP connection is tried with PING, which a full disk refuses as well
MAX_SOCKET_PATH_BYTES = 100  # the kernel allows 107
REDIS_UNAVAILABLE = (
    ConnectionError,
    TimeoutError,
    OutOfMemoryError,
    ReadOnlyError,
)  # the same command may succeed later


@dataclass(frozen=True)
class Timeouts:
    """Seconds that connecting and an answer may take before Redis counts as unavailable; how many retries follow."""

    connect_s: float
    answer_s: float
    retries: int


SLOW = Timeouts(connect_s=2, answer_s=5, retries=2)  # for workers, whose work would be lost
FAST = Timeouts(connect_s=1, answer_s=1, retries=0)  # while a client, an event loop or the supervisor waits


def redis_url(settings: Settings) -> str:
    """The address of the Redis with the job records: WAIJIAO_REDIS_URL, or the embedded server's socket in HOME."""
    url = settings.redis_url or f"unix://{socket_path(settings)}"
    if urlsplit(url).scheme == "rediss" and "none" in parse_qs(urlsplit(url).query).get("ssl_cert_reqs", []):
        raise ConfigurationError(
            "WAIJIAO_REDIS_URL turns certificate checks off (ssl_cert_reqs=none); name a CA file with ssl_ca_certs."
        )
    return url


def socket_path(settings: Settings) -> str:
    """Where the embedded Redis listens: in HOME, or in a private temporary folder when HOME's path is too long."""
    path = str(settings.home / "redis.sock")
    if len(path.encode()) <= MAX_SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:16]
    return str(Path(tempfile.gettempdir()) / f"waijiao-{os.getuid()}-{digest}" / "redis.sock")


def broker_url(settings: Settings) -> str:
    """The address of the same Redis in the form that Celery expects."""
    url = redis_url(settings)
    return "redis+socket" + url.removeprefix("unix") if url.startswith("unix:") else url


def run_with_full_memory(redis: "Redis", script: str, keys: Sequence[str], *arguments: str | float) -> Any:
    """Run a Lua script that may write although Redis's memory is full: it is refused only before a first removal."""
    return redis.eval(f"redis.call('DEL', 'waijiao:nothing')\n{script}", len(keys), *keys, *arguments)


RefusalReason = Literal["memory", "disk", "read_only", "other"]
REFUSAL_REASONS: tuple[RefusalReason, ...] = ("memory", "disk", "read_only", "other")


def why_redis_refuses(redis: "Redis") -> RefusalReason | None:
    """Why Redis refuses to store anything new: its memory or its disk is full, or it is a replica. None: it does not.

    Asked by a command that counts as a write and changes nothing, since its key does not exist.
    """
    try:
        redis.set("waijiao:nothing", "", xx=True)
    except OutOfMemoryError:
        return "memory"
    except ReadOnlyError:
        return "read_only"
    except ResponseError as error:
        return "disk" if str(error).startswith("MISCONF") else "other"
    return None


def replace_when_reading(error: UnicodeError) -> tuple[str, int]:
    """Handles bytes that are not UTF-8: damage in one record must not keep others from being read.

    What cannot be encoded is refused as always: damage is not written.
    """
    if isinstance(error, UnicodeDecodeError):
        return "\ufffd", error.end
    raise error


codecs.register_error(REPLACE_WHEN_READING, replace_when_reading)


def connect(settings: Settings, timeouts: Timeouts = SLOW) -> "Redis":
    """A connection pool to the job records. Nothing is sent, and nothing raised, before the first command."""
    url = redis_url(settings)
    return Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors=REPLACE_WHEN_READING,
        socket_connect_timeout=timeouts.connect_s,
        socket_timeout=timeouts.answer_s,
        health_check_interval=0 if url.startswith("unix:") else HEALTH_CHECK_S,
        max_connections=settings.api_threads + EXTRA_CONNECTIONS,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), timeouts.retries),
    )
