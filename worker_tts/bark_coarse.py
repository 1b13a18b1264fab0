"""Bark's second stage: from semantic tokens to the first two codebooks of the codec, 75 pairs a second."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from worker_tts.bark_dice import Dice
from worker_tts.bark_voices import Prompt


@dataclass(frozen=True)
class Course:
    """One row: semantic tokens, after `before` ones of its voice; coarse ones, which go from `begin` to `end`."""

    semantic: list[int]
    before: int
    coarse: list[int]
    begin: int
    end: int


class Coarse:
    """`BarkCoarseModel.generate` with a voice for each row, in windows that slide on by 60 tokens.

    Windows of one length are computed together: nearly all are, since nearly all voices are long enough.
    """

    def __init__(self, model: Any, manner: Any) -> None:
        self.model, self.manner, self.first = (
            model.coarse_acoustics,
            manner.coarse_acoustics_config,
            manner.semantic_config,
        )
        self.books, self.codes = self.manner.n_coarse_codebooks, manner.codebook_size
        self.ratio = self.manner.coarse_rate_hz / self.first.semantic_rate_hz * self.books
        self.most_heard = int(self.manner.max_coarse_history / self.ratio)

    def say(self, said: list[list[int]], voices: list[Prompt], dice: Dice) -> list[np.ndarray]:
        """For each row's semantic tokens the codes, shape (n, 2)."""
        courses = [self.course(tokens, voice) for tokens, voice in zip(said, voices, strict=True)]
        step = self.manner.sliding_window_len
        for done in range(0, max(each.end - each.begin for each in courses), step):
            windows: dict[int, dict[int, list[int]]] = defaultdict(dict)
            for row, course in enumerate(courses):
                if done < course.end - course.begin:
                    window = self.window(course, done)
                    windows[len(window)][row] = window
            for group in windows.values():
                left = max(courses[row].end - courses[row].begin - done for row in group)
                for row, tokens in zip(group, self.go_on(group, min(step, left), dice), strict=True):
                    course = courses[row]
                    course.coarse.extend(tokens[: course.end - len(course.coarse)])
        return [self.codes_of(course) for course in courses]

    def course(self, said: list[int], voice: Prompt) -> Course:
        heard = min(self.most_heard, len(voice.semantic) - len(voice.semantic) % 2, int(voice.coarse.size / self.ratio))
        books = np.arange(self.books)[:, None] * self.codes + self.first.semantic_vocab_size
        before = (
            (voice.coarse + books).T.ravel()[-round(heard * self.ratio) :][:-2].tolist()
        )  # the last pair is Suno's to drop
        pairs = int(len(said) * self.ratio / self.books)
        semantic = [*voice.semantic[-heard:].tolist(), *said]
        return Course(semantic, heard, before, len(before), len(before) + pairs * self.books)

    def window(self, course: Course, done: int) -> list[int]:
        """What the next tokens follow from: the semantic tokens around them, and the coarse ones before them."""
        manner, length = self.manner, self.manner.max_coarse_input_length
        now = course.before + round(done / self.ratio)
        semantic = course.semantic[max(0, now - self.most_heard) :][:length]
        padding = [manner.coarse_semantic_pad_token] * (length - len(semantic))
        return [*semantic, *padding, manner.coarse_infer_token, *course.coarse[-manner.max_coarse_history :]]

    def go_on(self, windows: dict[int, list[int]], steps: int, dice: Dice) -> list[list[int]]:
        """The next `steps` tokens of each row, of the first and the second codebook in turns."""
        cache, tokens = DynamicCache(), torch.tensor(list(windows.values()), device=self.model.device)
        found = []
        for step in range(steps):
            low = self.first.semantic_vocab_size + self.codes * (step % self.books)
            scores = self.model(tokens, cache, use_cache=True).logits[:, -1, low : low + self.codes]
            tokens = dice.throw(scores, self.manner.temperature, list(windows))[:, None] + low
            found.append(tokens)
        return [list(map(int, row)) for row in torch.cat(found, 1).tolist()]

    def codes_of(self, course: Course) -> np.ndarray:
        flat = np.array(course.coarse[course.begin :], np.int64) - self.first.semantic_vocab_size
        return np.asarray(flat.reshape(-1, self.books) % self.codes)
