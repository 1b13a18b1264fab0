"""Redis dies, comes back, and dies again while workers still report the first death: every worker takes work again.

If Redis dies between a commit and the publishing of the next link, a child that lets the error through gives its parent
a traceback longer than a pipe holds; the second death comes when the parent has read half of that.
WAIJIAO_DEATHS=60 makes it 60 rounds with the watchdog and 60 without, of nine seconds each.
"""

import os
import random
import time

import pytest

from tests.faults.harness.redis_faults import expect_recovery
from tests.support.wait import wait_for

ROUNDS = int(os.environ.get("WAIJIAO_DEATHS", "4"))
PUBLISH_S = 3  # seconds in which a child gives up publishing
READ_S = 0.2  # seconds in which a parent that is connected again has read what is in the pipe
KINDS = ("asr", "llm")  # whose messages have a next link
WORKERS = (*KINDS, "tts", "maintenance")
WATCHDOG = {"off": 3600, "on": 5}  # stall_s; on or off, no worker needs to be started again


@pytest.mark.timeout(120 + 30 * ROUNDS)
@pytest.mark.parametrize("watchdog", WATCHDOG)
def test_every_worker_takes_work_after_redis_died_twice_at_the_worst_moment(cluster, client, orders, watchdog):
    set_watchdog(cluster, WATCHDOG[watchdog])
    expect_recovery(cluster)  # from now on every child has a connection to publish by
    choices = random.Random(watchdog)
    for _ in range(ROUNDS):
        cluster.restarting.clear()
        before = [each.pid for each in cluster.select(*WORKERS)]
        worker = lose_redis_between_commit_and_publishing(cluster, client, orders, choices.choice(KINDS))
        children = worker.children()
        for child in children:
            child.suspend()  # as on a busy machine: it writes the rest of its message a little later
        cluster.start("redis")
        wait_for(lambda: count_consumers(cluster) == len(cluster.select(*WORKERS)))
        time.sleep(READ_S)
        cluster["redis"].kill()
        time.sleep(choices.uniform(0, 1))
        for child in children:
            child.resume()
        cluster.start("redis")
        expect_recovery(cluster)
        assert [each.pid for each in cluster.select(*WORKERS)] == before


def set_watchdog(cluster, stall_s: float) -> None:
    """Start every worker again with this WAIJIAO_STALL_S."""
    workers = cluster.select(*WORKERS)
    for each in workers:
        each.environment["WAIJIAO_STALL_S"] = str(stall_s)
    cluster.restart(*(each.name for each in workers))


def lose_redis_between_commit_and_publishing(cluster, client, orders, kind):
    """The worker whose child had committed its result, and could not publish the next link of its message's chain."""
    utterance = client.new_utterance()
    orders.give(kind, "before_publish", "wait")
    client.submit(utterance)
    worker = cluster.wait_for_worker(kind, utterance)
    wait_for(lambda: orders.was_met("before_publish"))
    cluster["redis"].kill()
    orders.withdraw("before_publish")
    time.sleep(PUBLISH_S)
    return worker


def count_consumers(cluster) -> int:
    """The number of workers that ask Redis for messages."""
    return sum(each["cmd"] == "brpop" for each in cluster.redis.client_list())
