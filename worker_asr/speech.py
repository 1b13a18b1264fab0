"""Where in a recording somebody speaks: recognisers invent words for silence, noise and hum."""

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from pipeline.audio.decode import Sound, resample
from pipeline.errors import NoSpeech

RATE = 16_000  # Hz that Silero VAD expects
FRAME = 480  # samples, 30 ms: the stretch whose loudness is looked at
QUIETEST_DB = -60.0  # dBFS; a whisper far from the microphone is at -50, a muted microphone below -70
OPTIONS = VadOptions(
    threshold=0.5,  # probability; learners reach 0.97, noise 0.25, hum 0.75 for one window of 32 ms
    min_speech_duration_ms=100,  # shorter than any word, longer than a click and than the start of a hum
    min_silence_duration_ms=1000,  # learners pause to think; that does not end what they say
    speech_pad_ms=400,
)


def find_speech(sound: Sound) -> list[tuple[float, float]]:
    """The stretches (start, end), in seconds, in which somebody speaks; raises NoSpeech if there is none."""
    samples = resample(sound, RATE).samples
    if loudest(samples) < QUIETEST_DB:
        raise NoSpeech("The recording is silent. Is the microphone muted? Record again, closer to it.")
    stretches = get_speech_timestamps(samples, OPTIONS)
    if not stretches:
        raise NoSpeech("Nobody is heard to speak. Record again, closer to the microphone.")
    return [(stretch["start"] / RATE, stretch["end"] / RATE) for stretch in stretches]


def loudest(samples: np.ndarray) -> float:
    """The level (root mean square) of the loudest 30 ms, in dBFS: 0 for a full-scale square wave."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    power = np.square(frames).mean(axis=1).max(initial=0.0)
    return float(10 * np.log10(power + 1e-12))
