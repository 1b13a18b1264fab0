"""Redis goes away and comes back: what was accepted is answered, what cannot be accepted is refused at once."""

import random
import time

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.redis_faults import crowd, everybody_works_again, everything_is_refused
from tests.support.wait import wait_for

PLAN = Plan(settings={"orphan_s": 60})  # an upload waits with its recording for as long as Redis is silent
OUTAGE_S = 60
PAUSE_S = 5  # longer than a lease


def test_nothing_is_lost_when_redis_is_killed_under_load(house, client):
    enough = len(client.accepted) + 15
    with crowd(house, 50):
        wait_for(lambda: len(client.accepted) >= enough)
        house.restart("redis")
        everybody_works_again(house)


def test_redis_may_be_gone_for_a_minute(house, client, orders):
    answered = client.say(session="answered")
    client.succeeded(answered)
    hearing = client.utterance()
    orders.give("asr", hearing, "slow 1")
    waiting = [client.say(n, session="patient") for n in (hearing, *(client.utterance() for _ in range(9)))]
    house["redis"].kill()
    until = time.monotonic() + OUTAGE_S
    while time.monotonic() < until:
        everything_is_refused(client, answered)
        time.sleep(1)
    assert all(each.alive for each in house.all("api", "asr", "llm", "tts", "maintenance"))
    house.start("redis")
    everybody_works_again(house)
    for said in waiting:
        client.succeeded(said)


def test_no_worker_stays_deaf_after_twenty_restarts(house, client):
    gaps = random.Random(8030)
    with crowd(house, 60, every_s=0.5):
        for _ in range(20):
            house.restart("redis")
            time.sleep(gaps.uniform(0.1, 3))
    everybody_works_again(house)


def test_a_redis_that_is_silent_for_longer_than_a_lease_costs_no_answer(house, client, orders):
    n = client.utterance()
    orders.give("llm", n, "slow 1")
    said = client.say(n)
    house.worker_with("llm", n)
    house.redis.client_pause(PAUSE_S * 1000, all=True)
    with crowd(house, 10):
        wait_for(house.redis.ping)
    client.succeeded(said)
    everybody_works_again(house)


@pytest.mark.parametrize("kind", ["normal", "pubsub"])
def test_broken_connections_are_made_anew(house, client, kind):
    with crowd(house, 20):
        for _ in range(5):
            house.redis.client_kill_filter(_type=kind)
            time.sleep(0.2)
    everybody_works_again(house)
