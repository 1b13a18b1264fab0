"""The figures of one student's homework. Each comes from the job's record and the assignment alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.homework.assignments import Assignment, Student
from pipeline.jobs.job import Job, State
from pipeline.jobs.results import Feedback, Figure, ReadWord, Transcript, Verdict
from pipeline.learners.fluency import FIGURES
from pipeline.practice.tries import JobTries
from pipeline.text.statistics import (
    ReadingScore,
    find_clear_texts,
    find_used_words,
    is_unclear,
    normalize_words,
    score_reading,
)

MISSING, GONE, ANSWERED = "missing", "gone", "answered"
FAILED_STATES = (State.FAILED, State.CANCELED, State.EXPIRED)


@dataclass(frozen=True)
class StudentWork:
    """A student and the `job` that counts, handed in at `handed_in_at` (Unix seconds).

    Without both, nothing was handed in; with only the time, what was handed in is not stored any more. `tries`: those
    to say the better sentence again, where there is one; `recording_endings`: how the files of their recordings end, by
    the ids of their jobs, as far as they are kept.
    """

    student: Student
    job: Job | None
    handed_in_at: float | None
    tries: JobTries | None = None
    recording_endings: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class StudentStats:
    """A student's figures; None where there is nothing to count.

    `state`: "missing", "gone" (not stored any more), "answered", or the job's own. `on_time`: handed in by the due
    time. `recording_s`: the recording's length in seconds. `word_count`: of what was said. `correction_count`: of
    edits, and `reading`: of the text, if one was set, both where what was said was checked. `used_words`: the target
    words that were said.
    """

    work: StudentWork
    state: str
    on_time: bool | None = None
    recording_s: float | None = None
    word_count: int | None = None
    correction_count: int | None = None
    reading: ReadingScore | None = None
    used_words: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return self.work.student.name

    @property
    def job(self) -> Job | None:
        return self.work.job

    @property
    def has_failed(self) -> bool:
        return self.state in FAILED_STATES

    @property
    def error_code(self) -> str:
        """ "" without an error."""
        return str(self.job.error["code"]) if self.job and self.job.error else ""

    @property
    def transcript(self) -> Transcript | None:
        return self.job.transcript if self.job else None

    @property
    def feedback(self) -> Feedback | None:
        return self.job.feedback if self.job else None

    @property
    def verdict(self) -> Verdict | None:
        return self.feedback.verdict if self.feedback else None

    @property
    def needs_an_adult(self) -> bool:
        """Whether the student may be in danger: an adult should see the words, and no list quotes them."""
        return self.verdict == "needs_an_adult"

    @property
    def spoken_text(self) -> str:
        return find_spoken_text(self.job) or ""

    @property
    def own_words(self) -> str:
        """What the student put in the place of what was heard; "" where the transcript stands."""
        return self.job.request.said if self.job else ""

    @property
    def heard(self) -> str:
        """What was recognised in the recording or typed, also where the student put other words in its place."""
        return self.transcript.text if self.own_words and self.transcript else self.spoken_text

    @property
    def answer_text(self) -> str:
        """What the teacher says, or will say when the answer is spoken."""
        if self.job and self.job.answer:
            return self.job.answer.text
        return self.feedback.spoken if self.feedback else ""

    @property
    def words_per_minute(self) -> float | None:
        """word_count / (recording_s / 60): pauses, and silence at the ends, count as time."""
        return 60 * self.word_count / self.recording_s if self.word_count is not None and self.recording_s else None

    @property
    def corrections_per_100(self) -> float | None:
        """100 · correction_count / word_count."""
        if self.correction_count is None or not self.word_count:
            return None
        return 100 * self.correction_count / self.word_count

    @property
    def unclear_words(self) -> list[tuple[str, float]]:
        """The words that were hard to understand, and each one's probability, in the order in which they were said."""
        words = self.transcript.words if self.transcript else ()
        return [(each, word.probability) for word in words if is_unclear(word) for each in normalize_words(word.word)]

    @property
    def fluency(self) -> dict[str, Figure]:
        """How fluently a text was read aloud, by the figures' names; none where nothing was checked or measured."""
        reading = self.transcript.reading if self.transcript else None
        if not reading or not (self.feedback and self.feedback.is_checked):
            return {}
        return {name: getattr(reading.fluency, name) for name in FIGURES}

    @property
    def tries(self) -> JobTries | None:
        """None where nothing was said again."""
        return self.work.tries if self.work.tries and self.work.tries.heard else None

    @property
    def words_to_hear_again(self) -> list[ReadWord]:
        """The words of a text that are worth listening to again; none where nothing was checked or measured."""
        reading = self.transcript.reading if self.transcript else None
        if not reading or not (self.feedback and self.feedback.is_checked):
            return []
        return [word for word in reading.words if word.state == "not_clear"]


def compute_student_stats(assignment: Assignment, work: StudentWork) -> StudentStats:
    job, text = work.job, find_spoken_text(work.job)
    on_time = None
    if work.handed_in_at is not None and assignment.due is not None:
        on_time = work.handed_in_at <= assignment.due
    return StudentStats(
        work,
        determine_state(work),
        on_time=on_time,
        recording_s=job.transcript.duration_s if job and job.transcript else None,
        word_count=None if text is None else len(normalize_words(text)),
        correction_count=len(job.feedback.edits) if job and job.feedback and job.feedback.is_checked else None,
        reading=score_student_reading(assignment, job, text),
        used_words=find_student_words(assignment, job) if text is not None and assignment.words else None,
    )


def score_student_reading(assignment: Assignment, job: Job | None, text: str | None) -> ReadingScore | None:
    """How the text was read, where that was checked; the recording counts, not words that were put in its place."""
    if not (text and job and job.feedback and job.feedback.is_checked and normalize_words(assignment.text)):
        return None
    return score_reading(job.transcript.text if job.request.said and job.transcript else text, assignment.text)


def determine_state(work: StudentWork) -> str:
    if work.job is None:
        return MISSING if work.handed_in_at is None else GONE
    return ANSWERED if work.job.state is State.SUCCEEDED else work.job.state.value


def find_student_words(assignment: Assignment, job: Job | None) -> tuple[str, ...]:
    """The target words that the student said clearly, or typed."""
    texts = find_clear_texts(job.transcript, job.request.text, job.request.said) if job else []
    return find_used_words(assignment.words, texts)


def find_spoken_text(job: Job | None) -> str | None:
    """What the student said: the sentence that the feedback is about, else the transcript; None without either."""
    if job and job.feedback:
        return job.feedback.heard
    return job.transcript.text if job and job.transcript else None
