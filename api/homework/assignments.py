"""How far a class is with its homework."""

import hashlib
import json as text
import re
import secrets
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from api import context
from api.auth import TEACHER, requires
from api.homework.schemas import ID, AssignmentFields, NewAssignment, seconds
from api.jobs import parser
from api.openapi import answers
from pipeline import personas
from pipeline.errors import AssignmentExists, BadRequest, UnknownAssignment, UnknownFormat, UnknownPersona, UnknownVoice
from pipeline.homework.assignments import Assignment, Assignments, AssignmentWithJobs, Student
from pipeline.jobs.eta import Forecast
from pipeline.jobs.job import Job, State
from pipeline.schemas import homework as shapes
from pipeline.timestamps import iso
from pipeline.webhooks.validation import check

MAX_SUBMISSIONS = 20  # of the jobs that were handed in last: whose end is foreseen, and so the class's


def progress(found: AssignmentWithJobs, forecast: Forecast) -> dict[str, Any]:
    """As pipeline/schemas/homework.py has it. A rerun that failed counts as failed, though an earlier one had not."""
    jobs = list(found.jobs.values())
    held = sum(job.state == State.HELD for job in jobs)
    ended = [job for job in jobs if job.ended_at is not None]
    succeeded = sum(job.state == State.SUCCEEDED for job in ended)
    working = [job for job in jobs if job.ended_at is None and job.state != State.HELD]
    return {
        "students": len(found.students),
        "handed_in": len(jobs),
        "succeeded": succeeded,
        "failed": len(ended) - succeeded,
        "held": held,
        "working": len(working),
        "missing": list(found.missing),
        "eta_seconds": eta_s(working, forecast),
        "complete": found.complete,
    }


def eta_s(working: list[Job], forecast: Forecast) -> float | None:
    """Seconds until the last of them has ended; None when there is none, or nobody knows of one."""
    newest = sorted(working, key=lambda job: job.created_at)[-MAX_SUBMISSIONS:]
    foreseen = [forecast.of(job).eta_s for job in newest]
    known = [seconds for seconds in foreseen if seconds is not None]
    return round(max(known), 1) if known and len(known) == len(foreseen) else None


def submission(student: str, job: Job) -> dict[str, Any]:
    return {
        "student": student,
        "job": job.id,
        "state": job.state,
        "error": job.error,
        "file": job.request.metadata.get("file", ""),
        "sha256": job.request.sha256,
        "handed_in_at": iso(handed_in_at(job)),
    }


def handed_in_at(job: Job) -> float:
    """Unix seconds; of another version of a job, those of its first one."""
    return float(job.request.details.get("handed_in_at", job.created_at))


routes = Blueprint("assignments", __name__)
MALFORMED = (UnknownPersona, UnknownVoice, UnknownFormat)


def store() -> Assignments:
    return Assignments(context.jobs())


def kept(id_: str) -> AssignmentWithJobs:
    """The caller's assignment. UnknownAssignment."""
    return store().get(context.caller().tenant, id_)


@routes.post("/v1/assignments")
@requires(TEACHER)
@answers("assignments", {200: shapes.AssignmentView, 201: shapes.AssignmentView}, *MALFORMED, AssignmentExists)
def create(json: NewAssignment) -> Response:
    """Set homework: 201, or 200 when it was set just so before. AssignmentExists when its id is another one's."""
    return put(json.id or secrets.token_hex(8), json, replace=False)


@routes.put("/v1/assignments/<assignment_id>")
@requires(TEACHER)
@answers("assignments", {200: shapes.AssignmentView, 201: shapes.AssignmentView}, *MALFORMED)
def replace(assignment_id: str, json: AssignmentFields) -> Response:
    """Set homework of this name, in the place of what had it before; what was handed in stays."""
    if not re.fullmatch(ID, assignment_id):
        raise BadRequest("An assignment's id has 1 to 64 of a-z, 0-9, _ and -.")
    return put(assignment_id, json, replace=True)


@routes.get("/v1/assignments")
@requires(TEACHER)
@answers("assignments", {200: shapes.AssignmentList})
def browse() -> Response:
    """All assignments, newest first."""
    return jsonify({"assignments": [show(each) for each in store().all(context.caller().tenant)]})


@routes.get("/v1/assignments/<assignment_id>")
@requires(TEACHER)
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
@requires(TEACHER)
@answers("assignments", {204: None}, UnknownAssignment)
def erase(assignment_id: str) -> Response:
    """Erase the assignment with all that was ever handed in for it, and every answer."""
    for name in store().erase(context.caller().tenant, assignment_id):
        context.blobs().delete_job(name)
    return Response(status=204)


def put(id_: str, fields: AssignmentFields, replace: bool) -> Response:
    outcome = store().put(checked(id_, fields), replace)
    answer = jsonify(view(kept(id_)))
    answer.status_code = 201 if outcome == "created" else 200
    answer.headers["Location"] = f"/v1/assignments/{id_}"
    return answer


def checked(id_: str, fields: AssignmentFields) -> Assignment:
    """The assignment that the fields describe, with what the server chooses where they say nothing."""
    chosen = context.settings()
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
            "tenant": context.caller().tenant,
            "persona": persona,
            "words": tuple(fields.words),
            "due": seconds(fields.due),
            "retention_h": fields.retention_h or chosen.retention_h,
            "students": tuple(Student(student.name, student.id) for student in fields.students),
            "voice": parser.voice(fields.voice),
            "format": parser.audio_format(fields.format),
        }
    )


def tag_of(found: AssignmentWithJobs) -> str:
    """Another one whenever the assignment or one of its jobs is."""
    jobs = [(student, job.id, job.version) for student, job in sorted(found.jobs.items())]
    return hashlib.sha256(text.dumps([found.assignment.as_dict(), jobs]).encode()).hexdigest()[:16]


def show(assignment: Assignment) -> dict[str, Any]:
    fields = assignment.as_dict()
    del fields["tenant"]  # which is whose key it is, and nothing that a caller names
    return {**fields, "due": None if assignment.due is None else iso(assignment.due)}


def view(found: AssignmentWithJobs) -> dict[str, Any]:
    return {
        **show(found.assignment),
        "created_at": iso(found.created_at),
        "progress": progress(found, context.forecast()),
        "submissions": [submission(student, job) for student, job in found.jobs.items()],
    }
