"""Voice activity detection: where somebody speaks, and where a long recording can be split into windows.

Recognisers invent words for silence, noise and hum, so these are not given to them.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from pipeline.audio.decode import Waveform, resample
from pipeline.errors import NoSpeech

SAMPLE_RATE = 16_000  # Hz that Silero VAD and Whisper expect
FRAME_SAMPLES = 480  # 30 ms, over which the level is measured
MIN_LEVEL_DB = -60.0  # dBFS; a whisper far from the microphone is at -50, a muted microphone below -70
VOICE_OPTIONS = VadOptions(
    threshold=0.5,  # probability; learners reach 0.97, noise 0.25, hum 0.75 for one window of 32 ms
    min_speech_duration_ms=0,
    min_silence_duration_ms=100,
    speech_pad_ms=0,
)
MIN_SPEECH_S = 0.1  # seconds; shorter than any word, longer than a click and than the start of a hum
MAX_PAUSE_S = 1.0  # seconds; learners pause to think, and that does not end what they say
SPEECH_MARGIN_S = 0.4  # seconds before and after speech that are taken with it

WINDOW_S = 30.0  # seconds that Whisper recognises at once
MAX_SILENCE_S = 10.0  # seconds of silence within speech; longer ones are left out, words would be invented for them
WINDOW_OPTIONS = VadOptions(
    threshold=VOICE_OPTIONS.threshold,
    min_speech_duration_ms=int(1000 * MIN_SPEECH_S),
    max_speech_duration_s=WINDOW_S,
    min_silence_duration_ms=160,  # as between two sentences
    speech_pad_ms=200,
)

Interval = tuple[float, float]  # start and end in seconds


def detect_voice(waveform: Waveform) -> list[Interval]:
    """The intervals with a voice, without any pause between them; raises NoSpeech if there is none."""
    samples = resample(waveform, SAMPLE_RATE).samples
    if peak_level_db(samples) < MIN_LEVEL_DB:
        raise NoSpeech("The recording is silent. Is the microphone muted? Record again, closer to it.")
    voice = speech_intervals(samples, VOICE_OPTIONS)
    if not find_speech(voice, waveform.duration_s):
        raise NoSpeech("Nobody is heard to speak. Record again, closer to the microphone.")
    return voice


def has_speech(waveform: Waveform) -> bool:
    """Whether somebody speaks."""
    try:
        return bool(detect_voice(waveform))
    except NoSpeech:
        return False


def find_speech(voice: Iterable[Interval], duration_s: float) -> list[Interval]:
    """The intervals in which somebody speaks, pauses included, of a recording of `duration_s` seconds.

    A pause at the end of the recording belongs to the speech before it.
    """
    speech = [each for each in join_intervals(voice, MAX_PAUSE_S) if each[1] - each[0] > MIN_SPEECH_S]
    return [
        (
            max(0.0, start - SPEECH_MARGIN_S),
            duration_s if duration_s - end < MAX_PAUSE_S else end + SPEECH_MARGIN_S,
        )
        for start, end in speech
    ]


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
    return join_intervals(speech, MAX_SILENCE_S)


def join_intervals(intervals: Iterable[Interval], max_pause_s: float, max_s: float = math.inf) -> list[Interval]:
    """The intervals, in order, joined over pauses below `max_pause_s`; none is joined to more than `max_s` seconds."""
    result: list[Interval] = []
    for start, end in intervals:
        if result and start - result[-1][1] < max_pause_s and end - result[-1][0] <= max_s:
            result[-1] = result[-1][0], end
        else:
            result.append((start, end))
    return result


def intersect(intervals: Iterable[Interval], limits: Interval) -> list[Interval]:
    """What lies within the limits."""
    low, high = limits
    return [(max(start, low), min(end, high)) for start, end in intervals if end > low and start < high]


def subtract(intervals: Iterable[Interval], others: Sequence[Interval]) -> list[Interval]:
    """What of the intervals lies in none of the others."""
    remaining = list(intervals)
    for low, high in others:
        remaining = [
            piece
            for start, end in remaining
            for piece in ((start, min(end, low)), (max(start, high), end))
            if piece[0] < piece[1]
        ]
    return remaining


def shift_intervals(intervals: Iterable[Interval], seconds: float) -> list[Interval]:
    """The intervals, `seconds` later."""
    return [(start + seconds, end + seconds) for start, end in intervals]
