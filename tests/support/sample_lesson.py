"""A lesson made of learners' recordings with quiet room noise between them, so that words and times are known."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile

from tests.support.recordings import RECORDINGS, TEXTS, load_recording

RATE = 16_000  # Hz
NOISE = 0.0008  # root mean square of the noise: -62 dBFS, a quiet room
PATHS = {path.stem: path for path in RECORDINGS}
ALL_IDS = tuple(sorted(PATHS))


@dataclass(frozen=True)
class Piece:
    """One recording in the lesson: its learner, its text, and its start and end in seconds."""

    id: str
    text: str
    start: float
    end: float


@dataclass(frozen=True)
class SampleLesson:
    """Float32 samples at RATE Hz of shape (n,), and the pieces in them."""

    samples: np.ndarray
    pieces: tuple[Piece, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    def flac(self, channels: np.ndarray | None = None) -> bytes:
        """As a FLAC file; `channels` of shape (n, 2) replace the samples."""
        file = io.BytesIO()
        soundfile.write(file, self.samples if channels is None else channels, RATE, format="FLAC", subtype="PCM_16")
        return file.getvalue()

    def split_channels(self) -> np.ndarray:
        """Two channels of shape (n, 2): the first, third, … piece on the left, the others on the right."""
        channels = make_noise(np.random.default_rng(2), (len(self.samples), 2))
        for number, piece in enumerate(self.pieces):
            within = slice(round(piece.start * RATE), round(piece.end * RATE))
            channels[within, number % 2] = self.samples[within]
        return channels


def make_noise(rng: np.random.Generator, shape: int | tuple[int, int]) -> np.ndarray:
    return rng.normal(0, NOISE, shape).astype(np.float32)


def make_lesson(ids: Sequence[str], pauses_s: tuple[float, float], seed: int = 1) -> SampleLesson:
    """Join the recordings; before each is a pause of random length within `pauses_s` (shortest, longest)."""
    rng = np.random.default_rng(seed)
    parts: list[np.ndarray] = []
    pieces: list[Piece] = []
    position = 0
    for id_ in ids:
        samples = load_recording(PATHS[id_]).samples
        pause = make_noise(rng, round(rng.uniform(*pauses_s) * RATE))
        start, position = position + len(pause), position + len(pause) + len(samples)
        parts += [pause, samples + make_noise(rng, len(samples))]
        pieces.append(Piece(id_, TEXTS[id_], start / RATE, position / RATE))
    return SampleLesson(np.concatenate([*parts, make_noise(rng, RATE)]), tuple(pieces))
