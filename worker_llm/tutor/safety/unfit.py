"""Whether what a language model wrote may be said to a child: a stricter filter than that for learners' own words."""

import re
import tomllib
from functools import cache
from pathlib import Path

from worker_llm.tutor.safety.danger import find_danger
from worker_llm.tutor.safety.normalize import QUOTES, simplified_characters
from worker_llm.tutor.safety.private_details import find_private_details
from worker_llm.tutor.safety.school_words import NO_SCHOOL_WORDS, SchoolWords
from worker_llm.tutor.safety.swearing import contains_swearing

KINDS = ("danger", "sexual", "hate", "politics", "orders", "praise", "personal")


def is_unfit_to_say(text: str, school: SchoolWords = NO_SCHOOL_WORDS) -> bool:
    """Whether a model's sentence has anything of danger, swearing, sex, hate, politics, orders, praise or prying.

    Praise is the teacher's own, given only by the verdict; orders are those of a doctor or lawyer. Right sentences that
    are unfit by an accident of words are the price: a question from the bank takes their place.
    """
    plain = " ".join(text.translate(QUOTES).lower().split())
    english, chinese = unfit_patterns()
    return (
        bool(english.search(plain) or chinese.search(plain.translate(simplified_characters())))
        or contains_swearing(text, school)
        or find_private_details(text)
        or find_danger(text, school) is not None
    )


@cache
def unfit_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What is unfit in English, and in Chinese."""
    table = tomllib.loads(Path(__file__).with_name("unfit.toml").read_text(encoding="utf-8"))
    english = "|".join(table[kind] for kind in KINDS)
    chinese = "|".join(map(re.escape, table["chinese"].split()))
    return re.compile(rf"\b(?:{english})\b"), re.compile(chinese)
