"""A teacher in a thread, who answers every job with its own recording; and how one body tests both clients."""

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
from tests.support.job_steps import TAUGHT
from tests.support.recordings import wav
from waijiao import AsyncClient

SILENT = wav(np.zeros(777))  # nothing is heard in this one


def recording(number: int) -> bytes:
    """Recordings that differ."""
    return wav(np.zeros(1600 + number))


class Echo:
    """Works on every stage; `most` jobs were unfinished at the same time."""

    def __init__(self, jobs: Jobs, folder: Path) -> None:
        self.jobs, self.blobs = jobs, FolderBlobs(folder)
        self.most = 0
        self.numbers = itertools.count()  # a worker that claims anew says that its last claim was lost
        self.held = b""  # a recording that is worked on until `released`
        self.released = threading.Event()
        self.idle = threading.Event()  # set: nothing is worked on
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def close(self) -> None:
        self.over.set()
        self.thread.join()

    def work(self) -> None:
        while not self.over.is_set():
            self.most = max(self.most, cast(int, self.jobs.redis.zcard("waijiao:deadlines")))
            for stage in MODEL_STAGES:
                claimed = [] if self.idle.is_set() else self.jobs.claim(stage, f"echo{next(self.numbers)}", 1)[0]
                for job in claimed:
                    self.do(stage, job)
            time.sleep(0.005)

    def do(self, stage: str, job: Job) -> None:
        if stage == "asr":
            self.hear(job)
        elif stage == "llm":
            self.jobs.complete(stage, job, TAUGHT)
        else:
            self.speak(job)

    def hear(self, job: Job) -> None:
        with self.blobs.open(job.request.recording) as file:
            sound = file.read()
        if sound == self.held:
            threading.Thread(target=lambda: self.released.wait(20) and self.understand(job, sound)).start()
        else:
            self.understand(job, sound)

    def understand(self, job: Job, sound: bytes) -> None:
        if sound == SILENT:
            self.jobs.fail("asr", job, NoSpeech("Nobody speaks."), again=False)
        else:
            self.jobs.complete("asr", job, Transcript(str(len(sound)), "en", 1.0))
            (self.blobs.folder / f"{job.id}.heard").write_bytes(sound)

    def speak(self, job: Job) -> None:
        kept = self.blobs.folder / f"{job.id}.heard"
        sound = kept.read_bytes() if kept.exists() else job.request.text.encode()
        blob = self.blobs.put(job.name, io.BytesIO(sound))
        answer = Answer(job.request.text or "Why?", blob.name, blob.sha256, blob.size, 1.0, job.request.format)
        self.jobs.complete("tts", job, answer)


class Awaited:
    """An AsyncClient that is used like the other one: each call runs in an event loop until it has its answer."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.runner = asyncio.Runner()
        self.client = AsyncClient(*given, **named)

    def __getattr__(self, name: str) -> Any:
        def method(*given: Any, **named: Any) -> Any:
            made = getattr(self.client, name)(*given, **named)
            return self.each(made) if inspect.isasyncgen(made) else self.runner.run(made)

        return method

    def each(self, made: Any) -> Iterator[Any]:
        try:
            while (found := self.runner.run(following(made))) is not None:
                yield found
        finally:
            self.runner.run(made.aclose())

    def __enter__(self) -> "Awaited":
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self.client.close())
        self.runner.close()


async def following(made: Any) -> Any:
    return await anext(made, None)
