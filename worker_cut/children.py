"""A turn of a lesson as a question of its own."""

import hashlib
from dataclasses import replace

from pipeline.blob_store import Blob
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import Cut


def turn_id(lesson_id: str, number: int) -> str:
    """The same at every attempt to cut the lesson."""
    return hashlib.sha256(f"{lesson_id}/{number}".encode()).hexdigest()[:32]


def child(lesson: Job, cut: Cut) -> JobRequest:
    """What is asked about one turn, without its recording yet.

    The learner's turns are answered with feedback; those of anybody else are only written down.
    """
    asked, learner = lesson.request, lesson.request.details.get("learner")
    id_ = turn_id(lesson.id, cut.number)
    return JobRequest(
        id_,
        id_,  # a session of its own: turns do not wait for each other
        tenant=asked.tenant,
        persona=asked.persona,
        language=asked.language,
        hint=asked.hint,
        task="transcribe" if learner and cut.speaker and cut.speaker != learner else "turn",
        lane="bulk",
        key=asked.key,
        owner=asked.owner,
        details={"number": cut.number, "start": cut.start, "end": cut.end, "speaker": cut.speaker},
        lesson=lesson.id,
        group=asked.group or lesson.id,
        retention_h=asked.retention_h,
    )


def with_recording(job_request: JobRequest, blob: Blob) -> JobRequest:
    return replace(job_request, recording=blob.name, sha256=blob.sha256)
