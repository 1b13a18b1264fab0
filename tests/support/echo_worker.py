"""A worker in a thread that answers every job with its own recording; and one interface to test both clients."""

import asyncio
import inspect
import io
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from pipeline.blob_store import FolderBlobs
from pipeline.errors import NoSpeech
from pipeline.jobs.job import MODEL_STAGES, Job
from pipeline.jobs.results import Answer, Transcript
from pipeline.jobs.store import Jobs
from tests.support.job_steps import FEEDBACK
from tests.support.recordings import make_wav
from waijiao import AsyncClient

SILENT = make_wav(np.zeros(777))  # the worker recognises no speech in this one


def recording(number: int) -> bytes:
    """A silent recording; each number gives another one."""
    return make_wav(np.zeros(1600 + number))


class EchoWorker:
    """Works on every stage; `max_unfinished` jobs were unfinished at the same time."""

    def __init__(self, jobs: Jobs, folder: Path) -> None:
        self.jobs, self.blobs = jobs, FolderBlobs(folder)
        self.max_unfinished = 0
        self.numbers = (
            itertools.count()
        )  # of claims: each has a worker name of its own, since a second claim gives up the first
        self.held_recording = b""  # a recording whose transcription lasts until `released`
        self.released = threading.Event()
        self.idle = threading.Event()  # set: the worker claims nothing
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def close(self) -> None:
        self.closing.set()
        self.thread.join()

    def work(self) -> None:
        while not self.closing.is_set():
            self.max_unfinished = max(self.max_unfinished, cast(int, self.jobs.redis.zcard("waijiao:deadlines")))
            for stage in MODEL_STAGES:
                claimed_jobs = [] if self.idle.is_set() else self.jobs.claim(stage, f"echo{next(self.numbers)}", 1)[0]
                for job in claimed_jobs:
                    self.run_stage(stage, job)
            time.sleep(0.005)

    def run_stage(self, stage: str, job: Job) -> None:
        if stage == "asr":
            self.transcribe(job)
        elif stage == "llm":
            self.jobs.complete(stage, job, FEEDBACK)
        else:
            self.speak(job)

    def transcribe(self, job: Job) -> None:
        with self.blobs.open(job.request.recording) as file:
            sound = file.read()
        if sound == self.held_recording:
            threading.Thread(target=lambda: self.released.wait(20) and self.complete_transcript(job, sound)).start()
        else:
            self.complete_transcript(job, sound)

    def complete_transcript(self, job: Job, sound: bytes) -> None:
        if sound == SILENT:
            self.jobs.fail("asr", job, NoSpeech("Nobody speaks."), again=False)
        else:
            self.jobs.complete("asr", job, Transcript(str(len(sound)), "en", 1.0))
            (self.blobs.folder / f"{job.id}.transcribed").write_bytes(sound)

    def speak(self, job: Job) -> None:
        stored = self.blobs.folder / f"{job.id}.transcribed"
        sound = stored.read_bytes() if stored.exists() else job.request.text.encode()
        blob = self.blobs.put(job.name, io.BytesIO(sound))
        answer = Answer(job.request.text or "Why?", blob.name, blob.sha256, blob.size, 1.0, job.request.format)
        self.jobs.complete("tts", job, answer)


class BlockingAsyncClient:
    """An AsyncClient that is used like the other one: each call runs in an event loop until it has its answer."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        self.runner = asyncio.Runner()
        self.client = AsyncClient(*arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, **keywords: Any) -> Any:
            result = getattr(self.client, name)(*arguments, **keywords)
            return self.iterate(result) if inspect.isasyncgen(result) else self.runner.run(result)

        return method

    def iterate(self, result: Any) -> Iterator[Any]:
        try:
            while (found := self.runner.run(anext_or_none(result))) is not None:
                yield found
        finally:
            self.runner.run(result.aclose())

    def __enter__(self) -> "BlockingAsyncClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self.client.close())
        self.runner.close()


async def anext_or_none(result: Any) -> Any:
    return await anext(result, None)
