"""Connections to Redis that break, go silent or lose a reply: nothing hangs, nothing is done twice."""

import time

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.redis_faults import crowd, everybody_works_again, everything_is_refused
from tests.support.wait import wait_for

PLAN = Plan(proxied=True, settings={"orphan_s": 60})
HOLE_S, RESETS_S = 30, 10
ALL_ONCE = {"asr": 1, "llm": 1, "tts": 1}


def test_a_network_that_swallows_everything_makes_nothing_hang(house, client):
    answered, waiting = client.say(session="answered"), [client.say() for _ in range(5)]
    client.succeeded(answered)
    house.keep_alive()
    house.proxy.black_hole()
    until = time.monotonic() + HOLE_S
    while time.monotonic() < until:
        everything_is_refused(client, answered)
    house.proxy.flow()
    everybody_works_again(house)
    for said in waiting:
        client.succeeded(said)


def test_connections_that_break_all_the_time_double_nothing(house, client):
    with crowd(house, 50, every_s=0.2):
        for _ in range(RESETS_S * 5):
            time.sleep(0.2)
            house.proxy.reset()
    everybody_works_again(house)


@pytest.mark.parametrize("stage", ["asr", "llm", "tts"])
def test_a_claim_whose_reply_is_lost_counts_once(house, client, stage):
    cuts = house.proxy.cuts
    house.proxy.cut_reply(f'{{"stage": "{stage}", "worker": '.encode(), reply=b"attempts:")
    assert client.succeeded(client.say())["attempts"] == ALL_ONCE
    assert house.proxy.cuts == cuts + 1


@pytest.mark.parametrize("result", ["transcript", "feedback", "answer"])
def test_a_result_whose_reply_is_lost_is_kept_once(house, client, result):
    cuts = house.proxy.cuts
    house.proxy.cut_reply(f'"field": "{result}", "value": '.encode())
    said = client.say()
    job = client.succeeded(said)
    assert job["attempts"] == ALL_ONCE
    assert house.proxy.cuts == cuts + 1
    assert wait_for(lambda: len(house.kept(said)) == len(job["parts"]) + 1)
