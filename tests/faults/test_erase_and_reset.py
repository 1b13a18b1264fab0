"""Sessions that are erased, or started over, while they are being answered: that wins over the answer."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import all_messages_are_gone

PLAN = Plan(workers={"asr": 2, "llm": 2, "tts": 2, "maintenance": 1}, settings={"stage_s": 30})
KINDS = ["asr", "llm", "tts"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_is_erased_while_it_is_answered_leaves_nothing(house, client, orders, kind):
    session = f"erased-in-{kind}"
    turns = [client.say(session=session), house.held(kind, session=session), client.say(session=session)]
    assert client.ask("DELETE", f"/v1/sessions/{session}").status_code == 204
    for said in turns:
        assert client.ask("GET", f"/v1/jobs/{said.id}").status_code == 410
        assert client.ask("GET", f"/v1/jobs/{said.id}/audio").status_code == 410
        client.forget(said)
    assert client.ask("GET", f"/v1/sessions/{session}").status_code == 404

    anew = client.say(session=session)  # while the engine still works on the erased turn
    assert client.succeeded(anew)["seq"] == 1
    assert orders.runs("llm", anew.n)[0]["history"] == []

    orders.withdraw()  # the late result comes now
    all_messages_are_gone(house)
    assert [turn["id"] for turn in client.turns(session)] == [anew.id]
    assert client.ask("DELETE", f"/v1/sessions/{session}").status_code == 204
    client.forget(anew)
    for said in (*turns, anew):
        assert house.redis.hgetall(f"waijiao:job:default/{said.id}") == {"erased": "1"}
        assert {key.split(":")[1] for key in keys_with(house.redis, said.id)} <= {"job", "erased"}
        assert house.kept(said) == []
    assert keys_with(house.redis, session) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_is_started_over_while_it_is_answered_is_new(house, client, orders, kind):
    session = f"reset-in-{kind}"
    answered = client.say(session=session)
    client.succeeded(answered)
    held, behind = house.held(kind, session=session), client.say(session=session)
    assert client.ask("POST", f"/v1/sessions/{session}/reset").status_code == 204
    for said in (held, behind):
        job = client.job(said)
        assert (job["state"], job["error"]["code"]) == ("canceled", "canceled")
        assert house.kept(said) == []
    assert client.turns(session) == []

    anew = client.say(session=session)  # while the engine still works on the canceled turn
    assert client.succeeded(anew)["seq"] == 4
    orders.withdraw()  # the late result comes now
    all_messages_are_gone(house)
    assert [turn["id"] for turn in client.turns(session)] == [anew.id]
    following = client.say(session=session)
    client.succeeded(following)
    assert orders.runs("llm", anew.n)[0]["history"] == []
    assert orders.runs("llm", following.n)[0]["history"] == [f"canary{anew.n}"]
    assert client.job(answered)["state"] == "succeeded"


def keys_with(redis, name: str) -> set[str]:
    """The keys that name it, or whose values do. Of an erased job its id is remembered, of a session nothing."""
    read = {"hash": redis.hgetall, "string": redis.get, "set": redis.smembers, "none": redis.get}
    read |= {"zset": lambda key: redis.zrange(key, 0, -1), "list": lambda key: redis.lrange(key, 0, -1)}
    return {key for key in redis.scan_iter() if name in f"{key} {read[redis.type(key)](key)}"}
