"""More jobs than the server takes: the rest is refused quickly, and told honestly when to come again."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from tests.faults.harness.cluster_plan import Plan

MOST, MOST_TURNS = 20, 4  # jobs that the server may have, and turns that a session may
PACE_S = 0.5  # seconds from one job's end to the next's
PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1},
    apis=2,
    settings={"max_jobs": MOST, "max_jobs_session": MOST_TURNS, "stage_s": 30},
)
MEGABYTE = range(3_000, 3_000 + 5 * MOST)  # utterances of half a minute, each a recording of 1 MB
GROWTH = 30_000_000  # bytes that an API process may grow by under a burst
REFUSED_S = 2  # seconds; 0.2 are promised, of a machine that does nothing else
FEW, TRIES = 5, 2
LONGEST_S = 15  # seconds that nobody is told to wait here: a place is free after 3 at most


def test_of_a_burst_the_server_takes_what_it_may_and_refuses_the_rest(house, client, orders):
    client.succeeded(client.say())
    orders.give("asr", "before_claim", "wait")
    before = memory(house)
    with ThreadPoolExecutor(len(MEGABYTE)) as threads:
        answers = [*threads.map(lambda n: client.post(n, api=1 + n % 2), MEGABYTE)]
    grown = [now - then for now, then in zip(memory(house), before, strict=True)]

    refused = [answer for answer in answers if answer.status_code != 202]
    took = [answer.elapsed.total_seconds() for answer in refused]
    print(f"refused in {statistics.median(took):.3f} s (median), {max(took):.3f} s (most); grown by {grown} bytes")
    assert len(refused) == len(MEGABYTE) - MOST
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (503, "server_full")
        assert int(answer.headers["Retry-After"]) >= 1
    assert statistics.median(took) < REFUSED_S
    assert max(grown) < GROWTH
    waiting = {said.id for said in client.accepted.values() if said.n in MEGABYTE}
    assert {path.parent.name for path in house.settings.blobs_folder.glob("*/*/*")} - waiting == set(client.ends)
    assert house.redis.zcard("waijiao:deadlines") == MOST
    assert len([*house.redis.scan_iter("waijiao:session:*")]) == MOST + 1


def test_who_comes_again_when_told_gets_into_a_full_server(house, client, orders):
    after_a_few_ends(house, MOST)
    while slow(client, orders).status_code == 202:
        pass
    assert tries(lambda: slow(client, orders), "server_full") <= TRIES


def test_who_comes_again_when_told_gets_into_a_full_session(house, client, orders):
    after_a_few_ends(house, MOST // 2)
    for _ in range(MOST_TURNS):
        assert slow(client, orders, session="crowd").status_code == 202
    assert tries(lambda: slow(client, orders, session="crowd"), "quota_full") <= TRIES


def after_a_few_ends(house, accepted: int) -> None:
    """Post turns, and wait until enough of them have ended at a steady pace that the server knows it."""
    house.redis.delete("waijiao:pace")  # of the tests before
    first = [slow(house.client, house.orders).json()["id"] for _ in range(accepted)][:FEW]
    house.client.succeeded(house.client.accepted[first[-1]])


def slow(client, orders, **fields):
    """Post a turn that the only language model needs PACE_S for."""
    n = client.utterance()
    orders.give("llm", n, f"slow {PACE_S}")
    return client.post(n, typed=True, **fields)


def tries(post, refusal: str) -> int:
    """How often the refused client comes again, as it is told to, until it is let in."""
    count, answer = 0, post()
    while answer.status_code != 202:
        assert answer.json()["code"] == refusal
        told = int(answer.headers["Retry-After"])
        assert told <= LONGEST_S
        time.sleep(told)
        count, answer = count + 1, post()
    assert count, "it was never refused"
    return count


def memory(house) -> list[int]:
    """Bytes of each API process that answers requests."""
    return [child.memory_info().rss for api in house.all("api") for child in api.children()]
