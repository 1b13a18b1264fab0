"""Words in, speech out.  Run with: celery -A worker_tts.tasks worker -Q tts -c 1"""

from typing import TYPE_CHECKING

from pipeline.celery_app import app
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer
from pipeline.worker.task import stage

if TYPE_CHECKING:
    from worker_tts.speaking import Speaker


@app.task(name="tts.speak")
@stage("tts", "worker_tts.speaking:Speaker")
def speak(speaker: "Speaker", batch: list[Job]) -> list[Answer | WaijiaoError]:
    """What each job wants to be said, as audio."""
    return speaker.speak(batch)
