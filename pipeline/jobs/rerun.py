"""Runs a job again from one of its stages, as a new job: the results of the earlier stages are used again."""

import dataclasses
import secrets
from dataclasses import dataclass

from pipeline.blob_store import FolderBlobs
from pipeline.errors import CannotRerun, NotDead, WaijiaoError
from pipeline.jobs.job import HOLD, SEGMENT, Job, JobRequest
from pipeline.jobs.store import AcceptedJob, EarlierResults, Jobs


@dataclass(frozen=True)
class Overrides:
    """What a rerun changes; None changes nothing. `transcript` is what was really said."""

    persona: str | None = None
    voice: str | None = None
    speed: float | None = None
    transcript: str | None = None


def rerun(jobs: Jobs, blobs: FolderBlobs, job: Job, stage: str, overrides: Overrides) -> AcceptedJob:
    """Accept another version of the job, which begins at `stage`.

    Raises CannotRerun when the stage's input is missing.
    """
    results = results_before(job, stage, overrides)
    fields = {name: value for name, value in dataclasses.asdict(overrides).items() if value is not None}
    fields.pop("transcript", None)
    job_request = dataclasses.replace(job.request, id=secrets.token_hex(16), recording="", **fields)
    if job.request.session == job.id:
        job_request = dataclasses.replace(job_request, session=job_request.id)
    if job.segments and stage != SEGMENT:
        job_request = dataclasses.replace(
            job_request, details={**job_request.details, "turns_of": job.request.turns_of}
        )
    if stage in {"asr", SEGMENT}:
        job_request = copy_recording(job_request, job, blobs)
    try:
        return jobs.rerun(job, job_request, stage, results)
    except WaijiaoError:
        blobs.delete_job(job_request.name)
        raise


def results_before(job: Job, stage: str, overrides: Overrides) -> EarlierResults:
    """The results of the stages before `stage`. Raises CannotRerun."""
    if stage not in job.request.stages or stage == HOLD:
        raise CannotRerun(f"The job has no stage {stage}; its stages are {', '.join(job.request.stages)}.")
    if overrides.transcript is not None and (stage != "llm" or job.transcript is None):
        raise CannotRerun("`transcript` can be changed only with from=llm, and only if the job has a transcript.")
    if stage == "llm" and not (job.transcript or job.segments or job.request.text):
        raise CannotRerun("The job has no transcript yet that could be answered.")
    if stage == "tts" and job.feedback is None and job.request.task != "speak":
        raise CannotRerun("The job has no answer yet that could be spoken.")
    transcript = job.transcript
    if transcript and overrides.transcript is not None:
        transcript = dataclasses.replace(transcript, text=overrides.transcript, words=(), segments=(), gaps=())
    return {
        "transcript": None if stage == "asr" else transcript,
        "feedback": job.feedback if stage == "tts" else None,
        "segments": None if stage == SEGMENT else job.segments,
    }


def copy_recording(job_request: JobRequest, job: Job, blobs: FolderBlobs) -> JobRequest:
    """The request with a copy of the job's recording. Raises CannotRerun when that is not kept any more."""
    try:
        if not job.request.recording:
            raise FileNotFoundError
        with blobs.open(job.request.recording) as recording:
            return dataclasses.replace(job_request, recording=blobs.put(job_request.name, recording).name)
    except FileNotFoundError as error:
        raise CannotRerun("The recording is not kept any more (WAIJIAO_KEEP_RECORDINGS).") from error


def retry(jobs: Jobs, blobs: FolderBlobs, tenant: str, job_id: str) -> AcceptedJob:
    """Accept the dead job again from the stage that failed; if it was retried already, the job that replaced it."""
    dead_job = jobs.get(tenant, job_id)
    if dead_job.retried_as:
        return AcceptedJob(jobs.get(tenant, dead_job.retried_as), earlier=True, ready_jobs=[])
    job_request = dataclasses.replace(dead_job.request, id=secrets.token_hex(16), recording="")
    if dead_job.segments:
        job_request = dataclasses.replace(
            job_request, details={**job_request.details, "turns_of": dead_job.request.turns_of}
        )
    if dead_job.stage in {"asr", SEGMENT}:
        try:
            with blobs.open(dead_job.request.recording) as recording:
                job_request = dataclasses.replace(job_request, recording=blobs.put(job_request.name, recording).name)
        except FileNotFoundError as error:
            raise NotDead("The job's recording is no longer kept. Send it again.") from error
    try:
        accepted_job = jobs.retry(dead_job, job_request)
    except WaijiaoError:
        blobs.delete_job(job_request.name)
        raise
    if accepted_job.earlier:
        blobs.delete_job(job_request.name)
    return accepted_job
