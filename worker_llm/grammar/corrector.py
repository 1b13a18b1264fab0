"""Checks sentences: proposes edits, lets a language model and fitted weights choose, and repeats that until nothing is
better.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any

from pipeline.settings import Settings
from worker_llm.grammar.checker import CheckedSentence, Checker
from worker_llm.grammar.explain_edits import explain_edits
from worker_llm.grammar.judge.features import describe
from worker_llm.grammar.judge.refusals import is_refused
from worker_llm.grammar.judge.rules import count_violations
from worker_llm.grammar.judge.scorer import Scorer
from worker_llm.grammar.model_loading import load_parser_model, load_scorer
from worker_llm.grammar.proposals import propose
from worker_llm.grammar.sentence import Proposal, Word, apply, join_words, split_sentences, tag_words, write_as_sentence

WEIGHTS = Path(__file__).parent / "judge" / "weights.json"
KEPT_PARSES = 64  # of the last sentences

MIN_SCORE = 0.2  # of a candidate that is taken; the fitted weights give the odds against leaving the sentence alone
DOUBTFUL_SCORE = -1.0  # above, the sentence is not praised
MIN_FURTHER_SCORE = 1.5  # of one that is choices in the same round as a better one
MAX_ROUNDS = 5
MAX_WORDS = 60  # of a sentence that is checked
MIN_WORDS = 2
# Of the proposals, besides patterns, that the model reads whole: how many of a group, and how much each must promise. A
# promise is by how much likelier the first new token is, and WORTH_OF_RULE for each rule of grammar that is mended.
LIMITS = {"addition": 10, "+pronoun": 4, "removal": 6, "phrase": 9, "order": 3, "exchange": 12}
WORTH_OF_RULE = 3.0
LEAST_PROMISE = -4.0
LEAST_PROMISES = {"removal": -10.0, "phrase": -8.0, "order": -6.0}  # their first token tells little
PHRASES = frozenset(
    {"be+verb", "auxiliary+verb", "perfect", "to+verb", "continuous", "degree", "lot", "do+verb", "not+verb"}
    | {"question", "very"}
)


@dataclass(frozen=True)
class Candidate:
    """A proposal with the words that it makes and what is known of it."""

    proposal: Proposal
    words: tuple[Word, ...]
    features: Mapping[str, float]

    def score(self, weights: Mapping[str, float]) -> float:
        return sum(value * weights.get(name, 0.0) for name, value in self.features.items())


class Judge:
    """Finds the candidates of a sentence and describes them."""

    def __init__(self, scorer: Scorer, parse: Callable[[str], Any]) -> None:
        self.scorer, self.parse = scorer, parse

    def tag(self, text: str) -> tuple[Word, ...]:
        return tag_words(text, self.parse(text))

    def find_candidates(self, text: str, frozen: Collection[int] = ()) -> list[Candidate]:
        """What may be better than the sentence `text`, whose words are separated by single spaces."""
        words = self.tag(text)
        proposals = propose(words)
        results = {sentence: apply(words, proposal) for sentence, proposal in proposals.items()}
        for sentence, proposal in list(proposals.items()):
            if is_refused(words, proposal, results[sentence], frozen):
                del proposals[sentence]
        local_gains = self.compute_local_gains(text, list(proposals))
        before = count_violations(words)
        violations = {sentence: count_violations(results[sentence]) for sentence in proposals}
        promises = {
            sentence: local_gains[sentence] + WORTH_OF_RULE * (before.total() - violations[sentence].total())
            for sentence in proposals
        }
        selection = choose_to_score(proposals, promises)
        base, *scores = self.score([text, *selection])
        return [
            Candidate(
                proposals[sentence],
                results[sentence],
                describe(words, proposals[sentence], score - base, local_gains[sentence], before, violations[sentence]),
            )
            for sentence, score in zip(selection, scores, strict=True)
        ]

    def score(self, texts: Sequence[str]) -> list[float]:
        return self.scorer.score(texts)

    def compute_local_gains(self, text: str, sentences: Sequence[str]) -> dict[str, float]:
        """For each sentence how much likelier its first token that differs is than that of `text` there."""
        ids, _, matrix = self.scorer.token_log_probs(text)
        gains = {}
        for sentence in sentences:
            other = self.scorer.ids(sentence)
            place = next((i for i, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b), None)
            gains[sentence] = (
                float(matrix[place, other[place]] - matrix[place, ids[place]]) if place is not None else 0.0
            )
        return gains


def choose_to_score(proposals: Mapping[str, Proposal], promises: Mapping[str, float]) -> list[str]:
    """Patterns, and the proposals that promise most, of each group some."""
    selection = [sentence for sentence, proposal in proposals.items() if proposal.topic]
    counts: dict[str, int] = {}
    for sentence in sorted(proposals, key=lambda sentence: -promises[sentence]):
        group = _group(proposals[sentence].kind)
        is_promising = promises[sentence] > LEAST_PROMISES.get(group, LEAST_PROMISE)
        if is_promising and not proposals[sentence].topic and counts.get(group, 0) < LIMITS[group]:
            counts[group] = counts.get(group, 0) + 1
            selection.append(sentence)
    return selection


def _group(kind: str) -> str:
    if kind in PHRASES or kind in ("order", "+pronoun"):
        return "phrase" if kind in PHRASES else kind
    return {"+": "addition", "-": "removal"}.get(kind[0], "exchange")


@dataclass(frozen=True)
class Step:
    """One edit that was made, with the sentence before and after it."""

    before: tuple[Word, ...]
    proposal: Proposal
    after: tuple[Word, ...]


class Corrector:
    """The checker of English sentences."""

    def __init__(self, judge: Judge, weights: Mapping[str, float]) -> None:
        self.judge, self.weights = judge, weights

    def check(self, text: str, unclear: Collection[int] = ()) -> tuple[CheckedSentence, ...]:
        sentences, first = [], 0
        for sentence in split_sentences(text):
            count = len(sentence.split())
            frozen = {index - first for index in unclear if first <= index < first + count}
            sentences.append(self.check_sentence(sentence, frozen))
            first += count
        return tuple(sentences)

    def rank(self, sentence: str, questions: Sequence[str]) -> list[float]:
        """How well each question follows the sentence: by how much likelier it is there than at a start."""
        texts = [f" {question}" for question in questions]
        scorer = self.judge.scorer
        return [after - alone for after, alone in zip(scorer.score(texts, sentence), scorer.score(texts), strict=True)]

    def check_sentence(self, sentence: str, frozen: Collection[int] = ()) -> CheckedSentence:
        """The sentence's words are separated by single spaces; those in `frozen` stay as they are."""
        if not MIN_WORDS <= len(sentence.split()) <= MAX_WORDS:
            return CheckedSentence(sentence, sentence, is_doubtful=len(sentence.split()) > MAX_WORDS)
        steps, best_left = self.find_steps(write_as_sentence(sentence), frozen)
        is_doubtful = not steps and best_left > DOUBTFUL_SCORE
        if not steps:
            return CheckedSentence(sentence, sentence, is_doubtful=is_doubtful)
        corrected = join_words(steps[-1].after)
        edits = explain_edits(write_as_sentence(sentence), corrected, self.judge.parse)
        return CheckedSentence(sentence, corrected, edits) if edits else CheckedSentence(sentence, sentence)

    def find_steps(self, text: str, frozen: Collection[int]) -> tuple[list[Step], float]:
        """The edits to be made one after the other, and the score of the best one that is left."""
        steps: list[Step] = []
        frozen = {*frozen}
        for _ in range(MAX_ROUNDS):
            candidates = self.judge.find_candidates(text, frozen)
            ranked = sorted(candidates, key=lambda each: -each.score(self.weights))
            if not ranked or ranked[0].score(self.weights) < MIN_SCORE:
                return steps, ranked[0].score(self.weights) if ranked else -inf
            words = self.judge.tag(text)
            for candidate in self.take(ranked):
                after = apply(words, candidate.proposal)
                steps.append(Step(words, candidate.proposal, after))
                frozen = {_shift(index, candidate.proposal) for index in frozen}
                words = after
            text = join_words(words)
        return steps, -inf

    def take(self, ranked: Sequence[Candidate]) -> list[Candidate]:
        """The best candidate and those that are sure and touch no other, from the sentence's end to its start."""
        choices = [ranked[0]]
        for each in ranked[1:]:
            if each.score(self.weights) < MIN_FURTHER_SCORE:
                break
            if all(_are_apart(each.proposal, other.proposal) for other in choices):
                choices.append(each)
        return sorted(choices, key=lambda each: -each.proposal.start)


def _are_apart(one: Proposal, other: Proposal) -> bool:
    return one.end + 1 < other.start or other.end + 1 < one.start


def _shift(index: int, proposal: Proposal) -> int:
    return index if index < proposal.start else index + len(proposal.after) - (proposal.end - proposal.start)


def load_judge(settings: Settings) -> Judge:
    """Raises ModelMissing or ModelDamaged."""
    return Judge(load_scorer(settings), lru_cache(KEPT_PARSES)(load_parser_model(settings)))


def load_checker(settings: Settings) -> Checker | None:
    """The checker that the settings name; None for no checker. Raises ModelMissing or ModelDamaged."""
    if settings.checker == "none":
        return None
    return Corrector(load_judge(settings), json.loads(WEIGHTS.read_text(encoding="utf-8")))
