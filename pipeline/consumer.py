"""Celery's consumer, that comes back soon after Redis does, and that no message can stop."""

import logging
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from celery.worker.consumer import Consumer as CelerysConsumer
from kombu.message import Message
from redis.exceptions import RedisError

log = logging.getLogger("waijiao")
warnings.simplefilter("ignore", CPendingDeprecationWarning)  # of what celeryconfig.py decides
AGAIN_S = 2  # seconds between two attempts to reach a broker that is gone; kombu's own grow to 30


class Consumer(CelerysConsumer):
    """Whatever lies in a queue and is no bell is removed, and logged without its content."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # what kombu raises on an item that is no message; it is out of the queue by then, and connecting anew goes on
        self.connection_errors += (ValueError, TypeError, AttributeError, RecursionError)
        self.channel_errors += (RedisError,)  # such as that there is no memory

    def ensure_connected(self, connection: Any) -> Any:
        pace = {"interval_start": AGAIN_S, "interval_step": 0, "interval_max": AGAIN_S}
        connection.ensure_connection = partial(connection.ensure_connection, **pace)
        return super().ensure_connected(connection)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        handle = super().create_task_handler(*args, **kwargs)

        def handle_or_remove(message: Any) -> None:
            message.ack_log_error = lambda *_: message.ack()  # raised: kombu keeps one that fails, and takes no more
            try:
                handle(message)
            except (RedisError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - garbage can break anything
                self.remove(message, error)
                raise OSError("connecting anew, for that message may have left something half done") from None

        return handle_or_remove

    def remove(self, message: Any, error: Exception | None) -> None:
        log.error("a message that is no bell was removed from the queue (%s)", type(error).__name__)
        message.reject_log_error(log, self.connection_errors)

    def on_unknown_message(self, body: Any, message: Message) -> None:
        self.remove(message, None)

    def on_unknown_task(self, body: Any, message: Message, exc: Exception) -> None:
        self.remove(message, exc)

    on_invalid_task = on_unknown_task

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        self.remove(message, exc)
