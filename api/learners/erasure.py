"""Erases a learner: jobs, audio, ledger, logs of webhooks, names. The receipt counts what was removed."""

import time
from collections.abc import Iterator
from dataclasses import replace

from api import context
from api.jobs.service import cancel_unless_ended, erase_job
from api.learners.access import ledgers
from pipeline.api_keys import Keys
from pipeline.classes.store import Classes
from pipeline.errors import Erased, UnknownJob
from pipeline.homework.assignments import Assignments
from pipeline.jobs.job import Job
from pipeline.jobs.listing import newest_first
from pipeline.learners.identity import KEY, SESSION, STUDENT, find_learner, learner_kind, student_learner
from pipeline.schemas import learners as schemas
from pipeline.timestamps import to_utc
from pipeline.webhooks.outbox import count_deliveries

MAX_PASSES = 5  # through the jobs, since new ones may be accepted meanwhile


def erase_learner(learner: str) -> schemas.ErasureReceipt:
    """Everything of the learner is gone when this returns, but for jobs that are accepted at the same time."""
    tenant, counts = context.caller().tenant, {"records": 0, "audio_files": 0, "webhook_logs": 0}
    ledger_entries = ledgers().count(tenant, learner)
    for _ in range(MAX_PASSES):
        jobs = list(find_jobs(learner))
        for job in jobs:
            for name, number in erase_one(job).items():
                counts[name] += number
        if not jobs:
            break
    ledgers().erase(tenant, learner)
    return schemas.ErasureReceipt(
        learner=learner,
        erased_at=to_utc(time.time()),
        records=counts["records"],
        audio_files=counts["audio_files"],
        webhook_logs=counts["webhook_logs"],
        ledger_entries=ledger_entries,
        class_lists=leave_classes(learner) + leave_class_lists(learner),
        key_names=int(learner_kind(learner) == "key" and forget_key_name(learner)),
    )


def find_jobs(learner: str) -> Iterator[Job]:
    """The jobs of the learner that are stored: with a learner's key all that were submitted with it."""
    tenant = context.caller().tenant
    index = f"turns:{tenant}/{learner.removeprefix(SESSION)}" if learner.startswith(SESSION) else f"jobs:{tenant}"
    for _, job in newest_first(context.jobs().redis, index, None):
        if job and (index.startswith("turns:") or is_of_learner(job, learner)):
            yield job


def is_of_learner(job: Job, learner: str) -> bool:
    return learner in (f"{KEY}{job.request.owner}", find_learner(job.request))


def erase_one(job: Job) -> dict[str, int]:
    """What was removed with the job; nothing if another request erases it at the same time."""
    names = [job.name, *context.jobs().turns_of(job), *context.jobs().tries_of(job)]
    counts = {
        "records": len(names),
        "audio_files": sum(map(context.blobs().count, names)),
        "webhook_logs": sum(count_deliveries(context.jobs().redis, name) for name in names),
    }
    try:
        cancel_unless_ended(job)
    except (Erased, UnknownJob):
        return {}
    erase_job(job)
    return counts


def leave_class_lists(learner: str) -> int:
    """Take a student out of the class lists of the tenant's assignments; of how many."""
    store, count = Assignments(context.jobs()), 0
    for assignment in store.all(context.caller().tenant):
        remaining = tuple(
            each for each in assignment.students if student_learner(assignment.group, each.name, each.pupil) != learner
        )
        if remaining != assignment.students:
            store.put(replace(assignment, students=remaining), replace=True)
            count += 1
    return count


def leave_classes(learner: str) -> int:
    """Take a pupil out of the tenant's classes that are kept; of how many."""
    pupil = learner.removeprefix(STUDENT)
    return Classes(context.jobs()).forget_pupil(context.caller().tenant, pupil) if pupil != learner else 0


def forget_key_name(learner: str) -> bool:
    return Keys(context.jobs().redis).forget_name(learner.removeprefix(KEY), context.caller().tenant)
