"""Renews the leases of a batch while an engine works on it."""

import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from redis.exceptions import RedisError

from pipeline.errors import safe_traceback
from pipeline.jobs.job import Job
from pipeline.jobs.store import Jobs

log = logging.getLogger("waijiao")
RENEW_CHECK_S = 1.0  # seconds between two renewals at most, so that an engine soon learns that its work was canceled

StillWanted = Callable[[Job], bool]  # Leases.still_wanted, which engines ask between two steps of their work


class Leases:
    """The leases of one batch of jobs. Inside `with`, a thread renews them until they are lost."""

    def __init__(self, jobs: Jobs, stage: str, batch: Sequence[Job]) -> None:
        self.jobs, self.stage, self.batch = jobs, stage, batch
        self.lost_jobs: set[str] = set()  # names
        self.batch_ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self.renew_until_done, name="leases", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.batch_ended.set()  # a renewal that is under way may come later: it is fenced

    def still_wanted(self, job: Job) -> bool:
        """Whether a job of the batch is still this worker's to answer: not canceled, not erased, not taken over."""
        return job.name not in self.lost_jobs

    def renew_until_done(self) -> None:
        while not self.batch_ended.wait(min(RENEW_CHECK_S, self.jobs.settings.lease_s / 3)):
            try:
                self.lost_jobs.update(self.jobs.renew(self.stage, self.batch))
            except RedisError as error:
                log.warning("leases of %s were not renewed: %s", self.stage, error)
            except Exception as error:  # noqa: BLE001 - the next renewal may be in time
                log.error("leases of %s were not renewed: %s", self.stage, safe_traceback(error))
