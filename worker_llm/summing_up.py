"""From a lesson's turns to its summary, made by rule, so that no model can spoil it.

A large model may say in its own words what to work on; that is taken when it is short, plain and about the mistakes.
"""

import re
from itertools import takewhile

from pipeline import personas
from pipeline.jobs.job import Job
from pipeline.jobs.results import Feedback
from pipeline.lessons import Figures, children, figures, turns
from pipeline.personas import Persona
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.text.corrections import FUNCTION_WORDS
from pipeline.text.statistics import Mistake, normalize_words
from worker_llm.engine import Message, Prompt
from worker_llm.feedback import SENTENCE, fitting, joined
from worker_llm.lesson_summary import lasting, main, say, summary
from worker_llm.prompt import as_data

REMARK_CHARS, REMARK_SENTENCES = 300, 4  # of what a large model says, at most
EXAMPLE_CHARS = 120  # characters of a sentence that the model is shown
MARKUP = re.compile(r"[*#<>|`\[\]{}_]|\S+://|^\s*(?:-|\d+[.)])")

ORDER = (
    "You are a kind English teacher, and a lesson is over. From the notes of the student's mistakes, tell the student "
    "in three or four short, easy sentences what to work on. Plain sentences only: no list, no title, no question."
)


class SummingUp:
    """Knows what to ask a language model about a lesson, if anything, and what to make of its answer."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis = connect(settings)

    def asked(self, lesson: Job) -> Prompt | Feedback:
        persona, found = self.persona(lesson), self.figures(lesson)
        if persona.remarks and (mistakes := main(found.mistakes)):
            notes = joined(f"Length: {lasting(found.seconds)}. Mistakes:", *map(note, mistakes))
            return Prompt((Message("system", ORDER), Message("user", as_data(notes))), self.settings.answer_tokens)
        return summary(lesson, found, persona)

    def feedback(self, lesson: Job, reply: str) -> Feedback:
        found = self.figures(lesson)
        return summary(lesson, found, self.persona(lesson), remark(reply, main(found.mistakes)))

    def figures(self, lesson: Job) -> Figures:
        return figures(lesson.segments.duration_s if lesson.segments else 0.0, turns(children(self.redis, lesson)))

    def persona(self, lesson: Job) -> Persona:
        return personas.load(lesson.request.persona, self.settings.personas)


def note(mistake: Mistake) -> str:
    """A mistake as the model is told it, with a sentence in which it was made."""
    shown = next((each.corrected for each in mistake.examples if len(each.corrected) <= EXAMPLE_CHARS), "")
    return f"{say(mistake)} ({mistake.count} times{f', as in: {shown}' if shown else ''});"


def remark(reply: str, mistakes: list[Mistake]) -> str:
    """The reply's whole sentences, up to the first question; "" when it is marked up or about something else."""
    line = " ".join(reply.split())
    whole = (each.strip() for each in SENTENCE.findall(line))
    told = list(takewhile(lambda each: each.endswith((".", "!")), whole))[:REMARK_SENTENCES]
    text = " ".join(fitting(told, REMARK_CHARS))
    right = {word for each in mistakes for word in normalize_words(each.after or each.before)}
    return text if not MARKUP.search(line) and (right - FUNCTION_WORDS or right) & set(normalize_words(text)) else ""
