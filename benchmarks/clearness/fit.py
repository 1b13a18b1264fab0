"""Fit the rules of worker_asr/clearness/rules.py to experts' scores, and judge them on speakers that they were not
fitted to."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.clearness.scores import BAD, SentenceScore
from worker_asr.clearness.meter import SpokenText
from worker_asr.clearness.rules import MAX_SPREAD, LinearRule, Rules, sigmoid, text_figures, word_figures

FOLDS, ROUNDS = 10, 3  # parts into which speakers are divided, and how often by chance
WORD_PENALTY, TEXT_PENALTY = 2.0, 10.0  # on the squares of the weights
STEPS = 30  # of Newton's method, which needs ten
MARK_PRECISION = 0.83  # at the threshold, on speakers that the rule was not fitted to: 0.8 is promised
MIDDLE = (25, 75)  # percentiles between which the middle range of the fluency figures lies
Fit = Callable[[np.ndarray, np.ndarray], LinearRule]


@dataclass(frozen=True)
class MeasuredTexts:
    """Recordings with their scores: of words and sentences the figures, and the speaker of each."""

    texts: list[SpokenText]
    scores: list[SentenceScore]
    speakers: np.ndarray  # of each text

    @property
    def word_rows(self) -> np.ndarray:
        return np.concatenate([word_figures(each.words) for each in self.texts])

    @property
    def word_speakers(self) -> np.ndarray:
        return np.repeat(self.speakers, [len(each.words) for each in self.texts])

    @property
    def accuracy(self) -> np.ndarray:
        """Of each word, by the experts."""
        return np.array([word.accuracy for each in self.scores for word in each.words])

    def text_rows(self, unclear: np.ndarray) -> np.ndarray:
        """The figures of each text; `unclear` [words] is what the rule for words finds."""
        borders = np.cumsum([len(each.words) for each in self.texts])[:-1]
        return np.array(
            [text_figures(text, each) for text, each in zip(self.texts, np.split(unclear, borders), strict=True)]
        )


@dataclass(frozen=True)
class RuleResults:
    """What the rules say: of each word the probability that it is unclear and the mark, of each text both scores."""

    unclear: np.ndarray
    marks: np.ndarray
    total: np.ndarray
    fluency: np.ndarray


def judge(data: MeasuredTexts, rules: Rules) -> RuleResults:
    """What the rules, as they are, say of the recordings."""
    unclear = sigmoid(rules.word.apply(data.word_rows))
    rows = data.text_rows(unclear)
    return RuleResults(unclear, unclear >= rules.threshold, rules.total.apply(rows), rules.fluency.apply(rows))


def fit(data: MeasuredTexts) -> tuple[Rules, RuleResults]:
    """The rules fitted to all recordings, and what rules say that were fitted without the speaker of each."""
    is_bad = data.accuracy <= BAD
    total = np.array([each.total for each in data.scores])
    fluency = np.array([each.fluency for each in data.scores])
    unclear = sigmoid(cross_validate(fit_logistic, data.word_rows, is_bad, data.word_speakers))
    rows = data.text_rows(unclear)
    threshold = find_threshold(unclear, is_bad, MARK_PRECISION)
    rules = Rules(
        fit_logistic(data.word_rows, is_bad),
        fit_ridge(rows, total),
        fit_ridge(rows, fluency),
        threshold,
        find_ranges(data.texts),
    )
    scores = (cross_validate(fit_ridge, rows, target, data.speakers) for target in (total, fluency))
    return rules, RuleResults(unclear, unclear >= threshold, *scores)


def cross_validate(fit_rule: Fit, rows: np.ndarray, targets: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """For each row the mean of what rules say that were fitted without its speaker."""
    results = np.zeros(len(rows))
    names = np.unique(speakers)
    for seed in range(ROUNDS):
        order = np.random.default_rng(seed).permutation(names)
        for fold in range(min(FOLDS, len(names))):
            is_left_out = np.isin(speakers, order[fold::FOLDS])
            rule = fit_rule(rows[~is_left_out], targets[~is_left_out])
            results[is_left_out] += rule.apply(rows[is_left_out]) / ROUNDS
    return results


def fit_logistic(rows: np.ndarray, is_bad: np.ndarray) -> LinearRule:
    """The log odds of a bad word."""
    mean, scale, standard = standardise(rows)
    weights = np.zeros(standard.shape[1])
    penalty = np.diag([*[WORD_PENALTY] * (len(weights) - 1), 0.0])
    for _ in range(STEPS):
        probability = sigmoid(standard @ weights)
        slopes = standard.T @ (standard * (probability * (1 - probability))[:, None]) + penalty
        weights -= np.linalg.solve(slopes, standard.T @ (probability - is_bad) + penalty @ weights)
    return LinearRule(mean, scale, weights[:-1], float(weights[-1]))


def fit_ridge(rows: np.ndarray, scores: np.ndarray) -> LinearRule:
    mean, scale, standard = standardise(rows)
    penalty = np.diag([*[TEXT_PENALTY] * rows.shape[1], 0.0])
    weights = np.linalg.solve(standard.T @ standard + penalty, standard.T @ scores)
    return LinearRule(mean, scale, weights[:-1], float(weights[-1]))


def standardise(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean and the scale of each figure, and the rows as LinearRule has them, with a last column of ones."""
    mean, scale = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0) + 1e-6
    standard = np.nan_to_num(np.clip((rows - mean) / scale, -MAX_SPREAD, MAX_SPREAD), nan=0.0)
    return mean, scale, np.column_stack([standard, np.ones(len(rows))])


def find_threshold(unclear: np.ndarray, is_bad: np.ndarray, precision: float) -> float:
    """The lowest probability from which on at least this share of the words is bad; above all when there is none."""
    order = np.argsort(-unclear, kind="stable")
    precisions = np.cumsum(is_bad[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(precisions >= precision)
    return float(unclear[order[reached[-1]]]) if len(reached) else float(np.nextafter(unclear.max(), 2))


def find_ranges(texts: list[SpokenText]) -> dict[str, tuple[float, float]]:
    """Between which values the middle half of the recordings lies, for each figure of Fluency."""
    names = vars(texts[0].fluency)
    values = {name: [getattr(each.fluency, name) for each in texts] for name in names}
    low, high = MIDDLE
    return {name: (float(np.percentile(each, low)), float(np.percentile(each, high))) for name, each in values.items()}
