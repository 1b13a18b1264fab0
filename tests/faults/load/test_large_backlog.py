"""Ten thousand jobs wait: no sweep multiplies their messages, and they are erased quickly."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import PREFIX, Jobs
from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import BROKER
from tests.support.wait import wait_for

JOBS, SESSIONS, THREADS = 10_000, 100, 8
LOST_MESSAGES = 300  # messages that only the sweep sends
SWEEPS = 4  # to look at after all messages were sent
ERASE_S = 15
PLAN = Plan(
    workers={"asr": 1, "llm": 2, "tts": 2, "maintenance": 1},
    settings={"max_jobs": 2 * JOBS, "max_jobs_tenant": 2 * JOBS, "sweep_s": 1, "stage_s": 60},
)


def test_ten_thousand_waiting_jobs_have_one_message_each_and_are_erased_quickly(cluster, client, orders):
    orders.give("asr", "before_claim", "wait")  # no worker claims them
    cluster.redis.config_set("appendfsync", "everysec")  # submitting so many would take the longest
    jobs = Jobs(cluster.redis, cluster.settings)
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda number: jobs.submit(make_request(number)), range(JOBS)))
    message = wait_for(lambda: cluster.redis.lindex(f"{BROKER}asr", 0))
    messages, ready = read_lengths(cluster)
    cluster.redis.lpush(f"{BROKER}asr", *[message] * (ready - messages - LOST_MESSAGES))
    wait_for(lambda: not count_missing(cluster))
    for kind in ("asr", "llm", "tts"):
        orders.give(kind, "after_sweep", "slow 0", times=SWEEPS)
    wait_for(lambda: not count_missing(cluster) and count_sweeps(orders) >= SWEEPS)

    started_at = time.monotonic()
    for session in range(SESSIONS):
        assert client.ask("DELETE", f"/v1/sessions/crowd-{session}").status_code == 204
    took_s = time.monotonic() - started_at
    print(f"{JOBS} jobs erased in {took_s:.1f} s")
    assert took_s < ERASE_S
    assert read_lengths(cluster)[1] == 0

    orders.withdraw()
    client.expect_success(client.submit())  # ahead of the messages that have no worker
    cluster.redis.delete(f"{BROKER}asr")


def make_request(number: int) -> JobRequest:
    """A recording that is never opened."""
    id_ = secrets.token_hex(16)
    return JobRequest(id=id_, session=f"crowd-{number % SESSIONS}", recording=f"default/{id_}/none")


def count_sweeps(orders) -> int:
    """How many sweeps there were since the test asked for them to be counted."""
    return len([*orders.folder.glob("*.after_sweep.*.taken")])


def count_missing(cluster) -> int:
    """How many ready jobs have no message; never are there more messages than jobs."""
    messages, ready = read_lengths(cluster)
    assert messages <= ready
    return ready - messages


def read_lengths(cluster) -> tuple[int, int]:
    """Messages in the queue, and jobs ready, at the same moment."""
    with cluster.redis.pipeline() as both:
        both.llen(f"{BROKER}asr").zcard(f"{PREFIX}ready:asr")
        messages, ready = both.execute()
    return messages, ready
