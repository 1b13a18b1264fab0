"""Engines that never come back: their jobs end as too slow, and the worker goes on with the next ones."""

import pytest

from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(settings={"stage_s": 1})  # so the hard limit is at 2 s


@pytest.mark.parametrize(
    ("kind", "how"), [("asr", "hang"), ("llm", "hang"), ("tts", "hang"), ("llm", "hang_in_c"), ("tts", "hang_with_gil")]
)
def test_an_engine_that_hangs_is_stopped_and_its_job_ends_as_too_slow(client, orders, kind, how):
    utterance = client.new_utterance()
    orders.give(kind, utterance, how, times=9)
    turn = client.submit(utterance)
    after = client.submit()
    job = client.expect_failure(turn, "too_slow", seconds=60)
    assert (job["error"]["stage"], job["attempts"][kind]) == (kind, 3)
    client.expect_success(after)


def test_an_engine_that_hangs_once_answers_the_second_time(client, orders):
    utterance = client.new_utterance()
    orders.give("llm", utterance, "hang_in_c")
    assert client.expect_success(client.submit(utterance))["attempts"]["llm"] == 2
