"""Fits the weights by which proposed edits are judged to the sentences in `fitting/`, and writes them.

    python -m benchmarks.teaching.fit [--out FILE] [--processes N]

Each sentence is a choice between its candidates and leaving it alone (a conditional logit with an L2 penalty). A
candidate is right if it lies on the way to an accepted correction. Five-fold cross-validation tells how well that works
on sentences that the weights were not fitted to. What the language model says of each sentence is kept in build/, since
that takes most of the time.
"""

import argparse
import json
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchmarks.teaching.corpus import Mistake, count_differences, is_same, read_half
from pipeline.settings import settings
from worker_llm.grammar.corrector import Judge, load_judge
from worker_llm.grammar.sentence import join_words, write_as_sentence

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "worker_llm" / "grammar" / "judge" / "weights.json"
CACHE = ROOT / "build" / "teaching-scores.sqlite"
FOLDS = 5
PENALTY = 0.005  # of the squared weights
STEPS, RATE = 400, 0.05  # of the optimiser (Adam)
MIN_OCCURRENCES = 3  # of a feature that gets a weight
MAX_STATES = 4  # sentences on the way from a mistake to its correction


@dataclass(frozen=True)
class State:
    """A sentence with its candidates: their features, and which of them are right."""

    source: str
    features: list[dict[str, float]]
    right: list[int]
    is_wrong: bool


class RememberingJudge(Judge):
    """A judge that asks its language model about each sentence once, whatever is changed around it."""

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge.scorer, judge.parse)
        CACHE.parent.mkdir(exist_ok=True)
        self.store = sqlite3.connect(CACHE, timeout=60, isolation_level=None)
        self.store.execute("PRAGMA synchronous=OFF")
        self.store.execute("CREATE TABLE IF NOT EXISTS scores (text TEXT PRIMARY KEY, value REAL)")

    def score(self, texts: Sequence[str]) -> list[float]:
        places = ",".join("?" * len(texts))
        values = dict(self.store.execute(f"SELECT text, value FROM scores WHERE text IN ({places})", texts))
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


def describe_states(mistake: Mistake) -> list[State]:
    """The states from the sentence to a correction; for a right sentence, which has none, just one."""
    judge, targets = remembering_judge(), mistake.corrections
    text, states = write_as_sentence(" ".join(mistake.text.split())), []
    for _ in range(MAX_STATES):
        candidates = judge.find_candidates(text)
        is_wrong = bool(targets) and not any(is_same(text, target) for target in targets)
        sentences = [join_words(each.words) for each in candidates]
        right = [i for i, each in enumerate(sentences) if is_wrong and is_on_the_way(text, each, targets)]
        states.append(State(text, [dict(each.features) for each in candidates], right, is_wrong))
        if not right:
            break
        text = sentences[max(right, key=lambda index: candidates[index].features.get("gain", 0.0))]
    return states


class Choices:
    """All states as arrays: the candidates of one state follow those of another, and so do their features."""

    def __init__(self, states: Sequence[State], names: Sequence[str]) -> None:
        column = {name: index for index, name in enumerate(names)}
        candidates = [features for state in states for features in state.features]
        entries = [
            (row, column[name], value)
            for row, features in enumerate(candidates)
            for name, value in features.items()
            if name in column
        ]
        self.rows, self.columns, self.values = (np.array(each) for each in zip(*entries, strict=True))
        self.owner = np.repeat(np.arange(len(states)), [len(state.features) for state in states])
        starts = np.cumsum([0, *(len(state.features) for state in states)])
        self.is_right = np.zeros(len(candidates), dtype=bool)
        for start, state in zip(starts, states, strict=False):
            self.is_right[[int(start) + index for index in state.right]] = True
        self.count, self.width = len(states), len(names)

    def gradient(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the mean negative log probability of the right choices."""
        sums = np.bincount(self.rows, self.values * weights[self.columns], len(self.owner))
        scores = np.exp(np.clip(sums, -30, 30))
        total = 1 + np.bincount(self.owner, scores, self.count)
        right = np.bincount(self.owner, scores * self.is_right, self.count)
        share = scores / total[self.owner]
        desired = np.where(self.is_right, scores / np.maximum(right, 1e-30)[self.owner], 0.0)
        errors = (share - desired)[self.rows]
        return np.bincount(self.columns, self.values * errors, self.width) / self.count


def fit(states: Sequence[State], names: Sequence[str]) -> dict[str, float]:
    choices = Choices(states, names)
    weights, mean, square = (np.zeros(len(names)) for _ in range(3))
    for step in range(1, STEPS + 1):
        gradient = choices.gradient(weights) + PENALTY * weights / 10
        mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
        weights -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True) if abs(weight) > 0.005}


def list_names(states: Sequence[State]) -> list[str]:
    """The features that occur often enough, sorted."""
    counts: dict[str, int] = {}
    for state in states:
        for name in {name for features in state.features for name in features}:
            counts[name] = counts.get(name, 0) + 1
    return sorted(name for name, count in counts.items() if count >= MIN_OCCURRENCES)


def score(features: dict[str, float], weights: dict[str, float]) -> float:
    return sum(value * weights.get(name, 0.0) for name, value in features.items())


def cross_validate(states: Sequence[State]) -> list[tuple[State, float, bool]]:
    """For each state the best candidate's score, and whether it is right, by weights that have not seen it."""
    fold_of = [crc32(state.source.encode()) % FOLDS for state in states]
    results = []
    for fold in range(FOLDS):
        seen = [state for state, each in zip(states, fold_of, strict=True) if each != fold]
        weights = fit(seen, list_names(seen))
        for state, each in zip(states, fold_of, strict=True):
            if each == fold and state.features:
                scores = [score(features, weights) for features in state.features]
                best = int(np.argmax(scores))
                results.append((state, scores[best], best in state.right))
    return results


def report(results: Sequence[tuple[State, float, bool]]) -> None:
    print("least score  of mistakes: right step  wrong step | of right sentences: touched")
    wrong = [each for each in results if each[0].is_wrong]
    right = [each for each in results if not each[0].is_wrong]
    for least in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        good = sum(value > least and is_right for _, value, is_right in wrong) / max(1, len(wrong))
        bad = sum(value > least and not is_right for _, value, is_right in wrong) / max(1, len(wrong))
        touched = sum(value > least for _, value, _ in right) / max(1, len(right))
        print(f"{least:11.1f} {good:24.1%} {bad:11.1%} {touched:28.1%}")


def load_states(processes: int) -> Iterator[State]:
    """The states of all sentences of the fitting half."""
    half = read_half("fitting")
    rights = dict.fromkeys(sentence for sentences in half.right.values() for sentence in sentences)
    examples = [*half.mistakes, *half.hard_mistakes, *(Mistake(sentence, ()) for sentence in rights)]
    examples.sort(key=lambda each: crc32(each.text.encode()))  # mixed, so that an early stop has some of each
    with ProcessPoolExecutor(processes) as pool:
        for number, states in enumerate(pool.map(describe_states, examples, chunksize=8), 1):
            yield from states
            if number % 200 == 0:
                print(f"{number} of {len(examples)} sentences", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights are written")
    parser.add_argument("--processes", type=int, default=2, help="processes that compute candidates")
    arguments = parser.parse_args()
    states = list(load_states(arguments.processes))
    report(cross_validate(states))
    weights = fit(states, list_names(states))
    arguments.out.write_text(json.dumps(weights, indent=1, sort_keys=True) + "\n")
    print(f"{len(weights)} weights, fitted to {len(states)} sentences, are in {arguments.out}")


if __name__ == "__main__":
    main()
