"""Turns submitted again, too late, or by two who segment the same lesson: each is one job with one recording."""

import hashlib
import io
import secrets

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from pipeline.errors import Canceled, Unavailable
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import LessonSegment
from tests.support.recordings import make_wav
from worker_segment.audio_stream import SAMPLE_RATE
from worker_segment.segmenter import Segmenter

TONE = Waveform(0.1 * np.sin(np.arange(SAMPLE_RATE, dtype=np.float32) / 8), SAMPLE_RATE)
TURN = LessonSegment(1, 0.0, 1.0)


@pytest.fixture
def segmenter(settings, redis) -> Segmenter:
    return Segmenter(settings)


@pytest.fixture
def lesson(segmenter) -> Job:
    id_ = secrets.token_hex(16)
    blob = segmenter.blobs.put(f"default/{id_}", io.BytesIO(make_wav(TONE.samples)))
    segmenter.jobs.submit(JobRequest(id_, id_, recording=blob.name, task="lesson", lane="bulk"))
    ((claimed,), _) = segmenter.jobs.claim("segment", "worker", 1)
    return claimed


def list_turn_recordings(segmenter: Segmenter, lesson: Job) -> set[str]:
    """The recordings of its turns."""
    found = {path.relative_to(segmenter.blobs.folder).as_posix() for path in segmenter.blobs.folder.glob("*/*/*")}
    return found - {lesson.request.recording}


def test_a_turn_submitted_again_is_the_same_job_and_stores_no_recording(segmenter, lesson):
    segmenter.submit_turn(lesson, TURN, TONE)
    (name,), before = segmenter.jobs.turns_of(lesson), list_turn_recordings(segmenter, lesson)
    turn = segmenter.jobs.get(*name.split("/")).request
    with segmenter.blobs.open(turn.recording) as file:
        assert turn.sha256 == hashlib.sha256(file.read()).hexdigest()
    folder = segmenter.blobs.folder
    folder.rename(folder.with_name("away"))
    folder.touch()  # nothing can be written now
    Segmenter(segmenter.settings).submit_turn(lesson, TURN, TONE)
    with pytest.raises(Unavailable):
        segmenter.submit_turn(lesson, LessonSegment(2, 0.0, 1.0), TONE)
    folder.unlink()
    folder.with_name("away").rename(folder)
    assert (segmenter.jobs.turns_of(lesson), list_turn_recordings(segmenter, lesson)) == ([name], before)


def test_two_segmenters_of_the_same_lesson_make_one_turn_with_one_recording(segmenter, lesson):
    other = Segmenter(segmenter.settings)
    segmenter.jobs.has = lambda name: False  # it looked before the other one submitted
    other.submit_turn(lesson, TURN, TONE)
    segmenter.submit_turn(lesson, TURN, TONE)
    (name,) = segmenter.jobs.turns_of(lesson)
    assert list_turn_recordings(segmenter, lesson) == {segmenter.jobs.get(*name.split("/")).request.recording}


def test_a_turn_of_a_lesson_that_was_canceled_leaves_no_recording(segmenter, lesson):
    segmenter.jobs.cancel("default", lesson.id)
    with pytest.raises(Canceled):
        segmenter.submit_turn(lesson, TURN, TONE)
    assert list_turn_recordings(segmenter, lesson) == set()
