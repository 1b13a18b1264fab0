"""A lesson in, its turns out.  Run with: celery -A worker_cut.tasks worker -Q cut -c 1"""

from typing import TYPE_CHECKING

from celery.signals import worker_process_init

from pipeline.celery_app import app
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import CUT, Job
from pipeline.jobs.results import Cuts
from pipeline.settings import settings
from pipeline.worker.task import stage
from worker_cut import low_priority

if TYPE_CHECKING:
    from worker_cut.cutting import Cutter

LONGEST_S = settings().lesson_s
worker_process_init.connect(low_priority.take)


@app.task(name="cut.cut", soft_time_limit=LONGEST_S, time_limit=LONGEST_S + 10)
@stage(CUT, "worker_cut.cutting:Cutter")
def cut(cutter: "Cutter", batch: list[Job]) -> list[Cuts | WaijiaoError]:
    """The turns of each lesson, every one of them submitted."""
    return cutter.cut(batch)
