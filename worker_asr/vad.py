"""Voice activity detection: where somebody speaks, and where a long recording can be split into windows.

Recognisers invent words for silence, noise and hum, so these are not given to them.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from pipeline.audio.decode import Waveform, resample
from pipeline.errors import NoSpeech

SAMPLE_RATE = 16_000  # Hz that Silero VAD and Whisper expect
FRAME_SAMPLES = 480  # 30 ms, over which the level is measured
MIN_LEVEL_DB = -60.0  # dBFS; a whisper far from the microphone is at -50, a muted microphone below -70
SPEECH_OPTIONS = VadOptions(
    threshold=0.5,  # probability; learners reach 0.97, noise 0.25, hum 0.75 for one window of 32 ms
    min_speech_duration_ms=100,  # shorter than any word, longer than a click and than the start of a hum
    min_silence_duration_ms=1000,  # learners pause to think; that does not end what they say
    speech_pad_ms=400,
)

WINDOW_S = 30.0  # seconds that Whisper recognises at once
MAX_SILENCE_S = 10.0  # seconds of silence within speech; longer ones are left out, words would be invented for them
WINDOW_OPTIONS = VadOptions(
    threshold=SPEECH_OPTIONS.threshold,
    min_speech_duration_ms=SPEECH_OPTIONS.min_speech_duration_ms,
    max_speech_duration_s=WINDOW_S,
    min_silence_duration_ms=160,  # as between two sentences
    speech_pad_ms=200,
)

Interval = tuple[float, float]  # start and end in seconds


def find_speech(waveform: Waveform) -> list[Interval]:
    """The intervals in which somebody speaks; raises NoSpeech if there is none."""
    samples = resample(waveform, SAMPLE_RATE).samples
    if peak_level_db(samples) < MIN_LEVEL_DB:
        raise NoSpeech("The recording is silent. Is the microphone muted? Record again, closer to it.")
    intervals = speech_intervals(samples, SPEECH_OPTIONS)
    if not intervals:
        raise NoSpeech("Nobody is heard to speak. Record again, closer to the microphone.")
    return intervals


def speech_intervals(samples: np.ndarray, options: VadOptions) -> list[Interval]:
    timestamps: list[dict[str, Any]] = get_speech_timestamps(samples, options)
    return [(interval["start"] / SAMPLE_RATE, interval["end"] / SAMPLE_RATE) for interval in timestamps]


def peak_level_db(samples: np.ndarray) -> float:
    """The level (root mean square) of the loudest 30 ms, in dBFS: 0 for a full-scale square wave."""
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES).astype(np.float64)
    power = np.square(frames).mean(axis=1).max(initial=0.0)
    return float(10 * np.log10(power + 1e-12))


def find_windows(samples: np.ndarray) -> list[Interval]:
    """Intervals of at most 30 s, split in silences, with all speech in them; `samples` are float32 at SAMPLE_RATE."""
    return pack_windows(speech_intervals(samples, WINDOW_OPTIONS))


def pack_windows(speech: Iterable[Interval]) -> list[Interval]:
    """As many consecutive intervals as fit together into each window, the silence between them included."""
    windows: list[Interval] = []
    for start, end in speech:
        if windows and end - windows[-1][0] <= WINDOW_S:
            windows[-1] = windows[-1][0], end
        else:
            windows.append((start, end))
    return windows


def bridge_silences(speech: Iterable[Interval]) -> list[Interval]:
    """The intervals of speech joined over the silences between them, but for the long ones."""
    parts: list[Interval] = []
    for start, end in speech:
        if parts and start - parts[-1][1] < MAX_SILENCE_S:
            parts[-1] = parts[-1][0], end
        else:
            parts.append((start, end))
    return parts
