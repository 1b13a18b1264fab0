"""Messages and replies that are lost on the way: the sweep rings again, and what was done already is not done twice."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(proxied=True)
ALL_ONCE = {"asr": 1, "llm": 1, "tts": 1}


def test_a_message_that_vanished_from_its_queue_is_sent_again(house, client):
    for worker in house.all("asr"):
        worker.kill()
    said = client.say()
    wait_for(lambda: house.redis.lpop("waijiao:celery:asr"))
    house.start("asr1", "asr2")
    assert client.succeeded(said)["attempts"] == ALL_ONCE


@pytest.mark.parametrize("task", ["asr.transcribe", "llm.answer", "tts.speak"])
def test_a_message_lost_on_its_way_to_the_worker_is_sent_again(house, client, task):
    house.proxy.cut_reply(b"BRPOP", task.encode())
    assert client.succeeded(client.say())["attempts"] == ALL_ONCE
    assert house.proxy.cuts


def test_a_post_whose_reply_is_lost_is_one_job_when_it_comes_again(house, client):
    n, cuts, more = (
        client.utterance(),
        house.proxy.cuts,
        {"session": "insisting", "headers": {"Idempotency-Key": "one"}},
    )
    house.proxy.cut_reply(house.jobs.scripts["submit"].sha.encode())
    if client.post(n, **more).status_code != 202:
        client.say(n, **more)
    (turn,) = client.turns("insisting")
    assert client.ended(turn["id"])["attempts"] == ALL_ONCE
    assert house.proxy.cuts == cuts + 1


@pytest.mark.parametrize("script", ["claim", "complete"])
def test_a_step_whose_reply_is_lost_is_not_done_twice(house, client, script):
    cuts = house.proxy.cuts
    house.proxy.cut_reply(house.jobs.scripts[script].sha.encode())
    said = client.say(session=f"unanswered-{script}")
    assert client.succeeded(said)["attempts"] == ALL_ONCE
    assert [turn["id"] for turn in client.turns(said.session)] == [said.id]
    assert house.proxy.cuts == cuts + 1


def test_a_failure_whose_reply_is_lost_counts_once(house, client, orders):
    n, cuts = client.utterance(), house.proxy.cuts
    orders.give("llm", n, "fail", times=2)
    house.proxy.cut_reply(house.jobs.scripts["fail"].sha.encode())
    assert client.succeeded(client.say(n))["attempts"] == {"asr": 1, "llm": 3, "tts": 1}
    assert house.proxy.cuts == cuts + 1
