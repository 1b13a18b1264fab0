"""Where sentences end, in English and in Chinese punctuation."""

import re

END_MARKS = ".!?。！？"
CLOSING_MARKS = "\"'”’」』)）"  # quotes and brackets that may close after an end mark

POINT = r"\.(?=\d)"  # of a number, as in 3.5 and .5
SENTENCE = re.compile(rf"(?:[^{END_MARKS}]|{POINT})+[{END_MARKS}]*")  # the last one may have no end mark
SENTENCE_OF_LINE = re.compile(rf"(?:[^{END_MARKS}\n]|{POINT})+[{END_MARKS}]*[{CLOSING_MARKS}]*")  # ends with its line
LAST_WORD = re.compile(rf"[{END_MARKS}]\W*$")


def is_last_word(word: str) -> bool:
    """Whether a sentence ends with this word: it has an end mark, and after that nothing but punctuation."""
    return LAST_WORD.search(word) is not None


def has_end_mark(text: str) -> bool:
    """Whether the very last character of `text` ends a sentence."""
    return text.endswith(tuple(END_MARKS))
