"""A lesson card of a learner's recording, made by the real models and read back by the recogniser."""

import io
import os
import re
import subprocess
import sys

import av
import httpx
import pytest
import soundfile

from pipeline.audio.decode import Waveform, decode
from pipeline.audio.loudness import MAX_TRUE_PEAK_DBTP, TARGET_LUFS, measure_loudness
from pipeline.errors import NoCard
from tests.support.recordings import EXAMPLES, TEXTS
from tests.support.transcripts import word_error_rate
from waijiao.client import Client
from waijiao.client.results import Answer

RATE = 24_000
LEARNER = EXAMPLES / "recordings" / "tianyu-zhang.mp3"  # Yesterday I go to the library and I read two book.
BETTER = "Yesterday I went to the library and I read two books."


@pytest.fixture(scope="module")
def job(app) -> dict:
    return app.ask(LEARNER, card="true", format="mp3")


@pytest.fixture(scope="module")
def sounds(app, job) -> dict[str, Waveform]:
    """What is heard in each chapter, by its kind."""
    sound = decode(io.BytesIO(app.get(job["card"]["audio"]).content), 300, RATE)
    return {
        each["kind"]: Waveform(sound.samples[round(each["start_s"] * RATE) : round(each["end_s"] * RATE)], RATE)
        for each in job["card"]["chapters"]
    }


def transcribe(app, sound: Waveform) -> str:
    file = io.BytesIO()
    soundfile.write(file, sound.samples, sound.rate, format="WAV")
    files = {"file": ("chapter.wav", file.getvalue())}
    answer = httpx.post(
        f"{app.url}/v1/audio/transcriptions", data={"language": "en"}, files=files, timeout=120, trust_env=False
    )
    return str(answer.raise_for_status().json()["text"])


def test_the_own_words_the_better_sentence_twice_and_praise_are_heard_in_the_card(app, job, sounds):
    assert [each["kind"] for each in job["card"]["chapters"]] == ["own_words", "better", "slow", "repeat", "praise"]
    heard = {kind: transcribe(app, sounds[kind]) for kind in ("own_words", "better", "slow", "praise")}
    assert word_error_rate([(TEXTS[LEARNER.stem], heard["own_words"])]) < 0.2
    assert word_error_rate([(BETTER, heard["better"]), (BETTER, heard["slow"])]) < 0.1
    praise = "Good work. Nine of your eleven words stay as they are."
    assert word_error_rate([(praise, heard["praise"])]) < 0.3, heard["praise"]


def test_each_chapter_is_equally_loud_and_the_learner_s_is_silent(sounds):
    assert not (abs(sounds["repeat"].samples) > 0.01).any()
    for kind, sound in sounds.items():
        if kind == "repeat":
            continue
        loudness = measure_loudness(sound)
        assert loudness.integrated_lufs == pytest.approx(TARGET_LUFS, abs=1), kind
        assert loudness.true_peak_dbtp <= MAX_TRUE_PEAK_DBTP, kind


def test_the_same_is_said_again_slowly_and_there_is_time_to_repeat_it(sounds):
    assert sounds["slow"].duration_s > 1.2 * sounds["better"].duration_s
    assert sounds["repeat"].duration_s > sounds["better"].duration_s


def test_the_file_has_the_chapters_of_the_record(app, job):
    with av.open(io.BytesIO(app.get(job["card"]["audio"]).content)) as container:
        found = [(each["metadata"]["title"], each["start"] / 1000) for each in container.chapters()]
    assert found == [(each["title"], pytest.approx(each["start_s"], abs=0.001)) for each in job["card"]["chapters"]]


def test_the_recording_is_removed_when_the_card_is_made(app, job):
    files = sum(path.is_file() for path in (app.home / "blobs" / "default" / job["id"]).glob("*"))
    assert files == len({job["answer"]["sha256"], *(part["audio"] for part in job["parts"])}) + 1


def test_the_command_saves_the_card_next_to_the_answer(app, job, tmp_path):
    path, card = tmp_path / "answer.mp3", tmp_path / "answer-card.mp3"
    output = run_command("watch", job["id"], "--out", str(path), "--url", app.url)
    assert card.read_bytes() == app.get(job["card"]["audio"]).content
    assert re.search(rf"card: +{card}\(\d+\.\ds,5chapters\)".replace(" +", ""), "".join(output.split())), output


def test_typed_words_have_no_card_and_the_command_says_why(app):
    output = run_command("ask", "--text", "He have a dog.", "--card", "--out", os.devnull, "--url", app.url)
    assert re.search(r"card: +none \(no_recording\)", output), output


def run_command(*arguments: str) -> str:
    command = [sys.executable, "-m", "waijiao", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_client_fetches_the_card_with_the_answer(app, job, tmp_path):
    with Client(app.url) as client:
        answer = client.answer(job["id"])
        assert answer.save_card(tmp_path / "card.mp3").read_bytes() == client.card(job["id"])
        with pytest.raises(NoCard):
            Answer(answer.job, answer.audio).save_card(tmp_path / "none.mp3")
