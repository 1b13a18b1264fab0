"""/v1/assignments: set homework, read a class's progress, erase it."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from api import context
from api.auth import TEACHER, requires
from api.homework.schemas import ASSIGNMENT_ID, AssignmentFields, NewAssignment, to_seconds
from api.jobs import parser
from api.jobs.tries_view import summarize_tries
from api.jobs.view import show_error
from api.openapi import answers, respond
from pipeline import personas
from pipeline.classes.assignments import update_assignments
from pipeline.classes.school_class import SchoolClass
from pipeline.classes.store import Classes
from pipeline.errors import (
    AssignmentExists,
    BadRequest,
    BadStudentIds,
    UnknownAssignment,
    UnknownClass,
    UnknownFormat,
    UnknownPersona,
    UnknownVoice,
)
from pipeline.homework.assignments import Assignment, Assignments, AssignmentWithJobs, Student
from pipeline.homework.student_ids import find_changed_id
from pipeline.jobs.eta import Estimator
from pipeline.jobs.job import Job, State
from pipeline.jobs.results import Verdict
from pipeline.practice.tries import JobTries
from pipeline.schemas import homework as schemas
from pipeline.text.statistics import count_verdicts
from pipeline.timestamps import to_utc
from pipeline.webhooks.validation import check_url

MAX_SUBMISSIONS = 20  # the latest submissions, whose ends are estimated


def show_progress(class_work: AssignmentWithJobs, estimator: Estimator) -> schemas.Progress:
    """The class's progress. A rerun that failed counts as failed, although an earlier version did not fail."""
    jobs = list(class_work.jobs.values())
    held_count = sum(job.state == State.HELD for job in jobs)
    ended_jobs = [job for job in jobs if job.ended_at is not None]
    success_count = sum(job.state == State.SUCCEEDED for job in ended_jobs)
    working_jobs = [job for job in jobs if job.ended_at is None and job.state != State.HELD]
    return schemas.Progress(
        needs_an_adult=[student for student, job in class_work.jobs.items() if find_verdict(job) == "needs_an_adult"],
        verdicts=dict(count_verdicts(job.feedback for job in jobs)),
        students=len(class_work.students),
        handed_in=len(jobs),
        succeeded=success_count,
        failed=len(ended_jobs) - success_count,
        held=held_count,
        working=len(working_jobs),
        missing=list(class_work.missing),
        eta_seconds=eta_s(working_jobs, estimator),
        complete=class_work.complete,
    )


def eta_s(working: list[Job], estimator: Estimator) -> float | None:
    """Seconds until the last of them has ended; None without any, or when one has no estimate."""
    newest = sorted(working, key=lambda job: job.created_at)[-MAX_SUBMISSIONS:]
    estimates = [estimator.estimate(job).eta_s for job in newest]
    durations = [seconds for seconds in estimates if seconds is not None]
    return round(max(durations), 1) if durations and len(durations) == len(estimates) else None


def show_submission(student: str, job: Job, job_tries: JobTries | None) -> schemas.Submission:
    return schemas.Submission(
        student=student,
        job=job.id,
        state=job.state.value,
        verdict=find_verdict(job),
        error=show_error(job),
        file=job.request.metadata.get("file", ""),
        sha256=job.request.sha256,
        handed_in_at=to_utc(handed_in_at(job)),
        tries=summarize_tries(job_tries) if job_tries else None,
    )


def find_verdict(job: Job) -> Verdict | None:
    return job.feedback.verdict if job.feedback else None


def handed_in_at(job: Job) -> float:
    """Unix seconds; for a rerun, those of the first version."""
    return float(job.request.details.get("handed_in_at", job.created_at))


routes = Blueprint("assignments", __name__)
INPUT_ERRORS = (UnknownPersona, UnknownVoice, UnknownFormat, BadStudentIds, UnknownClass)


def store() -> Assignments:
    return Assignments(context.jobs())


def load_assignment(id_: str) -> AssignmentWithJobs:
    """The caller's assignment. UnknownAssignment."""
    return store().get(context.caller().tenant, id_)


@routes.post("/v1/assignments")
@requires(TEACHER)
@answers("assignments", {200: schemas.AssignmentView, 201: schemas.AssignmentView}, *INPUT_ERRORS, AssignmentExists)
def create(json: NewAssignment) -> Response:
    """Set homework: 201, or 200 when the same was set before. AssignmentExists when another one has its id."""
    return put(json.id or secrets.token_hex(8), json, replace=False)


@routes.put("/v1/assignments/<assignment_id>")
@requires(TEACHER)
@answers("assignments", {200: schemas.AssignmentView, 201: schemas.AssignmentView}, *INPUT_ERRORS)
def replace(assignment_id: str, json: AssignmentFields) -> Response:
    """Set the homework with this id, replacing an earlier one; its submissions stay."""
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
    """The assignment, the class's progress, and each student's submission."""
    class_work = load_assignment(assignment_id)
    try_jobs = store().list_tries(class_work)
    tag = version_tag(class_work, try_jobs)
    is_unchanged = request.if_none_match.contains_weak(tag)
    answer = Response(status=304) if is_unchanged else respond(view(class_work, try_jobs))
    answer.set_etag(tag, weak=True)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.delete("/v1/assignments/<assignment_id>")
@requires(TEACHER)
@answers("assignments", {204: None}, UnknownAssignment)
def erase(assignment_id: str) -> Response:
    """Erase the assignment with all its submissions and their answers."""
    for name in store().erase(context.caller().tenant, assignment_id):
        context.blobs().delete_job(name)
    return Response(status=204)


def put(id_: str, fields: AssignmentFields, replace: bool) -> Response:
    assignment = build_assignment(id_, fields)
    outcome = store().put(assignment, replace)
    if assignment.class_id:
        update_assignments(Classes(context.jobs()), assignment.tenant, assignment.class_id)
    class_work = load_assignment(id_)
    answer = respond(view(class_work, store().list_tries(class_work)))
    answer.status_code = 201 if outcome == "created" else 200
    answer.headers["Location"] = context.address(f"/v1/assignments/{id_}")
    return answer


def build_assignment(id_: str, fields: AssignmentFields) -> Assignment:
    """The assignment that the fields describe, with the server's defaults where they are empty."""
    server_settings = context.settings()
    persona = fields.persona or server_settings.persona
    personas.load(persona, server_settings.personas)
    if fields.webhook:
        check_url(fields.webhook, server_settings)
    names = [student.name for student in fields.students]
    if duplicate := next((name for name in names if names.count(name) > 1), None):
        raise BadRequest(f"`students` has {duplicate!r} twice; give each student a different name.", field="students")
    if (index := find_changed_id([student.id for student in fields.students])) is not None:
        raise BadStudentIds(
            f"`students[{index}].id` is {fields.students[index].id!r}, which a spreadsheet made of another id. "
            "Format the column of the ids as Text, enter them again, and send them.",
            field=f"students[{index}].id",
        )
    values = fields.model_dump(exclude={"id", "due", "students", "class_name"})
    school_class = find_class(fields)
    return Assignment(
        **{
            **values,
            "id": id_,
            "tenant": context.caller().tenant,
            "persona": persona,
            "words": tuple(fields.words),
            "due": to_seconds(fields.due),
            "retention_h": fields.retention_h or server_settings.retention_h,
            "class_name": school_class.name if school_class else fields.class_name,
            "students": school_class.students
            if school_class
            else tuple(Student(student.name, student.id) for student in fields.students),
            "voice": parser.check_voice(fields.voice),
            "format": parser.check_format(fields.format),
        }
    )


def find_class(fields: AssignmentFields) -> SchoolClass | None:
    """The class whose pupils are the students; None where none is named. Raises UnknownClass."""
    if not fields.class_id:
        return None
    if fields.students:
        raise BadRequest("Give `students` or `class_id`, not both.", field="students")
    return Classes(context.jobs()).get(context.caller().tenant, fields.class_id).school_class


def version_tag(class_work: AssignmentWithJobs, try_jobs: Mapping[str, Sequence[Job]]) -> str:
    """A tag that changes whenever the assignment, one of its jobs or of their tries does."""
    jobs = [(student, job.id, job.version) for student, job in sorted(class_work.jobs.items())]
    tries = [(job.id, job.version) for _, each in sorted(try_jobs.items()) for job in each]
    return hashlib.sha256(json.dumps([asdict(class_work.assignment), jobs, tries]).encode()).hexdigest()[:16]


def show(assignment: Assignment) -> schemas.Assignment:
    return schemas.Assignment.model_validate(assignment_fields(assignment))


def assignment_fields(assignment: Assignment) -> dict[str, Any]:
    """All fields but the tenant, which follows from the caller's key."""
    fields = asdict(assignment)
    del fields["tenant"]
    return {**fields, "due": None if assignment.due is None else to_utc(assignment.due)}


def view(class_work: AssignmentWithJobs, try_jobs: Mapping[str, Sequence[Job]]) -> schemas.AssignmentView:
    tries = class_work.collect_tries(try_jobs)
    return schemas.AssignmentView(
        **assignment_fields(class_work.assignment),
        created_at=to_utc(class_work.created_at),
        progress=show_progress(class_work, context.estimator()),
        submissions=[show_submission(student, job, tries.get(student)) for student, job in class_work.jobs.items()],
    )
