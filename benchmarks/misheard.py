"""How often the teacher is right when it asks whether it heard right, marks a word as unclear, or praises.

Run with: python -m benchmarks.misheard FOLDER [--speakers SCORES] [--limit N] [--fit]

FOLDER is one of speechocean762, of which only the training half is read, or has a `learners.json` and ID.wav for each
`id` and `text` in it. Whisper base recognises each recording as in a talk; a word is misheard when the text has no word
that sounds the same in its place. With --speakers, only the speakers of SCORES are used: the clearness of words was
trained without them (see benchmarks.clearness.train). Each word is judged by rules that were fitted without its
speaker, unless --shipped asks for those of pipeline/text/misheard.py; --fit writes these. Intervals are 95 %, over
speakers. What was heard is kept in a file.
"""

import argparse
import re
import sys
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.clearness.corpus import read_lines, speaker_of
from benchmarks.clearness.scores import area_under_curve, interval, share
from benchmarks.hearing.gates import (
    FIGURES,
    Gate,
    JudgedRecordings,
    fit_rule,
    fitted_estimates,
    gate_by,
    judge_recordings,
    old_gate,
    shipped_estimates,
)
from benchmarks.hearing.recordings import hear_all, read_utterances
from pipeline.errors import WaijiaoError
from pipeline.text import misheard

CACHE = Path("build/heard.jsonl")
RULE_NAMES = {"sounds": "BY_SOUNDS", "probability": "BY_PROBABILITY"}
MIN_FOUND = 10  # words that are found before a precision counts
CURVE = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9)  # precisions at which the recall is shown


def show_gates(data: JudgedRecordings, gates: dict[str, Gate], console: Console) -> None:
    """Precision and recall of each gate's marks, questions and praise."""
    table = Table("", *gates)
    wrong, has_wrong = data.misheard, data.has_misheard
    by_word, by_turn = data.word_speakers, data.turn_speakers

    def add(label: str, figure: Callable[[Gate, np.ndarray], float], speakers: np.ndarray) -> None:
        cells = []
        for gate in gates.values():
            low, high = interval(partial(figure, gate), speakers)
            cells.append(f"{figure(gate, np.arange(len(speakers))):.2f} ({low:.2f} to {high:.2f})")
        table.add_row(label, *cells)

    add("words marked as unclear", lambda gate, at: float(gate.unclear[at].mean()), by_word)
    add("  misheard of these", lambda gate, at: share(wrong[at], gate.unclear[at]), by_word)
    add("  marked of the misheard", lambda gate, at: share(gate.unclear[at], wrong[at]), by_word)
    add("turns asked about", lambda gate, at: float(gate.asked[at].mean()), by_turn)
    add("  with a misheard word of these", lambda gate, at: share(has_wrong[at], gate.asked[at]), by_turn)
    add("  asked of those with one", lambda gate, at: share(gate.asked[at], has_wrong[at]), by_turn)
    add("turns that may be praised", lambda gate, at: float(gate.praised[at].mean()), by_turn)
    add("  with a misheard word of these", lambda gate, at: share(has_wrong[at], gate.praised[at]), by_turn)
    add("  praised of those without", lambda gate, at: share(gate.praised[at], ~has_wrong[at]), by_turn)
    console.print(table)


def show_curve(data: JudgedRecordings, estimates: dict[str, np.ndarray], console: Console) -> None:
    """For each rule: how many of the misheard words are found at these precisions."""
    table = Table("words, by", "AUC", *(f"precision {each}" for each in CURVE))
    for name, values in estimates.items():
        order = np.argsort(-values, kind="stable")
        hits = np.cumsum(data.misheard[order])
        precision = hits / np.arange(1, len(order) + 1)
        cells = []
        for limit in CURVE:
            reached = np.flatnonzero((precision >= limit) & (hits >= MIN_FOUND))
            last = reached[-1] if len(reached) else None
            cells.append("never" if last is None else f"{hits[last] / hits[-1]:.2f} from {values[order[last]]:.2f}")
        table.add_row(name, f"{area_under_curve(values, data.misheard):.3f}", *cells)
    console.print(table)


def write_rules(data: JudgedRecordings, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for name, variable in RULE_NAMES.items():
        numbers = ", ".join(str(each) for each in list(vars(fit_rule(data, name)).values())[: FIGURES[name] + 1])
        text = re.sub(rf"^{variable} = .*$", f"{variable} = MisheardRule({numbers})", text, flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")


def main(arguments: argparse.Namespace) -> None:
    utterances = read_utterances(arguments.folder)
    if arguments.speakers:
        speakers = {speaker_of(line.split("\t")[0]) for line in read_lines(arguments.speakers)}
        utterances = [each for each in utterances if each.speaker in speakers]
    np.random.default_rng(0).shuffle(utterances)
    recordings = list(hear_all(islice(utterances, arguments.limit), arguments.cache))
    data = judge_recordings(recordings)
    estimate = shipped_estimates if arguments.shipped else fitted_estimates
    estimates = {name: estimate(data, name) for name in FIGURES}
    console = Console(width=None if sys.stdout.isatty() else 140)
    count = len(np.unique(data.turn_speakers))
    console.print(f"{len(recordings)} recordings, {len(data.recordings)} with English words, of {count} speakers;")
    console.print(f"{len(data.misheard)} words, {data.misheard.mean():.1%} of them misheard,", end=" ")
    console.print(f"in {data.has_misheard.mean():.1%} of these recordings at least one")
    show_curve(data, estimates, console)
    show_gates(
        data, {"before": old_gate(data)} | {name: gate_by(data, each) for name, each in estimates.items()}, console
    )
    if arguments.fit:
        write_rules(data, Path(misheard.__file__))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speakers", type=Path, metavar="SCORES", help="a file whose speakers alone are used")
    parser.add_argument("--limit", type=int, metavar="N", help="only so many recordings, chosen by chance")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="FILE", help="what was heard (%(default)s)")
    parser.add_argument("--shipped", action="store_true", help="judge by the rules as they are")
    parser.add_argument("--fit", action="store_true", help="write the rules, fitted to all of these recordings")
    try:
        main(parser.parse_args())
    except (WaijiaoError, OSError) as error:
        parser.exit(1, f"{error}\n")
