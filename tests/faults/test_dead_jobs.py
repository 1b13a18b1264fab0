"""Dead jobs, which failed through no fault of their own: `waijiao status --dead` lists them, `waijiao retry` helps."""

import json
import subprocess
import sys

import pytest

from tests.faults.harness.client import Said
from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1})
KINDS = ["asr", "llm", "tts"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_whose_worker_always_died_is_answered_when_it_is_retried(client, orders, kind):
    n, session = client.utterance(), f"dead-in-{kind}"
    orders.give(kind, n, "die", times=3)
    dead = client.say(n, session=session)
    client.failed(dead, "worker_lost")
    assert [(job["id"], job["error"]["stage"]) for job in listed(client)] == [(dead.id, kind)]

    said = waijiao(client, "retry", dead.id)
    again = client.job(dead)["retried_as"]
    assert said == f"{dead.id}: retrying as {again}\n"
    client.accepted[again] = Said(again, n, session)
    client.succeeded(client.accepted[again])

    assert [turn["id"] for turn in client.turns(session)] == [again]
    assert [len(orders.runs(each, n)) for each in KINDS] == [4 if each == kind else 1 for each in KINDS]
    assert client.job(dead)["state"] == "failed"
    assert listed(client) == []
    assert waijiao(client, "retry", dead.id) == said


def test_a_job_that_is_not_dead_is_not_retried(client):
    said = client.say()
    client.succeeded(said)
    assert "Traceback" not in (refusal := waijiao(client, "retry", said.id, status=1))
    assert said.id in refusal
    assert waijiao(client, "status", "--dead") == "No failed jobs to retry.\n"


def test_the_list_of_dead_jobs_has_all_that_a_retry_needs(client, orders):
    n = client.utterance()
    orders.give("llm", n, "fail", times=3)
    dead = client.say(n)
    client.failed(dead, "engine_failed")
    assert dead.id in waijiao(client, "status", "--dead")


def listed(client) -> list[dict]:
    return json.loads(waijiao(client, "status", "--dead", "--json"))


def waijiao(client, *words: str, status: int = 0) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "waijiao", *words, "--url", client.urls[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr
