"""Does a job again from one of its stages, as a new job: what came before that stage is not repeated."""

import dataclasses
import secrets
from dataclasses import dataclass

from pipeline.blob_store import FolderBlobs
from pipeline.errors import CannotRerun, NotDead, WaijiaoError
from pipeline.jobs.job import HOLD, SEGMENT, Job, JobRequest
from pipeline.jobs.store import AcceptedJob, Jobs, KnownResults


@dataclass(frozen=True)
class Overrides:
    """What is to be another than before; None leaves it. `transcript` is what was really said."""

    persona: str | None = None
    voice: str | None = None
    speed: float | None = None
    transcript: str | None = None


def rerun(jobs: Jobs, blobs: FolderBlobs, job: Job, stage: str, otherwise: Overrides) -> AcceptedJob:
    """Accept another version of the job from `stage` on. CannotRerun when what that begins with is not there."""
    facts = earlier_results(job, stage, otherwise)
    given = {name: value for name, value in dataclasses.asdict(otherwise).items() if value is not None}
    given.pop("transcript", None)
    job_request = dataclasses.replace(job.request, id=secrets.token_hex(16), recording="", **given)
    if job.request.session == job.id:
        job_request = dataclasses.replace(job_request, session=job_request.id)
    if job.segments and stage != SEGMENT:
        job_request = dataclasses.replace(
            job_request, details={**job_request.details, "turns_of": job.request.turns_of}
        )
    if stage in {"asr", SEGMENT}:
        job_request = with_recording(job_request, job, blobs)
    try:
        return jobs.rerun(job, job_request, stage, facts)
    except WaijiaoError:
        blobs.delete_job(job_request.name)
        raise


def earlier_results(job: Job, stage: str, otherwise: Overrides) -> KnownResults:
    """What is known of the job before the stage."""
    if stage not in job.request.stages or stage == HOLD:
        raise CannotRerun(f"The job has no stage {stage}; its stages are {', '.join(job.request.stages)}.")
    if otherwise.transcript is not None and (stage != "llm" or job.transcript is None):
        raise CannotRerun("Other words can be given only from=llm, in the place of those that were heard.")
    if stage == "llm" and not (job.transcript or job.segments or job.request.text):
        raise CannotRerun("Nothing was heard yet that could be answered.")
    if stage == "tts" and job.feedback is None and job.request.task != "speak":
        raise CannotRerun("There are no words yet that could be spoken.")
    transcript = job.transcript
    if transcript and otherwise.transcript is not None:
        transcript = dataclasses.replace(transcript, text=otherwise.transcript, words=(), segments=())
    return {
        "transcript": None if stage == "asr" else transcript,
        "feedback": job.feedback if stage == "tts" else None,
        "segments": None if stage == SEGMENT else job.segments,
    }


def with_recording(job_request: JobRequest, job: Job, blobs: FolderBlobs) -> JobRequest:
    """The question with a copy of the job's recording. CannotRerun when that is not kept any more."""
    try:
        if not job.request.recording:
            raise FileNotFoundError
        with blobs.open(job.request.recording) as recording:
            return dataclasses.replace(job_request, recording=blobs.put(job_request.name, recording).name)
    except FileNotFoundError as error:
        raise CannotRerun("The recording is not kept any more (WAIJIAO_KEEP_RECORDINGS).") from error


def retry(jobs: Jobs, blobs: FolderBlobs, tenant: str, job_id: str) -> AcceptedJob:
    """Accept the dead job again from the stage that failed; retried already, it is the job it was retried as."""
    dead = jobs.get(tenant, job_id)
    if dead.retried_as:
        return AcceptedJob(jobs.get(tenant, dead.retried_as), earlier=True, ready_jobs=[])
    job_request = dataclasses.replace(dead.request, id=secrets.token_hex(16), recording="")
    if dead.segments:
        job_request = dataclasses.replace(
            job_request, details={**job_request.details, "turns_of": dead.request.turns_of}
        )
    if dead.stage in {"asr", SEGMENT}:
        try:
            with blobs.open(dead.request.recording) as recording:
                job_request = dataclasses.replace(job_request, recording=blobs.put(job_request.name, recording).name)
        except FileNotFoundError as error:
            raise NotDead("The job's recording is no longer kept. Send it again.") from error
    try:
        accepted = jobs.retry(dead, job_request)
    except WaijiaoError:
        blobs.delete_job(job_request.name)
        raise
    if accepted.earlier:
        blobs.delete_job(job_request.name)
    return accepted
