"""One job's answer while it is spoken, sentence after sentence, each of which is kept as soon as it exists."""

import io
from collections import deque
from dataclasses import replace

from pipeline.audio.decode import Sound
from pipeline.audio.encode import encode
from pipeline.blob_store import Blob, FolderBlobs
from pipeline.errors import Canceled, NothingToSay, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer, Part
from pipeline.worker.task import still_wanted
from worker_tts.engine import Line
from worker_tts.sentences import join, split


class Speech:
    """What is still to be said of `line`, and what was said of it so far."""

    def __init__(self, job: Job, line: Line, blobs: FolderBlobs) -> None:
        self.job, self.line, self.blobs = job, line, blobs
        self.sentences = deque(split(line.text))  # from the first one that is not spoken yet
        self.sounds: list[Sound] = []
        self.parts: list[Part] = []
        self.failure: WaijiaoError | None = None

    def goes_on(self) -> bool:
        """Whether there is more to say; not for a job that failed or is not wanted any more."""
        if self.sentences and not still_wanted(self.job):
            self.failure = Canceled()
        return bool(self.sentences) and not self.failure

    def next(self) -> Line:
        return replace(self.line, text=self.sentences[0])

    def take(self, spoken: Sound | WaijiaoError) -> Part | None:
        """Keep what the voice made of the next sentence; none when there was nothing to say, or it failed."""
        sentence = self.sentences.popleft()
        try:
            return self.keep_part(sentence, sound_of(spoken))
        except NothingToSay:
            return None
        except WaijiaoError as error:
            self.failure = error
            return None

    def keep_part(self, sentence: str, sound: Sound) -> Part:
        blob = self.keep(join([sound], pause_s=0))
        part = Part(sentence, blob.name, blob.sha256, blob.size, round(sound.duration_s, 3))
        self.sounds.append(sound)
        self.parts.append(part)
        return part

    def whole(self, pause_s: float) -> Answer | WaijiaoError:
        """All of it as one sound, or why there is none; then its parts are removed."""
        try:
            return self.joined(pause_s)
        except WaijiaoError as error:
            for part in self.parts:
                self.blobs.delete(part.blob)
            return error

    def joined(self, pause_s: float) -> Answer:
        if self.failure:
            raise self.failure
        if not self.parts:
            raise NothingToSay
        sound = join(self.sounds, pause_s)
        only = self.parts[0] if len(self.parts) == 1 else None
        blob = Blob(only.blob, only.size, only.sha256) if only else self.keep(sound)
        duration_s, format = round(sound.duration_s, 3), self.job.request.format
        return Answer(self.line.text, blob.name, blob.sha256, blob.size, duration_s, format, tuple(self.parts))

    def keep(self, sound: Sound) -> Blob:
        return self.blobs.put(self.job.name, io.BytesIO(encode(sound, self.job.request.format)))


def sound_of(spoken: Sound | WaijiaoError) -> Sound:
    if isinstance(spoken, WaijiaoError):
        raise spoken
    return spoken
