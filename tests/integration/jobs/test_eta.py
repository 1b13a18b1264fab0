"""The queue position of a job and the estimated seconds until it has ended."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from pipeline.errors import EngineFailed
from pipeline.jobs.eta import Estimate, Estimator
from pipeline.jobs.store import Jobs
from pipeline.worker.registry import register, unregister
from tests.integration.jobs.test_idempotent_scripts import RepeatingJobs
from tests.support.job_steps import RESULTS, TRANSCRIPT, WORKER, claim_job, make_job_request, reach, run_stage

ASR, LLM, TTS = 1000, 2000, 500  # seconds of one job, so long that a test's own time is negligible
ALL = ASR + LLM + TTS
UNKNOWN = Estimate(None, None)


def approx_minute(seconds: float) -> object:
    return pytest.approx(seconds, abs=60)


@pytest.fixture
def jobs_with_workers(jobs) -> Jobs:
    """Job records, and one ready worker for each model, whose speed is known."""
    for stage, seconds in {"asr": ASR, "llm": LLM, "tts": TTS}.items():
        jobs.redis.hset("waijiao:pace", mapping={f"ran:{stage}": seconds, f"each:{stage}": seconds})
        register(jobs.redis, stage, f"{stage}1", "ready", 300)
    return jobs


def submit(jobs: Jobs, *names: str, lane: str = "interactive", **fields) -> None:
    """One job of each name, in a session of its own unless another one is given."""
    for name in names:
        jobs.submit(replace(make_job_request(name, **{"session": name, **fields}), lane=lane))


def estimate(jobs: Jobs, name: str) -> Estimate:
    """The estimate of a process without cached figures."""
    return Estimator(jobs).estimate(jobs.get("default", name))


def positions(jobs: Jobs, *names: str) -> list[int | None]:
    return [estimate(jobs, name).queue_position for name in names]


def etas(jobs: Jobs, *names: str) -> list[float | None]:
    return [estimate(jobs, name).eta_s for name in names]


def let_pass(jobs: Jobs, name: str, seconds: float) -> None:
    """Let a running job have run for `seconds` more."""
    jobs.redis.hincrbyfloat(f"waijiao:job:default/{name}", "claimed_at", -seconds)


def test_the_job_at_position_1_is_claimed_next(jobs_with_workers):
    submit(jobs_with_workers, "a", "b", "c")
    assert positions(jobs_with_workers, "a", "b", "c") == [1, 2, 3]
    assert claim_job(jobs_with_workers, "asr").id == "a"
    assert positions(jobs_with_workers, "a", "b", "c") == [None, 1, 2]


def test_a_position_is_that_of_the_stage_where_the_job_waits(jobs_with_workers):
    submit(jobs_with_workers, "a", "b")
    submit(jobs_with_workers, "typed", recording=False)
    run_stage(jobs_with_workers, "asr")
    assert positions(jobs_with_workers, "a", "b", "typed") == [1, 1, 2]


def test_the_bulk_lane_is_behind_at_this_stage_and_at_the_next_ones(jobs_with_workers):
    submit(jobs_with_workers, "lesson", "more", lane="bulk")
    submit(jobs_with_workers, "typed", lane="bulk", recording=False)
    submit(jobs_with_workers, "a")
    assert positions(jobs_with_workers, "a", "lesson", "more", "typed") == [1, 2, 3, 1]
    assert etas(jobs_with_workers, "a", "lesson", "more") == [ALL, 2 * LLM + ALL, 3 * LLM + ALL]


def test_ended_jobs_have_no_estimate_and_need_no_call_of_redis(jobs_with_workers):
    submit(jobs_with_workers, "a")
    jobs_with_workers.cancel("default", "a")
    job = jobs_with_workers.get("default", "a")
    before = jobs_with_workers.redis.info("stats")["total_commands_processed"]
    assert Estimator(jobs_with_workers).estimate(job) == UNKNOWN
    assert jobs_with_workers.redis.info("stats")["total_commands_processed"] == before + 1


def test_an_estimate_uses_the_current_stage_of_a_job(jobs_with_workers):
    submit(jobs_with_workers, "a")
    job = jobs_with_workers.get("default", "a")
    run_stage(jobs_with_workers, "asr")
    assert Estimator(jobs_with_workers).estimate(job) == Estimate(1, LLM + TTS)
    jobs_with_workers.cancel("default", "a")
    assert Estimator(jobs_with_workers).estimate(job) == UNKNOWN
    jobs_with_workers.forget("default", "a")
    assert Estimator(jobs_with_workers).estimate(job) == UNKNOWN


def test_a_job_alone_takes_the_time_of_its_stages(jobs_with_workers):
    submit(jobs_with_workers, "a")
    assert estimate(jobs_with_workers, "a") == Estimate(1, ALL)
    run_stage(jobs_with_workers, "asr")
    assert estimate(jobs_with_workers, "a") == Estimate(1, LLM + TTS)
    run_stage(jobs_with_workers, "llm")
    assert estimate(jobs_with_workers, "a") == Estimate(1, TTS)


def test_the_time_that_a_job_has_run_is_subtracted_down_to_zero(jobs_with_workers):
    submit(jobs_with_workers, "a")
    reach(jobs_with_workers, "llm")
    let_pass(jobs_with_workers, "a", 1500)
    assert estimate(jobs_with_workers, "a") == Estimate(None, approx_minute(500 + TTS))
    let_pass(jobs_with_workers, "a", 9000)
    assert estimate(jobs_with_workers, "a").eta_s == TTS


def test_the_slowest_of_the_models_ahead_decides_how_long_a_job_waits(jobs_with_workers):
    submit(jobs_with_workers, "a", "b", "c")
    assert etas(jobs_with_workers, "a", "b", "c") == [ALL, LLM + ALL, 2 * LLM + ALL]
    submit(jobs_with_workers, "typed", recording=False)
    assert etas(jobs_with_workers, "c", "typed") == [3 * LLM + ALL, LLM + TTS]


def test_of_running_jobs_only_the_remaining_time_counts(jobs_with_workers):
    submit(jobs_with_workers, "a", "b")
    reach(jobs_with_workers, "asr")
    let_pass(jobs_with_workers, "a", 750)
    assert estimate(jobs_with_workers, "b").eta_s == approx_minute(
        LLM / 4 + ALL
    )  # a quarter of a job, of the slowest model


def test_twice_the_workers_halve_the_wait(jobs_with_workers):
    submit(jobs_with_workers, "a", "b", "c")
    register(jobs_with_workers.redis, "llm", "llm2", "ready", 300)
    assert estimate(jobs_with_workers, "c").eta_s == 2 * ASR + ALL  # the recogniser is now as slow
    register(jobs_with_workers.redis, "asr", "asr2", "ready", 300)
    assert estimate(jobs_with_workers, "c").eta_s == LLM + ALL


def test_a_batch_makes_the_wait_shorter_but_not_the_run(jobs_with_workers):
    jobs_with_workers.redis.hset("waijiao:pace", mapping={"each:asr": ASR / 4, "each:llm": LLM / 4})
    submit(jobs_with_workers, "a", "b", "c")
    assert estimate(jobs_with_workers, "c").eta_s == 2 * TTS + ALL


def test_a_held_turn_has_no_position_and_waits_for_the_turns_before_it(jobs_with_workers):
    submit(jobs_with_workers, "first", session="anna")
    submit(jobs_with_workers, "second", "third", session="anna", recording=False)
    assert estimate(jobs_with_workers, "third") == Estimate(None, ASR + 3 * LLM + TTS)
    reach(jobs_with_workers, "llm")
    let_pass(jobs_with_workers, "first", 500)
    assert etas(jobs_with_workers, "second", "third") == [
        approx_minute(2 * LLM - 500 + TTS),
        approx_minute(3 * LLM - 500 + TTS),
    ]
    jobs_with_workers.cancel("default", "first")
    assert estimate(jobs_with_workers, "second") == Estimate(1, LLM + TTS)


def test_there_is_no_estimate_before_every_needed_model_was_measured(jobs_with_workers):
    submit(jobs_with_workers, "a")
    jobs_with_workers.redis.hdel("waijiao:pace", "ran:asr", "each:asr")
    assert estimate(jobs_with_workers, "a") == Estimate(1, None)
    run_stage(jobs_with_workers, "asr")
    assert estimate(jobs_with_workers, "a").eta_s is not None
    jobs_with_workers.redis.delete("waijiao:pace")
    assert estimate(jobs_with_workers, "a") == Estimate(1, None)


def test_there_is_no_estimate_while_a_needed_model_has_no_ready_worker(jobs_with_workers):
    submit(jobs_with_workers, "a")
    register(jobs_with_workers.redis, "asr", "asr1", "loading", 300)
    assert estimate(jobs_with_workers, "a") == Estimate(1, None)
    run_stage(jobs_with_workers, "asr")  # by a worker that stopped since
    assert estimate(jobs_with_workers, "a").eta_s == LLM + TTS
    unregister(jobs_with_workers.redis, "tts", "tts1")
    assert estimate(jobs_with_workers, "a") == Estimate(1, None)


def test_many_estimates_at_once_read_redis_once(jobs_with_workers, monkeypatch):
    monkeypatch.setattr("pipeline.jobs.eta.LOADS_CACHE_S", 3600)
    submit(jobs_with_workers, "a")
    job, estimator, together = jobs_with_workers.get("default", "a"), Estimator(jobs_with_workers), Barrier(8)
    jobs_with_workers.redis.config_resetstat()
    with ThreadPoolExecutor(8) as pool:
        looks = [pool.submit(lambda: together.wait() < 0 or estimator.estimate(job)) for _ in range(8)]
        assert {look.result() for look in looks} == {Estimate(1, ALL)}
    said = jobs_with_workers.redis.info("commandstats")
    assert said["cmdstat_zcard"]["calls"] == len(RESULTS)


def test_cached_figures_are_soon_read_again(jobs_with_workers, monkeypatch):
    monkeypatch.setattr("pipeline.jobs.eta.LOADS_CACHE_S", 0)
    submit(jobs_with_workers, "a")
    job, estimator = jobs_with_workers.get("default", "a"), Estimator(jobs_with_workers)
    assert estimator.estimate(job).eta_s == ALL
    jobs_with_workers.redis.hset("waijiao:pace", "ran:tts", 2 * TTS)
    assert estimator.estimate(job).eta_s == ALL + TTS


# --- measuring the speed of a model


def transcribe_batch(jobs: Jobs, seconds: float, *names: str) -> None:
    """Let the recogniser take so many seconds for one batch of jobs."""
    jobs.settings = jobs.settings.model_copy(update={"stage_s": 1000})  # so that it may
    submit(jobs, *names)
    batch, _ = jobs.claim("asr", WORKER, len(names))
    for job in batch:
        let_pass(jobs, job.id, seconds)
        assert jobs.complete("asr", job, TRANSCRIPT)[0]


def speed(jobs: Jobs) -> list[object]:
    """The measured seconds of one run, and per job of a batch."""
    return [pytest.approx(float(each), rel=0.1) for each in jobs.redis.hmget("waijiao:pace", "ran:asr", "each:asr")]


def test_a_model_s_first_job_is_its_speed(jobs):
    transcribe_batch(jobs, 100, "a")
    assert speed(jobs) == [100, 100]
    assert 0 < jobs.redis.ttl("waijiao:pace") <= 86_400


def test_the_speed_follows_a_change_within_about_ten_jobs(jobs):
    transcribe_batch(jobs, 100, "a")
    transcribe_batch(jobs, 900, "b")
    assert speed(jobs) == [260, 260]
    for number in range(10):
        transcribe_batch(jobs, 900, str(number))
    assert speed(jobs) == [900, 900]


def test_a_batch_counts_as_the_time_of_all_for_its_jobs_together(jobs):
    transcribe_batch(jobs, 100, "a", "b", "c", "d")
    assert speed(jobs) == [100, 25]


def test_a_repeated_completion_is_measured_once(redis, settings):
    repeating_jobs = RepeatingJobs(redis, settings)
    transcribe_batch(repeating_jobs, 100, "a", "b")
    transcribe_batch(repeating_jobs, 900, "c")
    assert speed(repeating_jobs) == [260, 220]


def test_an_attempt_that_failed_or_was_overtaken_measures_nothing(jobs):
    submit(jobs, "a", "b")
    failing = claim_job(jobs, "asr")
    jobs.fail("asr", failing, EngineFailed(), again=False)
    overtaken = claim_job(jobs, "asr")
    jobs.release(WORKER)
    assert not jobs.complete("asr", overtaken, TRANSCRIPT)[0]
    assert jobs.redis.hget("waijiao:pace", "ran:asr") is None
