"""What was heard beside the text that was read aloud, word by word: every difference that an ear can tell.

Case, punctuation, short forms, numbers in digits, compounds written apart, words that sound the same and British or
American spelling make no difference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.words.edits import Piece
from pipeline.words.sounding import Sounds, bare

NEW, EXCHANGED = 3, 4  # what a word costs that is too many or missing, or another one: as in NIST's sclite
DIAGONAL, UP, LEFT = range(3)


@dataclass(frozen=True)
class Stretch:
    """Words heard, at the places `at`, and those of the text in their place, at `text_at`."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    at: tuple[int, int]
    text_at: tuple[int, int]

    @property
    def same(self) -> bool:
        """Whether no ear can tell the difference, with or without short forms written out."""
        before, after = " ".join(self.before), " ".join(self.after)
        said, wanted = Sounds.of(before, after), Sounds.of(after, before)
        return said.joined == wanted.joined or bare(before) == bare(after)

    @property
    def piece(self) -> Piece:
        return Piece(self.before, self.after, self.at)


def align(heard: str, text: str) -> list[Stretch]:
    """Both, stretch by stretch. A word that is read wrong is a stretch by itself where one word stands against it."""
    said, wanted = Sounds.of(heard, text), Sounds.of(text, heard)
    spans = [tuple(zip(start, end, strict=True)) for start, end in pairwise(_borders(said, wanted))]
    return [Stretch(said.words[slice(*at)], wanted.words[slice(*there)], at, there) for at, there in spans]


def _borders(said: Sounds, wanted: Sounds) -> Iterator[tuple[int, int]]:
    """Words of both at which a new stretch begins; the last ones are the ends."""
    heard, there = 0, 0
    for a, c in [*_matches(said.sounds, wanted.sounds), (len(said.sounds), len(wanted.sounds))]:
        between = a - heard if a - heard == c - there else min(a - heard + c - there, 1)
        for step in range(between):
            if said.starts(heard + step) and wanted.starts(there + step):
                yield said.word(heard + step), wanted.word(there + step)
        if a < len(said.sounds) and said.starts(a) and wanted.starts(c):
            yield said.word(a), wanted.word(c)
        heard, there = a + 1, c + 1
    yield len(said.words), len(wanted.words)


def _matches(said: Sequence[str], wanted: Sequence[str]) -> list[tuple[int, int]]:
    """The places of what is the same in both, where as little as can be stands between them.

    In time proportional to the product of their lengths, whatever they say; difflib's is up to its square.
    """
    costs, moves = [NEW * place for place in range(len(wanted) + 1)], []
    for row, sound in enumerate(said, 1):
        before, costs, left = costs, [NEW * row], NEW * row
        move = bytearray([UP])
        for place, other in enumerate(wanted):
            diagonal = before[place] if sound == other else before[place] + EXCHANGED
            up, left = before[place + 1] + NEW, left + NEW
            least = min(diagonal, up, left)
            move.append(LEFT if left == least else UP if up == least else DIAGONAL)  # so that matches are early
            costs.append(left := least)
        moves.append(move)
    return _back(said, wanted, moves)


def _back(said: Sequence[str], wanted: Sequence[str], moves: Sequence[bytearray]) -> list[tuple[int, int]]:
    found, a, c = [], len(said), len(wanted)
    while a and c:
        move = moves[a - 1][c]
        a, c = a - (move != LEFT), c - (move != UP)
        if move == DIAGONAL and said[a] == wanted[c]:
            found.append((a, c))
    return found[::-1]
