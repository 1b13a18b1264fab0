"""From a lesson's recording to its turns: read it twice, find where somebody speaks, hand on each turn as a job."""

import io
import logging
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError, ResponseError

from pipeline.audio.decode import Sound
from pipeline.audio.encode import encode
from pipeline.blob_store import FolderBlobs
from pipeline.celery_app import enqueue
from pipeline.errors import BadAudio, Canceled, NoSpeech, TooSlow, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Cut, Cuts
from pipeline.jobs.store import Jobs, ReadyJob
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.worker.task import still_wanted
from worker_cut.children import child, with_recording
from worker_cut.listening import listen
from worker_cut.reading import read
from worker_cut.sounds import sounds
from worker_cut.turns import cut_into_turns

log = logging.getLogger("waijiao")
FORMAT = "flac"  # of a turn's recording: half the size of wav, and the same samples


class Cutter:
    """Cuts lessons. A lesson that was begun before, by a worker that died, is gone on with: its turns are the same."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.blobs = FolderBlobs(settings.blobs_folder)
        self.jobs = Jobs(connect(settings), settings)

    def cut(self, batch: list[Job]) -> list[Cuts | WaijiaoError]:
        """Where each lesson was cut, or why it was not. Every turn is submitted when this returns."""
        return [self.outcome(lesson) for lesson in batch]

    def outcome(self, lesson: Job) -> Cuts | WaijiaoError:
        try:
            with self.blobs.open(lesson.request.recording) as file:
                return self.cuts(lesson, file)
        except FileNotFoundError:
            return BadAudio("The recording is no longer kept. Send it again.")
        except SoftTimeLimitExceeded:
            return TooSlow(f"Cutting took longer than {self.settings.lesson_s} s. Send the lesson in parts.")
        except WaijiaoError as error:
            return error

    def cuts(self, lesson: Job, file: BinaryIO) -> Cuts:
        """All is known, and refused if it must be, before the first turn is handed on: hence two readings."""
        activity = listen(self.blocks(lesson, file))
        turns = cut_into_turns(activity)
        if not turns:
            raise NoSpeech("Nobody is heard to speak in the lesson. Record again, closer to those who speak.")
        file.seek(0)
        for cut, sound in sounds(self.blocks(lesson, file), turns):
            self.hand_on(lesson, cut, sound)
        return Cuts(round(activity.duration_s, 3), turns)

    def blocks(self, lesson: Job, file: BinaryIO) -> Iterator[np.ndarray]:
        """The recording's blocks, for as long as the lesson is wanted."""
        for block in read(file, self.settings.max_lesson_s):
            check(lesson)
            yield block

    def hand_on(self, lesson: Job, cut: Cut, sound: Sound) -> None:
        """Submit a turn, unless an earlier attempt did. Unavailable, RedisError when it cannot be."""
        check(lesson)
        job_request = child(lesson, cut)
        if self.jobs.has(job_request.name):
            return
        blob = self.blobs.put(job_request.name, io.BytesIO(encode(sound, FORMAT)))
        try:
            accepted = self.jobs.submit(with_recording(job_request, blob))
        except (WaijiaoError, ResponseError):  # refused; after any other error the turn may exist, and need its blob
            self.blobs.delete(blob.name)
            raise
        if accepted.job.request.recording != blob.name:  # a worker that was taken for dead was faster
            self.blobs.delete(blob.name)
        announce(accepted.ready_jobs)


def check(lesson: Job) -> None:
    """Canceled when nobody waits for the lesson any more, at least not from this worker."""
    if not still_wanted(lesson):
        raise Canceled("The lesson was canceled while it was cut.")


def announce(ready_jobs: Iterable[ReadyJob]) -> None:
    try:
        enqueue(ready_jobs)
    except (OperationalError, RedisError) as error:
        log.warning("bells were not rung; the sweep will ring them: %s", error)
