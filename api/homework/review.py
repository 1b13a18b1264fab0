"""A teacher reviews held answers before they are spoken: change, release, rerun."""

import dataclasses

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import context
from api.auth import TEACHER, requires
from api.homework.assignments import load_assignment
from api.homework.schemas import RerunForm, RerunQuery, ReviewForm
from api.jobs import parser
from api.jobs.routes import LIMIT_ERRORS, accepted_response
from api.jobs.service import enqueue_or_let_sweeper
from api.jobs.view import load_snapshot
from api.openapi import answers, respond
from pipeline import personas
from pipeline.disk_space import check_free_space
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
from pipeline.jobs.results import Edit, Feedback, Verdict
from pipeline.jobs.store import AcceptedJob
from pipeline.schemas import homework as homework_schemas
from pipeline.schemas import jobs as job_schemas
from pipeline.text.corrections import compare

routes = Blueprint("review", __name__)


@routes.put("/v1/jobs/<job_id>/feedback")
@requires(TEACHER)
@answers("jobs", {200: job_schemas.Job}, UnknownJob, Erased, NotHeld)
def change_feedback(job_id: str, json: ReviewForm) -> Response:
    """Change a held answer. Fields that are not given stay; without `spoken`, the spoken text is rebuilt."""
    job = require_held(context.job(job_id))
    review(job, apply_changes(require_feedback(job), json), release_now=False)
    return respond(load_snapshot(job_id).show())


@routes.post("/v1/jobs/<job_id>/release")
@requires(TEACHER)
@answers("jobs", {202: job_schemas.Job}, UnknownJob, Erased, NotHeld)
def release(job_id: str) -> Response:
    """Release a held answer, so that it is spoken."""
    review(require_held(context.job(job_id)), None, release_now=True)
    return accepted_response(context.job(job_id))


@routes.post("/v1/assignments/<assignment_id>/release")
@requires(TEACHER)
@answers("assignments", {200: homework_schemas.BulkResult}, UnknownAssignment)
def release_all(assignment_id: str) -> Response:
    """Release every held answer; those that were released in the meantime are listed as refused."""
    job_ids, refusals = [], []
    for student, job in load_assignment(assignment_id).jobs.items():
        if job.state != State.HELD:
            continue
        try:
            review(job, None, release_now=True)
            job_ids.append(job.id)
        except NotHeld as error:
            refusals.append({"job": job.id, "student": student, "code": error.code, "detail": error.detail})
    return jsonify({"jobs": job_ids, "refused": refusals})


def require_held(job: Job) -> Job:
    if job.state != State.HELD:
        raise NotHeld
    return job


def require_feedback(job: Job) -> Feedback:
    if job.feedback is None:
        raise NotHeld
    return job.feedback


def apply_changes(feedback: Feedback, json: ReviewForm) -> Feedback:
    """The feedback with the given fields replaced, and the edits that lead to its corrected sentence.

    What the teacher corrects was checked, by the teacher. What an adult should see stays so. Another explanation of the
    teacher's takes the place of those of the edits.
    """
    values = json.model_dump(exclude_none=True)
    new_feedback = dataclasses.replace(feedback, **values)
    if new_feedback.corrected != feedback.corrected:
        edits = find_edits(feedback, new_feedback.corrected)
        verdict: Verdict = "corrected" if edits else "correct"
        new_feedback = dataclasses.replace(
            new_feedback, edits=edits, verdict="needs_an_adult" if feedback.verdict == "needs_an_adult" else verdict
        )
    if new_feedback.explanation != feedback.explanation:
        silent_edits = tuple(dataclasses.replace(edit, explanations={}) for edit in new_feedback.edits)
        new_feedback = dataclasses.replace(new_feedback, edits=silent_edits)
    if values and "spoken" not in values:
        correction = new_feedback.corrected if new_feedback.edits else ""
        new_feedback = dataclasses.replace(
            new_feedback, spoken=" ".join(filter(None, (correction, new_feedback.explanation, new_feedback.reply)))
        )
    return new_feedback


def find_edits(feedback: Feedback, corrected: str) -> tuple[Edit, ...]:
    """The edits that lead to another corrected sentence; those that were there before keep their explanations."""
    earlier_edits = {(edit.before, edit.after, edit.at): edit for edit in feedback.edits}
    edits = [piece.edit for piece in compare(feedback.heard, corrected) if not piece.is_unchanged]
    return tuple(earlier_edits.get((edit.before, edit.after, edit.at), edit) for edit in edits)


def review(job: Job, feedback: Feedback | None, release_now: bool) -> None:
    is_held, ready_jobs = context.jobs().review(job, feedback, release_now)
    if not is_held:
        raise NotHeld
    enqueue_or_let_sweeper(ready_jobs)


@routes.post("/v1/jobs/<job_id>/rerun")
@requires(TEACHER)
@answers("jobs", {202: job_schemas.Job}, UnknownJob, Erased, CannotRerun, UnknownPersona, UnknownVoice, *LIMIT_ERRORS)
def rerun_one(job_id: str, query: RerunQuery, json: RerunForm) -> Response:
    """Answer the job again, as a new job, from the stage `from` on. In homework it replaces the earlier one."""
    return accepted_response(rerun_job(context.job(job_id), query.from_, parse_overrides(json)).job)


@routes.post("/v1/assignments/<assignment_id>/rerun")
@requires(TEACHER)
@answers("assignments", {200: homework_schemas.BulkResult}, UnknownAssignment, UnknownPersona, UnknownVoice)
def rerun_all(assignment_id: str, query: RerunQuery, json: RerunForm) -> Response:
    """Answer every submission again, as new jobs; those for which that is refused are listed."""
    if json.transcript is not None:
        raise BadRequest("`transcript` applies to one recording: rerun its job alone.", field="transcript")
    class_work, overrides, refusals = load_assignment(assignment_id), parse_overrides(json), []
    jobs = []
    for student, job in class_work.jobs.items():
        try:
            jobs.append(rerun_job(job, query.from_, overrides).job.id)
        except WaijiaoError as error:
            refusals.append({"job": job.id, "student": student, "code": error.code, "detail": error.detail})
    return jsonify({"jobs": jobs, "refused": refusals})


def parse_overrides(json: RerunForm) -> Overrides:
    if json.persona is not None:
        personas.load(json.persona, context.settings().personas)
    voice = None if json.voice is None else parser.check_voice(json.voice)
    return Overrides(json.persona, voice, json.speed, json.transcript)


def rerun_job(job: Job, stage: str, overrides: Overrides) -> AcceptedJob:
    check_free_space(context.settings())
    accepted_job = rerun(context.jobs(), context.blobs(), job, stage, overrides)
    enqueue_or_let_sweeper(accepted_job.ready_jobs)
    return accepted_job
