"""All stages with the real default models: recordings of learners in, spoken answers out."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hibari import Hibari

from tests.support.recordings import RECORDINGS, TEXTS
from tests.support.transcripts import word_error_rate

TEN = RECORDINGS[:10]


def wav(samples: np.ndarray, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


SILENCE = wav(np.zeros(32_000, np.float32))


@pytest.fixture(scope="module")
def answered_jobs(app) -> dict[Path, dict]:
    accepted = {recording: app.post(recording, session=recording.stem) for recording in TEN}
    return {recording: app.wait_until_ended(answer) for recording, answer in accepted.items()}


def test_every_recording_is_answered(answered_jobs):
    assert len(answered_jobs) >= 10
    assert {job["state"] for job in answered_jobs.values()} == {"succeeded"}
    for job in answered_jobs.values():
        assert job["transcript"]["words"]
        assert job["feedback"]["heard"] == job["transcript"]["text"]
        assert job["answer"]["duration_s"] > 0.5
        assert all(timing["ran_s"] > 0 for timing in job["timings"].values())


def test_transcripts_are_what_was_said(answered_jobs):
    pairs = [(TEXTS[recording.stem], job["transcript"]["text"]) for recording, job in answered_jobs.items()]
    assert word_error_rate(pairs) < 0.12


def test_each_spoken_answer_can_be_recognised(app, answered_jobs):
    """The answers are sent in again as recordings: their transcripts are the teacher's text."""
    sounds = {job["id"]: app.get(job["answer"]["audio"]).content for job in answered_jobs.values()}
    accepted = {job["id"]: app.post(sounds[job["id"]], language="en") for job in answered_jobs.values()}
    heard = {id_: app.wait_until_ended(answer)["transcript"]["text"] for id_, answer in accepted.items()}
    assert word_error_rate([(job["answer"]["text"], heard[job["id"]]) for job in answered_jobs.values()]) < 0.15


@pytest.mark.parametrize("format_", ["wav", "mp3", "ogg", "opus", "flac"])
def test_the_answer_comes_in_the_format_that_was_asked_for(app, format_):
    job = app.ask(text="I like apple.", format=format_)
    answer = app.get(job["answer"]["audio"])
    found = soundfile.info(io.BytesIO(answer.content))
    assert found.format == {"wav": "WAV", "mp3": "MP3", "flac": "FLAC"}.get(format_, "OGG")
    assert found.duration == pytest.approx(job["answer"]["duration_s"], abs=0.1)
    assert answer.headers["ETag"] == f'"{job["answer"]["sha256"]}"'
    if format_ == "wav":
        assert (found.subtype, found.samplerate) == ("PCM_16", 24_000)


def test_part_of_the_audio_can_be_fetched(app):
    audio = app.ask(text="I like apple.")["answer"]["audio"]
    part = app.get(audio, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")


def test_text_alone_is_answered_without_recognition(app):
    job = app.ask(text="He have a dog and three cat.")
    assert job["transcript"] is None
    assert "asr" not in job["timings"]
    assert "He has a dog and three cats." in job["feedback"]["corrected"]
    edits = [(edit["from"], edit["to"], edit["at"], edit["kind"]) for edit in job["feedback"]["edits"]]
    assert edits == [("have", "has", [1, 2], "R:VERB:SVA"), ("cat", "cats", [6, 7], "R:NOUN:NUM")]


def test_typed_text_is_added_to_the_transcript(app):
    job = app.ask(TEN[2], text="Is it right?")
    assert job["feedback"]["heard"] == f"{job['transcript']['text']} Is it right?"


def test_silence_is_no_speech_and_adds_no_turn(app):
    job = app.ask(SILENCE, session="silent")
    assert (job["state"], job["error"]["code"], job["error"]["stage"]) == ("failed", "no_speech", "asr")
    assert job["attempts"] == {"asr": 1}
    assert app.get("/v1/sessions/silent").json()["turns"] == []
    assert app.get(f"/v1/jobs/{job['id']}/audio").json()["code"] == "no_answer"


def test_a_silent_recording_with_typed_text_answers_the_text(app):
    job = app.ask(SILENCE, text="She go to school.")
    assert (job["state"], job["feedback"]["heard"]) == ("succeeded", "She go to school.")


def test_a_session_remembers_and_starts_over(app):
    for text in ("I has a red bike.", "It is very fast."):
        assert app.ask(text=text, session="memory")["state"] == "succeeded"
    session = app.get("/v1/sessions/memory").json()
    assert [turn["feedback"]["heard"] for turn in session["turns"]] == [
        "I has a red bike.",
        "It is very fast.",
    ]
    reset = app.ask(text="重新開始。", session="memory")
    assert (reset["outcome"], reset["answer"]["duration_s"] > 0.5) == ("session_reset", True)
    app.ask(text="Hello teacher.", session="memory")
    assert [turn["seq"] for turn in app.get("/v1/sessions/memory").json()["turns"]] == [4]


def test_saying_start_over_begins_a_new_conversation(app):
    """A recording in which the teacher's voice says the text."""
    app.ask(text="I has a cat.", session="spoken reset")
    voice = Hibari()
    job = app.ask(wav(voice("Let's start over, please.", seed=0), voice.sample_rate), session="spoken reset")
    assert job["outcome"] == "session_reset"
    assert app.get("/v1/sessions/spoken reset").json()["turns"] == []


def test_turns_of_a_session_are_answered_in_order(app):
    accepted = [app.post(text=f"I have {number} dog.", session="order") for number in ("one", "two", "three")]
    jobs = [app.wait_until_ended(answer) for answer in accepted]
    assert [job["seq"] for job in jobs] == [1, 2, 3]
    assert sorted(jobs, key=lambda job: job["updated_at"]) == jobs


def test_an_erased_session_leaves_nothing(app):
    import httpx

    job = app.ask(TEN[0], session="小明")
    erased = httpx.delete(f"{app.url}/v1/sessions/小明", trust_env=False)
    assert erased.status_code == 204
    assert app.get("/v1/sessions/小明").status_code == 404
    assert app.get(f"/v1/jobs/{job['id']}").status_code == 410
    assert app.get(f"/v1/jobs/{job['id']}/audio").status_code == 410
    assert not list(app.home.glob(f"blobs/default/{job['id']}*"))


def test_a_recording_is_removed_once_it_was_recognised(app):
    job = app.ask(TEN[1])
    kept = [path.read_bytes()[:4] for path in (app.home / "blobs" / "default" / job["id"]).iterdir()]
    assert len(kept) == 1 + (len(job["parts"]) if len(job["parts"]) > 1 else 0)  # the answer, and its sentences


def test_another_script_is_left_out_of_the_spoken_answer(app):
    job = app.ask(text="I like 苹果 and 😀 very much.")
    assert (job["state"], job["answer"]["duration_s"] > 0.5) == ("succeeded", True)


def test_no_log_contains_what_was_said(app):
    app.ask(text="My canary is called Xyzzyplugh.", session="canaries")
    logs = "".join(path.read_text() for path in (app.home / "logs").glob("*.log"))
    assert "yzzyplugh" not in logs.lower()
    assert "canaries" not in logs
