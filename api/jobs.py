"""/v1/jobs: leave a recording, look how far it got, list, cancel, erase, try again."""

import dataclasses
import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, jsonify, request
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError, ResponseError
from werkzeug.datastructures import ETags
from werkzeug.wrappers import Response

from api import here, questions
from api.asking import Choosing, JobForm, JobText, Listing, Looking, Submitting
from api.showing import Sight, listed, parts, see
from api.spec import answers
from api.waiting import look
from pipeline import shapes
from pipeline.app import ring
from pipeline.errors import (
    EmptyRequest,
    Erased,
    KeyReused,
    MinutesUsed,
    NotAudio,
    NotDead,
    QuotaFull,
    RateLimited,
    ServerFull,
    TooLarge,
    UnknownFormat,
    UnknownJob,
    UnknownPersona,
    UnknownVoice,
    WaijiaoError,
)
from pipeline.jobs import Accepted, Bell
from pipeline.listing import page
from pipeline.record import Job, State
from pipeline.retrying import retry

ENDED = {State.SUCCEEDED, State.FAILED, State.CANCELED, State.EXPIRED}
UNKNOWN_S = 2  # seconds after which a client is to look again when nobody knows how long it will take
LONGEST_S = 60  # seconds after which a client is to look again, at most

log = logging.getLogger("waijiao")
routes = Blueprint("jobs", __name__)
MALFORMED = (EmptyRequest, UnknownPersona, UnknownVoice, UnknownFormat, KeyReused, NotAudio, TooLarge)
TOO_MUCH = (ServerFull, QuotaFull, RateLimited, MinutesUsed)


@routes.post("/v1/jobs")
@answers("jobs", {200: shapes.Job, 202: shapes.Job}, *MALFORMED, *TOO_MUCH)
def submit(headers: Submitting, form: JobForm, json: JobText) -> Response:
    """Accept a question: 202, where to look, and when to look again.

    The same Idempotency-Key gives the same job. With `Prefer: wait=N` the answer is held for up to N seconds; it is 200
    when the job has ended by then.
    """
    asked = questions.read(form or json, headers.idempotency_key)
    return accepted_as(accept(asked).job, headers.wait_s)


def accept(asked: questions.Asked) -> Accepted:
    """Keep the recording and submit the question; a request that is refused leaves nothing behind."""
    question = asked.question
    blob = here.blobs().put(question.name, asked.recording) if asked.recording else None
    if blob:
        known = blob.sha256 if question.assignment else ""  # elsewhere, who asks again wants it heard again
        question = dataclasses.replace(question, recording=blob.name, sha256=known)
    try:
        accepted = here.jobs().submit(question, asked.repeatable(blob))
    except (WaijiaoError, ResponseError):  # refused; after any other error the job may exist, so that its blob stays
        here.blobs().delete_job(question.name)
        raise
    if blob and blob.name not in accepted.job.blobs(here.settings().keep_recordings):
        here.blobs().delete_job(question.name)
    ring_or_leave_to_the_sweep(accepted.bells)
    return accepted


def until(job_id: str, enough: Callable[[Sight], bool], seconds: float) -> Sight:
    """The job as soon as it is `enough`, or as it is when a request has waited as long as it may."""
    with here.changes().of(f"{here.caller().tenant}/{job_id}") as changed:
        return look(changed, lambda: see(job_id), enough, min(seconds, here.settings().wait_s))


def accepted_as(job: Job, wait_s: float = 0) -> Response:
    """The job as it was accepted, or with `wait_s`, as it is when it has ended or that time is over.

    It is accepted whatever happens now: nobody may be told to try again because it cannot be looked at.
    """
    sight = Sight(job, ())
    try:
        sight = until(job.id, lambda now: now.ended, wait_s) if wait_s else Sight(job, parts(job))
        known = sight.shown()
    except RedisError as error:
        log.warning("%s was accepted, and cannot be looked at: %s", job.id, error)
        known = listed(job)
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
        answer.headers["Retry-After"] = str(math.ceil(min(max(job["eta_seconds"] or UNKNOWN_S, 1), LONGEST_S)))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.post("/v1/jobs/<job_id>/retry")
@answers("jobs", {202: shapes.Job}, UnknownJob, Erased, NotDead, *TOO_MUCH)
def try_again(job_id: str) -> Response:
    """Accept a dead job again, under a new id, from the stage that failed; asked twice, it is the same new job."""
    here.job(job_id)
    accepted = retry(here.jobs(), here.blobs(), here.caller().tenant, job_id)
    ring_or_leave_to_the_sweep(accepted.bells)
    return accepted_as(accepted.job)


@routes.get("/v1/jobs")
@answers("jobs", {200: shapes.JobList})
def browse(query: Listing) -> Response:
    """A page of jobs, newest first; a learner sees only its own."""
    line = turns_of(query.lesson) if query.lesson else line_of(query, "dead" if query.dead else "jobs")
    if query.assignment:
        line = f"work:{here.caller().tenant}/{query.assignment}"
    found = page(here.jobs().redis, line, wanted_by(query, here.caller()), query.limit, query.cursor)
    return jsonify({"jobs": [listed(job) for job in found.jobs], "next": found.next and str(found.next)})


def line_of(query: Choosing, otherwise: str = "jobs") -> str:
    """The list of the session's jobs, the shortest that has all that are wanted; else the one called `otherwise`."""
    caller = here.caller()
    if query.session is None:
        return f"{otherwise}:{caller.tenant}"
    return f"turns:{caller.tenant}/{caller.conversation(query.session, query.owner)}"


def turns_of(lesson: str) -> str:
    """The list of a lesson's turns, which are in no other list but that of their session."""
    return f"children:{here.caller().tenant}/{lesson}"


def wanted_by(query: Listing, caller: here.Caller) -> Callable[[Job], bool]:
    def wanted(job: Job) -> bool:
        return (
            caller.sees(job)
            and query.state in (None, job.state)
            and query.task in (None, job.question.task)
            and query.dead in (None, job.dead)
            and query.assignment in (None, job.question.assignment)
            and query.fits(job.question.metadata)
        )

    return wanted


@routes.get("/v1/jobs/<job_id>")
@answers("jobs", {200: shapes.Job, 304: None}, UnknownJob, Erased)
def read(job_id: str, query: Looking) -> Response:
    """The job's record.

    With `?wait=N` it is answered as soon as it is another than If-None-Match says, or without that header, than it is
    now; or after N seconds.
    """
    sight = see(job_id)
    if query.wait:
        known = request.if_none_match or ETags(weak_etags=[sight.tag])
        sight = until(job_id, lambda now: now.ended or not known.contains_weak(now.tag), query.wait)
    unchanged = request.if_none_match.contains_weak(sight.tag)
    answer = Response(status=304) if unchanged else showing(sight.shown())
    answer.set_etag(sight.tag, weak=True)
    return answer


@routes.post("/v1/jobs/<job_id>/cancel")
@answers("jobs", {200: shapes.Job}, UnknownJob, Erased)
def cancel(job_id: str) -> Response:
    """Have the job not answered: its record as it has ended, maybe before. Asked again, it says the same."""
    cancel_unless_ended(here.job(job_id))
    return jsonify(see(job_id).shown())


@routes.delete("/v1/jobs/<job_id>")
@answers("jobs", {200: shapes.Job, 204: None}, UnknownJob, Erased)
def remove(job_id: str) -> Response:
    """Cancel the job (200, and its record); erase it when it has ended (204)."""
    job = here.job(job_id)
    if cancel_unless_ended(job):
        try:
            return jsonify(see(job_id).shown())
        except Erased:  # by the request that waited for it, as those to one model by itself do
            return Response(status=204)
    forget(job)
    return Response(status=204)


def cancel_unless_ended(job: Job) -> bool:
    """Whether the job was canceled now; nothing is left then of its recording, nor of its turns' if it is a lesson."""
    canceled, bells = here.jobs().cancel(job.question.tenant, job.id)
    ring_or_leave_to_the_sweep(bells)
    if canceled:
        remove_blobs([job.name, *here.jobs().turns_of(job)])
    return canceled


def forget(job: Job) -> None:
    """Erase a job that has ended, with its turns if it is a lesson."""
    names = [job.name, *here.jobs().turns_of(job)]
    here.jobs().forget(job.question.tenant, job.id)
    remove_blobs(names)


def remove_blobs(names: Iterable[str]) -> None:
    for name in names:
        here.blobs().delete_job(name)


def ring_or_leave_to_the_sweep(bells: list[Bell]) -> None:
    """The job is accepted already: when the broker cannot be reached, the sweep rings for it."""
    try:
        ring(bells)
    except OperationalError as error:
        log.warning("a bell could not be rung; the sweep will ring it: %s", error)
