"""Cancel, in every state: the job ends at once, its audio goes, the next turn passes, a late result is refused."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(workers={"asr": 2, "llm": 1, "tts": 2, "maintenance": 1}, settings={"stage_s": 30})
STOP_S = 10  # seconds after which a canceled answer is not thought about, on a busy machine; stage_s is longer


def test_a_job_that_nobody_works_on_yet_is_canceled(cluster, client, orders):
    for name in ("asr1", "asr2"):
        cluster[name].freeze()
    turn, following = client.submit(session="queued"), client.submit(session="queued")
    assert client.get_job(turn)["state"] == "queued"
    cancel(client, turn)
    assert cluster.list_blobs(turn) == []
    for name in ("asr1", "asr2"):
        cluster[name].thaw()
    client.expect_success(following)
    assert orders.find_runs("asr", turn.utterance) == []


def test_a_turn_behind_an_earlier_one_is_canceled(cluster, client, orders):
    first = cluster.submit_and_hold("llm", session="behind")
    second, third = client.submit(session="behind"), client.submit(session="behind")
    wait_for(lambda: client.get_job(second)["transcript"])
    cancel(client, second)
    orders.withdraw(first.utterance)
    assert [client.expect_success(turn)["seq"] for turn in (first, third)] == [1, 3]
    assert orders.find_runs("llm", second.utterance) == []
    assert orders.find_runs("llm", third.utterance)[0]["history"] == [f"canary{first.utterance}"]


@pytest.mark.parametrize("kind", ["asr", "tts"])
def test_a_job_is_canceled_while_an_engine_works_on_it(cluster, client, orders, kind):
    turn = cluster.submit_and_hold(kind, session=f"in-{kind}")
    following = client.submit(session=turn.session)
    cancel(client, turn)
    assert cluster.list_blobs(turn) == []
    client.expect_success(following)
    orders.withdraw(turn.utterance)  # the late result comes now; the invariants wait until the worker has done with it
    later = {"asr": "llm", "tts": "tts"}[kind]
    assert len(orders.find_runs(later, turn.utterance)) == (kind == "tts")


def test_the_language_model_stops_when_its_job_is_canceled(cluster, client, orders):
    turn = cluster.submit_and_hold("llm", session="in-llm")
    following = client.submit(session="in-llm")
    wait_for(lambda: client.get_job(following)["transcript"])
    cancel(client, turn)
    wait_for(
        lambda: orders.find_runs("llm", following.utterance), STOP_S
    )  # by the only worker, whose order to wait still stands
    client.expect_success(following)


def test_a_job_is_canceled_once_and_erased_after_that(client):
    turn = client.submit(session="twice")
    cancel(client, turn)
    assert client.ask("DELETE", f"/v1/jobs/{turn.id}").status_code == 204
    expect_erased(client, turn)


def test_an_answered_job_is_not_canceled_but_erased(cluster, client):
    earlier, turn = client.submit(session="ended"), client.submit(session="ended")
    for each in (earlier, turn):
        client.expect_success(each)
    assert client.ask("DELETE", f"/v1/jobs/{turn.id}").status_code == 204
    expect_erased(client, turn)
    assert cluster.list_blobs(turn) == []
    assert [record["id"] for record in client.get_turns("ended")] == [earlier.id]


def cancel(client, turn) -> None:
    answer = client.ask("DELETE", f"/v1/jobs/{turn.id}")
    assert (answer.status_code, answer.json()["state"]) == (200, "canceled")
    assert client.get_job(turn)["error"]["code"] == "canceled"


def expect_erased(client, turn) -> None:
    for path in ("", "/audio"):
        answer = client.ask("GET", f"/v1/jobs/{turn.id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (410, "erased")
    client.forget(turn)
