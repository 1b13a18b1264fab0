"""Answers made anew from one of their stages: by another teacher or voice, from another transcript."""

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import here, questions
from api.homework.assignments import kept
from api.homework.fields import Anew, From
from api.jobs import TOO_MUCH, accepted_as, ring_or_leave_to_the_sweep
from api.spec import answers
from pipeline import homework_shapes, personas, shapes
from pipeline.errors import (
    BadRequest,
    CannotRerun,
    Erased,
    UnknownAssignment,
    UnknownJob,
    UnknownPersona,
    UnknownVoice,
    WaijiaoError,
)
from pipeline.jobs import Accepted
from pipeline.record import Job
from pipeline.rerunning import Otherwise, rerun

routes = Blueprint("rerunning", __name__)


@routes.post("/v1/jobs/<job_id>/rerun")
@answers("jobs", {202: shapes.Job}, UnknownJob, Erased, CannotRerun, UnknownPersona, UnknownVoice, *TOO_MUCH)
def one(job_id: str, query: From, json: Anew) -> Response:
    """Answer the job anew, as a new job, from the stage `from` on. In homework it takes the place of the one before."""
    return accepted_as(again(here.job(job_id), query.from_, otherwise(json)).job)


@routes.post("/v1/assignments/<assignment_id>/rerun")
@answers("assignments", {200: homework_shapes.Done}, UnknownAssignment, UnknownPersona, UnknownVoice)
def all_of(assignment_id: str, query: From, json: Anew) -> Response:
    """Answer anew whatever was handed in; what cannot be is named and holds up no other."""
    if json.transcript is not None:
        raise BadRequest("`transcript` is of one recording: give it with the job.", field="transcript")
    found, new, refused = kept(assignment_id), otherwise(json), []
    jobs = []
    for student, job in found.jobs.items():
        try:
            jobs.append(again(job, query.from_, new).job.id)
        except WaijiaoError as error:
            refused.append({"job": job.id, "student": student, "code": error.code, "detail": error.detail})
    return jsonify({"jobs": jobs, "refused": refused})


def otherwise(json: Anew) -> Otherwise:
    if json.persona is not None:
        personas.load(json.persona, here.settings().personas)
    voice = None if json.voice is None else questions.voice(json.voice)
    return Otherwise(json.persona, voice, json.speed, json.transcript)


def again(job: Job, stage: str, new: Otherwise) -> Accepted:
    accepted = rerun(here.jobs(), here.blobs(), job, stage, new)
    ring_or_leave_to_the_sweep(accepted.bells)
    return accepted
