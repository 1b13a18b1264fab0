"""What the product's checker makes of the corpus of learners' sentences: mistakes put right, right ones touched.

Run with: python -m benchmarks.teaching.measure [--half fitting|judging] [--limit N] [--kinds] [--wrong]

CPU seconds are those of all threads of this process. F0.5 is measured by ERRANT where it is installed
(`pip install errant`) and the folder of models has the parser; without them it is left out. Of the judging half only
counts are shown: whoever reads its sentences while changing the checker can no longer judge with it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.teaching.corpus import HALVES, CorpusError, Half, is_same, read_half
from benchmarks.teaching.scores import (
    OF_MISTAKES,
    OF_RIGHT,
    PRAISED,
    PUT_RIGHT,
    EditCounts,
    Result,
    check_mistake,
    check_right,
    compare_edits,
    count_by_kind,
    count_outcomes,
    find_quantile,
)
from pipeline.errors import WaijiaoError
from pipeline.settings import Settings
from worker_llm.grammar.checker import Checker

PARSER = "en-core-web-sm"  # the parser's folder among the models
FILE_WIDTH = 140  # columns of the tables where no terminal says how many there are
WARM_UP = "I am here."  # checked first and not counted: what is loaded at the first sentence is not its cost


@dataclass(frozen=True)
class Measurement:
    """The results of a half. `right`: of the right sentences, by the name of their list."""

    mistakes: tuple[Result, ...]
    hard_mistakes: tuple[Result, ...]
    right: dict[str, tuple[Result, ...]]

    @property
    def with_mistakes(self) -> tuple[Result, ...]:
        return self.mistakes + self.hard_mistakes

    @property
    def all_right(self) -> tuple[Result, ...]:
        return tuple(result for results in self.right.values() for result in results)


def measure(checker: Checker, half: Half, advance: Callable[[], object] = lambda: None) -> Measurement:
    """Check every sentence of the half; `advance` is called after each."""
    checker.check(WARM_UP)

    def check(one: Callable[..., Result], sentences: Iterable[object]) -> tuple[Result, ...]:
        results = []
        for sentence in sentences:
            results.append(one(checker, sentence))
            advance()
        return tuple(results)

    mistakes, hard_mistakes = check(check_mistake, half.mistakes), check(check_mistake, half.hard_mistakes)
    return Measurement(mistakes, hard_mistakes, {name: check(check_right, texts) for name, texts in half.right.items()})


def count_edits(results: Iterable[Result], parser_folder: Path) -> EditCounts:
    """ERRANT's counts over sentences with mistakes, each compared with the accepted correction that fits best.

    Differences in case, punctuation and contractions from an accepted correction do not count.
    ImportError without ERRANT, OSError without the parser.
    """
    import errant
    import spacy

    annotator = errant.load("en", spacy.load(parser_folder, exclude=["ner", "senter"]))

    def find_edits(text: str, other: str) -> set[tuple[int, int, str]]:
        pair = annotator.parse(text, tokenise=True), annotator.parse(other, tokenise=True)
        return {(edit.o_start, edit.o_end, edit.c_str) for edit in annotator.annotate(*pair)}

    counts = EditCounts()
    for result in results:
        references = [find_edits(result.text, correction) for correction in result.corrections]
        same = next((each for each in result.corrections if is_same(each, result.corrected)), result.corrected)
        counts += compare_edits(find_edits(result.text, same), references, counts)
    return counts


def show_share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.1f} %)" if total else "0"


def make_table(first: str, outcomes: Sequence[str], rows: Iterable[tuple[str, Counter[str]]]) -> Table:
    table = Table(first, "sentences", *outcomes)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, counts in rows:
        total = counts.total()
        table.add_row(name, str(total), *(show_share(counts[outcome], total) for outcome in outcomes))
    return table


def show(console: Console, measurement: Measurement, with_kinds: bool) -> None:
    lists = (("mistakes", measurement.mistakes), ("hard mistakes", measurement.hard_mistakes))
    console.print(make_table("with mistakes", OF_MISTAKES, ((name, count_outcomes(each)) for name, each in lists)))
    rows = [*measurement.right.items(), ("all", measurement.all_right)]
    console.print(make_table("right sentences", OF_RIGHT, ((name, count_outcomes(each)) for name, each in rows)))
    if with_kinds:
        console.print(make_table("kind", OF_MISTAKES, count_by_kind(measurement.mistakes).items()))
    for name, results in (("with mistakes", measurement.with_mistakes), ("right", measurement.all_right)):
        seconds = [result.cpu_s for result in results]
        console.print(f"CPU s a sentence, {name}: {find_quantile(seconds, 0.5):.2f} median, ", end="")
        console.print(f"{find_quantile(seconds, 0.95):.2f} p95")


def show_errant(console: Console, measurement: Measurement, parser_folder: Path) -> None:
    try:
        counts = count_edits(measurement.with_mistakes, parser_folder)
    except (ImportError, OSError) as error:
        console.print(f"ERRANT: not measured: {error}")
        return
    precision, recall = f"precision {counts.precision:.2f}", f"recall {counts.recall:.2f}"
    console.print(f"ERRANT, sentences with mistakes: F0.5 {counts.f05:.2f} ({precision}, {recall})")


def show_wrong(console: Console, measurement: Measurement) -> None:
    """Each sentence with which something else was done than it should."""
    for result in measurement.with_mistakes:
        if result.outcome != PUT_RIGHT:
            console.print(f"{result.outcome}: {result.text}", highlight=False, markup=False)
            if result.corrected != result.text:
                console.print(f"    became: {result.corrected}", highlight=False, markup=False)
            console.print(f"    accepted: {' | '.join(result.corrections)}", highlight=False, markup=False)
    for result in measurement.all_right:
        if result.outcome != PRAISED:
            change = "" if result.corrected == result.text else f" → {result.corrected}"
            console.print(f"right, but {result.outcome}: {result.text}{change}", highlight=False, markup=False)


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.teaching.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--half", choices=HALVES, default="fitting", help="which half of the corpus (%(default)s)")
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="check only N sentences of each list, evenly spread"
    )
    parser.add_argument("--kinds", action="store_true", help="also count by kind of mistake")
    parser.add_argument("--wrong", action="store_true", help="also list what went wrong; of the fitting half only")
    arguments = parser.parse_args(words)
    if arguments.wrong and arguments.half == "judging":
        parser.error("--wrong is for the fitting half: the sentences of the judging half are not shown")
    return arguments


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a whole number above 0: {text}")
    return int(text)


def load_checker(settings: Settings) -> Checker:
    """The checker that the settings name. Ends the program where there is none, or its model is missing or damaged."""
    from worker_llm.grammar import corrector

    try:
        checker = corrector.load_checker(settings)
    except WaijiaoError as error:
        sys.exit(str(error))
    return checker or sys.exit("the settings name no checker: WAIJIAO_CHECKER is none")


def read_sample(name: str, limit: int | None) -> Half:
    """The half of this name, or `limit` sentences of each list of it. Ends the program where it cannot be read."""
    try:
        half = read_half(name)
    except CorpusError as error:
        sys.exit(str(error))
    return half.sample(limit) if limit else half


def measure_with_progress(checker: Checker, half: Half, label: str) -> Measurement:
    total = len(half.mistakes) + len(half.hard_mistakes) + sum(map(len, half.right.values()))
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total)
        return measure(checker, half, lambda: progress.advance(task))


def main(words: Sequence[str] | None = None) -> None:
    arguments = parse_arguments(words)
    half = read_sample(arguments.half, arguments.limit)
    settings, console = Settings(), Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    measurement = measure_with_progress(load_checker(settings), half, "checking")
    show(console, measurement, arguments.kinds)
    show_errant(console, measurement, settings.models_folder / PARSER)
    if arguments.wrong:
        show_wrong(console, measurement)


if __name__ == "__main__":
    main()
