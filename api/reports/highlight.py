"""Text in spans that a page highlights: what was corrected, hard to understand, or not read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.jobs.results import Edit, Word
from pipeline.text.corrections import WORD
from pipeline.text.statistics import CLEAR_PROBABILITY, ReadingScore, normalize_words

PLAIN, WRONG, RIGHT, MISREAD, LEFT_OUT, ADDED = "plain", "wrong", "right", "misread", "left_out", "added"
INNER_TEXT = re.compile(r"^([\W_]*)(.*?)([\W_]*)$", re.DOTALL)  # what stands between outer punctuation


@dataclass(frozen=True)
class Span:
    """`kind`: "plain"; "wrong", and "right" in its place.

    Of a text that was read aloud: "misread", a word that was read otherwise; "left_out", one that was not read;
    "added", words that the text does not have.

    `probability` is that of a word which was hard to understand, else None.
    """

    kind: str
    text: str
    probability: float | None = None


@dataclass(frozen=True)
class WordPosition:
    """A word's position in its text, in characters. The space before it, if any, begins at `after`."""

    after: int
    start: int
    end: int


def highlight_corrections(
    text: str, edits: Iterable[Edit], words: Sequence[Word] = (), is_reading: bool = False
) -> list[Span]:
    """The whole `text` with its edits; `words` are the recogniser's. An edit inside another one is left out.

    `is_reading`: something else was to be read aloud. Then words without others in their place were left out or added.
    """
    positions, probabilities, next_index = _word_positions(text), _low_probabilities(text, words), 0
    spans: list[Span] = []
    for edit in sorted(edits, key=lambda edit: edit.at):
        first, last = edit.at
        if not next_index <= first <= last <= len(positions):
            continue
        spans += _plain_spans(text, positions[next_index:first], probabilities)
        spans += _edit_spans(text, positions[first:last], edit, is_reading)
        next_index = last
    spans += _plain_spans(text, positions[next_index:], probabilities)
    return [span for span in spans if span.text]


def highlight_missed(text: str, reading: ReadingScore) -> list[Span]:
    """The whole text that was to be read; words that were not heard are "misread" or "left_out"."""
    kinds = dict.fromkeys(reading.missed_at, MISREAD) | dict.fromkeys(reading.left_out_at, LEFT_OUT)
    spans, index, text_end = [], 0, 0
    for word in WORD.finditer(text):
        if not normalize_words(word.group()):
            continue
        spans += [Span(PLAIN, text[text_end : word.start()]), Span(kinds.get(index, PLAIN), word.group())]
        index, text_end = index + 1, word.end()
    return [span for span in [*spans, Span(PLAIN, text[text_end:])] if span.text]


def _word_positions(text: str) -> list[WordPosition]:
    words = list(WORD.finditer(text))
    previous_ends = [0, *(word.end() for word in words)]
    return [WordPosition(after, word.start(), word.end()) for after, word in zip(previous_ends, words, strict=False)]


def _plain_spans(text: str, positions: Iterable[WordPosition], probabilities: dict[int, float]) -> Iterator[Span]:
    for word in positions:
        yield Span(PLAIN, text[word.after : word.start])
        yield Span(PLAIN, text[word.start : word.end], probabilities.get(word.start))


def _edit_spans(text: str, positions: Sequence[WordPosition], edit: Edit, is_reading: bool) -> Iterator[Span]:
    """The punctuation around words that are replaced stays where it is."""
    if not positions:
        yield from (Span(PLAIN, " "), Span(LEFT_OUT if is_reading else RIGHT, edit.after))
        return
    yield Span(PLAIN, text[positions[0].after : positions[0].start])
    original = text[positions[0].start : positions[-1].end]
    before, wrong, after = ("", original, "")
    if edit.after:
        before, wrong, after = INNER_TEXT.match(original).groups()  # type: ignore[union-attr]  # it matches any text
    yield from (Span(PLAIN, before), Span(ADDED if is_reading and not edit.after else WRONG, wrong))
    if edit.after:
        yield from (
            Span(PLAIN, " "),
            Span(RIGHT if wrong or not is_reading else LEFT_OUT, edit.after),
            Span(PLAIN, after),
        )


def _low_probabilities(text: str, words: Sequence[Word]) -> dict[int, float]:
    """The lowest probability of each word that was hard to understand, by the character at which it starts in `text`.

    Both are compared without spaces, up to the first difference: typed text follows the spoken text, and after a
    difference, as in a transcript that somebody corrected, the probabilities belong to other words.
    """
    letters = [(letter, word.probability) for word in words for letter in word.word if not letter.isspace()]
    offsets = [offset for offset, letter in enumerate(text) if not letter.isspace()]
    probability_by_offset: dict[int, float] = {}
    for offset, (letter, probability) in zip(offsets, letters, strict=False):
        if text[offset] != letter:
            break
        probability_by_offset[offset] = probability
    probability_by_start = {
        word.start: min(probability_by_offset[offset] for offset in range(word.start, word.end))
        for word in _word_positions(text)
        if all(offset in probability_by_offset for offset in range(word.start, word.end))
    }
    return {
        start: probability for start, probability in probability_by_start.items() if probability < CLEAR_PROBABILITY
    }
