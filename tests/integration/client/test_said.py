"""The client and the command have a turn answered again on what was really said."""

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from pipeline.errors import BadRequest, CannotRerun
from tests.support.echo_worker import BlockingAsyncClient, recording
from waijiao import Client
from waijiao.cli.main import main

SAID = "I like three."


@pytest.fixture(params=[Client, BlockingAsyncClient], ids=["blocking", "async"])
def client(request, server):
    with request.param(str(server.base_url)) as connected:
        yield connected


def test_a_turn_is_answered_again_on_the_learner_s_words(client, echo_worker):
    first = client.ask(recording(1), session="anna")
    again = client.answer_said(first.job, f" {SAID} ")
    assert (again.question.said, again.rerun_of, again.session) == (SAID, first.job.id, "anna")
    answer = client.wait(again)
    assert (answer.heard, answer.verdict, answer.job.question.said) == (first.heard, "not_checked", SAID)
    assert client.answer_said(first.job.id, SAID).id == again.id


def test_words_that_cannot_be_answered_and_a_turn_without_a_recording_are_refused(client, echo_worker):
    first = client.ask(recording(1))
    with pytest.raises(BadRequest, match="`said` must be"):
        client.answer_said(first.job, " ")
    with pytest.raises(CannotRerun):
        client.answer_said(client.ask(text="Hi").job, SAID)


@pytest.fixture
def run(server, tmp_path, monkeypatch):
    """Runs `waijiao ask` in an empty folder; its exit code and output."""
    monkeypatch.chdir(tmp_path)

    def run_ask(*arguments: str) -> SimpleNamespace:
        return CliRunner().invoke(main, ["ask", "--url", str(server.base_url), *arguments])

    return run_ask


def test_the_command_answers_a_turn_again(run, server, echo_worker, tmp_path):
    with Client(str(server.base_url)) as client:
        job = client.ask(recording(1)).job
    result = run("--instead-of", job.id, "--text", SAID, "--out", "again.wav")
    assert result.exit_code == 0, result.output
    assert f"said:      {SAID}" in result.output
    assert f"heard:     {job.transcript.text}" in result.output
    assert (tmp_path / "again.wav").exists()
    later = run("--instead-of", job.id, "--text", SAID, "--later")
    with Client(str(server.base_url)) as client:
        assert client.job(later.output.strip()).rerun_of == job.id


@pytest.mark.parametrize("arguments", [("--persona", "emma"), ("--session", "anna"), ("--speed", "0.5"), ("a.wav",)])
def test_the_command_refuses_what_would_have_no_effect_on_a_turn_that_is_answered_again(run, tmp_path, arguments):
    (tmp_path / "a.wav").write_bytes(recording(1))
    result = run("--instead-of", "f" * 32, "--text", SAID, *arguments)
    assert (result.exit_code, "--instead-of goes with --text" in result.output) == (2, True)
