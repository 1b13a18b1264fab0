"""The sentence around a correction, as it is quoted where many learners' mistakes are shown."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.jobs.results import Edit, Feedback
from pipeline.words.edits import WORD, Piece, rewritten

BESIDE = 12  # words of a long sentence quoted at each side
SENTENCE_END = re.compile(r"[.!?。！？]\W*$")


@dataclass(frozen=True)
class Example:
    """A sentence, or as much of a long one as stands beside the mistake; the edits' places are counted in `heard`."""

    who: str
    heard: str
    corrected: str
    edits: tuple[Edit, ...]


def quote(who: str, feedback: Feedback, edit: Edit) -> Example:
    """The sentence around an edit, with all its edits."""
    words = list(WORD.finditer(feedback.heard))
    start, end = _sentence([word.group() for word in words], edit.at)
    inside = [each for each in feedback.edits if start <= each.at[0] and each.at[1] <= end]
    moved = tuple(Edit(e.before, e.after, (e.at[0] - start, e.at[1] - start)) for e in inside)
    heard = feedback.heard[words[start].start() : words[end - 1].end()] if start < end else ""
    pieces = list(_pieces(WORD.findall(heard), moved))
    return Example(who, heard, rewritten(pieces, pieces), moved)


def _sentence(words: list[str], at: tuple[int, int]) -> tuple[int, int]:
    """Where the sentence with the words `at` begins and ends, as places in `words`."""
    if not words:
        return 0, 0
    first = min(at[0], len(words) - 1)
    last = max(first, min(at[1], len(words)) - 1)
    ends = [n + 1 for n, word in enumerate(words) if SENTENCE_END.search(word)]
    start = max([0, *(n for n in ends if n <= first)])
    end = min([len(words), *(n for n in ends if n > last)])
    return max(start, first - BESIDE), min(end, last + 1 + BESIDE)


def _pieces(words: list[str], edits: Iterable[Edit]) -> Iterable[Piece]:
    done = 0
    for edit in sorted(edits, key=lambda each: each.at):
        first, last = edit.at
        if done < first:
            yield _kept(words, (done, first))
        yield Piece(tuple(words[first:last]), tuple(WORD.findall(edit.after)), edit.at)
        done = last
    yield _kept(words, (done, len(words)))


def _kept(words: list[str], at: tuple[int, int]) -> Piece:
    same = tuple(words[at[0] : at[1]])
    return Piece(same, same, at)
