"""Speech in, text out.  Run with: celery -A worker_asr.tasks worker -Q asr -c 1"""

from typing import TYPE_CHECKING

from pipeline.celery_app import app
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Transcript
from pipeline.worker.leases import Leases
from pipeline.worker.task import stage

if TYPE_CHECKING:
    from worker_asr.transcriber import Transcriber


@app.task(name="asr.transcribe")
@stage("asr", "worker_asr.transcriber:Transcriber")
def transcribe(transcriber: "Transcriber", batch: list[Job], leases: Leases) -> list[Transcript | WaijiaoError]:
    """The transcript of each job's recording."""
    return transcriber.transcribe(batch, leases.still_wanted)
