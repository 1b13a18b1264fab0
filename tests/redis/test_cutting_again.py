"""Turns that are handed on again, too late, or by two who cut the same lesson: each is one job with one recording."""

import io
import secrets

import numpy as np
import pytest
from recordings import wav

from pipeline.audio.decode import Sound
from pipeline.errors import Canceled, Unavailable
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import Cut
from worker_cut.cutting import Cutter
from worker_cut.reading import RATE

TONE = Sound(0.1 * np.sin(np.arange(RATE, dtype=np.float32) / 8), RATE)
CUT = Cut(1, 0.0, 1.0)


@pytest.fixture
def cutter(here, redis) -> Cutter:
    return Cutter(here)


@pytest.fixture
def lesson(cutter) -> Job:
    id_ = secrets.token_hex(16)
    blob = cutter.blobs.put(f"default/{id_}", io.BytesIO(wav(TONE.samples)))
    cutter.jobs.submit(JobRequest(id_, id_, recording=blob.name, task="lesson", lane="bulk"))
    ((claimed,), _) = cutter.jobs.claim("cut", "worker", 1)
    return claimed


def kept(cutter: Cutter, lesson: Job) -> set[str]:
    """The recordings of its turns."""
    found = {path.relative_to(cutter.blobs.folder).as_posix() for path in cutter.blobs.folder.glob("*/*/*")}
    return found - {lesson.request.recording}


def test_a_turn_that_is_handed_on_again_is_the_same_and_is_not_even_written(cutter, lesson):
    cutter.hand_on(lesson, CUT, TONE)
    (name,), before = cutter.jobs.turns_of(lesson), kept(cutter, lesson)
    folder = cutter.blobs.folder
    folder.rename(folder.with_name("away"))
    folder.touch()  # nothing can be written now
    Cutter(cutter.settings).hand_on(lesson, CUT, TONE)
    with pytest.raises(Unavailable):
        cutter.hand_on(lesson, Cut(2, 0.0, 1.0), TONE)
    folder.unlink()
    folder.with_name("away").rename(folder)
    assert (cutter.jobs.turns_of(lesson), kept(cutter, lesson)) == ([name], before)


def test_two_who_cut_the_same_lesson_make_one_turn_with_one_recording(cutter, lesson):
    other = Cutter(cutter.settings)
    cutter.jobs.has = lambda name: False  # it looked before the other one submitted
    other.hand_on(lesson, CUT, TONE)
    cutter.hand_on(lesson, CUT, TONE)
    (name,) = cutter.jobs.turns_of(lesson)
    assert kept(cutter, lesson) == {cutter.jobs.get(*name.split("/")).request.recording}


def test_a_turn_of_a_lesson_that_was_canceled_leaves_no_recording(cutter, lesson):
    cutter.jobs.cancel("default", lesson.id)
    with pytest.raises(Canceled):
        cutter.hand_on(lesson, CUT, TONE)
    assert kept(cutter, lesson) == set()
