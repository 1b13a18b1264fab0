"""A job as clients see it; pipeline/schemas/jobs.py has the same as types."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from api import context
from pipeline.jobs.eta import Expected
from pipeline.jobs.job import Job, State
from pipeline.jobs.results import Part
from pipeline.timestamps import iso

UNFORESEEN = Expected(None, None)  # what is said of jobs in lists, where it would cost too much to look


@dataclasses.dataclass(frozen=True)
class JobSnapshot:
    """A job and the sentences of its answer that are spoken already. `tag` is another one when either is."""

    job: Job
    spoken: Sequence[Part]

    @property
    def tag(self) -> str:
        return f"{self.job.version}-{len(self.spoken)}"

    @property
    def ended(self) -> bool:
        return self.job.ended_at is not None

    def shown(self) -> dict[str, Any]:
        return show(self.job, self.spoken, context.forecast().of(self.job))


def load_snapshot(job_id: str) -> JobSnapshot:
    """The job as it is now, if the caller may see it; UnknownJob, Erased."""
    job = context.job(job_id)
    return JobSnapshot(job, parts(job))


def parts(job: Job) -> Sequence[Part]:
    """The sentences of the answer that are spoken already, in their order."""
    if job.answer:
        return job.answer.parts
    if job.stage != "tts" or job.ended_at is not None:
        return ()
    return [Part(**entry["part"]) for _, entry in context.jobs().partial_results(job)]


def show_in_list(job: Job) -> dict[str, Any]:
    """The job as one of many."""
    return show(job, job.answer.parts if job.answer else (), UNFORESEEN)


def show(job: Job, spoken: Sequence[Part], expected: Expected) -> dict[str, Any]:
    job_request, place = job.request, f"/v1/jobs/{job.id}"
    return {
        "id": job.id,
        "state": job.state,
        "task": job_request.task,
        "lane": job_request.lane,
        "session": job_request.session,
        "owner": job_request.owner or None,
        "seq": job.seq,
        "persona": job_request.persona,
        "created_at": iso(job.created_at),
        "updated_at": iso(job.updated_at),
        "deadline_at": iso(job.deadline_at),
        "attempts": dict(job.attempts),
        "queue_position": expected.queue_position,
        "eta_seconds": None if expected.eta_s is None else round(expected.eta_s, 1),
        "question": {
            "text": job_request.text or None,
            "duration_s": job.transcript.duration_s if job.transcript else None,
        },
        "transcript": job.transcript and job.transcript.as_dict(),
        "feedback": job.feedback and job.feedback.as_dict(),
        "completion": job.completion and job.completion.as_dict(),
        "parts": [show_part(job, number, part) for number, part in enumerate(spoken, 1)],
        "answer": job.answer
        and {
            "text": job.answer.text,
            "audio": f"{place}/audio",
            "duration_s": job.answer.duration_s,
            "format": job.answer.format,
            "sha256": job.answer.sha256,
        },
        "timings": {stage: dataclasses.asdict(timing) for stage, timing in job.timings.items()},
        "outcome": job.outcome,
        "error": job.error,
        "metadata": dict(job_request.metadata),
        "retry_of": job.retry_of,
        "retried_as": job.retried_as,
        "rerun_of": job.rerun_of,
        "rerun_as": job.rerun_as,
        "assignment": job_request.assignment or None,
        "student": job_request.student or None,
        "lesson": job_request.lesson or None,
        "links": links(job, place),
    }


def show_part(job: Job, number: int, part: Part) -> dict[str, Any]:
    audio = f"/v1/jobs/{job.id}/audio?part={number}"
    return {"number": number, "text": part.text, "audio": audio, "duration_s": part.duration_s}


def links(job: Job, place: str) -> dict[str, str]:
    """What can be done with the job as it stands."""
    found = {"self": place, "events": f"{place}/events"}
    if job.state == State.HELD:
        found |= {"release": f"{place}/release", "feedback": f"{place}/feedback"}
    if job.ended_at is None:
        return {**found, "cancel": f"{place}/cancel"}
    if job.dead:
        return {**found, "retry": f"{place}/retry"}
    return {**found, "audio": f"{place}/audio"} if job.answer else found
