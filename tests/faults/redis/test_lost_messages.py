"""Messages and replies that are lost on the way: the sweep sends again, and nothing is done twice."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(proxied=True)
ALL_ONCE = {"asr": 1, "llm": 1, "tts": 1}


def test_a_message_that_vanished_from_its_queue_is_sent_again(cluster, client):
    for worker in cluster.select("asr"):
        worker.kill()
    turn = client.submit()
    wait_for(lambda: cluster.redis.lpop("waijiao:celery:asr"))
    cluster.start("asr1", "asr2")
    assert client.expect_success(turn)["attempts"] == ALL_ONCE


@pytest.mark.parametrize("task", ["asr.transcribe", "llm.answer", "tts.speak"])
def test_a_message_lost_on_its_way_to_the_worker_is_sent_again(cluster, client, task):
    cluster.proxy.drop_reply(b"BRPOP", task.encode())
    assert client.expect_success(client.submit())["attempts"] == ALL_ONCE
    assert cluster.proxy.dropped_replies


def test_a_repeated_request_whose_reply_was_lost_is_one_job(cluster, client):
    utterance, dropped, more = (
        client.new_utterance(),
        cluster.proxy.dropped_replies,
        {"session": "insisting", "headers": {"Idempotency-Key": "one"}},
    )
    cluster.proxy.drop_reply(cluster.jobs.scripts["submit"].sha.encode())
    if client.post(utterance, **more).status_code != 202:
        client.submit(utterance, **more)
    (record,) = client.get_turns("insisting")
    assert client.wait_until_ended(record["id"])["attempts"] == ALL_ONCE
    assert cluster.proxy.dropped_replies == dropped + 1


@pytest.mark.parametrize("script", ["claim", "complete"])
def test_a_step_whose_reply_is_lost_is_not_done_twice(cluster, client, script):
    dropped = cluster.proxy.dropped_replies
    cluster.proxy.drop_reply(cluster.jobs.scripts[script].sha.encode())
    turn = client.submit(session=f"unanswered-{script}")
    assert client.expect_success(turn)["attempts"] == ALL_ONCE
    assert [record["id"] for record in client.get_turns(turn.session)] == [turn.id]
    assert cluster.proxy.dropped_replies == dropped + 1


def test_a_failure_whose_reply_is_lost_counts_once(cluster, client, orders):
    utterance, dropped = client.new_utterance(), cluster.proxy.dropped_replies
    orders.give("llm", utterance, "fail", times=2)
    cluster.proxy.drop_reply(cluster.jobs.scripts["fail"].sha.encode())
    assert client.expect_success(client.submit(utterance))["attempts"] == {"asr": 1, "llm": 3, "tts": 1}
    assert cluster.proxy.dropped_replies == dropped + 1
