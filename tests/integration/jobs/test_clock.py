"""Redis's clock is set back, or goes forward since the machine slept: nothing waits for longer than it may."""

import math
from dataclasses import replace

import pytest

from pipeline.api_keys import Keys, Limits
from pipeline.errors import RateLimited
from pipeline.homework.assignments import Assignment, Assignments
from pipeline.jobs.eta import Estimator
from pipeline.jobs.job import State
from pipeline.jobs.store import PREFIX, Jobs
from pipeline.webhooks.outbox import Attempt, Deliveries, DeliveryLimits
from pipeline.worker.bootsteps import take_turn
from pipeline.worker.registry import count_workers, register
from tests.support.job_steps import RESULTS, WORKER, claim_job, make_job_request, run_stage
from tests.support.redis_clock import RedisClock

HOUR_S, DAY_S = 3600, 86_400
BACK = [-20, -HOUR_S, -400 * DAY_S]
FORWARD = [120, 25 * HOUR_S, 30 * DAY_S]


@pytest.fixture
def clock(cluster, tmp_path_factory) -> RedisClock:
    return RedisClock(cluster, tmp_path_factory.mktemp("clock"))


def now(jobs: Jobs) -> float:
    seconds, microseconds = jobs.redis.time()
    return seconds + microseconds / 1e6


def sweep(jobs: Jobs) -> None:
    jobs.sweep({"asr": "queue"})


@pytest.mark.parametrize("seconds", [*BACK, *FORWARD])
def test_a_key_is_limited_for_no_longer_than_a_minute(cluster, clock, seconds):
    key, _ = Keys(cluster.redis).create("default", "learner", "Anna", Limits(per_minute=3))
    submit = lambda name: cluster.jobs.submit(replace(make_job_request(name, session=name), key=key.id))  # noqa: E731
    for name in "abc":
        submit(name)
    clock.move(seconds)
    try:
        submit("d")
    except RateLimited as error:
        assert error.retry_after_s <= 61  # noqa: PT017


@pytest.mark.parametrize("seconds", [*BACK, *FORWARD])
def test_a_dead_worker_s_job_is_taken_back_after_a_lease_at_most(cluster, clock, settings, seconds):
    jobs = cluster.jobs
    sweep(jobs)
    jobs.submit(make_job_request("a"))
    claim_job(jobs, "asr")
    clock.move(seconds)
    sweep(jobs)
    lease = jobs.redis.zscore(f"{PREFIX}leases", "default/a")
    assert lease - now(jobs) <= settings.lease_s
    assert jobs.get("default", "a").attempts == {"asr": 1}
    clock.move(settings.lease_s + 1)
    sweep(jobs)
    assert claim_job(jobs, "asr", "another").attempts == {"asr": 2}


@pytest.mark.parametrize("seconds", FORWARD)
def test_a_worker_that_slept_goes_on_with_its_job(cluster, clock, seconds):
    jobs = cluster.jobs
    sweep(jobs)
    jobs.submit(make_job_request("a"))
    job = claim_job(jobs, "asr")
    clock.move(seconds)
    sweep(jobs)
    assert jobs.renew("asr", [job]) == []
    assert jobs.complete("asr", job, RESULTS["asr"])[0]


@pytest.mark.parametrize("seconds", [*BACK, *FORWARD])
def test_a_waiting_job_has_as_much_time_left_as_before(cluster, clock, settings, seconds):
    jobs = cluster.jobs
    sweep(jobs)
    for name in "abc":
        jobs.submit(make_job_request(name))
    run_stage(jobs, "asr")
    clock.move(seconds)
    sweep(jobs)
    for name in "abc":
        job = jobs.get("default", name)
        assert job.state not in {State.EXPIRED, State.FAILED}
        assert job.deadline_at == pytest.approx(jobs.redis.zscore(f"{PREFIX}deadlines", job.name), abs=0.01)
        assert job.deadline_at - now(jobs) == pytest.approx(settings.deadline_s, abs=30)


def test_time_in_which_the_sweeps_went_on_counts(cluster, clock, settings):
    jobs = cluster.jobs
    jobs.submit(make_job_request("a"))
    sweep(jobs)
    deadline_at = jobs.get("default", "a").deadline_at
    for _ in range(3):
        clock.move(50)
        sweep(jobs)
    assert jobs.get("default", "a").deadline_at == deadline_at


@pytest.mark.parametrize("seconds", BACK)
def test_a_webhook_is_tried_again_when_it_should_be(cluster, clock, seconds):
    jobs = cluster.jobs
    sweep(jobs)
    jobs.submit(replace(make_job_request("a"), webhook="http://there", webhook_events=("job.transcribed",)))
    run_stage(jobs, "asr")
    (delivery,) = Deliveries(jobs).claim(DeliveryLimits(1, 1, 1), [], 9)
    Deliveries(jobs).write(delivery, Attempt(now(jobs), 1.0, 500), "waiting", 30)
    clock.move(seconds)
    sweep(jobs)
    clock.move(31)
    assert Deliveries(jobs).claim(DeliveryLimits(1, 1, 1), [], 9)


@pytest.mark.parametrize("seconds", BACK)
def test_a_dead_worker_does_not_count_as_ready_for_long(cluster, clock, settings, seconds):
    jobs = cluster.jobs
    register(jobs.redis, "asr", "dead", "ready", 3 * settings.sweep_s)
    clock.move(seconds)
    sweep(jobs)
    clock.move(3 * settings.sweep_s + 1)
    assert count_workers(jobs.redis)["asr"]["ready"] == 0


@pytest.mark.parametrize("seconds", BACK)
def test_a_turn_that_is_taken_ends(cluster, clock, seconds):
    assert take_turn(cluster.redis, "turn", 5)
    clock.move(seconds)
    assert not take_turn(cluster.redis, "turn", 5)
    clock.move(6)
    assert take_turn(cluster.redis, "turn", 5)
    assert not take_turn(cluster.redis, "turn", 5)


@pytest.mark.parametrize("seconds", [*BACK, *FORWARD])
def test_no_estimate_and_no_figure_is_out_of_reach(cluster, clock, settings, seconds):
    jobs = cluster.jobs
    for stage in ("asr", "llm", "tts"):
        register(jobs.redis, stage, "w", "ready", 10 * 400 * DAY_S)
    for name in ("a", "b"):
        jobs.submit(make_job_request(name, session=name))
    sweep(jobs)
    run_stage(jobs, "asr")
    job = claim_job(jobs, "asr")
    clock.move(seconds)
    assert jobs.complete("asr", job, RESULTS["asr"])[0]
    sweep(jobs)
    for stage in ("llm", "llm", "tts", "tts"):
        run_stage(jobs, stage)
    for stage in ("asr", "llm", "tts"):
        register(jobs.redis, stage, "w", "ready", 60)
    job = jobs.submit(make_job_request("c", session="c")).job
    assert 0 <= Estimator(jobs).estimate(job).eta_s <= 4 * (settings.stage_s + 1)
    for name in "ab":
        for timing in jobs.get("default", name).timings.values():
            assert 0 <= timing.ran_s <= settings.stage_s
    assert 0 <= float(jobs.redis.hget(f"{PREFIX}pace", "every")) <= HOUR_S


@pytest.mark.parametrize("seconds", BACK)
def test_a_slow_lane_is_served_after_its_time(cluster, clock, seconds):
    jobs = cluster.jobs
    jobs.submit(replace(make_job_request("slow", session="slow"), lane="bulk"))
    clock.move(seconds)
    for name in "ab":
        jobs.submit(make_job_request(name, session=name))
    sweep(jobs)
    clock.move(31)
    assert claim_job(jobs, "asr", WORKER).id == "slow"


def test_homework_that_is_due_in_the_far_future_is_no_problem(cluster, clock):
    due = 7_258_000_000.0  # in 2199
    Assignments(cluster.jobs).put(Assignment("hw", "default", "Homework", due=due), replace=False)
    request = replace(make_job_request("a"), assignment="hw", student="Ann", lane="homework", due=due)
    cluster.jobs.submit(request)
    clock.move(25 * HOUR_S)
    assert claim_job(cluster.jobs, "asr").id == "a"
    assert math.isfinite(cluster.jobs.redis.pttl(f"{PREFIX}assignment:default/hw"))
