"""Processes that are told to stop: each ends in time, and what it has in hand is finished or handed back."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.load import patiently, steady_load
from tests.support.wait import wait_for

PLAN = Plan(apis=2, settings={"stage_s": 30, "lease_s": 5})  # all is handed back before its time is over
STAGES = ("asr", "llm", "tts")
GRACE_S = 60  # shutdown_s of processes that shall not need it
SOON_S = 20  # seconds in which a process ends that has nothing to do; on a machine that does nothing else, one
IN_TIME_S = 20  # shutdown_s, the 3 s that handing back may take, and patience with a busy machine


@pytest.mark.parametrize("kind", STAGES)
def test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand(house, client, orders, kind):
    said = house.held(kind)
    worker = house.worker_with(kind, said.n)
    worker.stop()
    orders.withdraw(said.n)
    assert worker.ended(IN_TIME_S) == 0
    house.start(worker.name)
    assert client.succeeded(said)["attempts"] == dict.fromkeys(STAGES, 1)
    assert len(orders.runs(kind, said.n)) == 1


@pytest.mark.parametrize("kind", STAGES)
def test_work_that_takes_longer_than_the_grace_goes_to_another_worker_unharmed(house, client, orders, kind):
    said = house.held(kind)
    worker = house.worker_with(kind, said.n)
    worker.stop()
    assert worker.ended(IN_TIME_S) == 0
    house.start(worker.name)
    assert client.succeeded(said)["attempts"] == dict.fromkeys(STAGES, 1)
    assert len(orders.runs(kind, said.n)) == 2


def test_a_result_that_comes_after_the_work_was_handed_back_is_refused(house, client, orders):
    said = house.held("asr")
    worker = house.worker_with("asr", said.n)
    orders.give(worker.name, "after_release", "slow 2")
    orders.give(worker.name, "after_complete", "wait")
    worker.stop()
    wait_for(lambda: orders.obeyed("after_release"))
    answered = client.succeeded(said)  # by the other one
    orders.withdraw(said.n)
    wait_for(lambda: orders.obeyed("after_complete"))
    assert worker.ended(IN_TIME_S) == 0
    assert client.job(said) == answered
    assert answered["attempts"] == dict.fromkeys(STAGES, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_everything_that_is_told_to_stop_at_once_ends_and_loses_nothing(house, client, number):
    """As Ctrl-C in a terminal does: every process of every group gets the signal."""
    held = [house.held(kind) for kind in reversed(STAGES)] + [client.say() for _ in range(3)]
    for each in house.all("api", *STAGES, "maintenance"):
        each.signal(number)
    assert {each.name: each.ended(IN_TIME_S) for each in house.all("api", *STAGES, "maintenance")} == dict.fromkeys(
        [each.name for each in house.all("api", *STAGES, "maintenance")], 0
    )
    house.heal()
    for said in held:
        assert client.succeeded(said)["attempts"] == dict.fromkeys(STAGES, 1)


def test_an_idle_house_ends_soon(house):
    everything = house.all("api", *STAGES, "maintenance")
    for each in everything:
        each.environment["WAIJIAO_SHUTDOWN_S"] = str(GRACE_S)
    house.restart(*(each.name for each in everything))
    told = time.monotonic()
    for each in everything:
        each.stop()
        each.environment["WAIJIAO_SHUTDOWN_S"] = str(house.settings.shutdown_s)
    assert [each.ended(GRACE_S) for each in everything] == [0] * len(everything)
    assert time.monotonic() - told < SOON_S


@pytest.mark.parametrize("trouble", ["kill", "freeze"])
def test_everything_ends_in_time_although_redis_is_gone_or_silent(house, client, trouble):
    held = [house.held(kind) for kind in reversed(STAGES)]
    getattr(house["redis"], trouble)()
    for each in house.all("api", *STAGES, "maintenance"):
        each.stop()
    for each in house.all("api", *STAGES, "maintenance"):
        assert each.ended(IN_TIME_S) == 0
    house.heal()
    for said in held:
        client.succeeded(said)


def test_an_api_that_is_told_to_stop_answers_the_requests_it_has(house, client, orders):
    orders.give("api1", "after_submit", "slow 1")
    with ThreadPoolExecutor(1) as learner:
        handing_in = learner.submit(client.say)
        wait_for(lambda: orders.obeyed("after_submit"))
        house["api1"].stop()
        said = handing_in.result()
    assert house["api1"].ended(IN_TIME_S) == 0
    house.start("api1")
    client.succeeded(said)


def test_a_request_that_takes_longer_than_the_grace_is_not_accepted_twice(house, client, orders):
    n, headers = client.utterance(), {"Idempotency-Key": "cut-off"}
    orders.give("api1", "after_submit", "wait")
    with ThreadPoolExecutor(1) as learner:
        posting = learner.submit(client.post, n, headers=headers, session="cut-off")
        wait_for(lambda: orders.obeyed("after_submit"))
        house["api1"].stop()
        assert house["api1"].ended(IN_TIME_S) == 0
        assert isinstance(posting.exception(), httpx.TransportError)
    again = patiently(lambda: client.post(n, headers=headers, api=2, session="cut-off"))
    house.start("api1")
    assert client.succeeded(client.accepted[again.json()["id"]])["seq"] == 1
    assert [turn["id"] for turn in client.turns("cut-off")] == [again.json()["id"]]


def test_a_rolling_restart_under_load_costs_nothing(house, client):
    before = set(client.accepted)
    with steady_load(house):
        for each in house.all("api", *STAGES, "maintenance"):
            each.stop()
            assert each.ended(IN_TIME_S) == 0
            house.start(each.name)
    for said in [said for id_, said in client.accepted.items() if id_ not in before]:
        assert set(client.succeeded(said)["attempts"].values()) == {1}
