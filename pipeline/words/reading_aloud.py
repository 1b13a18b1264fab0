"""What of a text that was to be read aloud was heard, and which words that were to be used were said."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.words.alignment import align
from pipeline.words.edits import FAMILIES, FREE, QUOTES, WORD

AROUND = re.compile(r"^[\W_]+|[\W_]+$")
DOUBLED = "bdglmnprt"  # letters that are doubled before an ending, as in "stopped" and "running"


@dataclass(frozen=True)
class Reading:
    """The words of a `text`, as `spoken_words` has them; those at the places `missed_at` were not heard."""

    text: tuple[str, ...]
    missed_at: tuple[int, ...] = ()

    @property
    def words(self) -> int:
        return len(self.text)

    @property
    def read(self) -> int:
        return len(self.text) - len(self.missed_at)

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(self.text[place] for place in self.missed_at)

    @property
    def accuracy(self) -> float | None:
        """read / words, in [0, 1]; None where nothing was to be read."""
        return self.read / self.words if self.words else None


def spoken_words(text: str) -> list[str]:
    """The words of a text as they are counted and compared: no case, no punctuation around; Chinese by character."""
    words = (AROUND.sub("", word) for word in WORD.findall(text.translate(QUOTES)))
    return [word.casefold() for word in words if word]


def read(heard: str, text: str) -> Reading:
    """How a text was read aloud: which of its words were heard in their place, as far as an ear can tell."""
    words = tuple(spoken_words(text))
    stretches = align(heard, " ".join(words))
    return Reading(words, tuple(n for each in stretches if not each.same for n in range(*each.text_at)))


def used(words: Iterable[str], said: str) -> tuple[str, ...]:
    """Those of the target words that were said, in any of their forms; each may be a phrase, said without a break."""
    heard = spoken_words(said)
    return tuple(word for word in words if _is_in(heard, [_forms(each) for each in spoken_words(word)]))


def _is_in(heard: list[str], phrase: list[set[str]]) -> bool:
    places = range(len(heard) - len(phrase) + 1) if phrase else ()
    return any(all(heard[at + n] in forms for n, forms in enumerate(phrase)) for at in places)


def _forms(word: str) -> set[str]:
    """A word with the regular endings of English, and its irregular forms as far as they are known."""
    forms = {word, *(word + ending for ending in ("s", "es", "'s", "ed", "ing"))}
    if word.endswith("e"):
        forms |= {word + "d", word[:-1] + "ing"}
    if word.endswith("y"):
        forms |= {word[:-1] + "ies", word[:-1] + "ied"}
    if word.endswith(tuple(DOUBLED)):
        forms |= {word + word[-1] + "ed", word + word[-1] + "ing"}
    return forms.union(*(family for family in FAMILIES if word in family and not family & FREE))
