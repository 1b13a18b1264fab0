"""Waits for a condition, with a deadline."""

import time

from redis import Redis
from redis.exceptions import RedisError


def wait_for(condition, seconds=30.0, look=0.05):
    """The first true value of `condition()`; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(look)
    raise AssertionError(f"waited {seconds} s in vain for {condition}")


def answers(redis: Redis) -> bool:
    """Whether this Redis can be spoken to."""
    try:
        return bool(redis.ping())
    except RedisError:
        return False
