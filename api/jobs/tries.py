"""/v1/jobs/{id}/tries: a learner says the better sentence again, and sees what became clearer."""

import os
import secrets

from flask import Blueprint, request, send_file
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.jobs import parser
from api.jobs.parser import ParsedRequest
from api.jobs.routes import LIMIT_ERRORS, accepted_response
from api.jobs.schemas import SubmitHeaders, TryForm
from api.jobs.service import accept
from api.jobs.tries_view import show_tries
from api.openapi import answers, respond
from pipeline.errors import (
    EmptyRequest,
    EnoughTries,
    Erased,
    KeyReused,
    NotAudio,
    NothingToPractise,
    TooLarge,
    UnknownJob,
)
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.listing import list_tries
from pipeline.practice.sentence import PracticeSentence, find_sentence
from pipeline.practice.tries import collect_tries
from pipeline.schemas import jobs as job_schemas
from pipeline.schemas import practice as schemas

routes = Blueprint("tries", __name__)


@routes.post("/v1/jobs/<job_id>/tries")
@requires(LEARNER)
@answers(
    "jobs",
    {200: job_schemas.Job, 202: job_schemas.Job},
    *(UnknownJob, Erased, NothingToPractise, EnoughTries, EmptyRequest, KeyReused, NotAudio, TooLarge),
    *LIMIT_ERRORS,
)
def submit(job_id: str, headers: SubmitHeaders, form: TryForm) -> Response:
    """Say the better sentence of a job again: a recording, which is only recognised, as a job of its own.

    It belongs to the job, and is erased with it. At most three are accepted; what was not heard does not count.
    """
    job = context.job(job_id)
    sentence = require_sentence(job)
    upload = parser.check_upload(form.audio)
    parsed_request = ParsedRequest(build_request(job, sentence), upload, headers.idempotency_key)
    return accepted_response(accept(parsed_request).job, headers.wait_s)


def require_sentence(job: Job) -> PracticeSentence:
    if sentence := find_sentence(job):
        return sentence
    raise NothingToPractise


def build_request(job: Job, sentence: PracticeSentence) -> JobRequest:
    """A try. Whoever sends it, it belongs to the learner whose job is practised; no hint helps the recogniser."""
    job_request, caller, job_id = job.request, context.caller(), secrets.token_hex(16)
    is_measured = job_request.details.get("clearness") or context.settings().practice_clearness == "on"
    return JobRequest(
        id=job_id,
        session=job_id,
        tenant=caller.tenant,
        key=caller.key,
        owner=job_request.owner,
        persona=job_request.persona,
        language=job.transcript.language if job.transcript else job_request.language,
        task="read",
        practised=job.id,
        details={"text": sentence.text, "clearness": bool(is_measured)},
        group=job_request.group,
        retention_h=job_request.retention_h,
        keeps_recording=bool(job_request.assignment),
    )


@routes.get("/v1/jobs/<job_id>/tries")
@requires(LEARNER)
@answers("jobs", {200: schemas.Tries}, UnknownJob, Erased, NothingToPractise)
def read(job_id: str) -> Response:
    """The tries of a job, oldest first, each compared word by word with what was said before it."""
    job = context.job(job_id)
    sentence = require_sentence(job)
    (try_jobs,) = list_tries(context.jobs().redis, [job.name])
    answer = respond(show_tries(sentence, collect_tries(job, sentence, try_jobs)))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.get("/v1/jobs/<job_id>/recording")
@requires(LEARNER)
@answers("jobs", {200: "audio/*", 206: "audio/*", 304: None}, UnknownJob, Erased)
def recording(job_id: str) -> Response:
    """The recording as it was uploaded, while it is kept: until it is recognised, unless the server keeps it.

    In homework the best and the last try are kept as long as the answer.
    """
    job = context.job(job_id)
    try:
        if not job.request.recording:
            raise FileNotFoundError
        file = context.blobs().open(job.request.recording)
    except FileNotFoundError as error:
        raise Erased("The recording is not kept any more (WAIJIAO_KEEP_RECORDINGS).") from error
    answer = send_file(file, mimetype="application/octet-stream", download_name=f"recording-{job_id}", etag=job.id)
    answer.content_length = size = os.fstat(file.fileno()).st_size
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request, accept_ranges=True, complete_length=size)
