"""What an assignment asks for: a text to be read aloud, target words to be used, instructions, a level."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pipeline.jobs.job import Job
from pipeline.jobs.results import Exchange
from pipeline.levels import Focus, Level, find_focus, find_level
from pipeline.personas import Persona
from pipeline.text.enumeration import join_some
from pipeline.text.statistics import find_used_words

MAX_NAMED_WORDS = 5  # target words that are named of those that were used, and of those that were not
HOMEWORK_ACKNOWLEDGEMENT = "I will keep the homework in mind."


@dataclass(frozen=True)
class Homework:
    """What the assignment of a job asks for; all fields are empty for a job without one."""

    title: str = ""
    instructions: str = ""
    text: str = ""  # to be read aloud
    target_words: tuple[str, ...] = ()
    level_name: str = ""

    @classmethod
    def from_job(cls, job: Job) -> Self:
        if not job.request.assignment:
            return cls()
        details = job.request.details
        title, instructions, text, level = (
            str(details.get(name, "")) for name in ("title", "instructions", "text", "level")
        )
        return cls(title, instructions, text, tuple(str(word) for word in details.get("words", ())), level)

    @property
    def level(self) -> Level:
        return find_level(self.level_name)

    @property
    def focus(self) -> Focus:
        """What the title and the instructions ask to be talked about and explained."""
        return find_focus(f"{self.title} {self.instructions}")

    def describe_word_use(self, texts: Iterable[str]) -> str:
        """Which target words these texts use, and which not, in one or two short sentences; "" without target words."""
        used_words = find_used_words(self.target_words, texts)
        missing_words = [word for word in self.target_words if word not in used_words]
        if used_words and not missing_words:
            return f"You used all the words: {join_some(used_words, MAX_NAMED_WORDS)}."
        used_sentence = f"You used: {join_some(used_words, MAX_NAMED_WORDS)}." if used_words else ""
        missing_sentence = f"Try to use: {join_some(missing_words, MAX_NAMED_WORDS)}."
        return f"{used_sentence} {missing_sentence}".strip() if missing_words else ""

    def as_history(self, persona: Persona) -> list[Exchange]:
        """The homework as a turn before the learner's, for large models only: small ones get worse with more orders.

        Like the learner's words it is data: it follows the persona's part of the prompt, which stays the same.
        """
        level = f"My level is {self.level_name}." if self.level_name else ""
        if not persona.remarks or not (self.instructions or level):
            return []
        task = f"My homework: {self.title} {self.instructions}".strip() if self.instructions else ""
        return [Exchange(" ".join(filter(None, (task, level))), HOMEWORK_ACKNOWLEDGEMENT)]
