"""Engines that kill their worker, fail, lie, or run out of memory: the job says why, and the others go through."""

import pytest

STAGES = ("asr", "llm", "tts")


@pytest.mark.parametrize(("kind", "death"), [("asr", "die"), ("llm", "die"), ("tts", "die"), ("llm", "die_all")])
def test_a_job_that_kills_every_worker_fails_and_others_go_through(house, client, orders, kind, death):
    n = client.utterance()
    orders.give(kind, n, death, times=9)
    house.keep_alive()
    poison = client.say(n, session="poisoned")
    others = [client.say(session=session) for session in ("poisoned", "anna", "ben")]
    for said in others:
        client.succeeded(said)
    job = client.failed(poison, "worker_lost")
    assert (job["error"]["stage"], job["attempts"][kind]) == (kind, 3)
    assert len(orders.runs(kind, n)) == 3


@pytest.mark.parametrize("kind", STAGES)
@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("memory", "out_of_memory"),
        ("fail", "engine_failed"),
        ("lie", "engine_failed"),
        ("short", "engine_failed"),
        ("blab", "engine_failed"),
    ],
)
def test_an_engine_that_goes_wrong_is_tried_three_times_and_named(house, client, orders, kind, word, code):
    n = client.utterance()
    orders.give(kind, n, word, times=9)
    children = [child.pid for each in house.all(kind) for child in each.children()]
    said = client.say(n)
    job = client.failed(said, code)
    assert (job["error"]["stage"], job["attempts"][kind]) == (kind, 3)
    client.succeeded(client.say())
    assert [child.pid for each in house.all(kind) for child in each.children()] == children


@pytest.mark.parametrize("word", ["memory", "fail", "lie", "short", "blab"])
def test_an_engine_that_goes_wrong_once_answers_the_second_time(client, orders, word):
    n = client.utterance()
    orders.give("llm", n, word)
    assert client.succeeded(client.say(n))["attempts"] == {"asr": 1, "llm": 2, "tts": 1}


@pytest.mark.parametrize("kind", STAGES)
def test_a_failed_turn_lets_the_next_ones_pass(client, orders, kind):
    n = client.utterance()
    orders.give(kind, n, "fail", times=3)
    first, second, third = (client.say(number, session=f"failing-{kind}") for number in (n, None, None))
    client.failed(first, "engine_failed")
    client.succeeded(second)
    client.succeeded(third)
    assert orders.runs("llm", third.n)[-1]["history"][-1] == f"canary{second.n}"
