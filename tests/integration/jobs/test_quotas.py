"""How much may wait: beyond a bound nothing is written, and Retry-After is honest. A full memory stops no work."""

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from pipeline.errors import EngineFailed, QuotaFull, ServerFull
from pipeline.jobs.job import State
from pipeline.jobs.store import Idempotency, Jobs
from tests.support.job_steps import HEARD, OTHER, WORKER, asked, claimed, reach, run


@pytest.fixture
def bounded(redis, settings):
    """Job records with other bounds."""

    def make(**bounds: int) -> Jobs:
        return Jobs(redis, settings.model_copy(update=bounds))

    return make


def everything(redis: Redis) -> dict[str, bytes]:
    """Every key with its content."""
    return {key: redis.dump(key) for key in redis.scan_iter("*")}


def refused(jobs: Jobs, error: type, job_request) -> float:
    """The seconds after which to try again; the refusal wrote nothing."""
    before = everything(jobs.redis)
    with pytest.raises(error) as refusal:
        jobs.submit(job_request)
    assert everything(jobs.redis) == before
    return refusal.value.retry_after_s


def test_a_full_server_accepts_nothing_until_a_job_ends(bounded):
    jobs = bounded(max_jobs=2)
    jobs.submit(asked("a", session="a", tenant="north"))
    jobs.submit(asked("b", session="b", tenant="south"))
    refused(jobs, ServerFull, asked("c", session="c"))
    jobs.cancel("north", "a")
    assert jobs.submit(asked("c", session="c")).ready_jobs
    refused(jobs, ServerFull, asked("d", session="d"))


def test_one_tenant_s_quota_leaves_the_others_their_place(bounded):
    jobs = bounded(max_jobs_tenant=2)
    for name in "ab":
        jobs.submit(asked(name, session=name, tenant="north"))
    refused(jobs, QuotaFull, asked("c", session="c", tenant="north"))
    assert jobs.submit(asked("c", session="c", tenant="south")).ready_jobs
    run(jobs, "asr")
    refused(jobs, QuotaFull, asked("d", session="d", tenant="north"))
    run(jobs, "llm")
    run(jobs, "tts")
    assert jobs.submit(asked("d", session="d", tenant="north")).ready_jobs


def test_one_session_s_quota_counts_held_turns_and_frees_a_place_when_a_turn_is_answered(bounded):
    jobs = bounded(max_jobs_session=2)
    for name in "ab":
        jobs.submit(asked(name, recording=False))
    refused(jobs, QuotaFull, asked("c"))
    assert jobs.submit(asked("c", session="ben")).ready_jobs
    run(jobs, "llm")
    jobs.submit(asked("d"))
    refused(jobs, QuotaFull, asked("e"))


@pytest.mark.parametrize("ending", ["reset", "erase"])
def test_a_session_that_was_reset_or_erased_has_its_places_back(bounded, ending):
    jobs = bounded(max_jobs=2, max_jobs_tenant=2, max_jobs_session=2)
    for name in "ab":
        jobs.submit(asked(name, recording=name == "a"))
    reach(jobs, "asr")
    getattr(jobs, ending)("default", "anna")
    for name in "cd":
        jobs.submit(asked(name))
    refused(jobs, ServerFull, asked("e"))


def test_a_known_request_is_answered_while_the_server_is_full(bounded):
    jobs, asking = bounded(max_jobs=1), Idempotency("key", "print")
    first = jobs.submit(asked("a"), asking)
    refused(jobs, ServerFull, asked("b"))
    again = jobs.submit(asked("b"), asking)
    assert (again.job, again.earlier) == (first.job, True)


def test_a_retry_needs_a_place_and_can_be_asked_for_again(bounded):
    jobs = bounded(max_jobs=1, attempts=1)
    jobs.submit(asked("a", recording=False))
    jobs.fail("llm", claimed(jobs, "llm"), EngineFailed(), again=True)
    dead = jobs.get("default", "a")
    jobs.submit(asked("b", session="ben"))
    before = everything(jobs.redis)
    with pytest.raises(ServerFull):
        jobs.retry(dead, asked("c", recording=False))
    assert everything(jobs.redis) == before
    jobs.cancel("default", "b")
    assert jobs.retry(dead, asked("c", recording=False)).ready_jobs


def now(redis: Redis) -> float:
    seconds, microseconds = redis.time()
    return seconds + microseconds / 1e6


def ended_every(jobs: Jobs, seconds: float) -> None:
    """Twenty jobs end, and between two of them `seconds` pass by Redis's clock, which a test cannot wait for."""
    for number in range(20):
        jobs.submit(asked(f"ended{number}", session="other", recording=False))
    for number in range(20):
        earlier = now(jobs.redis) - seconds
        if jobs.redis.exists("waijiao:pace"):
            jobs.redis.hset("waijiao:pace", "last", earlier)
        jobs.redis.hset(f"waijiao:job:default/ended{number}", "created_at", earlier - 1)
        jobs.cancel("default", f"ended{number}")


def test_the_time_to_try_again_is_the_pace_of_the_latest_ends_times_the_jobs_ahead(bounded):
    jobs = bounded(max_jobs_session=1, max_jobs_tenant=5)
    ended_every(bounded(), seconds=3)
    for number in range(4):
        jobs.submit(asked(str(number), session=str(number), tenant="ahead"))
    jobs.submit(asked("a"))
    assert refused(jobs, QuotaFull, asked("b")) == pytest.approx(5 * 3, rel=0.2)
    assert refused(bounded(max_jobs=5), ServerFull, asked("b")) == pytest.approx(3, rel=0.2)


def test_a_quiet_night_does_not_count_as_slow_work(bounded):
    ended_every(bounded(), seconds=3)
    bounded().redis.hset("waijiao:pace", "last", 0)
    jobs = bounded(max_jobs=2)
    jobs.submit(asked("a"))
    jobs.submit(asked("b"))
    assert refused(jobs, ServerFull, asked("c")) == pytest.approx(3, rel=0.2)
    jobs.cancel("default", "a")
    jobs.submit(asked("c"))
    assert refused(jobs, ServerFull, asked("d")) < 5


def test_many_jobs_that_are_canceled_at_once_do_not_count_as_fast_work(bounded):
    ended_every(bounded(), seconds=3)
    for number in range(50):
        bounded().submit(asked(str(number)))
    bounded().reset("default", "anna")
    jobs = bounded(max_jobs=1)
    jobs.submit(asked("a"))
    assert refused(jobs, ServerFull, asked("b")) > 1.5


def test_nobody_is_asked_to_come_back_in_less_than_a_second(bounded):
    ended_every(bounded(), seconds=0)
    jobs = bounded(max_jobs=1)
    jobs.submit(asked("a"))
    assert refused(jobs, ServerFull, asked("b")) >= 1


@pytest.fixture
def full_memory(redis):
    """Lets Redis have no more memory than it has, from the call on."""
    return lambda: redis.config_set("maxmemory", 1)


def test_a_full_memory_refuses_new_jobs_and_writes_nothing(jobs, redis, full_memory):
    jobs.submit(asked("a"))
    before = everything(redis)
    full_memory()
    with pytest.raises(ResponseError, match="OOM"):
        jobs.submit(asked("b"), Idempotency("key", "print"))
    assert everything(redis) == before
    redis.config_set("maxmemory", 0)
    assert jobs.submit(asked("b"), Idempotency("key", "print")).job.seq == 2


def test_accepted_work_goes_on_while_the_memory_is_full(jobs, full_memory):
    for name in ("done", "failing", "released", "canceled", "overdue"):
        jobs.submit(asked(name, session=name))
    jobs.redis.zadd("waijiao:deadlines", {"default/overdue": 0})
    full_memory()
    (done, failing), _ = jobs.claim("asr", WORKER, 2)
    assert jobs.renew("asr", [done, failing]) == []
    assert jobs.complete("asr", done, HEARD)[0]
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
