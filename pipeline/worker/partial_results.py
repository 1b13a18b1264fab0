"""Publishes partial results in a thread of its own, so that no engine waits for Redis."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import RedisError

from pipeline.errors import safe_traceback
from pipeline.jobs.job import Job
from pipeline.jobs.records import to_fields
from pipeline.jobs.results import Part
from pipeline.jobs.store import Jobs

log = logging.getLogger("waijiao")
PUBLISH_EVERY_S = 0.05  # seconds between two rounds: text that arrives in between becomes one entry
FLUSH_S = 2.0  # seconds that the final result may wait for unpublished entries


class PartialResultPublisher:
    """Publishes partial results of a worker's jobs. A job's entries have no gaps: after a failed one, none follow."""

    def __init__(self, jobs: Jobs, stage: str) -> None:
        """`jobs` needs a connection with short timeouts: an entry that cannot be written at once is given up."""
        self.jobs, self.stage = jobs, stage
        self.new_entries, self.over = threading.Condition(), threading.Event()
        self.pending: list[tuple[Job, dict[str, Any]]] = []
        self.entry_counts: dict[str, int] = {}  # a job's name -> how many entries it has
        self.abandoned_jobs: set[str] = set()  # names of jobs
        self.thread = threading.Thread(target=self.run, name="partial-results", daemon=True)

    def text(self, job: Job, piece: str) -> None:
        """Publish a piece of a completion."""
        with self.new_entries:
            entry = next((entry for each, entry in self.pending if each is job), None)
            if entry:
                entry["text"] += piece
            else:
                self.pending.append((job, {"text": piece}))
            self.new_entries.notify()

    def part(self, job: Job, part: Part) -> None:
        """Publish a spoken sentence."""
        with self.new_entries:
            self.pending.append((job, {"part": to_fields(part)}))
            self.new_entries.notify()

    def run(self) -> None:
        while entries := self.take_pending():
            for job, entry in entries:
                if job.name not in self.abandoned_jobs:
                    self.publish(job, entry)
            self.over.wait(PUBLISH_EVERY_S)

    def take_pending(self) -> list[tuple[Job, dict[str, Any]]]:
        """The next entries, as soon as there are some; none when it is over and everything was published."""
        with self.new_entries:
            self.new_entries.wait_for(lambda: self.pending or self.over.is_set())
            entries, self.pending = self.pending, []
            return entries

    def publish(self, job: Job, entry: dict[str, Any]) -> None:
        number = self.entry_counts.get(job.name, 0) + 1
        try:
            if self.jobs.progress(self.stage, job, number, entry):
                self.entry_counts[job.name] = number
                return
        except RedisError as error:
            log.warning("partial results of %s are not published any more: %s", job.id, error)
        except Exception as error:  # noqa: BLE001 - those of the batch's other jobs are published
            log.error("partial results of %s are not published any more: %s", job.id, safe_traceback(error))
        self.abandoned_jobs.add(job.name)

    def end(self) -> None:
        """Wait until everything is published, or give up: entries after the final result are fenced."""
        self.over.set()
        with self.new_entries:
            self.new_entries.notify()
        self.thread.join(FLUSH_S)
        if self.thread.is_alive():
            log.warning("a partial result of %s was not published: Redis is too slow", self.stage)


@contextmanager
def publishing(jobs: Jobs, stage: str) -> Iterator[PartialResultPublisher]:
    """Inside it partial results are published by a thread; at the end it waits for the last of them."""
    publisher = PartialResultPublisher(jobs, stage)
    publisher.thread.start()
    try:
        yield publisher
    finally:
        publisher.end()
