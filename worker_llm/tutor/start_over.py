"""A request to start the session over, recognised by its words alone, so that no model can miss or imagine it."""

import re
import unicodedata
from functools import lru_cache

from pipeline.jobs.job import Job
from pipeline.jobs.results import Feedback
from pipeline.personas import Persona

# What people say around a request, without changing it.
WORDS_BEFORE_REQUEST = (
    "please ok okay well so now can could we i want would like to let us 请 請 那 好的 我 们 們 咱 想 要 可以"
)
WORDS_AFTER_REQUEST = "please now again ok 好 吧 啊 吗 嗎 了 可以"
NON_LETTERS = re.compile(r"[\W_]+")


def is_start_over_request(job: Job, utterance: str, persona: Persona) -> bool:
    """Whether the learner asks to start over; not in homework or in a lesson's turn, which have no session."""
    if job.request.assignment or job.request.lesson:
        return False
    transcript = job.transcript.text if job.transcript else ""
    return any(asks_to_start_over(text, persona) for text in (job.request.text, transcript, utterance))


def asks_to_start_over(text: str, persona: Persona) -> bool:
    """True when the whole text is one of the persona's phrases, give or take polite words."""
    return _start_over_pattern(persona.starting_over, persona.name).fullmatch(letters_only(text)) is not None


def confirm_start_over(persona: Persona, utterance: str) -> Feedback:
    answer = persona.started_over
    return Feedback(utterance, corrected=utterance, reply=answer, spoken=answer, reset=True)


def letters_only(text: str) -> str:
    """In lower case, without spaces and punctuation."""
    return NON_LETTERS.sub("", unicodedata.normalize("NFKC", text).lower())


@lru_cache(maxsize=64)
def _start_over_pattern(phrases: tuple[str, ...], persona_name: str) -> re.Pattern[str]:
    before, request, after = (
        "|".join(re.escape(letters_only(word)) for word in words)
        for words in (
            [*WORDS_BEFORE_REQUEST.split(), persona_name],
            phrases,
            [*WORDS_AFTER_REQUEST.split(), persona_name],
        )
    )
    return re.compile(f"(?:{before})*(?:{request})(?:{after})*")
