"""Submit, wait for, cancel and erase jobs: shared by the routes of jobs, homework, lessons and single models."""

import dataclasses
import logging
from collections.abc import Callable, Iterable

from kombu.exceptions import OperationalError
from redis.exceptions import ResponseError

from api import context
from api.jobs.parser import ParsedRequest
from api.jobs.view import JobSnapshot, load_snapshot
from api.long_poll import wait_until
from pipeline.celery_app import enqueue
from pipeline.disk_space import check_free_space
from pipeline.errors import BrokenRecord, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.store import AcceptedJob, ReadyJob

log = logging.getLogger("waijiao")


def accept(parsed_request: ParsedRequest) -> AcceptedJob:
    """Store the recording, submit the job and enqueue it. A request that is refused leaves nothing behind."""
    check_free_space(context.settings())
    request = parsed_request.request
    blob = context.blobs().put(request.name, parsed_request.recording) if parsed_request.recording else None
    if blob:
        sha256 = blob.sha256 if request.assignment else ""  # only homework reuses an earlier transcript
        request = dataclasses.replace(request, recording=blob.name, sha256=sha256)
    try:
        accepted_job = context.jobs().submit(request, parsed_request.repeatable(blob))
    except (WaijiaoError, ResponseError):  # refused; after any other error the job may exist, so its blob stays
        context.blobs().delete_job(request.name)
        raise
    if blob and blob.name not in accepted_job.job.blobs(context.settings().keep_recordings):
        context.blobs().delete_job(request.name)
    enqueue_or_let_sweeper(accepted_job.ready_jobs)
    return accepted_job


def enqueue_or_let_sweeper(ready_jobs: list[ReadyJob]) -> None:
    """Enqueue jobs that are accepted already; when the broker cannot be reached, the sweeper does it later."""
    try:
        enqueue(ready_jobs)
    except OperationalError as error:
        log.warning("could not enqueue the job; the sweeper will retry: %s", error)


def wait_for_job(job_id: str, condition: Callable[[JobSnapshot], bool], timeout_s: float) -> JobSnapshot:
    """The job as soon as it meets the condition, or as it is after `timeout_s` or the longest time allowed."""
    with context.watch_job(job_id) as change_event:
        return wait_until(
            change_event, lambda: load_snapshot(job_id), condition, min(timeout_s, context.settings().wait_s)
        )


def cancel_unless_ended(job: Job) -> bool:
    """Whether the job was canceled now. Its recording is deleted then, and those of its turns if it is a lesson."""
    was_canceled, ready_jobs = context.jobs().cancel(job.request.tenant, job.id)
    enqueue_or_let_sweeper(ready_jobs)
    if was_canceled:
        delete_blobs([job.name, *context.jobs().turns_of(job)])
    return was_canceled


def erase_job(job: Job) -> None:
    """Erase a job that has ended, with its turns if it is a lesson, and with its tries."""
    names = [job.name, *context.jobs().turns_of(job), *context.jobs().tries_of(job)]
    context.jobs().forget(job.request.tenant, job.id)
    delete_blobs(names)


def erase_unreadable_job(job_id: str) -> None:
    """Erase a job whose record cannot be read. Raises BrokenRecord when the caller may not see it."""
    caller = context.caller()
    if caller.owner:  # a learner's key: nothing says whose job it is
        raise BrokenRecord
    name = f"{caller.tenant}/{job_id}"
    context.jobs().end_unreadable(caller.tenant, job_id)
    context.jobs().forget(caller.tenant, job_id)
    context.blobs().delete_job(name)


def delete_blobs(job_names: Iterable[str]) -> None:
    for name in job_names:
        context.blobs().delete_job(name)
