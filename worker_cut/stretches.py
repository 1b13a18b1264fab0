"""Where somebody speaks, as stretches of windows, and where two who have a channel each are kept apart."""

from typing import NamedTuple

import numpy as np

from worker_cut.activity import Activity
from worker_cut.reading import RATE, WINDOW

PER_S = RATE / WINDOW  # windows in a second
# Probabilities: what counts as speech, and what as its end. With Silero's own 0.5 and 0.35, 7 of 239 sentences of
# benchmarks/lesson.py begin too late, after pauses in a quiet room; with these, none. Noise by itself is below 0.2.
BEGINS, ENDS = 0.25, 0.15
GAP = 5  # windows: 160 ms of silence, as between two sentences, part two stretches; less is a stop within a word
BRIEFEST = 4  # windows of a stretch: 100 ms are shorter than any word, and longer than a click
QUIETEST_DB = -60.0  # dBFS of its loudest window; a whisper far from the microphone is at -50, a muted one below -70

SIDES = ("left", "right")
LOUDER_DB = 10.0  # by which a channel's own speaker is louder there than the other one; crosstalk is 12 to 40 below
AROUND = 7  # windows, 224 ms, over which loudness is taken for that, so that a stop within a word does not count
APART = 0.4  # share of the windows with speech in which either is that much louder: 0.6 to 1, in noise too; in one
# room, with 3 to 10 dB between its microphones, 0.1 at most
EACH_S = 2.0  # seconds that each channel is the louder one at least: a dead channel is no speaker


class Stretch(NamedTuple):
    """Windows from `start` on, before `end`."""

    start: int
    end: int


def by_speaker(activity: Activity) -> dict[str, list[Stretch]]:
    """The stretches of speech of "left" and "right" where the recording has them apart, else of ""."""
    if not speakers_apart(activity):
        return {"": stretches(activity.speech.max(axis=0), activity.level.max(axis=0))}
    level = around(activity.level)
    own = np.where(level[::-1] - level >= LOUDER_DB, 0, activity.speech)  # 0: the other speaker, heard over there
    return {side: stretches(*heard) for side, *heard in zip(SIDES, own, activity.level, strict=True)}


def speakers_apart(activity: Activity) -> bool:
    """Whether one speaker is on the left and another one on the right: while one speaks the other channel is quiet."""
    if len(activity.speech) != 2:
        return False
    left, right = around(activity.level)
    spoken = activity.speech.max(axis=0) >= BEGINS
    lefts, rights = (int((spoken & (louder >= LOUDER_DB)).sum()) for louder in (left - right, right - left))
    return lefts + rights >= APART * spoken.sum() and min(lefts, rights) >= EACH_S * PER_S


def around(level: np.ndarray) -> np.ndarray:
    """The level, in dB, of the mean power in AROUND windows about each; shape (channels, windows)."""
    power = np.pad(10 ** (level.astype(np.float64) / 10), ((0, 0), (AROUND // 2, AROUND // 2)), mode="edge")
    sums = np.cumsum(np.pad(power, ((0, 0), (1, 0))), axis=1)
    found: np.ndarray = 10 * np.log10(np.maximum(sums[:, AROUND:] - sums[:, :-AROUND], 1e-12) / AROUND)
    return found


def stretches(speech: np.ndarray, level: np.ndarray) -> list[Stretch]:
    """The stretches in which the probabilities mean speech that is loud enough; both of shape (windows,)."""
    sure = np.where(speech >= BEGINS, 1, np.where(speech < ENDS, 0, -1))  # -1: as it was before
    places = np.maximum.accumulate(np.where(sure >= 0, np.arange(len(sure)), 0))
    speaking = np.concatenate([[0], np.maximum(sure[places], 0), [0]])
    edges = np.flatnonzero(np.diff(speaking)).tolist()
    found: list[Stretch] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if found and start - found[-1].end < GAP:
            found[-1] = Stretch(found[-1].start, end)
        else:
            found.append(Stretch(start, end))
    return [each for each in found if len(heard := level[slice(*each)]) >= BRIEFEST and heard.max() >= QUIETEST_DB]
