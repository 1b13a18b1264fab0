"""Many learners in one recording of a minute: windows one after the other, and several at once as on a GPU."""

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from pipeline.settings import settings
from tests.support.transcripts import word_error_rate
from worker_asr.engine import Recording, load
from worker_asr.vad import SAMPLE_RATE


@pytest.fixture(scope="module")
def greedy_recogniser():
    return load(settings().model_copy(update={"asr_beam": 1}))


@pytest.mark.parametrize("windows", [1, 4], ids=["one by one", "at once"])
def test_a_long_recording_of_learners_is_recognised_to_its_end(greedy_recogniser, learners, windows):
    """Twelve of them, with pauses of 0.4 to 1.5 seconds."""
    greedy_recogniser.windows = windows
    chosen = learners[::3][:12]
    pauses = np.random.default_rng(1).uniform(0.4, 1.5, len(chosen))
    pieces = [
        np.concatenate([learner.sound.samples, np.zeros(int(pause * SAMPLE_RATE), np.float32)])
        for learner, pause in zip(chosen, pauses, strict=True)
    ]
    sound = Waveform(np.concatenate(pieces), SAMPLE_RATE)

    (transcript,) = greedy_recogniser.transcribe([Recording(sound, expected_languages=("en", "zh"))])

    rate = word_error_rate([(" ".join(learner.text for learner in chosen), transcript.text)])
    print(f"{sound.duration_s:.0f} s, windows {windows}: word error rate {rate:.3f}")
    assert rate < 0.36
    assert transcript.language == "en"
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert sound.duration_s - 6 < times[-1] <= sound.duration_s
    assert " ".join(segment.text for segment in transcript.segments) == transcript.text
