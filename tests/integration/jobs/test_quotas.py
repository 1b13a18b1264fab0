"""Quotas: beyond a limit nothing is written, and Retry-After is realistic; a full memory stops no accepted work."""

from dataclasses import replace

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from pipeline.api_keys import Keys, Limits
from pipeline.errors import EngineFailed, QuotaFull, ServerFull
from pipeline.homework.assignments import Assignment, Assignments
from pipeline.jobs.job import State
from pipeline.jobs.store import Idempotency, Jobs
from pipeline.worker.bootsteps import is_memory_full, take_turn
from pipeline.worker.registry import count_workers, register
from tests.support.job_steps import OTHER, TRANSCRIPT, WORKER, claim_job, make_job_request, reach, run_stage


@pytest.fixture
def make_jobs(redis, settings):
    """Job records with other bounds."""

    def make(**bounds: int) -> Jobs:
        return Jobs(redis, settings.model_copy(update=bounds))

    return make


def read_all_keys(redis: Redis) -> dict[str, bytes]:
    """Every key with its content."""
    return {key: redis.dump(key) for key in redis.scan_iter("*")}


def submit_refused(jobs: Jobs, error: type, job_request) -> float:
    """Submit a job that must be refused without writing anything; return the seconds of Retry-After."""
    before = read_all_keys(jobs.redis)
    with pytest.raises(error) as refusal:
        jobs.submit(job_request)
    assert read_all_keys(jobs.redis) == before
    return refusal.value.retry_after_s


def test_a_full_server_accepts_nothing_until_a_job_ends(make_jobs):
    jobs = make_jobs(max_jobs=2)
    jobs.submit(make_job_request("a", session="a", tenant="north"))
    jobs.submit(make_job_request("b", session="b", tenant="south"))
    submit_refused(jobs, ServerFull, make_job_request("c", session="c"))
    jobs.cancel("north", "a")
    assert jobs.submit(make_job_request("c", session="c")).ready_jobs
    submit_refused(jobs, ServerFull, make_job_request("d", session="d"))


def test_one_tenant_s_quota_does_not_limit_the_others(make_jobs):
    jobs = make_jobs(max_jobs_tenant=2)
    for name in "ab":
        jobs.submit(make_job_request(name, session=name, tenant="north"))
    submit_refused(jobs, QuotaFull, make_job_request("c", session="c", tenant="north"))
    assert jobs.submit(make_job_request("c", session="c", tenant="south")).ready_jobs
    run_stage(jobs, "asr")
    submit_refused(jobs, QuotaFull, make_job_request("d", session="d", tenant="north"))
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    assert jobs.submit(make_job_request("d", session="d", tenant="north")).ready_jobs


def test_a_session_s_quota_counts_waiting_turns_until_they_are_answered(make_jobs):
    jobs = make_jobs(max_jobs_session=2)
    for name in "ab":
        jobs.submit(make_job_request(name, recording=False))
    submit_refused(jobs, QuotaFull, make_job_request("c"))
    assert jobs.submit(make_job_request("c", session="ben")).ready_jobs
    run_stage(jobs, "llm")
    jobs.submit(make_job_request("d"))
    submit_refused(jobs, QuotaFull, make_job_request("e"))


@pytest.mark.parametrize("ending", ["reset", "erase"])
def test_a_reset_or_erased_session_has_its_full_quota_again(make_jobs, ending):
    jobs = make_jobs(max_jobs=2, max_jobs_tenant=2, max_jobs_session=2)
    for name in "ab":
        jobs.submit(make_job_request(name, recording=name == "a"))
    reach(jobs, "asr")
    getattr(jobs, ending)("default", "anna")
    for name in "cd":
        jobs.submit(make_job_request(name))
    submit_refused(jobs, ServerFull, make_job_request("e"))


def test_a_repeated_request_is_answered_while_the_server_is_full(make_jobs):
    jobs, asking = make_jobs(max_jobs=1), Idempotency("key", "print")
    first = jobs.submit(make_job_request("a"), asking)
    submit_refused(jobs, ServerFull, make_job_request("b"))
    again = jobs.submit(make_job_request("b"), asking)
    assert (again.job, again.earlier) == (first.job, True)


def test_a_retry_needs_quota_and_can_be_repeated(make_jobs):
    jobs = make_jobs(max_jobs=1, attempts=1)
    jobs.submit(make_job_request("a", recording=False))
    jobs.fail("llm", claim_job(jobs, "llm"), EngineFailed(), again=True)
    dead = jobs.get("default", "a")
    jobs.submit(make_job_request("b", session="ben"))
    before = read_all_keys(jobs.redis)
    with pytest.raises(ServerFull):
        jobs.retry(dead, make_job_request("c", recording=False))
    assert read_all_keys(jobs.redis) == before
    jobs.cancel("default", "b")
    assert jobs.retry(dead, make_job_request("c", recording=False)).ready_jobs


def read_time(redis: Redis) -> float:
    seconds, microseconds = redis.time()
    return seconds + microseconds / 1e6


def ended_every(jobs: Jobs, seconds: float) -> None:
    """Twenty jobs end, and between two of them `seconds` pass by Redis's clock, which a test cannot wait for."""
    for number in range(20):
        jobs.submit(make_job_request(f"ended{number}", session="other", recording=False))
    for number in range(20):
        earlier = read_time(jobs.redis) - seconds
        if jobs.redis.exists("waijiao:pace"):
            jobs.redis.hset("waijiao:pace", "last", earlier)
        jobs.redis.hset(f"waijiao:job:default/ended{number}", "created_at", earlier - 1)
        jobs.cancel("default", f"ended{number}")


def test_the_time_to_try_again_is_the_pace_of_the_latest_ends_times_the_jobs_ahead(make_jobs):
    jobs = make_jobs(max_jobs_session=1, max_jobs_tenant=5)
    ended_every(make_jobs(), seconds=3)
    for number in range(4):
        jobs.submit(make_job_request(str(number), session=str(number), tenant="ahead"))
    jobs.submit(make_job_request("a"))
    assert submit_refused(jobs, QuotaFull, make_job_request("b")) == pytest.approx(5 * 3, rel=0.2)
    assert submit_refused(make_jobs(max_jobs=5), ServerFull, make_job_request("b")) == pytest.approx(3, rel=0.2)


def test_a_quiet_night_does_not_count_as_slow_work(make_jobs):
    ended_every(make_jobs(), seconds=3)
    make_jobs().redis.hset("waijiao:pace", "last", 0)
    jobs = make_jobs(max_jobs=2)
    jobs.submit(make_job_request("a"))
    jobs.submit(make_job_request("b"))
    assert submit_refused(jobs, ServerFull, make_job_request("c")) == pytest.approx(3, rel=0.2)
    jobs.cancel("default", "a")
    jobs.submit(make_job_request("c"))
    assert submit_refused(jobs, ServerFull, make_job_request("d")) < 5


def test_many_jobs_that_are_canceled_at_once_do_not_count_as_fast_work(make_jobs):
    ended_every(make_jobs(), seconds=3)
    for number in range(50):
        make_jobs().submit(make_job_request(str(number)))
    make_jobs().reset("default", "anna")
    jobs = make_jobs(max_jobs=1)
    jobs.submit(make_job_request("a"))
    assert submit_refused(jobs, ServerFull, make_job_request("b")) > 1.5


def test_nobody_is_asked_to_come_back_in_less_than_a_second(make_jobs):
    ended_every(make_jobs(), seconds=0)
    jobs = make_jobs(max_jobs=1)
    jobs.submit(make_job_request("a"))
    assert submit_refused(jobs, ServerFull, make_job_request("b")) >= 1


@pytest.fixture
def full_memory(redis):
    """Lets Redis have no more memory than it has, from the call on."""
    return lambda: redis.config_set("maxmemory", 1)


def test_a_full_memory_refuses_new_jobs_and_writes_nothing(jobs, redis, full_memory):
    jobs.submit(make_job_request("a"))
    before = read_all_keys(redis)
    full_memory()
    with pytest.raises(ResponseError, match="OOM"):
        jobs.submit(make_job_request("b"), Idempotency("key", "print"))
    assert read_all_keys(redis) == before
    redis.config_set("maxmemory", 0)
    assert jobs.submit(make_job_request("b"), Idempotency("key", "print")).job.seq == 2


def test_accepted_work_goes_on_while_the_memory_is_full(jobs, full_memory):
    for name in ("done", "failing", "released", "canceled", "overdue"):
        jobs.submit(make_job_request(name, session=name))
    jobs.redis.zadd("waijiao:deadlines", {"default/overdue": 0})
    full_memory()
    (done, failing), _ = jobs.claim("asr", WORKER, 2)
    assert jobs.renew("asr", [done, failing]) == []
    assert jobs.complete("asr", done, TRANSCRIPT)[0]
    assert [ready_job.name for ready_job in jobs.fail("asr", failing, EngineFailed(), again=True)] == [
        "default/failing"
    ]
    jobs.claim("asr", OTHER, 1)
    assert [ready_job.name for ready_job in jobs.release(OTHER)] == ["default/failing"]
    assert jobs.cancel("default", "canceled")[0]
    jobs.sweep({"asr": "queue"})
    assert jobs.reset("default", "released") == ["default/released"]
    assert jobs.erase("default", "released") == ["default/released"]
    assert [jobs.get("default", name).state for name in ("done", "overdue")] == [State.THINKING, State.EXPIRED]


def test_erasing_reviewing_and_revoking_work_while_the_memory_is_full(jobs, redis, full_memory):
    assignments, keys = Assignments(jobs), Keys(redis)
    for id_ in ("hw", "other"):
        assignments.put(Assignment(id_, "default", "Homework"), replace=False)
    for name, assignment in (("a", "hw"), ("b", "hw"), ("c", "other")):
        job_request = replace(make_job_request(name, session=name), assignment=assignment, student=name, hold=True)
        jobs.submit(job_request)
    run_stage(jobs, "asr")
    run_stage(jobs, "llm")
    jobs.submit(make_job_request("alone", session="alone"))
    key, text = keys.create("default", "learner", "Anna", Limits())
    full_memory()
    assert jobs.review(jobs.get("default", "a"), None, release=True)[0]
    assert assignments.erase("default", "hw") == ["default/a", "default/b"]
    assert jobs.cancel("default", "alone")[0]
    jobs.forget("default", "alone")
    assert jobs.erase("default", "c") == ["default/c"]
    assert keys.revoke(key.id).revoked_at
    assert keys.find(text) is None
    assert [each.id for each in assignments.all("default")] == ["other"]


def test_workers_stay_registered_and_sweep_while_the_memory_is_full(jobs, redis, full_memory):
    full_memory()
    register(redis, "asr", WORKER, "ready", 60)
    assert count_workers(redis)["asr"] == {"ready": 1, "loading": 0}
    assert take_turn(redis, "turn", 60)
    assert not take_turn(redis, "turn", 60)
    assert is_memory_full(redis)
    redis.config_set("maxmemory", 0)
    assert not is_memory_full(redis)
    redis.config_set("maxmemory", 10**12)
    assert not is_memory_full(redis)
