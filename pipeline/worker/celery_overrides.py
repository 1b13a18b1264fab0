"""Celery's consumer and pool, changed where a lost Redis, a malformed message or a killed child would stop them."""

import logging
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.concurrency.asynpool import AsynPool
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


class Pool(AsynPool):
    """Drops the last message of a killed child when it cannot be read: what it did not commit is done again."""

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
