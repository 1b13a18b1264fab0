"""/v1/assignments/{id}/submissions: recordings are handed in, one by one or as ZIPs; each stands or falls by itself."""

import dataclasses
import secrets
import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, jsonify
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from api import here
from api.homework.assignments import kept
from api.homework.fields import HandInForm
from api.homework.incoming import Incoming, incoming
from api.jobs import accept
from api.questions import Asked, judged
from api.spec import answers
from pipeline import homework_shapes as shapes
from pipeline.assignments import Assignment
from pipeline.errors import BadRequest, UnknownAssignment, UnknownStudent, WaijiaoError
from pipeline.handing_in.matching import matched
from pipeline.handing_in.unzipping import Refused
from pipeline.record import HINT, Question

routes = Blueprint("submissions", __name__)
Told = dict[str, Any]


@routes.post("/v1/assignments/<assignment_id>/submissions")
@answers("assignments", {200: shapes.HandedIn}, UnknownAssignment)
def hand_in(assignment_id: str, form: HandInForm) -> Response:
    """Hand in recordings. Whose each is, its name says, or `student`; what was handed in before is not done again."""
    assignment = kept(assignment_id).assignment
    result: dict[str, list[Told]] = {"accepted": [], "unchanged": [], "refused": []}
    recordings = []
    for each in arrived(form.file):
        if isinstance(each, Refused):
            result["refused"].append(refused(each.name, None, each.code, each.detail))
        else:
            recordings.append(each)
    owners, problems = whose(assignment, recordings, form.student)
    result["refused"] += problems
    for each, student in owners:
        try:
            accepted = accept(Asked(question(assignment, student, each.name), judged(each.open, each.size)))
            kind = "unchanged" if accepted.earlier else "accepted"
            result[kind].append({"file": each.name, "student": student, "job": accepted.job.id})
        except WaijiaoError as error:
            result["refused"].append(refused(each.name, student, error.code, error.detail))
    return jsonify(result)


def arrived(files: list[FileStorage]) -> Iterator[Incoming | Refused]:
    """Every recording of the request, those of its ZIPs too; one that cannot be read stops no other."""
    chosen = here.settings()
    if len(files) > chosen.max_hand_in_files:
        raise BadRequest(f"At most {chosen.max_hand_in_files} files are handed in at once.", field="file")
    for file in files:
        yield from incoming(file, chosen)


def whose(
    assignment: Assignment, recordings: list[Incoming], student: str | None
) -> tuple[list[tuple[Incoming, str]], list[Told]]:
    """Each recording that can be taken, and its student; and what is wrong with the others."""
    if student is not None:
        if len(recordings) > 1:
            raise BadRequest("`student` says whose one recording is; send no other with it.", field="student")
        return [(each, named(assignment, student)) for each in recordings], []
    matching = matched([each.path for each in recordings], assignment.students)
    wrong = {problem.file: problem for problem in matching.problems}
    problems = [
        refused(each.name, problem.student, problem.code, problem.detail)
        for each in recordings
        for problem in [wrong.get(each.path)]
        if problem
    ]
    return [(each, matching.found[each.path]) for each in recordings if each.path in matching.found], problems


def named(assignment: Assignment, student: str) -> str:
    """The student of the class who is called so, or has this id. UnknownStudent."""
    if not assignment.students:
        return student
    for each in assignment.students:
        if student in {each.name, each.id}:
            return each.name
    raise UnknownStudent


def question(assignment: Assignment, student: str, file: str) -> Question:
    job_id, caller = secrets.token_hex(16), here.caller()
    given = {"title", "instructions", "text", "words", "level"}
    fields = dataclasses.asdict(assignment)
    details = {name: value for name, value in fields.items() if name in given and value}
    return Question(
        id=job_id,
        session=job_id,
        tenant=assignment.tenant,
        persona=assignment.persona,
        language=assignment.language,
        hint=", ".join(assignment.words)[:HINT],
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
        due=assignment.due,
        group=assignment.group,
        hold=assignment.hold,
        retention_h=assignment.retention_h,
    )


def refused(file: str, student: str | None, code: str, detail: str) -> Told:
    return {"file": file, "student": student, "code": code, "detail": detail}
