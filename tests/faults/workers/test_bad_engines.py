"""Engines that kill their worker, fail, lie, or run out of memory: the job says why, and the others go through."""

import pytest

STAGES = ("asr", "llm", "tts")


@pytest.mark.parametrize(("kind", "death"), [("asr", "die"), ("llm", "die"), ("tts", "die"), ("llm", "die_all")])
def test_a_job_that_kills_every_worker_fails_and_others_go_through(cluster, client, orders, kind, death):
    utterance = client.new_utterance()
    orders.give(kind, utterance, death, times=9)
    cluster.keep_alive()
    poison = client.submit(utterance, session="poisoned")
    others = [client.submit(session=session) for session in ("poisoned", "anna", "ben")]
    for turn in others:
        client.expect_success(turn)
    job = client.expect_failure(poison, "worker_lost")
    assert (job["error"]["stage"], job["attempts"][kind]) == (kind, 3)
    assert len(orders.find_runs(kind, utterance)) == 3


@pytest.mark.parametrize("kind", STAGES)
@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("memory", "out_of_memory"),
        ("fail", "engine_failed"),
        ("wrong_type", "engine_failed"),
        ("too_few", "engine_failed"),
        ("leak", "engine_failed"),
    ],
)
def test_an_engine_that_goes_wrong_is_tried_three_times_and_named(cluster, client, orders, kind, action, code):
    utterance = client.new_utterance()
    orders.give(kind, utterance, action, times=9)
    children = [child.pid for each in cluster.select(kind) for child in each.children()]
    turn = client.submit(utterance)
    job = client.expect_failure(turn, code)
    assert (job["error"]["stage"], job["attempts"][kind]) == (kind, 3)
    client.expect_success(client.submit())
    assert [child.pid for each in cluster.select(kind) for child in each.children()] == children


@pytest.mark.parametrize("action", ["memory", "fail", "wrong_type", "too_few", "leak"])
def test_an_engine_that_goes_wrong_once_answers_the_second_time(client, orders, action):
    utterance = client.new_utterance()
    orders.give("llm", utterance, action)
    assert client.expect_success(client.submit(utterance))["attempts"] == {"asr": 1, "llm": 2, "tts": 1}


@pytest.mark.parametrize("kind", STAGES)
def test_a_failed_turn_lets_the_next_ones_pass(client, orders, kind):
    utterance = client.new_utterance()
    orders.give(kind, utterance, "fail", times=3)
    first, second, third = (client.submit(number, session=f"failing-{kind}") for number in (utterance, None, None))
    client.expect_failure(first, "engine_failed")
    client.expect_success(second)
    client.expect_success(third)
    assert orders.find_runs("llm", third.utterance)[-1]["history"][-1] == f"canary{second.utterance}"
