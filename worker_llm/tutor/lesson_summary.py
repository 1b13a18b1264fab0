"""A lesson's summary that can be spoken: how long it was, the main mistakes, what to practise.

It is made by rule, so that no model can spoil it. A large model may say in its own words what to work on; its remark is
used if it is short, plain and about the mistakes.
"""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import takewhile

from pipeline import personas
from pipeline.jobs.job import Job
from pipeline.jobs.results import Feedback
from pipeline.lessons import LessonFigures, build_turns, compute_figures, read_turn_jobs
from pipeline.personas import Persona
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.text.corrections import FUNCTION_WORDS, MAX_EXPLAINED_EDITS, MAX_EXPLAINED_WORDS
from pipeline.text.sentences import SENTENCE
from pipeline.text.statistics import Mistake, normalize_words
from worker_llm.engine import Message, Prompt
from worker_llm.tutor.feedback import join_texts, strip_unspeakable, take_within
from worker_llm.tutor.prompt import PreparedTurn, sanitize
from worker_llm.tutor.safety import NO_SCHOOL_WORDS, SchoolWords, is_unfit_to_say, load_school_words

MAX_SPOKEN_CHARS = 600  # of a summary: about 40 s of speech
MAX_MISTAKE_CHARS = 80  # of the sentence about one mistake
MAX_REMARK_CHARS, MAX_REMARK_SENTENCES = 300, 4
MAX_EXAMPLE_CHARS = 120  # of a sentence that the model is shown

NOTHING_UNDERSTOOD_TEXT = "I could not understand what you said. Please speak closer to the microphone next time."
NO_MISTAKES_TEXT = "I found nothing to correct."
NOTHING_CHECKED_TEXT = "This time I heard nothing that I could correct."
SOME_CHECKED_TEXT = "I could check {checked} of your {turns} turns, and found nothing to correct in {them}."
SENTENCES_HEADING, WORDS_HEADING = "Now say:", "Practise these words:"

INSTRUCTIONS = (
    "You are a kind English teacher, and a lesson is over. From the notes of the student's mistakes, tell the student "
    "in three or four short, easy sentences what to work on. Plain sentences only: no list, no title, no question."
)
MARKUP = re.compile(r"[*#<>|`\[\]{}_]|\S+://|^\s*(?:-|\d+[.)])")


class LessonSummarizer:
    """What to ask a language model about a lesson, if anything, and the summary made of its reply."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis = connect(settings)

    def prepare(self, lesson: Job) -> PreparedTurn | Feedback:
        """The prompt for a large model, or the summary where none is needed."""
        persona, statistics = self.load_persona(lesson), self.compute_figures(lesson)
        if persona.remarks and (mistakes := choose_main_mistakes(statistics.mistakes)):
            length = f"Length: {format_duration(statistics.seconds)}."
            notes = join_texts(length, "Mistakes:", *map(format_mistake_note, mistakes))
            messages = (Message("system", INSTRUCTIONS), Message("user", sanitize(notes)))
            return PreparedTurn(Prompt(messages, self.settings.answer_tokens), partial(self.make_feedback, lesson))
        return summarize(lesson, statistics, persona)

    def make_feedback(self, lesson: Job, reply: str) -> Feedback:
        """From the model's reply to the prompt."""
        statistics = self.compute_figures(lesson)
        remark = extract_remark(
            reply, choose_main_mistakes(statistics.mistakes), load_school_words(self.settings.safety)
        )
        return summarize(lesson, statistics, self.load_persona(lesson), remark)

    def compute_figures(self, lesson: Job) -> LessonFigures:
        return compute_figures(
            lesson.segments.duration_s if lesson.segments else 0.0, build_turns(read_turn_jobs(self.redis, lesson))
        )

    def load_persona(self, lesson: Job) -> Persona:
        return personas.load(lesson.request.persona, self.settings.personas)


# --- the model's remark ------------------------------------------------------------------------------------------


def format_mistake_note(mistake: Mistake) -> str:
    """A mistake as the model reads it, with a sentence in which it was made."""
    example = next((each.corrected for each in mistake.examples if len(each.corrected) <= MAX_EXAMPLE_CHARS), "")
    return f"{describe_mistake(mistake)} ({mistake.count} times{f', as in: {example}' if example else ''});"


def extract_remark(reply: str, mistakes: list[Mistake], school: SchoolWords = NO_SCHOOL_WORDS) -> str:
    """The reply's whole sentences up to the first question; "" if it has markup or is about something else."""
    line = " ".join(reply.split())
    sentences = (each.strip() for each in SENTENCE.findall(line))
    statements = list(takewhile(lambda sentence: sentence.endswith((".", "!")), sentences))[:MAX_REMARK_SENTENCES]
    text = " ".join(take_within(statements, MAX_REMARK_CHARS))
    words = {word for each in mistakes for word in normalize_words(each.after or each.before)}
    is_sound = not MARKUP.search(line) and not is_unfit_to_say(text, school)
    return text if is_sound and (words - FUNCTION_WORDS or words) & set(normalize_words(text)) else ""


# --- the summary -------------------------------------------------------------------------------------------------


def summarize(lesson: Job, statistics: LessonFigures, persona: Persona, remark: str = "") -> Feedback:
    """Spoken are the lesson's length, the remark or else the main mistakes, and as much of the practice list as fits.

    `explanation` has the mistakes and how often each was made, `reply` the practice list.
    """
    opening = _format_opening(lesson, statistics)
    if not statistics.learner:
        return Feedback("", "", reply=NOTHING_UNDERSTOOD_TEXT, spoken=join_texts(opening, NOTHING_UNDERSTOOD_TEXT))
    if not statistics.mistakes:
        remark = _format_no_mistakes(statistics, persona)
    mistakes = choose_main_mistakes(statistics.mistakes)
    sentences = join_texts(*(f"{describe_mistake(each)}." for each in mistakes))
    summary = join_texts(opening, strip_unspeakable(remark or sentences))
    practice = format_practice(statistics.practice, MAX_SPOKEN_CHARS - len(summary))
    explanation = join_texts(
        *(f"{describe_mistake(each)}{f' ({each.count} times)' if each.count > 1 else ''}." for each in mistakes)
    )
    return Feedback(
        heard="",
        corrected="",
        reply=format_practice(statistics.practice),
        spoken=join_texts(summary, strip_unspeakable(practice)),
        explanation=explanation,
    )


def _format_no_mistakes(statistics: LessonFigures, persona: Persona) -> str:
    """What is said where nothing was corrected; praise only where every turn was checked."""
    checked_count, turn_count = statistics.checked_count, statistics.learner
    if not checked_count:
        return NOTHING_CHECKED_TEXT
    if checked_count < turn_count:
        them = "it" if checked_count == 1 else "them"
        return SOME_CHECKED_TEXT.format(checked=checked_count, turns=turn_count, them=them)
    return join_texts(persona.praise, NO_MISTAKES_TEXT)


def choose_main_mistakes(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """The most frequent ones, as many as are explained after a turn, except those that are too long to be spoken."""
    short_mistakes = (
        each for each in mistakes if max(len(each.before.split()), len(each.after.split())) <= MAX_EXPLAINED_WORDS
    )
    return [each for each in short_mistakes if len(describe_mistake(each)) <= MAX_MISTAKE_CHARS][:MAX_EXPLAINED_EDITS]


def describe_mistake(mistake: Mistake) -> str:
    if not mistake.after:
        return f'Leave out "{mistake.before}"'
    return f'Say "{mistake.after}" instead of "{mistake.before}"' if mistake.before else f'Remember "{mistake.after}"'


def format_practice(practice: Sequence[str], max_chars: int = MAX_SPOKEN_CHARS) -> str:
    """The practice list as text, as much of it as fits. Sentences end with punctuation, single words do not."""
    sentences = [each for each in practice if each.endswith((".", "!", "?"))]
    words = [f'"{each}"' for each in practice if each not in sentences]
    fitting_sentences = list(take_within(sentences, max_chars - len(SENTENCES_HEADING)))
    first = join_texts(SENTENCES_HEADING, *fitting_sentences) if fitting_sentences else ""
    fitting_words = list(take_within(words, max_chars - len(join_texts(first, WORDS_HEADING)) - len(words)))
    return join_texts(first, f"{WORDS_HEADING} {', '.join(fitting_words)}." if fitting_words else "")


def format_duration(seconds: float) -> str:
    """For speech: "1 hour and 5 minutes"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    parts = [f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in ((hours, "hour"), (minutes, "minute")) if n]
    return " and ".join(parts) or "less than a minute"


def _format_opening(lesson: Job, statistics: LessonFigures) -> str:
    """Whose turns they were is known only where the learner has a channel of the recording."""
    times = "once" if statistics.learner == 1 else f"{statistics.learner} times"
    turn_count = "one turn" if statistics.learner == 1 else f"{statistics.learner} turns"
    count = f"You spoke {times}." if lesson.request.details.get("learner") else f"I heard {turn_count}."
    return join_texts(f"Our lesson took {format_duration(statistics.seconds)}.", count if statistics.learner else "")
