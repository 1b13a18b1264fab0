"""The JSON that the API answers with about lessons, as types."""

from pydantic import Field

from pipeline.jobs.results import Speaker
from pipeline.schemas.jobs import Edit, Feedback, Id, JobError, Seconds, Segment, Shape, State, Timestamp, Word


class LessonCount(Shape):
    """How many turns were cut so far, and how many of them have ended."""

    turns: int
    done: int


class LessonProgress(LessonCount):
    """How many of those that ended failed; `eta_seconds` until the lesson has ended, null while nobody knows."""

    failed: int
    eta_seconds: Seconds | None


class LessonListed(Shape):
    """A lesson as one of many. `state` is that of its job; `duration_s` is known when it was cut."""

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


class LessonList(Shape):
    """A page of lessons, newest first; `next` is the cursor of the page after it, null when there is none."""

    lessons: list[LessonListed]
    next: str | None


class LessonSpeaker(Shape):
    """Who speaks: the channel, "" where the recording has no speakers apart; how many turns, and for how long."""

    speaker: Speaker
    learner: bool
    turns: int
    seconds: Seconds


class LessonChapter(Shape):
    """A stretch of the lesson, in seconds from its start; the title is what was said first in it."""

    title: str
    start: Seconds
    end: Seconds


class LessonExample(Shape):
    """A sentence of a turn, with its corrections."""

    turn: int
    heard: str
    corrected: str
    edits: list[Edit]


class LessonMistake(Shape):
    """Corrected `count` times: `to` takes the place of `from`, in these turns."""

    from_: str = Field(alias="from")
    to: str
    count: int
    turns: list[int]
    examples: list[LessonExample]


class LessonUnclear(Shape):
    """A word that was said `said` times and hard to understand `unclear` times; `probability` is the mean."""

    word: str
    unclear: int
    said: int
    probability: float | None
    turns: list[int]


class LessonSummary(Shape):
    """What the lesson came to: of the learner's turns that were heard so far. `text` and `audio` come at its end.

    In `silent` turns nobody spoke. `practice`: what to say again.
    """

    text: str | None
    audio: str | None
    duration_s: Seconds | None
    words: int
    silent: int
    mistakes: list[LessonMistake]
    unclear: list[LessonUnclear]
    practice: list[str]


class LessonTurn(Shape):
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


class LessonFailed(Shape):
    """A turn that came to nothing, and the code of its error."""

    number: int
    start: Seconds
    end: Seconds
    code: str


class LessonView(LessonListed):
    """A lesson with all that is known of it so far."""

    progress: LessonProgress
    speakers: list[LessonSpeaker]
    chapters: list[LessonChapter]
    summary: LessonSummary
    failed: list[LessonFailed]
    turns: list[LessonTurn]


class TranscribedTurn(Shape):
    """The words and segments of a turn, in seconds from the lesson's start."""

    number: int
    start: Seconds
    end: Seconds
    speaker: Speaker
    learner: bool
    language: str | None
    text: str
    words: list[Word]
    segments: list[Segment]


class LessonTranscript(Shape):
    """All that was heard in a lesson. `complete`: every turn has ended, so that nothing will be added."""

    id: Id
    title: str
    complete: bool
    duration_s: Seconds | None
    chapters: list[LessonChapter]
    turns: list[TranscribedTurn]
