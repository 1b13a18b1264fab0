"""Requests that are sent again, because nobody knows whether they arrived: one job, answered once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(apis=2)
REQUESTS = 20


def test_twenty_requests_at_once_with_one_key_are_one_job(client, orders):
    utterance, key = client.new_utterance(), {"Idempotency-Key": "at-once"}
    with ThreadPoolExecutor(REQUESTS) as threads:
        answers = [*threads.map(lambda each: client.post(utterance, api=1 + each % 2, headers=key), range(REQUESTS))]
    assert {answer.status_code for answer in answers} == {202}
    (id_,) = {answer.json()["id"] for answer in answers}
    client.expect_success(client.accepted[id_])
    assert [len(orders.find_runs(kind, utterance)) for kind in ("asr", "llm", "tts")] == [1, 1, 1]
    assert client.post(utterance, headers=key).json()["id"] == id_


@pytest.mark.parametrize("change", [{"utterance": True}, {"session": "another"}, {"text": "more"}])
def test_a_key_that_comes_with_another_request_is_refused(cluster, client, change):
    utterance, key, session = client.new_utterance(), {"Idempotency-Key": f"other-{'-'.join(change)}"}, "-".join(change)
    turn = client.submit(utterance, headers=key, session=session)
    other = {"utterance": utterance, "session": session, **change} | (
        {"utterance": client.new_utterance()} if "utterance" in change else {}
    )
    answer = client.post(**other, api=2, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    client.expect_success(turn)


@pytest.mark.parametrize("point", ["before_submit", "after_submit"])
def test_a_request_cut_off_by_the_api_s_death_is_sent_again_elsewhere(cluster, client, orders, point):
    utterance, key, session = client.new_utterance(), {"Idempotency-Key": point}, f"killed-{point}"
    orders.give("api", point, "die_all")
    cluster.keep_alive()
    with pytest.raises(httpx.TransportError):
        client.post(utterance, headers=key, session=session)
    turn = client.submit(utterance, api=2, headers=key, session=session)
    cluster.wait_until_up("api1")
    client.expect_success(turn)
    assert [record["id"] for record in client.get_turns(session)] == [turn.id]
    assert [len(orders.find_runs(kind, utterance)) for kind in ("asr", "llm", "tts")] == [1, 1, 1]
