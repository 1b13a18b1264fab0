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
THREADS = 40  # threads that post
UNDECODABLE = -45  # the utterance of a recording of 0.05 s, which no decoder takes


@pytest.fixture
def impatient_api(cluster) -> Iterator[int]:
    """The number of an API process whose jobs expire soon, yet not before an engine has begun on them."""
    cluster["api2"].environment["WAIJIAO_DEADLINE_S"] = "4"
    cluster.restart("api2")
    yield 2
    del cluster["api2"].environment["WAIJIAO_DEADLINE_S"]
    cluster.restart("api2")


def test_a_waiting_session_does_not_delay_another(cluster, client):
    held = cluster.submit_and_hold("llm", session="held")
    following = client.submit(session="held")
    others = [client.submit(session=f"not-held-{number % 5}") for number in range(20)]
    for turn in others:
        client.expect_success(turn)
    assert client.get_job(held)["state"] == client.get_job(following)["state"] == "thinking"


def test_two_sessions_are_answered_at_the_same_time(cluster):
    cluster.submit_and_hold("llm", session="one")
    cluster.submit_and_hold("llm", session="other")


def test_later_turns_are_recognised_while_an_earlier_one_is_answered(cluster, client, orders):
    cluster.submit_and_hold("llm", session="ahead")
    later = [client.submit(session="ahead") for _ in range(3)]
    for turn in later:
        wait_for(lambda: client.get_job(turn)["transcript"])  # noqa: B023
    assert not any(orders.find_runs("llm", turn.utterance) for turn in later)


def test_a_turn_that_cannot_be_heard_lets_the_next_ones_pass(client, orders):
    first, *following = (client.submit(utterance, session="unheard") for utterance in (UNDECODABLE, None, None))
    client.expect_failure(first, "bad_audio")
    expect_answers_in_order(client, orders, following)


@pytest.mark.parametrize("kind", ["asr", "llm"])
def test_a_turn_whose_engine_fails_lets_the_next_ones_pass(client, orders, kind):
    utterance = client.new_utterance()
    orders.give(kind, utterance, "fail", times=3)
    first, *following = (client.submit(each, session=f"failed-{kind}") for each in (utterance, None, None))
    client.expect_failure(first, "engine_failed")
    expect_answers_in_order(client, orders, following)


@pytest.mark.parametrize("kind", ["asr", "llm"])
def test_a_canceled_turn_lets_the_next_ones_pass(cluster, client, orders, kind):
    first = cluster.submit_and_hold(kind, session=f"canceled-{kind}")
    following = [client.submit(session=first.session) for _ in range(2)]
    assert client.ask("DELETE", f"/v1/jobs/{first.id}").json()["state"] == "canceled"
    expect_answers_in_order(client, orders, following)


@pytest.mark.parametrize("kind", ["asr", "llm"])
def test_an_expired_turn_lets_the_next_ones_pass(cluster, client, orders, impatient_api, kind):
    first = cluster.submit_and_hold(kind, session=f"expired-{kind}", api=impatient_api)
    following = [client.submit(session=first.session) for _ in range(2)]
    assert client.wait_until_ended(first)["state"] == "expired"
    expect_answers_in_order(client, orders, following)


def test_pairs_of_turns_posted_at_once_are_answered_in_order(cluster, client, orders):
    def submit(number: int):
        return client.submit(session=f"pair-{number // 2}", api=1 + number % 2)

    with ThreadPoolExecutor(THREADS) as threads:
        pairs = [*threads.map(submit, range(2 * PAIRS))]
    for turn in pairs:
        client.expect_success(turn, seconds=90)
    answered = [entry["utterance"] for entry in orders.read_ledger() if entry["what"] == "llm"]
    for number in range(PAIRS):
        first, second = client.get_turns(f"pair-{number}")
        one, other = (record["feedback"]["heard"].split()[2] for record in (first, second))
        assert (first["seq"], second["seq"]) == (1, 2)
        assert answered.index(one) < answered.index(other)
        assert orders.find_runs("llm", int(other.removeprefix("canary")))[-1]["history"] == [one]
    for kind in ("asr", "llm", "tts"):
        assert {entry["name"] for entry in orders.read_ledger() if entry["what"] == kind} == {f"{kind}1", f"{kind}2"}


def expect_answers_in_order(client, orders, following) -> None:
    """The second and the third turn of a session whose first one was not answered."""
    second, third = following
    assert (client.expect_success(second)["seq"], client.expect_success(third)["seq"]) == (2, 3)
    assert orders.find_runs("llm", third.utterance)[-1]["history"] == [f"canary{second.utterance}"]
