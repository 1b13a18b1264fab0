"""Fits what a language model's suggestion adds to the judge's scores: the corrector's `ON_THE_WAY`, `NOT_ON_THE_WAY`.

    python -m benchmarks.teaching.fit --leave-out 0 --out FOLDER
    WAIJIAO_LLM_MODEL=NAME python -m benchmarks.teaching.fit_suggestions --networks FOLDER [--limit N]

Networks know the sentences that they were fitted to better than any others, and would leave nothing to a suggestion.
So these two numbers are fitted to the sentences of one fold, with networks that were fitted to the others. Each of them
is a choice between its candidates and leaving it alone, as for the networks; the two numbers are those that make the
right choices likeliest. The model's replies are kept in build/.
"""

import argparse
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.teaching.fit import fold_of, read_examples
from benchmarks.teaching.language_model import ModelAsChecker, load_model
from benchmarks.teaching.states import CACHE, Example, is_on_the_way
from pipeline.settings import Settings
from worker_llm.grammar.corrector import MIN_SCORE, Judge, load_judge
from worker_llm.grammar.judge.network import Network
from worker_llm.grammar.proposals.suggested import divide_suggestion
from worker_llm.grammar.sentence import join_words, write_as_sentence
from worker_llm.tutor.model_reply import find_suggestion

REPLIES = CACHE.with_name("teaching-replies.sqlite")
ADDITIONS = np.arange(0, 6.25, 0.25), np.arange(-4, 1.25, 0.25)  # that are tried: on the way, and not


@dataclass(frozen=True)
class Choice:
    """The candidates of a sentence: their scores, which lie on the way to the suggestion, which are right."""

    scores: NDArray[np.float64]
    is_suggested: NDArray[np.bool_]
    is_right: NDArray[np.bool_]
    is_wrong: bool

    def add(self, on_the_way: float, not_on_the_way: float) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = self.scores + np.where(self.is_suggested, on_the_way, not_on_the_way)
        return scores

    def log_likelihood(self, on_the_way: float, not_on_the_way: float) -> float:
        """Of a right candidate, or of leaving the sentence alone if there is none."""
        odds = np.exp(self.add(on_the_way, not_on_the_way))
        right = odds[self.is_right].sum() if self.is_right.any() else 1.0
        return float(np.log(right) - np.log1p(odds.sum()))


class RememberingModel:
    """A language model that is asked about each sentence once."""

    def __init__(self, model: ModelAsChecker, name: str) -> None:
        self.model, self.name = model, name
        REPLIES.parent.mkdir(exist_ok=True)
        self.store = sqlite3.connect(REPLIES, isolation_level=None)
        self.store.execute(
            "CREATE TABLE IF NOT EXISTS replies (model TEXT, text TEXT, reply TEXT, PRIMARY KEY (model, text))"
        )

    def ask(self, text: str) -> str:
        query = "SELECT reply FROM replies WHERE model = ? AND text = ?"
        row = self.store.execute(query, (self.name, text)).fetchone()
        if row:
            return str(row[0])
        reply = self.model.ask(text)
        self.store.execute("INSERT INTO replies VALUES (?, ?, ?)", (self.name, text, reply))
        return reply


def describe_choice(judge: Judge, example: Example, reply: str) -> Choice | None:
    """None where the model suggests nothing that may be used."""
    text = write_as_sentence(" ".join(example.text.split()))
    (part,) = divide_suggestion([text], find_suggestion(example.text, reply))
    if not part:
        return None
    candidates = judge.add_gains(text, judge.select(judge.find_candidates(text, (), write_as_sentence(part))))
    right = [is_on_the_way(text, join_words(each.words), example.corrections) for each in candidates]
    return Choice(
        np.array(judge.decision.score([each.features for each in candidates])),
        np.array([each.is_suggested for each in candidates], dtype=bool),
        np.array(right, dtype=bool),
        bool(example.corrections),
    )


def fit(choices: Sequence[Choice]) -> tuple[float, float]:
    """The likeliest of `ADDITIONS`."""

    def likelihood(additions: tuple[float, float]) -> float:
        return sum(choice.log_likelihood(*additions) for choice in choices)

    on_the_way, not_on_the_way = max(product(*ADDITIONS), key=likelihood)
    return float(on_the_way), float(not_on_the_way)


def describe_rates(choices: Iterable[Choice]) -> str:
    """How often right and other candidates lie on the way, which no score of a network changes."""
    counts = np.zeros((2, 2), dtype=int)
    for choice in choices:
        np.add.at(counts, (choice.is_right.astype(int), choice.is_suggested.astype(int)), 1)
    (others_off, others_on), (right_off, right_on) = counts
    return (
        f"on the way: {right_on} of {right_on + right_off} right ones, {others_on} of {others_on + others_off} others"
    )


def report(choices: Iterable[Choice], on_the_way: float, not_on_the_way: float) -> str:
    """What is done first with wrong sentences, and with right ones."""
    counts = dict.fromkeys(("right step", "wrong step", "touched"), 0)
    totals = {True: 0, False: 0}
    for choice in choices:
        scores = choice.add(on_the_way, not_on_the_way)
        best = int(np.argmax(scores)) if len(scores) else -1
        totals[choice.is_wrong] += 1
        if best >= 0 and scores[best] >= MIN_SCORE:
            name = ("right step" if choice.is_right[best] else "wrong step") if choice.is_wrong else "touched"
            counts[name] += 1
    steps = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f"{on_the_way:5.2f} {not_on_the_way:5.2f}: {steps} of {totals[True]} wrong and {totals[False]} right ones"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--networks", type=Path, required=True, help="the folder of networks that left out the fold")
    parser.add_argument("--fold", type=int, default=0, help="the fold that they left out (%(default)s)")
    parser.add_argument("--limit", type=int, help="fit to so many sentences only")
    arguments = parser.parse_args()
    settings = Settings()
    model = RememberingModel(load_model(settings), settings.llm_model)
    judge = load_judge(settings)
    judge.selection, judge.decision = (
        Network.read(arguments.networks / f"{name}.npz") for name in ("selection", "decision")
    )
    examples = [each for each in read_examples() if fold_of(each.origin) == arguments.fold][: arguments.limit]
    described = [describe_choice(judge, each, model.ask(each.text)) for each in track(examples, "sentences")]
    choices = [each for each in described if each]
    print(f"{len(choices)} of {len(examples)} sentences have a suggestion")
    print(describe_rates(choices))
    print(report(choices, 0, 0))
    print(report(choices, *fit(choices)))


if __name__ == "__main__":
    main()
