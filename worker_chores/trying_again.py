"""Whether a delivery is tried again, and when."""

import random
import time
from email.utils import parsedate_to_datetime

from worker_chores.posting import Answer

WAITS_S = (5, 30, 120, 600, 3600, 10_800, 21_600)  # between an attempt that failed and the next; the last for all more
JITTER = 0.2  # by which part of itself a wait is longer or shorter, so that not all come at the same moment
GONE = 410  # by which a receiver says that it wants nothing more


def verdict(tried: int, answer: Answer | None, tries: int) -> tuple[str, float | None]:
    """The delivery's state after an attempt, and the seconds until the next one."""
    if answer and 200 <= answer.status < 300:
        return "delivered", None
    if tried >= tries or (answer and answer.status == GONE):
        return "given_up", None
    wait_s = WAITS_S[min(tried, len(WAITS_S)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
    return "waiting", max(wait_s, min(asked_to_wait(answer), WAITS_S[-1]))


def asked_to_wait(answer: Answer | None) -> float:
    """The receiver's Retry-After in seconds; 0 when there is none that can be read."""
    said = (answer and answer.retry_after) or ""
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return parsedate_to_datetime(said).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0
