"""All speech has words: sentences said several times, and sentences between others, on a CPU and as on a
GPU. What cannot be made out is named as a gap."""

import time

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from pipeline.settings import settings
from tests.support.recordings import RECORDINGS, TEXTS, load_recording
from tests.support.transcripts import word_errors, words
from worker_asr import faster_whisper
from worker_asr.engine import Recording, load
from worker_asr.vad import SAMPLE_RATE


@pytest.fixture(scope="module")
def whisper():
    return load(settings())


@pytest.fixture(params=[1, 4], ids=["one by one", "at once"])
def engine(whisper, request):
    whisper.windows = request.param
    yield whisper
    whisper.windows = 1


def say(*parts):
    """Recordings and pauses in seconds, one after the other: the text that is said, and the sound."""
    pieces = [
        np.zeros(int(part * SAMPLE_RATE), np.float32) if isinstance(part, float) else load_recording(part).samples
        for part in parts
    ]
    text = " ".join(TEXTS[part.stem] for part in parts if not isinstance(part, float))
    return text, Waveform(np.concatenate(pieces), SAMPLE_RATE)


def transcribe(engine, sound):
    (transcript,) = engine.transcribe([Recording(sound, "en")])
    return transcript


@pytest.mark.parametrize("number", [3, 7, 18])
@pytest.mark.parametrize(("times", "pause_s"), [(3, 0.3), (5, 0.6)])
def test_a_sentence_that_is_said_several_times_is_recognised_each_time(whisper, number, times, pause_s):
    text, sound = say(*[RECORDINGS[number], pause_s] * times)
    transcript = transcribe(whisper, sound)
    assert word_errors(text, transcript.text) <= 0.3 * len(words(text)), transcript.text
    assert transcript.gaps == ()


@pytest.mark.parametrize("seed", [0, 2])
def test_a_sentence_in_the_middle_of_a_long_recording_is_recognised(engine, seed):
    """Seven learners say each sentence twice."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(RECORDINGS) // 2, 7)
    text, sound = say(*[part for number in chosen for part in (RECORDINGS[number], float(random.uniform(0.2, 1))) * 2])
    transcript = transcribe(engine, sound)
    assert word_errors(text, transcript.text) <= 0.1 * len(words(text)), transcript.text
    assert sum(gap.end - gap.start for gap in transcript.gaps) < 0.03 * sound.duration_s
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert " ".join(segment.text for segment in transcript.segments) == transcript.text


def test_speech_without_words_is_a_gap(whisper, monkeypatch):
    """Whisper gives the sentence once; for the others no windows are left."""
    monkeypatch.setattr(faster_whisper, "max_windows", lambda _: 1)
    _, sound = say(*[RECORDINGS[3], 0.3] * 3)
    transcript = transcribe(whisper, sound)
    length_s = len(load_recording(RECORDINGS[3]).samples) / SAMPLE_RATE
    assert transcript.text
    assert transcript.gaps
    assert transcript.gaps[0].start < length_s + 2.5
    assert 2 * length_s < transcript.gaps[-1].end <= sound.duration_s
    assert all(gap.start >= word.end or gap.end <= word.start for gap in transcript.gaps for word in transcript.words)


@pytest.mark.parametrize(
    ("kind", "count"),
    [("backwards", 1), ("backwards", 4), ("in noise", 4), ("in noise", 12), ("chopped", 1), ("chopped", 12)],
)
def test_what_cannot_be_understood_takes_no_longer_than_its_length(whisper, kind, count):
    """In core-seconds, of which an idle machine has one a second for each thread."""
    _, sound = say(*[part for number in range(count) for part in (RECORDINGS[number], 0.2)])
    random, samples = np.random.default_rng(count), sound.samples
    if kind == "backwards":
        samples = samples[::-1].copy()
    elif kind == "in noise":
        samples = samples + random.normal(0, samples.std(), len(samples)).astype(np.float32)
    else:
        pieces = np.array_split(samples, len(samples) // 4_000)  # of a quarter of a second
        samples = np.concatenate([pieces[number] for number in random.permutation(len(pieces))])
    started_at = time.process_time()
    whisper.transcribe([Recording(Waveform(samples, SAMPLE_RATE), language) for language in ("en", "la")])
    assert time.process_time() - started_at < 2 * (3 + sound.duration_s)
