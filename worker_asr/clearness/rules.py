"""The rules that were fitted to experts' scores: from the figures of a text that was said to what may be said of it.

`benchmarks/pronunciation.py --fit` fits them and writes the file. They never say that a word was wrong: only that it
is worth listening to again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from pipeline.errors import ConfigurationError
from worker_asr.clearness.fluency import MIN_SPEECH_S
from worker_asr.clearness.meter import SpokenText, SpokenWord

RULES_FILE = Path(__file__).with_name("rules.npz")
WORD_FIGURES = 14
TEXT_FIGURES = 9
MAX_SPREAD = 4.0  # standard deviations from the mean: what lies farther away counts as this far

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class LinearRule:
    """A weighted sum of standardised figures. A figure that is NaN counts as the mean."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def apply(self, figures: Floats) -> Floats:
        """`figures` [rows, figures] -> [rows]."""
        standard = np.clip((figures - self.mean) / self.scale, -MAX_SPREAD, MAX_SPREAD)
        result: Floats = np.nan_to_num(standard, nan=0.0) @ self.weights + self.bias
        return result


@dataclass(frozen=True)
class Rules:
    """`word` gives the log odds that experts find a word badly said (at most 5 of 10).

    `total` and `fluency` give experts' scores of a sentence, 0 to 10, which are good for means of several sentences
    and never shown for one. `threshold` is the probability from which a word is worth listening to again.
    """

    word: LinearRule
    total: LinearRule
    fluency: LinearRule
    threshold: float
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def unclear_probability(self, words: Sequence[SpokenWord]) -> Floats:
        """For each word of one text the probability that experts would find it badly said."""
        return sigmoid(self.word.apply(word_figures(words)))

    def mark(self, words: Sequence[SpokenWord]) -> list[bool]:
        """For each word of one text whether it is worth listening to again."""
        return [bool(each >= self.threshold) for each in self.unclear_probability(words)]

    def score(self, text: SpokenText) -> tuple[float, float]:
        """The total and the fluency that experts would give the sentence."""
        figures = text_figures(text, self.unclear_probability(text.words))[None]
        return float(self.total.apply(figures)[0]), float(self.fluency.apply(figures)[0])


def sigmoid(values: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-values))
    return result


def word_figures(words: Sequence[SpokenWord]) -> Floats:
    """The figures of each word of one text by which it is judged, [words, WORD_FIGURES]."""
    clearness = np.mean([each.clearness for each in words])
    forced = mean_of_known([each.forced for each in words])
    spoken_s = max(MIN_SPEECH_S, words[-1].end - words[0].start)
    rate = np.log(sum(each.sounds for each in words) / spoken_s)
    rows = [
        (
            *(each.clearness, each.weakest_clearness, each.margin, each.least_margin, clearness, np.log(each.sounds)),
            *(each.recognised, each.probability, each.forced, each.in_silence, each.tokens, forced),
            *(rate, np.log((each.end - each.start) / each.sounds)),
        )
        for each in words
    ]
    return np.array(rows, np.float64)


def text_figures(text: SpokenText, unclear: Floats) -> Floats:
    """The figures by which a sentence is judged, [TEXT_FIGURES]; `unclear`: the probability for each of its words."""
    words, fluency = text.words, text.fluency
    return np.array(
        [
            np.mean([each.clearness for each in words]),
            np.log(fluency.sounds_per_s),
            fluency.pauses_per_word,
            fluency.gaps_per_word,
            np.mean(unclear),
            np.mean(np.log(unclear + 0.01)),
            np.mean([each.probability for each in words]),
            mean_of_known([each.forced for each in words]),
            mean_of_known([each.in_silence for each in words]),
        ]
    )


def mean_of_known(values: Sequence[float]) -> float:
    numbers = [each for each in values if not np.isnan(each)]
    return float(np.mean(numbers)) if numbers else np.nan


def save_rules(rules: Rules, file: Path) -> None:
    arrays: dict[str, Any] = {"threshold": rules.threshold}
    for name in ("word", "total", "fluency"):
        rule: LinearRule = getattr(rules, name)
        arrays |= {f"{name}_{key}": np.float32(value) for key, value in vars(rule).items()}
    arrays["range_names"] = np.array(list(rules.ranges))
    arrays["ranges"] = np.array(list(rules.ranges.values()), np.float32)
    np.savez_compressed(file, **arrays)


def load_rules(file: Path = RULES_FILE) -> Rules:
    """The rules that `save_rules` wrote; raises ConfigurationError when the file is missing or has others."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            word, total, fluency = (read_rule(arrays, name) for name in ("word", "total", "fluency"))
            ranges = dict(zip(arrays["range_names"].tolist(), map(tuple, arrays["ranges"].tolist()), strict=True))
            rules = Rules(word, total, fluency, float(arrays["threshold"]), ranges)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise ConfigurationError(f"{file} is not the file of the rules: {error}") from error
    if len(word.weights) != WORD_FIGURES or {len(total.weights), len(fluency.weights)} != {TEXT_FIGURES}:
        raise ConfigurationError(f"{file} has rules for other figures; fit them again")
    return rules


def read_rule(arrays: Any, name: str) -> LinearRule:
    mean, scale, weights = (arrays[f"{name}_{key}"].astype(np.float64) for key in ("mean", "scale", "weights"))
    return LinearRule(mean, scale, weights, float(arrays[f"{name}_bias"]))
