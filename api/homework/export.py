"""/v1/assignments/{id}/export and /report: the class's results for the teacher, as a ZIP or one page."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import BinaryIO

from flask import Blueprint
from werkzeug.wrappers import Response

from api import context, reports
from api.auth import TEACHER, requires
from api.homework import school
from api.homework.assignments import handed_in_at, load_assignment, store
from api.homework.schemas import ExportQuery
from api.jobs import zip_download
from api.openapi import answers
from api.reports import StudentWork
from pipeline.audio.formats import sniff
from pipeline.blob_store import FolderBlobs
from pipeline.errors import AnswerNotReady, NotFromSchoolSystem, UnknownAssignment
from pipeline.homework.assignments import AssignmentWithJobs
from pipeline.practice.tries import JobTries

ENDINGS = {"matroska": "webm", "mov": "m4a"}  # of files, by the demuxer that reads them; others have its name
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
routes = Blueprint("export", __name__)


@routes.get("/v1/assignments/<assignment_id>/export")
@requires(TEACHER)
@answers("assignments", {200: "application/zip"}, UnknownAssignment, NotFromSchoolSystem, AnswerNotReady)
def export(assignment_id: str, query: ExportQuery) -> Response:
    """A ZIP of the class's report, the gradebook, and each student's page, facts, answer and lesson card.

    For `moodle` or `canvas` it has only the spoken answers, under the names by which that system takes them as feedback
    to the files that it gave; `not-included.txt` names the students whose answers are not in it, and why.
    """
    class_work, system = load_assignment(assignment_id), query.for_
    if system == "folder":
        files, name = entries(class_work, context.blobs()), assignment_id
    else:
        files, name = school.list_feedback(class_work, system, context.blobs()), f"{assignment_id}-{system}"
    pieces = zip_download.zip_files(files)
    first = next(pieces)  # an error here becomes the response
    answer = Response(chain([first], pieces), mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return answer


@routes.get("/v1/assignments/<assignment_id>/report")
@requires(TEACHER)
@answers("assignments", {200: "text/html"}, UnknownAssignment)
def page(assignment_id: str) -> Response:
    """The class's report alone, one page that opens anywhere."""
    class_work = load_assignment(assignment_id)
    report = reports.render_report(class_work.assignment, list_work(class_work), with_links=False)
    answer = Response(report, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def entries(class_work: AssignmentWithJobs, blobs: FolderBlobs) -> Iterator[tuple[str, float, bytes | BinaryIO]]:
    """Name, time (Unix seconds) and content of each file; an answer that is not kept any more is left out."""
    student_work = list_work(class_work)
    for name, content in reports.render_report_files(class_work.assignment, student_work):
        yield name, class_work.created_at, content
    for name, job in reports.list_answers(student_work):
        try:
            assert job.answer  # noqa: S101 - list_answers says so
            yield name, job.ended_at or job.updated_at, blobs.open(job.answer.blob)
        except FileNotFoundError:
            continue
    for name, job in reports.list_cards(student_work):
        assert job.answer  # noqa: S101 - list_cards says so
        if card := zip_download.open_card(job.answer, blobs):
            yield name, job.ended_at or job.updated_at, card
    for name, job in reports.list_tries(student_work):
        with suppress(FileNotFoundError):
            yield name, job.ended_at or job.updated_at, blobs.open(job.request.recording)


def list_work(class_work: AssignmentWithJobs) -> list[StudentWork]:
    jobs, tries = class_work.jobs, class_work.collect_tries(store().list_tries(class_work))
    return [
        StudentWork(
            student,
            job,
            handed_in_at(job) if job else None,
            tries.get(student.name),
            find_endings(tries.get(student.name)),
        )
        for student in class_work.students
        for job in [jobs.get(student.name)]
    ]


def find_endings(job_tries: JobTries | None) -> dict[str, str]:
    """How the files of the best and the last recording end, by the ids of their jobs; without those not kept."""
    endings = {}
    for job in filter(None, (job_tries.best, job_tries.last) if job_tries else ()):
        with suppress(FileNotFoundError), context.blobs().open(job.request.recording) as recording:
            demuxer = sniff(recording).demuxer
            endings[job.id] = ENDINGS.get(demuxer, demuxer)
    return endings
