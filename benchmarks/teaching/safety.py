"""How much danger is recognised, and how often an ordinary sentence is taken for it.

    python -m benchmarks.teaching.safety

The sentences in `spoken/` were written by somebody who did not know the rules, and the rules were not changed after
them: mend no rule by them, or they measure nothing any more. They are counted, not shown.
"""

from collections import Counter

from benchmarks.teaching.corpus import FOLDER
from worker_llm.tutor.safety import find_danger


def read_rows(name: str) -> list[list[str]]:
    """The columns of each line of a file in `spoken/`; the last one is the sentence."""
    lines = (FOLDER / "spoken" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]


def count_alarms(name: str) -> Counter[str]:
    """How many sentences there are, need an adult, and get sympathy."""
    dangers = [find_danger(row[-1]) for row in read_rows(name)]
    alarms = sum(danger is not None and danger.needs_an_adult for danger in dangers)
    return Counter(sentences=len(dangers), alarms=alarms, sympathy=len(dangers) - dangers.count(None) - alarms)


def main() -> None:
    for name, meaning in (("danger", "dangerous, found"), ("ordinary", "ordinary, false alarms")):
        counts = count_alarms(name)
        share = counts["alarms"] / counts["sentences"]
        print(f"{meaning}: {counts['alarms']} of {counts['sentences']} ({share:.1%}); sympathy: {counts['sympathy']}")


if __name__ == "__main__":
    main()
