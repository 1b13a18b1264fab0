"""How far a class is with its homework."""

from typing import Any

from pipeline.assignments import Kept
from pipeline.forecast import Forecast
from pipeline.record import Job, State
from pipeline.when import iso

LOOKED_AT = 20  # of the jobs that were handed in last: whose end is foreseen, and so the class's


def progress(found: Kept, forecast: Forecast) -> dict[str, Any]:
    """As pipeline/homework_shapes.py has it. A rerun that failed counts as failed, though an earlier one had not."""
    jobs = list(found.jobs.values())
    held = sum(job.state == State.HELD for job in jobs)
    ended = [job for job in jobs if job.ended_at is not None]
    succeeded = sum(job.state == State.SUCCEEDED for job in ended)
    working = [job for job in jobs if job.ended_at is None and job.state != State.HELD]
    return {
        "students": len(found.students),
        "handed_in": len(jobs),
        "succeeded": succeeded,
        "failed": len(ended) - succeeded,
        "held": held,
        "working": len(working),
        "missing": list(found.missing),
        "eta_seconds": eta_s(working, forecast),
        "complete": found.complete,
    }


def eta_s(working: list[Job], forecast: Forecast) -> float | None:
    """Seconds until the last of them has ended; None when there is none, or nobody knows of one."""
    newest = sorted(working, key=lambda job: job.created_at)[-LOOKED_AT:]
    foreseen = [forecast.of(job).eta_s for job in newest]
    known = [seconds for seconds in foreseen if seconds is not None]
    return round(max(known), 1) if known and len(known) == len(foreseen) else None


def submission(student: str, job: Job) -> dict[str, Any]:
    return {
        "student": student,
        "job": job.id,
        "state": job.state,
        "error": job.error,
        "file": job.question.metadata.get("file", ""),
        "sha256": job.question.sha256,
        "handed_in_at": iso(handed_in_at(job)),
    }


def handed_in_at(job: Job) -> float:
    """Unix seconds; of another version of a job, those of its first one."""
    return float(job.question.details.get("handed_in_at", job.created_at))
