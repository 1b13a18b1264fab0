"""What a checker of sentences did with each sentence of the corpus, and the counts over many."""

import math
import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from benchmarks.teaching.corpus import Mistake, count_differences, is_same
from worker_llm.grammar.checker import CheckedSentence, Checker

# What can be done with a sentence that has a mistake …
PUT_RIGHT = "put right"  # is one of the accepted corrections
PARTLY = "partly"  # every change is one on the way to an accepted correction, but a mistake is left
OTHERWISE = "changed otherwise"
DOUBTFUL = "doubtful"  # left as it is, and not praised
PRAISED = "praised"  # left as it is, and taken to be right
# … and with a right one: it is touched, doubtful or praised.
TOUCHED = "touched"

OF_MISTAKES = (PUT_RIGHT, PARTLY, OTHERWISE, DOUBTFUL, PRAISED)
OF_RIGHT = (TOUCHED, DOUBTFUL, PRAISED)


@dataclass(frozen=True)
class Result:
    """What became of `text`. `kind` and `corrections` are those of a mistake, "" and () of a right sentence."""

    text: str
    corrected: str
    outcome: str
    cpu_s: float  # of all threads of this process
    kind: str = ""
    corrections: tuple[str, ...] = ()


def check_mistake(checker: Checker, mistake: Mistake) -> Result:
    sentences, cpu_s = _check(checker, mistake.text)
    corrected = _join(sentences, mistake.text)
    outcome = name_outcome(mistake, corrected, sentences)
    return Result(mistake.text, corrected, outcome, cpu_s, mistake.kind, mistake.corrections)


def check_right(checker: Checker, text: str) -> Result:
    sentences, cpu_s = _check(checker, text)
    corrected = _join(sentences, text)
    outcome = TOUCHED if _is_touched(text, corrected, sentences) else _name_praise(sentences)
    return Result(text, corrected, outcome, cpu_s)


def _check(checker: Checker, text: str) -> tuple[tuple[CheckedSentence, ...], float]:
    start = time.process_time()
    sentences = checker.check(text)
    return sentences, time.process_time() - start


def _join(sentences: Iterable[CheckedSentence], text: str) -> str:
    return " ".join(sentence.corrected for sentence in sentences) or text


def _is_touched(text: str, corrected: str, sentences: Iterable[CheckedSentence]) -> bool:
    return not is_same(text, corrected) or any(sentence.edits for sentence in sentences)


def _name_praise(sentences: Collection[CheckedSentence]) -> str:
    """What a learner is told whose words nobody changed. Without a sentence nothing was checked, so nothing praised."""
    return DOUBTFUL if not sentences or any(sentence.is_doubtful for sentence in sentences) else PRAISED


def name_outcome(mistake: Mistake, corrected: str, sentences: Collection[CheckedSentence]) -> str:
    if not _is_touched(mistake.text, corrected, sentences):
        return _name_praise(sentences)
    if any(is_same(corrected, correction) for correction in mistake.corrections):
        return PUT_RIGHT
    return PARTLY if any(_is_on_the_way(mistake.text, corrected, each) for each in mistake.corrections) else OTHERWISE


def _is_on_the_way(text: str, corrected: str, correction: str) -> bool:
    """Whether some of the changes that lead from `text` to the accepted correction were made, and no others."""
    steps, rest = count_differences(text, corrected), count_differences(corrected, correction)
    return steps > 0 and steps + rest == count_differences(text, correction)


def count_outcomes(results: Iterable[Result]) -> Counter[str]:
    return Counter(result.outcome for result in results)


def count_by_kind(results: Iterable[Result]) -> dict[str, Counter[str]]:
    """The outcomes of each kind of mistake, in the order in which the kinds first come."""
    kinds: dict[str, Counter[str]] = {}
    for result in results:
        kinds.setdefault(result.kind, Counter())[result.outcome] += 1
    return kinds


def find_quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; 0 without values."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else 0.0


@dataclass(frozen=True)
class EditCounts:
    """How many edits were right, how many were not, and how many were missed."""

    right: int = 0
    wrong: int = 0
    left: int = 0

    def __add__(self, other: "EditCounts") -> "EditCounts":
        return EditCounts(self.right + other.right, self.wrong + other.wrong, self.left + other.left)

    @property
    def precision(self) -> float:
        """1 when there was no edit, as ERRANT has it."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """1 when no edit was needed, as ERRANT has it."""
        return self.right / (self.right + self.left) if self.right + self.left else 1.0

    @property
    def f05(self) -> float:
        """The mean of precision and recall that counts precision twice as much, F0.5."""
        weighted = 0.25 * self.precision + self.recall
        return 1.25 * self.precision * self.recall / weighted if weighted else 0.0


def compare_edits(
    edits: Collection[object], references: Iterable[Collection[object]], so_far: EditCounts
) -> EditCounts:
    """The counts of one sentence, compared with the accepted correction that F0.5 over all so far fares best with."""
    counts = [
        EditCounts(len({*edits} & {*others}), len({*edits} - {*others}), len({*others} - {*edits}))
        for others in references
    ]
    return max(counts, key=lambda each: ((so_far + each).f05, each.right, -each.wrong, -each.left))
