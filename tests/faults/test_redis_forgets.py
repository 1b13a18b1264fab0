"""Redis that forgets scripts, jobs or everything: what it still knows is right and goes on, what it lost is 404."""

import time

from tests.faults.harness.redis_faults import append_only_file, crowd, everybody_works_again
from tests.support.wait import wait_for


def test_a_torn_append_only_file_keeps_all_that_was_acknowledged(house, client):
    waiting = [client.say(session="torn") for _ in range(20)]
    house["redis"].kill()
    with append_only_file(house).open("ab") as file:
        file.write(b"*3\r\n$4\r\nHSET\r\n$11\r\nwaijiao:jo")
    house.start("redis")
    house.keep_alive()
    for said in waiting:
        client.succeeded(said)
    assert [turn["id"] for turn in client.turns("torn")] == [said.id for said in waiting]


def test_flushed_scripts_are_loaded_again(house, client):
    with crowd(house, 30):
        for _ in range(100):
            house.redis.script_flush()
            time.sleep(0.02)


def test_after_everything_was_flushed_new_work_goes_on(house, client, orders):
    everybody_works_again(house)  # a worker that Redis's end in a test before has stopped is started anew by then
    flushed = [client.say() for _ in range(5)]
    flushed += [house.held(stage) for stage in ("tts", "llm", "asr")] + [client.say() for _ in range(5)]
    everybody = {each.name: each.pid for each in house.processes.values()}
    house.redis.flushall()
    for said in flushed:
        assert client.ask("GET", f"/v1/jobs/{said.id}").status_code == 404
        assert client.turns(said.session) == []
    for said in [*client.accepted.values()]:
        client.forget(said)
    orders.withdraw()
    everybody_works_again(house)
    assert everybody == {each.name: each.alive and each.pid for each in house.processes.values()}
    wait_for(lambda: not any(house.kept(said) for said in flushed))


def test_what_vanishes_with_the_last_second_was_never_there(house, client):
    house.redis.config_set("appendfsync", "everysec")
    kept = [client.say(session="kept") for _ in range(5)]
    for said in kept:
        client.succeeded(said)
    size = append_only_file(house).stat().st_size
    late = [client.say(session="late") for _ in range(20)]
    house["redis"].kill()
    torn = (size + append_only_file(house).stat().st_size) // 2
    with append_only_file(house).open("r+b") as file:
        file.truncate(torn)
    house.start("redis")
    house.keep_alive()
    there = [client.ask("GET", f"/v1/jobs/{said.id}").status_code for said in late]
    assert there == sorted(there)
    assert set(there) == {200, 404}
    for said, status in zip(late, there, strict=True):
        (client.ended if status == 200 else client.forget)(said)
