"""More jobs than the server takes: the rest is refused quickly, with an honest Retry-After."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from tests.faults.harness.cluster_plan import Plan

MAX_JOBS, MAX_TURNS = 20, 4  # unfinished jobs of the server, and unfinished turns of a session
PACE_S = 0.5  # seconds from one job's end to the next's
PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1},
    apis=2,
    settings={"max_jobs": MAX_JOBS, "max_jobs_session": MAX_TURNS, "stage_s": 30},
)
BURST = range(3_000, 3_000 + 5 * MAX_JOBS)  # utterances of half a minute, each a recording of 1 MB
GROWTH = 30_000_000  # bytes that an API process may grow by: half a megabyte of each of its 50 uploads, and a thread
REFUSAL_S = 2  # seconds; 0.2 are promised, of a machine that does nothing else
MEASURED_JOBS, MAX_TRIES = 5, 2
MAX_WAIT_S = 15  # longest Retry-After that is right here: there is room after 3 s at most


def test_a_burst_is_accepted_up_to_the_limit_and_the_rest_refused(cluster, client, orders):
    client.expect_success(client.submit())
    orders.give("asr", "before_claim", "wait")
    before = measure_memory(cluster)
    with ThreadPoolExecutor(len(BURST)) as threads:
        answers = [*threads.map(lambda utterance: client.post(utterance, api=1 + utterance % 2), BURST)]
    grown = [now - then for now, then in zip(measure_memory(cluster), before, strict=True)]

    refused = [answer for answer in answers if answer.status_code != 202]
    took_s = [answer.elapsed.total_seconds() for answer in refused]
    print(f"refused in {statistics.median(took_s):.3f} s (median), {max(took_s):.3f} s (most); grown by {grown} bytes")
    assert len(refused) == len(BURST) - MAX_JOBS
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (503, "server_full")
        assert int(answer.headers["Retry-After"]) >= 1
    assert statistics.median(took_s) < REFUSAL_S
    assert max(grown) < GROWTH
    waiting = {turn.id for turn in client.accepted.values() if turn.utterance in BURST}
    assert {path.parent.name for path in cluster.settings.blobs_folder.glob("*/*/*")} - waiting == set(
        client.final_records
    )
    assert cluster.redis.zcard("waijiao:deadlines") == MAX_JOBS
    assert len([*cluster.redis.scan_iter("waijiao:session:*")]) == MAX_JOBS + 1


def test_a_client_that_respects_retry_after_gets_into_a_full_server(cluster, client, orders):
    let_some_jobs_end(cluster, MAX_JOBS)
    while post_slow(client, orders).status_code == 202:
        pass
    assert count_tries(lambda: post_slow(client, orders), "server_full") <= MAX_TRIES


def test_a_client_that_respects_retry_after_gets_into_a_full_session(cluster, client, orders):
    let_some_jobs_end(cluster, MAX_JOBS // 2)
    for _ in range(MAX_TURNS):
        assert post_slow(client, orders, session="crowd").status_code == 202
    assert count_tries(lambda: post_slow(client, orders, session="crowd"), "quota_full") <= MAX_TRIES


def let_some_jobs_end(cluster, accepted: int) -> None:
    """Post turns, and wait until enough of them have ended at a steady pace that the server knows it."""
    cluster.redis.delete("waijiao:pace")  # of the tests before
    first = [post_slow(cluster.client, cluster.orders).json()["id"] for _ in range(accepted)][:MEASURED_JOBS]
    cluster.client.expect_success(cluster.client.accepted[first[-1]])


def post_slow(client, orders, **fields):
    """Post a turn that the only language model needs PACE_S for."""
    utterance = client.new_utterance()
    orders.give("llm", utterance, f"slow {PACE_S}")
    return client.post(utterance, typed=True, **fields)


def count_tries(post, refusal: str) -> int:
    """How often the refused client tries again, each time after Retry-After, until it is accepted."""
    count, answer = 0, post()
    while answer.status_code != 202:
        assert answer.json()["code"] == refusal
        wait_s = int(answer.headers["Retry-After"])
        assert wait_s <= MAX_WAIT_S
        time.sleep(wait_s)
        count, answer = count + 1, post()
    assert count, "it was never refused"
    return count


def measure_memory(cluster) -> list[int]:
    """Bytes of each API process that answers requests."""
    return [child.memory_info().rss for api in cluster.select("api") for child in api.children()]
