"""Processes that die at the worst moment: whatever was accepted is answered, once."""

import httpx
import pytest

from tests.support.wait import wait_for

RESTART_S = 55  # seconds for three starts of a worker; two that wait for load_s would take 60 (cluster_plan.py)


def test_everything_works_while_nothing_breaks(client, orders):
    first, typed = client.submit(session="anna"), client.submit(session="anna", typed=True)
    other = client.submit(session="ben")
    for turn in (first, typed, other):
        assert client.expect_success(turn)["attempts"] == dict.fromkeys(("asr", "llm", "tts")[turn == typed :], 1)
    assert orders.find_runs("llm", typed.utterance)[0]["history"] == [f"canary{first.utterance}"]


@pytest.mark.parametrize("kind", ["asr", "llm", "tts"])
def test_the_next_worker_finishes_a_killed_worker_s_job(cluster, client, orders, kind):
    utterance = client.new_utterance()
    orders.give(kind, utterance, "wait")
    turn = client.submit(utterance)
    cluster.wait_for_worker(kind, utterance).kill()
    cluster.keep_alive()
    assert client.expect_success(turn)["attempts"][kind] == 2


@pytest.mark.parametrize("kind", ["asr", "llm", "tts"])
def test_the_next_child_finishes_a_killed_child_s_job(cluster, client, orders, kind):
    utterance = client.new_utterance()
    orders.give(kind, utterance, "wait")
    turn = client.submit(utterance)
    cluster.wait_for_worker(kind, utterance).kill_child()
    assert client.expect_success(turn)["attempts"][kind] == 2


def test_a_child_that_outlives_its_parent_does_not_keep_its_job(cluster, client, orders):
    utterance = client.new_utterance()
    orders.give("asr", utterance, "hang")
    turn = client.submit(utterance)
    cluster.wait_for_worker("asr", utterance).kill_parent()
    assert client.expect_success(turn)["attempts"]["asr"] == 2


@pytest.mark.parametrize("kind", ["asr", "llm", "tts"])
def test_a_worker_whose_child_is_killed_while_it_loads_is_started_again(cluster, client, orders, kind):
    workers = cluster.select(kind)
    cluster.keep_alive()
    orders.give(kind, "load", "die", times=2 * len(workers))  # as the kernel does that needs memory
    for each in workers:
        each.kill()
    client.expect_success(client.submit(), RESTART_S)


@pytest.mark.parametrize("death", ["die", "die_all"])
@pytest.mark.parametrize("point", ["in_blob", "after_blob"])
def test_an_answer_that_was_stored_but_not_recorded_is_made_again(cluster, client, orders, point, death):
    orders.give("tts", point, death)
    cluster.keep_alive()
    assert client.expect_success(client.submit())["attempts"]["tts"] == 2


@pytest.mark.parametrize("death", ["die", "die_all"])
@pytest.mark.parametrize("point", ["after_complete", "before_ack"])
@pytest.mark.parametrize("kind", ["asr", "llm"])
def test_work_that_was_recorded_is_not_done_again(cluster, client, orders, kind, point, death):
    utterance = client.new_utterance()
    orders.give(kind, point, death)
    cluster.keep_alive()
    assert client.expect_success(client.submit(utterance))["attempts"] == {"asr": 1, "llm": 1, "tts": 1}
    wait_for(lambda: orders.was_met(point))
    assert [len(orders.find_runs(stage, utterance)) for stage in ("asr", "llm", "tts")] == [1, 1, 1]


@pytest.mark.parametrize("death", ["die", "die_all"])
def test_a_worker_that_dies_after_the_last_stage_leaves_nothing(cluster, client, orders, death):
    orders.give("tts", "before_ack", death)
    cluster.keep_alive()
    assert client.expect_success(client.submit())["attempts"]["tts"] == 1
    wait_for(lambda: orders.was_met("before_ack"))


@pytest.mark.parametrize("death", ["die", "die_all"])
def test_an_api_that_dies_before_it_enqueues_has_accepted(cluster, client, orders, death):
    orders.give("api", "after_submit", death)
    cluster.keep_alive()
    with pytest.raises(httpx.TransportError):
        client.post(session=f"cut-off-{death}")
    cluster.wait_until_up("api1")
    (record,) = client.get_turns(f"cut-off-{death}")
    assert client.wait_until_ended(record["id"])["state"] == "succeeded"


@pytest.mark.parametrize(
    ("point", "death"),
    [("in_blob", "die"), ("after_blob", "die"), ("before_submit", "die"), ("before_submit", "die_all")],
)
def test_an_api_that_dies_before_it_submits_has_accepted_nothing(cluster, client, orders, point, death):
    orders.give("api", point, death)
    cluster.keep_alive()
    with pytest.raises(httpx.TransportError):
        client.post(session=f"unheard-{point}-{death}")
    cluster.wait_until_up("api1")
    assert client.get_turns(f"unheard-{point}-{death}") == []
    again = client.submit(session=f"unheard-{point}-{death}")
    assert client.expect_success(again)["seq"] == 1
