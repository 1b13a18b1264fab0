"""/v1/jobs: submit a recording, read, list, cancel, erase and retry jobs, fetch the answer's audio."""

import logging
import math
from collections.abc import Callable

from flask import Blueprint, request, send_file
from redis.exceptions import RedisError
from werkzeug.datastructures import ETags
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, TEACHER, requires
from api.jobs import parser
from api.jobs.schemas import (
    AudioQuery,
    JobForm,
    JobListQuery,
    JobSelection,
    JobText,
    SaidForm,
    SubmitHeaders,
    WaitQuery,
)
from api.jobs.service import (
    accept,
    cancel_unless_ended,
    enqueue_or_let_sweeper,
    erase_job,
    erase_unreadable_job,
    wait_for_job,
)
from api.jobs.view import JobSnapshot, load_snapshot, show_in_list, spoken_parts
from api.openapi import answers, respond
from pipeline.audio.formats import FORMATS
from pipeline.disk_space import check_free_space
from pipeline.errors import (
    AnswerNotReady,
    BrokenRecord,
    CannotRerun,
    DiskFull,
    EmptyRequest,
    Erased,
    KeyReused,
    MinutesUsed,
    NoAnswer,
    NoCard,
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
)
from pipeline.jobs.job import Job, State
from pipeline.jobs.listing import list_jobs
from pipeline.jobs.rerun import answer_as_said, retry
from pipeline.jobs.results import Answer, LessonCard, Part
from pipeline.schemas import jobs as job_schemas
from pipeline.text.enumeration import pluralize

ENDED_STATES = {State.SUCCEEDED, State.FAILED, State.CANCELED, State.EXPIRED}
DEFAULT_RETRY_AFTER_S = 2  # Retry-After while no estimate is known
MAX_RETRY_AFTER_S = 60  # Retry-After at most

log = logging.getLogger("waijiao")
routes = Blueprint("jobs", __name__)
INPUT_ERRORS = (EmptyRequest, UnknownPersona, UnknownVoice, UnknownFormat, KeyReused, NotAudio, TooLarge)
LIMIT_ERRORS = (ServerFull, QuotaFull, RateLimited, MinutesUsed, DiskFull)


@routes.post("/v1/jobs")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.Job, 202: job_schemas.Job}, *INPUT_ERRORS, *LIMIT_ERRORS)
def submit(headers: SubmitHeaders, form: JobForm, json: JobText) -> Response:
    """Accept a job: 202, with its address in Location and a Retry-After.

    The same Idempotency-Key gives the same job. With `Prefer: wait=N` the response waits up to N seconds; it is 200
    when the job has ended by then.
    """
    parsed_request = parser.parse_request(form or json, headers.idempotency_key)
    return accepted_response(accept(parsed_request).job, headers.wait_s)


def accepted_response(job: Job, wait_s: float = 0) -> Response:
    """202 with the job as it was accepted; or with `wait_s`, the job when it has ended or that time is over.

    The job is accepted whatever happens now: a client must not submit it again because it cannot be read at the moment.
    """
    snapshot = JobSnapshot(job, ())
    try:
        snapshot = (
            wait_for_job(job.id, lambda now: now.has_ended, wait_s) if wait_s else JobSnapshot(job, spoken_parts(job))
        )
        job_view = snapshot.show()
    except RedisError as error:
        log.warning("%s was accepted, but cannot be read now: %s", job.id, error)
        job_view = show_in_list(job)
    answer = job_response(job_view)
    answer.status_code = 200 if wait_s and snapshot.has_ended else 202
    answer.headers["Location"] = context.address(f"/v1/jobs/{job.id}")
    if wait_s:
        answer.headers["Preference-Applied"] = f"wait={wait_s}"
    return answer


def job_response(job: job_schemas.Job) -> Response:
    """The job, with a Retry-After while it has not ended."""
    answer = respond(job)
    if job.state not in ENDED_STATES:
        answer.headers["Retry-After"] = str(
            math.ceil(min(max(job.eta_seconds or DEFAULT_RETRY_AFTER_S, 1), MAX_RETRY_AFTER_S))
        )
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.post("/v1/jobs/<job_id>/retry")
@requires(TEACHER)
@answers("jobs", {202: job_schemas.Job}, UnknownJob, Erased, NotDead, *LIMIT_ERRORS)
def retry_job(job_id: str) -> Response:
    """Submit a dead job again, under a new id, from the stage that failed. Repeated, it gives the same new job."""
    context.job(job_id)
    check_free_space(context.settings())
    accepted_job = retry(context.jobs(), context.blobs(), context.caller().tenant, job_id)
    enqueue_or_let_sweeper(accepted_job.ready_jobs)
    return accepted_response(accepted_job.job)


@routes.post("/v1/jobs/<job_id>/said")
@requires(LEARNER)
@answers("jobs", {202: job_schemas.Job}, UnknownJob, Erased, CannotRerun, *LIMIT_ERRORS)
def answer_what_was_said(job_id: str, json: SaidForm) -> Response:
    """Answer the turn again on the learner's own words, as a new job, which keeps what was recognised.

    The words count as typed: nothing in them is unclear. In its session the new turn is the next one, and the earlier
    one is history no more; in homework it replaces the earlier one. Repeated, it gives the same new job.
    """
    job = context.job(job_id)
    parser.check_length("said", json.said)
    check_free_space(context.settings())
    accepted_job = answer_as_said(context.jobs(), job, json.said)
    enqueue_or_let_sweeper(accepted_job.ready_jobs)
    return accepted_response(accepted_job.job)


@routes.get("/v1/jobs")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.JobList})
def browse(query: JobListQuery) -> Response:
    """A page of jobs, newest first; a learner sees only its own."""
    index = turns_index(query.lesson) if query.lesson else session_index(query, "dead" if query.dead else "jobs")
    if query.assignment:
        index = f"work:{context.caller().tenant}/{query.assignment}"
    page = list_jobs(context.jobs().redis, index, job_filter(query, context.caller()), query.limit, query.cursor)
    jobs = [show_in_list(job) for job in page.jobs]
    return respond(job_schemas.JobList(jobs=jobs, next=str(page.next) if page.next else None))


def session_index(query: JobSelection, default: str = "jobs") -> str:
    """The Redis list of the session's jobs, the shortest one that has all matches; without a session, `default`."""
    caller = context.caller()
    if query.session is None:
        return f"{default}:{caller.tenant}"
    return f"turns:{caller.tenant}/{caller.conversation(query.session, query.owner)}"


def turns_index(lesson: str) -> str:
    """The Redis list of a lesson's turns, which are in no other list than that of their session."""
    return f"children:{context.caller().tenant}/{lesson}"


def job_filter(query: JobListQuery, caller: context.Caller) -> Callable[[Job], bool]:
    def matches(job: Job) -> bool:
        return (
            caller.sees(job)
            and query.state in (None, job.state)
            and query.task in (None, job.request.task)
            and query.dead in (None, job.dead)
            and query.assignment in (None, job.request.assignment)
            and query.matches(job.request.metadata)
        )

    return matches


@routes.get("/v1/jobs/<job_id>")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.Job, 304: None}, UnknownJob, Erased)
def read(job_id: str, query: WaitQuery) -> Response:
    """The job's record.

    With `?wait=N` the response waits, up to N seconds, until the record differs from the one that If-None-Match names,
    or without that header, from the present one.
    """
    snapshot = load_snapshot(job_id)
    if query.wait:
        known_tags = request.if_none_match or ETags(weak_etags=[snapshot.tag])
        snapshot = wait_for_job(job_id, lambda now: now.has_ended or not known_tags.contains_weak(now.tag), query.wait)
    is_unchanged = request.if_none_match.contains_weak(snapshot.tag)
    answer = Response(status=304) if is_unchanged else job_response(snapshot.show())
    answer.set_etag(snapshot.tag, weak=True)
    return answer


@routes.post("/v1/jobs/<job_id>/cancel")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.Job}, UnknownJob, Erased)
def cancel(job_id: str) -> Response:
    """Cancel the job, unless it has ended. Repeated, it returns the same record."""
    cancel_unless_ended(context.job(job_id))
    return respond(load_snapshot(job_id).show())


@routes.delete("/v1/jobs/<job_id>")
@requires(LEARNER)
@answers("jobs", {200: job_schemas.Job, 204: None}, UnknownJob, Erased)
def remove(job_id: str) -> Response:
    """Cancel the job (200, with its record); or erase it, if it has ended (204)."""
    try:
        job = context.job(job_id)
    except BrokenRecord:
        erase_unreadable_job(job_id)
        return Response(status=204)
    if cancel_unless_ended(job):
        try:
            return respond(load_snapshot(job_id).show())
        except Erased:  # by a single-model request that waited for it
            return Response(status=204)
    erase_job(job)
    return Response(status=204)


@routes.get("/v1/jobs/<job_id>/audio")
@requires(LEARNER)
@answers("jobs", {200: "audio/*", 206: "audio/*", 304: None}, UnknownJob, Erased, AnswerNotReady, NoAnswer, UnknownPart)
def audio(job_id: str, query: AudioQuery) -> Response:
    """The spoken answer, or with `?part=N` its N-th sentence, which is available before the whole answer is."""
    snapshot = load_snapshot(job_id)
    speech = answer_of(snapshot) if query.part is None else part_of(snapshot, query.part)
    return audio_response(snapshot.job, speech, f"answer-{job_id}{'' if query.part is None else f'-{query.part}'}")


@routes.get("/v1/jobs/<job_id>/card")
@requires(LEARNER)
@answers("jobs", {200: "audio/*", 206: "audio/*", 304: None}, UnknownJob, Erased, AnswerNotReady, NoAnswer, NoCard)
def card(job_id: str) -> Response:
    """The lesson card, if one was asked for: the learner's own words, and the better sentences to repeat."""
    snapshot = load_snapshot(job_id)
    lesson_card = answer_of(snapshot).card
    if lesson_card is None:
        raise NoCard
    return audio_response(snapshot.job, lesson_card, f"card-{job_id}")


def audio_response(job: Job, speech: Answer | Part | LessonCard, stem: str) -> Response:
    """The audio, whole or the range that was asked for; its file's name is `stem` and the format."""
    try:
        file = context.blobs().open(speech.blob)
    except FileNotFoundError as error:
        raise Erased("The answer's audio is no longer kept.") from error
    format_ = job.request.format
    answer = send_file(file, mimetype=FORMATS[format_], download_name=f"{stem}.{format_}", etag=speech.sha256)
    answer.content_length = speech.size
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request, accept_ranges=True, complete_length=speech.size)


def answer_of(snapshot: JobSnapshot) -> Answer:
    if snapshot.job.answer:
        return snapshot.job.answer
    raise NoAnswer if snapshot.has_ended else AnswerNotReady


def part_of(snapshot: JobSnapshot, number: int) -> Part:
    if number <= len(snapshot.parts):
        return snapshot.parts[number - 1]
    if snapshot.job.answer:
        raise UnknownPart(f"The answer has {pluralize(len(snapshot.parts), 'sentence')}.")
    raise NoAnswer if snapshot.has_ended else AnswerNotReady
