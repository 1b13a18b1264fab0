"""A lesson made of real learners' recordings is segmented where they pause."""

import io
from itertools import accumulate, pairwise

import numpy as np
import pytest

from tests.support.recordings import make_wav
from worker_segment.audio_stream import SAMPLE_RATE, WINDOW_SAMPLES, read_blocks
from worker_segment.speaker_turns import find_speaker_turns, find_speech
from worker_segment.voice_activity import detect_voice_activity

EDGE = 2 * WINDOW_SAMPLES  # samples: sound before a word moves by a window or two where Silero VAD finds that it begins


def concatenate(sounds, pauses_s):
    """The sounds one after the other, each after its pause, and a second of silence; the start of each, in samples."""
    gaps = [round(pause * SAMPLE_RATE) for pause in pauses_s]
    ends = list(accumulate(gap + len(sound) for gap, sound in zip(gaps, sounds, strict=True)))
    parts = [part for gap, sound in zip(gaps, sounds, strict=True) for part in (np.zeros(gap, np.float32), sound)]
    starts = [end - len(sound) for end, sound in zip(ends, sounds, strict=True)]
    return np.concatenate([*parts, np.zeros(SAMPLE_RATE, np.float32)]), starts


def find_turns(samples):
    return find_speaker_turns(detect_voice_activity(read_blocks(io.BytesIO(make_wav(samples)), 14_400)))


def find_stretches(sound):
    """The stretches of speech in one recording, in samples."""
    activity = detect_voice_activity([sound[np.newaxis]])
    return [
        (start * WINDOW_SAMPLES, end * WINDOW_SAMPLES)
        for start, end in find_speech(activity.speech[0], activity.level[0])
    ]


@pytest.fixture(scope="module")
def class_talk(learners):
    """32 learners with pauses of 0.1 to 3 s: samples, and for each learner the stretches of speech, in samples."""
    sounds = [learner.sound.samples for learner in learners[:32]]
    samples, starts = concatenate(sounds, np.random.default_rng(5).uniform(0.1, 3, len(sounds)))
    speech = [
        [(start + begin, start + end) for begin, end in find_stretches(sound)]
        for start, sound in zip(starts, sounds, strict=True)
    ]
    return samples, speech


def test_no_word_is_lost_or_split_and_pauses_end_turns(class_talk):
    samples, speech = class_talk

    turns = [(round(turn.start * SAMPLE_RATE), round(turn.end * SAMPLE_RATE)) for turn in find_turns(samples)]

    assert all(end - start <= 30 * SAMPLE_RATE for start, end in turns)
    for start, end in (stretch for stretches_of_one in speech for stretch in stretches_of_one):
        assert any(begin <= start + EDGE and end - EDGE <= finish for begin, finish in turns)
    for (_, last), (first, _) in ((one[-1], other[0]) for one, other in pairwise(speech)):
        parted = any(last - EDGE < begin <= first + EDGE for begin, _ in turns)
        assert parted or first - last < 1.5 * SAMPLE_RATE
        assert not parted or first - last > 1.0 * SAMPLE_RATE


def test_every_border_is_in_a_silence(class_talk):
    samples, _ = class_talk
    level = float(np.sqrt(np.square(samples[samples != 0]).mean()))
    for cut in (round(time * SAMPLE_RATE) for turn in find_turns(samples) for time in (turn.start, turn.end)):
        around = samples[max(0, cut - SAMPLE_RATE // 50) : cut + SAMPLE_RATE // 50]
        assert np.sqrt(np.square(around).mean()) < level / 10


@pytest.mark.parametrize("crosstalk_db", [-60, -30, -20, -15])
def test_two_speakers_with_a_channel_each_are_distinguished_despite_crosstalk(learners, crosstalk_db):
    sounds = [learner.sound.samples for learner in learners[:12]]
    samples, starts = concatenate(sounds, np.random.default_rng(2).uniform(0.2, 1.5, len(sounds)))
    channels = np.zeros((2, len(samples)), np.float32)
    for number, (start, sound) in enumerate(zip(starts, sounds, strict=True)):
        channels[number % 2, start : start + len(sound)] = sound
    channels = channels + 10 ** (crosstalk_db / 20) * channels[::-1]
    channels += np.random.default_rng(3).normal(0, 10 ** (-50 / 20), channels.shape)  # dBFS of a quiet room

    turns = find_turns(channels.astype(np.float32).T)

    assert [turn.speaker for turn in turns] == [("left", "right")[number % 2] for number in range(len(sounds))]
    for turn, start, sound in zip(turns, starts, sounds, strict=True):
        assert start / SAMPLE_RATE - 0.4 < turn.start < turn.end < (start + len(sound)) / SAMPLE_RATE + 0.4
