"""Tells who waits what there is of a result so far, in a thread of its own, so that no engine waits for Redis."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import RedisError

from pipeline.jobs.job import Job
from pipeline.jobs.results import Part
from pipeline.jobs.store import Jobs

log = logging.getLogger("waijiao")
PUBLISH_EVERY_S = 0.05  # seconds between two looks at what is to be told: text that comes meanwhile is one entry
FLUSH_S = 2.0  # seconds that the result may wait for what is not told yet


class PartialResultPublisher:
    """What one worker tells of the jobs in its hand. A job's entries have no holes: after one that failed come none."""

    def __init__(self, jobs: Jobs, stage: str) -> None:
        """`jobs` has a hurried connection: whatever it cannot write at once is given up."""
        self.jobs, self.stage = jobs, stage
        self.news, self.over = threading.Condition(), threading.Event()
        self.untold: list[tuple[Job, dict[str, Any]]] = []
        self.told: dict[str, int] = {}  # a job's name -> how many entries it has
        self.given_up: set[str] = set()  # names
        self.thread = threading.Thread(target=self.keep_telling, name="telling", daemon=True)

    def text(self, job: Job, piece: str) -> None:
        """A piece of a completion, as it comes."""
        with self.news:
            entry = next((entry for each, entry in self.untold if each is job), None)
            if entry:
                entry["text"] += piece
            else:
                self.untold.append((job, {"text": piece}))
            self.news.notify()

    def part(self, job: Job, part: Part) -> None:
        """A sentence that can be heard."""
        with self.news:
            self.untold.append((job, {"part": part.as_dict()}))
            self.news.notify()

    def keep_telling(self) -> None:
        while entries := self.take():
            for job, entry in entries:
                if job.name not in self.given_up:
                    self.tell(job, entry)
            self.over.wait(PUBLISH_EVERY_S)

    def take(self) -> list[tuple[Job, dict[str, Any]]]:
        """What is to be told next, as soon as there is something; nothing when it is over and all was told."""
        with self.news:
            self.news.wait_for(lambda: self.untold or self.over.is_set())
            taken, self.untold = self.untold, []
            return taken

    def tell(self, job: Job, entry: dict[str, Any]) -> None:
        number = self.told.get(job.name, 0) + 1
        try:
            if self.jobs.progress(self.stage, job, number, entry):
                self.told[job.name] = number
                return
        except RedisError as error:
            log.warning("the result of %s is not told before it is whole: %s", job.id, error)
        self.given_up.add(job.name)

    def end(self) -> None:
        """Wait until all is told, or give up: what is told after the result counts no more, it is fenced."""
        self.over.set()
        with self.news:
            self.news.notify()
        self.thread.join(FLUSH_S)
        if self.thread.is_alive():
            log.warning("a result of %s was not told before it was whole: Redis is too slow", self.stage)


@contextmanager
def publishing(jobs: Jobs, stage: str) -> Iterator[PartialResultPublisher]:
    """Inside it a thread tells; afterwards all is told that could be."""
    told = PartialResultPublisher(jobs, stage)
    told.thread.start()
    try:
        yield told
    finally:
        told.end()
