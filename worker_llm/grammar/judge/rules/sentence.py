"""A sentence as the rules see it."""

from collections.abc import Callable, Iterator, Sequence

from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.sentence import Word

FINITE_TAGS = {"VBZ", "VBP", "VBD", "MD"}
NOUN_TAGS = {"NN", "NNS", "NNP", "NNPS"}


class Sentence:
    """Words with what the rules ask of them."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.lower = [word.lower for word in words]
        self.text = " ".join(self.lower)
        self.is_question = bool(words) and "?" in words[-1].after

    def before(self, index: int, skip: frozenset[str] = sets.FREQUENCY_ADVERBS) -> int:
        """The place before `index`, adverbs and "not" passed over; -1 at the start or across a mark."""
        place = index - 1
        while place >= 0 and (self.lower[place] in skip or self.lower[place] == "not") and not self.words[place].after:
            place -= 1
        return -1 if place < 0 or self.words[place].after else place

    def word_before(self, index: int) -> str:
        place = self.before(index)
        return self.lower[place] if place >= 0 else ""

    def is_finite(self, index: int) -> bool:
        return self.words[index].tag in FINITE_TAGS


Rule = Callable[[Sentence], Iterator[str]]
