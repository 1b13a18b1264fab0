"""Lessons with the real default models, made of learners' recordings, so that words and times are known."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import soundfile

from pipeline.schemas import lessons as shapes
from tests.support.doc_examples import matches, read_examples
from tests.support.sample_lesson import ALL_IDS, make_lesson
from tests.support.transcripts import word_error_rate
from tests.support.wait import wait_for

ROOT = Path(__file__).parents[2]
EXAMPLES = read_examples(ROOT / "docs" / "lessons.md")
FIVE = make_lesson(ALL_IDS[4:9], pauses_s=(1.6, 2.6))
MARK = "--- the next example ---"
ENDED = {"succeeded", "failed", "canceled", "expired"}


@pytest.fixture(scope="module")
def ended_lesson(app) -> dict:
    """The ended lesson of two speakers with a channel each."""
    files, fields = {"audio": ("monday.flac", FIVE.flac(FIVE.split_channels()))}, {"learner": "left", "language": "en"}
    left = httpx.post(f"{app.url}/v1/lessons", data=fields, files=files, timeout=60, trust_env=False)
    assert left.status_code == 202, left.text

    def wait_until_ended() -> dict | None:
        lesson = app.get(left.headers["Location"], params={"wait": 5}).json()
        return lesson if lesson["state"] in ENDED else None

    return wait_for(wait_until_ended, seconds=150)


def test_speaker_turns_are_in_order_and_the_learner_s_are_answered(ended_lesson):
    shapes.LessonView.model_validate(ended_lesson)
    assert ended_lesson["state"] == "succeeded"
    assert [turn["speaker"] for turn in ended_lesson["turns"]] == ["left", "right", "left", "right", "left"]
    for piece, turn in zip(FIVE.pieces, ended_lesson["turns"], strict=True):
        assert piece.start - 0.5 < turn["start"] < turn["end"] < piece.end + 0.5
        assert turn["learner"] == (turn["speaker"] == "left") == (turn["feedback"] is not None)
    assert ended_lesson["duration_s"] == pytest.approx(FIVE.seconds, abs=0.1)
    assert ended_lesson["progress"] == {"turns": 5, "done": 5, "failed": 0, "eta_seconds": None}


def test_the_transcript_has_what_was_said(app, ended_lesson):
    said = " ".join(piece.text for piece in FIVE.pieces)
    written = app.get(f"/v1/lessons/{ended_lesson['id']}/transcript", params={"format": "json"}).json()
    shapes.LessonTranscript.model_validate(written)
    assert written["complete"] is True
    assert word_error_rate([(said, " ".join(turn["text"] for turn in written["turns"]))]) < 0.15
    for turn in written["turns"]:
        assert all(turn["start"] <= word["start"] <= word["end"] <= turn["end"] + 0.1 for word in turn["words"])
    text = app.get(f"/v1/lessons/{ended_lesson['id']}/transcript").text
    assert [text.count(f"] {who}: ") for who in ("Learner", "Other")] == [3, 2]


def test_the_summary_is_spoken(app, ended_lesson):
    assert ended_lesson["summary"]["text"].startswith("Our lesson took")
    sound = soundfile.info(io.BytesIO(app.get(ended_lesson["summary"]["audio"]).content))
    assert sound.duration == pytest.approx(ended_lesson["summary"]["duration_s"], abs=0.1)


def test_recordings_of_the_turns_are_removed(app, ended_lesson):
    for turn in ended_lesson["turns"]:
        assert not list(app.home.glob(f"blobs/default/{turn['job']}/*"))


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Path:
    """A folder with a lesson in it."""
    place = tmp_path_factory.mktemp("reader")
    place.joinpath("monday.flac").write_bytes(make_lesson(ALL_IDS[4:6], pauses_s=(1.6, 2.6)).flac())
    return place


def run(app, place: Path, command: list[str], code: str) -> str:
    """The output of the code, which uses the server."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    completed = subprocess.run(
        [*command, code.replace("http://127.0.0.1:8000", app.url)],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "WAIJIAO_URL": app.url, "LC_ALL": "C.UTF-8", "PATH": path},
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def test_the_shell_examples_print_the_output_on_the_page(app, reader):
    examples = [each for each in EXAMPLES if each.language == "sh"]
    assert len(examples) >= 5
    whole = f"echo; echo '{MARK}'\n".join(example.code for example in examples)
    printed = run(app, reader, ["bash", "-e", "-o", "pipefail", "-c"], whole).split(f"\n{MARK}\n")
    for example, said in zip(examples, printed, strict=True):
        if example.expected_output is not None:
            assert matches(example.expected_output, said), (
                f"{example.code}\nprinted:\n{said}\nthe page shows:\n{example.expected_output}"
            )
    saved = {place.name for place in reader.joinpath("monday-lesson").iterdir()}
    assert saved == {
        "transcript.txt", "transcript.srt", "transcript.vtt", "transcript.json",
        "summary.txt", "summary.wav", "report.html",
    }  # fmt: skip
    assert json.loads(reader.joinpath("monday-lesson", "transcript.json").read_text())["complete"]


def test_the_python_example_prints_the_output_on_the_page(app, reader):
    (example,) = [each for each in EXAMPLES if each.language == "python"]
    assert matches(example.expected_output or "", run(app, reader, [sys.executable, "-W", "error", "-c"], example.code))
