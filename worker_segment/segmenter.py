"""Segments a lesson: reads its recording twice, finds the speaker turns, and submits each turn as a job."""

import hashlib
import io
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError, ResponseError

from pipeline.audio.decode import Waveform, mix_channels
from pipeline.audio.encode import encode
from pipeline.blob_store import FolderBlobs
from pipeline.celery_app import enqueue
from pipeline.errors import BadAudio, Canceled, NoSpeech, TooSlow, WaijiaoError
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import LessonSegment, LessonSegments
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.worker.leases import StillWanted
from worker_segment.audio_stream import SAMPLE_RATE, read_blocks
from worker_segment.speaker_turns import CHANNELS, find_speaker_turns
from worker_segment.voice_activity import detect_voice_activity, has_speech

log = logging.getLogger("waijiao")
TURN_FORMAT = "flac"  # of a turn's recording: half the size of wav, and the same samples


class Segmenter:
    """Segments lessons. Segmenting one again, after its worker died, gives the same turns and repeats none of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.blobs = FolderBlobs(settings.blobs_folder)
        self.jobs = Jobs(connect(settings), settings)

    def segment(self, batch: list[Job], still_wanted: StillWanted) -> list[LessonSegments | WaijiaoError]:
        """The turns of each lesson, or why there are none. Every turn is submitted when this returns."""
        return [self.segment_lesson(lesson, still_wanted) for lesson in batch]

    def segment_lesson(self, lesson: Job, still_wanted: StillWanted) -> LessonSegments | WaijiaoError:
        try:
            with self.blobs.open(lesson.request.recording) as file:
                return self.submit_turns(lesson, file, still_wanted)
        except FileNotFoundError:
            return BadAudio("The recording is no longer kept. Send it again.")
        except SoftTimeLimitExceeded:
            return TooSlow(f"Segmentation took longer than {self.settings.lesson_s} s. Send the lesson in parts.")
        except WaijiaoError as error:
            return error

    def submit_turns(self, lesson: Job, file: BinaryIO, still_wanted: StillWanted) -> LessonSegments:
        """Reads the recording twice, so that a bad one is refused before the first turn is submitted."""
        activity = detect_voice_activity(self.read_while_wanted(lesson, file, still_wanted))
        turns = find_speaker_turns(activity)
        if not turns:
            raise NoSpeech("Nobody is heard to speak in the lesson. Record again, closer to those who speak.")
        file.seek(0)
        for turn, waveform in extract_waveforms(self.read_while_wanted(lesson, file, still_wanted), turns):
            check_wanted(lesson, still_wanted)
            self.submit_turn(lesson, turn, waveform)
        return LessonSegments(round(activity.duration_s, 3), turns)

    def read_while_wanted(self, lesson: Job, file: BinaryIO, still_wanted: StillWanted) -> Iterator[np.ndarray]:
        for block in read_blocks(file, self.settings.max_lesson_s, has_speech):
            check_wanted(lesson, still_wanted)
            yield block

    def submit_turn(self, lesson: Job, turn: LessonSegment, waveform: Waveform) -> None:
        """Submit a turn, unless an earlier attempt did. Raises Unavailable or RedisError when that fails."""
        job_request = build_turn_request(lesson, turn)
        if self.jobs.has(job_request.name):
            return
        blob = self.blobs.put(job_request.name, io.BytesIO(encode(waveform, TURN_FORMAT)))
        try:
            accepted_job = self.jobs.submit(replace(job_request, recording=blob.name, sha256=blob.sha256))
        except (WaijiaoError, ResponseError):  # refused; after any other error the turn may exist, and need its blob
            self.blobs.delete(blob.name)
            raise
        if accepted_job.job.request.recording != blob.name:  # a worker whose lease had expired was faster
            self.blobs.delete(blob.name)
        try:
            enqueue(accepted_job.ready_jobs)
        except (OperationalError, RedisError) as error:
            log.warning("could not enqueue a turn; the sweeper will retry: %s", error)


def check_wanted(lesson: Job, still_wanted: StillWanted) -> None:
    """Raises Canceled when nobody waits for the lesson any more, or another worker has taken it over."""
    if not still_wanted(lesson):
        raise Canceled("The lesson was canceled during segmentation.")


def turn_id(lesson_id: str, number: int) -> str:
    """The id of a turn's job: the same at every attempt to segment the lesson."""
    return hashlib.sha256(f"{lesson_id}/{number}".encode()).hexdigest()[:32]


def build_turn_request(lesson: Job, turn: LessonSegment) -> JobRequest:
    """The job request of a turn, still without its recording.

    The learner's turns are answered with feedback; those of anybody else are only transcribed.
    """
    job_request, learner = lesson.request, lesson.request.details.get("learner")
    id_ = turn_id(lesson.id, turn.number)
    return JobRequest(
        id_,
        id_,  # a session of its own: turns do not wait for each other
        tenant=job_request.tenant,
        persona=job_request.persona,
        language=job_request.language,
        hint=job_request.hint,
        task="transcribe" if learner and turn.speaker and turn.speaker != learner else "turn",
        lane="bulk",
        key=job_request.key,
        owner=job_request.owner,
        details={"number": turn.number, "start": turn.start, "end": turn.end, "speaker": turn.speaker},
        lesson=lesson.id,
        group=job_request.group or lesson.id,
        retention_h=job_request.retention_h,
    )


def extract_waveforms(
    blocks: Iterable[np.ndarray], turns: Iterable[LessonSegment]
) -> Iterator[tuple[LessonSegment, Waveform]]:
    """Each turn, in the order of their starts, with its samples: its speaker's channel, or all channels mixed."""
    blocks = iter(blocks)
    buffer, offset = next(blocks), 0  # `offset`: index in the recording of the buffer's first sample
    for turn in turns:
        start, end = round(turn.start * SAMPLE_RATE), round(turn.end * SAMPLE_RATE)
        while offset + buffer.shape[1] < end:
            remainder = buffer[:, max(0, start - offset) :]
            offset += buffer.shape[1] - remainder.shape[1]
            buffer = np.concatenate([remainder, next(blocks)], axis=1)
        samples = buffer[:, start - offset : end - offset]
        channel = samples[CHANNELS.index(turn.speaker)] if turn.speaker else mix_channels(samples)
        yield turn, Waveform(channel, SAMPLE_RATE)
