"""The programs of examples/ do what their README says, run as a user runs them, with the default models."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
LEARNER = EXAMPLES / "recordings" / "ruoxi-wu.wav"
SILENCE = EXAMPLES / "silence.wav"


@pytest.fixture
def run(app, tmp_path):
    """Runs a command in an empty folder, for a server whose address the environment names."""

    def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "WAIJIAO_URL": app.url, "LC_ALL": "C.UTF-8"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_the_shell_script_prints_the_transcript_and_saves_the_answer(run, app, tmp_path):
    recording = tmp_path / "lesson 1, anna;.wav"
    recording.write_bytes(LEARNER.read_bytes())
    ran = run(EXAMPLES / "ask.sh", recording, "spoken.wav", "shell")
    assert ran.returncode == 0, ran.stderr
    (turn,) = app.get("/v1/sessions/shell").json()["turns"]
    assert f"heard:     {turn['feedback']['heard']}\n" in ran.stdout
    assert f"corrected: {turn['feedback']['corrected']}\n" in ran.stdout
    assert f"answer:    {turn['answer']['text']}\n" in ran.stdout
    assert (tmp_path / "spoken.wav").read_bytes() == app.get(turn["answer"]["audio"]).content


@pytest.mark.parametrize(("what", "told"), [(SILENCE, "Record again"), (EXAMPLES / "README.md", "no known audio")])
def test_the_shell_script_prints_the_server_s_error(run, tmp_path, what, told):
    ran = run(EXAMPLES / "ask.sh", what)
    assert ran.returncode == 1
    assert told in ran.stderr
    assert not (tmp_path / "answer.wav").exists()


@pytest.mark.parametrize(
    "command",
    [
        (EXAMPLES / "ask.sh",),
        (EXAMPLES / "ask.sh", "nosuch.wav"),
        (sys.executable, EXAMPLES / "ask.py"),
        (sys.executable, EXAMPLES / "ask.py", "nosuch.wav"),
        (sys.executable, EXAMPLES / "webhook_receiver.py"),
        (sys.executable, EXAMPLES / "webhook_receiver.py", "answers", "9000"),  # without WEBHOOK_SECRET
    ],
)
def test_an_example_that_is_called_wrongly_says_how(run, command):
    ran = run(*command)
    assert ran.returncode == 1
    assert "usage: " in ran.stderr or "There is no file nosuch.wav." in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_client_prints_its_progress_and_saves_the_answer(run, app, tmp_path):
    ran = run(sys.executable, EXAMPLES / "ask.py", LEARNER)
    assert ran.returncode == 0, ran.stderr
    turn = app.get("/v1/sessions/anna").json()["turns"][-1]
    assert f"heard:     {turn['transcript']['text']}\n" in ran.stdout
    assert f"answer:    {turn['answer']['text']}\n" in ran.stdout
    assert "succeeded" in ran.stderr
    assert (tmp_path / "answer.wav").read_bytes() == app.get(turn["answer"]["audio"]).content


def test_the_client_answers_a_folder_in_order_and_says_which_recording_has_no_answer(run, tmp_path):
    lessons = tmp_path / "lessons"
    lessons.mkdir()
    for name, recording in {"anna.wav": LEARNER, "ben.wav": SILENCE, "chen.wav": LEARNER}.items():
        shutil.copy(recording, lessons / name)
    ran = run(sys.executable, EXAMPLES / "ask.py", lessons)
    assert ran.returncode == 1, ran.stderr
    first, second, third = ran.stdout.splitlines()
    assert first.startswith("1 of 3  anna.wav: She ha")
    assert second.startswith("2 of 3  ben.wav: failed: The recording is silent.")
    assert third.startswith("3 of 3  chen.wav: She ha")
    assert sorted(each.name for each in (tmp_path / "answers").iterdir()) == ["anna.wav", "chen.wav"]


def test_the_client_prints_the_server_s_error(run):
    ran = run(sys.executable, EXAMPLES / "ask.py", SILENCE)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "Record again" in ran.stderr
