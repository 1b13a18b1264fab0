"""What a job is and how far it got, read from its record in Redis. Frozen: only store.py changes records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Json

from pipeline.errors import NewerRecord
from pipeline.jobs.records import UnixTime, clamp_time, read_fields, read_json
from pipeline.jobs.results import CHECKED_VERDICTS, Answer, Completion, Feedback, LessonSegments, Transcript

RECORD_FORMAT = 1  # of records as this version writes them; scripts/lib/records.lua has the same
MAX_HINT_CHARS = 200  # characters of a hint: what the recogniser accepts besides the recording
MAX_TRIES = 3  # how often one better sentence may be said again: then the learner goes on
LANES = ("interactive", "homework", "bulk")  # the jobs of a lane are worked on before those of the lanes after it
# the scores at which the lanes end among a stage's ready jobs; LANE_START in scripts/lib/records.lua has the same
LANE_ENDS = (1e15, 2e15, "+inf")


class State(StrEnum):
    """A job's state as clients see it. The last four are final."""

    QUEUED = "queued"
    SEGMENTING = "segmenting"
    LISTENING = "listening"
    TRANSCRIBING = "transcribing"
    THINKING = "thinking"
    HELD = "held"
    SPEAKING = "speaking"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


Task = Literal["teach", "transcribe", "chat", "speak", "lesson", "turn", "read"]
Lane = Literal["interactive", "homework", "bulk"]
StageName = Literal["segment", "parts", "asr", "llm", "hold", "tts"]
ModelStage = Literal["asr", "llm", "tts"]
SEGMENT: Literal["segment"] = "segment"  # a lesson's recording is divided into its turns
PARTS: Literal["parts"] = "parts"  # the lesson waits for the jobs of its turns
HOLD: Literal["hold"] = "hold"  # the answer waits for the teacher's review
MAINTENANCE = "maintenance"  # the queue of work that belongs to no single job: webhooks, orphaned audio


@dataclass(frozen=True)
class Stage:
    """One step of a job, and the state that clients see meanwhile.

    Workers of `queue` run the Celery task `task`, whose result is stored in the record's `field`. A stage without a
    queue has no workers: the job waits there for something else. A model stage computes with a model, which
    settings named after the stage choose.
    """

    name: StageName
    state: State
    task: str = ""
    queue: str = ""
    result: type[Any] | None = None
    field: str = ""
    model: bool = False


STAGES = (  # in the order in which a job passes those that it has
    Stage(SEGMENT, State.SEGMENTING, "segment.segment_lessons", "segment", LessonSegments, "segments"),
    Stage(PARTS, State.LISTENING),
    Stage("asr", State.TRANSCRIBING, "asr.transcribe", "asr", Transcript, "transcript", model=True),
    Stage("llm", State.THINKING, "llm.answer", "llm", Feedback, "feedback", model=True),
    Stage(HOLD, State.HELD),
    Stage("tts", State.SPEAKING, "tts.speak", "tts", Answer, "answer", model=True),
)
STAGE_STATES: dict[str, State] = {stage.name: stage.state for stage in STAGES}
STAGE_TASKS: dict[str, str] = {stage.name: stage.task for stage in STAGES if stage.task}
STAGE_RESULTS: dict[str, type[Any]] = {stage.name: stage.result for stage in STAGES if stage.result}
RESULT_FIELDS: dict[type[Any], str] = {
    **{stage.result: stage.field for stage in STAGES if stage.result},
    Completion: "completion",  # of a language model that was called alone, by the task `chat`
}
MODEL_STAGES: tuple[str, ...] = tuple(stage.name for stage in STAGES if stage.model)
STAGES_BY_TASK: dict[Task, tuple[StageName, ...]] = {
    "teach": ("asr", "llm", HOLD, "tts"),
    "transcribe": ("asr",),
    "chat": ("llm",),
    "speak": ("tts",),
    "lesson": (SEGMENT, PARTS, "llm", "tts"),
    "turn": ("asr", "llm"),  # of a lesson, by a learner; one by somebody else is only transcribed
    "read": ("asr",),  # a try to say the better sentence of another job
}
STATES_BY_ERROR = {"canceled": State.CANCELED, "expired": State.EXPIRED}


@dataclass(frozen=True)
class JobRequest:
    """What a client asked for: a recording (its name in the blob store), typed text, or both, and how to answer it.

    `details` has what only its task needs: the options of a model that is called alone, of homework, of a lesson, of
    its turn, or of a try.
    """

    id: str
    session: str
    tenant: str = "default"
    recording: str = ""
    text: str = ""
    persona: str = "william"
    language: str = ""
    hint: str = ""  # words that are likely to be said, such as names
    voice: str = "default"
    speed: float = 1.0
    format: str = "wav"
    task: Task = "teach"
    lane: Lane = "interactive"
    key: str = ""  # id of the API key it was submitted with; "" where none is needed
    owner: str = ""  # id of the learner's key that alone may see it; "" for everybody of the tenant
    webhook: str = ""  # URL to which its events are sent
    webhook_events: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)  # the client's own fields, which its responses contain
    details: Mapping[str, Any] = field(default_factory=dict)
    assignment: str = ""  # id of the assignment that it is submitted for
    student: str = ""  # who submits it: the name of one of the assignment's students
    pupil: str = ""  # the student's id in a class that is kept
    lesson: str = ""  # id of the lesson that it is a turn of
    sha256: str = ""  # of the recording, if an earlier transcript of it may be used
    due: Annotated[float | None, BeforeValidator(clamp_time)] = None  # Unix seconds by which homework is to be answered
    group: str = ""  # the class: a busy server serves classes in turn
    hold: bool = False  # the answer is not spoken before the teacher releases it
    retention_h: int | None = None  # hours for which it is kept after its end; None: as the settings say
    said: str = ""  # the learner's own words, which are answered in place of what was recognised and typed
    page_language: str = ""  # of the learner's page or browser: en or zh; "" where no page was asked
    card: bool = False  # a lesson card is made with the answer
    practised: str = ""  # id of the job whose better sentence is said again
    keeps_recording: bool = False  # a try of homework: its recording is kept while it is the best or the last one

    @property
    def stages(self) -> tuple[StageName, ...]:
        """The stages of this job, in order: typed text alone needs no recognition."""
        omitted_stages = {stage for stage, is_needed in (("asr", self.recording), (HOLD, self.hold)) if not is_needed}
        return tuple(stage for stage in STAGES_BY_TASK[self.task] if stage not in omitted_stages)

    @property
    def name(self) -> str:
        """The job's name in every key and blob."""
        return f"{self.tenant}/{self.id}"

    @property
    def turns_of(self) -> str:
        """The id of the lesson whose turns are summed up: its own, or that of the lesson that it is a rerun of."""
        return str(self.details.get("turns_of", self.id))

    @property
    def conversation(self) -> str:
        """The session's name, unique within the tenant: two learners may choose the same `session`."""
        return f"{self.owner}/{self.session}" if self.owner else self.session


@dataclass(frozen=True)
class Timing:
    """The seconds for which a job waited for a worker of a stage, and ran there; None until that is over."""

    waited_s: float | None
    ran_s: float | None


def require_code(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """An error says what happened by its code at least."""
    if isinstance(error.get("code"), str):
        return error
    raise ValueError("an error has no code")


def id_in_name(name: str) -> str:
    """The job's id in its name, `tenant/id`."""
    return name.partition("/")[2]


OtherJob = Annotated[str, BeforeValidator(id_in_name)]  # a job's id, which records store as its name


@dataclass(frozen=True)
class Job:
    """One job as its record stood when it was read. Times are Unix seconds by Redis's clock.

    The fields have the names of the record's hash fields, except those that from_record makes from several; what is
    `Json` here is JSON there.
    """

    request: JobRequest
    seq: int
    stage: str
    fence: str
    version: int
    created_at: UnixTime
    updated_at: UnixTime
    deadline_at: UnixTime
    ended_at: UnixTime | None = None
    outcome: str | None = None
    transcript: Json[Transcript] | None = None
    feedback: Json[Feedback] | None = None
    answer: Json[Answer] | None = None
    completion: Json[Completion] | None = None
    segments: Json[LessonSegments] | None = None
    error: Json[Annotated[Mapping[str, Any], AfterValidator(require_code)]] | None = None
    dead: bool = False  # it failed through no fault of its own, and may be retried
    retry_of: OtherJob | None = None  # id of the dead job that this one replaces
    retried_as: OtherJob | None = None  # id of the job that replaces this one
    rerun_of: OtherJob | None = None  # id of the job of which this one is another version
    rerun_as: OtherJob | None = None  # id of the latest other version of this one
    attempts: Mapping[StageName, int] = field(default_factory=dict)
    timings: Mapping[StageName, Timing] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.request.id

    @property
    def name(self) -> str:
        return self.request.name

    @property
    def state(self) -> State:
        if self.error:
            return STATES_BY_ERROR.get(self.error["code"], State.FAILED)
        if self.ended_at is not None:
            return State.SUCCEEDED
        return STAGE_STATES[self.stage] if self.attempts else State.QUEUED

    @property
    def awaits_card(self) -> bool:
        """Whether a lesson card may still be made of the recording."""
        has_verdict = self.feedback is None or self.feedback.verdict in CHECKED_VERDICTS
        return self.request.card and self.answer is None and has_verdict

    def blobs(self, keep_recordings: bool) -> set[str]:
        """Names in the blob store that are still needed: the recording until it was recognised, and the answer.

        Where a lesson card is made, the recording is needed until the answer is spoken, as far as there can be a card.
        A try of homework keeps it; pipeline/practice/tries.py says which ones are given up.
        """
        is_recognised = bool(self.transcript or self.segments)
        needs_recording = (not is_recognised or self.awaits_card) and (self.ended_at is None or self.dead)
        is_kept_try = self.request.keeps_recording and is_recognised
        recording = {self.request.recording} if needs_recording or is_kept_try or keep_recordings else set()
        return (recording | (self.answer.blobs if self.answer else set())) - {""}

    @classmethod
    def from_record(cls, record: Mapping[str, str]) -> Self:
        """The job of a record's hash. Raises BrokenRecord, or NewerRecord if a newer version has written it."""
        if record.get("format", "").isdecimal() and int(record["format"]) > RECORD_FORMAT:
            raise NewerRecord
        request = read_json(JobRequest, record.get("question", ""))
        return read_fields(
            cls,
            {
                "fence": "0",
                "outcome": "answered" if "answer" in record else None,
                **record,
                "request": request,
                "attempts": {
                    stage: record[f"attempts:{stage}"] for stage in request.stages if f"attempts:{stage}" in record
                },
                "timings": {
                    stage: {"waited_s": record.get(f"waited:{stage}"), "ran_s": record.get(f"ran:{stage}")}
                    for stage in request.stages
                    if stage in STAGE_TASKS
                },
            },
        )
