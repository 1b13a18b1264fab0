"""Lessons made of learners' recordings are segmented at pauses, and every turn becomes one job."""

import io
import os
import secrets
import subprocess
import sys
from itertools import accumulate, cycle, islice, pairwise

import numpy as np
import pytest
import soundfile
from faster_whisper.vad import get_vad_model

from pipeline.audio.decode import decode
from pipeline.blob_store import FolderBlobs
from pipeline.errors import BadAudio, Canceled, NoSpeech, TooLong, Unavailable
from pipeline.jobs.job import JobRequest
from pipeline.worker.leases import Leases
from tests.support.job_steps import always_wanted
from tests.support.recordings import RECORDINGS, load_recording, make_video, make_wav
from tests.support.wait import wait_for
from worker_segment.audio_stream import BLOCK_SAMPLES, SAMPLE_RATE, WINDOW_SAMPLES, read_blocks
from worker_segment.segmenter import Segmenter
from worker_segment.speaker_turns import (
    WINDOWS_PER_S,
    find_speaker_turns,
    find_speech,
    has_separate_speakers,
    speech_by_speaker,
)
from worker_segment.voice_activity import detect_voice_activity

LONGEST_S = 14_400


def recordings(count):
    return [load_recording(path).samples for path in islice(cycle(RECORDINGS), count)]


def concatenate_with_pauses(spoken, pauses):
    """Join the recordings, each after its pause in seconds; return the samples and the start of each in samples."""
    sizes = [round(pause * SAMPLE_RATE) for pause in pauses]
    starts = [
        end + gap
        for end, gap in zip(accumulate(map(int.__add__, sizes, map(len, spoken)), initial=0), sizes, strict=False)
    ]
    samples = np.concatenate(
        [part for gap, each in zip(sizes, spoken, strict=True) for part in (np.zeros(gap, np.float32), each)]
    )
    return np.append(samples, np.zeros(SAMPLE_RATE, np.float32)), starts


def find_speech_samples(samples):
    """The stretches of speech in one recording, in samples."""
    found = detect_voice_activity([samples[np.newaxis]])
    return [(s * WINDOW_SAMPLES, e * WINDOW_SAMPLES) for s, e in find_speech(found.speech[0], found.level[0])]


@pytest.fixture(scope="module")
def class_talk():
    """What learners say in 32 recordings, in samples of the lesson; pauses of 0.1 to 3 s between them."""
    spoken = recordings(32)
    samples, starts = concatenate_with_pauses(spoken, np.random.default_rng(5).uniform(0.1, 3, len(spoken)))
    return samples, [
        [(start + s, start + e) for s, e in find_speech_samples(each)]
        for start, each in zip(starts, spoken, strict=True)
    ]


def detect_activity(data):
    return detect_voice_activity(read_blocks(io.BytesIO(data), LONGEST_S))


# --- where turns begin and end -------------------------------------------------------------------------------------


def test_no_word_is_lost_or_split_and_pauses_end_turns(class_talk):
    samples, talk = class_talk

    segments = find_speaker_turns(detect_activity(make_wav(samples)))

    places = [(round(segment.start * SAMPLE_RATE), round(segment.end * SAMPLE_RATE)) for segment in segments]
    assert all(end - start <= 30 * SAMPLE_RATE for start, end in places)
    edge = 2 * WINDOW_SAMPLES  # what came before changes by a window or two where Silero VAD hears a word begin
    for start, end in (each for learner in talk for each in learner):
        assert [1 for begin, finish in places if begin <= start + edge and end - edge <= finish]
    for (_, last), (first, _) in ((one[-1], other[0]) for one, other in pairwise(talk)):
        parted = any(last - edge < begin <= first + edge for begin, _ in places)
        assert parted or first - last < 1.5 * SAMPLE_RATE
        assert not parted or first - last > 1.0 * SAMPLE_RATE


def test_every_border_is_in_a_silence(class_talk):
    samples, _ = class_talk

    segments = find_speaker_turns(detect_activity(make_wav(samples)))

    level = float(np.sqrt(np.square(samples[samples != 0]).mean()))
    for place in (round(time * SAMPLE_RATE) for segment in segments for time in (segment.start, segment.end)):
        about = samples[max(0, place - SAMPLE_RATE // 50) : place + SAMPLE_RATE // 50]
        assert np.sqrt(np.square(about).mean()) < level / 10


def test_a_speaker_without_pauses_is_segmented_between_sentences():
    samples, starts = concatenate_with_pauses(
        recordings(16), [0.5, *[0.0] * 15]
    )  # the recordings' own silences: about a second each
    activity = detect_activity(make_wav(samples))

    segments = find_speaker_turns(activity)

    spoken = [each for own in speech_by_speaker(activity).values() for each in own]
    assert len(segments) >= 3
    for place in (round(time * WINDOWS_PER_S) for segment in segments for time in (segment.start, segment.end)):
        assert not [each for each in spoken if each.start < place < each.end]
    assert starts[-1] / SAMPLE_RATE < segments[-1].end


def test_it_does_not_matter_where_blocks_begin(class_talk):
    samples = class_talk[0][np.newaxis]

    sizes = (BLOCK_SAMPLES, 7 * WINDOW_SAMPLES, samples.shape[1])
    found = [detect_voice_activity(np.split(samples, range(size, samples.shape[1], size), axis=1)) for size in sizes]

    assert np.array_equal(found[0].speech, found[2].speech)
    assert np.allclose(found[1].speech, found[2].speech, atol=1e-5)
    assert {find_speaker_turns(each) for each in found} == {find_speaker_turns(found[0])}


def test_voice_activity_is_that_of_the_library(class_talk):
    samples = class_talk[0][: BLOCK_SAMPLES // WINDOW_SAMPLES * WINDOW_SAMPLES]

    library = get_vad_model()(samples.copy()).reshape(-1)

    assert np.allclose(detect_voice_activity([samples[np.newaxis]]).speech[0, :-1], library[:-1], atol=1e-5)


# --- who speaks ----------------------------------------------------------------------------------------------------


def dialogue(crosstalk_db):
    """Two speakers in turn, a channel each with crosstalk of the other; and who speaks when, in seconds."""
    spoken = recordings(12)
    samples, starts = concatenate_with_pauses(spoken, np.random.default_rng(2).uniform(0.2, 1.5, len(spoken)))
    both = np.zeros((2, len(samples)), np.float32)
    for number, (start, each) in enumerate(zip(starts, spoken, strict=True)):
        both[number % 2, start : start + len(each)] = each
    both = both + 10 ** (crosstalk_db / 20) * both[::-1]
    both += np.random.default_rng(3).normal(0, 10 ** (-50 / 20), both.shape)  # dBFS of a quiet room
    spans = [
        (start / SAMPLE_RATE, (start + len(each)) / SAMPLE_RATE) for start, each in zip(starts, spoken, strict=True)
    ]
    return both.astype(np.float32), [(*span, ("left", "right")[number % 2]) for number, span in enumerate(spans)]


@pytest.mark.parametrize("crosstalk_db", [-60, -30, -20, -15])
def test_two_speakers_with_a_channel_each_are_distinguished_despite_crosstalk(crosstalk_db):
    both, said = dialogue(crosstalk_db)

    segments = find_speaker_turns(detect_activity(make_wav(both.T)))

    assert [segment.speaker for segment in segments] == [speaker for _, _, speaker in said]
    for segment, (start, end, _) in zip(segments, said, strict=True):
        assert start - 0.4 < segment.start < segment.end < end + 0.4


def test_one_microphone_that_was_stored_in_stereo_is_one_speaker():
    both, said = dialogue(-60)
    mixed = both.mean(axis=0)

    once, twice = detect_activity(make_wav(mixed)), detect_activity(make_wav(np.stack([mixed, mixed]).T))

    assert not has_separate_speakers(twice)
    assert find_speaker_turns(twice) == find_speaker_turns(once)
    assert find_speaker_turns(once)[-1].end > said[-1][0]


# --- memory --------------------------------------------------------------------------------------------------------


SCRIPT = """
import sys
from worker_segment.voice_activity import detect_voice_activity
from worker_segment.audio_stream import read_blocks
from worker_segment.segmenter import extract_waveforms
from worker_segment.speaker_turns import find_speaker_turns

with open(sys.argv[1], "rb") as file:
    segments = find_speaker_turns(detect_voice_activity(read_blocks(file, 4000)))
    file.seek(0)
    print(sum(1 for _ in extract_waveforms(read_blocks(file, 4000), segments)))
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""  # how many turns, and the most memory that the process had, in kB
HELD = os.environ | {"MALLOC_MMAP_THRESHOLD_": "1000000"}  # bytes: what is let go is given back at once


def test_half_an_hour_needs_little_more_memory_than_ten_minutes(class_talk, tmp_path):
    turns, most = {}, {}
    for minutes in (10, 30):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1) as file:
            for start in range(0, minutes * 60 * SAMPLE_RATE, len(class_talk[0])):
                file.write(class_talk[0][: minutes * 60 * SAMPLE_RATE - start])
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, path], env=HELD, capture_output=True, text=True, check=True
        )
        turns[minutes], most[minutes] = map(int, done.stdout.split())

    print(f"kB: {most}")
    assert turns[30] > 2.5 * turns[10] > 100
    assert most[30] < most[10] + 10_000  # as numbers, the recording of 20 minutes more is 76,800 kB


# --- every turn becomes a job, once --------------------------------------------------------------------------------


@pytest.fixture
def segmenter(settings, redis):
    return Segmenter(settings.model_copy(update={"redis_url": f"unix://{settings.home / 'redis.sock'}"}))


@pytest.fixture
def lesson(segmenter):
    """Submits a recording as a lesson, and claims it."""

    def submitted(data, **details):
        id_ = secrets.token_hex(8)
        blob = segmenter.blobs.put(f"default/{id_}", io.BytesIO(data))
        job_request = JobRequest(id_, id_, recording=blob.name, task="lesson", lane="bulk", details=details)
        segmenter.jobs.submit(job_request)
        ((claimed,), _) = segmenter.jobs.claim("segment", "worker", 1)
        return claimed

    return submitted


@pytest.fixture
def talk():
    samples, _ = concatenate_with_pauses(recordings(6), [1.0, *[2.0] * 5])
    return samples


def list_turns(segmenter, lesson):
    return [segmenter.jobs.get(*name.split("/")) for name in segmenter.jobs.turns_of(lesson)]


def list_blobs(segmenter):
    """The names of all blobs."""
    return {path.relative_to(segmenter.blobs.folder).as_posix() for path in segmenter.blobs.folder.glob("*/*/*")}


def test_every_turn_is_a_job_with_the_words_said_in_it(segmenter, lesson, talk):
    job = lesson(make_wav(talk))

    (segments,) = segmenter.segment([job], always_wanted)

    turns = list_turns(segmenter, job)
    assert segments.duration_s == pytest.approx(len(talk) / SAMPLE_RATE, abs=0.001)
    assert [turn.request.details["number"] for turn in turns] == [1, 2, 3, 4, 5, 6]
    assert [(segment.start, segment.end) for segment in segments.turns] == [
        (turn.request.details["start"], turn.request.details["end"]) for turn in turns
    ]
    for turn, segment in zip(turns, segments.turns, strict=True):
        with segmenter.blobs.open(turn.request.recording) as file:
            assert file.read(4) == b"fLaC"
            file.seek(0)
            sound = decode(file, 30)
        expected = talk[round(segment.start * SAMPLE_RATE) : round(segment.end * SAMPLE_RATE)]
        assert np.abs(sound.samples - expected).max() < 2 / 2**15


def test_the_other_speaker_of_a_lesson_is_only_transcribed(segmenter, lesson):
    both, said = dialogue(-30)

    job = lesson(make_wav(both.T), learner="right")

    segmenter.segment([job], always_wanted)

    tasks = [turn.request.task for turn in list_turns(segmenter, job)]
    assert tasks == [{"left": "transcribe", "right": "turn"}[speaker] for _, _, speaker in said]


def test_a_second_attempt_continues_where_the_first_one_died(segmenter, lesson, talk):
    job = lesson(make_wav(talk))
    put, count = segmenter.blobs.put, 0

    def dying(name, source):
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt
        return put(name, source)

    segmenter.blobs.put = dying
    with pytest.raises(KeyboardInterrupt):
        segmenter.segment([job], always_wanted)
    before, blobs = list_turns(segmenter, job), list_blobs(segmenter)
    assert len(before) == 3

    (segments,) = Segmenter(segmenter.settings).segment([job], always_wanted)

    assert list_turns(segmenter, job)[:3] == before
    assert len(list_turns(segmenter, job)) == len(segments.turns) == 6
    assert blobs < list_blobs(segmenter)
    assert len(list_blobs(segmenter)) == 1 + 6
    assert Segmenter(segmenter.settings).segment([job], always_wanted) == [segments]
    assert len(list_blobs(segmenter)) == 1 + 6


def test_two_workers_that_segment_the_same_lesson_leave_one_recording_of_each_turn(segmenter, lesson, talk):
    job, other = lesson(make_wav(talk)), Segmenter(segmenter.settings)
    segmenter.jobs.has = lambda name: False  # it looked before the other one submitted

    (segments,) = other.segment([job], always_wanted)
    assert segmenter.segment([job], always_wanted) == [segments]

    assert list_blobs(segmenter) == {
        job.request.recording,
        *(turn.request.recording for turn in list_turns(segmenter, job)),
    }


def test_a_canceled_lesson_is_segmented_no_further(segmenter, lesson, talk):
    job = lesson(make_wav(talk))

    with Leases(segmenter.jobs, "segment", [job]) as leases:
        segmenter.jobs.cancel("default", job.id)
        wait_for(lambda: not leases.still_wanted(job))
        (outcome,) = segmenter.segment([job], leases.still_wanted)

    assert isinstance(outcome, Canceled)
    assert list_turns(segmenter, job) == []


def test_the_sound_of_a_video_is_segmented(segmenter, lesson):
    (segments,) = segmenter.segment([lesson(make_video("mp4", "libx264", "aac"))], always_wanted)

    assert len(segments.turns) == 1


def test_where_nobody_speaks_the_lesson_ends_without_a_turn(segmenter, lesson):
    for samples in (np.zeros(30 * SAMPLE_RATE), np.random.default_rng(0).normal(0, 0.05, 60 * SAMPLE_RATE)):
        job = lesson(make_wav(samples))
        (outcome,) = segmenter.segment([job], always_wanted)
        assert isinstance(outcome, NoSpeech)
        assert list_turns(segmenter, job) == []


def test_a_broken_recording_and_a_missing_one_are_errors(segmenter, lesson):
    broken, gone = lesson(b"OggS\0\2" + bytes(1_000)), lesson(make_wav(np.zeros(SAMPLE_RATE)))
    segmenter.blobs.delete(gone.request.recording)

    outcomes = segmenter.segment([broken, gone], always_wanted)

    assert [type(outcome) for outcome in outcomes] == [BadAudio, BadAudio]


def test_a_lesson_that_is_too_long_has_no_turn_at_all(segmenter, lesson, talk):
    short = Segmenter(segmenter.settings.model_copy(update={"max_lesson_s": 20}))

    job = lesson(make_wav(talk))
    (outcome,) = short.segment([job], always_wanted)

    assert isinstance(outcome, TooLong)
    assert list_turns(segmenter, job) == []


def test_on_a_full_disk_the_lesson_is_tried_again(segmenter, lesson, talk):
    job = lesson(make_wav(talk))
    segmenter.blobs = FolderBlobs(
        segmenter.settings.home / "logs" / "redis.log"
    )  # a file, in which no folder can be made
    segmenter.blobs.open = FolderBlobs(segmenter.settings.blobs_folder).open

    (outcome,) = segmenter.segment([job], always_wanted)

    assert isinstance(outcome, Unavailable)
    assert outcome.try_again
