"""From a job's recording to its transcript: fetch, decode, recognise."""

from dataclasses import replace
from functools import partial

from pipeline import personas
from pipeline.audio.decode import decode
from pipeline.blob_store import FolderBlobs
from pipeline.errors import BadAudio, NoSpeech, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Transcript
from pipeline.personas import Persona
from pipeline.settings import Settings
from pipeline.worker.leases import StillWanted
from worker_asr.engine import Recording, load
from worker_asr.vad import has_speech


class Transcriber:
    """The work of the stage `asr`, with the recogniser of this worker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.blobs = FolderBlobs(settings.blobs_folder)
        self.recogniser = load(settings)

    def transcribe(self, batch: list[Job], still_wanted: StillWanted) -> list[Transcript | WaijiaoError]:
        """A transcript, or why there is none, for each job; one bad recording leaves the others alone."""
        inputs = [self.read_recording(job) for job in batch]
        recordings = [
            replace(each, still_wanted=partial(still_wanted, job))
            for job, each in zip(batch, inputs, strict=True)
            if isinstance(each, Recording)
        ]
        results = iter(self.recogniser.transcribe(recordings) if recordings else [])
        return [
            accept_silence_with_text(job, each, next(results)) if isinstance(each, Recording) else each
            for job, each in zip(batch, inputs, strict=True)
        ]

    def read_recording(self, job: Job) -> Recording | WaijiaoError:
        try:
            with self.blobs.open(job.request.recording) as file:
                waveform = decode(file, self.settings.max_recording_s, has_speech=has_speech)
            return Recording(
                waveform,
                job.request.language or None,
                self.expected_languages(job),
                is_transcription_only(job),
                self.hint(job),
            )
        except FileNotFoundError:
            return BadAudio("The recording is no longer kept. Send it again.")
        except WaijiaoError as error:
            return error

    def expected_languages(self, job: Job) -> tuple[str, ...]:
        """The persona's languages, also in a lesson. What is only to be transcribed has those of the default persona,
        but may be in any language."""
        name = self.settings.persona if is_transcription_only(job) else job.request.persona
        return personas.load(name, self.settings.personas).languages

    def hint(self, job: Job) -> str:
        """The job's hint comes before the persona's, which loses where both together are too long.

        The target words of homework are likely to be said. A text that is to be read aloud is left out: it would be
        recognised whatever is said.
        """
        job_request = job.request
        if is_transcription_only(job):
            return job_request.details.get("prompt") or ""
        target_words = job_request.details.get("words", ()) if job_request.assignment else ()
        return ", ".join(filter(None, (job_request.hint, *target_words, self.persona(job).hint)))

    def persona(self, job: Job) -> Persona:
        return personas.load(job.request.persona, self.settings.personas)


def is_transcription_only(job: Job) -> bool:
    """Whether the job asks for a transcript alone; the other speaker's turns of a lesson belong to the lesson."""
    return job.request.task == "transcribe" and not job.request.lesson


def accept_silence_with_text(
    job: Job, recording: Recording, result: Transcript | WaijiaoError
) -> Transcript | WaijiaoError:
    """Silence that came with typed text is not an error: the text alone is answered."""
    if isinstance(result, NoSpeech) and job.request.text:
        return Transcript("", job.request.language or "en", recording.waveform.duration_s)
    return result
