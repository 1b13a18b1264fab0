"""Ten thousand jobs wait: no sweep multiplies their messages, and they are erased quickly."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import PREFIX, Jobs
from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import BROKER
from tests.support.wait import wait_for

MANY, SESSIONS, THREADS = 10_000, 100, 8
UNRUNG = 300  # bells that only the sweep rings
SWEEPS = 4  # looked at after all bells were rung
ERASED_S = 15
PLAN = Plan(
    workers={"asr": 1, "llm": 2, "tts": 2, "maintenance": 1},
    settings={"max_jobs": 2 * MANY, "max_jobs_tenant": 2 * MANY, "sweep_s": 1, "stage_s": 60},
)


def test_ten_thousand_waiting_jobs_are_rung_once_and_erased_quickly(house, client, orders):
    orders.give("asr", "before_claim", "wait")  # nobody takes them
    house.redis.config_set("appendfsync", "everysec")  # submitting so many would take the longest
    jobs = Jobs(house.redis, house.settings)
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda number: jobs.submit(unheard(number)), range(MANY)))
    ready_job = wait_for(lambda: house.redis.lindex(f"{BROKER}asr", 0))
    messages, ready = lengths(house)
    house.redis.lpush(f"{BROKER}asr", *[ready_job] * (ready - messages - UNRUNG))
    wait_for(lambda: not missing(house))
    for kind in ("asr", "llm", "tts"):
        orders.give(kind, "after_sweep", "slow 0", times=SWEEPS)
    wait_for(lambda: not missing(house) and sweeps(orders) >= SWEEPS)

    begun = time.monotonic()
    for session in range(SESSIONS):
        assert client.ask("DELETE", f"/v1/sessions/crowd-{session}").status_code == 204
    took = time.monotonic() - begun
    print(f"{MANY} jobs erased in {took:.1f} s")
    assert took < ERASED_S
    assert lengths(house)[1] == 0

    orders.withdraw()
    client.succeeded(client.say())  # in front of all the bells that nobody answers
    house.redis.delete(f"{BROKER}asr")


def unheard(number: int) -> JobRequest:
    """A recording that is never opened."""
    id_ = secrets.token_hex(16)
    return JobRequest(id=id_, session=f"crowd-{number % SESSIONS}", recording=f"default/{id_}/none")


def sweeps(orders) -> int:
    """How many sweeps there were since the test asked for them to be counted."""
    return len([*orders.folder.glob("*.after_sweep.*.taken")])


def missing(house) -> int:
    """How many ready jobs have no message; never are there more messages than jobs."""
    messages, ready = lengths(house)
    assert messages <= ready
    return ready - messages


def lengths(house) -> tuple[int, int]:
    """Messages in the queue, and jobs ready, at the same moment."""
    with house.redis.pipeline() as both:
        both.llen(f"{BROKER}asr").zcard(f"{PREFIX}ready:asr")
        messages, ready = both.execute()
    return messages, ready
