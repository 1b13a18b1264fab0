"""`waijiao ask` and `waijiao watch` over the default models, in a pipe and in a terminal."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.process import LAUNCH
from tests.support.wait import wait_for

EXAMPLES = Path(__file__).parents[2] / "examples"
LEARNERS = sorted((EXAMPLES / "recordings").glob("*.wav"))[:3]


class Terminal:
    """A command in a terminal of its own; `output` is what it has printed so far."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        near, far = pty.openpty()
        self.output = ""
        self.process = subprocess.Popen([*LAUNCH, *command], stdin=far, stdout=far, stderr=far, env=environment)
        os.close(far)
        self.reader = threading.Thread(target=self.read, args=(near,))
        self.reader.start()

    def read(self, controller: int) -> None:
        with os.fdopen(controller, "rb", buffering=0) as screen:
            try:
                while piece := screen.read(4096):
                    self.output += piece.decode(errors="replace")
            except OSError:  # EIO: the command has ended
                return

    def wait(self) -> int:
        """The exit code, once the command has ended and all of its output was read."""
        status = self.process.wait(60)
        self.reader.join()
        return status


@pytest.fixture
def waijiao(app, tmp_path):
    environment = {**os.environ, "WAIJIAO_URL": app.url, "TERM": "xterm", "COLUMNS": "120", "LC_ALL": "C.UTF-8"}

    def run(*words: object, terminal: bool = False):
        command = [sys.executable, "-m", "waijiao", *map(str, words)]
        if terminal:
            return Terminal(command, environment)
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    return run


def test_jobs_that_were_sent_before_are_watched_later(waijiao, tmp_path):
    sent = waijiao("ask", "--later", *LEARNERS, EXAMPLES / "silence.wav")
    ids = sent.stdout.split()
    assert (sent.returncode, len(ids), sent.stderr) == (0, 4, "")
    watched = waijiao("watch", *ids, "--out", tmp_path / "answers", "--json")
    assert watched.returncode == 1  # one is silence
    jobs = [json.loads(line) for line in watched.stdout.splitlines()]
    assert [job["id"] for job in jobs] == ids
    assert [job["state"] for job in jobs] == ["succeeded"] * 3 + ["failed"]
    assert {path.name for path in (tmp_path / "answers").iterdir()} == {f"{id_}.wav" for id_ in ids[:3]}
    again = waijiao("watch", ids[0])
    assert (again.returncode, "saved:" in again.stdout) == (0, False)
    assert "heard:" in again.stdout


def test_a_recording_that_is_refused_does_not_stop_the_others(waijiao, tmp_path):
    noise = tmp_path / "noise.wav"
    noise.write_bytes(os.urandom(5000))
    sent = waijiao("ask", "--later", noise, LEARNERS[0])
    assert (sent.returncode, len(sent.stdout.split())) == (1, 1)
    assert "not_audio" in sent.stderr
    result = waijiao("ask", noise, LEARNERS[0], "--out", tmp_path / "answers", "--json", "--at-once", 1)
    assert result.returncode == 1
    refused, answered = map(json.loads, result.stdout.splitlines())
    assert (refused["id"], refused["error"]["code"], answered["state"]) == (None, "not_audio", "succeeded")


def test_recordings_with_the_same_name_have_answers_with_different_names(waijiao, tmp_path):
    for folder in ("anna", "ben"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hw.wav").write_bytes(LEARNERS[0].read_bytes())
    result = waijiao("ask", "anna/hw.wav", "ben/hw.wav", "--out", "answers")
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "answers").iterdir()} == {"hw-answer.wav", "hw-2-answer.wav"}


def test_without_a_terminal_each_change_is_a_line(waijiao):
    lines = waijiao("ask", "--text", "I like apple.").stderr.splitlines()
    assert lines[0] == "text: queued"
    assert lines[-2] == "text: succeeded"


def test_a_terminal_shows_progress_bars(waijiao, tmp_path):
    result = waijiao("ask", LEARNERS[0], "--out", tmp_path / "answer.wav", terminal=True)
    assert result.wait() == 0
    assert "━" in result.output
    assert f"{LEARNERS[0].name}: queued" not in result.output
    assert "heard:" in result.output


def test_ctrl_c_names_the_jobs_that_go_on(waijiao):
    asked = waijiao("ask", *LEARNERS, terminal=True)
    wait_for(lambda: "queued" in asked.output or "transcribing" in asked.output)
    asked.process.send_signal(signal.SIGINT)
    assert asked.wait() == 130
    ids = re.findall(r"\b[0-9a-f]{32}\b", asked.output.replace("\r\n", "").partition("waijiao watch ")[2])
    assert ids
    assert waijiao("watch", *ids, "--json").returncode == 0


def test_a_refused_recording_shows_no_progress(waijiao, tmp_path):
    noise = tmp_path / "noise.wav"
    noise.write_bytes(os.urandom(5000))
    for words in (("ask", noise), ("lesson", noise), ("ask", LEARNERS[0], "--url", "http://127.0.0.1:1")):
        result = waijiao(*words)
        assert result.returncode in {1, 3}
        assert "sending" not in result.stdout + result.stderr


def test_the_overview_is_printed_once_in_a_pipe(waijiao):
    overview = waijiao("watch")
    assert overview.returncode == 0
    assert all(model in overview.stdout for model in ("speech to text", "language model", "text to speech"))
    overview_json = json.loads(waijiao("watch", "--json").stdout)
    assert (overview_json["ready"], overview_json["models"]["llm"]["ready"]) == (True, 1)
    assert overview_json["jobs"][0]["id"] in overview.stdout


def test_the_overview_is_updated_until_ctrl_c(waijiao):
    watched = waijiao("watch", terminal=True)
    wait_for(lambda: "speech to text" in watched.output)
    (new,) = waijiao("ask", "--later", "--text", "Good morning.").stdout.split()
    wait_for(lambda: new in watched.output)
    watched.process.send_signal(signal.SIGINT)
    assert watched.wait() == 0


def test_an_unknown_job_ends_with_status_1_and_no_server_with_3(waijiao):
    watched = waijiao("watch", "0" * 32)
    assert (watched.returncode, "unknown_job" in watched.stdout) == (1, True)
    assert waijiao("watch", "--url", "http://127.0.0.1:1").returncode == 3
