"""What was heard beside the text that was read aloud, word by word: every difference that an ear can tell.

Case, punctuation, short forms, numbers in digits, compounds written apart, words that sound the same and British or
American spelling make no difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from pipeline.edits import Piece
from pipeline.sounding import Sounds, bare


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
    for _, a, b, c, d in SequenceMatcher(None, said.sounds, wanted.sounds, autojunk=False).get_opcodes():
        for step in range(b - a if b - a == d - c else 1):
            if said.starts(a + step) and wanted.starts(c + step):
                yield said.word(a + step), wanted.word(c + step)
    yield len(said.words), len(wanted.words)
