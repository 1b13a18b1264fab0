"""From the teacher's words to the answer's audio: speak, join, encode, keep."""

import io
import zlib

from pipeline.audio import Sound, encode
from pipeline.blobs import FolderBlobs
from pipeline.errors import NothingToSay, WaijiaoError
from pipeline.personas import load as load_persona
from pipeline.record import Job
from pipeline.settings import Settings
from pipeline.turns import Answer
from worker_tts.engine import Line, load
from worker_tts.sentences import speak_all


class Speaker:
    """Holds the loaded voice of this worker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.blobs = FolderBlobs(settings.blobs_folder)
        self.voice = load(settings)

    def answer(self, batch: list[Job]) -> list[Answer | WaijiaoError]:
        """The kept audio, or why there is none, for each job."""
        sounds = speak_all(self.voice, [self.line(job) for job in batch], self.settings.tts_pause_s)
        return [
            sound if isinstance(sound, WaijiaoError) else self.keep(job, sound)
            for job, sound in zip(batch, sounds, strict=True)
        ]

    def line(self, job: Job) -> Line:
        """What the voice is to say; one seed for a session, so that the voice stays the same person."""
        question = job.question
        persona = load_persona(question.persona, self.settings.personas)
        taught = persona.languages[0]
        voice = persona.voices.get(taught, "default") if question.voice == "default" else question.voice
        seed = zlib.crc32(question.session.encode())
        return Line(words(job), voice=voice, speed=question.speed, language=taught, seed=seed)

    def keep(self, job: Job, sound: Sound) -> Answer | WaijiaoError:
        try:
            blob = self.blobs.put(job.name, io.BytesIO(encode(sound, job.question.format)))
        except WaijiaoError as error:
            return error
        return Answer(
            text=words(job),
            blob=blob.name,
            sha256=blob.sha256,
            size=blob.size,
            duration_s=round(sound.duration_s, 3),
            format=job.question.format,
        )


def words(job: Job) -> str:
    """What is to be spoken; a job comes here only with the feedback that the language model's stage wrote."""
    if job.feedback is None:
        raise NothingToSay("The job has no words to speak.")
    return job.feedback.spoken
