"""A teacher's word on answers that are held between the language model and the voice: read, change, release."""

import dataclasses

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import context
from api.auth import TEACHER, requires
from api.homework.assignments import load_assignment
from api.homework.schemas import RerunForm, RerunQuery, ReviewForm
from api.jobs import parser
from api.jobs.routes import TOO_MUCH, accepted_response
from api.jobs.service import enqueue_or_let_sweeper
from api.jobs.view import load_snapshot
from api.openapi import answers, respond
from pipeline import personas
from pipeline.errors import (
    BadRequest,
    CannotRerun,
    Erased,
    NotHeld,
    UnknownAssignment,
    UnknownJob,
    UnknownPersona,
    UnknownVoice,
    WaijiaoError,
)
from pipeline.jobs.job import Job, State
from pipeline.jobs.rerun import Overrides, rerun
from pipeline.jobs.results import Feedback
from pipeline.jobs.store import AcceptedJob
from pipeline.schemas import homework as homework_schemas
from pipeline.schemas import jobs as job_schemas
from pipeline.text.corrections import compare

routes = Blueprint("review", __name__)


@routes.put("/v1/jobs/<job_id>/feedback")
@requires(TEACHER)
@answers("jobs", {200: job_schemas.Job}, UnknownJob, Erased, NotHeld)
def change_feedback(job_id: str, json: ReviewForm) -> Response:
    """Change an answer that is held. What is not given stays; without `spoken`, what is spoken follows the changes."""
    job = require_held(context.job(job_id))
    review(job, apply_changes(feedback_of(job), json), go=False)
    return respond(load_snapshot(job_id).show())


@routes.post("/v1/jobs/<job_id>/release")
@requires(TEACHER)
@answers("jobs", {202: job_schemas.Job}, UnknownJob, Erased, NotHeld)
def release(job_id: str) -> Response:
    """Have an answer spoken that was held."""
    review(require_held(context.job(job_id)), None, go=True)
    return accepted_response(context.job(job_id))


@routes.post("/v1/assignments/<assignment_id>/release")
@requires(TEACHER)
@answers("assignments", {200: homework_schemas.BulkResult}, UnknownAssignment)
def release_all(assignment_id: str) -> Response:
    """Have every answer spoken that is held; one that was released meanwhile is named and holds up no other."""
    released, refused = [], []
    for student, job in load_assignment(assignment_id).jobs.items():
        if job.state != State.HELD:
            continue
        try:
            review(job, None, go=True)
            released.append(job.id)
        except NotHeld as error:
            refused.append({"job": job.id, "student": student, "code": error.code, "detail": error.detail})
    return jsonify({"jobs": released, "refused": refused})


def require_held(job: Job) -> Job:
    if job.state != State.HELD:
        raise NotHeld
    return job


def feedback_of(job: Job) -> Feedback:
    if job.feedback is None:
        raise NotHeld
    return job.feedback


def apply_changes(feedback: Feedback, json: ReviewForm) -> Feedback:
    """The feedback with what is given in the place of what was; the edits are those to the corrected sentence."""
    given = json.model_dump(exclude_none=True)
    new = dataclasses.replace(feedback, **given)
    if "corrected" in given:
        edits = tuple(piece.edit for piece in compare(new.heard, new.corrected) if not piece.is_unchanged)
        new = dataclasses.replace(new, edits=edits)
    if given and "spoken" not in given:
        better = new.corrected if new.edits else ""
        new = dataclasses.replace(new, spoken=" ".join(filter(None, (better, new.explanation, new.reply))))
    return new


def review(job: Job, feedback: Feedback | None, go: bool) -> None:
    done, ready_jobs = context.jobs().review(job, feedback, go)
    if not done:
        raise NotHeld
    enqueue_or_let_sweeper(ready_jobs)


@routes.post("/v1/jobs/<job_id>/rerun")
@requires(TEACHER)
@answers("jobs", {202: job_schemas.Job}, UnknownJob, Erased, CannotRerun, UnknownPersona, UnknownVoice, *TOO_MUCH)
def rerun_one(job_id: str, query: RerunQuery, json: RerunForm) -> Response:
    """Answer the job anew, as a new job, from the stage `from` on. In homework it takes the place of the one before."""
    return accepted_response(rerun_job(context.job(job_id), query.from_, parse_overrides(json)).job)


@routes.post("/v1/assignments/<assignment_id>/rerun")
@requires(TEACHER)
@answers("assignments", {200: homework_schemas.BulkResult}, UnknownAssignment, UnknownPersona, UnknownVoice)
def rerun_all(assignment_id: str, query: RerunQuery, json: RerunForm) -> Response:
    """Answer anew whatever was handed in; what cannot be is named and holds up no other."""
    if json.transcript is not None:
        raise BadRequest("`transcript` is of one recording: give it with the job.", field="transcript")
    found, new, refused = load_assignment(assignment_id), parse_overrides(json), []
    jobs = []
    for student, job in found.jobs.items():
        try:
            jobs.append(rerun_job(job, query.from_, new).job.id)
        except WaijiaoError as error:
            refused.append({"job": job.id, "student": student, "code": error.code, "detail": error.detail})
    return jsonify({"jobs": jobs, "refused": refused})


def parse_overrides(json: RerunForm) -> Overrides:
    if json.persona is not None:
        personas.load(json.persona, context.settings().personas)
    voice = None if json.voice is None else parser.voice(json.voice)
    return Overrides(json.persona, voice, json.speed, json.transcript)


def rerun_job(job: Job, stage: str, new: Overrides) -> AcceptedJob:
    accepted = rerun(context.jobs(), context.blobs(), job, stage, new)
    enqueue_or_let_sweeper(accepted.ready_jobs)
    return accepted
