"""Bark's third stage: from the codec's first two codebooks to all eight."""

from math import ceil
from typing import Any

import numpy as np
import torch
from torch.nn.functional import pad

from worker_tts.bark_dice import Dice
from worker_tts.bark_voices import Prompt


class Fine:
    """`BarkFineModel.generate` with a voice and windows for each row.

    It looks at what comes after as well: in a batch of unequal rows `generate` lets a short one hear what was made of
    its padding, and moves its windows. Here a row is followed by the padding that it would have alone.
    """

    def __init__(self, model: Any, manner: Any) -> None:
        self.model, self.manner = model.fine_acoustics, manner.fine_acoustics_config
        self.given, self.codes = manner.coarse_acoustics_config.n_coarse_codebooks, manner.codebook_size
        self.wide, self.step = self.manner.max_fine_input_length, self.manner.max_fine_history_length

    def say(self, said: list[np.ndarray], voices: list[Prompt], dice: Dice) -> list[Any]:
        """For each row's codes, shape (n, 2), those of all codebooks, shape (n, 8)."""
        before = [voice.fine.T[-self.step :] for voice in voices]
        grids = [self.grid(history, codes) for history, codes in zip(before, said, strict=True)]
        spans = [self.spans(len(history), len(codes)) for history, codes in zip(before, said, strict=True)]
        for number in range(max(map(len, spans))):
            going = [row for row in range(len(said)) if number < len(spans[row])]
            self.fill(grids, {row: spans[row][number] for row in going}, dice)
        return [
            grid[len(history) : len(history) + len(codes)]
            for grid, history, codes in zip(grids, before, said, strict=True)
        ]

    def grid(self, history: np.ndarray, codes: np.ndarray) -> Any:
        """The voice's codes, then the row's with places for those to come; as many as one window at least."""
        empty = np.full((len(codes), self.manner.n_fine_codebooks - self.given), self.codes)
        grid = torch.from_numpy(np.concatenate([history, np.concatenate([codes, empty], 1)]))
        missing = max(0, self.wide - len(grid))
        return pad(grid, (0, 0, 0, missing), value=self.codes).to(self.model.device)

    def spans(self, before: int, length: int) -> list[tuple[int, int]]:
        """For each window, where it begins and from where on it is filled."""
        whole = max(before + length, self.wide)
        windows = max(0, ceil((length - (self.wide - before)) / self.step)) + 1
        starts = [number * self.step for number in range(windows)]
        return [(min(start, whole - self.wide), min(before + start, whole - self.step)) for start in starts]

    def fill(self, grids: list[Any], spans: dict[int, tuple[int, int]], dice: Dice) -> None:
        """One window of each row, codebook after codebook."""
        views = [grids[row][start : start + self.wide] for row, (start, _) in spans.items()]
        for book in range(self.given, self.manner.n_fine_codebooks):
            scores = self.model(book, torch.stack(views)).logits[..., : self.codes]
            tokens = dice.throw(scores, self.manner.temperature, list(spans))
            for view, row, (start, begin) in zip(views, tokens, spans.values(), strict=True):
                view[begin - start :, book] = row[begin - start :]
