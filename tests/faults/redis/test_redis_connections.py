"""Connections to Redis that break, go silent or lose a reply: nothing hangs, nothing is done twice."""

import time

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.redis_faults import expect_recovery, expect_refusals, many_learners
from tests.support.wait import wait_for

PLAN = Plan(proxied=True, settings={"orphan_s": 60})
HOLE_S, RESETS_S = 30, 10
ALL_ONCE = {"asr": 1, "llm": 1, "tts": 1}


def test_nothing_hangs_when_the_network_drops_everything(cluster, client):
    answered, waiting = client.submit(session="answered"), [client.submit() for _ in range(5)]
    client.expect_success(answered)
    cluster.keep_alive()
    cluster.proxy.suspend()
    until = time.monotonic() + HOLE_S
    while time.monotonic() < until:
        expect_refusals(client, answered)
    cluster.proxy.resume()
    expect_recovery(cluster)
    for turn in waiting:
        client.expect_success(turn)


def test_constantly_broken_connections_repeat_no_work(cluster, client):
    with many_learners(cluster, 50, every_s=0.2):
        for _ in range(RESETS_S * 5):
            time.sleep(0.2)
            cluster.proxy.reset()
    expect_recovery(cluster)


@pytest.mark.parametrize("stage", ["asr", "llm", "tts"])
def test_a_claim_whose_reply_is_lost_counts_once(cluster, client, stage):
    dropped = cluster.proxy.dropped_replies
    cluster.proxy.drop_reply(f'{{"stage": "{stage}", "worker": '.encode(), reply=b"attempts:")
    assert client.expect_success(client.submit())["attempts"] == ALL_ONCE
    assert cluster.proxy.dropped_replies == dropped + 1


@pytest.mark.parametrize("result", ["transcript", "feedback", "answer"])
def test_a_result_whose_reply_is_lost_is_stored_once(cluster, client, result):
    dropped = cluster.proxy.dropped_replies
    cluster.proxy.drop_reply(f'"field": "{result}", "value": '.encode())
    turn = client.submit()
    job = client.expect_success(turn)
    assert job["attempts"] == ALL_ONCE
    assert cluster.proxy.dropped_replies == dropped + 1
    assert wait_for(lambda: len(cluster.list_blobs(turn)) == len(job["parts"]) + (len(job["parts"]) > 1))
