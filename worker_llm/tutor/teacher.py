"""The teacher of a session: what to ask the language model about a turn, and the feedback made of its reply.

Homework is a text to be read aloud, or target words to be used. A request to start over is recognised here, by its
words alone, so that no model can miss or imagine it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from pipeline import personas
from pipeline.jobs.job import Job
from pipeline.jobs.listing import turns
from pipeline.jobs.results import Exchange, Feedback
from pipeline.personas import Persona
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.text.enumeration import join_some
from pipeline.text.statistics import find_clear_texts, find_used_words
from worker_llm.engine import Prompt
from worker_llm.tutor.feedback import build_feedback, join_texts
from worker_llm.tutor.prompt import as_exchange, compose
from worker_llm.tutor.read_aloud import ReadingAttempt, ask_to_read, build_reading_feedback, choose_passage

MAX_NAMED_WORDS = 5  # target words that are named of those that were used, and of those that were not
HOMEWORK_ACKNOWLEDGEMENT = "I will keep the homework in mind."

# What people say around a request to start over, without changing it.
WORDS_BEFORE_REQUEST = (
    "please ok okay well so now can could we i want would like to let us 请 請 那 好的 我 们 們 咱 想 要 可以"
)
WORDS_AFTER_REQUEST = "please now again ok 好 吧 啊 吗 嗎 了 可以"
NON_LETTERS = re.compile(r"[\W_]+")


class Teacher:
    """Teaches with any language model, whose tokens `count_tokens` counts."""

    def __init__(self, settings: Settings, count_tokens: Callable[[str], int]) -> None:
        self.settings, self.count_tokens = settings, count_tokens
        self.redis = connect(settings)

    def build_warmup_prompt(self) -> Prompt:
        """A prompt with the default persona, which most prompts begin with."""
        return compose(self.load_persona(self.settings.persona), [], "Hello.", self.settings, self.count_tokens)

    def prepare(self, job: Job) -> Prompt | Feedback:
        """The prompt for the language model, or the feedback where none is needed."""
        persona = self.load_persona(job.request.persona)
        homework, utterance = Homework.from_job(job), get_utterance(job)
        if homework.text:
            return self._prepare_reading(ReadingAttempt(utterance, homework.text), persona)
        if is_start_over_request(job, persona):
            return confirm_start_over(persona, utterance)
        if is_in_other_language(job, persona):
            return Feedback(utterance, corrected=utterance, reply="", spoken="")
        history = [*homework.as_history(persona), *self.load_history(job)]
        return compose(persona, history, utterance, self.settings, self.count_tokens)

    def _prepare_reading(self, attempt: ReadingAttempt, persona: Persona) -> Prompt | Feedback:
        if attempt.is_other_text:
            return ask_to_read(attempt)
        return compose(persona, [], choose_passage(attempt.text), self.settings, self.count_tokens)

    def load_history(self, job: Job) -> list[Exchange]:
        """The session's earlier turns that were answered, oldest first; failed turns between them are skipped.

        Three times as many turns are read as the model sees, since some may have failed, and up to `history_turns`
        more: so the first turn that is read stays the same for as many turns, as the prompt's cache needs it.
        """
        request, max_turns = job.request, self.settings.history_turns
        max_jobs = 3 * max_turns + (job.seq % max_turns if max_turns else 0)
        earlier = turns(self.redis, request.tenant, request.conversation, job.seq, max_jobs)
        return [as_exchange(each.feedback, each.seq) for each in earlier if each.feedback and not each.feedback.reset]

    def make_feedback(self, job: Job, reply: str) -> Feedback:
        """From the model's reply to the prompt."""
        persona = self.load_persona(job.request.persona)
        homework, utterance = Homework.from_job(job), get_utterance(job)
        if homework.text:
            return build_reading_feedback(ReadingAttempt(utterance, homework.text), reply, persona)
        texts = find_clear_texts(job.transcript, job.request.text, job.request.said)
        return build_feedback(utterance, reply, persona, homework.describe_word_use(texts))

    def load_persona(self, name: str) -> Persona:
        return personas.load(name, self.settings.personas)


def get_utterance(job: Job) -> str:
    """The learner's own words where they mended the transcript; else the transcript, followed by the typed text."""
    if job.request.said:
        return job.request.said
    transcript = job.transcript.text if job.transcript else ""
    return f"{transcript} {job.request.text}".strip()


def is_in_other_language(job: Job, persona: Persona) -> bool:
    """Whether a lesson's turn is in another language than the taught one, as when something is explained."""
    if job.request.task != "turn" or job.transcript is None:
        return False
    return job.transcript.language != persona.languages[0]


# --- homework ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Homework:
    """What the assignment of a job asks for; all fields are empty for a job without one."""

    title: str = ""
    instructions: str = ""
    text: str = ""  # to be read aloud
    target_words: tuple[str, ...] = ()
    level: str = ""

    @classmethod
    def from_job(cls, job: Job) -> Self:
        if not job.request.assignment:
            return cls()
        details = job.request.details
        texts = {name: str(details.get(name, "")) for name in ("title", "instructions", "text", "level")}
        return cls(**texts, target_words=tuple(str(word) for word in details.get("words", ())))

    def describe_word_use(self, texts: Iterable[str]) -> str:
        """Which target words these texts use, and which not, in one or two short sentences; "" without target words."""
        used_words = find_used_words(self.target_words, texts)
        missing_words = [word for word in self.target_words if word not in used_words]
        if used_words and not missing_words:
            return f"You used all the words: {join_some(used_words, MAX_NAMED_WORDS)}."
        used_sentence = f"You used: {join_some(used_words, MAX_NAMED_WORDS)}." if used_words else ""
        missing_sentence = f"Try to use: {join_some(missing_words, MAX_NAMED_WORDS)}."
        return join_texts(used_sentence, missing_sentence) if missing_words else ""

    def as_history(self, persona: Persona) -> list[Exchange]:
        """The homework as a turn before the learner's, for large models only: small ones get worse with more orders.

        Like the learner's words it is data: it follows the persona's part of the prompt, which stays the same.
        """
        level = f"My level is {self.level}." if self.level else ""
        if not persona.remarks or not (self.instructions or level):
            return []
        task = f"My homework: {join_texts(self.title, self.instructions)}" if self.instructions else ""
        return [Exchange(join_texts(task, level), HOMEWORK_ACKNOWLEDGEMENT)]


# --- starting over -----------------------------------------------------------------------------------------------


def is_start_over_request(job: Job, persona: Persona) -> bool:
    """Whether the learner asks to start over; not in homework or in a lesson's turn, which have no session."""
    if job.request.assignment or job.request.lesson:
        return False
    transcript = job.transcript.text if job.transcript else ""
    return any(asks_to_start_over(text, persona) for text in (job.request.text, transcript, get_utterance(job)))


def asks_to_start_over(text: str, persona: Persona) -> bool:
    """True when the whole text is one of the persona's phrases, give or take polite words."""
    return _start_over_pattern(persona.starting_over, persona.name).fullmatch(_letters_only(text)) is not None


def confirm_start_over(persona: Persona, utterance: str) -> Feedback:
    answer = persona.started_over
    return Feedback(utterance, corrected=utterance, reply=answer, spoken=answer, reset=True)


@lru_cache(maxsize=64)
def _start_over_pattern(phrases: tuple[str, ...], persona_name: str) -> re.Pattern[str]:
    before, request, after = (
        "|".join(re.escape(_letters_only(word)) for word in words)
        for words in (
            [*WORDS_BEFORE_REQUEST.split(), persona_name],
            phrases,
            [*WORDS_AFTER_REQUEST.split(), persona_name],
        )
    )
    return re.compile(f"(?:{before})*(?:{request})(?:{after})*")


def _letters_only(text: str) -> str:
    """In lower case, without spaces and punctuation."""
    return NON_LETTERS.sub("", unicodedata.normalize("NFKC", text).lower())
