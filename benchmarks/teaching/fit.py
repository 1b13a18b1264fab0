"""Fits the networks of the judge to the sentences in `fitting/` and to mistakes that are made of them, and writes them.

    python -m benchmarks.teaching.fit [--out FOLDER] [--processes N] [--invented N] [--limit N] [--leave-out FOLD]

Each sentence is a choice between its options and leaving it alone. An option is right if it lies on the way to an
accepted correction. First `selection` is fitted, which says what the language model reads whole; then `decision`, to
what is selected. Five-fold cross-validation tells how well that works on sentences which the weights were not fitted
to: an invented mistake is in the fold of the sentence that it was made of, and only others are counted. What the
language model says of each sentence is kept in build/, since that takes most of the time: two hours of one core.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.teaching import networks
from benchmarks.teaching.corpus import read_half
from benchmarks.teaching.invented import invent_mistakes
from benchmarks.teaching.states import Example, State, describe_states, read_whole
from worker_llm.grammar.corrector import NETWORKS, READ_WHOLE

FOLDS = 5
fit_selection = partial(networks.fit, hidden=16, epochs=3, weight_of_invented=0.5)
fit_first_decision = partial(networks.fit, hidden=32, epochs=5, weight_of_invented=0.5)
fit_last_decision = partial(networks.fit, hidden=32, epochs=2, rate=0.0015)  # without invented mistakes
LEAST_SCORES = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)

Scores = list[NDArray[np.float32]]


def read_examples() -> list[Example]:
    """All sentences of the fitting half, each once, mixed so that any part of them has some of each kind."""
    half = read_half("fitting")
    examples = {
        **{text: Example(text, (), text) for sentences in half.right.values() for text in sentences},
        **{
            each.text: Example(each.text, each.corrections, each.text) for each in (*half.mistakes, *half.hard_mistakes)
        },
    }
    return sorted(examples.values(), key=lambda each: crc32(each.text.encode()))


def compute(function: Callable[..., list[State]], items: Sequence[object], processes: int, what: str) -> list[State]:
    """All states that the function makes of the items, with progress."""
    start, states = time.monotonic(), []
    context = get_context("spawn")  # the threads of CTranslate2 do not live on in a forked process
    with ProcessPoolExecutor(processes, context) as pool:
        for number, result in enumerate(pool.map(function, items, chunksize=8), 1):
            states += result
            if number % 500 == 0 or number == len(items):
                print(f"{what}: {number} of {len(items)}, {time.monotonic() - start:.0f} s", flush=True)
    return states


def select(selection: networks.Trained, states: Sequence[State]) -> list[State]:
    """The states with the options that the language model is to read whole."""
    return [_keep_best(state, scores) for state, scores in zip(states, networks.score(selection, states), strict=True)]


def _keep_best(state: State, scores: NDArray[np.float32]) -> State:
    best = [int(place) for place in np.argsort(-scores, kind="stable")[:READ_WHOLE]]
    right = frozenset(number for number, place in enumerate(best) if place in state.right)
    return replace(state, options=tuple(state.options[place] for place in best), right=right)


def _read_one(state: State) -> list[State]:
    return [read_whole(state)]


def fold_of(origin: str) -> int:
    """The fold of a sentence, and of all that was made of it."""
    return crc32(origin.encode()) % FOLDS


def fit_decision(states: Sequence[State]) -> networks.Trained:
    network = fit_first_decision(states)
    return fit_last_decision([state for state in states if not state.is_invented], start=network)


def cross_validate(states: Sequence[State]) -> tuple[list[State], Scores]:
    """The states that were not invented, and their options' scores by weights that have not seen their origins."""
    tested: list[State] = []
    scores: Scores = []
    for fold in range(FOLDS):
        network = fit_decision([state for state in states if fold_of(state.origin) != fold])
        part = [state for state in states if fold_of(state.origin) == fold and not state.is_invented]
        tested += part
        scores += networks.score(network, part)
        print(f"fold {fold + 1} of {FOLDS} done", flush=True)
    return tested, scores


def report(states: Sequence[State], scores: Scores) -> None:
    print("least score  of mistakes: right step  wrong step | of right sentences: touched")
    wrong = list(_best(states, scores, True))
    right = list(_best(states, scores, False))
    for least in LEAST_SCORES:
        good = sum(value > least and is_right for value, is_right in wrong) / max(1, len(wrong))
        bad = sum(value > least and not is_right for value, is_right in wrong) / max(1, len(wrong))
        touched = sum(value > least for value, _ in right) / max(1, len(right))
        print(f"{least:11.1f} {good:24.1%} {bad:11.1%} {touched:28.1%}")


def _best(states: Iterable[State], scores: Scores, is_wrong: bool) -> Iterator[tuple[float, bool]]:
    """Of each state its best option's score, and whether that option is right."""
    for state, each in zip(states, scores, strict=True):
        if state.is_wrong == is_wrong:
            best = int(np.argmax(each)) if len(each) else -1
            yield float(each[best]) if len(each) else -np.inf, best in state.right


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=NETWORKS, help="the folder where the networks are written")
    parser.add_argument("--processes", type=int, default=2, help="processes that compute candidates")
    parser.add_argument("--invented", type=int, default=7000, help="mistakes that are made of other sentences")
    parser.add_argument("--limit", type=int, help="fit to so many sentences only, to try it out")
    parser.add_argument("--leave-out", type=int, metavar="FOLD", help="fit to the other folds only, to try that one")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    examples = [each for each in read_examples() if fold_of(each.origin) != arguments.leave_out][: arguments.limit]
    examples += invent_mistakes(examples, arguments.invented)
    states = compute(describe_states, examples, arguments.processes, "sentences")
    selection = fit_selection(states)
    has_right = [bool(each.right) for each in select(selection, states) if each.is_wrong and not each.is_invented]
    share = sum(has_right) / max(1, len(has_right))
    print(f"a right option is among the {READ_WHOLE} selected for {share:.1%} of the mistakes", flush=True)
    states = compute(_read_one, select(selection, states), arguments.processes, "states read")
    if arguments.leave_out is None:
        report(*cross_validate(states))
    networks.write(selection, arguments.out / "selection.npz")
    networks.write(fit_decision(states), arguments.out / "decision.npz")
    print(f"selection.npz and decision.npz, fitted to {len(states)} states, are in {arguments.out}")


if __name__ == "__main__":
    main()
