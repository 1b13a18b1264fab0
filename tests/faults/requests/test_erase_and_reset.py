"""Sessions that are erased, or started over, while they are being answered: that wins over the answer."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import all_messages_are_gone

PLAN = Plan(workers={"asr": 2, "llm": 2, "tts": 2, "maintenance": 1}, settings={"stage_s": 30})
KINDS = ["asr", "llm", "tts"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_is_erased_while_it_is_answered_leaves_nothing(cluster, client, orders, kind):
    session = f"erased-in-{kind}"
    turns = [
        client.submit(session=session),
        cluster.submit_and_hold(kind, session=session),
        client.submit(session=session),
    ]
    assert client.ask("DELETE", f"/v1/sessions/{session}").status_code == 204
    for turn in turns:
        assert client.ask("GET", f"/v1/jobs/{turn.id}").status_code == 410
        assert client.ask("GET", f"/v1/jobs/{turn.id}/audio").status_code == 410
        client.forget(turn)
    assert client.ask("GET", f"/v1/sessions/{session}").status_code == 404

    new_turn = client.submit(session=session)  # while the engine still works on the erased turn
    assert client.expect_success(new_turn)["seq"] == 1
    assert orders.find_runs("llm", new_turn.utterance)[0]["history"] == []

    orders.withdraw()  # the late result comes now
    all_messages_are_gone(cluster)
    assert [record["id"] for record in client.get_turns(session)] == [new_turn.id]
    assert client.ask("DELETE", f"/v1/sessions/{session}").status_code == 204
    client.forget(new_turn)
    for turn in (*turns, new_turn):
        assert cluster.redis.hgetall(f"waijiao:job:default/{turn.id}") == {"erased": "1"}
        assert {key.split(":")[1] for key in find_keys(cluster.redis, turn.id)} <= {"job", "erased"}
        assert cluster.list_blobs(turn) == []
    assert find_keys(cluster.redis, session) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_is_started_over_while_it_is_answered_is_new(cluster, client, orders, kind):
    session = f"reset-in-{kind}"
    answered = client.submit(session=session)
    client.expect_success(answered)
    held, behind = cluster.submit_and_hold(kind, session=session), client.submit(session=session)
    assert client.ask("POST", f"/v1/sessions/{session}/reset").status_code == 204
    for turn in (held, behind):
        job = client.get_job(turn)
        assert (job["state"], job["error"]["code"]) == ("canceled", "canceled")
        assert cluster.list_blobs(turn) == []
    assert client.get_turns(session) == []

    new_turn = client.submit(session=session)  # while the engine still works on the canceled turn
    assert client.expect_success(new_turn)["seq"] == 4
    orders.withdraw()  # the late result comes now
    all_messages_are_gone(cluster)
    assert [record["id"] for record in client.get_turns(session)] == [new_turn.id]
    following = client.submit(session=session)
    client.expect_success(following)
    assert orders.find_runs("llm", new_turn.utterance)[0]["history"] == []
    assert orders.find_runs("llm", following.utterance)[0]["history"] == [f"canary{new_turn.utterance}"]
    assert client.get_job(answered)["state"] == "succeeded"


def find_keys(redis, name: str) -> set[str]:
    """The keys that name it, or whose values do. Of an erased job its id is remembered, of a session nothing."""
    read = {"hash": redis.hgetall, "string": redis.get, "set": redis.smembers, "none": redis.get}
    read |= {"zset": lambda key: redis.zrange(key, 0, -1), "list": lambda key: redis.lrange(key, 0, -1)}
    return {key for key in redis.scan_iter() if name in f"{key} {read[redis.type(key)](key)}"}
