"""Requests that wait for a job to change: one Redis subscription wakes all of a process."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from redis.exceptions import RedisError

from pipeline.jobs.store import CHANGED_CHANNEL
from pipeline.redis_connection import connect
from pipeline.settings import Settings

T = TypeVar("T")
log = logging.getLogger("waijiao")
RECONNECT_S = 0.5  # seconds until a lost subscription is tried again
LISTEN_S = 1.0  # seconds after which a silent subscription is looked after
POLL_S = 5.0  # seconds after which a waiting request looks for itself, should a message be lost


class Changes:
    """Wakes whoever waits for a job. At most `most_waiting` may: each holds a thread, and others need some as well."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.waiting: dict[str, set[threading.Event]] = {}
        most = min(settings.most_waiting, settings.api_threads * 4 // 5)
        self.places = threading.BoundedSemaphore(most)
        self.lock = threading.Lock()
        self.listener: threading.Thread | None = None

    @contextmanager
    def of(self, name: str) -> Iterator[threading.Event | None]:
        """Set at every change of the job `tenant/id` from now on; None when too many wait already."""
        if not self.places.acquire(blocking=False):
            yield None
            return
        changed = threading.Event()
        with self.lock:
            self.waiting.setdefault(name, set()).add(changed)
            if self.listener is None:  # not before: it must live in the process that serves requests
                self.listener = threading.Thread(target=self.listen, name="changes", daemon=True)
                self.listener.start()
        try:
            yield changed
        finally:
            with self.lock:
                self.waiting[name].remove(changed)
                if not self.waiting[name]:
                    del self.waiting[name]
            self.places.release()

    def listen(self) -> None:
        while True:
            try:
                self.hear()
            except RedisError as error:
                log.warning("nobody hears what changes in Redis until it is there again: %s", error)
            self.wake(list(self.waiting))
            time.sleep(RECONNECT_S)

    def hear(self) -> None:
        """Wake those who wait for what the subscription says, until it breaks."""
        with connect(self.settings).pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(CHANGED_CHANNEL)
            while True:
                message = subscription.get_message(timeout=LISTEN_S)
                if message and message["type"] == "subscribe":
                    self.wake(list(self.waiting))  # what happened before it was said to nobody
                elif message:
                    self.wake([message["data"]])

    def wake(self, names: list[str]) -> None:
        with self.lock:
            for name in names:
                for changed in self.waiting.get(name, ()):
                    changed.set()


def wait_until(
    changed: threading.Event | None, read: Callable[[], T], enough: Callable[[T], bool], seconds: float
) -> T:
    """What `read` gives as soon as it is `enough`, or what it gives after `seconds`; at once when nobody may wait."""
    deadline = time.monotonic() + seconds
    while True:
        if changed:
            changed.clear()
        found = read()
        left = deadline - time.monotonic()
        if changed is None or left <= 0 or enough(found):
            return found
        changed.wait(min(left, POLL_S))
