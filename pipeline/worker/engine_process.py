"""A worker's child process, which runs the engine: loading it, and what the parent knows about it.

A worker is a parent that talks to the broker and one forked child that computes. The parent never imports a model
library. What the child tells its parent goes through shared memory, which outlives a child that is killed.
"""

import multiprocessing
import os
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pipeline.errors import WaijiaoError
from pipeline.settings import settings
from pipeline.worker.engine_loader import import_name

LOADING, READY, FAILED = 0, 1, 2  # states of a child


class EngineProcess:
    """The child of this worker, seen from both sides of the fork. Made in the parent; every child inherits it.

    `stage` is the stage it serves, "" for a worker without one; `engine_class` is the 'module:Class' that the child
    loads, "" for none. `worker` is the worker's name, the same in the parent and in each of its children.
    """

    def __init__(self, stage: str = "", engine_class: str = "") -> None:
        self.stage = stage
        self.engine_class = engine_class
        self.worker = secrets.token_hex(8)
        self.engine: Any = None
        fork = multiprocessing.get_context("fork")  # raw values: a killed child would never release a lock
        self._pid, self._state, self._busy_since = fork.RawValue("i"), fork.RawValue("i"), fork.RawValue("d")

    # --- in the child

    def load(self, **_: object) -> None:
        """Load the engine in a new child. Celery would log an exception and take jobs, so a failure ends the child."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # sent to all processes of a worker; the parent handles it
        self._busy_since.value = 0
        self._pid.value = os.getpid()
        if self.state == FAILED:  # an earlier child could not load it, so the parent is about to end
            time.sleep(1)
            os._exit(1)
        self._state.value = LOADING
        try:
            self.engine = import_name(self.engine_class)(settings()) if self.engine_class else None
            self._state.value = READY
        except WaijiaoError as error:
            self.fail(str(error))
        except Exception:  # noqa: BLE001 - the boundary: printed whole, then the worker ends
            self.fail(f"\n{traceback.format_exc()}")
        if self.state == FAILED:
            os._exit(1)

    def fail(self, reason: str) -> None:
        """Print why the engine cannot be loaded; the parent then ends the worker."""
        print(f"waijiao: the {self.stage} worker cannot start: {reason}", file=sys.stderr, flush=True)
        self._state.value = FAILED

    @contextmanager
    def working(self) -> Iterator[None]:
        """Inside it the parent sees that the child is at work."""
        self._busy_since.value = time.monotonic()
        try:
            yield
        finally:
            self._busy_since.value = 0

    # --- in the parent

    @property
    def state(self) -> int:
        """LOADING, READY or FAILED: what the latest child reported."""
        return int(self._state.value)

    def busy_s(self) -> float:
        """For how many seconds the child has been working on its present batch; 0 when it is idle."""
        since = self._busy_since.value
        return time.monotonic() - since if since else 0

    def kill(self) -> None:
        """End the child at once, whatever it does."""
        if self._pid.value:
            with suppress(ProcessLookupError):
                os.kill(self._pid.value, signal.SIGKILL)

    @contextmanager
    def killed_at_exit(self) -> Iterator[None]:
        """While the parent starts: an exception that ends the start ends the child, for which Celery would wait."""
        try:
            yield
        except BaseException:
            self.kill()
            raise
