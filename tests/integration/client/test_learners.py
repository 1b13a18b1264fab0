"""The client and the command read, export and erase a learner's ledger."""

import json
import time

import pytest
from click.testing import CliRunner, Result

from pipeline.errors import UnknownLearner
from pipeline.jobs.records import to_json
from pipeline.learners.entries import LedgerEntry, MistakeNote, UnclearNote
from pipeline.learners.identity import student_learner
from pipeline.learners.store import entries_key, times_key
from tests.support.echo_worker import BlockingAsyncClient
from waijiao import Client
from waijiao.cli.main import main

LEARNER = "session-home"
NOTE = MistakeNote("R:VERB:TENSE", "go", "went", "I go home.", "I went home.")


@pytest.fixture(params=[Client, BlockingAsyncClient], ids=["blocking", "async"])
def client(request, server):
    with request.param(str(server.base_url)) as connected:
        yield connected


def remember(redis, learner=LEARNER):
    entry = LedgerEntry("0" * 32, (NOTE,), unclear=(UnclearNote("three", 1, 2),))
    redis.hset(entries_key("default", learner), "default/a", to_json(entry))
    redis.zadd(times_key("default", learner), {"default/a": time.time()})


def test_the_client_reads_exports_and_erases_a_ledger(client, redis):
    remember(redis)
    assert [kind.kind for kind in client.ledger(LEARNER).kinds] == ["R:VERB:TENSE"]
    assert b"I went home." in client.export_ledger(LEARNER)
    assert client.export_ledger(LEARNER, "apkg").startswith(b"PK")
    assert client.erase_learner(LEARNER).ledger_entries == 1
    assert client.ledger(LEARNER).kinds == []
    with pytest.raises(UnknownLearner):
        client.ledger("home")


def test_the_client_reads_the_ledger_of_a_class(client, redis):
    client.put_assignment("hw", title="Homework", class_name="3a", students=[{"name": "Mei"}])
    remember(redis, student_learner("3a", "Mei"))
    ledger = client.class_ledger("hw")
    assert [(kind.kind, kind.students) for kind in ledger.kinds] == [("R:VERB:TENSE", ["Mei"])]


@pytest.fixture
def run(server, tmp_path, monkeypatch):
    """Runs `waijiao learner` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str, **options: str) -> Result:
        return CliRunner().invoke(main, ["learner", *arguments, "--url", str(server.base_url)], **options)

    return run_command


def test_the_command_shows_exports_and_erases_a_ledger(run, redis, tmp_path):
    remember(redis)
    shown = run("show", LEARNER)
    assert "R:VERB:TENSE  1 time, right on 0 of 3 days" in shown.output
    assert "I go home. → I went home." in shown.output
    assert "listen again: three" in shown.output
    assert json.loads(run("show", LEARNER, "--json").output)["learner"] == LEARNER
    assert run("export", LEARNER, "--out", "a.csv").exit_code == 0
    assert b"I went home." in (tmp_path / "a.csv").read_bytes()
    assert run("export", LEARNER, "--out", "a.txt").exit_code == 2
    assert run("erase", LEARNER, input="n\n").exit_code == 1
    erased = run("erase", LEARNER, "--yes")
    assert "erased: 0 jobs, 0 sound files, 1 ledger entry, 0 webhook logs" in erased.output
    assert "Nothing is known" in run("show", LEARNER).output
