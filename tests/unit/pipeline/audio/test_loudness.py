"""Speech is made equally loud, as EBU R128 measures it."""

import numpy as np
import pytest

from pipeline.audio.decode import Waveform, decode
from pipeline.audio.loudness import MAX_TRUE_PEAK_DBTP, TARGET_LUFS, even_loudness, measure_loudness
from tests.support.recordings import RECORDINGS

RATE = 24_000


def tone(seconds: float, amplitude: float, hz: float = 997) -> Waveform:
    samples = amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return Waveform(samples.astype(np.float32), RATE)


@pytest.mark.parametrize("amplitude", [1.0, 0.1])
def test_the_loudness_of_a_tone_is_that_of_the_standard(amplitude):
    """EBU Tech 3341: a sine of 1 kHz at -20 dBFS has -23 LUFS on one channel, within 0.1."""
    loudness = measure_loudness(tone(5, amplitude))
    assert loudness.integrated_lufs == pytest.approx(20 * np.log10(amplitude) - 3.01, abs=0.15)
    assert loudness.true_peak_dbtp == pytest.approx(20 * np.log10(amplitude), abs=0.3)


@pytest.mark.parametrize("path", RECORDINGS[:3], ids=lambda path: path.stem)
@pytest.mark.parametrize("gain", [0.05, 1.0, 3.0])
def test_a_quiet_and_a_loud_recording_become_equally_loud_and_keep_their_length(path, gain):
    with path.open("rb") as file:
        sound = decode(file, 300, RATE)
    sound = Waveform(np.clip(sound.samples * gain, -1, 1), RATE)
    result = even_loudness(sound)
    loudness = measure_loudness(result)
    assert loudness.integrated_lufs == pytest.approx(TARGET_LUFS, abs=0.8)
    assert loudness.true_peak_dbtp <= MAX_TRUE_PEAK_DBTP
    assert len(result.samples) == len(sound.samples)


def test_a_sound_shorter_than_a_block_of_the_standard_becomes_as_loud():
    short = even_loudness(tone(0.2, 0.02))
    assert measure_loudness(short).integrated_lufs == pytest.approx(TARGET_LUFS, abs=0.8)


def test_silence_stays_silent():
    silence = Waveform(np.zeros(RATE, np.float32), RATE)
    assert np.array_equal(even_loudness(silence).samples, silence.samples)
