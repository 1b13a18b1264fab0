"""Where sentences end, in English and in Chinese punctuation."""

import re
from collections.abc import Sequence
from itertools import pairwise

END_MARKS = ".!?。！？"
CLOSING_MARKS = "\"'”’」』)）"  # quotes and brackets that may close after an end mark

POINT = r"\.(?=\d)"  # of a number, as in 3.5 and .5
SENTENCE = re.compile(rf"(?:[^{END_MARKS}]|{POINT})+[{END_MARKS}]*")  # the last one may have no end mark
SENTENCE_OF_LINE = re.compile(rf"(?:[^{END_MARKS}\n]|{POINT})+[{END_MARKS}]*[{CLOSING_MARKS}]*")  # ends with its line
LAST_WORD = re.compile(rf"[{END_MARKS}]\W*$")


def is_last_word(word: str) -> bool:
    """Whether a sentence ends with this word: it has an end mark, and after that nothing but punctuation."""
    return LAST_WORD.search(word) is not None


def find_sentences(words: Sequence[str]) -> list[range]:
    """The indices of each sentence's words, in their order; those after the last end mark are a sentence too."""
    ends = sorted({*(index + 1 for index, word in enumerate(words) if is_last_word(word)), len(words)})
    return [range(start, end) for start, end in pairwise([0, *ends]) if start < end]


def has_end_mark(text: str) -> bool:
    """Whether the very last character of `text` ends a sentence."""
    return text.endswith(tuple(END_MARKS))
