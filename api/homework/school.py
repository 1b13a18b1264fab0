"""Back into a school's system: a class's spoken answers as its feedback files, and its grading sheet filled in."""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from flask import Blueprint
from werkzeug.wrappers import Response

from api.auth import TEACHER, requires
from api.homework.assignments import load_assignment
from api.homework.schemas import SheetForm
from api.openapi import answers, respond
from pipeline.blob_store import FolderBlobs
from pipeline.errors import AnswerNotReady, BadSheet, NotFromSchoolSystem, TooLarge, UnknownAssignment
from pipeline.homework.assignments import AssignmentWithJobs
from pipeline.homework.school.files import (
    SYSTEM_TITLES,
    SchoolFile,
    SchoolSystem,
    feedback_path,
    parse_school_file,
)
from pipeline.homework.school.grading_sheet import ReleasedAnswer, fill_sheet
from pipeline.jobs.job import Job
from pipeline.schemas import homework as schemas

MAX_SHEET_BYTES = 10_000_000  # a class of 2,000 with long comments has less
NOT_INCLUDED_NAME = "not-included.txt"  # which Moodle and Canvas pass over
NOT_INCLUDED_TITLE = "Answers that are not in this ZIP / 这个 ZIP 里没有的回答:"
REASONS = {
    "other_name": "the file has no name of {system}'s / 文件名不是 {system} 的",
    "same_number": "another student has the same number / 另一名学生的编号相同",
    "not_ready": "not answered yet, or not released / 还没有回答，或还没有放行",
    "erased": "the answer is no longer stored / 回答已不再保存",
}
routes = Blueprint("school", __name__)


@dataclass(frozen=True)
class FeedbackFile:
    """A spoken answer, and the path under which the system takes it."""

    student: str
    job: Job
    path: str


def list_feedback(
    class_work: AssignmentWithJobs, system: SchoolSystem, blobs: FolderBlobs
) -> Iterator[tuple[str, float, bytes | BinaryIO]]:
    """Name, time (Unix seconds) and content of each file of the ZIP for the system.

    Raises NotFromSchoolSystem if it has named no file of the class's, and AnswerNotReady if no answer to them is
    released.
    """
    files, reasons = select_feedback(class_work, system)
    for each in files:
        try:
            assert each.job.answer  # noqa: S101 - select_feedback says so
            yield each.path, each.job.ended_at or each.job.updated_at, blobs.open(each.job.answer.blob)
        except FileNotFoundError:
            reasons[each.student] = "erased"
    if reasons:
        yield NOT_INCLUDED_NAME, class_work.created_at, describe_reasons(reasons, system)


def select_feedback(class_work: AssignmentWithJobs, system: SchoolSystem) -> tuple[list[FeedbackFile], dict[str, str]]:
    """The answers for the system; and why those of other students, by name, are none, as a key of REASONS."""
    jobs = {
        student.name: class_work.jobs[student.name]
        for student in class_work.students
        if student.name in class_work.jobs
    }
    school_files = {
        name: school_file
        for name, job in jobs.items()
        if (school_file := find_school_file(job)) and school_file.system == system
    }
    if not school_files:
        raise NotFromSchoolSystem(
            f"No file was handed in under a name of {SYSTEM_TITLES[system]}'s: hand in the ZIP as it came from there, "
            "or fetch the answers for a folder."
        )
    counts = Counter(file.number for file in school_files.values())
    files, reasons = [], {}
    for name, job in jobs.items():
        if name not in school_files:
            reasons[name] = "other_name"
        elif counts[school_files[name].number] > 1:
            reasons[name] = "same_number"
        elif job.answer is None:
            reasons[name] = "not_ready"
        else:
            files.append(FeedbackFile(name, job, feedback_path(school_files[name], job.answer.format)))
    if not files:
        raise AnswerNotReady(
            "No answer is ready and released yet. Release those that wait for you, or try again later."
        )
    return files, reasons


def find_school_file(job: Job) -> SchoolFile | None:
    """The file that was handed in, if a system has named it."""
    return parse_school_file(job.request.metadata.get("file", ""))


def describe_reasons(reasons: Mapping[str, str], system: SchoolSystem) -> bytes:
    """A text for the teacher, in English and Chinese, with a line for each student."""
    lines = [f"{name}: {REASONS[reason].format(system=SYSTEM_TITLES[system])}" for name, reason in reasons.items()]
    return "\r\n".join([NOT_INCLUDED_TITLE, *lines, ""]).encode("utf-8-sig")


@routes.post("/v1/assignments/<assignment_id>/sheet")
@requires(TEACHER)
@answers("assignments", {200: schemas.FilledSheet}, UnknownAssignment, BadSheet, TooLarge)
def fill(assignment_id: str, form: SheetForm) -> Response:
    """The grading sheet of Moodle or Canvas, with the text of each spoken answer in the row of its student.

    Only empty cells of one column are filled: Moodle's feedback comments, Canvas's notes, or `column`. Nothing of it is
    stored.
    """
    class_work = load_assignment(assignment_id)
    data = form.file.stream.read(MAX_SHEET_BYTES + 1)
    if len(data) > MAX_SHEET_BYTES:
        raise TooLarge(f"A grading sheet has at most {MAX_SHEET_BYTES:,} bytes.")
    released_answers = [
        ReleasedAnswer(student, job.answer.text, find_school_file(job))
        for student in class_work.students
        if (job := class_work.jobs.get(student.name)) and job.answer
    ]
    sheet = fill_sheet(data, released_answers, form.column)
    return respond(
        schemas.FilledSheet(
            system=sheet.system,
            content=base64.b64encode(sheet.content).decode(),
            entered=list(sheet.entered),
            occupied=list(sheet.occupied),
            not_found=list(sheet.not_found),
        )
    )
