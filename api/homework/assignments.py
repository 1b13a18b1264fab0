"""/v1/assignments: set homework, see how far the class is, erase it."""

import hashlib
import json as text
import re
import secrets
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from api import here, questions
from api.homework.fields import ID, AssignmentFields, NewAssignment, seconds
from api.homework.progress import progress, submission
from api.spec import answers
from pipeline import homework_shapes as shapes
from pipeline import personas
from pipeline.assignments import Assignment, Assignments, Kept, Student
from pipeline.errors import AssignmentExists, BadRequest, UnknownAssignment, UnknownFormat, UnknownPersona, UnknownVoice
from pipeline.webhooks import check
from pipeline.when import iso

routes = Blueprint("assignments", __name__)
MALFORMED = (UnknownPersona, UnknownVoice, UnknownFormat)


def store() -> Assignments:
    return Assignments(here.jobs())


def kept(id_: str) -> Kept:
    """The caller's assignment. UnknownAssignment."""
    return store().get(here.caller().tenant, id_)


@routes.post("/v1/assignments")
@answers("assignments", {200: shapes.AssignmentView, 201: shapes.AssignmentView}, *MALFORMED, AssignmentExists)
def create(json: NewAssignment) -> Response:
    """Set homework: 201, or 200 when it was set just so before. AssignmentExists when its id is another one's."""
    return put(json.id or secrets.token_hex(8), json, replace=False)


@routes.put("/v1/assignments/<assignment_id>")
@answers("assignments", {200: shapes.AssignmentView, 201: shapes.AssignmentView}, *MALFORMED)
def replace(assignment_id: str, json: AssignmentFields) -> Response:
    """Set homework of this name, in the place of what had it before; what was handed in stays."""
    if not re.fullmatch(ID, assignment_id):
        raise BadRequest("An assignment's id has 1 to 64 of a-z, 0-9, _ and -.")
    return put(assignment_id, json, replace=True)


@routes.get("/v1/assignments")
@answers("assignments", {200: shapes.AssignmentList})
def browse() -> Response:
    """All assignments, newest first."""
    return jsonify({"assignments": [show(each) for each in store().all(here.caller().tenant)]})


@routes.get("/v1/assignments/<assignment_id>")
@answers("assignments", {200: shapes.AssignmentView, 304: None}, UnknownAssignment)
def read(assignment_id: str) -> Response:
    """The assignment, how far the class is, and what each student handed in."""
    found = kept(assignment_id)
    tag = tag_of(found)
    unchanged = request.if_none_match.contains_weak(tag)
    answer = Response(status=304) if unchanged else jsonify(view(found))
    answer.set_etag(tag, weak=True)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.delete("/v1/assignments/<assignment_id>")
@answers("assignments", {204: None}, UnknownAssignment)
def erase(assignment_id: str) -> Response:
    """Erase the assignment with all that was ever handed in for it, and every answer."""
    for name in store().erase(here.caller().tenant, assignment_id):
        here.blobs().delete_job(name)
    return Response(status=204)


def put(id_: str, fields: AssignmentFields, replace: bool) -> Response:
    outcome = store().put(checked(id_, fields), replace)
    answer = jsonify(view(kept(id_)))
    answer.status_code = 201 if outcome == "created" else 200
    answer.headers["Location"] = f"/v1/assignments/{id_}"
    return answer


def checked(id_: str, fields: AssignmentFields) -> Assignment:
    """The assignment that the fields describe, with what the server chooses where they say nothing."""
    chosen = here.settings()
    persona = fields.persona or chosen.persona
    personas.load(persona, chosen.personas)
    if fields.webhook:
        check(fields.webhook, chosen)
    names = [student.name for student in fields.students]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadRequest(f"`students` has {twice!r} twice; a name stands for one student.", field="students")
    given = fields.model_dump(exclude={"id", "due", "students"})
    return Assignment(
        **{
            **given,
            "id": id_,
            "tenant": here.caller().tenant,
            "persona": persona,
            "words": tuple(fields.words),
            "due": seconds(fields.due),
            "retention_h": fields.retention_h or chosen.retention_h,
            "students": tuple(Student(student.name, student.id) for student in fields.students),
            "voice": questions.voice(fields.voice),
            "format": questions.audio_format(fields.format),
        }
    )


def tag_of(found: Kept) -> str:
    """Another one whenever the assignment or one of its jobs is."""
    jobs = [(student, job.id, job.version) for student, job in sorted(found.jobs.items())]
    return hashlib.sha256(text.dumps([found.assignment.as_dict(), jobs]).encode()).hexdigest()[:16]


def show(assignment: Assignment) -> dict[str, Any]:
    fields = assignment.as_dict()
    del fields["tenant"]  # which is whose key it is, and nothing that a caller names
    return {**fields, "due": None if assignment.due is None else iso(assignment.due)}


def view(found: Kept) -> dict[str, Any]:
    return {
        **show(found.assignment),
        "created_at": iso(found.created_at),
        "progress": progress(found, here.forecast()),
        "submissions": [submission(student, job) for student, job in found.jobs.items()],
    }
