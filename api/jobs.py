"""/v1/jobs: leave a recording, look how far it got, fetch the spoken answer."""

import dataclasses
import logging
from typing import Any

from flask import Blueprint, jsonify, request, send_file, url_for
from kombu.exceptions import OperationalError
from redis.exceptions import ResponseError
from werkzeug.wrappers import Response

from api import here, questions
from api.errors import RETRY_AFTER_S
from pipeline.app import ring
from pipeline.errors import AnswerNotReady, BadRequest, Erased, NoAnswer, WaijiaoError
from pipeline.jobs import Accepted, Bell
from pipeline.magic import FORMATS
from pipeline.record import Job
from pipeline.retrying import retry
from pipeline.when import iso

MOST_LISTED = 100  # jobs of one list

log = logging.getLogger("waijiao")
routes = Blueprint("jobs", __name__)


@routes.post("/v1/jobs")
def submit() -> Response:
    """Accept a question: 202, where to look, and when to look again. The same Idempotency-Key gives the same job."""
    asked = questions.read(request)
    blob = here.blobs().put(asked.question.name, asked.recording) if asked.recording else None
    question = dataclasses.replace(asked.question, recording=blob.name if blob else "")
    try:
        accepted = here.jobs().submit(question, asked.repeatable(blob))
    except (WaijiaoError, ResponseError):  # refused; after any other error the job may exist, so that its blob stays
        here.blobs().delete_job(question.name)
        raise
    if accepted.earlier:
        here.blobs().delete_job(question.name)
    return shown_as_accepted(accepted)


@routes.post("/v1/jobs/<job_id>/retry")
def try_again(job_id: str) -> Response:
    """Accept a dead job again, under a new id, from the stage that failed; asked twice, it is the same new job."""
    return shown_as_accepted(retry(here.jobs(), here.blobs(), here.TENANT, job_id))


def shown_as_accepted(accepted: Accepted) -> Response:
    ring_or_leave_to_the_sweep(accepted.bells)
    answer = jsonify(show(accepted.job))
    answer.status_code = 202
    answer.headers["Location"] = url_for("jobs.read", job_id=accepted.job.id)
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


@routes.get("/v1/jobs")
def dead() -> Response:
    """The jobs that failed through no fault of their own and may be retried (`?dead=true`), newest first."""
    if request.args.to_dict() != {"dead": "true"}:
        raise BadRequest("Only the dead jobs can be listed yet: GET /v1/jobs?dead=true.")
    return jsonify({"jobs": [show(job) for job in here.jobs().dead(here.TENANT, MOST_LISTED)]})


@routes.delete("/v1/jobs/<job_id>")
def remove(job_id: str) -> Response:
    """Cancel the job (200, and its record); erase it when it has ended (204)."""
    canceled, bells = here.jobs().cancel(here.TENANT, job_id)
    ring_or_leave_to_the_sweep(bells)
    if not canceled:
        here.jobs().forget(here.TENANT, job_id)
    here.blobs().delete_job(f"{here.TENANT}/{job_id}")
    return jsonify(show(here.jobs().get(here.TENANT, job_id))) if canceled else Response(status=204)


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
        "retry_of": job.retry_of,
        "retried_as": job.retried_as,
        "links": {"self": here_, **links(job, sound)},
    }


def links(job: Job, sound: str) -> dict[str, str]:
    """What can be done with the job as it stands."""
    if job.ended_at is None:
        return {"cancel": url_for("jobs.remove", job_id=job.id)}
    if job.dead:
        return {"retry": url_for("jobs.try_again", job_id=job.id)}
    return {"audio": sound} if job.answer else {}
