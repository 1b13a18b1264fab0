"""The clock of the whole machine is set back an hour, or goes forward a day since a laptop slept, in mid job.

Redis, the API and the workers run on, and all see the other time at once.
"""

import time

import pytest

from pipeline.api_keys import Keys, Limits
from pipeline.worker.registry import count_workers
from tests.faults.harness.cluster_plan import Plan
from tests.support.redis_clock import ClusterClock
from tests.support.wait import wait_for

# The clock moves by eight days in all, in which no job may be forgotten.
SETTINGS = {"stage_s": 30, "retention_h": 30 * 24}
PLAN = Plan(workers={"asr": 2, "llm": 2, "tts": 2, "maintenance": 1}, apis=2, settings=SETTINGS)
STAGES = ("asr", "llm", "tts")
HOUR_S, DAY_S = 3600, 86_400
MOVES = [-HOUR_S, DAY_S]
PROMISE_S = 20  # seconds after which work that was interrupted goes on: a lease, a sweep, and a busy machine
SWEEPS_S = 1.5  # seconds in which several sweeps see the other time


@pytest.fixture(scope="module")
def clocks() -> dict[int, ClusterClock]:
    """The clock of each cluster that this module has used."""
    return {}


@pytest.fixture
def clock(cluster, clocks, tmp_path_factory) -> ClusterClock:
    if id(cluster) not in clocks:
        cluster["api2"].environment["WAIJIAO_KEYS"] = "true"
        clocks[id(cluster)] = ClusterClock(cluster, tmp_path_factory.mktemp("clock"))
    return clocks[id(cluster)]


@pytest.mark.parametrize("seconds", MOVES)
def test_all_processes_see_the_other_time(cluster, clock, client, seconds):
    before = cluster.redis.time()[0]
    clock.move(seconds)
    assert cluster.redis.time()[0] - before == pytest.approx(seconds, abs=60)
    assert client.ask("GET", "/healthz").headers["Date"] != ""
    turn = client.submit()
    created_at = client.expect_success(turn)["created_at"]
    assert created_at[:13] == time.strftime("%Y-%m-%dT%H", time.gmtime(cluster.redis.time()[0]))


@pytest.mark.parametrize("seconds", MOVES)
@pytest.mark.parametrize("kind", STAGES)
def test_a_job_that_runs_and_those_that_wait_are_answered(cluster, clock, client, orders, kind, seconds):
    running = cluster.submit_and_hold(kind, session=f"running-{kind}{seconds}")
    waiting = [client.submit(session=f"running-{kind}{seconds}") for _ in range(2)]
    others = [client.submit() for _ in range(3)]
    clock.move(seconds)
    time.sleep(SWEEPS_S)
    orders.withdraw(running.utterance)
    for turn in (running, *waiting, *others):
        client.expect_success(turn, PROMISE_S)
    assert client.get_job(running)["attempts"][kind] <= 2


@pytest.mark.parametrize("seconds", MOVES)
@pytest.mark.parametrize("kind", STAGES)
def test_the_job_of_a_worker_that_dies_then_is_taken_over(cluster, clock, client, orders, kind, seconds):
    turn = cluster.submit_and_hold(kind)
    worker = cluster.wait_for_worker(kind, turn.utterance)
    clock.move(seconds)
    worker.kill()
    orders.withdraw(turn.utterance)
    client.expect_success(turn, PROMISE_S)


@pytest.mark.parametrize("seconds", [-HOUR_S, HOUR_S])
def test_a_key_s_rate_is_limited_for_no_longer_than_a_minute(cluster, clock, client, seconds):
    _, text = Keys(cluster.redis).create("default", "teacher", "Ms Li", Limits(per_minute=2))
    headers = {"Authorization": f"Bearer {text}"}
    statuses = [client.post(typed=True, api=2, headers=headers).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]
    clock.move(seconds)
    answer = client.post(typed=True, api=2, headers=headers)
    assert answer.status_code == 202 or int(answer.headers["Retry-After"]) <= 61
    cluster.redis.delete(*cluster.redis.scan_iter("waijiao:key*"))


@pytest.mark.parametrize("seconds", MOVES)
def test_a_dead_worker_does_not_count_as_ready(cluster, clock, seconds):
    cluster["asr2"].kill()
    clock.move(seconds)
    wait_for(lambda: count_workers(cluster.redis).get("asr", {}).get("ready") == 1, PROMISE_S)
