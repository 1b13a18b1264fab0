"""The best path of a text's sounds through a recording: which frames belong to which sound of which word.

Each word may be said in several ways, of which the most probable is chosen; before each word and at the end there may
be a pause.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.errors import BadRequest

PAUSE = -1  # in place of a word's number
UNREACHABLE = -1e9  # log probability of a path that does not exist
Ways = Sequence[Sequence[int]]  # the ways to say a word, each of which is the numbers of its sounds


@dataclass(frozen=True)
class Span:
    """The frames of one sound of a word: from `first` up to, without, `end`."""

    sound: int
    first: int
    end: int


@dataclass(frozen=True)
class Network:
    """What may follow what. A state is a frame of a sound in one way of a word, or a pause; there are S of them.

    `positions` are equal for the states of one sound of a word, which has several when it lasts several frames at
    least. `before` [S, P] are the states from which each may be reached, filled up with S, which is never reached.
    """

    sounds: np.ndarray  # [S]
    words: np.ndarray  # [S], PAUSE for a pause
    positions: np.ndarray  # [S]
    before: np.ndarray
    first: list[int]  # where a path may begin
    last: list[int]  # and end


def build_network(words: Sequence[Ways], pause: int, min_frames: Sequence[int]) -> Network:
    """The states of a text; `pause` is the number of the sound that stands for a pause, which may last one frame.

    `min_frames`: how many frames each sound lasts at least, by its number.
    """
    states = [(pause, PAUSE, 0)]
    before, first, exits = [[0]], [0], [0]  # exits: the states from which the next word may begin
    for number, ways in enumerate(words):
        ends = []
        for way in ways:
            entries = exits
            for position, sound in enumerate(way):
                for repetition in range(min_frames[sound]):
                    state = len(states)
                    is_last = repetition == min_frames[sound] - 1
                    before.append([*([state] if is_last else []), *entries])
                    if number == position == repetition == 0:
                        first.append(state)
                    states.append((sound, number, position))
                    entries = [state]
            ends += entries
        before.append([len(states), *ends])
        exits = [*ends, len(states)]
        states.append((pause, PAUSE, 0))
    width = max(len(each) for each in before)
    table = np.array([[*each, *[len(states)] * (width - len(each))] for each in before])
    sounds, numbers, positions = np.array(states).T
    return Network(sounds, numbers, positions, table, first, exits)


def align(scores: np.ndarray, words: Sequence[Ways], pause: int, min_frames: Sequence[int]) -> list[list[Span]]:
    """For each word the spans of its sounds, in the way that fits best.

    `scores` [frames, sounds] are log probabilities, or such less those of the sounds' frequency. Raises BadRequest
    when the recording has fewer frames than the text has sounds.
    """
    if not words:
        return []
    network = build_network(words, pause, min_frames)
    path = find_path(scores, network)
    spans: list[list[Span]] = [[] for _ in words]
    marks = np.stack([network.words[path], network.positions[path]])
    changes = np.flatnonzero((marks[:, 1:] != marks[:, :-1]).any(axis=0)) + 1
    for first, end in zip([0, *changes], [*changes, len(path)], strict=True):
        word = int(network.words[path[first]])
        if word != PAUSE:
            spans[word].append(Span(int(network.sounds[path[first]]), int(first), int(end)))
    return spans


def find_path(scores: np.ndarray, network: Network) -> np.ndarray:
    """The state of each frame along the most probable path (Viterbi's algorithm)."""
    states = len(network.sounds)
    best = np.full(states + 1, UNREACHABLE, np.float64)
    if len(scores):
        best[network.first] = scores[0, network.sounds[network.first]]
    choices = np.zeros((len(scores), states), np.uint8)
    rows = np.arange(states)
    for frame in range(1, len(scores)):
        candidates = best[network.before]
        choices[frame] = candidates.argmax(axis=1)
        best[:-1] = candidates[rows, choices[frame]] + scores[frame, network.sounds]
    state = max(network.last, key=lambda each: best[each])
    if best[state] < UNREACHABLE / 2:
        raise BadRequest("The recording is too short for this text: it has fewer frames than the text has sounds.")
    path = np.zeros(len(scores), np.int64)
    for frame in range(len(scores) - 1, -1, -1):
        path[frame] = state
        state = network.before[state, choices[frame, state]]
    return path
