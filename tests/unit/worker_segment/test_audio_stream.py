"""A long recording is read in blocks with separate channels, and each turn has the samples between its times."""

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import BadAudio, NotAudio, TooLong
from pipeline.jobs.job import STAGES_BY_TASK, Job, JobRequest
from pipeline.jobs.results import LessonSegment
from tests.support.recordings import (
    FILE_FORMATS,
    encode_recording,
    load_clear_speaker,
    make_hour_of_silence,
    make_video,
    make_wav,
)
from worker_segment.audio_stream import BLOCK_SAMPLES, SAMPLE_RATE, WINDOW_SAMPLES, read_blocks, rechunk
from worker_segment.segmenter import build_turn_request, extract_waveforms

LONGEST_S = 300


def read_all(data, longest_s=LONGEST_S):
    return np.concatenate(list(read_blocks(io.BytesIO(data), longest_s)), axis=1)


@pytest.mark.parametrize(
    ("form", "count"), [("wav no change", 1), ("m4a", 1), ("mp3", 2), ("webm", 2), ("wav float", 1)]
)
def test_a_recording_has_the_channels_that_it_was_made_with_and_more_than_two_are_mixed(form, count):
    samples = read_all(encode_recording(load_clear_speaker(), *FILE_FORMATS[form]))

    assert samples.dtype == np.float32
    assert samples.shape == (count, pytest.approx(len(load_clear_speaker().samples), abs=1_600))


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("format", ["WAV", "FLAC"])
def test_left_stays_left_and_right_stays_right(format, rate):
    file, time = io.BytesIO(), np.arange(3 * rate) / rate
    two_tones = np.stack([0.5 * np.sin(2 * np.pi * 300 * time), 0.25 * np.sin(2 * np.pi * 2_000 * time)])
    soundfile.write(file, two_tones.T, rate, format=format)

    left, right = read_all(file.getvalue())

    at = np.fft.rfftfreq(len(left), 1 / SAMPLE_RATE)
    assert [round(at[np.abs(np.fft.rfft(side)).argmax()], -1) for side in (left, right)] == [300, 2_000]
    assert np.abs(left).max() == pytest.approx(0.5, rel=0.05)
    assert np.abs(right).max() == pytest.approx(0.25, rel=0.05)


def test_the_sound_of_a_video_is_a_recording():
    assert read_all(make_video("mp4", "libx264", "aac")).shape[1] > 3 * SAMPLE_RATE


def test_a_recording_is_refused_as_soon_as_it_is_too_long():
    with pytest.raises(TooLong, match="longer than 90 seconds"):
        read_all(make_hour_of_silence(), longest_s=90)
    assert read_all(make_wav(np.zeros(2 * SAMPLE_RATE)), longest_s=2).shape == (1, 2 * SAMPLE_RATE)


@pytest.mark.parametrize(
    ("data", "error"), [(b"no sound", NotAudio), (make_wav(np.zeros(100)), BadAudio), (make_wav(np.zeros(0)), BadAudio)]
)
def test_a_file_that_is_not_a_recording_is_refused(data, error):
    with pytest.raises(error):
        read_all(data)


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), max_size=5))
def test_blocks_have_one_size_except_the_last_and_lose_nothing(sizes):
    samples = np.arange(sum(sizes), dtype=np.float32)[np.newaxis]
    pieces = np.split(samples, np.cumsum(sizes)[:-1], axis=1) if sizes else []

    found = list(rechunk(pieces, size=100))

    assert np.array_equal(np.concatenate([np.zeros((1, 0), np.float32), *found], axis=1), samples)
    assert {each.shape[1] for each in found[:-1]} <= {100}
    assert all(0 < each.shape[1] <= 100 for each in found)


def test_a_long_recording_is_read_in_blocks_of_whole_windows():
    found = list(read_blocks(io.BytesIO(make_wav(np.zeros(2 * BLOCK_SAMPLES + SAMPLE_RATE))), LONGEST_S))

    assert [each.shape for each in found] == [(1, BLOCK_SAMPLES), (1, BLOCK_SAMPLES), (1, SAMPLE_RATE)]
    assert BLOCK_SAMPLES % WINDOW_SAMPLES == 0


SPANS = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 99), st.sampled_from(["", "left", "right"])), max_size=8)


@settings(deadline=None)
@given(SPANS, st.integers(1, 1_000))
def test_a_turn_has_the_samples_of_its_time_however_the_recording_is_read(spans, size):
    recorded = np.random.default_rng(0).normal(0, 1, (2, 1_000 * 16)).astype(np.float32)  # a millisecond is 16 samples
    segments = [LessonSegment(n, s / 1000, (s + d) / 1000, who) for n, (s, d, who) in enumerate(sorted(spans), 1)]
    pieces = np.split(recorded, range(size * 16, recorded.shape[1], size * 16), axis=1)

    found = list(extract_waveforms(pieces, segments))

    assert [segment for segment, _ in found] == segments
    for segment, sound in found:
        both = recorded[:, round(segment.start * SAMPLE_RATE) : round(segment.end * SAMPLE_RATE)]
        expected = {"left": both[0], "right": both[1], "": both.mean(axis=0)}[segment.speaker]
        assert np.array_equal(sound.samples, expected)


# --- the request of a turn -----------------------------------------------------------------------------------------


def lesson(**more):
    job_request = JobRequest("a1", "a1", "school", recording="school/a1/x", task="lesson", lane="bulk", **more)
    return Job(job_request, seq=1, stage="segment", fence="1", version=1, created_at=0, updated_at=0, deadline_at=0)


def test_a_turn_inherits_the_options_of_the_lesson():
    job_request = build_turn_request(
        lesson(persona="li", language="en", hint="Kunming", owner="anna", retention_h=5, key="k", webhook="https://x"),
        LessonSegment(7, 1.5, 9.25, "left"),
    )

    assert (job_request.tenant, job_request.persona, job_request.language, job_request.hint) == (
        "school",
        "li",
        "en",
        "Kunming",
    )
    assert (job_request.owner, job_request.retention_h, job_request.lane) == ("anna", 5, "bulk")
    assert (job_request.lesson, job_request.group) == ("a1", "a1")
    assert job_request.details == {"number": 7, "start": 1.5, "end": 9.25, "speaker": "left"}
    assert (job_request.key, job_request.webhook) == ("k", "")  # its minutes count for the key; it has no webhook
    assert job_request.session == job_request.id


def test_a_turn_has_the_same_name_at_every_attempt_and_no_other_turn_has_it():
    segment = LessonSegment(1, 0, 1)
    other = Job(JobRequest("a2", "a2", task="lesson"), 1, "segment", "1", 1, 0, 0, 0)

    assert build_turn_request(lesson(), segment).name == build_turn_request(lesson(), segment).name
    questions = [
        build_turn_request(lesson(), segment),
        build_turn_request(lesson(), LessonSegment(2, 0, 1)),
        build_turn_request(other, segment),
    ]
    assert len({job_request.id for job_request in questions}) == 3


@pytest.mark.parametrize(
    ("learner", "speaker", "task"),
    [
        ("", "", "turn"),
        ("", "left", "turn"),
        ("left", "left", "turn"),
        ("left", "right", "transcribe"),
        ("left", "", "turn"),
    ],
)
def test_where_the_learner_is_known_only_the_learner_gets_feedback(learner, speaker, task):
    assert build_turn_request(lesson(details={"learner": learner}), LessonSegment(1, 0, 1, speaker)).task == task


def test_the_stages_of_a_turn_begin_with_its_recording():
    job_request = build_turn_request(lesson(group="5b"), LessonSegment(1, 0, 1))

    assert replace(job_request, recording="school/t/x").stages == STAGES_BY_TASK["turn"]
    assert job_request.group == "5b"
