"""The sweep takes back expired leases, ends overdue jobs, and enqueues exactly the jobs whose message is missing."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.jobs.job import State
from pipeline.jobs.store import SWEEP_BATCH, Jobs, ReadyJob
from tests.support.job_steps import WORKER, make_job_request


def test_the_sweep_takes_back_expired_leases_and_enqueues_their_jobs(redis, settings):
    jobs = Jobs(redis, settings.model_copy(update={"lease_s": 0}))
    jobs.submit(make_job_request("a"))
    (job,), _ = jobs.claim("asr", WORKER, 1)
    assert jobs.sweep({"asr": "queue"}) == [ReadyJob("asr", "default/a")]
    assert jobs.renew("asr", [job]) == ["default/a"]


def test_the_sweep_enqueues_only_jobs_whose_message_is_missing(jobs, redis):
    for name in "abc":
        jobs.submit(make_job_request(name))
    redis.rpush("queue", "one", "two")
    assert jobs.sweep({"asr": "queue"}) == [ReadyJob("asr", "default/a")]
    redis.rpush("queue", "three")
    assert jobs.sweep({"asr": "queue"}) == []


def test_the_sweep_ends_jobs_past_their_deadline(redis, settings):
    jobs = Jobs(redis, settings.model_copy(update={"deadline_s": 0}))
    jobs.submit(make_job_request("a"))
    assert jobs.sweep({"asr": "queue"}) == []
    assert jobs.get("default", "a").state == State.EXPIRED


def count_messages_after_sweeps(jobs: Jobs, times: int) -> int:
    """The number of messages after so many sweeps, if every job that they return is enqueued."""
    for _ in range(times):
        if ready_jobs := jobs.sweep({"asr": "queue"}):
            jobs.redis.rpush("queue", *(ready_job.name for ready_job in ready_jobs))
    return jobs.redis.llen("queue")


def test_with_ten_thousand_waiting_jobs_the_sweep_repeats_no_message(jobs, redis):
    ready = {f"default/{number}": number for number in range(10_000)}
    redis.zadd("waijiao:ready:asr", ready)
    assert count_messages_after_sweeps(jobs, 3) == 3 * SWEEP_BATCH
    assert count_messages_after_sweeps(jobs, 100) == 10_000
    assert jobs.sweep({"asr": "queue"}) == []
    redis.lpop("queue", 10)
    assert len(jobs.sweep({"asr": "queue"})) == 10


def test_a_sweep_handles_a_limited_number_of_jobs_and_the_next_one_continues(redis, settings):
    lapsing = Jobs(redis, settings.model_copy(update={"lease_s": 0, "max_jobs_session": 1000}))
    for number in range(SWEEP_BATCH + 1):
        lapsing.submit(make_job_request(str(number)))
    lapsing.claim("asr", WORKER, SWEEP_BATCH + 1)
    for left in (1, 0):
        lapsing.sweep({"asr": "queue"})
        assert redis.zcard("waijiao:leases") == left
    redis.zadd("waijiao:deadlines", {f"default/{number}": 0 for number in range(SWEEP_BATCH + 1)})
    for left in (1, 0):
        lapsing.sweep({"asr": "queue"})
        assert redis.zcard("waijiao:deadlines") == left


def test_two_sweeps_at_once_have_the_effect_of_one(redis, settings):
    lapsing = Jobs(redis, settings.model_copy(update={"lease_s": 0}))
    for number in range(100):
        lapsing.submit(make_job_request(str(number), session=str(number)))
    lapsing.claim("asr", WORKER, 50)
    redis.zadd("waijiao:deadlines", {f"default/{number}": 0 for number in range(90, 100)})
    before = {number: lapsing.get("default", str(number)).version for number in range(100)}
    with ThreadPoolExecutor(2) as both:
        ready_jobs = [*both.map(lapsing.sweep, 2 * [{"asr": "queue"}])]
    after = [lapsing.get("default", str(number)) for number in range(100)]
    assert [job.version - before[int(job.id)] for job in after] == 50 * [1] + 40 * [0] + 10 * [1]
    assert [sum(job.attempts.values()) for job in after] == 50 * [1] + 50 * [0]
    assert ready_jobs == 2 * [[ReadyJob("asr", f"default/{number}") for number in range(90)]]
    assert count_messages_after_sweeps(lapsing, 2) == 90


def test_a_renewed_lease_is_kept(redis, settings):
    jobs = Jobs(redis, settings)
    jobs.submit(make_job_request("a"))
    (job,), _ = jobs.claim("asr", WORKER, 1)
    assert jobs.renew("asr", [job]) == []
    assert jobs.sweep({"asr": "queue"}) == []


@pytest.mark.parametrize(
    ("ready", "messages", "left"), [(0, 500, 16), (3, 500, 19), (3, 10, 10), (0, 16, 16), (40, 40, 40)]
)
def test_messages_that_no_job_needs_do_not_pile_up(jobs, redis, ready, messages, left):
    redis.zadd("waijiao:ready:llm", {f"default/{number}": number for number in range(ready)} or {"default/x": 1})
    redis.zrem("waijiao:ready:llm", "default/x")
    redis.lpush("queue", *range(messages))
    jobs.sweep({"llm": "queue"})
    assert redis.llen("queue") == left
    assert redis.rpop("queue") == "0"  # the oldest stay


def test_no_message_for_maintenance_is_removed(jobs, redis):
    redis.lpush("queue", *range(500))  # each may be another task
    jobs.sweep({"maintenance": "queue"})
    assert redis.llen("queue") == 500
