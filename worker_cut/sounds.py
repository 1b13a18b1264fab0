"""The sound of each turn, out of a recording that is read bit by bit."""

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.audio.decode import Sound
from pipeline.jobs.results import Cut
from worker_cut.reading import RATE
from worker_cut.stretches import SIDES


def sounds(blocks: Iterable[np.ndarray], cuts: Iterable[Cut]) -> Iterator[tuple[Cut, Sound]]:
    """Each of `cuts`, which come by their start, and how it sounds: its speaker's channel, or all of them mixed."""
    blocks = iter(blocks)
    held, first = next(blocks), 0  # `first`: the place in the recording of the first sample that is held
    for cut in cuts:
        start, end = round(cut.start * RATE), round(cut.end * RATE)
        while first + held.shape[1] < end:
            kept = held[:, max(0, start - first) :]
            first += held.shape[1] - kept.shape[1]
            held = np.concatenate([kept, next(blocks)], axis=1)
        yield cut, Sound(voice(held[:, start - first : end - first], cut.speaker), RATE)


def voice(samples: np.ndarray, speaker: str) -> np.ndarray:
    """One channel of shape (n,)."""
    mixed: np.ndarray = samples[SIDES.index(speaker)] if speaker else samples.mean(axis=0)
    return mixed
