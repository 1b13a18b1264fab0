"""Small networks that score proposals from their features: a sum of weights, and what two hidden layers add to it."""

from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from worker_llm.grammar.judge.features import Features

SIZE = 1 << 15  # rows of weights; names of features share them by their checksum


def row_of(name: str) -> int:
    """The row of a feature's weights."""
    return crc32(name.encode()) % SIZE


class Network:
    """Scores of sets of features.

    `linear` [SIZE] and `embedding` [SIZE, hidden] have a row for each feature; `middle` [hidden, hidden], `bias`
    [hidden] and `out` [hidden] are the layers above.
    """

    def __init__(self, arrays: dict[str, NDArray[np.float32]]) -> None:
        self.linear, self.embedding = arrays["linear"], arrays["embedding"]
        self.middle, self.bias, self.out = arrays["middle"], arrays["bias"], arrays["out"]

    @classmethod
    def read(cls, path: Path) -> "Network":
        with np.load(path, allow_pickle=False) as file:
            return cls({name: file[name].astype(np.float32) for name in file.files})

    def score(self, sets: Sequence[Features]) -> list[float]:
        """One number for each set: the logarithm of its odds against leaving the sentence as it is."""
        if not sets:
            return []
        rows = np.array([row_of(name) for features in sets for name in features])
        values = np.array([value for features in sets for value in features.values()], dtype=np.float32)
        starts = np.cumsum([0, *(len(features) for features in sets)])[:-1]
        sums = np.add.reduceat(self.linear[rows] * values, starts)
        hidden = np.maximum(np.add.reduceat(self.embedding[rows] * values[:, None], starts), 0)
        hidden = np.maximum(hidden @ self.middle.T + self.bias, 0)
        return [float(score) for score in sums + hidden @ self.out]
