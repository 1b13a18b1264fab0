"""Workers that take several jobs at once: one that kills them, hangs or fails takes no other job with it."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(settings={"stage_s": 3, "asr_batch": 4, "llm_batch": 4, "tts_batch": 4})


@pytest.mark.parametrize("kind", ["asr", "llm", "tts"])
@pytest.mark.parametrize(("how", "code"), [("die", "worker_lost"), ("hang", "too_slow"), ("fail", "engine_failed")])
def test_a_bad_job_in_a_batch_fails_alone(cluster, client, orders, kind, how, code):
    utterance = client.new_utterance()
    orders.give(kind, utterance, how, times=9)
    for worker in cluster.select(kind):
        worker.kill()
    bad = client.submit(utterance)
    others = [client.submit() for _ in range(3)]
    wait_for(lambda: cluster.redis.zcard(f"waijiao:ready:{kind}") == 4)
    cluster.keep_alive()
    job = client.expect_failure(bad, code, seconds=60)
    assert (job["error"]["stage"], job["attempts"][kind]) == (kind, 3)
    assert max(client.expect_success(turn, seconds=60)["attempts"][kind] for turn in others) <= 2
