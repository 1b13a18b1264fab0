"""Chance for each row of a batch by itself: what a row gets depends on its own seed, and on no batch mate."""

from typing import Any

import torch


class Dice:
    """Draws tokens for the rows of one batch, which come in the order of `seeds`."""

    def __init__(self, seeds: list[int], device: Any) -> None:
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self.broken = torch.zeros(len(seeds), dtype=torch.bool, device=device)  # rows whose scores were no numbers

    def throw(self, scores: Any, temperature: float, rows: list[int]) -> Any:
        """Tokens of shape (rows, …), drawn by scores of shape (rows, …, tokens).

        Gumbel's way of drawing from softmax(scores / temperature): unlike with a sum of probabilities, scores that
        differ in their last digits, as those of a batch and of a single row do, nearly always give the same token.
        """
        wait = torch.empty(scores.shape, device=scores.device)
        for place, row in enumerate(rows):
            wait[place].exponential_(generator=self.generators[row])
        self.broken[rows] |= scores.isnan().flatten(1).any(1)
        return (scores.float() / temperature - wait.log()).argmax(-1)
