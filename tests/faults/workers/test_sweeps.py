"""The sweep in every worker: run twice, killed half-way, or alone, it finds what is lost and repeats nothing."""

import threading
import time

import pytest

from pipeline.worker.bootsteps import MAX_WAITING_MESSAGES, SWEEPING
from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(settings={"lease_s": 5})  # no job is to be done twice because the machine is busy
STAGES = ("asr", "llm", "tts")


def test_many_sweeps_at_once_do_what_one_does(cluster, client, orders):
    done = threading.Event()

    def let_all_sweep() -> None:
        while not done.is_set():
            cluster.redis.delete(SWEEPING)
            for stage in STAGES:
                cluster.redis.lpop(f"waijiao:celery:{stage}")

    disorder = threading.Thread(target=let_all_sweep)
    disorder.start()
    try:
        turn = [client.submit(session=f"crowd-{number % 3}") for number in range(12)]
        jobs = [client.expect_success(each, seconds=60) for each in turn]
    finally:
        done.set()
        disorder.join()
    assert all(job["attempts"] == {"asr": 1, "llm": 1, "tts": 1} for job in jobs)
    assert all(len(orders.find_runs(stage, each.utterance)) == 1 for stage in STAGES for each in turn)


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
def test_messages_of_maintenance_do_not_pile_up_while_nobody_takes_them(cluster, client, trouble):
    worker, queue = cluster["maintenance1"], "waijiao:celery:maintenance"
    worker.kill() if trouble == "killed" else worker.freeze()
    before = cluster.redis.llen(queue)
    wait_for(lambda: cluster.redis.llen(queue) >= MAX_WAITING_MESSAGES, seconds=60)
    tidying_s = cluster.settings.orphan_s / 4
    time.sleep(5 * tidying_s)
    assert cluster.redis.llen(queue) <= max(before, MAX_WAITING_MESSAGES)
    cluster.start("maintenance1") if trouble == "killed" else worker.thaw()
    client.expect_success(client.submit())
    wait_for(lambda: cluster.redis.llen(queue) < MAX_WAITING_MESSAGES / 2, seconds=90)


def test_a_sweep_that_dies_half_way_is_done_again_by_others(cluster, client, orders):
    for worker in cluster.select("asr"):
        worker.kill()
    turn = [client.submit() for _ in range(3)]
    cluster.redis.delete("waijiao:celery:asr")
    orders.give("llm1", "after_sweep", "die_all")

    def died_in_its_turn() -> bool:
        cluster.redis.delete(
            SWEEPING
        )  # else a worker whose timer always ticks just before llm1's keeps the turn from it
        return not cluster["llm1"].alive

    wait_for(died_in_its_turn)
    cluster.start("llm1", "asr1", "asr2")
    for each in turn:
        client.expect_success(each)
