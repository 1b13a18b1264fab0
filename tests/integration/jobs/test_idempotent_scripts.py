"""What is said twice counts once: by a connection whose answer was lost, by a client who sends a request again."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import Erased, KeyReused, UnknownJob
from pipeline.jobs.job import State
from pipeline.jobs.listing import turns
from pipeline.jobs.store import IDEMPOTENCY_S, Idempotency, Jobs, ReadyJob
from tests.support.job_steps import HEARD, RESULTS, SPOKEN, TAUGHT, WORKER, asked, claimed, die, reach, run


class SaidTwice(Jobs):
    """Says every script twice with the very same arguments, as the connection does whose first answer was lost."""

    def run(self, script: str, /, **args: object) -> list:
        super().run(script, **args)
        return super().run(script, **args)


@pytest.fixture
def twice(redis, settings) -> SaidTwice:
    return SaidTwice(redis, settings)


def test_the_whole_road_said_twice_is_walked_once(twice, redis):
    for name in "ab":
        assert twice.submit(asked(name)).ready_jobs == [ReadyJob("asr", f"default/{name}")]
    for stage in RESULTS:
        for name in "ab":
            assert run(twice, stage)[0] == f"default/{name}"
    for seq, name in enumerate("ab", 1):
        job = twice.get("default", name)
        assert (job.seq, job.state, job.attempts) == (seq, State.SUCCEEDED, {"asr": 1, "llm": 1, "tts": 1})
        assert (job.transcript, job.feedback, job.answer) == (HEARD, TAUGHT, SPOKEN)
    assert [job.id for job in turns(redis, "default", "anna")] == ["a", "b"]


def test_a_claim_said_twice_leases_what_it_would_have_leased_and_counts_one_attempt(twice):
    for name in "abc":
        twice.submit(asked(name))
    batch, _ = twice.claim("asr", WORKER, 2)
    assert sorted((job.id, job.attempts["asr"]) for job in batch) == [("a", 1), ("b", 1)]
    assert twice.waiting()["asr"] == 1
    assert all(twice.complete("asr", job, HEARD)[0] for job in batch)


def test_a_failed_attempt_said_twice_is_one_attempt(twice, settings):
    twice.submit(asked("a"))
    for attempt in range(1, settings.attempts + 1):
        job = claimed(twice, "asr")
        assert job.attempts == {"asr": attempt}
        twice.fail("asr", job, KeyReused(), again=True)
    assert twice.get("default", "a").error["code"] == KeyReused.code


def test_handing_back_said_twice_gives_back_one_attempt(twice):
    twice.submit(asked("a"))
    claimed(twice, "asr")
    twice.release(WORKER)
    assert claimed(twice, "asr").attempts == {"asr": 1}


def test_a_cancel_said_twice_has_canceled(twice):
    twice.submit(asked("a"))
    assert twice.cancel("default", "a") == (True, [])
    assert twice.cancel("default", "a") == (False, [])


def test_starting_over_said_twice_names_what_it_canceled(twice, redis):
    twice.submit(asked("a"))
    assert twice.reset("default", "anna") == ["default/a"]
    assert twice.reset("default", "anna") == []
    assert turns(redis, "default", "anna") == []


def test_starting_over_spares_what_is_said_between_it_and_its_repetition(redis, settings):
    class Interrupted(Jobs):
        def run(self, script: str, /, **args: object) -> list:
            answer = super().run(script, **args)
            if script in {"reset", "erase"}:
                self.submit(asked(script))
                answer = super().run(script, **args)
            return answer

    jobs = Interrupted(redis, settings)
    jobs.submit(asked("a"))
    assert jobs.reset("default", "anna") == ["default/a"]
    assert [job.id for job in turns(redis, "default", "anna")] == ["reset"]
    assert jobs.erase("default", "anna") == ["default/a", "default/reset"]
    assert [job.id for job in turns(redis, "default", "anna")] == ["erase"]


def test_an_erasure_said_twice_names_what_it_erased(twice):
    for name in "ab":
        twice.submit(asked(name))
    assert twice.erase("default", "anna") == ["default/a", "default/b"]
    assert twice.erase("default", "anna") == []


def test_a_retry_said_twice_is_one_new_job(twice, redis):
    twice.submit(asked("a"))
    reach(twice, "tts")
    twice.release(WORKER)
    die(twice, "tts")
    accepted = twice.retry(twice.get("default", "a"), asked("b", recording=False))
    assert (accepted.earlier, accepted.ready_jobs) == (False, [ReadyJob("tts", "default/b")])
    assert run(twice, "tts")[0] == "default/b"
    assert [job.id for job in turns(redis, "default", "anna")] == ["b"]


def test_a_sweep_said_twice_rings_the_same_bells(twice):
    for name in "ab":
        twice.submit(asked(name, session=name))
    twice.redis.zadd("waijiao:deadlines", {"default/a": 0})
    assert twice.sweep({"asr": "queue"}) == [ReadyJob("asr", "default/b")]
    assert twice.get("default", "a").version == 2


KEY, OTHER_REQUEST = Idempotency("key", "a fingerprint"), Idempotency("key", "another fingerprint")


def test_a_request_with_a_key_said_twice_is_accepted_not_repeated(twice):
    assert not twice.submit(asked("a"), KEY).earlier
    assert twice.submit(asked("b"), KEY).earlier


def test_the_same_request_gets_the_same_job_wherever_that_is_by_now(jobs):
    first = jobs.submit(asked("a", recording=False), KEY)
    assert (first.earlier, first.ready_jobs) == (False, [ReadyJob("llm", "default/a")])
    run(jobs, "llm")
    run(jobs, "tts")
    again = jobs.submit(asked("b", recording=False), KEY)
    assert (again.earlier, again.job, again.ready_jobs) == (True, jobs.get("default", "a"), [])
    with pytest.raises(UnknownJob):
        jobs.get("default", "b")
    assert jobs.submit(asked("c"), Idempotency("another key", KEY.fingerprint)).job.seq == 2


def test_another_request_with_the_same_key_is_refused_and_writes_nothing(jobs, redis):
    jobs.submit(asked("a"), KEY)
    before = sorted(redis.scan_iter("*"))
    with pytest.raises(KeyReused):
        jobs.submit(asked("b"), OTHER_REQUEST)
    assert sorted(redis.scan_iter("*")) == before


def test_each_tenant_has_keys_of_its_own(jobs):
    jobs.submit(asked("a", tenant="north"), KEY)
    assert not jobs.submit(asked("b", tenant="south"), OTHER_REQUEST).earlier


def test_a_repeated_request_does_not_bring_an_erased_job_back(jobs):
    jobs.submit(asked("a"), KEY)
    jobs.erase("default", "anna")
    with pytest.raises(Erased):
        jobs.submit(asked("b"), KEY)


def test_a_key_is_known_for_a_day(jobs, redis):
    jobs.submit(asked("a"), KEY)
    (key,) = redis.scan_iter("waijiao:repeated:*")
    assert IDEMPOTENCY_S - 60 < redis.ttl(key) <= IDEMPOTENCY_S == 24 * 3600
    redis.delete(key)  # a day later
    assert not jobs.submit(asked("b"), OTHER_REQUEST).earlier


def test_twenty_requests_at_once_with_one_key_are_one_job(jobs):
    with ThreadPoolExecutor(20) as clients:
        accepted = [*clients.map(lambda number: jobs.submit(asked(f"job{number}"), KEY), range(20))]
    assert len({each.job.id for each in accepted}) == 1
    assert sorted(each.earlier for each in accepted) == [False] + 19 * [True]
    assert jobs.waiting()["asr"] == 1
