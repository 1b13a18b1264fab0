"""Redis goes away and comes back: what was accepted is answered, what cannot be accepted is refused at once."""

import random
import time

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.redis_faults import expect_recovery, expect_refusals, many_learners
from tests.support.wait import wait_for

PLAN = Plan(settings={"orphan_s": 60})  # an upload waits with its recording for as long as Redis is silent
OUTAGE_S = 60
PAUSE_S = 5  # longer than a lease


def test_nothing_is_lost_when_redis_is_killed_under_load(cluster, client):
    enough = len(client.accepted) + 15
    with many_learners(cluster, 50):
        wait_for(lambda: len(client.accepted) >= enough)
        cluster.restart("redis")
        expect_recovery(cluster)


def test_redis_may_be_gone_for_a_minute(cluster, client, orders):
    answered = client.submit(session="answered")
    client.expect_success(answered)
    hearing = client.new_utterance()
    orders.give("asr", hearing, "slow 1")
    waiting = [
        client.submit(utterance, session="patient")
        for utterance in (hearing, *(client.new_utterance() for _ in range(9)))
    ]
    cluster["redis"].kill()
    until = time.monotonic() + OUTAGE_S
    while time.monotonic() < until:
        expect_refusals(client, answered)
        time.sleep(1)
    assert all(each.alive for each in cluster.select("api", "asr", "llm", "tts", "maintenance"))
    cluster.start("redis")
    expect_recovery(cluster)
    for turn in waiting:
        client.expect_success(turn)


def test_every_worker_takes_work_after_twenty_restarts_of_redis(cluster, client):
    gaps = random.Random(8030)
    with many_learners(cluster, 60, every_s=0.5):
        for _ in range(20):
            cluster.restart("redis")
            time.sleep(gaps.uniform(0.1, 3))
    expect_recovery(cluster)


def test_a_redis_that_is_silent_for_longer_than_a_lease_costs_no_answer(cluster, client, orders):
    utterance = client.new_utterance()
    orders.give("llm", utterance, "slow 1")
    turn = client.submit(utterance)
    cluster.wait_for_worker("llm", utterance)
    cluster.redis.client_pause(PAUSE_S * 1000, all=True)
    with many_learners(cluster, 10):
        wait_for(cluster.redis.ping)
    client.expect_success(turn)
    expect_recovery(cluster)


@pytest.mark.parametrize("kind", ["normal", "pubsub"])
def test_broken_connections_are_opened_again(cluster, client, kind):
    with many_learners(cluster, 20):
        for _ in range(5):
            cluster.redis.client_kill_filter(_type=kind)
            time.sleep(0.2)
    expect_recovery(cluster)
