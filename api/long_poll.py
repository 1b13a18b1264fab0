"""Requests that wait for a job to change: one Redis subscription wakes all waiting requests of a process."""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from redis.exceptions import RedisError

from pipeline.errors import safe_traceback
from pipeline.jobs.store import CHANGED_CHANNEL
from pipeline.redis_connection import connect
from pipeline.settings import Settings

T = TypeVar("T")
ALL = ""  # the group of all requests that wait
log = logging.getLogger("waijiao")
RECONNECT_S = 0.5  # seconds until a lost subscription is tried again
MESSAGE_TIMEOUT_S = 1.0  # seconds after which a silent subscription is checked
POLL_S = 5.0  # seconds after which a waiting request reads the job anyway, in case a message was lost


class JobChanges:
    """Wakes the requests that wait for a job.

    At most `most_waiting` requests may wait: each occupies a thread, and other requests need some threads too. Of these
    places the requests of one key get at most a quarter, and those of one tenant half, so that others can wait, too.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.waiting: dict[str, set[threading.Event]] = {}
        self.places = min(settings.most_waiting, settings.api_threads * 4 // 5)
        self.taken_places: Counter[str] = Counter()  # by ALL, by tenant and by tenant/key
        self.lock = threading.Lock()
        self.subscriber: threading.Thread | None = None

    @contextmanager
    def watch(self, name: str, key: str) -> Iterator[threading.Event | None]:
        """An event that is set at every change of the job `tenant/id`; None when too many requests wait already.

        `key` is the id of the caller's key; "" where none is needed, which is one user's own server.
        """
        tenant = name.partition("/")[0]
        limits = {ALL: self.places}
        if key:
            limits |= {tenant: math.ceil(self.places / 2), f"{tenant}/{key}": math.ceil(self.places / 4)}
        change_event = threading.Event()
        with self.lock:
            has_place = all(self.taken_places[group] < limit for group, limit in limits.items())
            if has_place:
                self.taken_places.update(limits.keys())
        if not has_place:
            yield None
            return
        with self.lock:
            self.waiting.setdefault(name, set()).add(change_event)
        try:
            self.start_subscriber()
            yield change_event
        finally:
            with self.lock:
                self.waiting[name].remove(change_event)
                if not self.waiting[name]:
                    del self.waiting[name]
                self.taken_places.subtract(limits.keys())
                self.taken_places = +self.taken_places  # forgets the groups that have none

    def start_subscriber(self) -> None:
        """Start the thread, if it does not run. Not earlier: it must live in the process that serves requests."""
        with self.lock:
            if self.subscriber is None:
                subscriber = threading.Thread(target=self.run, name="changes", daemon=True)
                subscriber.start()
                self.subscriber = subscriber

    def run(self) -> None:
        """Keep the subscription, in a thread of its own, while requests wait."""
        while self.is_needed():
            try:
                self.subscribe()
                continue
            except RedisError as error:
                if self.waiting:
                    log.warning("lost the Redis subscription; waiting requests fall back to polling: %s", error)
            except Exception as error:  # noqa: BLE001 - without this thread, all would only be polled, for ever
                log.error("the Redis subscription failed unexpectedly: %s", safe_traceback(error))
            self.wake_all()
            time.sleep(RECONNECT_S)

    def is_needed(self) -> bool:
        """Whether a request waits. If none does, the thread ends, and the next request that waits starts another."""
        with self.lock:
            if not self.waiting:
                self.subscriber = None
            return bool(self.waiting)

    def subscribe(self) -> None:
        """Wake whoever waits for the jobs that the subscription names, until nothing happens and nobody waits."""
        with connect(self.settings) as redis, redis.pubsub() as subscription:
            subscription.subscribe(CHANGED_CHANNEL)
            while True:
                message = subscription.get_message(timeout=MESSAGE_TIMEOUT_S)
                if message and message["type"] == "subscribe":
                    self.wake_all()  # for changes that happened before the subscription
                elif message:
                    self.wake([message["data"]])
                elif not self.waiting:
                    return

    def wake_all(self) -> None:
        with self.lock:
            names = list(self.waiting)
        self.wake(names)

    def wake(self, names: list[str]) -> None:
        with self.lock:
            for name in names:
                for change_event in self.waiting.get(name, ()):
                    change_event.set()


def wait_until(
    change_event: threading.Event | None, read_value: Callable[[], T], condition: Callable[[T], bool], timeout_s: float
) -> T:
    """What `read_value` returns as soon as it meets the condition, or after `timeout_s`; at once without an event."""
    deadline = time.monotonic() + timeout_s
    while True:
        if change_event:
            change_event.clear()
        value = read_value()
        left_s = deadline - time.monotonic()
        if change_event is None or left_s <= 0 or condition(value):
            return value
        change_event.wait(min(left_s, POLL_S))
