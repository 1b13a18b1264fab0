"""A learner who submits very much delays nobody: interactive jobs are served in turn, by key, at every stage."""

from concurrent.futures import ThreadPoolExecutor

from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1},
    settings={"max_jobs_session": 1000, "max_jobs_tenant": 1000, "stage_s": 30, "asr_batch": 1, "llm_batch": 1},
)
MANY = 100


def test_a_learner_is_answered_before_most_of_another_one_s_many_jobs(client, orders):
    """Recordings go through a fast recogniser, so that it is the language model where they wait."""
    utterances = [client.new_utterance() for _ in range(MANY)]
    for utterance in utterances:
        orders.give("llm", utterance, "slow 0.15")
    with ThreadPoolExecutor(8) as threads:
        many = [*threads.map(lambda each: client.submit(each, session="busy"), utterances)]
    before = sum(client.get_job(turn)["state"] == "succeeded" for turn in many)
    for number in range(3):
        turn = client.submit(session=f"calm-{number}")
        assert client.get_job(turn)["queue_position"] in {None, 1, 2}
        client.expect_success(turn)
    answered_since = sum(client.get_job(turn)["state"] == "succeeded" for turn in many) - before
    assert answered_since < MANY / 3
    for turn in many:
        client.expect_success(turn)
