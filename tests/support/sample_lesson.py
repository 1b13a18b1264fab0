"""A lesson made of learners' recordings, with quiet room noise between them: what is said where is known."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile

from tests.support.recordings import RECORDINGS, TEXTS, sound_of

RATE = 16_000  # Hz
NOISE = 0.0008  # root mean square of the noise: -62 dBFS, a quiet room
PATHS = {path.stem: path for path in RECORDINGS}
ALL = tuple(sorted(PATHS))


@dataclass(frozen=True)
class Piece:
    """One recording in the lesson: whose it is, what is said in it, and where it lies, in seconds."""

    id: str
    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Made:
    """Float32 samples at RATE Hz of shape (n,), and the pieces in them."""

    samples: np.ndarray
    pieces: tuple[Piece, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    def flac(self, channels: np.ndarray | None = None) -> bytes:
        """As a file; `channels` of shape (n, 2) in the place of the samples."""
        file = io.BytesIO()
        soundfile.write(file, self.samples if channels is None else channels, RATE, format="FLAC", subtype="PCM_16")
        return file.getvalue()

    def apart(self) -> np.ndarray:
        """Two channels of shape (n, 2): the first, third, … piece on the left, the others on the right."""
        channels = noise(np.random.default_rng(2), (len(self.samples), 2))
        for number, piece in enumerate(self.pieces):
            within = slice(round(piece.start * RATE), round(piece.end * RATE))
            channels[within, number % 2] = self.samples[within]
        return channels


def noise(dice: np.random.Generator, shape: int | tuple[int, int]) -> np.ndarray:
    return dice.normal(0, NOISE, shape).astype(np.float32)


def made(ids: Sequence[str], pauses_s: tuple[float, float], seed: int = 1) -> Made:
    """The recordings one after the other, before each a pause of a length between these."""
    dice = np.random.default_rng(seed)
    parts: list[np.ndarray] = []
    pieces: list[Piece] = []
    place = 0
    for id_ in ids:
        samples = sound_of(PATHS[id_]).samples
        pause = noise(dice, round(dice.uniform(*pauses_s) * RATE))
        start, place = place + len(pause), place + len(pause) + len(samples)
        parts += [pause, samples + noise(dice, len(samples))]
        pieces.append(Piece(id_, TEXTS[id_], start / RATE, place / RATE))
    return Made(np.concatenate([*parts, noise(dice, RATE)]), tuple(pieces))
