"""From a job's recording to its transcript: fetch, decode, recognise."""

import re
from collections.abc import Iterable
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
from pipeline.text.statistics import normalize_words
from pipeline.worker.leases import StillWanted
from worker_asr.engine import Recording, load
from worker_asr.vad import WINDOW_S, has_speech

HINT_SEPARATOR = re.compile(r"[,;，、；\n]")
MAX_HINT_SHARE = 0.6  # of the recognised words that may be the hint's; in "I am Bowen Li" half are


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
        results = iter(self.recognise(recordings))
        return [
            accept_silence_with_text(job, each, next(results)) if isinstance(each, Recording) else each
            for job, each in zip(batch, inputs, strict=True)
        ]

    def recognise(self, recordings: list[Recording]) -> list[Transcript | WaijiaoError]:
        """What is almost only the hint's words is recognised again without the hint, unless it is long.

        For little speech a hint makes up words.
        """
        results = self.recogniser.transcribe(recordings) if recordings else []
        again = [
            index
            for index, (recording, result) in enumerate(zip(recordings, results, strict=True))
            if recording.waveform.duration_s <= WINDOW_S
            and isinstance(result, Transcript)
            and is_almost_only_hint(result.text, recording.hint)
        ]
        if again:
            without_hint = self.recogniser.transcribe([replace(recordings[index], hint="") for index in again])
            for index, result in zip(again, without_hint, strict=True):
                results[index] = result
        return results

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
                text_to_read(job),
                is_free_speech(job),
            )
        except FileNotFoundError:
            return BadAudio("The recording is no longer kept. Send it again.")
        except WaijiaoError as error:
            return error

    def expected_languages(self, job: Job) -> tuple[str, ...]:
        """The persona's languages, also in a lesson.

        What is only to be transcribed has those of the default persona, but may be in any language.
        """
        name = self.settings.persona if is_transcription_only(job) else job.request.persona
        return personas.load(name, self.settings.personas).languages

    def hint(self, job: Job) -> str:
        """The job's hint comes before the persona's, which loses where both together are too long.

        What homework asks for is left out, both its target words and a text that is to be read aloud: it would be
        recognised whatever is said.
        """
        job_request = job.request
        if is_transcription_only(job):
            return job_request.details.get("prompt") or ""
        hint = ", ".join(filter(None, (job_request.hint, self.persona(job).hint)))
        target_words = job_request.details.get("words", ()) if job_request.assignment else ()
        return remove_words(hint, target_words)

    def persona(self, job: Job) -> Persona:
        return personas.load(job.request.persona, self.settings.personas)


def is_free_speech(job: Job) -> bool:
    """Whether the teacher answers what is recognised, and no text that was to be read says what was meant."""
    return job.request.task != "transcribe" and not (job.request.assignment and job.request.details.get("text"))


def text_to_read(job: Job) -> str:
    """The text whose words are measured in the recording; "" unless the assignment, or the try, asks for that."""
    job_request, details = job.request, job.request.details
    is_read = job_request.assignment or job_request.practised
    return str(details.get("text", "")) if is_read and details.get("clearness") else ""


def remove_words(hint: str, target_words: Iterable[str]) -> str:
    """The hint without its items that have one of these words."""
    unwanted_words = {word for target in target_words for word in normalize_words(target)}
    if not unwanted_words:
        return hint
    items = (item.strip() for item in HINT_SEPARATOR.split(hint))
    return ", ".join(item for item in items if item and not unwanted_words & {*normalize_words(item)})


def is_almost_only_hint(text: str, hint: str) -> bool:
    """Whether more than MAX_HINT_SHARE of the words are the hint's."""
    words, hint_words = normalize_words(text), {*normalize_words(hint)}
    return sum(word in hint_words for word in words) > MAX_HINT_SHARE * len(words)


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
