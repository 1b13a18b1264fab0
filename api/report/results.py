"""What can be counted of one student's homework. Every figure comes from the job's record and the assignment alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.report.handed import Handed
from pipeline.homework.assignments import Assignment
from pipeline.jobs.job import Job, State
from pipeline.jobs.results import Feedback, Transcript
from pipeline.words.mistakes import is_unclear
from pipeline.words.reading_aloud import Reading, read, spoken_words, used

MISSING, GONE, ANSWERED = "missing", "gone", "answered"
FAILED = (State.FAILED, State.CANCELED, State.EXPIRED)


@dataclass(frozen=True)
class Result:
    """A student's figures; None where there is nothing to count.

    `state`: "missing", "gone" (no longer kept), "answered", or the job's own. `on_time`: handed in by the due time.
    `recording_s`: the recording's length in seconds. `words`: how many were heard. `corrections`: how many edits.
    `reading`: of the text, if one was set. `used`: the target words that were said.
    """

    handed: Handed
    state: str
    on_time: bool | None = None
    recording_s: float | None = None
    words: int | None = None
    corrections: int | None = None
    reading: Reading | None = None
    used: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return self.handed.student.name

    @property
    def job(self) -> Job | None:
        return self.handed.job

    @property
    def failed(self) -> bool:
        return self.state in FAILED

    @property
    def error(self) -> str:
        """The error's code; "" without one."""
        return str(self.job.error["code"]) if self.job and self.job.error else ""

    @property
    def transcript(self) -> Transcript | None:
        return self.job.transcript if self.job else None

    @property
    def feedback(self) -> Feedback | None:
        return self.job.feedback if self.job else None

    @property
    def heard(self) -> str:
        return heard(self.job) or ""

    @property
    def answer(self) -> str:
        """What the teacher says, or will when the answer is spoken."""
        if self.job and self.job.answer:
            return self.job.answer.text
        return self.feedback.spoken if self.feedback else ""

    @property
    def words_per_minute(self) -> float | None:
        """words / (recording_s / 60): pauses, and silence at the ends, count as time."""
        return 60 * self.words / self.recording_s if self.words is not None and self.recording_s else None

    @property
    def corrections_per_100(self) -> float | None:
        """100 · corrections / words."""
        return 100 * self.corrections / self.words if self.corrections is not None and self.words else None

    @property
    def unclear(self) -> list[tuple[str, float]]:
        """The words that were hard to understand, and each one's probability, in the order in which they were said."""
        words = self.transcript.words if self.transcript else ()
        return [(each, word.probability) for word in words if is_unclear(word) for each in spoken_words(word.word)]


def results(assignment: Assignment, rows: Iterable[Handed]) -> list[Result]:
    return [result(assignment, row) for row in rows]


def result(assignment: Assignment, row: Handed) -> Result:
    job, said = row.job, heard(row.job)
    return Result(
        row,
        state(row),
        on_time=row.handed_in_at <= assignment.due
        if row.handed_in_at is not None and assignment.due is not None
        else None,
        recording_s=job.transcript.duration_s if job and job.transcript else None,
        words=None if said is None else len(spoken_words(said)),
        corrections=len(job.feedback.edits) if job and job.feedback else None,
        reading=read(said, assignment.text) if said is not None and spoken_words(assignment.text) else None,
        used=used(assignment.words, said) if said is not None and assignment.words else None,
    )


def state(row: Handed) -> str:
    if row.job is None:
        return MISSING if row.handed_in_at is None else GONE
    return ANSWERED if row.job.state is State.SUCCEEDED else row.job.state.value


def heard(job: Job | None) -> str | None:
    """What counts as said: what the teacher went by, else the transcript."""
    if job and job.feedback:
        return job.feedback.heard
    return job.transcript.text if job and job.transcript else None
