"""Requests that are sent again, because nobody knows whether they arrived: one job, answered once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(apis=2)
AT_ONCE = 20


def test_twenty_requests_at_once_with_one_key_are_one_job(client, orders):
    n, key = client.utterance(), {"Idempotency-Key": "at-once"}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = [*threads.map(lambda each: client.post(n, api=1 + each % 2, headers=key), range(AT_ONCE))]
    assert {answer.status_code for answer in answers} == {202}
    (id_,) = {answer.json()["id"] for answer in answers}
    client.succeeded(client.accepted[id_])
    assert [len(orders.runs(kind, n)) for kind in ("asr", "llm", "tts")] == [1, 1, 1]
    assert client.post(n, headers=key).json()["id"] == id_


@pytest.mark.parametrize("change", [{"n": True}, {"session": "another"}, {"text": "more"}])
def test_a_key_that_comes_with_another_request_is_refused(house, client, change):
    n, key, session = client.utterance(), {"Idempotency-Key": f"other-{'-'.join(change)}"}, "-".join(change)
    said = client.say(n, headers=key, session=session)
    other = {"n": n, "session": session, **change} | ({"n": client.utterance()} if "n" in change else {})
    answer = client.post(**other, api=2, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    client.succeeded(said)


@pytest.mark.parametrize("place", ["before_submit", "after_submit"])
def test_a_request_cut_off_by_the_api_s_death_is_sent_again_elsewhere(house, client, orders, place):
    n, key, session = client.utterance(), {"Idempotency-Key": place}, f"killed-{place}"
    orders.give("api", place, "die_all")
    house.keep_alive()
    with pytest.raises(httpx.TransportError):
        client.post(n, headers=key, session=session)
    said = client.say(n, api=2, headers=key, session=session)
    house.until_up("api1")
    client.succeeded(said)
    assert [turn["id"] for turn in client.turns(session)] == [said.id]
    assert [len(orders.runs(kind, n)) for kind in ("asr", "llm", "tts")] == [1, 1, 1]
