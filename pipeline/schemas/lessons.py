"""The JSON that the API answers with about lessons, as types."""

from pydantic import Field

from pipeline.jobs.results import Speaker
from pipeline.schemas.jobs import (
    Edit,
    Feedback,
    Gap,
    Id,
    JobError,
    ResponseModel,
    Seconds,
    Segment,
    State,
    Timestamp,
    Verdict,
    Word,
)


class LessonCount(ResponseModel):
    """How many turns were found so far, and how many of them have ended."""

    turns: int
    done: int


class LessonProgress(LessonCount):
    """How many of those that ended failed; `eta_seconds` until the lesson has ended, null without an estimate."""

    failed: int
    eta_seconds: Seconds | None


class LessonListEntry(ResponseModel):
    """A lesson as one of many. `state` is that of its job; `duration_s` is known once the recording is segmented."""

    id: Id
    state: State
    title: str
    file: str
    class_name: str
    persona: str
    learner: Speaker
    owner: str | None
    created_at: Timestamp
    updated_at: Timestamp
    deadline_at: Timestamp
    duration_s: Seconds | None
    progress: LessonCount
    error: JobError | None
    metadata: dict[str, str]
    links: dict[str, str]


class LessonList(ResponseModel):
    """A page of lessons, newest first; `next` is the cursor of the page after it, null when there is none."""

    lessons: list[LessonListEntry]
    next: str | None


class LessonSpeaker(ResponseModel):
    """Who speaks: the channel, "" where the recording does not separate speakers; how many turns, and for how long."""

    speaker: Speaker
    learner: bool
    turns: int
    seconds: Seconds


class LessonChapter(ResponseModel):
    """A stretch of the lesson, in seconds from its start; the title is what was said first in it."""

    title: str
    start: Seconds
    end: Seconds


class LessonExample(ResponseModel):
    """A sentence of a turn, with its corrections."""

    turn: int
    heard: str
    corrected: str
    edits: list[Edit]


class LessonMistake(ResponseModel):
    """Corrected `count` times: `to` takes the place of `from`, in these turns.

    `kind` and `explanations` are as in an edit.
    """

    from_: str = Field(alias="from")
    to: str
    kind: str
    explanations: dict[str, str]
    count: int
    turns: list[int]
    examples: list[LessonExample]


class LessonUnclearWord(ResponseModel):
    """A word that was said `said` times and hard to understand `unclear` times; `probability` is the mean."""

    word: str
    unclear: int
    said: int
    probability: float | None
    turns: list[int]


class LessonSummary(ResponseModel):
    """A lesson's results, from the learner's turns transcribed so far. `text` and `audio` come at its end.

    In `silent` turns nobody spoke. `practice`: what to say again. `verdicts`: how many turns have each verdict;
    `needs_an_adult`: the numbers of the turns in which the learner may be in danger. `corrections_per_100` words counts
    only turns that were checked, which have `checked_words`; null where there are none.
    """

    text: str | None
    audio: str | None
    duration_s: Seconds | None
    needs_an_adult: list[int]
    verdicts: dict[Verdict, int]
    words: int
    checked_words: int
    corrections_per_100: float | None
    silent: int
    mistakes: list[LessonMistake]
    unclear: list[LessonUnclearWord]
    practice: list[str]


class LessonTurn(ResponseModel):
    """What was said from `start` to `end`, in seconds from the lesson's start. Its `job` has everything about it."""

    number: int
    start: Seconds
    end: Seconds
    speaker: Speaker
    learner: bool
    job: Id
    state: State
    text: str
    feedback: Feedback | None
    error: JobError | None


class LessonFailedTurn(ResponseModel):
    """A turn that failed, and the code of its error."""

    number: int
    start: Seconds
    end: Seconds
    code: str


class LessonView(LessonListEntry):
    """A lesson with all that is known of it so far."""

    progress: LessonProgress
    speakers: list[LessonSpeaker]
    chapters: list[LessonChapter]
    summary: LessonSummary
    failed: list[LessonFailedTurn]
    turns: list[LessonTurn]


class TranscribedTurn(ResponseModel):
    """The words, segments and gaps of a turn, in seconds from the lesson's start."""

    number: int
    start: Seconds
    end: Seconds
    speaker: Speaker
    learner: bool
    language: str | None
    text: str
    words: list[Word]
    segments: list[Segment]
    gaps: list[Gap]


class LessonTranscript(ResponseModel):
    """All that was heard in a lesson. `complete`: every turn has ended, so that nothing will be added."""

    id: Id
    title: str
    complete: bool
    duration_s: Seconds | None
    chapters: list[LessonChapter]
    turns: list[TranscribedTurn]
