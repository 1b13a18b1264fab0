"""Runs a job of one model alone: the request waits for its result, and the job is erased afterwards."""

import logging
import secrets
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event
from typing import Any, TypeVar

from flask import request
from redis.exceptions import RedisError
from werkzeug.exceptions import ClientDisconnected

from api import context
from api.jobs.parser import ParsedRequest
from api.jobs.service import accept
from api.long_poll import wait_until
from pipeline.blob_store import FolderBlobs
from pipeline.errors import (
    BadRequest,
    Canceled,
    DiskFull,
    EngineFailed,
    Erased,
    Expired,
    MinutesUsed,
    ModelNotFound,
    OutOfMemory,
    QuotaFull,
    RateLimited,
    ServerFull,
    TooManyWaiting,
    TooSlow,
    WaijiaoError,
    WorkerLost,
    error_class,
)
from pipeline.jobs.job import Job, JobRequest, Task
from pipeline.jobs.store import Jobs

REFUSALS = (ModelNotFound, ServerFull, QuotaFull, RateLimited, MinutesUsed, TooManyWaiting, DiskFull)
FAILURES = (EngineFailed, WorkerLost, OutOfMemory, TooSlow, Expired, Canceled, Erased)
RETRY_AFTER_S = 5  # seconds after which a client may try again when too many requests waited
CLIENT_CHECK_S = 0.5  # seconds between two checks whether the client is still there
TOMBSTONE_S = 60  # seconds for which an erased job is remembered as erased

T = TypeVar("T")
log = logging.getLogger("waijiao")


class PendingJob:
    """A job that a request waits for, until `alone_s` seconds have passed or its client has left."""

    def __init__(self, jobs: Jobs, job_request: JobRequest, change_event: Event) -> None:
        self.jobs, self.request, self.change_event = jobs, job_request, change_event
        self.connection: socket.socket | None = request.environ.get("gunicorn.socket")
        self.deadline = time.monotonic() + jobs.settings.alone_s

    def read_job(self) -> Job:
        return self.jobs.get(self.request.tenant, self.request.id)

    def wait_for_result(self, kind: type[T]) -> T:
        """Wait for the job's result, which is of this kind. Raises TooSlow, or the error that the job ended with."""
        job = self.wait(self.read_job, lambda job: job.ended_at is not None, self.jobs.settings.alone_s)
        self.raise_failure(job)
        return next(each for each in (job.transcript, job.completion, job.answer) if isinstance(each, kind))

    def wait(self, read_value: Callable[[], T], condition: Callable[[T], bool], timeout_s: float) -> T:
        """What `read_value` returns as soon as it meets the condition, or after `timeout_s`, or at the deadline.

        Raises ClientDisconnected soon after the client has left, so that nobody computes for it.
        """
        end = min(time.monotonic() + timeout_s, self.deadline)
        while True:
            left_s = end - time.monotonic()
            value = wait_until(self.change_event, read_value, condition, min(left_s, CLIENT_CHECK_S))
            if condition(value) or left_s <= CLIENT_CHECK_S:
                return value
            if self.connection and has_left(self.connection):
                raise ClientDisconnected

    def raise_failure(self, job: Job) -> None:
        """Raise the error that the job ended with, or TooSlow when the deadline has passed."""
        if job.error:
            raise error_class(job.error["code"])(job.error["detail"])
        if job.ended_at is None and time.monotonic() >= self.deadline:
            raise TooSlow(f"There was no answer within {self.jobs.settings.alone_s:g} seconds. It was canceled.")


def has_left(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection, and has sent nothing more before; over TLS, it always sends
    an end before it closes.
    """
    poll = select.poll()  # select.select takes no more than 1024 connections
    poll.register(connection, select.POLLIN | select.POLLRDHUP)
    events = dict(poll.poll(0)).get(connection.fileno(), 0)
    if isinstance(connection, ssl.SSLSocket):
        return bool(events & (select.POLLRDHUP | select.POLLHUP | select.POLLERR))
    return bool(events) and not connection.recv(1, socket.MSG_PEEK)


def build_request(task: Task, **fields: Any) -> JobRequest:
    """A request of the caller for one model, in a session of its own."""
    caller, job_id = context.caller(), secrets.token_hex(16)
    request_ = JobRequest(job_id, job_id, caller.tenant, key=caller.key, owner=caller.owner, task=task)
    return replace(request_, **fields)


@contextmanager
def submit(parsed_request: ParsedRequest) -> Iterator[PendingJob]:
    """Submit a job to wait for. At the end it is erased, whether it has a result or not."""
    if "Idempotency-Key" in request.headers:
        raise BadRequest("An Idempotency-Key has no effect here, since no answer is kept; send the request without it.")
    jobs, blobs = context.jobs(), context.blobs()
    with context.watch_job(parsed_request.request.id) as change_event:
        if change_event is None:
            raise TooManyWaiting(retry_after_s=RETRY_AFTER_S)
        accept(parsed_request)
        try:
            yield PendingJob(jobs, parsed_request.request, change_event)
        finally:
            erase(jobs, blobs, parsed_request.request)


def erase(jobs: Jobs, blobs: FolderBlobs, job_request: JobRequest) -> None:
    """Erase the job, which cancels it if it runs. Needs no request context."""
    try:
        jobs.erase(job_request.tenant, job_request.conversation, TOMBSTONE_S)
        blobs.delete_job(job_request.name)
    except (RedisError, WaijiaoError) as error:
        log.warning("%s could not be erased; it stays until its retention has passed: %s", job_request.id, error)
