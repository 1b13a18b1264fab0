"""The learner asks to start over: recognised by the words alone, so that no model can miss or imagine it."""

import re
import unicodedata
from functools import lru_cache

from pipeline.jobs.results import Feedback
from pipeline.personas import Persona

# What people say around such a request, without changing it.
BEFORE = "please ok okay well so now can could we i want would like to let us 请 請 那 好的 我 们 們 咱 想 要 可以"
AFTER = "please now again ok 好 吧 啊 吗 嗎 了 可以"
NO_WORD = re.compile(r"[\W_]+")


def wants_to_start_over(text: str, persona: Persona) -> bool:
    """True when the whole utterance is one of the persona's phrases, give or take politeness."""
    return _pattern(persona.starting_over, persona.name).fullmatch(_bare(text)) is not None


def confirmation(persona: Persona, heard: str) -> Feedback:
    said = persona.started_over
    return Feedback(heard, corrected=heard, reply=said, spoken=said, reset=True)


@lru_cache(maxsize=64)
def _pattern(phrases: tuple[str, ...], name: str) -> re.Pattern[str]:
    before, wish, after = (
        "|".join(re.escape(_bare(word)) for word in words)
        for words in ([*BEFORE.split(), name], phrases, [*AFTER.split(), name])
    )
    return re.compile(f"(?:{before})*(?:{wish})(?:{after})*")


def _bare(text: str) -> str:
    """Lower case, without spaces and punctuation."""
    return NO_WORD.sub("", unicodedata.normalize("NFKC", text).lower())
