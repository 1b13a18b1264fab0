"""/v1/classes/{id}/progress: what each pupil of a class achieved, as JSON and as a table."""

from collections.abc import Iterator, Mapping, Sequence

from flask import Blueprint
from werkzeug.wrappers import Response

from api import context
from api.auth import TEACHER, requires
from api.classes.view import show_pupil
from api.jobs.zip_download import UTF8_MARK, csv_line
from api.learners.access import ledgers
from api.openapi import answers, respond
from pipeline.classes.progress import PupilProgress, PupilWork, measure_progress, rate_per_100
from pipeline.classes.school_class import Pupil, SchoolClass
from pipeline.classes.store import Classes, DatedWork
from pipeline.errors import UnknownAssignment, UnknownClass
from pipeline.homework.assignments import Assignments
from pipeline.jobs.job import Job
from pipeline.learners.identity import student_learner
from pipeline.schemas import classes as schemas
from pipeline.timestamps import format_iso, to_utc

MAX_ASSIGNMENTS = 60  # the latest ones, which are shown
COLUMNS = (
    *("pupil", "school_id", "assignment", "title", "due", "state", "handed_in_at", "on_time", "verdict"),
    *("words", "corrections", "corrections_per_100", "clear_words", "unclear_words"),
)
Jobs = Mapping[str, Mapping[str, Job]]  # by the assignment's id: of each pupil's id, the job that counts
routes = Blueprint("class_progress", __name__)


@routes.get("/v1/classes/<class_id>/progress")
@requires(TEACHER)
@answers("classes", {200: schemas.ClassProgress}, UnknownClass)
def progress(class_id: str) -> Response:
    """Each pupil's progress over the latest assignments of the class."""
    school_class, works, jobs = load(class_id)
    answer = respond(
        schemas.ClassProgress(
            id=school_class.id,
            name=school_class.name,
            assignments=[show_assignment(each, jobs) for each in works],
            pupils=[show_progress(pupil, each) for pupil, each in measure(school_class, works, jobs)],
        )
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@routes.get("/v1/classes/<class_id>/progress.csv")
@requires(TEACHER)
@answers("classes", {200: "text/csv"}, UnknownClass)
def table(class_id: str) -> Response:
    """The progress as a table: a line for each pupil and assignment."""
    lines = b"".join(map(csv_line, [COLUMNS, *rows(*load(class_id))]))
    answer = Response(UTF8_MARK + lines, mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="progress.csv"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def load(class_id: str) -> tuple[SchoolClass, list[DatedWork], Jobs]:
    """The class, its latest assignments, the oldest first, and those of them that are stored. Raises UnknownClass."""
    store, tenant = Classes(context.jobs()), context.caller().tenant
    school_class = store.get(tenant, class_id).school_class
    works = store.list_work(tenant, class_id)[-MAX_ASSIGNMENTS:]
    jobs: dict[str, dict[str, Job]] = {}
    for each in works:
        try:
            class_work = Assignments(context.jobs()).get(tenant, each.work.id)
        except UnknownAssignment:
            continue
        jobs[each.work.id] = {job.request.pupil: job for job in class_work.jobs.values()}
    return school_class, works, jobs


def measure(school_class: SchoolClass, works: Sequence[DatedWork], jobs: Jobs) -> Iterator[tuple[Pupil, PupilProgress]]:
    learners = [student_learner("", pupil.label, pupil.id) for pupil in school_class.pupils]
    entries = ledgers().read_entries(school_class.tenant, learners) if learners else []
    for pupil, each in zip(school_class.pupils, entries, strict=True):
        yield pupil, measure_progress(pupil.id, [dated.work for dated in works], jobs, each)


def show_assignment(dated: DatedWork, jobs: Jobs) -> schemas.ClassAssignment:
    work = dated.work
    return schemas.ClassAssignment(
        id=work.id,
        title=work.title,
        due=None if work.due is None else to_utc(work.due),
        set_at=to_utc(dated.set_at),
        reads_aloud=work.reads_aloud,
        kept=work.id in jobs,
    )


def show_progress(pupil: Pupil, progress: PupilProgress) -> schemas.PupilProgress:
    notes, with_due = progress.notes, [each for each in progress.works if each.on_time is not None]
    verdicts = [note.verdict for note in notes]
    clear, unclear = sum(note.clear for note in notes), sum(note.unclear for note in notes)
    return schemas.PupilProgress(
        pupil=show_pupil(pupil),
        asked=len(progress.works),
        handed_in=len(notes),
        with_due=len(with_due),
        on_time=sum(each.on_time is True for each in with_due),
        checked=len(progress.checked_notes),
        words=progress.words,
        corrections=progress.corrections,
        corrections_per_100=rounded(rate_per_100(progress.corrections, progress.words)),
        not_understood=verdicts.count("not_understood"),
        not_heard_well=verdicts.count("not_heard_well"),
        clear_words=clear,
        unclear_words=unclear,
        clear_percent=rounded(rate_per_100(clear, clear + unclear)),
        went=progress.went,
        stayed=progress.stayed,
        once=progress.once,
        work=[show_work(each) for each in progress.works],
    )


def show_work(each: PupilWork) -> schemas.PupilWork:
    note = each.note
    return schemas.PupilWork(
        assignment=each.work.id,
        state=each.state,  # type: ignore[arg-type]
        job=each.job.id if each.job else None,
        handed_in_at=to_utc(note.handed_in_at) if note else None,
        on_time=each.on_time,
        verdict=(note.verdict or None) if note else None,
        words=note.words if note and each.is_checked else None,
        corrections=note.corrections if note and each.is_checked else None,
        corrections_per_100=rounded(each.corrections_per_100),
        clear_words=note.clear if note and each.is_measured else None,
        unclear_words=note.unclear if note and each.is_measured else None,
    )


def rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)


def rows(school_class: SchoolClass, works: Sequence[DatedWork], jobs: Jobs) -> Iterator[tuple[str, ...]]:
    """The lines of the table, as COLUMNS; what is not known is empty."""
    for pupil, progress in measure(school_class, works, jobs):
        for each in progress.works:
            pupil_work = show_work(each)
            due = "" if each.work.due is None else format_iso(each.work.due)
            handed_in_at = format_iso(each.note.handed_in_at) if each.note else ""
            on_time = "" if pupil_work.on_time is None else "yes" if pupil_work.on_time else "no"
            numbers = (
                pupil_work.words,
                pupil_work.corrections,
                pupil_work.corrections_per_100,
                pupil_work.clear_words,
                pupil_work.unclear_words,
            )
            yield (
                *(pupil.label, pupil.school_id, each.work.id, each.work.title, due, each.state),
                *(handed_in_at, on_time, pupil_work.verdict or ""),
                *("" if number is None else str(number) for number in numbers),
            )
