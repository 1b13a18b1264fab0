"""From a job's recording to its transcript: fetch, decode, recognise."""

from pipeline import personas
from pipeline.audio.decode import decode
from pipeline.blob_store import FolderBlobs
from pipeline.errors import BadAudio, NoSpeech, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Transcript
from pipeline.personas import Persona
from pipeline.settings import Settings
from worker_asr.engine import Recording, load


class Listener:
    """Holds the loaded recogniser of this worker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.blobs = FolderBlobs(settings.blobs_folder)
        self.recogniser = load(settings)

    def hear(self, batch: list[Job]) -> list[Transcript | WaijiaoError]:
        """A transcript, or why there is none, for each job; one bad recording leaves the others alone."""
        decoded = [self.recording(job) for job in batch]
        usable = [recording for recording in decoded if isinstance(recording, Recording)]
        heard = iter(self.recogniser.transcribe(usable) if usable else [])
        return [
            silent_beside_text(job, recording, next(heard)) if isinstance(recording, Recording) else recording
            for job, recording in zip(batch, decoded, strict=True)
        ]

    def recording(self, job: Job) -> Recording | WaijiaoError:
        try:
            with self.blobs.open(job.request.recording) as file:
                sound = decode(file, self.settings.max_recording_s)
            return Recording(sound, job.request.language or None, self.expected(job), self.hint(job))
        except FileNotFoundError:
            return BadAudio("The recording is no longer kept. Send it again.")
        except WaijiaoError as error:
            return error

    def expected(self, job: Job) -> tuple[str, ...]:
        """The languages of the teacher, who speaks them in a lesson too; what is only transcribed may be in any."""
        alone = job.request.task == "transcribe" and not job.request.lesson
        return () if alone else self.teacher(job).languages

    def hint(self, job: Job) -> str:
        """The job's words come first, since they count before the teacher's where both are too long together.

        Target words of homework are likely; a text that is to be read aloud would be heard whatever is said.
        """
        job_request = job.request
        if job_request.task == "transcribe" and not job_request.lesson:
            return job_request.details.get("prompt") or ""
        words = job_request.details.get("words", ()) if job_request.assignment else ()
        return ", ".join(filter(None, (job_request.hint, *words, self.teacher(job).hint)))

    def teacher(self, job: Job) -> Persona:
        return personas.load(job.request.persona, self.settings.personas)


def silent_beside_text(job: Job, recording: Recording, heard: Transcript | WaijiaoError) -> Transcript | WaijiaoError:
    """Silence that came with typed text is no error: the text alone is answered."""
    if isinstance(heard, NoSpeech) and job.request.text:
        return Transcript("", job.request.language or "en", recording.sound.duration_s)
    return heard
