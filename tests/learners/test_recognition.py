"""The default recogniser understands real learners."""

import json

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from pipeline.errors import NoSpeech
from pipeline.jobs.records import to_json
from pipeline.jobs.results import Transcript
from pipeline.settings import settings
from pipeline.text.statistics import normalize_words
from tests.support.transcripts import word_error_rate
from worker_asr.engine import Recording
from worker_asr.transcriber import Transcriber
from worker_asr.vad import detect_voice


def test_learners_are_understood(learners, transcripts):
    pairs = [(learner.text, transcripts[learner.id].text) for learner in learners]
    rate = word_error_rate(pairs)
    print(f"{len(pairs)} recordings, word error rate {rate:.3f}")
    assert rate < 0.36


def test_words_follow_each_other_inside_the_recording(learners, transcripts):
    for learner in learners:
        transcript, duration_s = transcripts[learner.id], learner.sound.duration_s
        times = [time for word in transcript.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= duration_s + 0.01
        assert all(0 <= word.probability <= 1 for word in transcript.words)
        assert "".join(word.word for word in transcript.words) == transcript.text.replace(" ", "")
        assert transcript.duration_s == pytest.approx(duration_s, abs=0.001)
        assert json.loads(to_json(transcript))["language"] == "en"


def test_the_same_recording_gives_the_same_words(recogniser, learners, transcripts):
    again = recogniser.transcribe([Recording(learner.sound, "en") for learner in learners[:8]])
    assert again == [transcripts[learner.id] for learner in learners[:8]]


def test_repetitions_of_a_looping_model_are_removed(recogniser, learners):
    sounds = [learner.sound for learner in learners[::3]]
    for sound, result in zip(sounds, recogniser.transcribe([Recording(each, "la") for each in sounds]), strict=True):
        assert isinstance(result, NoSpeech) or len(result.text) < 20 * sound.duration_s


def test_quiet_speech_is_recognised(recogniser, learners):
    quiet = [
        Recording(Waveform(each.sound.samples * np.float32(0.02), each.sound.rate), "en") for each in learners[5:9]
    ]
    assert all(isinstance(result, Transcript) for result in recogniser.transcribe(quiet))


def test_a_hint_s_words_are_not_made_up_for_little_speech(learners):
    """Nobody says one of these names; without a check some of the learners' first half seconds have them."""
    hint = "Bowen Li, Ruoxi, Xinyi Wang, Mr Kowalczyk, Zyxelia"
    recordings = [Recording(crop_start(learner.sound, 0.5), "en", hint=hint) for learner in learners]
    results = Transcriber(settings()).recognise(recordings)
    texts = [result.text for result in results if isinstance(result, Transcript)]
    assert not [text for text in texts if {*normalize_words(text)} & {*normalize_words(hint)}]


def crop_start(sound, seconds):
    """The first seconds in which somebody speaks."""
    try:
        start = detect_voice(sound)[0][0]
    except NoSpeech:
        start = 0.0
    return Waveform(sound.samples[int(start * sound.rate) : int((start + seconds) * sound.rate)], sound.rate)
