"""/v1/jobs/{id}/tries: a learner says the better sentence again, and sees what became clearer."""

import os
import secrets
from collections.abc import Sequence

from flask import Blueprint, request, send_file
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.jobs import parser
from api.jobs.parser import ParsedRequest
from api.jobs.routes import LIMIT_ERRORS, accepted_response
from api.jobs.schemas import SubmitHeaders, TryForm
from api.jobs.service import accept
from api.jobs.view import show_error
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
from pipeline.jobs.job import MAX_TRIES, Job, JobRequest
from pipeline.jobs.listing import tries
from pipeline.practice.comparison import ReadText, compare_words, rank, read_text, recognise_text
from pipeline.practice.praise import praise
from pipeline.practice.sentence import PracticeSentence, find_sentence
from pipeline.schemas import jobs as job_schemas
from pipeline.schemas import practice as schemas
from pipeline.timestamps import to_utc

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
    )


@routes.get("/v1/jobs/<job_id>/tries")
@requires(LEARNER)
@answers("jobs", {200: schemas.Tries}, UnknownJob, Erased, NothingToPractise)
def read(job_id: str) -> Response:
    """The tries of a job, oldest first, each compared word by word with what was said before it."""
    job = context.job(job_id)
    sentence = require_sentence(job)
    jobs = tries(context.jobs().redis, job)
    read_texts = {each.id: read_text(each.transcript, sentence.text) for each in jobs if each.transcript}
    heard_jobs = [each for each in jobs if each.id in read_texts]
    best_job = max(heard_jobs, key=lambda each: rank(read_texts[each.id]), default=None)
    job_tries = schemas.Tries(
        practice=job_schemas.Practice.model_validate(sentence),
        left=max(0, MAX_TRIES - sum(not each.error for each in jobs)),
        best=best_job.id if best_job else None,
        last=heard_jobs[-1].id if heard_jobs else None,
        tries=show_tries(jobs, read_texts, find_first(job, sentence)),
    )
    answer = respond(job_tries)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def find_first(job: Job, sentence: PracticeSentence) -> ReadText | None:
    """How the sentence was said before it was corrected; None where words were typed, which nobody heard."""
    if job.transcript is None or job.request.said or job.request.text:
        return None
    return recognise_text(sentence.heard, sentence.text)


def show_tries(jobs: Sequence[Job], read_texts: dict[str, ReadText], first: ReadText | None) -> list[schemas.Try]:
    views, before, is_first = [], first, True
    for number, job in enumerate(jobs, 1):
        now = read_texts.get(job.id)
        views.append(show_try(number, job, before, now, is_first))
        if now:
            before, is_first = now, False
    return views


def show_try(number: int, job: Job, before: ReadText | None, now: ReadText | None, is_first: bool) -> schemas.Try:
    """A try and how it compares with what was said `before`, the first recording or an earlier try."""
    words = compare_words(before, now) if now else []
    return schemas.Try(
        number=number,
        job=job.id,
        state=job.state.value,
        error=show_error(job),
        created_at=to_utc(job.created_at),
        duration_s=job.transcript.duration_s if job.transcript else None,
        heard=job.transcript.text if job.transcript else None,
        measured=now is not None and now.is_measured,
        compared_with=None if not now or before is None else "recording" if is_first else "try",
        words=[
            schemas.TriedWord(
                word=each.read.word,
                state=each.read.state,
                change=each.change,
                start=each.read.start,
                end=each.read.end,
                weakest=each.read.weakest,
            )
            for each in words
        ],
        praise=dict(praise(words)) if now else {},
    )


@routes.get("/v1/jobs/<job_id>/recording")
@requires(LEARNER)
@answers("jobs", {200: "audio/*", 206: "audio/*", 304: None}, UnknownJob, Erased)
def recording(job_id: str) -> Response:
    """The recording as it was uploaded, while it is kept: until it is recognised, unless the server keeps it."""
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
