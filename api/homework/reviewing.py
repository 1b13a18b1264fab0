"""A teacher's word on answers that are held between the language model and the voice: read, change, release."""

import dataclasses

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import here
from api.homework.assignments import kept
from api.homework.fields import Reviewing
from api.jobs import accepted_as, ring_or_leave_to_the_sweep
from api.showing import see
from api.spec import answers
from pipeline import homework_shapes, shapes
from pipeline.errors import Erased, NotHeld, UnknownAssignment, UnknownJob
from pipeline.record import Job, State
from pipeline.turns import Feedback
from pipeline.words.edits import compare

routes = Blueprint("reviewing", __name__)


@routes.put("/v1/jobs/<job_id>/feedback")
@answers("jobs", {200: shapes.Job}, UnknownJob, Erased, NotHeld)
def change(job_id: str, json: Reviewing) -> Response:
    """Change an answer that is held. What is not given stays; without `spoken`, what is spoken follows the changes."""
    job = held(here.job(job_id))
    review(job, changed(feedback_of(job), json), go=False)
    return jsonify(see(job_id).shown())


@routes.post("/v1/jobs/<job_id>/release")
@answers("jobs", {202: shapes.Job}, UnknownJob, Erased, NotHeld)
def release(job_id: str) -> Response:
    """Have an answer spoken that was held."""
    review(held(here.job(job_id)), None, go=True)
    return accepted_as(here.job(job_id))


@routes.post("/v1/assignments/<assignment_id>/release")
@answers("assignments", {200: homework_shapes.Done}, UnknownAssignment)
def release_all(assignment_id: str) -> Response:
    """Have every answer spoken that is held; one that was released meanwhile is named and holds up no other."""
    released, refused = [], []
    for student, job in kept(assignment_id).jobs.items():
        if job.state != State.HELD:
            continue
        try:
            review(job, None, go=True)
            released.append(job.id)
        except NotHeld as error:
            refused.append({"job": job.id, "student": student, "code": error.code, "detail": error.detail})
    return jsonify({"jobs": released, "refused": refused})


def held(job: Job) -> Job:
    if job.state != State.HELD:
        raise NotHeld
    return job


def feedback_of(job: Job) -> Feedback:
    if job.feedback is None:
        raise NotHeld
    return job.feedback


def changed(feedback: Feedback, json: Reviewing) -> Feedback:
    """The feedback with what is given in the place of what was; the edits are those to the corrected sentence."""
    given = json.model_dump(exclude_none=True)
    new = dataclasses.replace(feedback, **given)
    if "corrected" in given:
        edits = tuple(piece.edit for piece in compare(new.heard, new.corrected) if not piece.unchanged)
        new = dataclasses.replace(new, edits=edits)
    if given and "spoken" not in given:
        better = new.corrected if new.edits else ""
        new = dataclasses.replace(new, spoken=" ".join(filter(None, (better, new.explanation, new.reply))))
    return new


def review(job: Job, feedback: Feedback | None, go: bool) -> None:
    done, bells = here.jobs().review(job, feedback, go)
    if not done:
        raise NotHeld
    ring_or_leave_to_the_sweep(bells)
