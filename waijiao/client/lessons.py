"""Lessons: the methods of Client (LessonMethods) and their awaited twins of AsyncClient (AsyncLessonMethods)."""

import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Unpack

from pipeline.schemas.jobs import Job, State
from pipeline.schemas.lessons import LessonList, LessonListEntry, LessonView
from waijiao.client.base import LONG_POLL_S, AsyncBase, SyncBase
from waijiao.client.fields import LessonFields, TranscriptFormat, drop_none, form_values, job_path, lesson_path
from waijiao.client.results import Recording, make_error
from waijiao.client.transport import Request, recording_opener, upload_name

PAGE_LESSONS = 20  # lessons fetched at once
OnLessonChange = Callable[[LessonView], object] | None  # called with the lesson after each change


class LessonMethods(SyncBase):
    """Lessons, blocking."""

    def submit_lesson(
        self, recording: Recording, *, file: str | None = None, **fields: Unpack[LessonFields]
    ) -> LessonView:
        """Submit the recording of a lesson, or a video of it, and return the lesson as the server accepted it.

        The request may be sent several times; the server accepts it once. `file` is the file name, which a path has
        already.
        """
        return self._fetch(LessonView, submit_request(recording, file, fields))

    def lesson(self, lesson: LessonListEntry | str) -> LessonView:
        """A lesson as it is now, with the results of its turns so far."""
        return self._fetch(LessonView, Request("GET", lesson_path(lesson)))

    def lessons(
        self, *, state: State | None = None, class_name: str | None = None, page: int = PAGE_LESSONS
    ) -> Generator[LessonListEntry, None, None]:
        """The lessons, newest first; fetched when they are needed, `page` at a time."""
        query = drop_none({"state": state, "class_name": class_name, "limit": str(page)})
        while True:
            lesson_list = self._fetch(LessonList, Request("GET", "/v1/lessons", query))
            yield from lesson_list.lessons
            if not lesson_list.next:
                return
            query["cursor"] = lesson_list.next

    def lesson_progress(
        self, lesson: LessonListEntry | str, *, every_s: float = LONG_POLL_S
    ) -> Generator[LessonView, None, None]:
        """The lesson as it is now, then again after each change, until it has ended."""
        return self._poll(LessonView, lesson_path(lesson), every_s)

    def wait_lesson(self, lesson: LessonListEntry | str, *, on_change: OnLessonChange = None) -> LessonView:
        """Wait until a lesson has ended and return it. The error that it failed with is raised.

        `on_change` is called with the lesson after each change.
        """
        for current in self.lesson_progress(lesson):
            if on_change:
                on_change(current)
        raise_for_failure(current)
        return current

    def lesson_transcript(self, lesson: LessonListEntry | str, format: TranscriptFormat = "txt") -> str:
        """The transcript so far: text with chapters and times, subtitles, or JSON with every word."""
        return self._send(Request("GET", f"{lesson_path(lesson)}/transcript", {"format": format})).text

    def lesson_summary(self, lesson: LessonListEntry | str) -> bytes:
        """The spoken summary, as a file in the requested format."""
        return self._send(summary_request(lesson)).content

    def lesson_report(self, lesson: LessonListEntry | str) -> str:
        """The summary, the mistakes and the transcript with its corrections, as one page of HTML."""
        return self._send(Request("GET", f"{lesson_path(lesson)}/report")).text

    def cancel_lesson(self, lesson: LessonListEntry | str) -> LessonView:
        """Cancel a lesson; finished turns stay. A lesson that had ended already is left alone."""
        self._fetch(Job, cancel_request(lesson))
        return self.lesson(lesson)

    def erase_lesson(self, lesson: LessonListEntry | str) -> None:
        """Erase a lesson with all its turns. One that has not ended is canceled first."""
        self._erase(lesson_path(lesson))


class AsyncLessonMethods(AsyncBase):
    """Lessons, awaited."""

    async def submit_lesson(
        self, recording: Recording, *, file: str | None = None, **fields: Unpack[LessonFields]
    ) -> LessonView:
        """Submit the recording of a lesson, or a video of it, and return the lesson as the server accepted it.

        The request may be sent several times; the server accepts it once. `file` is the file name, which a path has
        already.
        """
        return await self._fetch(LessonView, submit_request(recording, file, fields))

    async def lesson(self, lesson: LessonListEntry | str) -> LessonView:
        """A lesson as it is now, with the results of its turns so far."""
        return await self._fetch(LessonView, Request("GET", lesson_path(lesson)))

    async def lessons(
        self, *, state: State | None = None, class_name: str | None = None, page: int = PAGE_LESSONS
    ) -> AsyncGenerator[LessonListEntry, None]:
        """For `async for`: the lessons, newest first; fetched when they are needed, `page` at a time."""
        query = drop_none({"state": state, "class_name": class_name, "limit": str(page)})
        while True:
            lesson_list = await self._fetch(LessonList, Request("GET", "/v1/lessons", query))
            for lesson in lesson_list.lessons:
                yield lesson
            if not lesson_list.next:
                return
            query["cursor"] = lesson_list.next

    def lesson_progress(
        self, lesson: LessonListEntry | str, *, every_s: float = LONG_POLL_S
    ) -> AsyncGenerator[LessonView, None]:
        """For `async for`: the lesson as it is now, then again after each change, until it has ended."""
        return self._poll(LessonView, lesson_path(lesson), every_s)

    async def wait_lesson(self, lesson: LessonListEntry | str, *, on_change: OnLessonChange = None) -> LessonView:
        """Wait until a lesson has ended and return it. The error that it failed with is raised.

        `on_change` is called with the lesson after each change.
        """
        async for current in self.lesson_progress(lesson):
            if on_change:
                on_change(current)
        raise_for_failure(current)
        return current

    async def lesson_transcript(self, lesson: LessonListEntry | str, format: TranscriptFormat = "txt") -> str:
        """The transcript so far: text with chapters and times, subtitles, or JSON with every word."""
        return (await self._send(Request("GET", f"{lesson_path(lesson)}/transcript", {"format": format}))).text

    async def lesson_summary(self, lesson: LessonListEntry | str) -> bytes:
        """The spoken summary, as a file in the requested format."""
        return (await self._send(summary_request(lesson))).content

    async def lesson_report(self, lesson: LessonListEntry | str) -> str:
        """The summary, the mistakes and the transcript with its corrections, as one page of HTML."""
        return (await self._send(Request("GET", f"{lesson_path(lesson)}/report"))).text

    async def cancel_lesson(self, lesson: LessonListEntry | str) -> LessonView:
        """Cancel a lesson; finished turns stay. A lesson that had ended already is left alone."""
        await self._fetch(Job, cancel_request(lesson))
        return await self.lesson(lesson)

    async def erase_lesson(self, lesson: LessonListEntry | str) -> None:
        """Erase a lesson with all its turns. One that has not ended is canceled first."""
        await self._erase(lesson_path(lesson))


def submit_request(recording: Recording, file: str | None, fields: LessonFields) -> Request:
    """It has an Idempotency-Key always, so that it becomes one lesson however often it is sent."""
    headers = {"Idempotency-Key": fields.get("idempotency_key") or uuid.uuid4().hex}
    form, opener, file_name = form_values(fields), recording_opener(recording), upload_name(recording, file)
    return Request(
        "POST", "/v1/lessons", headers=headers, form=form, recording=opener, file_name=file_name, limit="lesson_mb"
    )


def summary_request(lesson: LessonListEntry | str) -> Request:
    return Request("GET", f"{job_path(lesson_id(lesson))}/audio")


def cancel_request(lesson: LessonListEntry | str) -> Request:
    return Request("POST", f"{job_path(lesson_id(lesson))}/cancel")


def lesson_id(lesson: LessonListEntry | str) -> str:
    """A lesson's id, which is that of its job too."""
    return lesson if isinstance(lesson, str) else lesson.id


def raise_for_failure(lesson: LessonView) -> None:
    """Raise the error that the lesson failed with, if it did."""
    if lesson.error:
        raise make_error(lesson.error.code, lesson.error.detail, lesson.error.retryable)
