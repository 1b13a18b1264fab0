"""/v1/lessons: upload a lesson's recording, follow it, read its transcript and report, cancel or erase it."""

import dataclasses
import math
from collections.abc import Callable

from flask import Blueprint, request
from werkzeug.datastructures import ETags
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.homework.export import POLICY
from api.jobs import parser
from api.jobs.routes import DEFAULT_RETRY_AFTER_S, INPUT_ERRORS, LIMIT_ERRORS, MAX_RETRY_AFTER_S
from api.jobs.schemas import IdempotencyHeader, WaitQuery
from api.jobs.service import accept, cancel_unless_ended, erase_job
from api.lessons.schemas import LessonForm, LessonListQuery, TranscriptQuery
from api.lessons.transcript import AS_TEXT, LessonTranscript, as_json
from api.lessons.view import LessonSnapshot, lesson_of, load_snapshot, show, show_in_list, turns_of
from api.long_poll import wait_until
from api.openapi import answers, respond
from api.reports.pages import render_lesson_report
from pipeline.errors import Erased, UnknownLesson
from pipeline.homework import filenames
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.listing import list_jobs
from pipeline.schemas import lessons as schemas

FILE_CHARS = 100  # characters of the file's name that are kept

routes = Blueprint("lessons", __name__)


@routes.post("/v1/lessons")
@requires(LEARNER)
@answers("lessons", {202: schemas.LessonView}, *INPUT_ERRORS, *LIMIT_ERRORS)
def submit(headers: IdempotencyHeader, form: LessonForm) -> Response:
    """Upload the recording or the video of a lesson: 202, with its address in Location and a Retry-After.

    It is split at silences into turns of at most 30 seconds, which are transcribed and corrected one by one while no
    more urgent job waits; then a summary is written and spoken. The same Idempotency-Key gives the same lesson.
    """
    recording = parser.check_upload(form.audio, context.settings().max_lesson_mb)
    lesson = accept(parser.ParsedRequest(build_lesson(form), recording, headers.idempotency_key)).job
    answer = lesson_response(show(lesson), lesson)
    answer.status_code = 202
    answer.headers["Location"] = context.address(f"/v1/lessons/{lesson.id}")
    return answer


def build_lesson(form: LessonForm) -> JobRequest:
    file = (form.audio.filename or "")[-FILE_CHARS:]
    details = {"title": form.title or filenames.sanitize(filenames.stem(file)), "file": filenames.sanitize(file)}
    return dataclasses.replace(
        parser.build_request(form),
        task="lesson",
        lane="bulk",
        group=form.class_name,
        details={name: value for name, value in {**details, "learner": form.learner}.items() if value},
        retention_h=form.retention_h,
    )


@routes.get("/v1/lessons")
@requires(LEARNER)
@answers("lessons", {200: schemas.LessonList})
def browse(query: LessonListQuery) -> Response:
    """A page of lessons, newest first; a learner sees only its own."""
    caller = context.caller()
    page = list_jobs(
        context.jobs().redis, f"jobs:{caller.tenant}", lesson_filter(query, caller), query.limit, query.cursor
    )
    return respond(schemas.LessonList(lessons=show_in_list(page.jobs), next=str(page.next) if page.next else None))


def lesson_filter(query: LessonListQuery, caller: context.Caller) -> Callable[[Job], bool]:
    def matches(job: Job) -> bool:
        return (
            job.request.task == "lesson"
            and caller.sees(job)
            and query.state in (None, job.state)
            and query.class_name in (None, job.request.group)
        )

    return matches


@routes.get("/v1/lessons/<lesson_id>")
@requires(LEARNER)
@answers("lessons", {200: schemas.LessonView, 304: None}, UnknownLesson, Erased)
def read(lesson_id: str, query: WaitQuery) -> Response:
    """The lesson, and everything that is known of its turns so far.

    With `?wait=N` the response waits, up to N seconds, until the lesson differs from the one that If-None-Match names,
    or without that header, from the present one. A changed turn is noticed within 5 seconds.
    """
    snapshot = load_snapshot(lesson_id)
    if query.wait:
        known_tags = request.if_none_match or ETags(weak_etags=[snapshot.tag])
        snapshot = wait_for_lesson(
            lesson_id, lambda now: now.has_ended or not known_tags.contains_weak(now.tag), query.wait
        )
    is_unchanged = request.if_none_match.contains_weak(snapshot.tag)
    answer = Response(status=304) if is_unchanged else lesson_response(show(snapshot.lesson), snapshot.lesson)
    answer.set_etag(snapshot.tag, weak=True)
    return answer


def wait_for_lesson(lesson_id: str, condition: Callable[[LessonSnapshot], bool], timeout_s: float) -> LessonSnapshot:
    """The lesson as soon as it meets the condition, or as it is after the time allowed."""
    with context.watch_job(lesson_id) as change_event:
        return wait_until(
            change_event, lambda: load_snapshot(lesson_id), condition, min(timeout_s, context.settings().wait_s)
        )


def lesson_response(view: schemas.LessonView, lesson: Job) -> Response:
    """The lesson, with a Retry-After while it has not ended."""
    answer = respond(view)
    if lesson.ended_at is None:
        seconds = view.progress.eta_seconds or DEFAULT_RETRY_AFTER_S
        answer.headers["Retry-After"] = str(math.ceil(min(max(seconds, 1), MAX_RETRY_AFTER_S)))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.get("/v1/lessons/<lesson_id>/transcript")
@requires(LEARNER)
@answers("lessons", {200: (schemas.LessonTranscript, "text/plain", "text/vtt")}, UnknownLesson, Erased)
def transcript(lesson_id: str, query: TranscriptQuery) -> Response:
    """The transcript so far: text with chapters and times, subtitles, or JSON with every word."""
    lesson = load_transcript(lesson_id)
    if query.format == "json":
        answer = respond(as_json(lesson))
    else:
        content_type, write = AS_TEXT[query.format]
        answer = Response(write(lesson), mimetype=content_type)
    answer.headers["Content-Disposition"] = f'inline; filename="lesson-{lesson_id}.{query.format}"'
    return answer


def load_transcript(lesson_id: str) -> LessonTranscript:
    lesson = lesson_of(lesson_id)
    return LessonTranscript(lesson, turns_of(lesson))


@routes.get("/v1/lessons/<lesson_id>/report")
@requires(LEARNER)
@answers("lessons", {200: "text/html"}, UnknownLesson, Erased)
def report(lesson_id: str) -> Response:
    """Summary, mistakes and the whole transcript with corrections, as one self-contained page."""
    lesson = load_transcript(lesson_id)
    answer = Response(
        render_lesson_report(lesson.lesson, lesson.turns, lesson.figures, lesson.complete), mimetype="text/html"
    )
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@routes.delete("/v1/lessons/<lesson_id>")
@requires(LEARNER)
@answers("lessons", {200: schemas.LessonView, 204: None}, UnknownLesson, Erased)
def remove(lesson_id: str) -> Response:
    """Cancel the lesson (200, with the transcript so far); or erase it with all its turns, if it has ended (204)."""
    lesson = lesson_of(lesson_id)
    if cancel_unless_ended(lesson):
        return respond(show(lesson_of(lesson_id)))
    erase_job(lesson)
    return Response(status=204)
