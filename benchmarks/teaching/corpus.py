"""The corpus of learners' sentences: its two halves, how their files are read, and when two sentences are the same.

Each half is a folder: `fitting`, which thresholds may be fitted on, and `judging`, which only measures. All sentences
were written for this project and may be shipped with it. A line of a file is a sentence, its columns are separated by
tabs, and lines that begin with # say what the columns are.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeVar

FOLDER = Path(__file__).parent
HALVES = ("fitting", "judging")
LEVELS = ("A1", "A2", "B1", "B2", "C1")
KINDS = (
    *("verb_tense_past", "verb_agreement", "be_missing", "be_extra", "do_support", "third_person_question"),
    *("have_age", "there_have", "article_missing", "article_extra", "article_wrong", "plural", "uncountable"),
    *("preposition_missing", "preposition_extra", "preposition_wrong", "pronoun_case", "he_she"),
    *("gerund_infinitive", "modal_form", "perfect", "continuous", "comparative", "word_order", "question_order"),
    *("much_many", "very_verb", "conjunction_double", "missing_subject", "participle_adjective", "word_form"),
    *("negation_double", "possessive"),
)
SEPARATOR = " | "  # of accepted corrections
NOT_OF_WORDS = re.compile(r"[^\w\s']|(?<!\w)'|'(?!\w)|_")
CONTRACTIONS = {  # the end of a word -> what it may stand for
    "n't": (" not",),
    "'m": (" am",),
    "'re": (" are",),
    "'ve": (" have",),
    "'ll": (" will",),
    "'d": (" had", " would"),
    "'s": ("'s", " is"),  # and " has" before a participle
}
WHOLE_CONTRACTIONS = {
    "can't": ("can not",),
    "cannot": ("can not",),
    "won't": ("will not",),
    "shan't": ("shall not",),
    "let's": ("let us",),
}
ADVERBS = {"already", "also", "always", "just", "never", "not", "often", "only", "really", "still"}
IRREGULAR_PARTICIPLES = {
    *("beaten", "become", "been", "begun", "bitten", "bought", "broken", "brought", "built", "caught", "chosen"),
    *("come", "cut", "done", "driven", "drunk", "eaten", "fallen", "felt", "flown", "forgotten", "found", "given"),
    *("gone", "got", "gotten", "grown", "had", "heard", "held", "hidden", "hurt", "kept", "known", "learnt", "left"),
    *("lost", "made", "met", "paid", "put", "read", "ridden", "run", "said", "seen", "sent", "shown", "slept"),
    *("sold", "spoken", "stolen", "sung", "swum", "taken", "taught", "thought", "told", "won", "worn", "written"),
}

Item = TypeVar("Item")


class CorpusError(ValueError):
    """A file of the corpus is missing, or a line of it has not the columns that it should have."""


@dataclass(frozen=True)
class Mistake:
    """A sentence with one mistake or two, the first of which is of `kind`; `corrections`: all that are accepted."""

    text: str
    corrections: tuple[str, ...]
    kind: str = ""
    level: str = ""


@dataclass(frozen=True)
class Half:
    """The sentences of one half. `right`: the right ones by the name of their list: tricky, plain, hard …"""

    mistakes: tuple[Mistake, ...]
    hard_mistakes: tuple[Mistake, ...]
    right: dict[str, tuple[str, ...]]

    def sample(self, limit: int) -> "Half":
        """At most `limit` sentences of each list, spread evenly over it."""
        right = {name: _spread(sentences, limit) for name, sentences in self.right.items()}
        return Half(_spread(self.mistakes, limit), _spread(self.hard_mistakes, limit), right)


def _spread(items: tuple[Item, ...], limit: int) -> tuple[Item, ...]:
    if len(items) <= limit:
        return items
    return tuple(items[number * len(items) // limit] for number in range(limit))


def read_half(name: str, folder: Path = FOLDER) -> Half:
    """The half of this name. CorpusError when it is not there, or a line is malformed: with its file and number."""
    half = folder / name
    mistakes = tuple(_to_mistake(*row) for path in _paths(half, "mistakes.txt") for row in _rows(path))
    hard = [_to_hard(*row) for row in _rows(half / "hard.txt")]
    right = {
        path.stem.removeprefix("right_"): tuple(_to_right(*row) for row in _rows(path))
        for path in _paths(half, "right_tricky.txt", "right_plain.txt")
    }
    right["hard"] = tuple(sentence for sentence in hard if isinstance(sentence, str))
    return Half(mistakes, tuple(sentence for sentence in hard if isinstance(sentence, Mistake)), right)


def _paths(folder: Path, *names: str) -> list[Path]:
    """These files, which must be there, and those that add to them: mistakes_more.txt, right_more.txt."""
    required = [folder / name for name in names]
    beginning = names[0].removesuffix(".txt").partition("_")[0]
    return required + sorted({*folder.glob(f"{beginning}_*.txt")} - {*required})


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Where each line of the file stands, and its columns."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise CorpusError(f"{path} is missing") from error
    for number, line in enumerate(lines, 1):
        if not line.startswith("#"):
            yield f"{path}:{number}", line.split("\t")


def _to_mistake(where: str, columns: list[str]) -> Mistake:
    if len(columns) != 4 or not all(columns):
        raise CorpusError(f"{where}: level, kind, sentence and corrections are needed, separated by tabs")
    level, kind, text, corrections = columns
    if level not in LEVELS or kind not in KINDS:
        raise CorpusError(f"{where}: no such level or kind: {level}, {kind}")
    return Mistake(text, tuple(corrections.split(SEPARATOR)), kind, level)


def _to_hard(where: str, columns: list[str]) -> str | Mistake:
    match columns:
        case ["right", text]:
            return text
        case ["wrong", text, corrections] if corrections:
            return Mistake(text, tuple(corrections.split(SEPARATOR)))
    raise CorpusError(f"{where}: either right and a sentence, or wrong, a sentence and corrections are needed")


def _to_right(where: str, columns: list[str]) -> str:
    if len(columns) != 1 or not columns[0].strip():
        raise CorpusError(f"{where}: one sentence is needed, without tabs")
    return columns[0]


def forms(text: str) -> frozenset[tuple[str, ...]]:
    """The words of a text in every reading of its contractions, without case, punctuation and hyphens.

    "He's late!" is he is late or he's late, "He's gone." also he has gone.
    """
    words = NOT_OF_WORDS.sub(" ", text.lower().replace("’", "'").replace("‘", "'")).split()
    readings = (_readings(word, words[place + 1 :]) for place, word in enumerate(words))
    return frozenset(tuple(" ".join(reading).split()) for reading in product(*readings))


def _readings(word: str, rest: Sequence[str]) -> tuple[str, ...]:
    """What a word may stand for before the rest of its sentence."""
    if word in WHOLE_CONTRACTIONS:
        return WHOLE_CONTRACTIONS[word]
    for end, meanings in CONTRACTIONS.items():
        if word.endswith(end) and word != end:
            has = (" has",) if end == "'s" and _is_participle_next(rest) else ()
            return tuple(word.removesuffix(end) + meaning for meaning in (*meanings, *has))
    return (word,)


def _is_participle_next(words: Sequence[str]) -> bool:
    following = next((word for word in words if word not in ADVERBS), "")
    return following in IRREGULAR_PARTICIPLES or following.endswith("ed")


def is_same(text: str, other: str) -> bool:
    """Whether two texts differ in nothing but case, punctuation and contractions."""
    return not forms(text).isdisjoint(forms(other))


def count_differences(text: str, other: str) -> int:
    """How many words must be put in, left out or replaced to make one text the other; contractions as in `is_same`."""
    return min(_distance(one, another) for one in forms(text) for another in forms(other))


def _distance(words: tuple[str, ...], others: tuple[str, ...]) -> int:
    row = list(range(len(others) + 1))
    for number, word in enumerate(words, 1):
        above = row
        row = [number]
        for place, other in enumerate(others):
            row.append(min(above[place] + (word != other), above[place + 1] + 1, row[place] + 1))
    return row[-1]
