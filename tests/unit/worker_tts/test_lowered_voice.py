"""The lowered voice, of predictions made by hand: a vowel with one formant, and a hiss."""

import numpy as np
import pytest
from hibari import dsp

from worker_tts.lowered_voice import F0_RATIO, FORMANT_RATIO, Prediction, synthesize

BINS, FRAMES = 601, 80
BIN_HZ = dsp.SR / dsp.N_FFT
SILENT = -12.0  # log amplitude


def predict(f0_hz, formant_hz=1500.0, noise=SILENT):
    """A steady sound: one formant, 200 Hz wide, over the harmonics of `f0_hz`; with 0 Hz, noise alone."""
    loudness = -2 - ((np.arange(BINS) * BIN_HZ - formant_hz) / 200) ** 2 / 2
    harmonic = np.repeat(np.maximum(loudness, SILENT).astype(np.float32)[:, None], FRAMES, axis=1)
    flat = np.zeros((BINS, FRAMES), np.float32)
    f0 = np.full(FRAMES, f0_hz, np.float32)
    return Prediction(harmonic, flat, flat + np.float32(noise), flat + np.float32(SILENT), flat, f0)


def lower(prediction, seed=0):
    return synthesize(prediction, np.random.default_rng(seed))


def pitch(samples):
    """Hz, of the highest autocorrelation between 60 and 400 Hz."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    correlation = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    first, end = dsp.SR // 400, dsp.SR // 60
    lag = first + int(np.argmax(correlation[first:end] > 0.9 * correlation[first:end].max()))
    while correlation[lag + 1] > correlation[lag]:
        lag += 1
    return dsp.SR / lag


def loudest_hz(samples):
    """The mean frequency, weighted with power."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float((power * np.fft.rfftfreq(len(samples), 1 / dsp.SR)).sum() / power.sum())


@pytest.mark.parametrize("f0_hz", [160.0, 200.0, 250.0, 320.0])
def test_the_pitch_is_lowered(f0_hz):
    assert pitch(lower(predict(f0_hz))) == pytest.approx(f0_hz * F0_RATIO, rel=0.03)


@pytest.mark.parametrize("formant_hz", [1000.0, 1500.0, 2500.0])
def test_the_formants_are_lowered(formant_hz):
    lowered = lower(predict(200.0, formant_hz))

    assert loudest_hz(lowered) == pytest.approx(formant_hz * FORMANT_RATIO, rel=0.06)


def test_sound_without_a_pitch_is_unchanged():
    hiss = predict(0.0, noise=-1.0)

    np.testing.assert_allclose(lower(hiss), dsp.synth(*hiss, np.random.default_rng(0)), atol=1e-4)


@pytest.mark.parametrize("f0_hz", [160.0, 200.0, 250.0])
def test_the_lowered_voice_is_as_loud(f0_hz):
    plain = dsp.synth(*predict(f0_hz), np.random.default_rng(0))

    assert np.std(lower(predict(f0_hz))) == pytest.approx(np.std(plain), rel=0.25)


def test_the_sound_is_as_long_and_the_same_seed_gives_the_same_samples():
    hissing = predict(200.0, noise=-3.0)

    first, second, other = (lower(hissing, seed) for seed in (3, 3, 4))

    assert len(first) == FRAMES * dsp.HOP
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 0
