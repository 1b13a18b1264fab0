"""`waijiao ask` and `waijiao watch` over the default models, in a pipe and in a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from e2e_house import heed_ctrl_c
from waiting import wait_for

EXAMPLES = Path(__file__).parents[2] / "examples"
LEARNERS = sorted((EXAMPLES / "learners").glob("*.wav"))[:3]


class Terminal:
    """A command in a terminal of its own; `shown` grows."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        near, far = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            command, stdin=far, stdout=far, stderr=far, env=environment, preexec_fn=heed_ctrl_c
        )
        os.close(far)
        self.reader = threading.Thread(target=self.read, args=(near,))
        self.reader.start()

    def read(self, near: int) -> None:
        with os.fdopen(near, "rb", buffering=0) as screen:
            try:
                while piece := screen.read(4096):
                    self.shown += piece.decode(errors="replace")
            except OSError:  # EIO: the command has ended
                return

    def ended(self) -> int:
        status = self.process.wait(60)
        self.reader.join()
        return status


@pytest.fixture
def waijiao(house, tmp_path):
    environment = {**os.environ, "WAIJIAO_URL": house.url, "TERM": "xterm", "COLUMNS": "120", "LC_ALL": "C.UTF-8"}

    def run(*words: object, terminal: bool = False):
        command = [sys.executable, "-m", "waijiao", *map(str, words)]
        if terminal:
            return Terminal(command, environment)
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    return run


def test_what_was_left_is_watched_later(waijiao, tmp_path):
    left = waijiao("ask", "--later", *LEARNERS, EXAMPLES / "silence.wav")
    ids = left.stdout.split()
    assert (left.returncode, len(ids), left.stderr) == (0, 4, "")
    watched = waijiao("watch", *ids, "--out", tmp_path / "answers", "--json")
    assert watched.returncode == 1  # one is silence
    jobs = [json.loads(line) for line in watched.stdout.splitlines()]
    assert [job["id"] for job in jobs] == ids
    assert [job["state"] for job in jobs] == ["succeeded"] * 3 + ["failed"]
    assert {path.name for path in (tmp_path / "answers").iterdir()} == {f"{id_}.wav" for id_ in ids[:3]}
    again = waijiao("watch", ids[0])
    assert (again.returncode, "saved:" in again.stdout) == (0, False)
    assert "heard:" in again.stdout


def test_one_that_is_refused_stops_no_other(waijiao, tmp_path):
    lie = tmp_path / "lie.wav"
    lie.write_bytes(os.urandom(5000))
    left = waijiao("ask", "--later", lie, LEARNERS[0])
    assert (left.returncode, len(left.stdout.split())) == (1, 1)
    assert "not_audio" in left.stderr
    asked = waijiao("ask", lie, LEARNERS[0], "--out", tmp_path / "answers", "--json", "--at-once", 1)
    assert asked.returncode == 1
    refused, answered = map(json.loads, asked.stdout.splitlines())
    assert (refused["id"], refused["error"]["code"], answered["state"]) == (None, "not_audio", "succeeded")


def test_recordings_of_one_name_have_answers_of_two(waijiao, tmp_path):
    for folder in ("anna", "ben"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hw.wav").write_bytes(LEARNERS[0].read_bytes())
    asked = waijiao("ask", "anna/hw.wav", "ben/hw.wav", "--out", "answers")
    assert asked.returncode == 0, asked.stderr
    assert {path.name for path in (tmp_path / "answers").iterdir()} == {"hw-answer.wav", "hw-2-answer.wav"}


def test_in_a_log_each_change_is_a_line(waijiao):
    said = waijiao("ask", "--text", "I like apple.").stderr.splitlines()
    assert said[0] == "text: queued"
    assert said[-2] == "text: succeeded"


def test_in_a_terminal_there_are_bars(waijiao, tmp_path):
    asked = waijiao("ask", LEARNERS[0], "--out", tmp_path / "answer.wav", terminal=True)
    assert asked.ended() == 0
    assert "━" in asked.shown
    assert f"{LEARNERS[0].name}: queued" not in asked.shown
    assert "heard:" in asked.shown


def test_the_house_is_shown_once_in_a_pipe(waijiao):
    shown = waijiao("watch")
    assert shown.returncode == 0
    assert all(model in shown.stdout for model in ("speech to text", "language model", "text to speech"))
    found = json.loads(waijiao("watch", "--json").stdout)
    assert (found["ready"], found["models"]["llm"]["ready"]) == (True, 1)
    assert found["jobs"][0]["id"] in shown.stdout


def test_the_house_is_watched_until_ctrl_c(waijiao):
    watched = waijiao("watch", terminal=True)
    wait_for(lambda: "speech to text" in watched.shown)
    (new,) = waijiao("ask", "--later", "--text", "Good morning.").stdout.split()
    wait_for(lambda: new in watched.shown)
    watched.process.send_signal(signal.SIGINT)
    assert watched.ended() == 0


def test_an_unknown_job_is_told_and_ends_with_status_1(waijiao):
    watched = waijiao("watch", "0" * 32)
    assert (watched.returncode, "unknown_job" in watched.stdout) == (1, True)
    assert waijiao("watch", "--url", "http://127.0.0.1:1").returncode == 3
