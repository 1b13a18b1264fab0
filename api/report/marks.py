"""What was heard, word by word: what was corrected, and what was hard to understand."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.jobs.results import Edit, Word
from pipeline.words.edits import WORD
from pipeline.words.mistakes import UNCLEAR
from pipeline.words.reading_aloud import Reading, spoken_words

SAID, WRONG, RIGHT, UNHEARD = "said", "wrong", "right", "unheard"
PUNCTUATED = re.compile(r"^([\W_]*)(.*?)([\W_]*)$", re.DOTALL)


@dataclass(frozen=True)
class Mark:
    """A stretch of text. `kind`: "said"; "wrong", which "right" takes the place of; "unheard", of a text to be read.

    `probability` is that of a word which was hard to understand, else None.
    """

    kind: str
    text: str
    probability: float | None = None


@dataclass(frozen=True)
class Spot:
    """A word and where it stands in its text, in characters; with the blank before it, if any, from `after`."""

    after: int
    start: int
    end: int


def marked(heard: str, edits: Iterable[Edit], words: Sequence[Word] = ()) -> list[Mark]:
    """`heard`, whole, with its edits; `words` are the recogniser's. An edit within another one is left out."""
    spots, doubts, done = _spots(heard), _doubts(heard, words), 0
    marks: list[Mark] = []
    for edit in sorted(edits, key=lambda each: each.at):
        first, last = edit.at
        if not done <= first <= last <= len(spots):
            continue
        marks += _said(heard, spots[done:first], doubts)
        marks += _changed(heard, spots[first:last], edit)
        done = last
    marks += _said(heard, spots[done:], doubts)
    return [mark for mark in marks if mark.text]


def text_marked(text: str, reading: Reading) -> list[Mark]:
    """The text that was to be read; words that were not heard are "unheard"."""
    missed, marks, number, done = set(reading.missed_at), [], 0, 0
    for found in WORD.finditer(text):
        if not spoken_words(found.group()):
            continue
        kind = UNHEARD if number in missed else SAID
        marks += [Mark(SAID, text[done : found.start()]), Mark(kind, found.group())]
        number, done = number + 1, found.end()
    return [mark for mark in [*marks, Mark(SAID, text[done:])] if mark.text]


def _spots(text: str) -> list[Spot]:
    found = list(WORD.finditer(text))
    before = [0, *(each.end() for each in found)]
    return [Spot(after, each.start(), each.end()) for after, each in zip(before, found, strict=False)]


def _said(heard: str, spots: Iterable[Spot], doubts: dict[int, float]) -> Iterator[Mark]:
    for spot in spots:
        yield Mark(SAID, heard[spot.after : spot.start])
        yield Mark(SAID, heard[spot.start : spot.end], doubts.get(spot.start))


def _changed(heard: str, spots: Sequence[Spot], edit: Edit) -> Iterator[Mark]:
    """The punctuation around words that are said otherwise stays where it is."""
    if not spots:
        yield from (Mark(SAID, " "), Mark(RIGHT, edit.after))
        return
    yield Mark(SAID, heard[spots[0].after : spots[0].start])
    known = heard[spots[0].start : spots[-1].end]
    before, wrong, after = PUNCTUATED.match(known).groups() if edit.after else ("", known, "")  # type: ignore[union-attr]
    yield from (Mark(SAID, before), Mark(WRONG, wrong))
    if edit.after:
        yield from (Mark(SAID, " "), Mark(RIGHT, edit.after), Mark(SAID, after))


def _doubts(heard: str, words: Sequence[Word]) -> dict[int, float]:
    """The lowest probability of each word that was hard to understand, by the character at which it starts in `heard`.

    Both are compared without blanks, as far as they are the same: what was typed stands after what was heard, and of
    a transcript that somebody corrected nothing more is known.
    """
    letters = [(letter, word.probability) for word in words for letter in word.word if not letter.isspace()]
    places = [place for place, letter in enumerate(heard) if not letter.isspace()]
    known: dict[int, float] = {}
    for place, (letter, probability) in zip(places, letters, strict=False):
        if heard[place] != letter:
            break
        known[place] = probability
    whole = (spot for spot in _spots(heard) if all(n in known for n in range(spot.start, spot.end)))
    lowest = {spot.start: min(known[place] for place in range(spot.start, spot.end)) for spot in whole}
    return {start: probability for start, probability in lowest.items() if probability < UNCLEAR}
