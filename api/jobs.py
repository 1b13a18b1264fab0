"""/v1/jobs: leave a recording, look how far it got, fetch the spoken answer."""

import dataclasses
import logging
from typing import Any

from flask import Blueprint, jsonify, request, send_file, url_for
from kombu.exceptions import OperationalError
from werkzeug.wrappers import Response

from api import here, questions
from api.errors import RETRY_AFTER_S
from pipeline.app import ring
from pipeline.errors import AnswerNotReady, Erased, NoAnswer
from pipeline.jobs import Bell
from pipeline.magic import FORMATS
from pipeline.record import Job
from pipeline.when import iso

log = logging.getLogger("waijiao")
routes = Blueprint("jobs", __name__)


@routes.post("/v1/jobs")
def submit() -> Response:
    """Accept a question: 202, where to look, and when to look again."""
    question, recording = questions.read(request)
    if recording:
        blob = here.blobs().put(question.name, recording)
        question = dataclasses.replace(question, recording=blob.name)
    ring_or_leave_to_the_sweep(here.jobs().submit(question))
    accepted = jsonify(show(here.jobs().get(question.tenant, question.id)))
    accepted.status_code = 202
    accepted.headers["Location"] = url_for("jobs.read", job_id=question.id)
    accepted.headers["Retry-After"] = str(RETRY_AFTER_S)
    return accepted


@routes.get("/v1/jobs/<job_id>")
def read(job_id: str) -> Response:
    """The job's record."""
    job = here.jobs().get(here.TENANT, job_id)
    answer = jsonify(show(job))
    answer.headers["Cache-Control"] = "private, no-cache"
    if job.ended_at is None:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


@routes.get("/v1/jobs/<job_id>/audio")
def audio(job_id: str) -> Response:
    """The spoken answer."""
    job = here.jobs().get(here.TENANT, job_id)
    if job.answer is None:
        if job.ended_at is not None:
            raise NoAnswer
        raise AnswerNotReady
    try:
        file = here.blobs().open(job.answer.blob)
    except FileNotFoundError as error:
        raise Erased("The answer's audio is no longer kept.") from error
    name = f"answer-{job.id}.{job.answer.format}"
    answer = send_file(file, mimetype=FORMATS[job.answer.format], download_name=name, etag=job.answer.sha256)
    answer.content_length = job.answer.size
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request, accept_ranges=True, complete_length=job.answer.size)


def ring_or_leave_to_the_sweep(bells: list[Bell]) -> None:
    """The job is accepted already: when the broker cannot be reached, the sweep rings for it."""
    try:
        ring(bells)
    except OperationalError as error:
        log.warning("a bell could not be rung; the sweep will ring it: %s", error)


def show(job: Job) -> dict[str, Any]:
    """The record as clients see it."""
    question, here_ = job.question, url_for("jobs.read", job_id=job.id)
    sound = url_for("jobs.audio", job_id=job.id)
    return {
        "id": job.id,
        "state": job.state,
        "session": question.session,
        "seq": job.seq,
        "persona": question.persona,
        "created_at": iso(job.created_at),
        "updated_at": iso(job.updated_at),
        "deadline_at": iso(job.deadline_at),
        "attempts": dict(job.attempts),
        "question": {
            "text": question.text or None,
            "duration_s": job.transcript.duration_s if job.transcript else None,
        },
        "transcript": job.transcript and job.transcript.as_dict(),
        "feedback": job.feedback and job.feedback.as_dict(),
        "answer": job.answer
        and {
            "text": job.answer.text,
            "audio": sound,
            "duration_s": job.answer.duration_s,
            "format": job.answer.format,
            "sha256": job.answer.sha256,
        },
        "timings": {stage: dataclasses.asdict(timing) for stage, timing in job.timings.items()},
        "outcome": job.outcome,
        "error": job.error,
        "links": {"self": here_, **({"audio": sound} if job.answer else {})},
    }
