"""What may be said of a question, and asked of a list, as types; and how all of it is spelt in a request."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Required, TypedDict
from urllib.parse import quote

from pipeline.jobs.job import ModelStage
from pipeline.schemas.jobs import Job, State, Task


class Fields(TypedDict, total=False):
    """What may be said of a question; docs/api.md explains each. None is the same as not given."""

    text: str | None
    session: str | None
    persona: str | None
    language: str | None
    hint: str | None
    voice: str | None
    speed: float | None
    format: str | None
    lane: Literal["interactive", "bulk"] | None
    metadata: Mapping[str, str] | None
    webhook: str | None
    webhook_events: Sequence[str] | None
    idempotency_key: str | None


class Wanted(TypedDict, total=False):
    """Which jobs are listed: all that have everything that is given."""

    session: str | None
    owner: str | None
    state: State | None
    task: Task | None
    dead: bool | None
    metadata: Mapping[str, str] | None


class AssignmentFields(TypedDict, total=False):
    """What may be said of an assignment; docs/homework.md explains each. None is the same as not given."""

    title: Required[str]
    instructions: str | None
    text: str | None
    words: Sequence[str] | None
    persona: str | None
    language: str | None
    level: str | None
    class_name: str | None
    due: datetime | str | None
    retention_h: int | None
    hold: bool | None
    students: Sequence[Mapping[str, str]] | None
    voice: str | None
    speed: float | None
    format: str | None
    webhook: str | None


class Reviewed(TypedDict, total=False):
    """What a teacher may change of an answer that is held."""

    corrected: str | None
    explanation: str | None
    reply: str | None
    spoken: str | None


class Otherwise(TypedDict, total=False):
    """What may be another than before when a job is answered anew. `transcript`: what was really said."""

    persona: str | None
    voice: str | None
    speed: float | None
    transcript: str | None


From = ModelStage  # the first stage that is done again


def form_of(fields: Fields) -> dict[str, str]:
    """The fields as a form spells them."""
    return {name: spelt(value) for name, value in fields.items() if value is not None and name != "idempotency_key"}


def query_of(wanted: Wanted) -> dict[str, str]:
    """The query of a list. The server narrows it by one entry of the metadata; the client itself, by the others."""
    query = {name: spelt(value) for name, value in wanted.items() if value is not None and name != "metadata"}
    for name, value in list((wanted.get("metadata") or {}).items())[:1]:
        query["metadata"] = f"{name}:{value}"
    return query


def spelt(value: object) -> str:
    """As a form spells it: an object as JSON, a list with commas between."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    return ",".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def id_of(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def place(job: Job | str) -> str:
    return f"/v1/jobs/{quoted(id_of(job))}"


def room(session: str) -> str:
    return f"/v1/sessions/{quoted(session)}"


def quoted(name: str) -> str:
    """As one part of a path: a session may be called `..` too."""
    return quote(name, safe="").replace(".", "%2E")


def owned(owner: str | None) -> dict[str, str] | None:
    return {"owner": owner} if owner else None
