"""Looks for lost work, on a timer in every worker's parent process; harmless when several do it at once."""

import logging
from typing import Any

from celery import bootsteps
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from pipeline import child
from pipeline.app import TASKS, app, ring
from pipeline.jobs import PREFIX, Jobs
from pipeline.readiness import LoadedEngine, say, serving, unsay
from pipeline.settings import settings
from pipeline.store import HURRIED, connect

log = logging.getLogger("waijiao")
SWEEPING = f"{PREFIX}sweeping"
LONGEST_S = 5  # seconds that ringing all the bells of one look may take, before another worker looks as well


def look(jobs: Jobs) -> None:
    """One look: expired leases, overdue jobs, missing bells of every queue."""
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    ring(jobs.sweep({queue: prefix + queue for queue in TASKS}))


class Sweep(bootsteps.StartStopStep):
    """Looks every sweep_s while the worker lives, says that it lives, and sends for tidying up now and then."""

    requires = (LoadedEngine,)  # so that it stops before the pool does: a stopping worker is not ready

    def start(self, parent: Any) -> None:
        if not serving():
            return
        every = settings().sweep_s
        self.jobs = Jobs(connect(settings(), HURRIED), settings())  # the event loop must not wait for it
        self.timer = parent.timer.call_repeatedly(every, self.sweep, ())

    def stop(self, parent: Any) -> None:
        if not serving():
            return
        self.timer.cancel()
        try:
            unsay(self.jobs.redis, serving(), child.WORKER)
        except RedisError as error:
            log.warning("this worker counts as ready for a few seconds more: %s", error)

    terminate = stop

    def sweep(self) -> None:
        every = settings().sweep_s
        try:
            state = "ready" if child.state() == child.READY else "loading"
            say(self.jobs.redis, serving(), child.WORKER, state, 3 * every)
            if self.jobs.redis.set(SWEEPING, "1", nx=True, px=int((every + LONGEST_S) * 1000)):
                look(self.jobs)
                self.jobs.redis.pexpire(SWEEPING, int(every * 1000))
            if self.jobs.redis.set(f"{PREFIX}tidying", "1", nx=True, px=int(settings().orphan_s * 250)):
                app.signature("chores.tidy", immutable=True).apply_async()
        except (RedisError, OperationalError) as error:
            log.warning("the sweep will look again in %s s: %s", every, error)
