"""Celery's pool of child processes, that no unreadable message of a killed child can end."""

import logging
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool as CelerysTaskPool

log = logging.getLogger("waijiao")


class Pool(AsynPool):
    """Throws away what a dead child had said and cannot be read: what it did not commit is done again."""

    def process_flush_queues(self, proc: Any) -> None:
        try:
            super().process_flush_queues(proc)
        except Exception as error:  # noqa: BLE001 - half a pickle, or one whose beginning was read, can raise anything
            log.warning(
                "the last message of a dead child could not be read and was thrown away (%s)", type(error).__name__
            )


class TaskPool(CelerysTaskPool):
    """As worker_pool in celeryconfig.py."""

    Pool = Pool
