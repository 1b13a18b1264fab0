"""A text that was to be read aloud, with the real recogniser: the words of the text, and which to listen to again."""

import io
import secrets

import pytest

from pipeline.blob_store import FolderBlobs
from pipeline.homework.assignments import Assignment, Assignments
from pipeline.jobs.job import JobRequest
from pipeline.settings import settings
from tests.support.recordings import RECORDINGS, SPEECH, SPEECH_TEXT, TEXTS
from worker_asr.transcriber import Transcriber

OTHER_TEXT = "Nobody could explain why thirteen purple elephants were quietly reading newspapers behind the cupboard."


@pytest.fixture(scope="module")
def loaded_transcriber():
    return Transcriber(settings())


@pytest.fixture
def read(jobs, loaded_transcriber, settings, monkeypatch):
    monkeypatch.setattr(loaded_transcriber, "blobs", FolderBlobs(settings.blobs_folder))

    def read(path, text, clearness=True):
        """The transcript of this recording, as homework in which `text` was to be read aloud, from the job's record."""
        id_ = secrets.token_hex(16)
        recording = loaded_transcriber.blobs.put(f"default/{id_}", io.BytesIO(path.read_bytes())).name
        details = {"text": text, "clearness": clearness}
        Assignments(jobs).put(Assignment("hw", "default", "Reading", **details), replace=True)
        jobs.submit(JobRequest(id_, id_, recording=recording, details=details, assignment="hw", student="Ann"))
        job = jobs.claim("asr", id_, 1)[0][0]
        (transcript,) = loaded_transcriber.transcribe([job], lambda _: True)
        assert jobs.complete("asr", job, transcript)[0]
        return jobs.get("default", id_).transcript

    return read


@pytest.mark.parametrize("recording", RECORDINGS[:4], ids=lambda path: path.stem)
def test_a_learner_who_reads_has_each_word_of_the_text_in_its_place(read, recording):
    text = TEXTS[recording.stem]
    transcript = read(recording, text)
    of_text = [each for each in transcript.reading.words if each.state != "added"]
    assert [each.word for each in of_text] == [word.strip(".,?!") for word in text.split()]
    said = [each for each in transcript.reading.words if each.state != "left_out"]
    assert [each.start for each in said] == sorted(each.start for each in said)
    assert all(0 <= each.start < each.end <= transcript.duration_s for each in said)
    assert all(bool(each.weakest) == (each.state == "not_clear") for each in transcript.reading.words)
    assert sum(each.state in ("said", "not_clear") for each in of_text) >= len(of_text) / 2


def test_a_clear_voice_has_no_word_to_listen_to_again_and_plain_figures(read):
    reading = read(SPEECH, SPEECH_TEXT).reading
    assert {each.state for each in reading.words} == {"said"}
    assert 2 < reading.fluency.words_per_s.value < 4
    assert 5 < reading.fluency.sounds_per_s.low < reading.fluency.sounds_per_s.high < 10
    assert reading.fluency.longest_pause_s.value > reading.fluency.longest_pause_s.high  # it pauses between sentences


def test_sentences_that_were_left_out_are_not_called_unclear(read):
    left_out = "Nobody in our street has ever seen an elephant or a lion."
    first, *others = SPEECH_TEXT.split(". ")
    reading = read(SPEECH, ". ".join([first, left_out, *others])).reading
    assert [each.word for each in reading.words if each.state == "left_out"] == left_out.strip(".").split()
    assert {each.state for each in reading.words} == {"said", "left_out"}


def test_of_another_text_nothing_is_said(read):
    transcript = read(SPEECH, OTHER_TEXT)
    assert "bridge" in transcript.text
    assert transcript.reading is None


def test_nothing_is_measured_unless_the_assignment_asks_for_it(read):
    assert read(SPEECH, SPEECH_TEXT, clearness=False).reading is None
