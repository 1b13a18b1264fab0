"""/v1/assignments/{id}/submissions: take recordings, single or in ZIPs, and match them to students."""

import dataclasses
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from flask import Blueprint, jsonify
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from api import context
from api.auth import TEACHER, requires
from api.homework.assignments import load_assignment
from api.homework.schemas import HandInForm
from api.jobs.parser import ParsedRequest, check_recording
from api.jobs.service import accept
from api.openapi import answers
from pipeline.errors import BadRequest, UnknownAssignment, UnknownStudent, WaijiaoError
from pipeline.homework.assignments import Assignment, AssignmentWithJobs, Student
from pipeline.homework.filenames import display_name, display_path
from pipeline.homework.match_students import fold_case, match_students
from pipeline.homework.zip_import import RefusedFile, Usage, ZipLimits, is_document, list_members
from pipeline.jobs.job import JobRequest
from pipeline.schemas import homework as schemas

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")  # how a ZIP begins, and how an empty one does


@dataclass(frozen=True)
class UploadedRecording:
    """A recording; `open` reads its `size` bytes from their start.

    `path`, from which the student is found, is its path in its ZIP, or its file name; `name` also has the ZIP's name.
    """

    name: str
    path: str
    size: int
    open: Callable[[], BinaryIO]


def unpack(
    file: FileStorage, students: Sequence[Student], limits: ZipLimits, usage: Usage
) -> Iterator[UploadedRecording | RefusedFile]:
    """The recordings in `file`: itself, or the files of the ZIP that it is. Each is read only when opened."""
    name, stream = display_path(file.filename or ""), cast(BinaryIO, file.stream)
    head, size = stream.read(4), stream.seek(0, 2)
    if head not in ZIP_MAGICS or is_document(name):
        usage.files += 1
        usage.total_bytes += size
        yield UploadedRecording(name, name, size, lambda: rewind(stream))
        return
    try:
        for each in list_members(stream, limits, students, usage):
            inner = f"{name}/{each.name}"
            if isinstance(each, RefusedFile):
                yield RefusedFile(inner, each.code, each.detail)
            else:
                yield UploadedRecording(inner, each.name, each.size, each.open)
    except WaijiaoError as error:
        yield RefusedFile(name, error.code, error.detail)


def rewind(stream: BinaryIO) -> BinaryIO:
    stream.seek(0)
    return stream


routes = Blueprint("submissions", __name__)
FileResult = dict[str, Any]


@routes.post("/v1/assignments/<assignment_id>/submissions")
@requires(TEACHER)
@answers("assignments", {200: schemas.SubmissionResult}, UnknownAssignment)
def hand_in(assignment_id: str, form: HandInForm) -> Response:
    """Submit recordings. Each file's name, or `student`, names the student; repeated files are not done again."""
    assignment_with_jobs = load_assignment(assignment_id)
    assignment = assignment_with_jobs.assignment
    result: dict[str, list[FileResult]] = {"accepted": [], "unchanged": [], "refused": []}
    recordings = []
    for each in list_recordings(form.file, assignment.students):
        if isinstance(each, RefusedFile):
            result["refused"].append(refused_fields(each.name, None, each.code, each.detail))
        elif error := find_fault(each):
            owner = match_students([each.path], assignment.students).student_by_file.get(each.path)
            result["refused"].append(refused_fields(each.name, owner, error.code, error.detail))
        else:
            recordings.append(each)
    owners, problems = assign_students(assignment_with_jobs, recordings, form.student)
    result["refused"] += problems
    for each, student in owners:
        try:
            request = build_submission(assignment, student, each.name)
            accepted_job = accept(ParsedRequest(request, check_recording(each.open, each.size)))
            kind = "unchanged" if accepted_job.earlier else "accepted"
            result[kind].append({"file": each.name, "student": student, "job": accepted_job.job.id})
        except WaijiaoError as error:
            result["refused"].append(refused_fields(each.name, student, error.code, error.detail))
    return jsonify(result)


def find_fault(recording: UploadedRecording) -> WaijiaoError | None:
    """Why it cannot be taken as a recording; None if it can. Anna.txt beside Anna.wav is not a second recording."""
    try:
        check_recording(recording.open, recording.size)
    except WaijiaoError as error:
        return error
    return None


def list_recordings(files: list[FileStorage], students: Sequence[Student]) -> Iterator[UploadedRecording | RefusedFile]:
    """Every recording of the request, those of its ZIPs too; one that cannot be read does not stop the others."""
    server_settings = context.settings()
    if len(files) > server_settings.max_hand_in_files:
        raise BadRequest(f"At most {server_settings.max_hand_in_files} files are handed in at once.", field="file")
    entry_bytes, total_bytes = server_settings.max_upload_mb * 1_000_000, server_settings.max_hand_in_mb * 1_000_000
    limits, usage = ZipLimits(server_settings.max_hand_in_files, entry_bytes, total_bytes), Usage()
    for file in files:
        yield from unpack(file, students, limits, usage)


def assign_students(
    assignment_with_jobs: AssignmentWithJobs, recordings: list[UploadedRecording], student: str | None
) -> tuple[list[tuple[UploadedRecording, str]], list[FileResult]]:
    """Each recording whose student was found, with that student; and the problems of the others."""
    if student is not None:
        if len(recordings) > 1:
            raise BadRequest(
                "`student` applies to one recording; send the others in separate requests.", field="student"
            )
        return [(each, find_student(assignment_with_jobs, student)) for each in recordings], []
    if assignment_with_jobs.assignment.class_id and not assignment_with_jobs.assignment.students:
        error = UnknownStudent("The class has no pupils any more.")
        return [], [refused_fields(each.name, None, error.code, error.detail) for each in recordings]
    matching = match_students([each.path for each in recordings], assignment_with_jobs.assignment.students)
    problem_by_file = {problem.file: problem for problem in matching.problems}
    problems = [
        refused_fields(each.name, problem.student, problem.code, problem.detail)
        for each in recordings
        for problem in [problem_by_file.get(each.path)]
        if problem
    ]
    owners = matching.student_by_file
    return [(each, owners[each.path]) for each in recordings if each.path in owners], problems


def find_student(assignment_with_jobs: AssignmentWithJobs, student: str) -> str:
    """The name of the student with this name, id or pupil's id, in any case. UnknownStudent if the class has none."""
    key, assignment = fold_case(display_name(student)), assignment_with_jobs.assignment
    for each in assignment.students if assignment.class_id else assignment_with_jobs.students:
        if key and key in {fold_case(each.name), fold_case(each.id), each.pupil}:
            return each.name
    if assignment.students or assignment.class_id:
        raise UnknownStudent
    return student


def build_submission(assignment: Assignment, student: str, file: str) -> JobRequest:
    job_id, caller = secrets.token_hex(16), context.caller()
    detail_names = {"title", "instructions", "text", "words", "level", "clearness"}
    fields = dataclasses.asdict(assignment)
    details = {name: value for name, value in fields.items() if name in detail_names and value}
    pupil = next((each.pupil for each in assignment.students if each.name == student), "")
    return JobRequest(
        id=job_id,
        session=job_id,
        tenant=assignment.tenant,
        persona=assignment.persona,
        language=assignment.language,
        voice=assignment.voice,
        speed=assignment.speed,
        format=assignment.format,
        lane="homework",
        key=caller.key,
        webhook=assignment.webhook,
        webhook_events=("assignment.completed",) if assignment.webhook else (),
        metadata={"file": file[-512:], "student": student},
        details={**details, "handed_in_at": time.time()},
        assignment=assignment.id,
        student=student,
        pupil=pupil,
        due=assignment.due,
        group=assignment.group,
        hold=assignment.hold,
        retention_h=assignment.retention_h,
        card=assignment.card,
    )


def refused_fields(file: str, student: str | None, code: str, detail: str) -> FileResult:
    return {"file": file, "student": student, "code": code, "detail": detail}
