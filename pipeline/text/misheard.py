"""The probability that a recogniser wrote another word than was said.

Its own probability of a word is a weak sign; that of the whole sentence, and how clearly the sounds of the written word
are heard in the recording, are better ones. The numbers are fitted by `python -m benchmarks.misheard CORPUS --fit`,
which writes them here: to what Whisper base, int8, recognises of learners who read known sentences.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.text.sentences import find_sentences

MIN_PROBABILITY = 0.001  # of a word, below which all is the same, as it is this near to 1


@dataclass(frozen=True)
class MisheardRule:
    """The log odds that a word was misheard: `bias`, and so much for each unit of a figure.

    `word_odds` and `sentence_odds`: the log odds of the recogniser's probability of the word, and their mean over its
    sentence. `clearness`: the mean log probability of the word's sounds.
    """

    bias: float
    word_odds: float
    sentence_odds: float
    clearness: float = 0.0


BY_SOUNDS = MisheardRule(-0.845, -0.326, -0.431, -0.712)
BY_PROBABILITY = MisheardRule(0.369, -0.431, -0.524)


def estimate_misheard(
    words: Sequence[str], probabilities: Sequence[float], clearness: Sequence[float] | None = None
) -> list[float]:
    """For each recognised word the probability in [0, 1] that another one was said.

    `clearness`: of each word, the mean log probability of its sounds; None where that was not measured.
    """
    rule = BY_PROBABILITY if clearness is None else BY_SOUNDS
    rows = misheard_figures(words, probabilities, clearness or [0.0] * len(words))
    weights = (rule.word_odds, rule.sentence_odds, rule.clearness)
    odds = [rule.bias + sum(map(float.__mul__, weights, row)) for row in rows]
    return [1 / (1 + math.exp(-each)) for each in odds]


def misheard_figures(
    words: Sequence[str], probabilities: Sequence[float], clearness: Sequence[float]
) -> list[tuple[float, float, float]]:
    """The figures of each word that MisheardRule weighs, in its order."""
    odds = [log_odds(each) for each in probabilities]
    rows = []
    for sentence in find_sentences(words):
        sentence_odds = sum(odds[index] for index in sentence) / len(sentence)
        rows += [(odds[index], sentence_odds, clearness[index]) for index in sentence]
    return rows


def log_odds(probability: float) -> float:
    limited = min(max(probability, MIN_PROBABILITY), 1 - MIN_PROBABILITY)
    return math.log(limited / (1 - limited))


def any_misheard(misheard: Sequence[float]) -> float:
    """The probability that at least one of the words was misheard, as if each was by itself."""
    return 1 - math.prod(1 - each for each in misheard)
