"""Looks for lost work, on a timer in every worker's parent process; harmless when several do it at once."""

import logging
import secrets
from typing import Any

from celery import bootsteps
from redis.exceptions import RedisError

from pipeline.app import app, ring
from pipeline.jobs import PREFIX, Jobs
from pipeline.readiness import announce, serving, unsay
from pipeline.record import STAGES
from pipeline.settings import settings
from pipeline.store import connect

log = logging.getLogger("waijiao")


def look(jobs: Jobs) -> None:
    """One look: expired leases, overdue jobs, missing bells."""
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    ring(jobs.sweep({stage: prefix + stage for stage in STAGES}))


class Sweep(bootsteps.StartStopStep):
    """Looks every sweep_s while the worker lives, says that it lives, and sends for tidying up now and then."""

    requires = ("celery.worker.components:Hub",)

    def start(self, parent: Any) -> None:
        if not serving():
            return
        every = settings().sweep_s
        self.jobs = Jobs(connect(settings()), settings())
        self.worker = secrets.token_hex(8)
        self.timer = parent.timer.call_repeatedly(every, self.sweep, ())

    def stop(self, parent: Any) -> None:
        if not serving():
            return
        self.timer.cancel()
        try:
            unsay(self.jobs.redis, serving(), self.worker)
        except RedisError as error:
            log.warning("this worker counts as ready for a few seconds more: %s", error)

    terminate = stop

    def sweep(self) -> None:
        every = settings().sweep_s
        try:
            announce(self.jobs.redis, self.worker, 3 * every)
            if self.jobs.redis.set(f"{PREFIX}sweeping", "1", nx=True, px=int(every * 1000)):
                look(self.jobs)
            if self.jobs.redis.set(f"{PREFIX}tidying", "1", nx=True, px=int(settings().orphan_s * 250)):
                app.signature("chores.tidy", immutable=True).apply_async()
        except (RedisError, app.connection_for_write().recoverable_connection_errors) as error:
            log.warning("the sweep will look again in %s s: %s", every, error)
