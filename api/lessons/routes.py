"""What may be said of a lesson, and asked of it, as types."""

import dataclasses
import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from flask import Blueprint, jsonify, request
from pydantic import ConfigDict, Field, StringConstraints
from werkzeug.datastructures import ETags
from werkzeug.wrappers import Response

from api import context, file_names
from api.auth import LEARNER, requires
from api.homework.export import POLICY
from api.jobs import parser
from api.jobs.routes import (
    DEFAULT_RETRY_AFTER_S,
    MALFORMED,
    MAX_RETRY_AFTER_S,
    TOO_MUCH,
    accept,
    cancel_unless_ended,
    erase_job,
)
from api.jobs.schemas import AnswerFields, Asking, Form, Looking, Repeating, Upload, Words
from api.lessons.transcript import AS_TEXT, Said, as_json
from api.lessons.view import LessonSnapshot, lesson_of, load_snapshot, show, show_in_list, turns_of
from api.long_poll import wait_until
from api.openapi import answers
from api.report.lesson_page import lesson_page
from pipeline.errors import Erased, UnknownLesson
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.store import list_jobs
from pipeline.schemas import lessons as shapes
from pipeline.schemas.jobs import State

Name = Annotated[Words, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class LessonForm(AnswerFields, Form):
    """A lesson's recording. The other fields say of its spoken summary what they say of an answer."""

    model_config = ConfigDict(json_schema_extra={"required": ["audio"]})

    audio: Upload = Field(
        description="a file: wav, mp3, m4a, aac, ogg, opus, webm or flac, or a video as mp4, mov, webm or mkv"
    )
    title: Name = Field("", description="at most 200 characters; the file's name when it is not given")
    learner: Literal["", "left", "right"] = Field(
        "", description="left or right: the channel of the learner, whose turns are answered; empty: all are"
    )
    class_name: Annotated[Name, StringConstraints(max_length=100)] = Field(
        "", description="at most 100 characters; classes take turns when the server is busy"
    )
    retention_h: int | None = Field(None, ge=1, le=87_600, description="hours it is kept after its end")


class LessonListing(Asking):
    state: State | None = Field(None, description="a state of a lesson")
    class_name: str | None = Field(None, max_length=100, description="the name of a class")
    limit: int = Field(20, ge=1, le=100, description="a number of lessons from 1 to 100")
    cursor: int | None = Field(None, ge=0, le=2**53, description="what `next` of the page before said")


class Writing(Asking):
    format: Literal["txt", "srt", "vtt", "json"] = Field("txt", description="txt, srt, vtt or json")


FILE_CHARS = 100  # characters of the file's name that are kept

routes = Blueprint("lessons", __name__)


@routes.post("/v1/lessons")
@requires(LEARNER)
@answers("lessons", {202: shapes.LessonView}, *MALFORMED, *TOO_MUCH)
def submit(headers: Repeating, form: LessonForm) -> Response:
    """Leave the recording of a lesson, or a video of it: 202, where to look, and when.

    It is cut at silences into turns of at most 30 seconds, which are heard and answered one by one while nothing more
    urgent waits; then it is summed up, and the summary is spoken. The same Idempotency-Key gives the same lesson.
    """
    recording = parser.recording(form.audio, context.settings().max_lesson_mb)
    lesson = accept(parser.ParsedRequest(job_request(form), recording, headers.idempotency_key)).job
    answer = showing(show(lesson), lesson)
    answer.status_code = 202
    answer.headers["Location"] = f"/v1/lessons/{lesson.id}"
    return answer


def job_request(form: LessonForm) -> JobRequest:
    file = (form.audio.filename or "")[-FILE_CHARS:]
    said = {"title": form.title or file_names.cleaned(file_names.stem(file)), "file": file_names.cleaned(file)}
    return dataclasses.replace(
        parser.build_request(form),
        task="lesson",
        lane="bulk",
        group=form.class_name,
        details={name: value for name, value in {**said, "learner": form.learner}.items() if value},
        retention_h=form.retention_h,
    )


@routes.get("/v1/lessons")
@requires(LEARNER)
@answers("lessons", {200: shapes.LessonList})
def browse(query: LessonListing) -> Response:
    """A page of lessons, newest first; a learner sees only its own."""
    caller = context.caller()
    found = list_jobs(
        context.jobs().redis, f"jobs:{caller.tenant}", wanted_by(query, caller), query.limit, query.cursor
    )
    return jsonify({"lessons": show_in_list(found.jobs), "next": found.next and str(found.next)})


def wanted_by(query: LessonListing, caller: context.Caller) -> Callable[[Job], bool]:
    def wanted(job: Job) -> bool:
        return (
            job.request.task == "lesson"
            and caller.sees(job)
            and query.state in (None, job.state)
            and query.class_name in (None, job.request.group)
        )

    return wanted


@routes.get("/v1/lessons/<lesson_id>")
@requires(LEARNER)
@answers("lessons", {200: shapes.LessonView, 304: None}, UnknownLesson, Erased)
def read(lesson_id: str, query: Looking) -> Response:
    """The lesson, and everything that is known of its turns so far.

    With `?wait=N` it is answered as soon as it is another than If-None-Match says, or without that header, than it is
    now; or after N seconds. Turns that change meanwhile are noticed within 5 seconds.
    """
    sight = load_snapshot(lesson_id)
    if query.wait:
        known = request.if_none_match or ETags(weak_etags=[sight.tag])
        sight = until(lesson_id, lambda now: now.ended or not known.contains_weak(now.tag), query.wait)
    unchanged = request.if_none_match.contains_weak(sight.tag)
    answer = Response(status=304) if unchanged else showing(show(sight.lesson), sight.lesson)
    answer.set_etag(sight.tag, weak=True)
    return answer


def until(lesson_id: str, enough: Callable[[LessonSnapshot], bool], seconds: float) -> LessonSnapshot:
    """The lesson as soon as it is `enough`, or as it is when a request has waited as long as it may."""
    with context.changes().of(f"{context.caller().tenant}/{lesson_id}") as changed:
        return wait_until(changed, lambda: load_snapshot(lesson_id), enough, min(seconds, context.settings().wait_s))


def showing(shown: dict[str, Any], lesson: Job) -> Response:
    """The lesson, and when it is worth another look."""
    answer = jsonify(shown)
    if lesson.ended_at is None:
        seconds = shown["progress"]["eta_seconds"] or DEFAULT_RETRY_AFTER_S
        answer.headers["Retry-After"] = str(math.ceil(min(max(seconds, 1), MAX_RETRY_AFTER_S)))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.get("/v1/lessons/<lesson_id>/transcript")
@requires(LEARNER)
@answers("lessons", {200: (shapes.LessonTranscript, "text/plain", "text/vtt")}, UnknownLesson, Erased)
def transcript(lesson_id: str, query: Writing) -> Response:
    """What was said, as far as it was heard: text with chapters and times, subtitles, or JSON with every word."""
    said = said_in(lesson_id)
    if query.format == "json":
        answer: Response = jsonify(as_json(said))
    else:
        content_type, written = AS_TEXT[query.format]
        answer = Response(written(said), mimetype=content_type)
    answer.headers["Content-Disposition"] = f'inline; filename="lesson-{lesson_id}.{query.format}"'
    return answer


def said_in(lesson_id: str) -> Said:
    lesson = lesson_of(lesson_id)
    return Said(lesson, turns_of(lesson))


@routes.get("/v1/lessons/<lesson_id>/report")
@requires(LEARNER)
@answers("lessons", {200: "text/html"}, UnknownLesson, Erased)
def report(lesson_id: str) -> Response:
    """The lesson's summary, its mistakes and all that was said, corrections marked: one page that opens anywhere."""
    said = said_in(lesson_id)
    answer = Response(lesson_page(said.lesson, said.turns, said.figures, said.complete), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@routes.delete("/v1/lessons/<lesson_id>")
@requires(LEARNER)
@answers("lessons", {200: shapes.LessonView, 204: None}, UnknownLesson, Erased)
def remove(lesson_id: str) -> Response:
    """Cancel the lesson (200, and what was heard so far); erase it with all its turns when it has ended (204)."""
    lesson = lesson_of(lesson_id)
    if cancel_unless_ended(lesson):
        return jsonify(show(lesson_of(lesson_id)))
    erase_job(lesson)
    return Response(status=204)
