"""From words to audio: the sentences of a batch's jobs are spoken in turns, and told as they come."""

import zlib

from pipeline.blobs import FolderBlobs
from pipeline.errors import NothingToSay, WaijiaoError
from pipeline.jobs import Jobs
from pipeline.personas import Persona
from pipeline.personas import load as load_persona
from pipeline.record import Job
from pipeline.settings import Settings
from pipeline.store import HURRIED, connect
from pipeline.telling import telling
from pipeline.turns import Answer
from worker_tts.engine import Line, load
from worker_tts.speech import Speech


class Speaker:
    """Holds the loaded voice of this worker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jobs = Jobs(connect(settings, HURRIED), settings)
        self.blobs = FolderBlobs(settings.blobs_folder)
        self.voice = load(settings)

    def speak(self, batch: list[Job]) -> list[Answer | WaijiaoError]:
        """The kept audio of each job, or why there is none.

        The first sentences of all jobs are one call of the voice, then the second ones, so that all begin soon.
        """
        speeches = [Speech(job, self.line(job), self.blobs) for job in batch]
        with telling(self.jobs, "tts") as told:
            while speaking := [each for each in speeches if each.goes_on()]:
                spoken = self.voice.speak([each.next() for each in speaking])
                for speech, sound in zip(speaking, spoken, strict=True):
                    if part := speech.take(sound):
                        told.part(speech.job, part)
            return [each.whole(self.settings.tts_pause_s) for each in speeches]

    def line(self, job: Job) -> Line:
        return self.given(job) if job.question.task == "speak" else self.answer(job)

    def given(self, job: Job) -> Line:
        """The text that a job wants to hear; asked for again, it sounds the same."""
        question = job.question
        return Line(question.text, question.voice, question.speed, question.language or Line.language)

    def answer(self, job: Job) -> Line:
        """What the teacher says; one seed for a session, so that the voice stays the same person."""
        question = job.question
        persona = load_persona(question.persona, self.settings.personas)
        taught = persona.languages[0]
        voice = self.own_voice(persona, taught) if question.voice == "default" else question.voice
        seed = zlib.crc32(question.conversation.encode())
        return Line(words(job), voice=voice, speed=question.speed, language=taught, seed=seed)

    def own_voice(self, persona: Persona, language: str) -> str:
        return next((each for each in persona.voices.get(language, ()) if each in self.voice.voices), "default")


def words(job: Job) -> str:
    """What is to be spoken; a lesson comes here only with the feedback that the language model's stage wrote."""
    if job.feedback is None:
        raise NothingToSay("The job has no words to speak.")
    return job.feedback.spoken
