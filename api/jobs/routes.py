"""/v1/jobs: leave a recording, look how far it got, list, cancel, erase, try again."""

import dataclasses
import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, jsonify, request, send_file
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError, ResponseError
from werkzeug.datastructures import ETags
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, TEACHER, requires
from api.jobs import parser
from api.jobs.schemas import Choosing, Hearing, JobForm, JobText, Listing, Looking, Submitting
from api.jobs.view import JobSnapshot, load_snapshot, parts, show_in_list
from api.long_poll import wait_until
from api.openapi import answers
from pipeline.audio.formats import FORMATS
from pipeline.celery_app import enqueue
from pipeline.errors import (
    AnswerNotReady,
    EmptyRequest,
    Erased,
    KeyReused,
    MinutesUsed,
    NoAnswer,
    NotAudio,
    NotDead,
    QuotaFull,
    RateLimited,
    ServerFull,
    TooLarge,
    UnknownFormat,
    UnknownJob,
    UnknownPart,
    UnknownPersona,
    UnknownVoice,
    WaijiaoError,
)
from pipeline.jobs.job import Job, State
from pipeline.jobs.rerun import retry
from pipeline.jobs.results import Answer, Part
from pipeline.jobs.store import AcceptedJob, ReadyJob, list_jobs
from pipeline.schemas import jobs as job_schemas

ENDED = {State.SUCCEEDED, State.FAILED, State.CANCELED, State.EXPIRED}
DEFAULT_RETRY_AFTER_S = 2  # seconds after which a client is to look again when nobody knows how long it will take
MAX_RETRY_AFTER_S = 60  # seconds after which a client is to look again, at most

log = logging.getLogger("waijiao")
routes = Blueprint("jobs", __name__)
MALFORMED = (EmptyRequest, UnknownPersona, UnknownVoice, UnknownFormat, KeyReused, NotAudio, TooLarge)
TOO_MUCH = (ServerFull, QuotaFull, RateLimited, MinutesUsed)


@routes.post("/v1/jobs")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.Job, 202: job_schemas.Job}, *MALFORMED, *TOO_MUCH)
def submit(headers: Submitting, form: JobForm, json: JobText) -> Response:
    """Accept a question: 202, where to look, and when to look again.

    The same Idempotency-Key gives the same job. With `Prefer: wait=N` the answer is held for up to N seconds; it is 200
    when the job has ended by then.
    """
    asked = parser.parse_request(form or json, headers.idempotency_key)
    return accepted_as(accept(asked).job, headers.wait_s)


def accept(asked: parser.ParsedRequest) -> AcceptedJob:
    """Keep the recording and submit the question; a request that is refused leaves nothing behind."""
    job_request = asked.request
    blob = context.blobs().put(job_request.name, asked.recording) if asked.recording else None
    if blob:
        known = blob.sha256 if job_request.assignment else ""  # elsewhere, who asks again wants it heard again
        job_request = dataclasses.replace(job_request, recording=blob.name, sha256=known)
    try:
        accepted = context.jobs().submit(job_request, asked.repeatable(blob))
    except (WaijiaoError, ResponseError):  # refused; after any other error the job may exist, so that its blob stays
        context.blobs().delete_job(job_request.name)
        raise
    if blob and blob.name not in accepted.job.blobs(context.settings().keep_recordings):
        context.blobs().delete_job(job_request.name)
    enqueue_or_let_sweeper(accepted.ready_jobs)
    return accepted


def wait_for_job(job_id: str, enough: Callable[[JobSnapshot], bool], seconds: float) -> JobSnapshot:
    """The job as soon as it is `enough`, or as it is when a request has waited as long as it may."""
    with context.changes().of(f"{context.caller().tenant}/{job_id}") as changed:
        return wait_until(changed, lambda: load_snapshot(job_id), enough, min(seconds, context.settings().wait_s))


def accepted_as(job: Job, wait_s: float = 0) -> Response:
    """The job as it was accepted, or with `wait_s`, as it is when it has ended or that time is over.

    It is accepted whatever happens now: nobody may be told to try again because it cannot be looked at.
    """
    sight = JobSnapshot(job, ())
    try:
        sight = wait_for_job(job.id, lambda now: now.ended, wait_s) if wait_s else JobSnapshot(job, parts(job))
        known = sight.shown()
    except RedisError as error:
        log.warning("%s was accepted, and cannot be looked at: %s", job.id, error)
        known = show_in_list(job)
    answer = showing(known)
    answer.status_code = 200 if wait_s and sight.ended else 202
    answer.headers["Location"] = f"/v1/jobs/{job.id}"
    if wait_s:
        answer.headers["Preference-Applied"] = f"wait={wait_s}"
    return answer


def showing(job: dict[str, Any]) -> Response:
    """The job, and when it is worth another look."""
    answer = jsonify(job)
    if job["state"] not in ENDED:
        answer.headers["Retry-After"] = str(
            math.ceil(min(max(job["eta_seconds"] or DEFAULT_RETRY_AFTER_S, 1), MAX_RETRY_AFTER_S))
        )
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.post("/v1/jobs/<job_id>/retry")
@requires(TEACHER)
@answers("jobs", {202: job_schemas.Job}, UnknownJob, Erased, NotDead, *TOO_MUCH)
def try_again(job_id: str) -> Response:
    """Accept a dead job again, under a new id, from the stage that failed; asked twice, it is the same new job."""
    context.job(job_id)
    accepted = retry(context.jobs(), context.blobs(), context.caller().tenant, job_id)
    enqueue_or_let_sweeper(accepted.ready_jobs)
    return accepted_as(accepted.job)


@routes.get("/v1/jobs")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.JobList})
def browse(query: Listing) -> Response:
    """A page of jobs, newest first; a learner sees only its own."""
    line = turns_of(query.lesson) if query.lesson else line_of(query, "dead" if query.dead else "jobs")
    if query.assignment:
        line = f"work:{context.caller().tenant}/{query.assignment}"
    found = list_jobs(context.jobs().redis, line, wanted_by(query, context.caller()), query.limit, query.cursor)
    return jsonify({"jobs": [show_in_list(job) for job in found.jobs], "next": found.next and str(found.next)})


def line_of(query: Choosing, otherwise: str = "jobs") -> str:
    """The list of the session's jobs, the shortest that has all that are wanted; else the one called `otherwise`."""
    caller = context.caller()
    if query.session is None:
        return f"{otherwise}:{caller.tenant}"
    return f"turns:{caller.tenant}/{caller.conversation(query.session, query.owner)}"


def turns_of(lesson: str) -> str:
    """The list of a lesson's turns, which are in no other list but that of their session."""
    return f"children:{context.caller().tenant}/{lesson}"


def wanted_by(query: Listing, caller: context.Caller) -> Callable[[Job], bool]:
    def wanted(job: Job) -> bool:
        return (
            caller.sees(job)
            and query.state in (None, job.state)
            and query.task in (None, job.request.task)
            and query.dead in (None, job.dead)
            and query.assignment in (None, job.request.assignment)
            and query.fits(job.request.metadata)
        )

    return wanted


@routes.get("/v1/jobs/<job_id>")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.Job, 304: None}, UnknownJob, Erased)
def read(job_id: str, query: Looking) -> Response:
    """The job's record.

    With `?wait=N` it is answered as soon as it is another than If-None-Match says, or without that header, than it is
    now; or after N seconds.
    """
    sight = load_snapshot(job_id)
    if query.wait:
        known = request.if_none_match or ETags(weak_etags=[sight.tag])
        sight = wait_for_job(job_id, lambda now: now.ended or not known.contains_weak(now.tag), query.wait)
    unchanged = request.if_none_match.contains_weak(sight.tag)
    answer = Response(status=304) if unchanged else showing(sight.shown())
    answer.set_etag(sight.tag, weak=True)
    return answer


@routes.post("/v1/jobs/<job_id>/cancel")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.Job}, UnknownJob, Erased)
def cancel(job_id: str) -> Response:
    """Have the job not answered: its record as it has ended, maybe before. Asked again, it says the same."""
    cancel_unless_ended(context.job(job_id))
    return jsonify(load_snapshot(job_id).shown())


@routes.delete("/v1/jobs/<job_id>")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.Job, 204: None}, UnknownJob, Erased)
def remove(job_id: str) -> Response:
    """Cancel the job (200, and its record); erase it when it has ended (204)."""
    job = context.job(job_id)
    if cancel_unless_ended(job):
        try:
            return jsonify(load_snapshot(job_id).shown())
        except Erased:  # by the request that waited for it, as those to one model by itself do
            return Response(status=204)
    erase_job(job)
    return Response(status=204)


def cancel_unless_ended(job: Job) -> bool:
    """Whether the job was canceled now; nothing is left then of its recording, nor of its turns' if it is a lesson."""
    canceled, ready_jobs = context.jobs().cancel(job.request.tenant, job.id)
    enqueue_or_let_sweeper(ready_jobs)
    if canceled:
        remove_blobs([job.name, *context.jobs().turns_of(job)])
    return canceled


def erase_job(job: Job) -> None:
    """Erase a job that has ended, with its turns if it is a lesson."""
    names = [job.name, *context.jobs().turns_of(job)]
    context.jobs().forget(job.request.tenant, job.id)
    remove_blobs(names)


def remove_blobs(names: Iterable[str]) -> None:
    for name in names:
        context.blobs().delete_job(name)


def enqueue_or_let_sweeper(ready_jobs: list[ReadyJob]) -> None:
    """The job is accepted already: when the broker cannot be reached, the sweep rings for it."""
    try:
        enqueue(ready_jobs)
    except OperationalError as error:
        log.warning("a bell could not be rung; the sweep will ring it: %s", error)


@routes.get("/v1/jobs/<job_id>/audio")
@requires(LEARNER)
@answers("jobs", {200: "audio/*", 206: "audio/*", 304: None}, UnknownJob, Erased, AnswerNotReady, NoAnswer, UnknownPart)
def audio(job_id: str, query: Hearing) -> Response:
    """The spoken answer, or with `?part=N` its N-th sentence, which is there as soon as it is spoken."""
    sight = load_snapshot(job_id)
    sound = whole(sight) if query.part is None else part(sight, query.part)
    try:
        file = context.blobs().open(sound.blob)
    except FileNotFoundError as error:
        raise Erased("The answer's audio is no longer kept.") from error
    format_ = sight.job.request.format
    name = f"answer-{job_id}{'' if query.part is None else f'-{query.part}'}.{format_}"
    answer = send_file(file, mimetype=FORMATS[format_], download_name=name, etag=sound.sha256)
    answer.content_length = sound.size
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request, accept_ranges=True, complete_length=sound.size)


def whole(sight: JobSnapshot) -> Answer:
    if sight.job.answer:
        return sight.job.answer
    raise NoAnswer if sight.ended else AnswerNotReady


def part(sight: JobSnapshot, number: int) -> Part:
    if number <= len(sight.spoken):
        return sight.spoken[number - 1]
    if sight.job.answer:
        raise UnknownPart(f"The answer has {len(sight.spoken)} sentences.")
    raise NoAnswer if sight.ended else AnswerNotReady
