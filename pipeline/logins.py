"""Logins of browsers: each is a random text in a cookie, which stands for a key until it ends.

For each key Redis has a sorted set: the digests of its logins' secrets, by the Unix times at which they expire.
"""

import re
import secrets
from typing import cast

from redis import Redis

from pipeline.api_keys import Key, digest, logins_key, now, record_key, valid_key
from pipeline.redis_connection import run_with_full_memory

LOGIN_TEXT = re.compile(r"([0-9a-f]{16})_([A-Za-z0-9_-]{43})")  # the key's id, then the secret
MAX_LOGINS = 100  # at the same time with one key; the one that expires first makes room
BEGIN = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[4]))
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('EXPIREAT', KEYS[1], math.ceil(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]))
"""


class Logins:
    """The logins in one Redis."""

    def __init__(self, redis: "Redis") -> None:
        self.redis = redis

    def begin(self, key_id: str, seconds: float) -> str:
        """Log a browser in for so many seconds. Returns the text for its cookie, which is not stored."""
        secret, begins_at = secrets.token_urlsafe(32), now(self.redis)
        arguments = (begins_at, begins_at + seconds, digest(secret), MAX_LOGINS)
        run_with_full_memory(self.redis, BEGIN, (logins_key(key_id),), *arguments)
        return f"{key_id}_{secret}"

    def find(self, text: str) -> Key | None:
        """The key of the login with this text; None when it has ended or its key was revoked. One round trip."""
        parts = LOGIN_TEXT.fullmatch(text)
        if parts is None:
            return None
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.zscore(logins_key(parts[1]), digest(parts[2]))
            pipe.time()
            pipe.hgetall(record_key(parts[1]))
            expires_at, (seconds, _), record = pipe.execute()
        is_valid = expires_at is not None and cast(float, expires_at) > seconds
        return valid_key(parts[1], record) if is_valid else None

    def end(self, text: str) -> None:
        """End the login with this text, if there is one."""
        if parts := LOGIN_TEXT.fullmatch(text):
            self.redis.zrem(logins_key(parts[1]), digest(parts[2]))
