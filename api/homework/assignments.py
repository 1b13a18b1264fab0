"""/v1/assignments: set homework, read how far a class is, erase it."""

import hashlib
import json
import re
import secrets
from dataclasses import asdict
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from api import context
from api.auth import TEACHER, requires
from api.homework.schemas import ASSIGNMENT_ID, AssignmentFields, NewAssignment, seconds
from api.jobs import parser
from api.jobs.view import show_error
from api.openapi import answers, respond
from pipeline import personas
from pipeline.errors import AssignmentExists, BadRequest, UnknownAssignment, UnknownFormat, UnknownPersona, UnknownVoice
from pipeline.homework.assignments import Assignment, Assignments, AssignmentWithJobs, Student
from pipeline.jobs.eta import Estimator
from pipeline.jobs.job import Job, State
from pipeline.schemas import homework as schemas
from pipeline.timestamps import utc
from pipeline.webhooks.validation import check

MAX_SUBMISSIONS = 20  # the latest submissions, whose ends are estimated


def show_progress(found: AssignmentWithJobs, estimator: Estimator) -> schemas.Progress:
    """How far the class is. A rerun that failed counts as failed, although an earlier version did not fail."""
    jobs = list(found.jobs.values())
    held = sum(job.state == State.HELD for job in jobs)
    ended = [job for job in jobs if job.ended_at is not None]
    succeeded = sum(job.state == State.SUCCEEDED for job in ended)
    working = [job for job in jobs if job.ended_at is None and job.state != State.HELD]
    return schemas.Progress(
        students=len(found.students),
        handed_in=len(jobs),
        succeeded=succeeded,
        failed=len(ended) - succeeded,
        held=held,
        working=len(working),
        missing=list(found.missing),
        eta_seconds=eta_s(working, estimator),
        complete=found.complete,
    )


def eta_s(working: list[Job], estimator: Estimator) -> float | None:
    """Seconds until the last of them has ended; None without any, or when one has no estimate."""
    newest = sorted(working, key=lambda job: job.created_at)[-MAX_SUBMISSIONS:]
    estimates = [estimator.estimate(job).eta_s for job in newest]
    known = [seconds for seconds in estimates if seconds is not None]
    return round(max(known), 1) if known and len(known) == len(estimates) else None


def show_submission(student: str, job: Job) -> schemas.Submission:
    return schemas.Submission(
        student=student,
        job=job.id,
        state=job.state.value,
        error=show_error(job),
        file=job.request.metadata.get("file", ""),
        sha256=job.request.sha256,
        handed_in_at=utc(handed_in_at(job)),
    )


def handed_in_at(job: Job) -> float:
    """Unix seconds; for a rerun, those of the first version."""
    return float(job.request.details.get("handed_in_at", job.created_at))


routes = Blueprint("assignments", __name__)
MALFORMED = (UnknownPersona, UnknownVoice, UnknownFormat)


def store() -> Assignments:
    return Assignments(context.jobs())


def load_assignment(id_: str) -> AssignmentWithJobs:
    """The caller's assignment. UnknownAssignment."""
    return store().get(context.caller().tenant, id_)


@routes.post("/v1/assignments")
@requires(TEACHER)
@answers("assignments", {200: schemas.AssignmentView, 201: schemas.AssignmentView}, *MALFORMED, AssignmentExists)
def create(json: NewAssignment) -> Response:
    """Set homework: 201, or 200 when it was set just so before. AssignmentExists when its id is another one's."""
    return put(json.id or secrets.token_hex(8), json, replace=False)


@routes.put("/v1/assignments/<assignment_id>")
@requires(TEACHER)
@answers("assignments", {200: schemas.AssignmentView, 201: schemas.AssignmentView}, *MALFORMED)
def replace(assignment_id: str, json: AssignmentFields) -> Response:
    """Set homework of this name, in the place of what had it before; what was handed in stays."""
    if not re.fullmatch(ASSIGNMENT_ID, assignment_id):
        raise BadRequest("An assignment's id has 1 to 64 of a-z, 0-9, _ and -.")
    return put(assignment_id, json, replace=True)


@routes.get("/v1/assignments")
@requires(TEACHER)
@answers("assignments", {200: schemas.AssignmentList})
def browse() -> Response:
    """All assignments, newest first."""
    assignments = [show(each) for each in store().all(context.caller().tenant)]
    return respond(schemas.AssignmentList(assignments=assignments))


@routes.get("/v1/assignments/<assignment_id>")
@requires(TEACHER)
@answers("assignments", {200: schemas.AssignmentView, 304: None}, UnknownAssignment)
def read(assignment_id: str) -> Response:
    """The assignment, how far the class is, and what each student handed in."""
    found = load_assignment(assignment_id)
    tag = tag_of(found)
    unchanged = request.if_none_match.contains_weak(tag)
    answer = Response(status=304) if unchanged else respond(view(found))
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
    outcome = store().put(build_assignment(id_, fields), replace)
    answer = respond(view(load_assignment(id_)))
    answer.status_code = 201 if outcome == "created" else 200
    answer.headers["Location"] = f"/v1/assignments/{id_}"
    return answer


def build_assignment(id_: str, fields: AssignmentFields) -> Assignment:
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
    return hashlib.sha256(json.dumps([asdict(found.assignment), jobs]).encode()).hexdigest()[:16]


def show(assignment: Assignment) -> schemas.Assignment:
    return schemas.Assignment.model_validate(assignment_fields(assignment))


def assignment_fields(assignment: Assignment) -> dict[str, Any]:
    """All fields but the tenant, which follows from the caller's key."""
    fields = asdict(assignment)
    del fields["tenant"]
    return {**fields, "due": None if assignment.due is None else utc(assignment.due)}


def view(found: AssignmentWithJobs) -> schemas.AssignmentView:
    return schemas.AssignmentView(
        **assignment_fields(found.assignment),
        created_at=utc(found.created_at),
        progress=show_progress(found, context.estimator()),
        submissions=[show_submission(student, job) for student, job in found.jobs.items()],
    )
