"""Refuses a worker whose blob folder and Redis do not belong together, as when a host lacks the shared folder.

Both keep the store's id: Redis under a key, the folder in a file. Who comes first makes it, the file before the key.
"""

import os
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from celery import bootsteps
from celery.worker.state import maybe_shutdown
from redis import Redis
from redis.exceptions import RedisError

from pipeline import child
from pipeline.errors import ConfigurationError
from pipeline.jobs import PREFIX
from pipeline.readiness import LoadedEngine, serving
from pipeline.settings import settings
from pipeline.store import HURRIED, connect

FILE, KEY = "store-id", f"{PREFIX}store"
AGAIN_S = 0.5  # seconds between two attempts to reach a Redis that is gone


def belong_together(folder: Path, redis: "Redis") -> None:
    """Raises ConfigurationError when the blob folder is another one than that of the workers that came before."""
    known = cast(str | None, redis.get(KEY))  # before the file is looked for: it was written before the key
    try:
        own = read(folder) or ("" if known else make(folder))
    except OSError as error:
        raise ConfigurationError(f"WAIJIAO_BLOBS={folder} cannot be used: {error.strerror}.") from error
    if not own:
        raise ConfigurationError(
            f"WAIJIAO_BLOBS={folder} is not the folder that this Redis's jobs keep their audio in. Give every host the "
            f"same shared folder; or, if that folder is lost for good, run: redis-cli del {KEY}"
        )
    redis.set(KEY, own, nx=True)
    if redis.get(KEY) != own:
        raise ConfigurationError(
            f"WAIJIAO_BLOBS={folder} belongs to another Redis than WAIJIAO_REDIS_URL. Set both as on the other hosts; "
            f"or, to make them belong together from now on, run: redis-cli del {KEY}"
        )


def read(folder: Path) -> str:
    """The id in the folder; empty when there is none."""
    try:
        return (folder / FILE).read_text()
    except FileNotFoundError:
        return ""


def make(folder: Path) -> str:
    """The id that the folder has now: a new one, unless another worker was faster."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{FILE}.{secrets.token_hex(8)}"
    written.write_text(secrets.token_hex(16))
    with suppress(FileExistsError):
        os.link(written, folder / FILE)  # all of it or nothing, and never over another's
    written.unlink()
    return read(folder)


def wait_for_redis(redis: "Redis") -> None:
    while True:
        maybe_shutdown()
        try:
            redis.ping()
            return
        except RedisError:
            time.sleep(AGAIN_S)


class SameStore(bootsteps.StartStopStep):
    """Holds the start of a worker that reads or writes audio until its folder is known to be the right one."""

    requires = (LoadedEngine,)

    def start(self, parent: Any) -> None:
        if serving() == "llm":  # it has no audio to do with, and in a container no folder
            return
        with child.killed_at_exit():
            try:
                wait_for_redis(redis := connect(settings(), HURRIED))
                belong_together(settings().blobs_folder, redis)
            except ConfigurationError as error:
                print(f"waijiao: this worker cannot start: {error}", file=sys.stderr, flush=True)
                raise SystemExit(1) from None
