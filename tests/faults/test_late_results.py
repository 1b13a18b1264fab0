"""Workers and messages that come late: results that nobody waits for are refused, and nothing is done twice."""

import os
import signal

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(workers={"asr": 2, "llm": 2, "tts": 2, "maintenance": 1}, visibility_s=1, settings={"stage_s": 30})
STAGES = ("asr", "llm", "tts")


@pytest.mark.parametrize("kind", STAGES)
def test_a_worker_that_slept_longer_than_its_lease_is_refused(house, client, orders, kind):
    n = client.utterance()
    orders.give(kind, n, "wait")
    said = client.say(n)
    sleeper = house.worker_with(kind, n)
    sleeper.freeze()
    answered = client.succeeded(said)
    assert answered["attempts"][kind] == 2
    orders.withdraw(n)
    orders.give(sleeper.name, "after_complete", "slow 0")
    sleeper.thaw()
    wait_for(lambda: orders.obeyed("after_complete"))
    assert client.job(said) == answered


@pytest.mark.parametrize("kind", STAGES)
def test_a_late_result_is_refused_while_another_worker_is_at_it(house, client, orders, kind):
    n = client.utterance()
    orders.give(kind, n, "stop")
    orders.give(kind, n, "wait")
    said = client.say(n)
    wait_for(lambda: len(orders.runs(kind, n)) == 2)
    before, (late, _) = client.job(said), orders.runs(kind, n)
    orders.give(late["name"], "after_complete", "slow 0")
    os.kill(late["pid"], signal.SIGCONT)
    wait_for(lambda: orders.obeyed("after_complete"))
    assert client.job(said) == before
    orders.withdraw(n)
    assert client.succeeded(said)["attempts"][kind] == 2


def test_a_worker_that_slept_before_it_recorded_its_answer_is_refused(house, client, orders):
    n = client.utterance()
    orders.give("tts", "before_complete", "wait")
    said = client.say(n)
    sleeper = house.worker_with("tts", n)
    wait_for(lambda: orders.obeyed("before_complete"))
    sleeper.freeze()
    answered = client.succeeded(said)
    orders.withdraw("before_complete")
    orders.give(sleeper.name, "after_complete", "slow 0")
    sleeper.thaw()
    wait_for(lambda: orders.obeyed("after_complete"))
    assert client.job(said) == answered


@pytest.mark.parametrize("kind", STAGES)
def test_a_stage_longer_than_its_lease_runs_once(client, orders, kind):
    n = client.utterance()
    orders.give(kind, n, "slow 3")
    assert client.succeeded(client.say(n))["attempts"][kind] == 1
    assert len(orders.runs(kind, n)) == 1


@pytest.mark.parametrize("kind", STAGES)
def test_a_stage_longer_than_the_visibility_timeout_runs_once(house, client, orders, kind):
    n = client.utterance()
    orders.give(kind, n, "wait")
    said = client.say(n)
    busy = house.worker_with(kind, n)
    (idle,) = (each for each in house.all(kind) if each is not busy)
    for place in ("after_claim", "before_ack"):
        orders.give(idle.name, place, "slow 0")
    wait_for(lambda: orders.obeyed("before_ack"))  # it got the message as well, and found nothing to do
    orders.withdraw(n)
    assert client.succeeded(said)["attempts"][kind] == 1
    assert len(orders.runs(kind, n)) == 1
