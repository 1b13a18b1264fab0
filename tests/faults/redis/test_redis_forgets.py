"""Redis that forgets scripts, jobs or everything: what it still knows is right and goes on, what it lost is 404."""

import time

from tests.faults.harness.redis_faults import append_only_file, expect_recovery, many_learners
from tests.support.wait import wait_for


def test_a_truncated_append_only_file_keeps_everything_acknowledged(cluster, client):
    waiting = [client.submit(session="torn") for _ in range(20)]
    cluster["redis"].kill()
    with append_only_file(cluster).open("ab") as file:
        file.write(b"*3\r\n$4\r\nHSET\r\n$11\r\nwaijiao:jo")
    cluster.start("redis")
    cluster.keep_alive()
    for turn in waiting:
        client.expect_success(turn)
    assert [record["id"] for record in client.get_turns("torn")] == [turn.id for turn in waiting]


def test_flushed_scripts_are_loaded_again(cluster, client):
    with many_learners(cluster, 30):
        for _ in range(100):
            cluster.redis.script_flush()
            time.sleep(0.02)


def test_after_everything_was_flushed_new_work_goes_on(cluster, client, orders):
    expect_recovery(cluster)  # a worker that ended when Redis did, in an earlier test, has started again by then
    flushed = [client.submit() for _ in range(5)]
    flushed += [cluster.submit_and_hold(stage) for stage in ("tts", "llm", "asr")] + [client.submit() for _ in range(5)]
    everybody = {each.name: each.pid for each in cluster.processes.values()}
    cluster.redis.flushall()
    for turn in flushed:
        assert client.ask("GET", f"/v1/jobs/{turn.id}").status_code == 404
        assert client.get_turns(turn.session) == []
    for turn in [*client.accepted.values()]:
        client.forget(turn)
    orders.withdraw()
    expect_recovery(cluster)
    assert everybody == {each.name: each.alive and each.pid for each in cluster.processes.values()}
    wait_for(lambda: not any(cluster.list_blobs(turn) for turn in flushed))


def test_jobs_lost_with_the_last_second_leave_no_trace(cluster, client):
    cluster.redis.config_set("appendfsync", "everysec")
    early = [client.submit(session="early") for _ in range(5)]
    for turn in early:
        client.expect_success(turn)
    size = append_only_file(cluster).stat().st_size
    late = [client.submit(session="late") for _ in range(20)]
    cluster["redis"].kill()
    torn = (size + append_only_file(cluster).stat().st_size) // 2
    with append_only_file(cluster).open("r+b") as file:
        file.truncate(torn)
    cluster.start("redis")
    cluster.keep_alive()
    there = [client.ask("GET", f"/v1/jobs/{turn.id}").status_code for turn in late]
    assert there == sorted(there)
    assert set(there) == {200, 404}
    for turn, status in zip(late, there, strict=True):
        (client.wait_until_ended if status == 200 else client.forget)(turn)
