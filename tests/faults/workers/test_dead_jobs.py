"""Dead jobs, which failed through no fault of their own: `waijiao status --dead` lists them, `waijiao retry` helps."""

import json
import subprocess
import sys

import pytest

from tests.faults.harness.client import AcceptedTurn
from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1})
KINDS = ["asr", "llm", "tts"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_whose_worker_always_died_is_answered_when_it_is_retried(client, orders, kind):
    utterance, session = client.new_utterance(), f"dead-in-{kind}"
    orders.give(kind, utterance, "die", times=3)
    dead = client.submit(utterance, session=session)
    client.expect_failure(dead, "worker_lost")
    assert [(job["id"], job["error"]["stage"]) for job in list_dead_jobs(client)] == [(dead.id, kind)]

    printed = run_command(client, "retry", dead.id)
    again = client.get_job(dead)["retried_as"]
    assert printed == f"{dead.id}: retrying as {again}\n"
    client.accepted[again] = AcceptedTurn(again, utterance, session)
    client.expect_success(client.accepted[again])

    assert [record["id"] for record in client.get_turns(session)] == [again]
    assert [len(orders.find_runs(each, utterance)) for each in KINDS] == [4 if each == kind else 1 for each in KINDS]
    assert client.get_job(dead)["state"] == "failed"
    assert list_dead_jobs(client) == []
    assert run_command(client, "retry", dead.id) == printed


def test_a_job_that_is_not_dead_is_not_retried(client):
    turn = client.submit()
    client.expect_success(turn)
    assert "Traceback" not in (refusal := run_command(client, "retry", turn.id, status=1))
    assert turn.id in refusal
    assert run_command(client, "status", "--dead") == "No failed jobs to retry.\n"


def test_the_list_of_dead_jobs_has_all_that_a_retry_needs(client, orders):
    utterance = client.new_utterance()
    orders.give("llm", utterance, "fail", times=3)
    dead = client.submit(utterance)
    client.expect_failure(dead, "engine_failed")
    assert dead.id in run_command(client, "status", "--dead")


def list_dead_jobs(client) -> list[dict]:
    return json.loads(run_command(client, "status", "--dead", "--json"))


def run_command(client, *words: str, status: int = 0) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "waijiao", *words, "--url", client.urls[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr
