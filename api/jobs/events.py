"""/v1/jobs/{id}/events: a job's changes as server-sent events, which a client can resume after a broken connection."""

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, Self

from flask import Blueprint, request, stream_with_context
from pydantic import BaseModel
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.jobs.view import JobSnapshot, load_snapshot, show_part
from api.long_poll import wait_until
from api.openapi import answers
from pipeline.errors import Erased, UnknownJob, WaijiaoError

RETRY_MS = 2000  # milliseconds after which a client connects again
KEEPALIVE_S = 15.0  # seconds of silence after which a comment keeps proxies from closing the stream
EVENT_ID = re.compile(r"(\d{1,9})-(\d{1,9})-(\d{1,9})")

log = logging.getLogger("waijiao")
routes = Blueprint("events", __name__)


@dataclass(frozen=True)
class Position:
    """How far a client has read: the version of the record, the attempt, and how many of its pieces."""

    version: int = 0
    fence: str = "0"
    number: int = 0

    @classmethod
    def from_event_id(cls, last_event_id: str) -> Self:
        """The position that an event's id names; the beginning when it is not such an id."""
        match = EVENT_ID.fullmatch(last_event_id)
        return cls(int(match[1]), match[2], int(match[3])) if match else cls()

    def __str__(self) -> str:
        return f"{self.version}-{self.fence}-{self.number}"


@routes.get("/v1/jobs/<job_id>/events")
@requires(LEARNER)
@answers("jobs", {200: "text/event-stream", 204: None}, UnknownJob, Erased)
def events(job_id: str) -> Response:
    """The job's changes as server-sent events, until it has ended; Last-Event-ID resumes a broken stream.

    `job` is the record, `part` a spoken sentence, `text` a piece of a chat's completion. After
    a worker died, parts and text begin again; a `restart` event says so. 204 tells a client that has received all
    events not to connect again. When too many requests wait already, the stream ends after what is known now.
    """
    position = Position.from_event_id(request.headers.get("Last-Event-ID", ""))
    snapshot = load_snapshot(job_id)
    if snapshot.has_ended and position.version == snapshot.job.version:
        return Response(status=204)
    answer = Response(stream_with_context(stream(job_id, position)), mimetype="text/event-stream")
    answer.headers.update({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
    return answer


def stream(job_id: str, position: Position) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    deadline = time.monotonic() + context.settings().events_s
    with context.watch_job(job_id) as change_event:
        while True:
            try:
                snapshot = next_snapshot(job_id, position, change_event, deadline - time.monotonic())
                events = list(new_events(snapshot, position))
            except RedisError as error:
                log.warning("a stream of events ends; its client will reconnect: %s", error)
                return
            except WaijiaoError as error:  # it was erased meanwhile
                yield f"id: {position}\n{format_event('error', error.as_dict())}"
                return
            yield from (f"id: {after}\n{event}" for after, event in events) if events else ": still here\n\n"
            if snapshot.has_ended or change_event is None or time.monotonic() > deadline:
                return
            position = events[-1][0] if events else position


def next_snapshot(job_id: str, position: Position, change_event: Event | None, timeout_s: float) -> JobSnapshot:
    """The job as soon as it has new events, or after a silence of KEEPALIVE_S."""
    return wait_until(
        change_event,
        lambda: load_snapshot(job_id),
        lambda snapshot: next(new_events(snapshot, position), None) is not None,
        min(timeout_s, KEEPALIVE_S),
    )


def new_events(snapshot: JobSnapshot, position: Position) -> Iterator[tuple[Position, str]]:
    """The events that a client at `position` has not received, each with the position after it."""
    job = snapshot.job
    for number, kind, data in pieces(snapshot):
        if job.fence != position.fence:
            is_restart = position.number > 0
            position = replace(position, fence=job.fence, number=0)
            if is_restart:
                yield position, format_event("restart", {"stage": job.stage})
        if number > position.number:
            position = replace(position, number=number)
            yield position, format_event(kind, data)
    if job.version != position.version:
        yield replace(position, version=job.version), format_event("job", snapshot.show())


def pieces(snapshot: JobSnapshot) -> Iterator[tuple[int, str, dict[str, Any] | BaseModel]]:
    """The pieces of a growing result, numbered from 1: an answer's sentences, a language model's text."""
    job = snapshot.job
    if job.request.task == "chat":
        for number, entry in context.jobs().partial_results(job):
            yield number, "text", entry
    for number, part in enumerate(snapshot.parts, 1):
        yield number, "part", show_part(job, number, part)


def format_event(kind: str, data: Mapping[str, Any] | BaseModel) -> str:
    text = data.model_dump_json(by_alias=True) if isinstance(data, BaseModel) else json.dumps(data, ensure_ascii=False)
    return f"event: {kind}\ndata: {text}\n\n"
