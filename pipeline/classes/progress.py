"""What a pupil achieved: each assignment, and all together. Words that were not understood are in no rate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.homework.assignments import ClassWork
from pipeline.jobs.job import Job
from pipeline.jobs.results import CHECKED_VERDICTS
from pipeline.learners.entries import HomeworkNote, note_homework
from pipeline.learners.ledger import DatedEntry, KindRecord, build_ledger, day_of

MISSING, GONE = "missing", "gone"


@dataclass(frozen=True)
class PupilWork:
    """What a pupil handed in for an assignment: the `job`, while it is stored, and what is counted of it.

    Without both, nothing was handed in, as far as is known.
    """

    work: ClassWork
    job: Job | None = None
    note: HomeworkNote | None = None

    @property
    def state(self) -> str:
        """The job's, "missing", or "gone" where only the figures are kept."""
        if self.job:
            return self.job.state.value
        return GONE if self.note else MISSING

    @property
    def on_time(self) -> bool | None:
        """None without a due time, or where nothing was handed in."""
        return None if self.work.due is None or not self.note else self.note.handed_in_at <= self.work.due

    @property
    def is_checked(self) -> bool:
        """Whether corrections can be counted: what was said was checked, and is no text that was read."""
        return bool(self.note and self.note.verdict in CHECKED_VERDICTS and not self.work.reads_aloud)

    @property
    def is_measured(self) -> bool:
        """Whether the words of a text were measured."""
        return bool(self.note and self.note.clear + self.note.unclear)

    @property
    def corrections_per_100(self) -> float | None:
        return rate_per_100(self.note.corrections, self.note.words) if self.note and self.is_checked else None


@dataclass(frozen=True)
class PupilProgress:
    """All assignments of a pupil, the oldest first, and the kinds of mistakes in the ledger."""

    works: tuple[PupilWork, ...]
    kinds: tuple[KindRecord, ...]

    @property
    def notes(self) -> list[HomeworkNote]:
        return [each.note for each in self.works if each.note]

    @property
    def checked_notes(self) -> list[HomeworkNote]:
        return [each.note for each in self.works if each.note and each.is_checked]

    @property
    def words(self) -> int:
        return sum(note.words for note in self.checked_notes)

    @property
    def corrections(self) -> int:
        return sum(note.corrections for note in self.checked_notes)

    @property
    def went(self) -> list[str]:
        """The kinds that are mastered: right on three days since the latest mistake."""
        return [record.kind for record in self.kinds if record.is_mastered]

    @property
    def stayed(self) -> list[str]:
        """The kinds that are not, of which mistakes were made on two days or more."""
        return [record.kind for record in self.kinds if not record.is_mastered and came_back(record)]

    @property
    def once(self) -> list[str]:
        return [record.kind for record in self.kinds if not record.is_mastered and not came_back(record)]


def came_back(record: KindRecord) -> bool:
    return day_of(record.first_seen) != day_of(record.last_seen)


def measure_progress(
    pupil: str, works: Sequence[ClassWork], jobs: Mapping[str, Mapping[str, Job]], entries: Iterable[DatedEntry]
) -> PupilProgress:
    """The progress of the pupil with this id.

    `jobs`: by the assignment's id, the job of each pupil's id, while they are stored. Assignments that were set before
    the pupil came, or after, count only if the pupil handed something in.
    """
    entries = list(entries)
    notes = {each.entry.work.assignment: each.entry.work for each in entries if each.entry.work}
    pupil_works = [find_work(pupil, work, jobs.get(work.id, {}).get(pupil), notes.get(work.id)) for work in works]
    ledger = build_ledger(pupil, entries)
    return PupilProgress(tuple(each for each in pupil_works if each), ledger.kinds)


def find_work(pupil: str, work: ClassWork, job: Job | None, note: HomeworkNote | None) -> PupilWork | None:
    """The pupil's work for the assignment; None if it was not set to the pupil, who did not hand anything in."""
    if job:
        feedback = None if job.feedback and job.feedback.verdict == "needs_an_adult" else job.feedback
        return PupilWork(work, job, note_homework(job.request, job.transcript, feedback, job.created_at))
    return PupilWork(work, None, note) if note or pupil in work.pupils else None


def rate_per_100(count: int, total: int) -> float | None:
    """100 · count / total; None where there is nothing to count."""
    return 100 * count / total if total else None
