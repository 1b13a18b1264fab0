"""Workers that take several jobs at once: one that kills them, hangs or fails takes no other job with it."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(settings={"stage_s": 3, "asr_batch": 4, "llm_batch": 4, "tts_batch": 4})


@pytest.mark.parametrize("kind", ["asr", "llm", "tts"])
@pytest.mark.parametrize(("how", "code"), [("die", "worker_lost"), ("hang", "too_slow"), ("fail", "engine_failed")])
def test_a_bad_job_in_a_batch_fails_alone(house, client, orders, kind, how, code):
    n = client.utterance()
    orders.give(kind, n, how, times=9)
    for worker in house.all(kind):
        worker.kill()
    bad = client.say(n)
    others = [client.say() for _ in range(3)]
    wait_for(lambda: house.redis.zcard(f"waijiao:ready:{kind}") == 4)
    house.keep_alive()
    job = client.failed(bad, code, seconds=60)
    assert (job["error"]["stage"], job["attempts"][kind]) == (kind, 3)
    assert max(client.succeeded(said, seconds=60)["attempts"][kind] for said in others) <= 2
