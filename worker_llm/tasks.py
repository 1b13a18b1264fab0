"""Transcripts and chats in, the model's answers out.  Run with: celery -A worker_llm.tasks worker -Q llm -c 1"""

from typing import TYPE_CHECKING

from pipeline.celery_app import app
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Completion, Feedback
from pipeline.worker.leases import Leases
from pipeline.worker.task import stage

if TYPE_CHECKING:
    from worker_llm.responder import Responder


@app.task(name="llm.answer")
@stage("llm", "worker_llm.responder:Responder")
def answer(responder: "Responder", batch: list[Job], leases: Leases) -> list[Feedback | Completion | WaijiaoError]:
    """For each job the teacher's feedback on its transcript, or the completion of its chat."""
    return responder.respond(batch, leases.still_wanted)
