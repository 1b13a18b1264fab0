"""Checks sentences: proposes edits, lets a language model and fitted weights choose, and repeats that until nothing is
better. What a larger model suggests in place of a sentence is weighed too.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any

from pipeline.settings import Settings
from worker_llm.grammar.checker import CheckedSentence, Checker
from worker_llm.grammar.explain_edits import explain_edits
from worker_llm.grammar.judge.features import Expectation, Features, describe, describe_gain
from worker_llm.grammar.judge.network import Network
from worker_llm.grammar.judge.refusals import is_refused
from worker_llm.grammar.judge.rules import count_violations
from worker_llm.grammar.judge.scorer import Scorer
from worker_llm.grammar.model_loading import load_parser_model, load_scorer
from worker_llm.grammar.proposals import propose
from worker_llm.grammar.proposals.suggested import divide_suggestion, find_way
from worker_llm.grammar.sentence import Proposal, Word, apply, join_words, split_sentences, tag_words, write_as_sentence

NETWORKS = Path(__file__).parent / "judge"
KEPT_PARSES = 64  # of the last sentences

MIN_SCORE = 0.5  # of a candidate that is taken; a score is the logarithm of its odds against leaving the sentence alone
DOUBTFUL_SCORE = -1.5  # above, the sentence is not praised
MIN_FURTHER_SCORE = 2.0  # of one that is taken in the same round as a better one
MAX_ROUNDS = 5
MAX_WORDS = 60  # of a sentence that is checked
MIN_WORDS = 2
READ_WHOLE = 12  # proposals of a sentence that the language model reads whole
# What a suggestion adds to the scores of a sentence's candidates: docs/decisions/0018-propose-and-judge.md
ON_THE_WAY, NOT_ON_THE_WAY = 2.0, -0.5


@dataclass(frozen=True)
class Candidate:
    """A proposal with the words that it makes and what is known of it.

    `is_suggested`: it lies on the way to the sentence that a larger model suggested.
    """

    proposal: Proposal
    words: tuple[Word, ...]
    expectation: Expectation
    features: Features
    is_suggested: bool = False


class Judge:
    """Finds what may be better than a sentence, and how much better it is.

    Both networks were fitted by `benchmarks/teaching/fit.py`: `selection` says which proposals are worth the time that
    the language model takes to read them whole, `decision` weighs those.
    """

    def __init__(self, scorer: Scorer, parse: Callable[[str], Any], selection: Network, decision: Network) -> None:
        self.scorer, self.parse = scorer, parse
        self.selection, self.decision = selection, decision

    def tag(self, text: str) -> tuple[Word, ...]:
        return tag_words(text, self.parse(text))

    def rank(self, text: str, frozen: Collection[int] = (), suggestion: str = "") -> list[tuple[float, Candidate]]:
        """The best candidates of the sentence `text`, whose words are separated by single spaces, with their scores.

        `suggestion`: what a larger model wrote in place of the sentence, if it was asked.
        """
        candidates = self.select(self.find_candidates(text, frozen, suggestion))
        candidates = self.add_gains(text, candidates)
        scores = self.decision.score([each.features for each in candidates])
        if suggestion:
            additions = (ON_THE_WAY if each.is_suggested else NOT_ON_THE_WAY for each in candidates)
            scores = [score + addition for score, addition in zip(scores, additions, strict=True)]
        return sorted(zip(scores, candidates, strict=True), key=lambda pair: -pair[0])

    def find_candidates(self, text: str, frozen: Collection[int] = (), suggestion: str = "") -> list[Candidate]:
        """All proposals that are not refused, as far as they can be described before they are read whole."""
        words, suggested = self.tag(text), self.tag(suggestion) if suggestion else ()
        before = count_violations(words)
        expect = self.read(text)
        is_on_the_way = find_way(words, suggested)
        candidates = []
        for sentence, proposal in propose(words, suggested).items():
            after = apply(words, proposal)
            if not is_refused(words, proposal, after, frozen):
                expectation = expect(sentence)
                features = describe(words, proposal, expectation, before, count_violations(after))
                candidates.append(Candidate(proposal, after, expectation, features, is_on_the_way(after)))
        return candidates

    def select(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The most promising ones, and those that were suggested."""
        scores = self.selection.score([each.features for each in candidates])
        order = sorted(range(len(candidates)), key=lambda index: -scores[index])
        suggested = [index for index in order[READ_WHOLE:] if candidates[index].is_suggested]
        return [candidates[index] for index in (*order[:READ_WHOLE], *suggested[:READ_WHOLE])]

    def add_gains(self, text: str, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates with what the language model says of each when it has read it whole."""
        base, *scores = self.score([text, *(join_words(each.words) for each in candidates)])
        return [
            replace(each, features=each.features | describe_gain(each.proposal, each.expectation, score - base))
            for each, score in zip(candidates, scores, strict=True)
        ]

    def score(self, texts: Sequence[str]) -> list[float]:
        return self.scorer.score(texts)

    def read(self, text: str) -> Callable[[str], Expectation]:
        """What tells of another sentence how much the model expected it where it first differs from `text`."""
        ids, _, matrix = self.scorer.token_log_probs(text)

        def expect(sentence: str) -> Expectation:
            other = self.scorer.ids(sentence)
            place = next((i for i, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b), None)
            if place is None:
                return Expectation()
            row = matrix[place]
            return Expectation(float(row[other[place]]), float(row[ids[place]]), float(row.max()))

        return expect


@dataclass(frozen=True)
class Step:
    """One edit that was made, with the sentence before and after it."""

    before: tuple[Word, ...]
    proposal: Proposal
    after: tuple[Word, ...]


class Corrector:
    """The checker of English sentences."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def check(self, text: str, unclear: Collection[int] = (), suggestion: str = "") -> tuple[CheckedSentence, ...]:
        results, first = [], 0
        sentences = split_sentences(text)
        for sentence, part in zip(sentences, divide_suggestion(sentences, suggestion), strict=True):
            count = len(sentence.split())
            frozen = {index - first for index in unclear if first <= index < first + count}
            results.append(self.check_sentence(sentence, frozen, part))
            first += count
        return tuple(results)

    def rank(self, sentence: str, questions: Sequence[str]) -> list[float]:
        """How well each question follows the sentence: by how much likelier it is there than at a start."""
        texts = [f" {question}" for question in questions]
        scorer = self.judge.scorer
        return [after - alone for after, alone in zip(scorer.score(texts, sentence), scorer.score(texts), strict=True)]

    def check_sentence(self, sentence: str, frozen: Collection[int] = (), suggestion: str = "") -> CheckedSentence:
        """The sentence's words are separated by single spaces; those in `frozen` stay as they are."""
        if not MIN_WORDS <= len(sentence.split()) <= MAX_WORDS:
            return CheckedSentence(sentence, sentence, is_doubtful=len(sentence.split()) > MAX_WORDS)
        text = write_as_sentence(sentence)
        steps, best_left = self.find_steps(text, frozen, write_as_sentence(suggestion) if suggestion else "")
        is_doubtful = not steps and best_left > DOUBTFUL_SCORE
        if not steps:
            return CheckedSentence(sentence, sentence, is_doubtful=is_doubtful)
        corrected = join_words(steps[-1].after)
        edits = explain_edits(text, corrected, self.judge.parse)
        return CheckedSentence(sentence, corrected, edits) if edits else CheckedSentence(sentence, sentence)

    def find_steps(self, text: str, frozen: Collection[int], suggestion: str = "") -> tuple[list[Step], float]:
        """The edits to be made one after the other, and the score of the best one that is left."""
        steps: list[Step] = []
        frozen = {*frozen}
        for _ in range(MAX_ROUNDS):
            ranked = self.judge.rank(text, frozen, suggestion)
            if not ranked or ranked[0][0] < MIN_SCORE:
                return steps, ranked[0][0] if ranked else -inf
            words = self.judge.tag(text)
            for candidate in self.take(ranked):
                after = apply(words, candidate.proposal)
                steps.append(Step(words, candidate.proposal, after))
                frozen = {_shift(index, candidate.proposal) for index in frozen}
                words = after
            text = join_words(words)
        return steps, -inf

    def take(self, ranked: Sequence[tuple[float, Candidate]]) -> list[Candidate]:
        """The best candidate and those that are sure and touch no other, from the sentence's end to its start."""
        choices = [ranked[0][1]]
        for score, each in ranked[1:]:
            if score < MIN_FURTHER_SCORE:
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
    selection, decision = (Network.read(NETWORKS / f"{name}.npz") for name in ("selection", "decision"))
    return Judge(load_scorer(settings), lru_cache(KEPT_PARSES)(load_parser_model(settings)), selection, decision)


def load_checker(settings: Settings) -> Checker | None:
    """The checker that the settings name; None for no checker. Raises ModelMissing or ModelDamaged."""
    return None if settings.checker == "none" else Corrector(load_judge(settings))
