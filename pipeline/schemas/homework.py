"""The JSON that the API answers with about homework, as types."""

from pipeline.schemas.jobs import Id, JobError, Seconds, Shape, State, Timestamp


class StudentShown(Shape):
    name: str
    id: str


class Progress(Shape):
    """How far a class is: numbers of students, and the names of those who have not handed in.

    `eta_seconds` until all that was handed in has ended, but for what is `held` for the teacher; null when that is so,
    or nobody knows.
    """

    students: int
    handed_in: int
    succeeded: int
    failed: int
    held: int
    working: int
    missing: list[str]
    eta_seconds: Seconds | None
    complete: bool


class Submission(Shape):
    """What one student handed in, and how far that got."""

    student: str
    job: Id
    state: State
    error: JobError | None
    file: str
    sha256: str
    handed_in_at: Timestamp


class Assignment(Shape):
    """An assignment as it was set. `retention_h` counts from each answer's end."""

    id: str
    title: str
    instructions: str
    text: str
    words: list[str]
    persona: str
    language: str
    level: str
    class_name: str
    due: Timestamp | None
    retention_h: int
    hold: bool
    students: list[StudentShown]
    voice: str
    speed: float
    format: str
    webhook: str


class AssignmentList(Shape):
    """All assignments, newest first."""

    assignments: list[Assignment]


class AssignmentView(Assignment):
    """An assignment, how far the class is, and what counts of what each student handed in."""

    created_at: Timestamp
    progress: Progress
    submissions: list[Submission]


class TakenRecording(Shape):
    """A recording, whose it is, and the job that answers it."""

    file: str
    student: str
    job: Id


class RefusedFile(Shape):
    """A file that was not taken, and why; nothing else was held up by it."""

    file: str
    student: str | None
    code: str
    detail: str


class SubmissionResult(Shape):
    """What became of each file: `unchanged` was handed in before, and has not failed."""

    accepted: list[TakenRecording]
    unchanged: list[TakenRecording]
    refused: list[RefusedFile]


class JobRefused(Shape):
    """A job to which it could not be done, and why."""

    job: Id
    student: str | None
    code: str
    detail: str


class BulkResult(Shape):
    """The jobs to which it was done, or those that stand in their place; and those to which it could not be."""

    jobs: list[Id]
    refused: list[JobRefused]
