"""A worker's child process, as its parent sees it: whether its engine is loaded, since when it works, how to end it."""

import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

WORKER = secrets.token_hex(8)  # this worker's name, made in the parent; its children share it

LOADING, READY, FAILED = 0, 1, 2
_fork = multiprocessing.get_context("fork")
_pid, _state = _fork.RawValue("i"), _fork.RawValue("i")  # raw: a killed child would never give a lock back
_since = _fork.RawValue("d")


def begin() -> None:
    """In a new child: say that it is there. It leaves a SIGTERM that all processes of a worker get to its parent."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _since.value = 0
    _pid.value = os.getpid()


def say(state: int) -> None:
    """In the child: tell the parent LOADING, READY or FAILED."""
    _state.value = state


def state() -> int:
    """What the latest child said."""
    return int(_state.value)


@contextmanager
def working() -> Iterator[None]:
    """In the child: inside it the parent sees that there is work."""
    _since.value = time.monotonic()
    try:
        yield
    finally:
        _since.value = 0


def busy_s() -> float:
    """For how many seconds the child has been working on what it works on now; 0 when it does not."""
    since = _since.value
    return time.monotonic() - since if since else 0


def kill() -> None:
    """In the parent: end the child at once, whatever it does."""
    if _pid.value:
        with suppress(ProcessLookupError):
            os.kill(_pid.value, signal.SIGKILL)


@contextmanager
def killed_at_exit() -> Iterator[None]:
    """In the parent, while it starts: what ends the start ends the child, for which Celery would wait."""
    try:
        yield
    except BaseException:
        kill()
        raise
