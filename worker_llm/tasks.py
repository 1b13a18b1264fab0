"""Words in, the model's answer out.  Run with: celery -A worker_llm.tasks worker -Q llm -c 1"""

from typing import TYPE_CHECKING

from pipeline.celery_app import app
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Completion, Feedback
from pipeline.worker.task import stage

if TYPE_CHECKING:
    from worker_llm.answering import Answerer


@app.task(name="llm.answer")
@stage("llm", "worker_llm.answering:Answerer")
def answer(answerer: "Answerer", batch: list[Job]) -> list[Feedback | Completion | WaijiaoError]:
    """The teacher's feedback on each job's words, or how the model goes on with its chat."""
    return answerer.answer(batch)
