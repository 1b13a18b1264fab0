"""The JSON that the API answers with about homework, as types."""

from typing import Literal

from pydantic import Field

from pipeline.schemas.jobs import Id, JobError, ResponseModel, Seconds, State, Timestamp, Verdict
from pipeline.schemas.practice import TriesSummary


class Student(ResponseModel):
    """`id`: the school's; `pupil`: that in a class that is kept, "" of others.

    `names`: how files may name the student; without any, as `name` does.
    """

    name: str
    id: str
    pupil: str = ""
    names: list[str] = Field(default_factory=list)


class Progress(ResponseModel):
    """A class's progress: numbers of students, and the names of those who have not submitted.

    `needs_an_adult`: the students who may be in danger; somebody should look at once. `verdicts`: how many submissions
    have each verdict; only `correct` and `corrected` ones were checked for mistakes.

    `eta_seconds` until all submissions have ended, except those `held` for the teacher; null when all have ended,
    or without an estimate.
    """

    needs_an_adult: list[str]
    verdicts: dict[Verdict, int]
    students: int
    handed_in: int
    succeeded: int
    failed: int
    held: int
    working: int
    missing: list[str]
    eta_seconds: Seconds | None
    complete: bool


class Submission(ResponseModel):
    """The submission of one student, its state, and once it is answered, its verdict."""

    student: str
    job: Id
    state: State
    verdict: Verdict | None
    error: JobError | None
    file: str
    sha256: str
    handed_in_at: Timestamp
    tries: TriesSummary | None = Field(description="how the better sentence was said again; null where it was not")


class Assignment(ResponseModel):
    """An assignment as it was set. `class_id`: the class that is kept whose pupils are the students, "" without one.

    `retention_h` counts from each answer's end.
    """

    id: str
    title: str
    instructions: str
    text: str
    words: list[str]
    persona: str
    language: str
    level: str
    class_name: str
    class_id: str = ""
    due: Timestamp | None
    retention_h: int
    hold: bool
    clearness: bool
    card: bool
    students: list[Student]
    voice: str
    speed: float
    format: str
    webhook: str


class AssignmentList(ResponseModel):
    """All assignments, newest first."""

    assignments: list[Assignment]


class AssignmentView(Assignment):
    """An assignment, the class's progress, and the submission of each student that counts."""

    created_at: Timestamp
    progress: Progress
    submissions: list[Submission]


class SubmittedRecording(ResponseModel):
    """A recording, its student, and the job that answers it."""

    file: str
    student: str
    job: Id


class RefusedFile(ResponseModel):
    """A file that was refused, and why; the other files are processed."""

    file: str
    student: str | None
    code: str
    detail: str


class SubmissionResult(ResponseModel):
    """The result of each file; `unchanged`: it was submitted before and has not failed."""

    accepted: list[SubmittedRecording]
    unchanged: list[SubmittedRecording]
    refused: list[RefusedFile]


class FilledSheet(ResponseModel):
    """A grading sheet with the answers: its bytes in Base64, and the names of students.

    `entered`: whose answers it has now; `occupied`: whose cells had something already, which stays; `not_found`: who
    has no row, or not a certain one.
    """

    system: Literal["moodle", "canvas"]
    content: str
    entered: list[str]
    occupied: list[str]
    not_found: list[str]


class RefusedJob(ResponseModel):
    """A job for which the operation failed, and why."""

    job: Id
    student: str | None
    code: str
    detail: str


class BulkResult(ResponseModel):
    """The jobs for which the operation succeeded, or the new jobs it made; and those for which it failed."""

    jobs: list[Id]
    refused: list[RefusedJob]
