"""How a model reads a prompt: step by step, after the beginning that it has in common with others."""

from collections.abc import Collection
from dataclasses import dataclass

import torch

from worker_llm.beginnings import Beginnings
from worker_llm.caches import Network
from worker_llm.row import Row


@dataclass(frozen=True)
class Reader:
    """What all calls have in common. `ends` are tokens that end an answer, `slots` how many are written at once."""

    network: Network
    ends: Collection[int]
    beginnings: Beginnings
    slots: int
    step: int  # tokens of a prompt that are read before it is seen again who is still wanted


class Reading:
    """One prompt, which is read by itself."""

    def __init__(self, row: Row, reader: Reader) -> None:
        self.row, self.reader = row, reader
        self.read, self.cache = reader.beginnings.start(row.tokens)

    def go_on(self) -> torch.Tensor | None:
        """Read some more: the scores of the answer's first token, once all is read."""
        tokens = self.row.tokens[self.read : self.read + self.reader.step]
        self.read += len(tokens)
        scores = self.reader.network([tokens], [self.read], [len(self.row.tokens)], self.cache)
        return scores if self.read == len(self.row.tokens) else None
