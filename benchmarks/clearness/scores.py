"""Experts' scores of sentences and their words, and how well figures agree with them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import BadRequest

BAD = 5.0  # a word's accuracy, of 10, up to which it counts as badly said
GOOD = 8.0  # and from which as well said
SAMPLES = 1000  # drawn for an interval


@dataclass(frozen=True)
class WordScore:
    word: str
    accuracy: float


@dataclass(frozen=True)
class SentenceScore:
    """What experts found of one recording, of 10 each."""

    identifier: str
    accuracy: float
    fluency: float
    prosodic: float
    total: float
    words: tuple[WordScore, ...]

    @property
    def text(self) -> str:
        return " ".join(each.word for each in self.words)


def read_scores(file: Path) -> list[SentenceScore]:
    """Lines of id, half, accuracy, fluency, prosodic, total and WORD:accuracy:sounds', with tabs between them.

    Raises BadRequest with the number of the first line that is none, or when there are no lines.
    """
    lines = file.read_text(encoding="utf-8").splitlines()
    scores = [parse_line(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not scores:
        raise BadRequest(f"{file} has no scores")
    return scores


def parse_line(line: str, place: str) -> SentenceScore:
    fields = line.split("\t")
    try:
        identifier, _, accuracy, fluency, prosodic, total, *words = fields
        parts = [word.split(":") for word in words]
        scores = tuple(WordScore(part[0], float(part[1])) for part in parts)
        sentence = SentenceScore(identifier, float(accuracy), float(fluency), float(prosodic), float(total), scores)
    except (ValueError, IndexError) as error:
        form = "id, half, accuracy, fluency, prosodic, total, WORD:accuracy:sounds … with tabs between them"
        raise BadRequest(f"{place}: expected {form}") from error
    if not scores or not all(each.word for each in scores):
        raise BadRequest(f"{place}: no words")
    return sentence


# --- agreement ---


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's; NaN when one of them is constant."""
    if len(first) < 2 or not np.ptp(first) or not np.ptp(second):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def area_under_curve(values: np.ndarray, is_bad: np.ndarray) -> float:
    """The probability that a bad word has a higher value than another; half for equal ones. NaN without both."""
    bad, other = np.sort(values[is_bad]), np.sort(values[~is_bad])
    if not len(bad) or not len(other):
        return float("nan")
    below = np.searchsorted(other, bad, side="left") + np.searchsorted(other, bad, side="right")
    return float(below.sum() / 2 / len(bad) / len(other))


def share(part: np.ndarray, of: np.ndarray) -> float:
    """How many of those in `of` are in `part`; NaN when there are none."""
    return float(part[of].mean()) if of.any() else float("nan")


def interval(
    figure: Callable[[np.ndarray], float], speakers: np.ndarray, samples: int = SAMPLES
) -> tuple[float, float]:
    """The 95 % interval of a figure, which is computed from some rows, over speakers that are drawn again and again."""
    random = np.random.default_rng(0)
    rows = {speaker: np.flatnonzero(speakers == speaker) for speaker in np.unique(speakers)}
    names = list(rows)
    draws = (np.concatenate([rows[names[each]] for each in random.integers(len(names), size=len(names))])
             for _ in range(samples))  # fmt: skip
    values = [value for each in draws if not np.isnan(value := figure(each))]
    return (float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))) if values else (np.nan, np.nan)
