"""Does a job again from one of its stages, as a new job: what came before that stage is not repeated."""

import dataclasses
import secrets
from dataclasses import dataclass

from pipeline.blobs import FolderBlobs
from pipeline.errors import CannotRerun, WaijiaoError
from pipeline.jobs import Accepted, Facts, Jobs
from pipeline.record import CUT, HOLD, Job, Question


@dataclass(frozen=True)
class Otherwise:
    """What is to be another than before; None leaves it. `transcript` is what was really said."""

    persona: str | None = None
    voice: str | None = None
    speed: float | None = None
    transcript: str | None = None


def rerun(jobs: Jobs, blobs: FolderBlobs, job: Job, stage: str, otherwise: Otherwise) -> Accepted:
    """Accept another version of the job from `stage` on. CannotRerun when what that begins with is not there."""
    facts = beginning(job, stage, otherwise)
    given = {name: value for name, value in dataclasses.asdict(otherwise).items() if value is not None}
    given.pop("transcript", None)
    question = dataclasses.replace(job.question, id=secrets.token_hex(16), recording="", **given)
    if job.question.session == job.id:
        question = dataclasses.replace(question, session=question.id)
    if job.cuts and stage != CUT:
        question = dataclasses.replace(question, details={**question.details, "turns_of": job.question.turns_of})
    if stage in {"asr", CUT}:
        question = with_recording(question, job, blobs)
    try:
        return jobs.rerun(job, question, stage, facts)
    except WaijiaoError:
        blobs.delete_job(question.name)
        raise


def beginning(job: Job, stage: str, otherwise: Otherwise) -> Facts:
    """What is known of the job before the stage."""
    if stage not in job.question.road or stage == HOLD:
        raise CannotRerun(f"The job has no stage {stage}; its stages are {', '.join(job.question.road)}.")
    if otherwise.transcript is not None and (stage != "llm" or job.transcript is None):
        raise CannotRerun("Other words can be given only from=llm, in the place of those that were heard.")
    if stage == "llm" and not (job.transcript or job.cuts or job.question.text):
        raise CannotRerun("Nothing was heard yet that could be answered.")
    if stage == "tts" and job.feedback is None and job.question.task != "speak":
        raise CannotRerun("There are no words yet that could be spoken.")
    transcript = job.transcript
    if transcript and otherwise.transcript is not None:
        transcript = dataclasses.replace(transcript, text=otherwise.transcript, words=(), segments=())
    return {
        "transcript": None if stage == "asr" else transcript,
        "feedback": job.feedback if stage == "tts" else None,
        "cuts": None if stage == CUT else job.cuts,
    }


def with_recording(question: Question, job: Job, blobs: FolderBlobs) -> Question:
    """The question with a copy of the job's recording. CannotRerun when that is not kept any more."""
    try:
        if not job.question.recording:
            raise FileNotFoundError
        with blobs.open(job.question.recording) as recording:
            return dataclasses.replace(question, recording=blobs.put(question.name, recording).name)
    except FileNotFoundError as error:
        raise CannotRerun("The recording is not kept any more (WAIJIAO_KEEP_RECORDINGS).") from error
