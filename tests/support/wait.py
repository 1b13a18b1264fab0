"""Waits for a condition, with a deadline."""

import time

from redis import Redis
from redis.exceptions import RedisError


def wait_for(condition, seconds=30.0, poll_s=0.05):
    """The first true value of `condition()`; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(poll_s)
    raise AssertionError(f"waited {seconds} s for {condition}")


def is_answering(redis: Redis) -> bool:
    """Whether this Redis answers."""
    try:
        return bool(redis.ping())
    except RedisError:
        return False
