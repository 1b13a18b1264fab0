"""Speech can be made faster and slower without a change of pitch."""

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from worker_tts.bark.time_stretch import change_speed

RATE = 24_000
TONE = Waveform((0.5 * np.sin(2 * np.pi * 220 * np.arange(2 * RATE) / RATE)).astype(np.float32), RATE)


def pitch(sound: Waveform) -> float:
    """The strongest frequency, in Hz."""
    return float(np.argmax(np.abs(np.fft.rfft(sound.samples))) / sound.duration_s)


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2])
def test_the_duration_changes_and_the_pitch_does_not(speed):
    sound = change_speed(TONE, speed)

    assert sound.duration_s == pytest.approx(2 / speed, rel=0.02)
    assert pitch(sound) == pytest.approx(220, abs=1)
    assert sound.samples.dtype == np.float32
    assert 0.4 < np.abs(sound.samples).max() <= 1


def test_normal_speed_changes_nothing_and_the_limits_are_the_slowest_and_fastest():
    assert change_speed(TONE, 1) is TONE
    assert change_speed(TONE, 0.1).duration_s == change_speed(TONE, 0.5).duration_s
    assert change_speed(TONE, 9).duration_s == change_speed(TONE, 2).duration_s


@pytest.mark.parametrize("samples", [0, 1, 100, 2000])
def test_the_shortest_sounds_do_no_harm(samples):
    assert len(change_speed(Waveform(TONE.samples[:samples], RATE), 1.5).samples) <= samples
