"""How much danger is recognised, and how often an ordinary sentence is taken for it.

    python -m benchmarks.teaching.safety [--half fitting|judging]

The sentences of the judging half, in `spoken/`, were written by somebody who did not know the rules: mend no rule by
them, or they measure nothing any more. Those of the fitting half are what the rules were mended by, so the rules do
better on them than on others. Both are counted, not shown.
"""

import argparse
from collections import Counter
from collections.abc import Sequence

from benchmarks.teaching.corpus import FOLDER
from worker_llm.tutor.safety import find_danger

# The files of each half: dangerous sentences, and ordinary ones.
FILES = {
    "fitting": ("fitting/safety_danger.txt", "fitting/safety_ordinary.txt"),
    "judging": ("spoken/danger.txt", "spoken/ordinary.txt"),
}


def read_rows(name: str) -> list[list[str]]:
    """The columns of each line of a file of this folder; the last one is the sentence."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]


def count_alarms(name: str) -> Counter[str]:
    """How many sentences there are, need an adult, and get sympathy."""
    dangers = [find_danger(row[-1]) for row in read_rows(name)]
    alarms = sum(danger is not None and danger.needs_an_adult for danger in dangers)
    return Counter(sentences=len(dangers), alarms=alarms, sympathy=len(dangers) - dangers.count(None) - alarms)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.safety")
    parser.add_argument("--half", choices=tuple(FILES), default="judging", help="whose sentences (%(default)s)")
    half = parser.parse_args(words).half
    for name, meaning in zip(FILES[half], ("dangerous, found", "ordinary, false alarms"), strict=True):
        counts = count_alarms(name)
        share = counts["alarms"] / counts["sentences"]
        print(f"{meaning}: {counts['alarms']} of {counts['sentences']} ({share:.1%}); sympathy: {counts['sympathy']}")


if __name__ == "__main__":
    main()
