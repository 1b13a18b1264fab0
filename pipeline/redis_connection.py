"""Connections to Redis: where the job records and the broker are, and how long they may take to answer."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, OutOfMemoryError, ReadOnlyError, TimeoutError
from redis.retry import Retry

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings

OTHERS = 16  # connections that a process may need beside those of its requests
LONGEST_PATH = 100  # bytes of a socket's path; the kernel allows 107
REDIS_UNAVAILABLE = (
    ConnectionError,
    TimeoutError,
    OutOfMemoryError,
    ReadOnlyError,
)  # Redis may take the same command later


@dataclass(frozen=True)
class Timeouts:
    """Seconds that a connection and an answer may take before Redis counts as gone; how often to try again then."""

    connect_s: float
    answer_s: float
    again: int


SLOW = Timeouts(connect_s=2, answer_s=5, again=2)  # work is at stake
FAST = Timeouts(connect_s=1, answer_s=1, again=0)  # somebody waits: a person, an event loop, a supervisor


def redis_url(settings: Settings) -> str:
    """Redis's address for records: the one that is set, or the embedded server's socket in HOME."""
    url = settings.redis_url or f"unix://{socket_path(settings)}"
    if urlsplit(url).scheme == "rediss" and "none" in parse_qs(urlsplit(url).query).get("ssl_cert_reqs", []):
        raise ConfigurationError("WAIJIAO_REDIS_URL turns certificate checks off; give it a CA file instead.")
    return url


def socket_path(settings: Settings) -> str:
    """Where the embedded Redis listens: in HOME, or in a private temporary folder when HOME's path is too long."""
    path = str(settings.home / "redis.sock")
    if len(path.encode()) <= LONGEST_PATH:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:16]
    return str(Path(tempfile.gettempdir()) / f"waijiao-{os.getuid()}-{digest}" / "redis.sock")


def broker_url(settings: Settings) -> str:
    """The same address as Celery spells it."""
    url = redis_url(settings)
    return "redis+socket" + url.removeprefix("unix") if url.startswith("unix:") else url


def connect(settings: Settings, patience: Timeouts = SLOW) -> "Redis":
    """A connection pool to the records. Raises nothing here: Redis is first spoken to by the first command."""
    return Redis.from_url(
        redis_url(settings),
        decode_responses=True,
        socket_connect_timeout=patience.connect_s,
        socket_timeout=patience.answer_s,
        health_check_interval=30,
        max_connections=settings.api_threads + OTHERS,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), patience.again),
    )
