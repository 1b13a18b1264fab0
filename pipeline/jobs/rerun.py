"""Runs a job again from one of its stages, as a new job: the results of the earlier stages are used again."""

import dataclasses
import secrets
from dataclasses import dataclass

from pipeline.blob_store import FolderBlobs
from pipeline.errors import CannotRerun, NotDead, WaijiaoError
from pipeline.jobs.job import HOLD, SEGMENT, Job, JobRequest, State
from pipeline.jobs.results import Transcript
from pipeline.jobs.store import AcceptedJob, EarlierResults, Idempotency, Jobs


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
    if fields.pop("transcript", None) is not None or stage in {"asr", SEGMENT}:
        fields["said"] = ""  # what is now known to have been said counts
    job_request = dataclasses.replace(job.request, id=secrets.token_hex(16), recording="", **fields)
    if job.request.session == job.id:
        job_request = dataclasses.replace(job_request, session=job_request.id)
    if job.segments and stage != SEGMENT:
        job_request = dataclasses.replace(
            job_request, details={**job_request.details, "turns_of": job.request.turns_of}
        )
    if stage in {"asr", SEGMENT}:
        job_request = copy_recording(job_request, job, blobs)
    elif job_request.card:
        job_request = copy_recording_if_kept(job_request, job, blobs)
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
        transcript = Transcript(overrides.transcript, transcript.language, transcript.duration_s)
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


def copy_recording_if_kept(job_request: JobRequest, job: Job, blobs: FolderBlobs) -> JobRequest:
    """The request with a copy of the job's recording, of which a lesson card is made, or without one."""
    try:
        return copy_recording(job_request, job, blobs)
    except CannotRerun:
        return job_request


def answer_as_said(jobs: Jobs, job: Job, words: str) -> AcceptedJob:
    """Accept another version of the job, which answers the learner's own `words`; it keeps the transcript.

    Where there are several versions, the latest one is answered again; if it has these words already, it is the result.
    In its session the new turn is the next one: turns are answered in the order in which they were accepted, and those
    that followed were answered knowing the words as they were heard. Raises CannotRerun.
    """
    latest = find_latest_version(jobs, job)
    if latest.request.said == words:
        return AcceptedJob(latest, earlier=True, ready_jobs=[])
    if reason := why_not_mended(latest):
        raise CannotRerun(reason)
    job_request = dataclasses.replace(latest.request, id=secrets.token_hex(16), recording="", said=words)
    repeatable = Idempotency(f"said {latest.name} {words}", fingerprint="")
    return jobs.rerun(latest, job_request, "llm", {"transcript": latest.transcript}, repeatable)


def find_latest_version(jobs: Jobs, job: Job) -> Job:
    """The version that replaced all others, by a retry or a rerun. Raises UnknownJob or Erased where that is gone."""
    while next_id := job.rerun_as or job.retried_as:
        job = jobs.get(job.request.tenant, next_id)
    return job


def why_not_mended(job: Job) -> str:
    """Why the learner cannot put other words in the place of those that were heard; "" if that is possible."""
    if job.request.task != "teach" or job.transcript is None:
        return "Only what was recognised in a recording of a learner can be said otherwise."
    if job.ended_at is None and job.state != State.HELD:
        return "The recording is still being answered. Wait for its answer."
    if job.feedback and job.feedback.verdict == "needs_an_adult":
        return "An adult should see these words as they were heard. Record again what you meant."
    return ""


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
    elif job_request.card:
        job_request = copy_recording_if_kept(job_request, dead_job, blobs)
    try:
        accepted_job = jobs.retry(dead_job, job_request)
    except WaijiaoError:
        blobs.delete_job(job_request.name)
        raise
    if accepted_job.earlier:
        blobs.delete_job(job_request.name)
    return accepted_job
