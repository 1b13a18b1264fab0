"""Redis without free_bytes, in memory or on its disk: new work is refused and leaves nothing behind, old work ends."""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import list_blobs
from tests.faults.harness.redis_faults import append_only_file, expect_recovery
from tests.support.wait import wait_for

PLAN = Plan(settings={"stage_s": 30})  # engines are held for longer than a lease, twice
END_S = 30  # seconds in which a Redis ends that cannot write
SHORT_LIVED_KEYS = ("worker", "sweeping", "tidying", "celery")  # keys that come and go all the time


def read_state(cluster) -> tuple[set[str], set[Path]]:
    """Every key that lasts, and every blob."""
    keys = {key for key in cluster.redis.scan_iter() if not key.removeprefix("waijiao:").startswith(SHORT_LIVED_KEYS)}
    return keys, {*list_blobs(cluster)}


def is_refused(client) -> bool:
    """Whether a recording cannot be submitted now, and the API says so properly."""
    answer = client.post()
    assert answer.status_code in {202, 503}, answer.text
    return answer.status_code == 503 and answer.json()["code"] == "unavailable" and bool(answer.headers["Retry-After"])


@contextmanager
def full_memory(cluster) -> Iterator[None]:
    cluster.redis.config_set("maxmemory", cluster.redis.info("memory")["used_memory"] // 2)
    yield
    cluster.redis.config_set("maxmemory", 0)


def limit_disk(cluster, free_bytes: int) -> None:
    """Let Redis's append-only file grow by no more than `free_bytes`."""
    limit = (
        free_bytes if free_bytes == resource.RLIM_INFINITY else append_only_file(cluster).stat().st_size + free_bytes
    )
    psutil.Process(cluster["redis"].pid).rlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def test_full_memory_refuses_new_work_and_leaves_old_work_alone(cluster, client, orders):
    speaking, hearing = cluster.submit_and_hold("tts"), cluster.submit_and_hold("asr")
    with full_memory(cluster):
        before = read_state(cluster)
        assert is_refused(client)
        assert read_state(cluster) == before
        time.sleep(2 * cluster.settings.lease_s)
        orders.withdraw(speaking.utterance)
        assert client.expect_success(speaking)["attempts"]["tts"] == 1
        orders.withdraw(hearing.utterance)
        wait_for(lambda: client.get_job(hearing)["transcript"])
    assert client.expect_success(hearing)["attempts"]["asr"] == 1
    expect_recovery(cluster)


def test_with_full_memory_all_can_be_read_and_erased_and_no_worker_is_restarted(cluster, client):
    answered, erased, session = client.submit(), client.submit(), client.submit(session="erased")
    for turn in (answered, erased, session):
        client.expect_success(turn)
    assignment = {"id": "hw", "title": "Homework", "students": [{"name": "Anna"}]}
    assert client.ask("POST", "/v1/assignments", json=assignment).status_code == 201
    key = client.ask("POST", "/v1/keys", json={"role": "learner", "name": "Anna"}).json()["id"]
    waiting = cluster.submit_and_hold("tts")
    runs = {name: len(process.runs) for name, process in cluster.processes.items()}
    cluster.keep_alive()
    with full_memory(cluster):
        cluster.orders.withdraw(waiting.utterance)
        client.expect_success(waiting)
        for turn in (erased, session):
            client.forget(turn)
        job = f"/v1/jobs/{answered.id}"
        for path in (
            job,
            f"{job}/audio",
            "/v1/jobs",
            f"/v1/sessions/{answered.session}",
            "/v1/assignments/hw",
            "/v1/keys",
        ):
            assert client.ask("GET", path).status_code == 200, path
        assert client.ask("DELETE", f"/v1/jobs/{erased.id}").status_code == 204
        assert client.ask("GET", f"/v1/jobs/{erased.id}").status_code == 410
        assert client.ask("DELETE", "/v1/sessions/erased").status_code == 204
        assert client.ask("DELETE", "/v1/assignments/hw").status_code == 204
        assert client.ask("DELETE", f"/v1/keys/{key}").json()["revoked_at"]
        assert cluster.list_blobs(erased) == cluster.list_blobs(session) == []
        time.sleep(4 * cluster.settings.stall_s)
        assert {name: len(process.runs) for name, process in cluster.processes.items()} == runs
    expect_recovery(cluster)


def test_a_job_that_cannot_be_enqueued_is_accepted_all_the_same(cluster, client, orders):
    orders.give("api", "after_submit", "wait")
    with ThreadPoolExecutor(1) as learner:
        handing_in = learner.submit(client.submit)
        wait_for(lambda: orders.was_met("after_submit"))
        with full_memory(cluster):
            orders.withdraw()
            turn = handing_in.result()
    client.expect_success(turn)


def test_a_full_disk_ends_a_redis_that_syncs_always_and_loses_nothing(cluster, client):
    waiting = [client.submit(session="waiting") for _ in range(5)]
    limit_disk(cluster, 10_000)
    wait_for(lambda: is_refused(client))
    assert cluster["redis"].wait_for_exit(END_S)
    cluster.start("redis")
    for turn in waiting:
        client.expect_success(turn)
    expect_recovery(cluster)


def test_a_full_disk_stops_a_redis_that_syncs_every_second_until_there_is_room(cluster, client):
    cluster.redis.config_set("appendfsync", "everysec")
    waiting = [client.submit(session="waiting") for _ in range(5)]
    limit_disk(cluster, 10_000)
    wait_for(lambda: is_refused(client))
    assert cluster["redis"].alive
    limit_disk(cluster, resource.RLIM_INFINITY)
    expect_recovery(cluster)
    for turn in waiting:
        client.expect_success(turn)
    cluster.redis.config_set("appendfsync", "always")
