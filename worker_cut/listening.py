"""Listens for voices with Silero VAD, which comes with faster-whisper."""

from collections.abc import Iterable

import numpy as np
from faster_whisper.vad import get_vad_model

from worker_cut.activity import Activity
from worker_cut.reading import RATE, WINDOW

CONTEXT = 64  # samples before a window that Silero VAD sees with it
STATE = (1, 1, 128)  # shape of either half of what it remembers
SILENT_DB = -120.0  # dBFS said of digital silence


class Ear:
    """Silero VAD on one channel. It goes on where it was, so that it does not matter where blocks begin."""

    def __init__(self) -> None:
        self.session = get_vad_model().session
        zero = np.zeros(STATE, np.float32)
        self.state = zero, zero, np.zeros(CONTEXT, np.float32)

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """The probability of speech in each of the `windows`, float32 of shape (n, WINDOW), that come next."""
        hidden, cell, before = self.state
        contexts = np.concatenate([before[np.newaxis], windows[:-1, -CONTEXT:]])
        seen = np.concatenate([contexts, windows], axis=1)
        found, hidden, cell = self.session.run(None, {"input": seen, "h": hidden, "c": cell})
        self.state = hidden, cell, windows[-1, -CONTEXT:]
        return np.asarray(found, np.float32).reshape(-1)


def listen(blocks: Iterable[np.ndarray]) -> Activity:
    """The activity in `blocks`: float32 of shape (channels, n) at RATE Hz, n a multiple of WINDOW but in the last."""
    ears: list[Ear] = []
    speech: list[np.ndarray] = []
    level: list[np.ndarray] = []
    count, same = 0, True
    for block in blocks:
        ears = ears or [Ear() for _ in block]
        windows = windowed(block)
        same = same and bool((block == block[0]).all())  # mono that was stored as stereo: what one ear hears is enough
        heard = [ears[0].probabilities(windows[0])]
        for ear, channel in zip(ears[1:], windows[1:], strict=True):
            if same:
                ear.state = ears[0].state
            heard.append(heard[0] if same else ear.probabilities(channel))
        speech.append(np.stack(heard))
        level.append(decibels(np.square(windows, dtype=np.float64).mean(axis=2)))
        count += block.shape[1]
    return Activity(np.concatenate(speech, axis=1), np.concatenate(level, axis=1), count / RATE)


def windowed(block: np.ndarray) -> np.ndarray:
    """The block as windows, shape (channels, windows, WINDOW), the last one filled up with silence."""
    missing = -block.shape[1] % WINDOW
    return np.pad(block, ((0, 0), (0, missing))).reshape(len(block), -1, WINDOW)


def decibels(power: np.ndarray) -> np.ndarray:
    found: np.ndarray = (10 * np.log10(np.maximum(power, 10 ** (SILENT_DB / 10)))).astype(np.float32)
    return found
