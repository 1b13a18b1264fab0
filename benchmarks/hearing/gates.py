"""What the product makes of the recordings by several rules, and the fit of those of pipeline/text/misheard.py."""

from dataclasses import dataclass

import numpy as np

from benchmarks.clearness.corpus import speaker_of
from benchmarks.clearness.fit import cross_validate, fit_logistic
from benchmarks.hearing.recordings import HeardRecording
from benchmarks.hearing.truth import Truth
from pipeline.text.misheard import MisheardRule, estimate_misheard, misheard_figures
from pipeline.text.sentences import find_sentences
from worker_asr.clearness.rules import LinearRule, sigmoid
from worker_llm.tutor.hearing import MIN_UNCLEAR, Hearing

FIGURES = {"probability": 2, "sounds": 3}  # rule -> how many of the figures it weighs, from the first on
OLD_MIN_HEARD, OLD_MIN_PRAISED, OLD_MIN_WORD = 0.80, 0.90, 0.45  # until the clearness was used


@dataclass(frozen=True)
class JudgedRecordings:
    """Recordings in which English words were heard, and which of these were misheard, row by row of all words."""

    recordings: list[HeardRecording]
    misheard: np.ndarray
    turn_speakers: np.ndarray

    @property
    def word_speakers(self) -> np.ndarray:
        return np.repeat(self.turn_speakers, [len(each.words) for each in self.recordings])

    @property
    def figures(self) -> np.ndarray:
        """[words, figures of a MisheardRule]."""
        return np.array(
            [
                row
                for each in self.recordings
                for row in misheard_figures(each.words, each.probabilities, each.clearness)
            ]
        )

    def split(self, rows: np.ndarray) -> list[np.ndarray]:
        """What is known of all words, recording by recording."""
        return np.split(rows, np.cumsum([len(each.words) for each in self.recordings])[:-1])

    @property
    def has_misheard(self) -> np.ndarray:
        return np.array([rows.any() for rows in self.split(self.misheard)])


@dataclass(frozen=True)
class Gate:
    """What is made of the recordings. `unclear` [words]; of each turn whether it is asked about, and may be praised."""

    unclear: np.ndarray
    asked: np.ndarray
    praised: np.ndarray


def judge_recordings(recordings: list[HeardRecording]) -> JudgedRecordings:
    truth = Truth()
    heard = [each for each in recordings if each.clearness]
    misheard = [truth.find_misheard(each.words, each.text) for each in heard]
    speakers = np.array([speaker_of(each.identifier) for each in heard])
    return JudgedRecordings(heard, np.array([word for each in misheard for word in each]), speakers)


def old_gate(data: JudgedRecordings) -> Gate:
    """By the mean probability of each sentence, as it was until the clearness was used."""
    unclear, questions, praises = [], [], []
    for each in data.recordings:
        values = np.array(each.probabilities)
        means = {sentence: values[list(sentence)].mean() for sentence in find_sentences(each.words)}
        unclear += [value < OLD_MIN_WORD for value in values]
        questions.append(2 * sum(len(it) for it, mean in means.items() if mean < OLD_MIN_HEARD) > len(values))
        praises.append(min(means.values()) >= OLD_MIN_PRAISED)
    return Gate(*map(np.array, (unclear, questions, praises)))


def gate_by(data: JudgedRecordings, estimates: np.ndarray) -> Gate:
    """As the teacher does it now, with these probabilities that the words were misheard."""
    hearings = [
        Hearing(" ".join(each.words), tuple(values))
        for each, values in zip(data.recordings, data.split(estimates), strict=True)
    ]
    questions = np.array([each.is_too_unclear for each in hearings])
    praises = np.array([each.is_praiseworthy and not each.is_too_unclear for each in hearings])
    return Gate(estimates >= MIN_UNCLEAR, questions, praises)


def shipped_estimates(data: JudgedRecordings, name: str) -> np.ndarray:
    """By the rule as it is."""
    return np.concatenate(
        [
            estimate_misheard(each.words, each.probabilities, each.clearness if name == "sounds" else None)
            for each in data.recordings
        ]
    )


def fitted_estimates(data: JudgedRecordings, name: str) -> np.ndarray:
    """By rules that were fitted without the speaker of each word."""
    return sigmoid(cross_validate(fit_logistic, data.figures[:, : FIGURES[name]], data.misheard, data.word_speakers))


def fit_rule(data: JudgedRecordings, name: str) -> MisheardRule:
    """The rule fitted to all words, with the scale of its figures within the weights."""
    rule: LinearRule = fit_logistic(data.figures[:, : FIGURES[name]], data.misheard)
    weights = rule.weights / rule.scale
    return MisheardRule(*(round(float(each), 3) for each in (rule.bias - rule.mean @ weights, *weights)))
