"""The client and the command say the better sentence of a turn again, and show how it compares."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from pipeline.errors import EnoughTries, NothingToPractise
from pipeline.jobs.job import MAX_TRIES, JobRequest
from pipeline.jobs.results import Edit, Feedback, Transcript
from tests.support.echo_worker import BlockingAsyncClient, recording
from tests.support.job_steps import run_stage
from tests.support.wait import wait_for
from waijiao import Client
from waijiao.cli.main import main

HEARD, BETTER = "I go home yesterday.", "I went home yesterday."
TURN = "a" * 32


@pytest.fixture(params=[Client, BlockingAsyncClient], ids=["blocking", "async"])
def client(request, server):
    with request.param(str(server.base_url)) as connected:
        yield connected


@pytest.fixture
def turn(jobs) -> str:
    """The id of a turn that was corrected."""
    jobs.submit(JobRequest(TURN, "anna", recording=f"default/{TURN}/x"))
    run_stage(jobs, "asr", Transcript(HEARD, "en", 4.0))
    run_stage(jobs, "llm", Feedback(HEARD, BETTER, "", BETTER, (Edit("go", "went", (1, 2)),), verdict="corrected"))
    run_stage(jobs, "tts")
    return TURN


def test_a_try_is_sent_and_compared(client, jobs, turn):
    tried = client.say_again(turn, recording(1), idempotency_key="once")
    assert (tried.task, tried.practised) == ("read", turn)
    assert client.say_again(turn, recording(1), idempotency_key="once").id == tried.id
    run_stage(jobs, "asr", Transcript(BETTER, "en", 2.0))
    tries = client.tries(client.job(turn))
    assert (tries.practice.text, tries.left, tries.best) == (BETTER, MAX_TRIES - 1, tried.id)
    assert tries.tries[0].praise["en"] == "“went” was heard this time. All words were heard."
    for number in range(2, MAX_TRIES + 1):
        client.say_again(turn, recording(number))
    with pytest.raises(EnoughTries):
        client.say_again(turn, recording(4))
    with pytest.raises(NothingToPractise):
        client.tries(tried)


def test_the_command_says_a_sentence_again(server, jobs, turn, tmp_path):
    (tmp_path / "try.wav").write_bytes(recording(1))

    def run(*arguments: str):
        return CliRunner().invoke(main, ["ask", "--url", str(server.base_url), *arguments])

    with ThreadPoolExecutor() as pool:
        heard = pool.submit(
            lambda: (
                wait_for(lambda: jobs.waiting()["asr"]) and run_stage(jobs, "asr", Transcript(BETTER[7:], "en", 2.0))
            )
        )
        result = run(str(tmp_path / "try.wav"), "--again", turn)
        heard.result(30)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "home yesterday.",
        "You said it once more.",
        "Listen to these words again: I, went",
    ]
    later = run(str(tmp_path / "try.wav"), "--again", turn, "--later")
    assert jobs.get("default", later.output.strip()).request.practised == turn


@pytest.mark.parametrize("arguments", [(), ("a.wav", "a.wav"), ("a.wav", "--text", "Hi"), ("a.wav", "--session", "x")])
def test_the_command_refuses_what_is_no_try(server, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.wav").write_bytes(recording(1))
    result = CliRunner().invoke(main, ["ask", "--url", str(server.base_url), "--again", TURN, *arguments])
    assert result.exit_code == 2
    assert "Give at least one recording" in result.output or "--again goes with one recording" in result.output
