"""What can be asked of a server about lessons: calls like those of calls.py, which client.py runs in both ways."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from pipeline.schemas.jobs import State
from pipeline.schemas.lessons import LessonList, LessonListed, LessonView
from waijiao.answers import Recording, of_code
from waijiao.calls import WAIT_S, Calls, Sight
from waijiao.fields import quoted, spelt
from waijiao.request import FILE_NAME, Batch, Call, Many, Request, opener

PAGE = 20  # lessons of one page
Told = Callable[[LessonView], object] | None  # is told of a lesson at each change
Written = Literal["txt", "srt", "vtt", "json"]


class LessonFields(TypedDict, total=False):
    """What may be said of a lesson; docs/lessons.md explains each. None is the same as not given."""

    title: str | None
    learner: Literal["left", "right"] | None
    class_name: str | None
    persona: str | None
    language: str | None
    hint: str | None
    voice: str | None
    speed: float | None
    format: str | None
    retention_h: int | None
    metadata: Mapping[str, str] | None
    webhook: str | None
    webhook_events: Sequence[str] | None
    idempotency_key: str | None


def submit_lesson(
    calls: Calls, recording: Recording, *, file: str | None = None, **fields: Unpack[LessonFields]
) -> Call[LessonView]:
    """Leave the recording of a lesson, or a video of it; the lesson as it was accepted.

    It is accepted once, however often it is sent. `file` is what it is called, which a path says by itself.
    """
    key = fields.get("idempotency_key") or uuid.uuid4().hex
    called = file or (Path(recording).name if isinstance(recording, (str, PathLike)) else FILE_NAME)
    form = {name: spelt(value) for name, value in fields.items() if value is not None and name != "idempotency_key"}
    headers = {"Idempotency-Key": key}
    request = Request("POST", "/v1/lessons", headers=headers, form=form, recording=opener(recording), file_name=called)
    return (yield from calls.shape(LessonView, request))


def lesson(calls: Calls, lesson: LessonListed | str) -> Call[LessonView]:
    """A lesson as it is now, with everything that is known of its turns."""
    return (yield from calls.shape(LessonView, Request("GET", place(lesson))))


def lessons(
    calls: Calls, *, state: State | None = None, class_name: str | None = None, page: int = PAGE
) -> Many[LessonListed]:
    """The lessons, newest first; fetched when they are needed, `page` at once."""
    wanted = {"state": state, "class_name": class_name, "limit": str(page)}
    return _page(calls, {name: value for name, value in wanted.items() if value is not None})


def lesson_progress(calls: Calls, lesson: LessonListed | str, *, every_s: float = WAIT_S) -> Many[LessonView]:
    """Each change of a lesson, until it has ended: as it is now, …, as it ended."""
    return calls.changes(Sight(LessonView, place(lesson), every_s))


def wait_lesson(calls: Calls, lesson: LessonListed | str, *, on_change: Told = None) -> Call[LessonView]:
    """Wait until a lesson has ended; the lesson as it has. The error that it failed with is raised."""
    changes: Many[LessonView] | None = lesson_progress(calls, lesson)
    seen: LessonView | None = None
    while changes:
        batch = yield from changes
        for seen in batch.items:
            if on_change:
                on_change(seen)
        changes = batch.rest
    assert seen  # noqa: S101 - the first look always sees it
    if seen.error:
        raise of_code(seen.error.code, seen.error.detail, seen.error.retryable)
    return seen


def lesson_transcript(calls: Calls, lesson: LessonListed | str, format: Written = "txt") -> Call[str]:
    """What was said, as far as it was heard: text with chapters and times, subtitles, or JSON with every word."""
    request = Request("GET", f"{place(lesson)}/transcript", {"format": format})
    return (yield from calls.exchange.sure(request)).text


def lesson_summary(calls: Calls, lesson: LessonListed | str) -> Call[bytes]:
    """The spoken summary, as a file in the format that was asked for."""
    return (yield from calls.exchange.sure(Request("GET", f"/v1/jobs/{quoted(id_of(lesson))}/audio"))).content


def lesson_report(calls: Calls, lesson: LessonListed | str) -> Call[str]:
    """The summary, the mistakes and all that was said, corrections marked, as one page of HTML."""
    return (yield from calls.exchange.sure(Request("GET", f"{place(lesson)}/report"))).text


def cancel_lesson(calls: Calls, lesson: LessonListed | str) -> Call[LessonView]:
    """Have no more of a lesson listened to; what was heard stays. One that has ended is left alone."""
    yield from calls.cancel(id_of(lesson))
    return (yield from calls.shape(LessonView, Request("GET", place(lesson))))


def erase_lesson(calls: Calls, lesson: LessonListed | str) -> Call[None]:
    """Erase a lesson with all its turns; canceled first when it has not ended."""
    yield from calls.erase_at(place(lesson))


def _page(calls: Calls, query: Mapping[str, str]) -> Many[LessonListed]:
    page = yield from calls.shape(LessonList, Request("GET", "/v1/lessons", query=query))
    return Batch(page.lessons, _page(calls, {**query, "cursor": page.next}) if page.next else None)


def id_of(lesson: LessonListed | str) -> str:
    return lesson if isinstance(lesson, str) else lesson.id


def place(lesson: LessonListed | str) -> str:
    return f"/v1/lessons/{quoted(id_of(lesson))}"
