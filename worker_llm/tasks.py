"""Words in, the teacher's answer out.  Run with: celery -A worker_llm.tasks worker -Q llm -c 1"""

from typing import TYPE_CHECKING

from pipeline.app import app
from pipeline.errors import WaijiaoError
from pipeline.record import Job
from pipeline.stages import stage
from pipeline.turns import Feedback

if TYPE_CHECKING:
    from worker_llm.teaching import Teacher


@app.task(name="llm.answer")
@stage("llm", "worker_llm.teaching:Teacher")
def answer(teacher: "Teacher", batch: list[Job]) -> list[Feedback | WaijiaoError]:
    """The teacher's feedback on each job's words."""
    return teacher.teach(batch)
