"""Processes that die at the worst moment: whatever was accepted is answered, once."""

import httpx
import pytest

from tests.support.wait import wait_for


def test_everything_works_while_nothing_breaks(client, orders):
    first, typed = client.say(session="anna"), client.say(session="anna", typed=True)
    other = client.say(session="ben")
    for said in (first, typed, other):
        assert client.succeeded(said)["attempts"] == dict.fromkeys(("asr", "llm", "tts")[said == typed :], 1)
    assert orders.runs("llm", typed.n)[0]["history"] == [f"canary{first.n}"]


@pytest.mark.parametrize("kind", ["asr", "llm", "tts"])
def test_a_killed_worker_s_job_is_done_by_the_next_one(house, client, orders, kind):
    n = client.utterance()
    orders.give(kind, n, "wait")
    said = client.say(n)
    house.worker_with(kind, n).kill()
    house.keep_alive()
    assert client.succeeded(said)["attempts"][kind] == 2


@pytest.mark.parametrize("kind", ["asr", "llm", "tts"])
def test_a_killed_child_s_job_is_done_by_the_next_child(house, client, orders, kind):
    n = client.utterance()
    orders.give(kind, n, "wait")
    said = client.say(n)
    house.worker_with(kind, n).kill_child()
    assert client.succeeded(said)["attempts"][kind] == 2


def test_a_child_that_outlives_its_parent_keeps_no_job_for_ever(house, client, orders):
    n = client.utterance()
    orders.give("asr", n, "hang")
    said = client.say(n)
    house.worker_with("asr", n).kill_parent()
    assert client.succeeded(said)["attempts"]["asr"] == 2


@pytest.mark.parametrize("death", ["die", "die_all"])
@pytest.mark.parametrize("place", ["in_blob", "after_blob"])
def test_an_answer_that_was_kept_but_not_recorded_is_made_again(house, client, orders, place, death):
    orders.give("tts", place, death)
    house.keep_alive()
    assert client.succeeded(client.say())["attempts"]["tts"] == 2


@pytest.mark.parametrize("death", ["die", "die_all"])
@pytest.mark.parametrize("place", ["after_complete", "before_ack"])
@pytest.mark.parametrize("kind", ["asr", "llm"])
def test_work_that_was_recorded_is_not_done_again(house, client, orders, kind, place, death):
    n = client.utterance()
    orders.give(kind, place, death)
    house.keep_alive()
    assert client.succeeded(client.say(n))["attempts"] == {"asr": 1, "llm": 1, "tts": 1}
    wait_for(lambda: orders.obeyed(place))
    assert [len(orders.runs(stage, n)) for stage in ("asr", "llm", "tts")] == [1, 1, 1]


@pytest.mark.parametrize("death", ["die", "die_all"])
def test_a_worker_that_dies_after_the_last_stage_leaves_nothing(house, client, orders, death):
    orders.give("tts", "before_ack", death)
    house.keep_alive()
    assert client.succeeded(client.say())["attempts"]["tts"] == 1
    wait_for(lambda: orders.obeyed("before_ack"))


@pytest.mark.parametrize("death", ["die", "die_all"])
def test_an_api_that_dies_before_it_rings_has_accepted(house, client, orders, death):
    orders.give("api", "after_submit", death)
    house.keep_alive()
    with pytest.raises(httpx.TransportError):
        client.post(session=f"cut-off-{death}")
    house.until_up("api1")
    (turn,) = client.turns(f"cut-off-{death}")
    assert client.ended(turn["id"])["state"] == "succeeded"


@pytest.mark.parametrize(
    ("place", "death"),
    [("in_blob", "die"), ("after_blob", "die"), ("before_submit", "die"), ("before_submit", "die_all")],
)
def test_an_api_that_dies_before_it_submits_has_accepted_nothing(house, client, orders, place, death):
    orders.give("api", place, death)
    house.keep_alive()
    with pytest.raises(httpx.TransportError):
        client.post(session=f"unheard-{place}-{death}")
    house.until_up("api1")
    assert client.turns(f"unheard-{place}-{death}") == []
    again = client.say(session=f"unheard-{place}-{death}")
    assert client.succeeded(again)["seq"] == 1
