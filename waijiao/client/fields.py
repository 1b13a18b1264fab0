"""The fields of requests as types, and how fields, queries and paths are written in a request."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Required, TypedDict
from urllib.parse import quote

from pipeline.schemas.jobs import Job, State, Task
from pipeline.schemas.lessons import LessonListEntry


class JobFields(TypedDict, total=False):
    """The fields of a new job; docs/api.md explains each. None means the same as leaving the field out."""

    text: str | None
    session: str | None
    persona: str | None
    language: str | None
    hint: str | None
    voice: str | None
    speed: float | None
    format: str | None
    lane: Literal["interactive", "bulk"] | None
    card: bool | None
    metadata: Mapping[str, str] | None
    webhook: str | None
    webhook_events: Sequence[str] | None
    idempotency_key: str | None


class JobFilter(TypedDict, total=False):
    """Which jobs a list contains: those that match every given condition."""

    session: str | None
    owner: str | None
    state: State | None
    task: Task | None
    dead: bool | None
    metadata: Mapping[str, str] | None


class AssignmentFields(TypedDict, total=False):
    """The fields of an assignment; docs/homework.md explains each. None means the same as leaving the field out."""

    title: Required[str]
    instructions: str | None
    text: str | None
    words: Sequence[str] | None
    persona: str | None
    language: str | None
    level: str | None
    class_name: str | None
    class_id: str | None
    due: datetime | str | None
    retention_h: int | None
    hold: bool | None
    clearness: bool | None
    card: bool | None
    students: Sequence[Mapping[str, str]] | None
    voice: str | None
    speed: float | None
    format: str | None
    webhook: str | None


class FeedbackChanges(TypedDict, total=False):
    """What a teacher may change in an answer that awaits review."""

    corrected: str | None
    explanation: str | None
    reply: str | None
    spoken: str | None


class Overrides(TypedDict, total=False):
    """What may differ from the first run when a job is run again. `transcript`: the learner's actual words."""

    persona: str | None
    voice: str | None
    speed: float | None
    transcript: str | None


class LessonFields(TypedDict, total=False):
    """The fields of a new lesson; docs/lessons.md explains each. None means the same as leaving the field out."""

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


FirstStage = Literal["asr", "llm", "tts"]  # the stage that a rerun begins with
TranscriptFormat = Literal["txt", "srt", "vtt", "json"]


def form_values(fields: JobFields | LessonFields) -> dict[str, str]:
    """The fields as values of a form. The idempotency key is left out: it is sent as a header."""
    return {name: form_value(value) for name, value in drop_none(fields).items() if name != "idempotency_key"}


def filter_query(filters: JobFilter) -> dict[str, str]:
    """The query of a list of jobs. The API filters by one metadata entry; the client filters by the others itself."""
    query = {name: form_value(value) for name, value in drop_none(filters).items() if name != "metadata"}
    for name, value in list((filters.get("metadata") or {}).items())[:1]:
        query["metadata"] = f"{name}:{value}"
    return query


def drop_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def form_value(value: object) -> str:
    """One value of a form: an object as JSON, a list separated by commas."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    return ",".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def owner_query(owner: str | None) -> dict[str, str] | None:
    return {"owner": owner} if owner else None


def job_path(job: Job | str) -> str:
    return f"/v1/jobs/{path_segment(job if isinstance(job, str) else job.id)}"


def session_path(session: str) -> str:
    return f"/v1/sessions/{path_segment(session)}"


def assignment_path(assignment_id: str) -> str:
    return f"/v1/assignments/{path_segment(assignment_id)}"


def lesson_path(lesson: LessonListEntry | str) -> str:
    return f"/v1/lessons/{path_segment(lesson if isinstance(lesson, str) else lesson.id)}"


def path_segment(name: str) -> str:
    """The name quoted as one segment of a path; dots too, since a session may be called `..`."""
    return quote(name, safe="").replace(".", "%2E")
