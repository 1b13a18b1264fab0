"""Processes that are asked to stop: each ends in time and finishes or releases its work."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.load import ask_until_answered, steady_load
from tests.support.wait import wait_for

PLAN = Plan(apis=2, settings={"stage_s": 30, "lease_s": 5})  # all is handed back before its time is over
STAGES = ("asr", "llm", "tts")
GRACE_S = 60  # shutdown_s of processes that shall not need it
IDLE_END_S = 20  # seconds in which a process ends that has nothing to do; on a machine that does nothing else, one
END_S = 20  # shutdown_s, the 3 s that handing back may take, and patience with a busy machine


@pytest.mark.parametrize("kind", STAGES)
def test_a_stopping_worker_finishes_its_job(cluster, client, orders, kind):
    turn = cluster.submit_and_hold(kind)
    worker = cluster.wait_for_worker(kind, turn.utterance)
    worker.stop()
    orders.withdraw(turn.utterance)
    assert worker.wait_for_exit(END_S) == 0
    cluster.start(worker.name)
    assert client.expect_success(turn)["attempts"] == dict.fromkeys(STAGES, 1)
    assert len(orders.find_runs(kind, turn.utterance)) == 1


@pytest.mark.parametrize("kind", STAGES)
def test_work_longer_than_the_shutdown_time_is_finished_by_another_worker(cluster, client, orders, kind):
    turn = cluster.submit_and_hold(kind)
    worker = cluster.wait_for_worker(kind, turn.utterance)
    worker.stop()
    assert worker.wait_for_exit(END_S) == 0
    cluster.start(worker.name)
    assert client.expect_success(turn)["attempts"] == dict.fromkeys(STAGES, 1)
    assert len(orders.find_runs(kind, turn.utterance)) == 2


def test_a_result_is_refused_after_the_job_was_released(cluster, client, orders):
    turn = cluster.submit_and_hold("asr")
    worker = cluster.wait_for_worker("asr", turn.utterance)
    orders.give(worker.name, "after_release", "slow 2")
    orders.give(worker.name, "after_complete", "wait")
    worker.stop()
    wait_for(lambda: orders.was_met("after_release"))
    answered = client.expect_success(turn)  # by the other one
    orders.withdraw(turn.utterance)
    wait_for(lambda: orders.was_met("after_complete"))
    assert worker.wait_for_exit(END_S) == 0
    assert client.get_job(turn) == answered
    assert answered["attempts"] == dict.fromkeys(STAGES, 1)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_stopping_everything_at_once_loses_nothing(cluster, client, signal_number):
    """As Ctrl-C in a terminal does: every process of every group gets the signal."""
    held = [cluster.submit_and_hold(kind) for kind in reversed(STAGES)] + [client.submit() for _ in range(3)]
    for each in cluster.select("api", *STAGES, "maintenance"):
        each.signal(signal_number)
    assert {
        each.name: each.wait_for_exit(END_S) for each in cluster.select("api", *STAGES, "maintenance")
    } == dict.fromkeys([each.name for each in cluster.select("api", *STAGES, "maintenance")], 0)
    cluster.heal()
    for turn in held:
        assert client.expect_success(turn)["attempts"] == dict.fromkeys(STAGES, 1)


def test_an_idle_cluster_ends_soon(cluster):
    everything = cluster.select("api", *STAGES, "maintenance")
    for each in everything:
        each.environment["WAIJIAO_SHUTDOWN_S"] = str(GRACE_S)
    cluster.restart(*(each.name for each in everything))
    started_at = time.monotonic()
    for each in everything:
        each.stop()
        each.environment["WAIJIAO_SHUTDOWN_S"] = str(cluster.settings.shutdown_s)
    assert [each.wait_for_exit(GRACE_S) for each in everything] == [0] * len(everything)
    assert time.monotonic() - started_at < IDLE_END_S


@pytest.mark.parametrize("trouble", ["kill", "freeze"])
def test_everything_ends_in_time_although_redis_is_gone_or_silent(cluster, client, trouble):
    held = [cluster.submit_and_hold(kind) for kind in reversed(STAGES)]
    getattr(cluster["redis"], trouble)()
    for each in cluster.select("api", *STAGES, "maintenance"):
        each.stop()
    for each in cluster.select("api", *STAGES, "maintenance"):
        assert each.wait_for_exit(END_S) == 0
    cluster.heal()
    for turn in held:
        client.expect_success(turn)


def test_a_stopping_api_answers_its_requests(cluster, client, orders):
    orders.give("api1", "after_submit", "slow 1")
    with ThreadPoolExecutor(1) as learner:
        handing_in = learner.submit(client.submit)
        wait_for(lambda: orders.was_met("after_submit"))
        cluster["api1"].stop()
        turn = handing_in.result()
    assert cluster["api1"].wait_for_exit(END_S) == 0
    cluster.start("api1")
    client.expect_success(turn)


def test_a_request_longer_than_the_shutdown_time_is_not_accepted_twice(cluster, client, orders):
    utterance, headers = client.new_utterance(), {"Idempotency-Key": "cut-off"}
    orders.give("api1", "after_submit", "wait")
    with ThreadPoolExecutor(1) as learner:
        posting = learner.submit(client.post, utterance, headers=headers, session="cut-off")
        wait_for(lambda: orders.was_met("after_submit"))
        cluster["api1"].stop()
        assert cluster["api1"].wait_for_exit(END_S) == 0
        assert isinstance(posting.exception(), httpx.TransportError)
    again = ask_until_answered(lambda: client.post(utterance, headers=headers, api=2, session="cut-off"))
    cluster.start("api1")
    assert client.expect_success(client.accepted[again.json()["id"]])["seq"] == 1
    assert [record["id"] for record in client.get_turns("cut-off")] == [again.json()["id"]]


def test_a_rolling_restart_under_load_costs_nothing(cluster, client):
    before = set(client.accepted)
    with steady_load(cluster):
        for each in cluster.select("api", *STAGES, "maintenance"):
            each.stop()
            assert each.wait_for_exit(END_S) == 0
            cluster.start(each.name)
    for turn in [turn for id_, turn in client.accepted.items() if id_ not in before]:
        assert set(client.expect_success(turn)["attempts"].values()) == {1}
