"""Tries a dead job once more, as a new job in its place: what has ended never changes again."""

import dataclasses
import secrets

from pipeline.blobs import FolderBlobs
from pipeline.errors import NotDead, WaijiaoError
from pipeline.jobs import Accepted, Jobs
from pipeline.record import CUT


def retry(jobs: Jobs, blobs: FolderBlobs, tenant: str, job_id: str) -> Accepted:
    """Accept the dead job again from the stage that failed; retried already, it is the job it was retried as."""
    dead = jobs.get(tenant, job_id)
    if dead.retried_as:
        return Accepted(jobs.get(tenant, dead.retried_as), earlier=True, bells=[])
    question = dataclasses.replace(dead.question, id=secrets.token_hex(16), recording="")
    if dead.cuts:
        question = dataclasses.replace(question, details={**question.details, "turns_of": dead.question.turns_of})
    if dead.stage in {"asr", CUT}:
        try:
            with blobs.open(dead.question.recording) as recording:
                question = dataclasses.replace(question, recording=blobs.put(question.name, recording).name)
        except FileNotFoundError as error:
            raise NotDead("The job's recording is no longer kept. Send it again.") from error
    try:
        accepted = jobs.retry(dead, question)
    except WaijiaoError:
        blobs.delete_job(question.name)
        raise
    if accepted.earlier:
        blobs.delete_job(question.name)
    return accepted
