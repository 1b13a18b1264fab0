"""How a worker ends when it is told to: the work in hand may finish for shutdown_s seconds, then it is handed back."""

import logging
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

from celery import bootsteps
from celery.worker import state
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from pipeline import child
from pipeline.app import ring
from pipeline.jobs import Jobs
from pipeline.settings import settings
from pipeline.store import HURRIED, connect

log = logging.getLogger("waijiao")
LAST_S = 3.0  # seconds that handing back, and Celery's own end, may take at most


class Stopping(bootsteps.StartStopStep):
    """Takes SIGTERM and SIGINT (finish what is in hand) and SIGQUIT (hand it back at once) from Celery.

    Celery's warm shutdown waits for ever, its soft one sleeps all its time, and both hang when Redis does.
    """

    requires = ("celery.worker.components:Hub",)

    def start(self, parent: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, stop)


def stop(number: int, frame: FrameType | None) -> None:
    """Take no more work: Celery ends when the work in hand is done. The thread sees to it that this does not last."""
    state.should_stop = os.EX_OK
    patience_s = 0 if number == signal.SIGQUIT else settings().shutdown_s
    threading.Thread(target=end_after, args=(patience_s,), daemon=True).start()


def stopping() -> bool:
    """Whether this worker was told to stop."""
    return state.should_stop is not None


def end_after(patience_s: float) -> None:
    time.sleep(patience_s)
    last = threading.Timer(LAST_S, os._exit, (os.EX_OK,))
    last.daemon = True
    last.start()
    hand_back()
    child.kill()  # Celery's end waits for nothing else, unless Redis hangs


def hand_back() -> None:
    """Give up what this worker holds, so that another may take it at once; what its child still says is refused."""
    try:
        ring(Jobs(connect(settings(), HURRIED), settings()).release(child.WORKER))
    except (RedisError, OperationalError) as error:
        log.warning("the work in hand was not handed back; the sweep will take it: %s", error)
