"""Workers and messages that come late: outdated results are refused, and nothing is done twice."""

import os
import signal

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(workers={"asr": 2, "llm": 2, "tts": 2, "maintenance": 1}, visibility_s=1, settings={"stage_s": 30})
STAGES = ("asr", "llm", "tts")


@pytest.mark.parametrize("kind", STAGES)
def test_a_worker_that_slept_longer_than_its_lease_is_refused(cluster, client, orders, kind):
    utterance = client.new_utterance()
    orders.give(kind, utterance, "wait")
    turn = client.submit(utterance)
    sleeper = cluster.wait_for_worker(kind, utterance)
    sleeper.freeze()
    answered = client.expect_success(turn)
    assert answered["attempts"][kind] == 2
    orders.withdraw(utterance)
    orders.give(sleeper.name, "after_complete", "slow 0")
    sleeper.thaw()
    wait_for(lambda: orders.was_met("after_complete"))
    assert client.get_job(turn) == answered


@pytest.mark.parametrize("kind", STAGES)
def test_a_late_result_is_refused_while_another_worker_runs_the_job(cluster, client, orders, kind):
    utterance = client.new_utterance()
    orders.give(kind, utterance, "stop")
    orders.give(kind, utterance, "wait")
    turn = client.submit(utterance)
    wait_for(lambda: len(orders.find_runs(kind, utterance)) == 2)
    before, (late, _) = client.get_job(turn), orders.find_runs(kind, utterance)
    orders.give(late["name"], "after_complete", "slow 0")
    os.kill(late["pid"], signal.SIGCONT)
    wait_for(lambda: orders.was_met("after_complete"))
    assert {**client.get_job(turn), "eta_seconds": before["eta_seconds"]} == before  # an estimate changes with time
    orders.withdraw(utterance)
    assert client.expect_success(turn)["attempts"][kind] == 2


def test_a_worker_that_slept_before_it_recorded_its_answer_is_refused(cluster, client, orders):
    utterance = client.new_utterance()
    orders.give("tts", "before_complete", "wait")
    turn = client.submit(utterance)
    sleeper = cluster.wait_for_worker("tts", utterance)
    wait_for(lambda: orders.was_met("before_complete"))
    sleeper.freeze()
    answered = client.expect_success(turn)
    orders.withdraw("before_complete")
    orders.give(sleeper.name, "after_complete", "slow 0")
    sleeper.thaw()
    wait_for(lambda: orders.was_met("after_complete"))
    assert client.get_job(turn) == answered


@pytest.mark.parametrize("kind", STAGES)
def test_a_stage_longer_than_its_lease_runs_once(client, orders, kind):
    utterance = client.new_utterance()
    orders.give(kind, utterance, "slow 3")
    assert client.expect_success(client.submit(utterance))["attempts"][kind] == 1
    assert len(orders.find_runs(kind, utterance)) == 1


@pytest.mark.parametrize("kind", STAGES)
def test_a_stage_longer_than_the_visibility_timeout_runs_once(cluster, client, orders, kind):
    utterance = client.new_utterance()
    orders.give(kind, utterance, "wait")
    turn = client.submit(utterance)
    busy = cluster.wait_for_worker(kind, utterance)
    (idle,) = (each for each in cluster.select(kind) if each is not busy)
    for point in ("after_claim", "before_ack"):
        orders.give(idle.name, point, "slow 0")
    wait_for(lambda: orders.was_met("before_ack"))  # it got the message as well, and found nothing to do
    orders.withdraw(utterance)
    assert client.expect_success(turn)["attempts"][kind] == 1
    assert len(orders.find_runs(kind, utterance)) == 1
