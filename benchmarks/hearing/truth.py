"""Which recognised words are those of the text that was read."""

from collections.abc import Sequence
from itertools import islice, product

from pipeline.text.alignment import align
from pipeline.text.corrections import WORD
from worker_asr.clearness.sounds import Reader, split_words

MAX_WORDS = 4  # of a stretch whose sounds are compared


class Truth:
    """Words that sound as those in their place are right, however they are spelt: by `align`, or by hibari's sounds."""

    def __init__(self) -> None:
        self.reader = Reader()

    def find_misheard(self, words: Sequence[str], text: str) -> list[bool]:
        """For each recognised word whether the text has another one in its place, or none.

        A word that the speaker said instead of the text's counts as misheard, though it was heard right.
        """
        heard = " ".join(words)
        wrong = [False] * len(WORD.findall(heard))
        for span in align(heard, text.lower()):
            if not span.sounds_same and not self.have_same_sounds(span.hypothesis, span.reference):
                wrong[slice(*span.hypothesis_at)] = [True] * len(span.hypothesis)
        parts = iter(wrong)
        return [True in list(islice(parts, len(WORD.findall(word)))) for word in words]

    def have_same_sounds(self, words: Sequence[str], others: Sequence[str]) -> bool:
        return bool(words and others) and not self.find_sounds(words).isdisjoint(self.find_sounds(others))

    def find_sounds(self, words: Sequence[str]) -> set[tuple[str, ...]]:
        """The ways to say the words, without the borders between them."""
        parts = split_words(" ".join(words))[: MAX_WORDS + 1]
        if not 0 < len(parts) <= MAX_WORDS:
            return set()
        ways = self.reader.read(parts)
        return {tuple(sound for way in combination for sound in way) for combination in product(*ways)}
