"""Voice activity: Silero VAD, which comes with faster-whisper, on each channel of a recording."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from faster_whisper.vad import get_vad_model

from pipeline.audio.decode import Waveform
from worker_segment.audio_stream import SAMPLE_RATE, WINDOW_SAMPLES

CONTEXT_SAMPLES = 64  # before a window, which Silero VAD is given with it
STATE_SHAPE = (1, 1, 128)  # of the hidden and of the cell state of its recurrent network
SPEECH_PROBABILITY = 0.5  # above which somebody speaks in a window
MIN_SPEECH_WINDOWS = 4  # in a row; a click or the start of a hum is shorter
DIGITAL_SILENCE_DB = -120.0  # dBFS given for samples that are all zero


@dataclass(frozen=True)
class VoiceActivity:
    """Of a recording of `duration_s` seconds, for each channel and window of 32 ms, shape (channels, windows).

    `speech` is the probability of speech, `level` the root mean square in dBFS: 0 for a full-scale square wave.
    """

    speech: np.ndarray
    level: np.ndarray
    duration_s: float


class SileroVad:
    """Silero VAD on one channel. It keeps its state between calls, so block boundaries make no difference."""

    def __init__(self) -> None:
        self.session = get_vad_model().session
        zero = np.zeros(STATE_SHAPE, np.float32)
        self.state = zero, zero, np.zeros(CONTEXT_SAMPLES, np.float32)

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """The probability of speech in each of the next windows, float32 of shape (n, WINDOW_SAMPLES)."""
        hidden_state, cell_state, before = self.state
        contexts = np.concatenate([before[np.newaxis], windows[:-1, -CONTEXT_SAMPLES:]])
        inputs = np.concatenate([contexts, windows], axis=1)
        probabilities, hidden_state, cell_state = self.session.run(
            None, {"input": inputs, "h": hidden_state, "c": cell_state}
        )
        self.state = hidden_state, cell_state, windows[-1, -CONTEXT_SAMPLES:]
        return np.asarray(probabilities, np.float32).reshape(-1)


def detect_voice_activity(blocks: Iterable[np.ndarray]) -> VoiceActivity:
    """The activity in `blocks`: float32 of shape (channels, n) at SAMPLE_RATE.

    n is a multiple of WINDOW_SAMPLES in all blocks but the last.
    """
    detectors: list[SileroVad] = []
    speech: list[np.ndarray] = []
    level: list[np.ndarray] = []
    count, channels_equal = 0, True
    for block in blocks:
        detectors = detectors or [SileroVad() for _ in block]
        windows = split_into_windows(block)
        channels_equal = channels_equal and bool((block == block[0]).all())  # mono stored as stereo is computed once
        probabilities = [detectors[0].probabilities(windows[0])]
        for detector, channel in zip(detectors[1:], windows[1:], strict=True):
            if channels_equal:
                detector.state = detectors[0].state
            probabilities.append(probabilities[0] if channels_equal else detector.probabilities(channel))
        speech.append(np.stack(probabilities))
        level.append(decibels(np.square(windows, dtype=np.float64).mean(axis=2)))
        count += block.shape[1]
    return VoiceActivity(np.concatenate(speech, axis=1), np.concatenate(level, axis=1), count / SAMPLE_RATE)


def has_speech(waveform: Waveform) -> bool:
    """Whether somebody speaks for MIN_SPEECH_WINDOWS windows in a row."""
    speech = detect_voice_activity([waveform.samples[np.newaxis]]).speech[0] if len(waveform.samples) else np.zeros(0)
    runs = groupby(speech > SPEECH_PROBABILITY)
    return any(is_speech and len(list(run)) >= MIN_SPEECH_WINDOWS for is_speech, run in runs)


def split_into_windows(block: np.ndarray) -> np.ndarray:
    """The block as windows, shape (channels, windows, WINDOW_SAMPLES), the last one padded with silence."""
    missing = -block.shape[1] % WINDOW_SAMPLES
    return np.pad(block, ((0, 0), (0, missing))).reshape(len(block), -1, WINDOW_SAMPLES)


def decibels(power: np.ndarray) -> np.ndarray:
    levels_db: np.ndarray = (10 * np.log10(np.maximum(power, 10 ** (DIGITAL_SILENCE_DB / 10)))).astype(np.float32)
    return levels_db
