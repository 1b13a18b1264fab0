"""Cancel, in every state: the job ends at once, its audio goes, the next turn passes, a late result is refused."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(workers={"asr": 2, "llm": 1, "tts": 2, "maintenance": 1}, settings={"stage_s": 30})
STOPS_S = 10  # seconds after which a canceled answer is not thought about, on a busy machine; stage_s is longer


def test_a_job_that_nobody_works_on_yet_is_canceled(house, client, orders):
    for name in ("asr1", "asr2"):
        house[name].freeze()
    said, following = client.say(session="queued"), client.say(session="queued")
    assert client.job(said)["state"] == "queued"
    cancel(client, said)
    assert house.kept(said) == []
    for name in ("asr1", "asr2"):
        house[name].thaw()
    client.succeeded(following)
    assert orders.runs("asr", said.n) == []


def test_a_turn_behind_an_earlier_one_is_canceled(house, client, orders):
    first = house.held("llm", session="behind")
    second, third = client.say(session="behind"), client.say(session="behind")
    wait_for(lambda: client.job(second)["transcript"])
    cancel(client, second)
    orders.withdraw(first.n)
    assert [client.succeeded(said)["seq"] for said in (first, third)] == [1, 3]
    assert orders.runs("llm", second.n) == []
    assert orders.runs("llm", third.n)[0]["history"] == [f"canary{first.n}"]


@pytest.mark.parametrize("kind", ["asr", "tts"])
def test_a_job_is_canceled_while_an_engine_works_on_it(house, client, orders, kind):
    said = house.held(kind, session=f"in-{kind}")
    following = client.say(session=said.session)
    cancel(client, said)
    assert house.kept(said) == []
    client.succeeded(following)
    orders.withdraw(said.n)  # the late result comes now; the invariants wait until the worker has done with it
    later = {"asr": "llm", "tts": "tts"}[kind]
    assert len(orders.runs(later, said.n)) == (kind == "tts")


def test_the_language_model_stops_when_its_job_is_canceled(house, client, orders):
    said = house.held("llm", session="in-llm")
    following = client.say(session="in-llm")
    wait_for(lambda: client.job(following)["transcript"])
    cancel(client, said)
    wait_for(lambda: orders.runs("llm", following.n), STOPS_S)  # by the only worker, which nobody told to stop waiting
    client.succeeded(following)


def test_a_job_is_canceled_once_and_erased_after_that(client):
    said = client.say(session="twice")
    cancel(client, said)
    assert client.ask("DELETE", f"/v1/jobs/{said.id}").status_code == 204
    is_erased(client, said)


def test_an_answered_job_is_not_canceled_but_erased(house, client):
    earlier, said = client.say(session="ended"), client.say(session="ended")
    for each in (earlier, said):
        client.succeeded(each)
    assert client.ask("DELETE", f"/v1/jobs/{said.id}").status_code == 204
    is_erased(client, said)
    assert house.kept(said) == []
    assert [turn["id"] for turn in client.turns("ended")] == [earlier.id]


def cancel(client, said) -> None:
    answer = client.ask("DELETE", f"/v1/jobs/{said.id}")
    assert (answer.status_code, answer.json()["state"]) == (200, "canceled")
    assert client.job(said)["error"]["code"] == "canceled"


def is_erased(client, said) -> None:
    for path in ("", "/audio"):
        answer = client.ask("GET", f"/v1/jobs/{said.id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (410, "erased")
    client.forget(said)
