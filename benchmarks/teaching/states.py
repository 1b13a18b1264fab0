"""What the judge is fitted to: each sentence on the way from a mistake to its correction, with what could be done."""

import random
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchmarks.teaching.corpus import count_differences, is_same
from pipeline.settings import settings
from worker_llm.grammar.corrector import Candidate, Judge, load_judge
from worker_llm.grammar.judge.features import Expectation, Features, describe_gain
from worker_llm.grammar.judge.network import row_of
from worker_llm.grammar.sentence import Proposal, join_words, write_as_sentence

CACHE = Path(__file__).resolve().parents[2] / "build" / "teaching-scores.sqlite"
MAX_STATES = 4  # on the way from a mistake to its correction
PROMISING, BY_CHANCE = 60, 15  # options that are kept of a state besides the right ones
WORTH_OF_RULE = 4.0  # of log probability, for each rule of grammar that is mended


@dataclass(frozen=True)
class Example:
    """A sentence and its corrections, none if it is right. Those of one `origin` are judged by the same weights."""

    text: str
    corrections: tuple[str, ...]
    origin: str
    is_invented: bool = False


@dataclass(frozen=True)
class Option:
    """What could be done: the sentence that a proposal makes, and its features as rows and values of a network."""

    sentence: str
    proposal: Proposal
    expectation: Expectation
    rows: NDArray[np.int32]
    values: NDArray[np.float32]


@dataclass(frozen=True)
class State:
    """A sentence with its options: the places of the right ones among them, and whether anything is to be done."""

    text: str
    origin: str
    options: tuple[Option, ...]
    right: frozenset[int]
    is_wrong: bool
    is_invented: bool


class RememberingJudge(Judge):
    """A judge that asks its language model about each sentence once, whatever is changed around it."""

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge.scorer, judge.parse, judge.selection, judge.decision)
        CACHE.parent.mkdir(exist_ok=True)
        self.store = sqlite3.connect(CACHE, timeout=60, isolation_level=None)
        self.store.execute("PRAGMA synchronous=OFF")
        self.store.execute("CREATE TABLE IF NOT EXISTS scores (text TEXT PRIMARY KEY, value REAL)")

    def score(self, texts: Sequence[str]) -> list[float]:
        marks = ",".join("?" * len(texts))
        values = dict(self.store.execute(f"SELECT text, value FROM scores WHERE text IN ({marks})", texts))
        missing = [text for text in dict.fromkeys(texts) if text not in values]
        values.update(zip(missing, super().score(missing) if missing else [], strict=True))
        self.store.executemany("INSERT OR IGNORE INTO scores VALUES (?, ?)", [(text, values[text]) for text in missing])
        return [values[text] for text in texts]


@cache
def remembering_judge() -> RememberingJudge:
    """This process's judge."""
    return RememberingJudge(load_judge(settings()))


def is_on_the_way(source: str, candidate: str, targets: Sequence[str]) -> bool:
    """Whether each word that the candidate changes must be changed to make one of the targets."""
    step = count_differences(source, candidate)
    return step > 0 and any(
        step + count_differences(candidate, target) == count_differences(source, target) for target in targets
    )


def describe_states(example: Example) -> list[State]:
    """The states from the sentence to a correction, nothing read whole yet; of an invented mistake only the first.

    A right sentence has one state.
    """
    text, states = write_as_sentence(" ".join(example.text.split())), []
    for _ in range(1 if example.is_invented else MAX_STATES):
        state = _describe_state(example, text)
        states.append(state)
        if not state.right:
            break
        text = _choose_next(example, [state.options[place] for place in state.right])
    return states


def _describe_state(example: Example, text: str) -> State:
    targets = example.corrections
    is_wrong = bool(targets) and not any(is_same(text, target) for target in targets)
    candidates = remembering_judge().find_candidates(text)
    sentences = [join_words(each.words) for each in candidates]
    right = {i for i, each in enumerate(sentences) if is_wrong and is_on_the_way(text, each, targets)}
    places = _choose_options(text, candidates, right)
    options = tuple(_to_option(sentences[index], candidates[index]) for index in places)
    right_places = frozenset(place for place, index in enumerate(places) if index in right)
    return State(text, example.origin, options, right_places, is_wrong, example.is_invented)


def _choose_options(text: str, candidates: Sequence[Candidate], right: Collection[int]) -> list[int]:
    """The right ones, the most promising of the others, and some by chance: all would not fit into memory."""

    def promise(index: int) -> float:
        features = candidates[index].features
        return candidates[index].expectation.gain + WORTH_OF_RULE * (features["had"] - features["left"])

    order = sorted(range(len(candidates)), key=promise, reverse=True)
    rest = order[PROMISING:]
    chance = random.Random(crc32(text.encode())).sample(rest, min(BY_CHANCE, len(rest)))
    return list(dict.fromkeys((*sorted(right), *order[:PROMISING], *chance)))


def _choose_next(example: Example, right: Sequence[Option]) -> str:
    """The right option that makes a correction, else the one that the language model expects most."""

    def worth(option: Option) -> tuple[bool, float]:
        return any(is_same(option.sentence, each) for each in example.corrections), option.expectation.gain

    return max(right, key=worth).sentence


def _to_option(sentence: str, candidate: Candidate) -> Option:
    return Option(sentence, candidate.proposal, candidate.expectation, *_to_arrays(candidate.features))


def _to_arrays(features: Features) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    rows = np.fromiter(map(_remembered_row, features), np.int32, len(features))
    return rows, np.fromiter(features.values(), np.float32, len(features))


def read_whole(state: State) -> State:
    """The state with what the language model says of each option when it has read it whole."""
    base, *scores = remembering_judge().score([state.text, *(each.sentence for each in state.options)])
    return replace(state, options=tuple(map(_add_gain, state.options, (score - base for score in scores))))


def _add_gain(option: Option, gain: float) -> Option:
    rows, values = _to_arrays(describe_gain(option.proposal, option.expectation, gain))
    return replace(option, rows=np.concatenate((option.rows, rows)), values=np.concatenate((option.values, values)))


_remembered_row = cache(row_of)
