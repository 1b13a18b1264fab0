"""Bark's stages for a batch of texts, of different voices and lengths, in which no row hears of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from worker_tts.bark_coarse import Coarse
from worker_tts.bark_dice import Dice
from worker_tts.bark_fine import Fine
from worker_tts.bark_semantic import Semantic
from worker_tts.bark_voices import Prompt


@dataclass(frozen=True)
class Row:
    """A text of at most 256 tokens of BERT's, who speaks it, and what its chance begins with."""

    text: list[int]
    voice: Prompt
    seed: int


class Stages:
    """The sub-models of a BarkModel, run as `BarkModel.generate` does.

    That takes one voice for a whole batch and one chance for all its rows, and makes a row's sound depend on its
    batch mates. `manner` is the model's BarkGenerationConfig.
    """

    def __init__(self, model: Any, manner: Any) -> None:
        self.model, self.rate = model, int(manner.sample_rate)
        self.semantic, self.coarse, self.fine = Semantic(model, manner), Coarse(model, manner), Fine(model, manner)

    @torch.inference_mode()
    def speak(self, rows: Sequence[Row]) -> list[np.ndarray | None]:
        """Each row's samples, shape (n,); none when it said nothing; None when its numbers broke down."""
        voices, dice = [row.voice for row in rows], [self.dice(rows) for _ in range(3)]
        said = self.semantic.say([row.text for row in rows], voices, dice[0])
        codes = self.fine.say(self.coarse.say(said, voices, dice[1]), voices, dice[2])
        broken = torch.stack([each.broken for each in dice]).any(0).tolist()
        return [None if bad else self.sound(row) for bad, row in zip(broken, codes, strict=True)]

    def dice(self, rows: Sequence[Row]) -> Dice:
        """New ones for each stage, so that a row's chance does not depend on how long the stage before went on."""
        return Dice([row.seed for row in rows], self.model.device)

    def sound(self, codes: Any) -> np.ndarray:
        """One row by itself: the codec's recurrent layers would hear the padding of a batch."""
        if not len(codes):
            return np.zeros(0, np.float32)
        samples = self.model.codec_decode(codes.T[None])[0].float().cpu().numpy()
        return np.asarray(samples, np.float32)
