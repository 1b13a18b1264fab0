"""Lesson cards are made with the answer, from the recording that is kept so long; the answer never fails with them."""

import io
import secrets

import numpy as np
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from pipeline.audio.decode import Waveform, decode
from pipeline.blob_store import FolderBlobs
from pipeline.errors import EngineFailed
from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Answer, Edit, Feedback, Transcript, Word
from pipeline.worker.task import commit
from tests.support.job_steps import OTHER, WORKER, always_wanted, claim_job
from tests.support.recordings import make_wav
from worker_tts import engine
from worker_tts.card import maker
from worker_tts.speaker import SpeechSynthesizer

RATE = 24_000
HEARD = Transcript(
    "I go home.", "en", 3.0, (Word("I", 0.5, 0.8, 0.9), Word("go", 0.8, 1.2, 0.9), Word("home.", 1.2, 1.8, 0.9))
)
FEEDBACK = Feedback(
    "I go home.", "I went home.", "Why?", "We say: I went home. Why?",
    (Edit("go", "went", (1, 2), "R:VERB:TENSE", {"en": "Say went."}),), verdict="corrected",
)  # fmt: skip
UNSURE = Feedback("I go home.", "I go home.", "", "Is that right?", verdict="not_heard_well")


class Voice:
    """Gives one second of noise for each sentence, and notes what it was asked; what `fault` names goes wrong."""

    voices = ("default",)

    def __init__(self, model, settings):
        self.lines, self.fault = [], None

    def speak(self, lines):
        self.lines += [(line.text, line.speed) for line in lines]
        if self.fault and any("Good work" in line.text for line in lines):
            raise self.fault
        samples = np.random.default_rng(0).uniform(-0.3, 0.3, RATE).astype(np.float32)
        return [Waveform(samples, RATE) for _ in lines]


@pytest.fixture
def synthesizer(redis, settings, tmp_path, monkeypatch) -> SpeechSynthesizer:
    monkeypatch.setitem(engine.ENGINES, "voice", f"{__name__}:Voice")
    (tmp_path / "model").touch()
    return SpeechSynthesizer(settings.model_copy(update={"tts_engine": "voice", "tts_model": str(tmp_path / "model")}))


@pytest.fixture
def blobs(settings) -> FolderBlobs:
    return FolderBlobs(settings.blobs_folder)


@pytest.fixture
def listen(jobs, blobs):
    """Submits a job with a recording of three seconds, and answers it up to its speech; returns its id."""

    def submit_job(feedback: Feedback = FEEDBACK, **fields) -> str:
        id_ = secrets.token_hex(16)
        sound = make_wav(0.1 * np.sin(np.arange(48_000) / 8))
        recording = blobs.put(f"default/{id_}", io.BytesIO(sound)).name
        jobs.submit(JobRequest(id_, id_, **{"recording": recording, "card": True, **fields}))
        commit(jobs, "asr", claim_job(jobs, "asr"), HEARD)
        commit(jobs, "llm", claim_job(jobs, "llm"), feedback)
        return id_

    return submit_job


def speak(synthesizer, jobs) -> Answer:
    job = claim_job(jobs, "tts")
    (answer,) = synthesizer.speak([job], always_wanted)
    commit(jobs, "tts", job, answer)
    return jobs.get("default", job.id).answer


def stored_files(settings, id_: str) -> set[str]:
    return {f"default/{id_}/{path.name}" for path in (settings.blobs_folder / "default" / id_).glob("*")}


def test_the_card_is_stored_with_the_answer_and_the_recording_is_removed(synthesizer, jobs, settings, blobs, listen):
    id_ = listen(format="flac", speed=0.9)
    recording = jobs.get("default", id_).request.recording
    assert recording in stored_files(settings, id_)
    answer = speak(synthesizer, jobs)
    assert stored_files(settings, id_) == answer.blobs
    assert recording not in answer.blobs
    assert [chapter.kind for chapter in answer.card.chapters] == ["own_words", "better", "slow", "repeat", "praise"]
    assert synthesizer.engine.lines[2:] == [
        ("I went home.", 0.9), ("I went home.", pytest.approx(0.63)), ("Good work.", 0.9),
        ("2 of your 3 words stay as they are.", 0.9),
    ]  # fmt: skip
    with blobs.open(answer.card.blob) as file:
        assert decode(file, 300, RATE).duration_s == pytest.approx(answer.card.duration_s, abs=0.01)


def test_where_no_card_was_asked_for_the_recording_is_removed_when_it_was_recognised(
    synthesizer, jobs, settings, listen
):
    id_ = listen(card=False)
    assert stored_files(settings, id_) == set()
    answer = speak(synthesizer, jobs)
    assert (answer.card, answer.no_card) == (None, "")


def test_where_there_can_be_no_card_the_recording_is_removed_with_the_verdict(synthesizer, jobs, settings, listen):
    id_ = listen(UNSURE)
    assert stored_files(settings, id_) == set()
    answer = speak(synthesizer, jobs)
    assert (answer.card, answer.no_card) == (None, "verdict")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(SoftTimeLimitExceeded(), "too_slow"), (RuntimeError("a bug"), "failed"), (MemoryError(), "failed")],
)
def test_the_answer_goes_out_when_its_card_fails(synthesizer, jobs, settings, listen, fault, reason):
    id_ = listen()
    synthesizer.engine.fault = fault
    answer = speak(synthesizer, jobs)
    assert (answer.card, answer.no_card) == (None, reason)
    assert jobs.get("default", id_).state == "succeeded"
    assert stored_files(settings, id_) == answer.blobs


def test_an_engine_s_error_for_one_sentence_fails_the_card_alone(synthesizer, jobs, listen, monkeypatch):
    listen()
    monkeypatch.setattr(maker, "join_spoken", lambda *_: (_ for _ in ()).throw(EngineFailed()))
    assert speak(synthesizer, jobs).no_card == "failed"


def test_after_the_soft_limit_no_other_card_of_the_batch_is_tried(synthesizer, jobs, listen):
    listen(), listen()
    batch, _ = jobs.claim("tts", WORKER, 2)
    synthesizer.engine.fault = SoftTimeLimitExceeded()
    answers = synthesizer.speak(batch, always_wanted)
    assert [answer.no_card for answer in answers] == ["too_slow", "too_slow"]
    assert sum("Good work." in text for text, _ in synthesizer.engine.lines) == 1


def test_a_recording_that_is_gone_or_cannot_be_read_costs_the_card_alone(synthesizer, jobs, blobs, listen):
    id_ = listen()
    blobs.delete(jobs.get("default", id_).request.recording)
    assert speak(synthesizer, jobs).no_card == "no_recording"
    id_ = listen()
    blobs.path(jobs.get("default", id_).request.recording).write_bytes(b"not a recording")
    assert speak(synthesizer, jobs).no_card == "failed"


def test_the_last_attempt_makes_no_card_since_the_card_may_have_killed_the_others(synthesizer, jobs, listen):
    listen()
    for _ in range(jobs.settings.attempts - 1):
        jobs.claim("tts", "unlucky", 1)
    jobs.release("unlucky")
    jobs.claim("tts", "unlucky", 1)
    job = claim_job_again(jobs)
    assert job.attempts["tts"] == jobs.settings.attempts
    (answer,) = synthesizer.speak([job], always_wanted)
    assert (answer.card, answer.no_card) == (None, "worker_lost")


def claim_job_again(jobs):
    """The job of a worker that died: the next claim of the same worker takes it back, and claims it."""
    for _ in range(3):
        batch, _ = jobs.claim("tts", "unlucky", 1)
        if batch:
            return batch[0]
    raise AssertionError("the job is not ready")


def test_a_card_of_a_worker_that_lost_its_lease_is_refused_and_removed(synthesizer, jobs, settings, listen):
    id_ = listen()
    first = claim_job(jobs, "tts")
    (late,) = synthesizer.speak([first], always_wanted)
    jobs.release(WORKER)
    second = claim_job(jobs, "tts", OTHER)
    (answer,) = synthesizer.speak([second], always_wanted)
    commit(jobs, "tts", second, answer)
    commit(jobs, "tts", first, late)
    assert jobs.get("default", id_).answer == answer
    assert stored_files(settings, id_) == answer.blobs


def test_a_server_that_keeps_recordings_keeps_them_after_the_card(synthesizer, jobs, settings, listen, monkeypatch):
    monkeypatch.setattr(jobs, "settings", settings.model_copy(update={"keep_recordings": True}))
    id_ = listen()
    answer = speak(synthesizer, jobs)
    assert stored_files(settings, id_) == {*answer.blobs, jobs.get("default", id_).request.recording}
