"""A repeated script call or request counts once: a connection lost the answer, or a client sends a request again."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import Erased, KeyReused, UnknownJob
from pipeline.jobs.job import State
from pipeline.jobs.listing import turns
from pipeline.jobs.store import IDEMPOTENCY_S, Idempotency, Jobs, ReadyJob
from tests.support.job_steps import (
    ANSWER,
    FEEDBACK,
    RESULTS,
    TRANSCRIPT,
    WORKER,
    claim_job,
    let_job_die,
    make_job_request,
    reach,
    run_stage,
)


class RepeatingJobs(Jobs):
    """Runs every script twice with the same arguments, like a connection that lost the first answer."""

    def run(self, script: str, /, **args: object) -> list:
        super().run(script, **args)
        return super().run(script, **args)


@pytest.fixture
def repeating_jobs(redis, settings) -> RepeatingJobs:
    return RepeatingJobs(redis, settings)


def test_all_scripts_of_a_job_may_run_twice(repeating_jobs, redis):
    for name in "ab":
        assert repeating_jobs.submit(make_job_request(name)).ready_jobs == [ReadyJob("asr", f"default/{name}")]
    for stage in RESULTS:
        for name in "ab":
            assert run_stage(repeating_jobs, stage)[0] == f"default/{name}"
    for seq, name in enumerate("ab", 1):
        job = repeating_jobs.get("default", name)
        assert (job.seq, job.state, job.attempts) == (seq, State.SUCCEEDED, {"asr": 1, "llm": 1, "tts": 1})
        assert (job.transcript, job.feedback, job.answer) == (TRANSCRIPT, FEEDBACK, ANSWER)
    assert [job.id for job in turns(redis, "default", "anna")] == ["a", "b"]


def test_a_repeated_claim_leases_the_same_jobs_and_counts_one_attempt(repeating_jobs):
    for name in "abc":
        repeating_jobs.submit(make_job_request(name))
    batch, _ = repeating_jobs.claim("asr", WORKER, 2)
    assert sorted((job.id, job.attempts["asr"]) for job in batch) == [("a", 1), ("b", 1)]
    assert repeating_jobs.waiting()["asr"] == 1
    assert all(repeating_jobs.complete("asr", job, TRANSCRIPT)[0] for job in batch)


def test_a_repeated_failure_counts_one_attempt(repeating_jobs, settings):
    repeating_jobs.submit(make_job_request("a"))
    for attempt in range(1, settings.attempts + 1):
        job = claim_job(repeating_jobs, "asr")
        assert job.attempts == {"asr": attempt}
        repeating_jobs.fail("asr", job, KeyReused(), again=True)
    assert repeating_jobs.get("default", "a").error["code"] == KeyReused.code


def test_a_repeated_release_gives_back_one_attempt(repeating_jobs):
    repeating_jobs.submit(make_job_request("a"))
    claim_job(repeating_jobs, "asr")
    repeating_jobs.release(WORKER)
    assert claim_job(repeating_jobs, "asr").attempts == {"asr": 1}


def test_a_repeated_cancel_cancels_once(repeating_jobs):
    repeating_jobs.submit(make_job_request("a"))
    assert repeating_jobs.cancel("default", "a") == (True, [])
    assert repeating_jobs.cancel("default", "a") == (False, [])


def test_a_repeated_reset_returns_the_canceled_jobs(repeating_jobs, redis):
    repeating_jobs.submit(make_job_request("a"))
    assert repeating_jobs.reset("default", "anna") == ["default/a"]
    assert repeating_jobs.reset("default", "anna") == []
    assert turns(redis, "default", "anna") == []


def test_a_repeated_reset_spares_turns_submitted_in_between(redis, settings):
    class Interrupted(Jobs):
        def run(self, script: str, /, **args: object) -> list:
            answer = super().run(script, **args)
            if script in {"reset", "erase"}:
                self.submit(make_job_request(script))
                answer = super().run(script, **args)
            return answer

    jobs = Interrupted(redis, settings)
    jobs.submit(make_job_request("a"))
    assert jobs.reset("default", "anna") == ["default/a"]
    assert [job.id for job in turns(redis, "default", "anna")] == ["reset"]
    assert jobs.erase("default", "anna") == ["default/a", "default/reset"]
    assert [job.id for job in turns(redis, "default", "anna")] == ["erase"]


def test_a_repeated_erasure_returns_the_erased_jobs(repeating_jobs):
    for name in "ab":
        repeating_jobs.submit(make_job_request(name))
    assert repeating_jobs.erase("default", "anna") == ["default/a", "default/b"]
    assert repeating_jobs.erase("default", "anna") == []


def test_a_repeated_retry_is_one_new_job(repeating_jobs, redis):
    repeating_jobs.submit(make_job_request("a"))
    reach(repeating_jobs, "tts")
    repeating_jobs.release(WORKER)
    let_job_die(repeating_jobs, "tts")
    accepted = repeating_jobs.retry(repeating_jobs.get("default", "a"), make_job_request("b", recording=False))
    assert (accepted.earlier, accepted.ready_jobs) == (False, [ReadyJob("tts", "default/b")])
    assert run_stage(repeating_jobs, "tts")[0] == "default/b"
    assert [job.id for job in turns(redis, "default", "anna")] == ["b"]


def test_a_repeated_sweep_enqueues_the_same_jobs(repeating_jobs):
    for name in "ab":
        repeating_jobs.submit(make_job_request(name, session=name))
    repeating_jobs.redis.zadd("waijiao:deadlines", {"default/a": 0})
    assert repeating_jobs.sweep({"asr": "queue"}) == [ReadyJob("asr", "default/b")]
    assert repeating_jobs.get("default", "a").version == 2


KEY, OTHER_REQUEST = Idempotency("key", "a fingerprint"), Idempotency("key", "another fingerprint")


def test_a_repeated_script_for_a_request_with_a_key_is_accepted(repeating_jobs):
    assert not repeating_jobs.submit(make_job_request("a"), KEY).earlier
    assert repeating_jobs.submit(make_job_request("b"), KEY).earlier


def test_the_same_request_gets_the_same_job_at_any_stage(jobs):
    first = jobs.submit(make_job_request("a", recording=False), KEY)
    assert (first.earlier, first.ready_jobs) == (False, [ReadyJob("llm", "default/a")])
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    again = jobs.submit(make_job_request("b", recording=False), KEY)
    assert (again.earlier, again.job, again.ready_jobs) == (True, jobs.get("default", "a"), [])
    with pytest.raises(UnknownJob):
        jobs.get("default", "b")
    assert jobs.submit(make_job_request("c"), Idempotency("another key", KEY.fingerprint)).job.seq == 2


def test_another_request_with_the_same_key_is_refused_and_writes_nothing(jobs, redis):
    jobs.submit(make_job_request("a"), KEY)
    before = sorted(redis.scan_iter("*"))
    with pytest.raises(KeyReused):
        jobs.submit(make_job_request("b"), OTHER_REQUEST)
    assert sorted(redis.scan_iter("*")) == before


def test_each_tenant_has_keys_of_its_own(jobs):
    jobs.submit(make_job_request("a", tenant="north"), KEY)
    assert not jobs.submit(make_job_request("b", tenant="south"), OTHER_REQUEST).earlier


def test_a_repeated_request_does_not_bring_an_erased_job_back(jobs):
    jobs.submit(make_job_request("a"), KEY)
    jobs.erase("default", "anna")
    with pytest.raises(Erased):
        jobs.submit(make_job_request("b"), KEY)


def test_an_idempotency_key_is_kept_for_a_day(jobs, redis):
    jobs.submit(make_job_request("a"), KEY)
    (key,) = redis.scan_iter("waijiao:repeated:*")
    assert IDEMPOTENCY_S - 60 < redis.ttl(key) <= IDEMPOTENCY_S == 24 * 3600
    redis.delete(key)  # a day later
    assert not jobs.submit(make_job_request("b"), OTHER_REQUEST).earlier


def test_twenty_requests_at_once_with_one_key_are_one_job(jobs):
    with ThreadPoolExecutor(20) as clients:
        accepted = [*clients.map(lambda number: jobs.submit(make_job_request(f"job{number}"), KEY), range(20))]
    assert len({each.job.id for each in accepted}) == 1
    assert sorted(each.earlier for each in accepted) == [False] + 19 * [True]
    assert jobs.waiting()["asr"] == 1
