"""Speech in, words out.  Run with: celery -A worker_asr.tasks worker -Q asr -c 1"""

from typing import TYPE_CHECKING

from pipeline.app import app
from pipeline.errors import WaijiaoError
from pipeline.record import Job
from pipeline.stages import stage
from pipeline.turns import Transcript

if TYPE_CHECKING:
    from worker_asr.listening import Listener


@app.task(name="asr.transcribe")
@stage("asr", "worker_asr.listening:Listener")
def transcribe(listener: "Listener", batch: list[Job]) -> list[Transcript | WaijiaoError]:
    """What was said in each job's recording."""
    return listener.hear(batch)
