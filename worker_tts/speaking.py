"""From words to audio: the sentences of a batch's jobs are spoken in turns, and told as they come."""

import zlib

from pipeline.blob_store import FolderBlobs
from pipeline.errors import NothingToSay, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer
from pipeline.jobs.store import Jobs
from pipeline.personas import Persona
from pipeline.personas import load as load_persona
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from pipeline.worker.partial_results import publishing
from worker_tts.engine import Line, load
from worker_tts.speech import Speech


class Speaker:
    """Holds the loaded voice of this worker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jobs = Jobs(connect(settings, FAST), settings)
        self.blobs = FolderBlobs(settings.blobs_folder)
        self.voice = load(settings)

    def speak(self, batch: list[Job]) -> list[Answer | WaijiaoError]:
        """The kept audio of each job, or why there is none.

        The first sentences of all jobs are one call of the voice, then the second ones, so that all begin soon.
        """
        speeches = [Speech(job, self.line(job), self.blobs) for job in batch]
        with publishing(self.jobs, "tts") as told:
            while speaking := [each for each in speeches if each.goes_on()]:
                spoken = self.voice.speak([each.next() for each in speaking])
                for speech, sound in zip(speaking, spoken, strict=True):
                    if part := speech.take(sound):
                        told.part(speech.job, part)
            return [each.whole(self.settings.tts_pause_s) for each in speeches]

    def line(self, job: Job) -> Line:
        return self.given(job) if job.request.task == "speak" else self.answer(job)

    def given(self, job: Job) -> Line:
        """The text that a job wants to hear; asked for again, it sounds the same."""
        job_request = job.request
        return Line(job_request.text, job_request.voice, job_request.speed, job_request.language or Line.language)

    def answer(self, job: Job) -> Line:
        """What the teacher says; one seed for a session, so that the voice stays the same person."""
        job_request = job.request
        persona = load_persona(job_request.persona, self.settings.personas)
        taught = persona.languages[0]
        voice = self.own_voice(persona, taught) if job_request.voice == "default" else job_request.voice
        seed = zlib.crc32(job_request.conversation.encode())
        return Line(words(job), voice=voice, speed=job_request.speed, language=taught, seed=seed)

    def own_voice(self, persona: Persona, language: str) -> str:
        return next((each for each in persona.voices.get(language, ()) if each in self.voice.voices), "default")


def words(job: Job) -> str:
    """What is to be spoken; a lesson comes here only with the feedback that the language model's stage wrote."""
    if job.feedback is None:
        raise NothingToSay("The job has no words to speak.")
    return job.feedback.spoken
