"""Celery's consumer and pool, changed where a lost Redis, a malformed message or a killed child would stop them."""

import logging
import warnings
from collections.abc import Callable, Generator
from functools import partial
from inspect import GEN_CLOSED, getgeneratorstate
from typing import Any
from weakref import WeakKeyDictionary

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.asynpool import ResultHandler as CeleryResultHandler
from celery.concurrency.prefork import TaskPool as CeleryTaskPool
from celery.exceptions import CPendingDeprecationWarning
from celery.worker.consumer import Consumer as CeleryConsumer
from kombu.message import Message
from redis.exceptions import RedisError

log = logging.getLogger("waijiao")
warnings.simplefilter("ignore", CPendingDeprecationWarning)  # of what celeryconfig.py decides
CONSUMER_RETRY_S = 2  # seconds between two attempts to reach a broker that is gone; kombu's own grow to 30


class Consumer(CeleryConsumer):
    """Reconnects soon after Redis is back. A message that cannot be read is dropped and logged without its content."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # what kombu raises on an item that is not a message; it is out of the queue by then, and reconnecting goes on
        self.connection_errors += (ValueError, TypeError, AttributeError, RecursionError)
        self.channel_errors += (RedisError,)  # such as "out of memory"

    def ensure_connected(self, connection: Any) -> Any:
        pace = {"interval_start": CONSUMER_RETRY_S, "interval_step": 0, "interval_max": CONSUMER_RETRY_S}
        connection.ensure_connection = partial(connection.ensure_connection, **pace)
        return super().ensure_connected(connection)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        handle = super().create_task_handler(*args, **kwargs)

        def handle_or_drop(message: Any) -> None:
            message.ack_log_error = lambda *_: (
                message.ack()
            )  # where this raises, kombu keeps the message and takes no more
            try:
                handle(message)
            except (RedisError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - a malformed message can raise anything
                self.drop(message, error)
                raise OSError("reconnecting, since that message may have left something half done") from None

        return handle_or_drop

    def drop(self, message: Any, error: Exception | None) -> None:
        log.error("dropped a malformed message from the queue (%s)", type(error).__name__)
        message.reject_log_error(log, self.connection_errors)

    def on_unknown_message(self, body: Any, message: Message) -> None:
        self.drop(message, None)

    def on_unknown_task(self, body: Any, message: Message, exc: Exception) -> None:
        self.drop(message, exc)

    on_invalid_task = on_unknown_task

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        self.drop(message, exc)


class ResultHandler(CeleryResultHandler):
    """Reads on after a lost connection where it stopped in a child's message.

    A message of more than 64 kB arrives in parts. Celery 5.7.0 keeps the generator that reads it nowhere but in
    `hub.readers`, which `hub.reset()` of kombu 5.7.0 clears: the next reader would take the rest for a new message, and
    every later result for a part of that.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # by child and not by descriptor, since the next child's may be the same
        self.readings: WeakKeyDictionary[Any, Generator[None, None, None]] = WeakKeyDictionary()

    def _recv_message(self, add_reader: Any, fd: int, *args: Any) -> Generator[None, None, None]:
        child = self.fileno_to_outq[fd]
        if not self.has_half_read(child):
            self.readings[child] = super()._recv_message(add_reader, fd, *args)
        return self.readings[child]

    def has_half_read(self, child: Any) -> bool:
        return child in self.readings and getgeneratorstate(self.readings[child]) != GEN_CLOSED

    def _finish_partial_read(self, fd: int, child: Any) -> bool:
        """At shutdown, where Celery looks for the generator in `hub.readers`."""
        if self.has_half_read(child):
            self._hub.readers[fd] = self.readings[child], ()
        return bool(super()._finish_partial_read(fd, child))


class Pool(AsynPool):
    """Drops the last message of a killed child when it cannot be read: what it did not commit is done again."""

    ResultHandler = ResultHandler

    def process_flush_queues(self, proc: Any) -> None:
        try:
            super().process_flush_queues(proc)
        except Exception as error:  # noqa: BLE001 - half a pickle, or one whose beginning was read, can raise anything
            log.warning(
                "dropped the last message of a killed child, which could not be read (%s)", type(error).__name__
            )


class TaskPool(CeleryTaskPool):
    """Named by worker_pool in celeryconfig.py."""

    Pool = Pool
