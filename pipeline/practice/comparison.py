"""How a try compares with what was said before, word by word: which words were heard now, and which were clearer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.jobs.results import ReadingState, ReadWord, Transcript
from pipeline.text.reading import align_reading, place_words

# What changed in a word since it was said before; "" where nothing is known to have become better.
Change = Literal["", "heard", "clearer"]
# A word is clearer when the mean log probability of its sounds grew by CLEARER_BY. From CLEAR on there is nothing to
# gain: experts find such words well said.
CLEARER_BY, CLEAR = 1.0, -1.0
SPOKEN_STATES: frozenset[ReadingState] = frozenset(("said", "not_clear"))  # whose clearness can be compared


@dataclass(frozen=True)
class ReadText:
    """How a text was said: its words and those that were added, none where something else was said.

    `is_measured`: whether the clearness of the words was measured; else only what was recognised is known.
    """

    words: tuple[ReadWord, ...]
    is_measured: bool

    @property
    def words_of_text(self) -> list[ReadWord]:
        return [each for each in self.words if each.state != "added"]


@dataclass(frozen=True)
class ComparedWord:
    """A word of a try, or one that was added, and what changed in it since it was said before."""

    read: ReadWord
    change: Change = ""


def read_text(transcript: Transcript, text: str) -> ReadText:
    """How the text was said in a recording with this transcript."""
    if transcript.reading:
        return ReadText(transcript.reading.words, is_measured=True)
    return recognise_text(transcript.text, text)


def recognise_text(heard: str, text: str) -> ReadText:
    """How the text was said, by the recognised words alone."""
    words = (ReadWord(each.word, each.state) for each in place_words(align_reading(heard, text)))
    return ReadText(tuple(words), is_measured=False)


def compare_words(before: ReadText | None, now: ReadText) -> list[ComparedWord]:
    """The words of `now`, compared with those of the same text `before`; nothing has changed where that is None."""
    words_before: Sequence[ReadWord | None] = before.words_of_text if before else ()
    if len(words_before) != len(now.words_of_text):  # something else was said before
        words_before = [None] * len(now.words_of_text)
    earlier = iter(words_before)
    return [ComparedWord(each, "" if each.state == "added" else find_change(next(earlier), each)) for each in now.words]


def find_change(before: ReadWord | None, now: ReadWord) -> Change:
    """What became better in a word of the text."""
    if before is None or now.state not in SPOKEN_STATES:
        return ""
    if before.state not in SPOKEN_STATES:
        return "heard" if now.state == "said" else ""
    if before.clearness is None or now.clearness is None:
        return ""
    is_no_more_marked = (before.state, now.state) == ("not_clear", "said") and now.clearness > before.clearness
    gained = now.clearness - before.clearness >= CLEARER_BY and before.clearness < CLEAR
    return "clearer" if is_no_more_marked or gained else ""


def rank(read: ReadText) -> tuple[int, float]:
    """Which of several tries is the best: the one with the most words heard, then the one whose words were clearest."""
    words = read.words_of_text
    clearness = [each.clearness for each in words if each.state in SPOKEN_STATES and each.clearness is not None]
    word_count = sum(each.state == "said" for each in words) - sum(each.state == "added" for each in read.words)
    return word_count, sum(clearness) / len(clearness) if clearness else 0.0
