"""hibari's voice, lowered to that of a man: the same model, whose pitch and formants are changed before it sounds.

For each frame of 12.5 ms the model predicts a pitch (F0) and five spectra of 601 bins, 20 Hz each: loudness (log) and
phase of the voice's harmonics, loudness of noise, and loudness and phase of the rest, which is noise-like too. Where
there is a pitch, it is lowered, and every bin takes its loudness from a higher one; there the rest is harmonics
below `NOISE_FROM_HZ` and noise above, for its phases belong to the old pitch. Where there is none, as in "s" and "t",
nothing is changed.
"""

from typing import NamedTuple

import numpy as np
from hibari import Hibari, dsp
from numpy.typing import NDArray

F0_RATIO = 0.6  # from the median of a woman (200 Hz) to that of a man (120 Hz)
FORMANT_RATIO = 0.88  # a man's vocal tract is about an eighth longer
NOISE_FROM_HZ, NOISE_SLOPE_HZ = 3000, 400
NOISE_WIDTH = 4  # bins to each side over which the rest's loudness is averaged: no trace of the old pitch is left
VOICED_FROM_HZ = 40.0  # hibari's own threshold
BIN_HZ = dsp.SR / dsp.N_FFT
LOBE = 1.5  # power of one harmonic of amplitude 1, summed over the bins of its lobe in the window's spectrum
MIN_IDS = 3  # a pad, a phoneme and a pad

Floats = NDArray[np.float32]


class Prediction(NamedTuple):
    """What hibari's model gives for F frames: `f0` [F] in Hz, 0 without a pitch; the others [601, F]."""

    harmonic: Floats  # log amplitude
    theta: Floats  # phase, as the inverse hyperbolic tangent of a share of pi
    noise: Floats  # log amplitude
    rest: Floats  # log amplitude
    rest_phase: Floats  # radians
    f0: Floats


def speak_lowered(hibari: Hibari, text: str, speed: float, seed: int) -> Floats:
    """What `hibari(text, speed, seed)` gives, in the lowered voice: samples at 24 kHz; none for text without words."""
    generator = np.random.default_rng(seed)
    parts = [np.zeros(0, np.float32)]
    for phonemes in hibari.phonemize(text):
        ids = hibari.ids(phonemes)
        if len(ids) >= MIN_IDS:
            inputs = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([speed], np.float32)}
            parts.append(synthesize(Prediction(*(output[0] for output in hibari.sess.run(None, inputs))), generator))
    return np.concatenate(parts)


def synthesize(prediction: Prediction, generator: np.random.Generator) -> Floats:
    """The samples of a prediction, lowered."""
    frames = len(prediction.f0)
    voiced = np.flatnonzero(prediction.f0 > VOICED_FROM_HZ)
    unvoiced = np.flatnonzero(prediction.f0 <= VOICED_FROM_HZ)
    rest = average_rest(prediction.rest[:, voiced])
    noisy = 1 / (1 + np.exp((NOISE_FROM_HZ - np.arange(len(rest)) * BIN_HZ) / NOISE_SLOPE_HZ))
    noisy = noisy.astype(np.float32)[:, None]

    pulses = dsp.pulses(prediction.f0 * np.float32(F0_RATIO), vthresh=VOICED_FROM_HZ * F0_RATIO)
    spectrum = dsp.stft(pulses, frames)
    spectrum[:, voiced] *= filter_voice(prediction, voiced, rest * (1 - noisy))
    spectrum[:, unvoiced] *= polar(
        dsp.ex(prediction.harmonic[:, unvoiced]), np.tanh(prediction.theta[:, unvoiced]) * np.float32(np.pi)
    )
    spectrum[:, unvoiced] += polar(dsp.ex(prediction.rest[:, unvoiced]), prediction.rest_phase[:, unvoiced])

    noise_power = dsp.ex(2 * prediction.noise)
    noise_power[:, voiced] = noise_power[source_bins(len(rest))][:, voiced] + rest * noisy / 2
    noise = generator.standard_normal((len(rest), 2 * frames), dtype=np.float32).view(np.complex64)
    spectrum += noise * np.sqrt(noise_power)
    samples: Floats = dsp.ola(spectrum)
    return samples


def filter_voice(prediction: Prediction, voiced: NDArray[np.intp], rest: Floats) -> NDArray[np.complex64]:
    """What the new pulses of the voiced frames are multiplied by: [601, V].

    The old filter counts only at the old harmonics, so each bin takes that of the nearest one. The power of the
    `rest` [601, V] is added; all is scaled so that more harmonics together have the power of the fewer before.
    """
    f0 = prediction.f0[voiced]
    spacing = f0[None, :] / np.float32(BIN_HZ)
    bins = len(prediction.harmonic)
    taken_from = (np.arange(bins, dtype=np.float32) / np.float32(FORMANT_RATIO))[:, None]
    nearest_harmonic = np.maximum(np.rint(taken_from / spacing), 1) * spacing
    nearest = np.minimum(np.rint(nearest_harmonic), bins - 1).astype(np.intp)
    power = dsp.ex(2 * np.take_along_axis(prediction.harmonic[:, voiced], nearest, axis=0))
    power += rest * (spacing / np.float32(LOBE))
    phase = np.tanh(np.take_along_axis(prediction.theta[:, voiced], nearest, axis=0)) * np.float32(np.pi)
    return polar(np.sqrt(power * np.float32(F0_RATIO)), phase)


def average_rest(rest: Floats) -> Floats:
    """The power of the rest [601, V], given as log amplitudes, averaged around the bins where it is taken from."""
    bins = len(rest)
    sums = np.concatenate([np.zeros_like(rest[:1]), np.cumsum(dsp.ex(2 * rest), axis=0)])
    source = source_bins(bins)
    first, end = np.maximum(source - NOISE_WIDTH, 0), np.minimum(source + NOISE_WIDTH + 1, bins)
    averages: Floats = (sums[end] - sums[first]) / (end - first)[:, None].astype(np.float32)
    return np.maximum(averages, 0)


def source_bins(bins: int) -> NDArray[np.intp]:
    """The bin from which each bin takes its loudness, so that formants are lowered; the highest have the last one's."""
    return np.minimum(np.rint(np.arange(bins) / FORMANT_RATIO), bins - 1).astype(np.intp)


def polar(amplitude: Floats, phase: Floats) -> NDArray[np.complex64]:
    values = np.empty(amplitude.shape, np.complex64)
    np.cos(phase, out=values.real)
    np.sin(phase, out=values.imag)
    values *= amplitude
    return values
