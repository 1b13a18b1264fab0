"""Webhooks in trouble: what happened is told at least once, under one id, and no job waits for it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.webhooks.outbox import Deliveries, load_secrets
from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for
from tests.support.webhook_receiver import Receiver, receiving

PLAN = Plan(settings={"webhook_networks": "127.0.0.0/8", "webhook_s": 3})
MANY, LEARNERS = 200, 8


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def told(house, said) -> list:
    return Deliveries(house.jobs).list_for_job(house.jobs.get("default", said.id))


def delivered(house, said) -> bool:
    return all(each.state == "delivered" for each in told(house, said))


def test_what_a_job_came_to_is_told_and_signed(house, client, receiver):
    said = client.say(webhook=receiver.url, webhook_events="job.transcribed,job.succeeded")
    client.succeeded(said)
    wait_for(lambda: len(receiver.told) == 2)
    (secret,) = load_secrets(house.redis, "default")
    got = [each.verified(secret) for each in receiver.told]
    assert {each["type"] for each in got} == {"job.transcribed", "job.succeeded"}
    assert {each["data"]["id"] for each in got} == {said.id}
    assert b"canary" not in b"".join(each.body for each in receiver.told)


def test_a_worker_killed_while_it_delivers_delivers_again_under_the_same_id(house, client, receiver):
    receiver.hangs.set()
    said = client.say(webhook=receiver.url)
    wait_for(lambda: receiver.told)
    house["maintenance1"].kill()
    receiver.hangs.clear()
    house.start("maintenance1")
    wait_for(lambda: delivered(house, said))
    assert len(receiver.told) == 2
    assert len({each.id for each in receiver.told}) == 1


def test_events_of_the_time_without_a_chores_worker_are_told_when_there_is_one(house, client, receiver):
    house["maintenance1"].kill()
    said = [client.say(webhook=receiver.url) for _ in range(3)]
    for each in said:
        client.succeeded(each)
    house.redis.delete("waijiao:celery:maintenance")  # and their bells are lost
    house.start("maintenance1")
    wait_for(lambda: all(delivered(house, each) for each in said))
    assert len(receiver.told) == 3


def test_a_receiver_that_was_down_for_a_while_is_told_later(house, client, receiver):
    receiver.close()
    said = client.say(webhook=receiver.url)
    client.succeeded(said)
    wait_for(lambda: (each := told(house, said)) and each[0].attempts)
    assert told(house, said)[0].state == "waiting"
    back = Receiver(port=receiver.port)
    try:
        wait_for(lambda: delivered(house, said))
    finally:
        back.close()
    assert len(back.told) == 1


def test_two_hundred_jobs_whose_receiver_hangs_are_answered_as_if_there_were_none(house, client, receiver):
    receiver.hangs.set()
    with ThreadPoolExecutor(LEARNERS) as learners:
        say = [learners.submit(client.say, typed=True, webhook=receiver.url) for _ in range(MANY)]
        for each in say:
            client.succeeded(each.result(), seconds=120)
    assert receiver.hangs.is_set()
    assert not any(delivered(house, each.result()) for each in say)
    receiver.hangs.clear()
