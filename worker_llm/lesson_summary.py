"""A lesson summed up in words that can be spoken: how long it was, the main mistakes, what to say again."""

from collections.abc import Iterable, Sequence

from pipeline.jobs.job import Job
from pipeline.jobs.results import Feedback
from pipeline.lessons import Figures
from pipeline.personas import Persona
from pipeline.text.corrections import MAX_EXPLAINED_EDITS, MAX_EXPLAINED_WORDS
from pipeline.text.statistics import Mistake
from worker_llm.feedback import fitting, joined, speakable

SPOKEN_CHARS = 600  # characters of a summary, about 40 s of speech
MISTAKE_CHARS = 80  # characters of what is said of one mistake

NOT_UNDERSTOOD = "I could not understand what you said. Please speak closer to the microphone next time."
NOTHING_WRONG = "I found nothing to correct."
NOT_CHECKED = "This time I heard nothing that I could correct."
SAY, PRACTISE = "Now say:", "Practise these words:"


def summary(lesson: Job, found: Figures, persona: Persona, remark: str = "") -> Feedback:
    """Spoken are the lesson's length, a remark or else the main mistakes, and as much practice as there is room for.

    `explanation` has the mistakes and how often each was made, `reply` the practice list.
    """
    opening = _opening(lesson, found)
    if not found.learner:
        return Feedback("", "", reply=NOT_UNDERSTOOD, spoken=joined(opening, NOT_UNDERSTOOD))
    if not found.mistakes:
        remark = joined(persona.praise, NOTHING_WRONG) if found.checked else NOT_CHECKED
    mistakes = main(found.mistakes)
    before = joined(opening, speakable(remark or joined(*(f"{say(each)}." for each in mistakes))))
    spoken = joined(before, speakable(practised(found.practice, SPOKEN_CHARS - len(before))))
    why = joined(*(f"{say(each)}{f' ({each.count} times)' if each.count > 1 else ''}." for each in mistakes))
    return Feedback("", "", reply=practised(found.practice), spoken=spoken, explanation=why)


def main(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """The most frequent ones, as many as are explained after a turn, without those that are too long to be said."""
    short = (each for each in mistakes if max(len(each.before.split()), len(each.after.split())) <= MAX_EXPLAINED_WORDS)
    return [each for each in short if len(say(each)) <= MISTAKE_CHARS][:MAX_EXPLAINED_EDITS]


def say(mistake: Mistake) -> str:
    if not mistake.after:
        return f'Leave out "{mistake.before}"'
    return f'Say "{mistake.after}" instead of "{mistake.before}"' if mistake.before else f'Remember "{mistake.after}"'


def practised(practice: Sequence[str], characters: int = SPOKEN_CHARS) -> str:
    """The list in words, as much of it as has room; sentences have an end, single words have none."""
    sentences = [each for each in practice if each.endswith((".", "!", "?"))]
    words = [f'"{each}"' for each in practice if each not in sentences]
    said = list(fitting(sentences, characters - len(SAY)))
    first = joined(SAY, *said) if said else ""
    alone = list(fitting(words, characters - len(joined(first, PRACTISE)) - len(words)))
    return joined(first, f"{PRACTISE} {', '.join(alone)}." if alone else "")


def _opening(lesson: Job, found: Figures) -> str:
    """Who spoke is known where the recording has the learner apart."""
    times = "once" if found.learner == 1 else f"{found.learner} times"
    turns = "one turn" if found.learner == 1 else f"{found.learner} turns"
    heard = f"You spoke {times}." if lesson.request.details.get("learner") else f"I heard {turns}."
    return joined(f"Our lesson took {lasting(found.seconds)}.", heard if found.learner else "")


def lasting(seconds: float) -> str:
    """How long, as it is said: "1 hour and 5 minutes"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    parts = [f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in ((hours, "hour"), (minutes, "minute")) if n]
    return " and ".join(parts) or "less than a minute"
