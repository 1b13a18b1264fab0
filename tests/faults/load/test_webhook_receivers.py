"""Webhooks in trouble: each event is delivered at least once, under one id, and no job waits for it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.webhooks.outbox import Deliveries, load_secrets
from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for
from tests.support.webhook_receiver import Receiver, run_receiver

PLAN = Plan(settings={"webhook_networks": "127.0.0.0/8", "webhook_s": 6, "shutdown_s": 10})
JOBS, LEARNERS = 200, 8


@pytest.fixture
def receiver():
    with run_receiver() as receiver:
        yield receiver


def list_deliveries(cluster, turn) -> list:
    return Deliveries(cluster.jobs).list_for_job(cluster.jobs.get("default", turn.id))


def is_delivered(cluster, turn) -> bool:
    return all(each.state == "delivered" for each in list_deliveries(cluster, turn))


def test_the_result_of_a_job_is_notified_and_signed(cluster, client, receiver):
    turn = client.submit(webhook=receiver.url, webhook_events="job.transcribed,job.succeeded")
    client.expect_success(turn)
    wait_for(lambda: len(receiver.requests) == 2)
    (secret,) = load_secrets(cluster.redis, "default")
    got = [each.verify(secret) for each in receiver.requests]
    assert {each["type"] for each in got} == {"job.transcribed", "job.succeeded"}
    assert {each["data"]["id"] for each in got} == {turn.id}
    assert b"canary" not in b"".join(each.body for each in receiver.requests)


def test_a_delivery_is_repeated_under_the_same_id_after_its_worker_was_killed(cluster, client, receiver):
    receiver.hangs.set()
    turn = client.submit(webhook=receiver.url)
    wait_for(lambda: receiver.requests)
    cluster["maintenance1"].kill()
    receiver.hangs.clear()
    cluster.start("maintenance1")
    wait_for(lambda: is_delivered(cluster, turn))
    assert len(receiver.requests) == 2
    assert len({each.id for each in receiver.requests}) == 1


def test_a_worker_that_is_stopped_finishes_the_deliveries_that_are_open(cluster, client, receiver):
    receiver.hangs.set()
    turn = client.submit(webhook=receiver.url)
    wait_for(lambda: receiver.requests)
    cluster["maintenance1"].stop()
    time.sleep(2.5)
    receiver.hangs.clear()
    cluster["maintenance1"].wait_for_exit(30)
    assert is_delivered(cluster, turn)
    assert len(receiver.requests) == 1


def test_events_are_notified_once_a_maintenance_worker_runs(cluster, client, receiver):
    cluster["maintenance1"].kill()
    turn = [client.submit(webhook=receiver.url) for _ in range(3)]
    for each in turn:
        client.expect_success(each)
    cluster.redis.delete("waijiao:celery:maintenance")  # and their messages are lost
    cluster.start("maintenance1")
    wait_for(lambda: all(is_delivered(cluster, each) for each in turn))
    assert len(receiver.requests) == 3


def test_a_receiver_that_was_down_is_notified_later(cluster, client, receiver):
    receiver.close()
    turn = client.submit(webhook=receiver.url)
    client.expect_success(turn)
    wait_for(lambda: (each := list_deliveries(cluster, turn)) and each[0].attempts)
    assert list_deliveries(cluster, turn)[0].state == "waiting"
    back = Receiver(port=receiver.port)
    try:
        wait_for(lambda: is_delivered(cluster, turn))
    finally:
        back.close()
    assert len(back.requests) == 1


def test_two_hundred_jobs_whose_receiver_hangs_are_answered_without_delay(cluster, client, receiver):
    receiver.hangs.set()
    with ThreadPoolExecutor(LEARNERS) as learners:
        submissions = [learners.submit(client.submit, typed=True, webhook=receiver.url) for _ in range(JOBS)]
        for each in submissions:
            client.expect_success(each.result(), seconds=120)
    assert receiver.hangs.is_set()
    assert not any(is_delivered(cluster, each.result()) for each in submissions)
    assert "takes no messages" not in cluster["maintenance1"].output()  # it is at work, whatever waits
    receiver.hangs.clear()
