"""What a checker of sentences must do, and its result."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from pipeline.jobs.results import Edit


@dataclass(frozen=True)
class CheckedSentence:
    """One sentence of an utterance. `edits` count the words of `original`, split at spaces.

    `is_doubtful`: no edit is sure, but one was nearly made, so the sentence is neither corrected nor praised.
    """

    original: str
    corrected: str
    edits: tuple[Edit, ...] = ()
    is_doubtful: bool = False


class Checker(Protocol):
    def check(self, text: str, unclear: Collection[int] = (), suggestion: str = "") -> tuple[CheckedSentence, ...]:
        """The sentences of an English `text`, in their order.

        `unclear`: the words of `text`, split at spaces and counted from 0, that were not heard well. They are never
        edited. `suggestion`: the text as a language model has corrected it, well or badly; "" if none was asked.
        """
