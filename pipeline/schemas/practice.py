"""The JSON of the API's responses about tries: a learner says the better sentence of a job again."""

from typing import Literal

from pydantic import Field

from pipeline.jobs.results import ReadingState
from pipeline.practice.comparison import Change
from pipeline.schemas.jobs import Id, JobError, Practice, ResponseModel, Seconds, State, Timestamp


class TriedWord(ResponseModel):
    """A word of the sentence, or one that was added to it.

    `state` and `weakest` are those of a reading. `change`: `heard`, where it was not recognised before; `clearer`,
    where its sounds are much more probable than before; empty where nothing is known to have become better.
    """

    word: str
    state: ReadingState
    change: Change
    start: Seconds | None
    end: Seconds | None
    weakest: str


class Try(ResponseModel):
    """One recording of the sentence; `number` counts from 1. `words` is empty where something else was said.

    `measured`: whether the clearness of its words was measured. If not, only what was recognised is compared.
    """

    number: int
    job: Id
    state: State
    error: JobError | None
    created_at: Timestamp
    duration_s: Seconds | None
    heard: str | None = Field(description="what was recognised")
    measured: bool
    compared_with: Literal["recording", "try"] | None = Field(
        description="the learner's first recording, or the try before this one; null without either"
    )
    words: list[TriedWord]
    praise: dict[str, str] = Field(description="what became better, in `en` and `zh`: facts, and no score")
    recording: str | None = Field(description="where it can be heard; null where it is not kept")


class Tries(ResponseModel):
    """All tries of a job. `left`: how many more are accepted; `best` and `last`: their jobs, null without any."""

    practice: Practice
    left: int
    best: Id | None
    last: Id | None
    tries: list[Try]


class KeptTry(ResponseModel):
    """The best or the last try of homework; its words are compared with the first recording, else with the first try.

    `words_said`: how many words of the sentence have the state `said`; `heard`: what was recognised.
    """

    number: int
    job: Id
    measured: bool
    words: list[TriedWord]
    words_said: int
    heard: str
    recording: str | None


class TriesSummary(ResponseModel):
    """How a student said the better sentence of homework again: `count` tries in which something was heard."""

    sentence: str
    sentence_words: int
    count: int
    best: KeptTry
    last: KeptTry
