"""/v1/jobs/{id}/events: a job's changes as server-sent events, to be taken up again where a connection broke off."""

import json
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from flask import Blueprint, request, stream_with_context
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.jobs.view import JobSnapshot, load_snapshot, show_part
from api.long_poll import wait_until
from api.openapi import answers
from pipeline.errors import Erased, UnknownJob, WaijiaoError

RETRY_MS = 2000  # milliseconds after which a client connects again
ALIVE_S = 15.0  # seconds of silence after which a comment keeps proxies from closing the stream
ID = re.compile(r"(\d{1,9})-(\d{1,9})-(\d{1,9})")

log = logging.getLogger("waijiao")
routes = Blueprint("events", __name__)


@dataclass(frozen=True)
class Told:
    """What a client knows already: the version of the record, the attempt, and how much of it was told."""

    version: int = 0
    fence: str = "0"
    number: int = 0

    def __str__(self) -> str:
        return f"{self.version}-{self.fence}-{self.number}"


@routes.get("/v1/jobs/<job_id>/events")
@requires(LEARNER)
@answers("jobs", {200: "text/event-stream", 204: None}, UnknownJob, Erased)
def events(job_id: str) -> Response:
    """The job's changes as server-sent events, until it has ended; Last-Event-ID takes up a broken stream.

    `job` is the record, `part` a spoken sentence, `text` a piece of what a language model asked by itself writes. After
    a worker died, parts and text begin again; a `restart` event says so. 204, which tells a client not to come again,
    when all was told before. When too many wait already, the stream ends after what is known now.
    """
    told = known_to(request.headers.get("Last-Event-ID", ""))
    sight = load_snapshot(job_id)
    if sight.ended and told.version == sight.job.version:
        return Response(status=204)
    answer = Response(stream_with_context(stream(job_id, told)), mimetype="text/event-stream")
    answer.headers.update({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
    return answer


def known_to(last_event_id: str) -> Told:
    found = ID.fullmatch(last_event_id)
    return Told(int(found[1]), found[2], int(found[3])) if found else Told()


def stream(job_id: str, told: Told) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    until = time.monotonic() + context.settings().events_s
    with context.changes().of(f"{context.caller().tenant}/{job_id}") as changed:
        while True:
            try:
                sight = next_sight(job_id, told, changed, until - time.monotonic())
                said = list(news(sight, told))
            except RedisError as error:
                log.warning("a stream of events ends, and its client comes again: %s", error)
                return
            except WaijiaoError as error:  # it was erased meanwhile
                yield f"id: {told}\n{event('error', error.as_dict())}"
                return
            yield from (f"id: {known}\n{each}" for known, each in said) if said else ": still here\n\n"
            if sight.ended or changed is None or time.monotonic() > until:
                return
            told = said[-1][0] if said else told


def next_sight(job_id: str, told: Told, changed: Event | None, seconds: float) -> JobSnapshot:
    """The job as soon as there is something new in it, or as it is after a silence."""
    return wait_until(
        changed,
        lambda: load_snapshot(job_id),
        lambda now: next(iter(news(now, told)), None) is not None,
        min(seconds, ALIVE_S),
    )


def news(sight: JobSnapshot, told: Told) -> Iterator[tuple[Told, str]]:
    """The events that a client who was told so much has not seen, each with what it then knows."""
    job = sight.job
    for number, kind, data in pieces(sight):
        if job.fence != told.fence:
            if told.number:
                yield (told := replace(told, fence=job.fence, number=0)), event("restart", {"stage": job.stage})
            told = replace(told, fence=job.fence, number=0)
        if number > told.number:
            told = replace(told, number=number)
            yield told, event(kind, data)
    if job.version != told.version:
        yield replace(told, version=job.version), event("job", sight.shown())


def pieces(sight: JobSnapshot) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """What there is of a result that grows, numbered from 1: an answer's sentences, a language model's text."""
    job = sight.job
    if job.request.task == "chat":
        for number, entry in context.jobs().partial_results(job):
            yield number, "text", entry
    for number, part in enumerate(sight.spoken, 1):
        yield number, "part", show_part(job, number, part)


def event(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
