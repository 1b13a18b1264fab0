"""/v1/lessons: leave the recording of a lesson, follow how it is listened to, fetch what was said in it and its sum."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.datastructures import ETags
from werkzeug.wrappers import Response

from api import file_names, here, questions
from api.asking import Looking, Repeating
from api.homework.export import POLICY
from api.jobs import LONGEST_S, MALFORMED, TOO_MUCH, UNKNOWN_S, accept, cancel_unless_ended, forget
from api.lessons.fields import LessonForm, LessonListing, Writing
from api.lessons.text import AS_TEXT, Said, as_json
from api.lessons.view import Sight, lesson_of, listed, see, show, turns_of
from api.report.lesson_page import lesson_page
from api.spec import answers
from api.waiting import look
from pipeline import lesson_shapes as shapes
from pipeline.errors import Erased, UnknownLesson
from pipeline.listing import page
from pipeline.record import Job, Question

FILE_CHARS = 100  # characters of the file's name that are kept

routes = Blueprint("lessons", __name__)


@routes.post("/v1/lessons")
@answers("lessons", {202: shapes.LessonView}, *MALFORMED, *TOO_MUCH)
def submit(headers: Repeating, form: LessonForm) -> Response:
    """Leave the recording of a lesson, or a video of it: 202, where to look, and when.

    It is cut at silences into turns of at most 30 seconds, which are heard and answered one by one while nothing more
    urgent waits; then it is summed up, and the summary is spoken. The same Idempotency-Key gives the same lesson.
    """
    recording = questions.recording(form.audio, here.settings().max_lesson_mb)
    lesson = accept(questions.Asked(question(form), recording, headers.idempotency_key)).job
    answer = showing(show(lesson), lesson)
    answer.status_code = 202
    answer.headers["Location"] = f"/v1/lessons/{lesson.id}"
    return answer


def question(form: LessonForm) -> Question:
    file = (form.audio.filename or "")[-FILE_CHARS:]
    said = {"title": form.title or file_names.cleaned(file_names.stem(file)), "file": file_names.cleaned(file)}
    return dataclasses.replace(
        questions.question(form),
        task="lesson",
        lane="bulk",
        group=form.class_name,
        details={name: value for name, value in {**said, "learner": form.learner}.items() if value},
        retention_h=form.retention_h,
    )


@routes.get("/v1/lessons")
@answers("lessons", {200: shapes.LessonList})
def browse(query: LessonListing) -> Response:
    """A page of lessons, newest first; a learner sees only its own."""
    caller = here.caller()
    found = page(here.jobs().redis, f"jobs:{caller.tenant}", wanted_by(query, caller), query.limit, query.cursor)
    return jsonify({"lessons": listed(found.jobs), "next": found.next and str(found.next)})


def wanted_by(query: LessonListing, caller: here.Caller) -> Callable[[Job], bool]:
    def wanted(job: Job) -> bool:
        return (
            job.question.task == "lesson"
            and caller.sees(job)
            and query.state in (None, job.state)
            and query.class_name in (None, job.question.group)
        )

    return wanted


@routes.get("/v1/lessons/<lesson_id>")
@answers("lessons", {200: shapes.LessonView, 304: None}, UnknownLesson, Erased)
def read(lesson_id: str, query: Looking) -> Response:
    """The lesson, and everything that is known of its turns so far.

    With `?wait=N` it is answered as soon as it is another than If-None-Match says, or without that header, than it is
    now; or after N seconds. Turns that change meanwhile are noticed within 5 seconds.
    """
    sight = see(lesson_id)
    if query.wait:
        known = request.if_none_match or ETags(weak_etags=[sight.tag])
        sight = until(lesson_id, lambda now: now.ended or not known.contains_weak(now.tag), query.wait)
    unchanged = request.if_none_match.contains_weak(sight.tag)
    answer = Response(status=304) if unchanged else showing(show(sight.lesson), sight.lesson)
    answer.set_etag(sight.tag, weak=True)
    return answer


def until(lesson_id: str, enough: Callable[[Sight], bool], seconds: float) -> Sight:
    """The lesson as soon as it is `enough`, or as it is when a request has waited as long as it may."""
    with here.changes().of(f"{here.caller().tenant}/{lesson_id}") as changed:
        return look(changed, lambda: see(lesson_id), enough, min(seconds, here.settings().wait_s))


def showing(shown: dict[str, Any], lesson: Job) -> Response:
    """The lesson, and when it is worth another look."""
    answer = jsonify(shown)
    if lesson.ended_at is None:
        seconds = shown["progress"]["eta_seconds"] or UNKNOWN_S
        answer.headers["Retry-After"] = str(math.ceil(min(max(seconds, 1), LONGEST_S)))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@routes.get("/v1/lessons/<lesson_id>/transcript")
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
@answers("lessons", {200: "text/html"}, UnknownLesson, Erased)
def report(lesson_id: str) -> Response:
    """The lesson's summary, its mistakes and all that was said, corrections marked: one page that opens anywhere."""
    said = said_in(lesson_id)
    answer = Response(lesson_page(said.lesson, said.turns, said.figures, said.complete), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@routes.delete("/v1/lessons/<lesson_id>")
@answers("lessons", {200: shapes.LessonView, 204: None}, UnknownLesson, Erased)
def remove(lesson_id: str) -> Response:
    """Cancel the lesson (200, and what was heard so far); erase it with all its turns when it has ended (204)."""
    lesson = lesson_of(lesson_id)
    if cancel_unless_ended(lesson):
        return jsonify(show(lesson_of(lesson_id)))
    forget(lesson)
    return Response(status=204)
