"""Text in, speech out.  Run with: celery -A worker_tts.tasks worker -Q tts -c 1"""

from typing import TYPE_CHECKING

from pipeline.celery_app import app
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer
from pipeline.worker.leases import Leases
from pipeline.worker.task import stage

if TYPE_CHECKING:
    from worker_tts.speaker import SpeechSynthesizer


@app.task(name="tts.speak")
@stage("tts", "worker_tts.speaker:SpeechSynthesizer")
def speak(synthesizer: "SpeechSynthesizer", batch: list[Job], leases: Leases) -> list[Answer | WaijiaoError]:
    """The spoken answer of each job, as audio."""
    return synthesizer.speak(batch, leases.still_wanted)
