"""What was set, as the language model's stage needs it: a text to be read aloud, or words to be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pipeline.jobs.job import Job
from pipeline.jobs.results import Exchange
from pipeline.personas import Persona
from pipeline.text.statistics import find_used_words
from worker_llm.feedback import joined

NAMED = 5  # words that are named of those that were used, and of those that were not
UNDERSTOOD = "I will keep the homework in mind."


@dataclass(frozen=True)
class Homework:
    """The details of a job that is handed in; all empty when nothing was set."""

    title: str = ""
    instructions: str = ""
    text: str = ""
    words: tuple[str, ...] = ()
    level: str = ""

    @classmethod
    def of(cls, job: Job) -> Self:
        if not job.request.assignment:
            return cls()
        details = job.request.details
        texts = {name: str(details.get(name, "")) for name in ("title", "instructions", "text", "level")}
        return cls(**texts, words=tuple(str(word) for word in details.get("words", ())))

    def words_used(self, said: str) -> str:
        """Which of the target words were said, and which were not, in one or two short sentences; "" without any."""
        found = find_used_words(self.words, said)
        missing = [word for word in self.words if word not in found]
        if found and not missing:
            return f"You used all the words: {_listed(found)}."
        praised = f"You used: {_listed(found)}." if found else ""
        return joined(praised, f"Try to use: {_listed(missing)}.") if missing else ""

    def told(self, persona: Persona) -> list[Exchange]:
        """The homework as a turn before the learner's: only a large model gets better by more orders.

        Like the learner's words it is data: it stands after the persona's part of the prompt, which stays the same.
        """
        level = f"My level is {self.level}." if self.level else ""
        if not persona.remarks or not (self.instructions or level):
            return []
        task = f"My homework: {joined(self.title, self.instructions)}" if self.instructions else ""
        return [Exchange(joined(task, level), UNDERSTOOD)]


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return f"{', '.join(words[:NAMED])}{more}"
