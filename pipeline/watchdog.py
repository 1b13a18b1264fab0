"""Ends a worker that takes no work although there is some and Redis lives, so that its supervisor starts it again."""

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

from celery import bootsteps
from celery.worker import state
from redis import Redis
from redis.exceptions import RedisError

from pipeline import child
from pipeline.app import app
from pipeline.same_store import SameStore
from pipeline.settings import settings
from pipeline.stopping import stopping
from pipeline.store import HURRIED, connect

log = logging.getLogger("waijiao")
TURN_S, LOOK_S = 0.5, 1.0  # seconds between two signs of life of the event loop; between two looks for them


@dataclass(frozen=True)
class Signs:
    """Of life: how often the event loop turned, how many messages were received, how many wait (None: no Redis)."""

    turns: int
    received: int
    waiting: int | None


class Watchdog(bootsteps.StartStopStep):
    """A thread of the parent that looks whether the parent's event loop turns and takes messages."""

    requires = (SameStore,)

    def start(self, parent: Any) -> None:
        self.turns = 0
        self.timer = parent.timer.call_repeatedly(TURN_S, self.turn, ())
        threading.Thread(target=self.watch, daemon=True).start()

    def stop(self, parent: Any) -> None:
        self.timer.cancel()

    terminate = stop

    def turn(self) -> None:
        self.turns += 1
        if child.state() == child.FAILED:
            raise SystemExit(1)  # a new child could not load the engine, and said why

    def watch(self) -> None:
        redis = connect(settings(), HURRIED)
        well, before = time.monotonic(), self.signs(redis)
        while True:
            time.sleep(LOOK_S)
            now = self.signs(redis)
            if takes_work(before, now):
                well = time.monotonic()
            elif time.monotonic() - well > settings().stall_s:
                end(f"takes nothing although Redis lives; messages waiting: {now.waiting}")
            before = now

    def signs(self, redis: "Redis") -> Signs:
        try:
            waiting = sum(redis.llen(queue) for queue in queues())
        except RedisError:
            waiting = None
        return Signs(self.turns, state.all_total_count[0], waiting)


def takes_work(before: Signs, now: Signs) -> bool:
    """Whether the worker took what there was to take since the last look, or has a reason not to."""
    due = now.waiting or state.reserved_requests
    took = not due or state.active_requests or now.received != before.received
    works = 0 < child.busy_s() < app.conf.task_time_limit + settings().stall_s
    excused = now.waiting is None or works or stopping() or child.state() == child.LOADING
    return excused or bool(took and now.turns != before.turns)


def queues() -> list[str]:
    """The Redis lists that this worker takes its messages from."""
    prefix: str = app.conf.broker_transport_options["global_keyprefix"]
    return [prefix + name for name in app.amqp.queues.consume_from]


def end(why: str) -> None:
    log.critical("this worker %s. It ends, to be started again.", why)
    child.kill()
    os._exit(1)
