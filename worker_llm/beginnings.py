"""The beginnings that prompts have in common, such as a persona, kept as a model has read them."""

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from transformers import DynamicCache

from worker_llm.caches import Pair, changed, pairs

KEPT = 4  # personas used last


@dataclass
class Beginning:
    """Tokens, and their keys and values, of prompts that begin with the same system message."""

    system: str
    tokens: list[int]
    layers: list[Pair]

    def common(self, tokens: list[int]) -> int:
        """How many tokens at the beginning are the same."""
        return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(self.tokens, tokens, strict=False)))

    def cut(self, most: int) -> None:
        """Copied, so that the memory of the rest becomes free."""
        if most < len(self.tokens):
            self.tokens = self.tokens[:most]
            self.layers = list(changed(self.layers, lambda old: old[:, :, :most].clone()))


class Beginnings:
    """The KEPT used last, of `most` tokens each at most; 0 where a beginning is worth nothing without the rest."""

    def __init__(self, most: int) -> None:
        self.most, self.kept = most, list[Beginning]()

    def start(self, tokens: list[int]) -> tuple[int, Any]:
        """How many of the tokens need not be read, and a cache of them for one row; the last token is always read."""
        best = max(self.kept, key=lambda each: each.common(tokens), default=None)
        ready = min(best.common(tokens), len(tokens) - 1) if best else 0
        if not best or not ready:
            return 0, DynamicCache()
        return ready, DynamicCache(changed(best.layers, lambda old: old[:, :, :ready]))

    def keep(self, system: str, tokens: list[int], cache: Any) -> None:
        """Of the first prompt with this system message everything is kept; the next show how much of it is common."""
        known = next((each for each in self.kept if each.system == system), None)
        beginning = known or Beginning(system, tokens, pairs(cache))
        beginning.cut(min(self.most, beginning.common(tokens)))
        others = [each for each in self.kept if each is not known]
        self.kept = [*others, beginning][-KEPT:]
