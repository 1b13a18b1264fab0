"""Redis without room, in memory or on its disk: new work is refused and leaves nothing behind, old work ends."""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import stored
from tests.faults.harness.redis_faults import append_only_file, everybody_works_again
from tests.support.wait import wait_for

PLAN = Plan(settings={"stage_s": 30})  # engines are held for longer than a lease, twice
END_S = 30  # seconds in which a Redis ends that cannot write
BRIEF = ("worker", "sweeping", "tidying", "celery")  # keys that come and go all the time


def state_of(house) -> tuple[set[str], set[Path]]:
    """Every key that lasts, and every blob."""
    keys = {key for key in house.redis.scan_iter() if not key.removeprefix("waijiao:").startswith(BRIEF)}
    return keys, {*stored(house)}


def is_refused(client) -> bool:
    """Whether a recording cannot be handed in now, and is told so properly."""
    answer = client.post()
    assert answer.status_code in {202, 503}, answer.text
    return answer.status_code == 503 and answer.json()["code"] == "unavailable" and bool(answer.headers["Retry-After"])


@contextmanager
def full_memory(house) -> Iterator[None]:
    house.redis.config_set("maxmemory", house.redis.info("memory")["used_memory"] // 2)
    yield
    house.redis.config_set("maxmemory", 0)


def let_the_disk_have(house, room: int) -> None:
    """Let Redis's append-only file grow by no more than `room` bytes."""
    most = room if room == resource.RLIM_INFINITY else append_only_file(house).stat().st_size + room
    psutil.Process(house["redis"].pid).rlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def test_full_memory_refuses_new_work_and_leaves_old_work_alone(house, client, orders):
    speaking, hearing = house.held("tts"), house.held("asr")
    with full_memory(house):
        before = state_of(house)
        assert is_refused(client)
        assert state_of(house) == before
        time.sleep(2 * house.settings.lease_s)
        orders.withdraw(speaking.n)
        assert client.succeeded(speaking)["attempts"]["tts"] == 1
        orders.withdraw(hearing.n)
        wait_for(lambda: client.job(hearing)["transcript"])
    assert client.succeeded(hearing)["attempts"]["asr"] == 1
    everybody_works_again(house)


def test_a_job_that_cannot_be_rung_for_is_accepted_all_the_same(house, client, orders):
    orders.give("api", "after_submit", "wait")
    with ThreadPoolExecutor(1) as learner:
        handing_in = learner.submit(client.say)
        wait_for(lambda: orders.obeyed("after_submit"))
        with full_memory(house):
            orders.withdraw()
            said = handing_in.result()
    client.succeeded(said)


def test_a_full_disk_ends_a_redis_that_syncs_always_and_loses_nothing(house, client):
    waiting = [client.say(session="waiting") for _ in range(5)]
    let_the_disk_have(house, 10_000)
    wait_for(lambda: is_refused(client))
    assert house["redis"].ended(END_S)
    house.start("redis")
    for said in waiting:
        client.succeeded(said)
    everybody_works_again(house)


def test_a_full_disk_stops_a_redis_that_syncs_every_second_until_there_is_room(house, client):
    house.redis.config_set("appendfsync", "everysec")
    waiting = [client.say(session="waiting") for _ in range(5)]
    let_the_disk_have(house, 10_000)
    wait_for(lambda: is_refused(client))
    assert house["redis"].alive
    let_the_disk_have(house, resource.RLIM_INFINITY)
    everybody_works_again(house)
    for said in waiting:
        client.succeeded(said)
    house.redis.config_set("appendfsync", "always")
