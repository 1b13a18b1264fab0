"""The JSON of the API's responses about jobs. Views build these objects; openapi.json is generated from them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from pipeline.jobs.job import Lane as Lane
from pipeline.jobs.job import ModelStage, StageName
from pipeline.jobs.job import Task as Task
from pipeline.jobs.plans import PlanActivity, PlanBasis, PlanLanguage, PlanQuestion
from pipeline.jobs.results import ChapterKind, ReadingState
from pipeline.jobs.results import Verdict as Verdict
from pipeline.timestamps import format_utc

State = Literal[
    "queued",
    "segmenting",
    "listening",
    "transcribing",
    "thinking",
    "held",
    "speaking",
    "succeeded",
    "failed",
    "canceled",
    "expired",
]
Stage = ModelStage
AnyStage = StageName
# documented in openapi.json, but not enforced: one odd record must not make a whole list unreadable
Id = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{32}$"})]
Seconds = Annotated[float, WithJsonSchema({"type": "number", "minimum": 0})]
Timestamp = Annotated[datetime, PlainSerializer(format_utc, return_type=str, when_used="json")]


class ResponseModel(BaseModel):
    """The base of response schemas: no unknown fields, built from attributes or fields."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, populate_by_name=True)


class Problem(BaseModel):
    """An error (RFC 9457). `code` never changes its meaning; `retryable` says whether the same request may succeed."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool


class JobError(ResponseModel):
    """Why a job ended without an answer."""

    code: str
    stage: AnyStage | None
    detail: str
    retryable: bool


class Word(ResponseModel):
    word: str
    start: Seconds
    end: Seconds
    probability: float


class Segment(ResponseModel):
    start: Seconds
    end: Seconds
    text: str
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class Gap(ResponseModel):
    """A stretch in which somebody speaks, but no words could be made out."""

    start: Seconds
    end: Seconds


class ReadWord(ResponseModel):
    """A word of a text that was read aloud, or one that was added to it.

    `not_clear`: worth listening to again, and not more; `weakest` is then the sound that was heard least, as the IPA
    writes it. `misread`: another word was recognised in its place. A word that was left out has no times.
    """

    word: str
    state: ReadingState
    start: Seconds | None
    end: Seconds | None
    weakest: str


class Figure(ResponseModel):
    """A figure; the middle half of the readers by whom the rules were fitted lies from `low` to `high`."""

    value: float
    low: float
    high: float


class ReadingFluency(ResponseModel):
    """Plain figures, pauses by voice activity. They are no mark of one recording."""

    sounds_per_s: Figure
    words_per_s: Figure
    pauses_per_word: Figure
    longest_pause_s: Figure


class Reading(ResponseModel):
    """How clearly a text was read aloud: its words in their order, and between them those that were added."""

    words: list[ReadWord]
    fluency: ReadingFluency


class Transcript(ResponseModel):
    """What was recognised. `reading` is null unless homework, or a try, asked for the clearness of a text's words."""

    text: str
    language: str
    duration_s: Seconds
    words: list[Word]
    segments: list[Segment]
    gaps: list[Gap]
    reading: Reading | None


class Edit(ResponseModel):
    """One correction: the words `heard[at[0]:at[1]]` are `from`; `to` takes their place.

    `kind` is ERRANT's name of the mistake, "" where it has none; `explanations` say why, in `en` and `zh`, as far as
    there is something to say.
    """

    from_: str = Field(alias="from")
    to: str
    at: tuple[int, int]
    kind: str
    explanations: dict[str, str]


class Feedback(ResponseModel):
    """The teacher's feedback on `heard`.

    `verdict`: what the teacher can say of it; only `correct` and `corrected` turns were checked. `unclear`: the words
    of `heard`, counted from 0, that were not heard well. `plan_question`: which question before a study plan the reply
    asks, "" where it asks none.
    """

    heard: str
    corrected: str
    reply: str
    spoken: str
    edits: list[Edit]
    explanation: str
    reset: bool
    verdict: Verdict
    unclear: list[int]
    plan_question: PlanQuestion = ""


class PlanExample(ResponseModel):
    """A sentence of the learner with a mistake, and the better one."""

    heard: str
    better: str


class PlanDay(ResponseModel):
    """A day of a study plan; `number` counts from 1, the day on which the learner begins.

    `task` says what to do, in `en` and `zh`. `kind`: the mistake to practise, as ERRANT names it, null where there is
    none; `words`: those to listen to again. `prompt`: the question with which it may begin, in English. `revises`: the
    number of the earlier day that is done again, null of a day that is new.
    """

    number: int
    activity: PlanActivity
    minutes: int
    task: dict[str, str]
    kind: str | None
    words: list[str]
    example: PlanExample | None
    prompt: str | None
    revises: int | None


class StudyPlan(ResponseModel):
    """A study plan that the learner asked for, of at most seven days; `minutes`: how long it takes a day.

    `summary` is what is said of it, in `en` and `zh`. `asked_in`: the language of the request. `basis`: what it is made
    of, the mistake ledger, or the learner's answers as well.
    """

    days: list[PlanDay]
    minutes: int
    summary: dict[str, str]
    asked_in: PlanLanguage
    basis: PlanBasis


class Question(ResponseModel):
    """What was asked: the typed text; `said`: the learner's own words, which take the place of what was recognised.

    `to_read`: the text that homework has to be read aloud.
    """

    text: str | None
    said: str | None
    to_read: str | None
    duration_s: Seconds | None


class Practice(ResponseModel):
    """What the learner can say again: the corrected sentence, or a few of them.

    `start` and `end` are where the learner's own words for it are in the recording, null where that is not known.
    """

    text: str
    start: Seconds | None
    end: Seconds | None


class Answer(ResponseModel):
    text: str
    audio: str
    duration_s: Seconds
    format: str
    sha256: str


class CardChapter(ResponseModel):
    """A chapter of a lesson card; the `title` is in the learner's language, and in the file where its format can."""

    kind: ChapterKind
    title: str
    start_s: Seconds
    end_s: Seconds


class LessonCard(ResponseModel):
    """The learner's own words and the better sentences in one audio file, in the format of the answer.

    `missing` says why there is none; the other fields are then null, and there are no chapters. It is one of verdict,
    no_recording, no_word_times, not_repeated, failed, too_slow, worker_lost; later versions may have others.
    """

    audio: str | None
    duration_s: Seconds | None
    format: str | None
    sha256: str | None
    chapters: list[CardChapter]
    missing: str | None


class Part(ResponseModel):
    """One spoken sentence of the answer; `number` counts from 1, `audio` is its path."""

    number: int
    text: str
    audio: str
    duration_s: Seconds


class Completion(ResponseModel):
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


class Timing(ResponseModel):
    waited_s: Seconds | None
    ran_s: Seconds | None


class Job(ResponseModel):
    """How far a job got. `state` is one of the last four when it has ended, and then never changes again.

    `learner`: to whose ledger it belongs, if it belongs to any.
    """

    id: Id
    state: State
    task: Task
    lane: Lane
    session: str
    owner: str | None
    learner: str | None = None
    seq: int
    persona: str
    created_at: Timestamp
    updated_at: Timestamp
    deadline_at: Timestamp
    attempts: dict[AnyStage, int]
    queue_position: int | None
    eta_seconds: Seconds | None
    question: Question
    transcript: Transcript | None
    feedback: Feedback | None
    completion: Completion | None
    parts: list[Part]
    answer: Answer | None
    card: LessonCard | None = Field(None, description="null unless it was asked for, and until the answer is spoken")
    timings: dict[AnyStage, Timing]
    outcome: str | None
    error: JobError | None
    metadata: dict[str, str]
    retry_of: Id | None
    retried_as: Id | None
    rerun_of: Id | None
    rerun_as: Id | None
    assignment: str | None
    student: str | None
    lesson: Id | None
    practice: Practice | None = None
    plan: StudyPlan | None = Field(None, description="the study plan, null where none was asked for")
    practised: Id | None = Field(None, description="the job whose better sentence is said again in this one")
    links: dict[str, str]


class JobList(ResponseModel):
    """A page of jobs, newest first; `next` is the cursor of the page after it, null when there is none."""

    jobs: list[Job]
    next: str | None


class Session(ResponseModel):
    """A session's turns since it was last started over, oldest first."""

    session: str
    turns: list[Job]
