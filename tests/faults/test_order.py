"""Order: a session's turns are answered as they were accepted, each seeing those before; nobody else waits for them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(
    workers={"asr": 2, "llm": 2, "tts": 2, "maintenance": 1},
    apis=2,
    settings={"stage_s": 30, "orphan_s": 10},  # to tidy up after hundreds of jobs takes longer than after a few
)
PAIRS = 200
AT_ONCE = 40  # threads that post
UNHEARABLE = -45  # the utterance of a recording of 0.05 s, which no decoder takes


@pytest.fixture
def impatient(house) -> Iterator[int]:
    """The number of an API process whose jobs expire soon, yet not before an engine has begun on them."""
    house["api2"].environment["WAIJIAO_DEADLINE_S"] = "4"
    house.restart("api2")
    yield 2
    del house["api2"].environment["WAIJIAO_DEADLINE_S"]
    house.restart("api2")


def test_a_session_that_waits_keeps_no_other_waiting(house, client):
    held = house.held("llm", session="held")
    following = client.say(session="held")
    others = [client.say(session=f"not-held-{number % 5}") for number in range(20)]
    for said in others:
        client.succeeded(said)
    assert client.job(held)["state"] == client.job(following)["state"] == "thinking"


def test_two_sessions_are_answered_at_the_same_time(house):
    house.held("llm", session="one")
    house.held("llm", session="other")


def test_later_turns_are_recognised_while_an_earlier_one_is_answered(house, client, orders):
    house.held("llm", session="ahead")
    later = [client.say(session="ahead") for _ in range(3)]
    for said in later:
        wait_for(lambda: client.job(said)["transcript"])  # noqa: B023
    assert not any(orders.runs("llm", said.n) for said in later)


def test_a_turn_that_cannot_be_heard_lets_the_next_ones_pass(client, orders):
    first, *following = (client.say(n, session="unheard") for n in (UNHEARABLE, None, None))
    client.failed(first, "bad_audio")
    answered_in_order(client, orders, following)


@pytest.mark.parametrize("kind", ["asr", "llm"])
def test_a_turn_whose_engine_fails_lets_the_next_ones_pass(client, orders, kind):
    n = client.utterance()
    orders.give(kind, n, "fail", times=3)
    first, *following = (client.say(each, session=f"failed-{kind}") for each in (n, None, None))
    client.failed(first, "engine_failed")
    answered_in_order(client, orders, following)


@pytest.mark.parametrize("kind", ["asr", "llm"])
def test_a_canceled_turn_lets_the_next_ones_pass(house, client, orders, kind):
    first = house.held(kind, session=f"canceled-{kind}")
    following = [client.say(session=first.session) for _ in range(2)]
    assert client.ask("DELETE", f"/v1/jobs/{first.id}").json()["state"] == "canceled"
    answered_in_order(client, orders, following)


@pytest.mark.parametrize("kind", ["asr", "llm"])
def test_an_expired_turn_lets_the_next_ones_pass(house, client, orders, impatient, kind):
    first = house.held(kind, session=f"expired-{kind}", api=impatient)
    following = [client.say(session=first.session) for _ in range(2)]
    assert client.ended(first)["state"] == "expired"
    answered_in_order(client, orders, following)


def test_pairs_of_turns_posted_at_once_are_answered_in_order(house, client, orders):
    def say(number: int):
        return client.say(session=f"pair-{number // 2}", api=1 + number % 2)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        pairs = [*threads.map(say, range(2 * PAIRS))]
    for said in pairs:
        client.succeeded(said, seconds=90)
    answered = [entry["utterance"] for entry in orders.ledger() if entry["what"] == "llm"]
    for number in range(PAIRS):
        first, second = client.turns(f"pair-{number}")
        one, other = (turn["feedback"]["heard"].split()[2] for turn in (first, second))
        assert (first["seq"], second["seq"]) == (1, 2)
        assert answered.index(one) < answered.index(other)
        assert orders.runs("llm", int(other.removeprefix("canary")))[-1]["history"] == [one]
    for kind in ("asr", "llm", "tts"):
        assert {entry["name"] for entry in orders.ledger() if entry["what"] == kind} == {f"{kind}1", f"{kind}2"}


def answered_in_order(client, orders, following) -> None:
    """The second and the third turn of a session whose first one was not answered."""
    second, third = following
    assert (client.succeeded(second)["seq"], client.succeeded(third)["seq"]) == (2, 3)
    assert orders.runs("llm", third.n)[-1]["history"] == [f"canary{second.n}"]
