"""Engines that never come back: their jobs end as too slow, and the worker goes on with the next ones."""

import pytest

from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(settings={"stage_s": 1})  # so the hard limit is at 2 s


@pytest.mark.parametrize(
    ("kind", "how"), [("asr", "hang"), ("llm", "hang"), ("tts", "hang"), ("llm", "hang_in_c"), ("tts", "hang_with_gil")]
)
def test_an_engine_that_hangs_is_stopped_and_its_job_ends_as_too_slow(client, orders, kind, how):
    n = client.utterance()
    orders.give(kind, n, how, times=9)
    said = client.say(n)
    after = client.say()
    job = client.failed(said, "too_slow", seconds=60)
    assert (job["error"]["stage"], job["attempts"][kind]) == (kind, 3)
    client.succeeded(after)


def test_an_engine_that_hangs_once_answers_the_second_time(client, orders):
    n = client.utterance()
    orders.give("llm", n, "hang_in_c")
    assert client.succeeded(client.say(n))["attempts"]["llm"] == 2
