"""The level of a learner in a conversation, which has no homework that states it: as the learner names it."""

import re

from pipeline.levels import NO_LEVEL, Level, find_level
from worker_llm.tutor.study_plan.chinese import simplify

LEVEL_NAME = re.compile(r"\b([abc][12])\b(?! paper)")
DESCRIPTIONS = (  # of learners, and the level that most of them have
    (re.compile(r"\bbeginner|\bprimary school|初学|零基础|小学"), "A1"),
    (re.compile(r"\belementary|\bmiddle school|\bjunior high|初中"), "A2"),
    (re.compile(r"\bintermediate|\bhigh school|高中"), "B1"),
    (re.compile(r"\badvanced|\bfluent\b|高级"), "C1"),
)


def find_level_in_words(*texts: str) -> Level:
    """The level that the texts name or describe, the first of them first; no level if none does."""
    for text in texts:
        words = f"{text.lower()} {simplify(text)}"
        if match := LEVEL_NAME.search(words):
            return find_level(match[1])
        for pattern, name in DESCRIPTIONS:
            if pattern.search(words):
                return find_level(name)
    return NO_LEVEL
