"""Keeps disk space for the embedded Redis, so that everything can be erased and keys be revoked when the disk is full.

Redis ends when it cannot write to its append-only file and has to sync every write. So that file owns RESERVE_BYTES
beyond its end, which no other program can take: enough for hours of the workers' own writes, and for erasing. When the
reserve is used up as well, Redis is set to sync every second: then it refuses to write, but can still be read.
"""

import ctypes
import errno
import logging
import os
import re
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

RESERVE_BYTES = 32 << 20
MIN_RESERVE_BYTES = 1 << 20  # with less, Redis must not end at a failed write
STEPS_BYTES = [RESERVE_BYTES >> halvings for halvings in range(6)]  # tried in this order until one has room
BLOCK_BYTES = 512  # the unit of st_blocks
FALLOC_FL_KEEP_SIZE = 1  # linux/falloc.h: the file's size stays, so that appending goes on where it ended
FILE_NAME = re.compile(r"appendonly\.aof(?:\.(\d+)\.incr\.aof)?")  # of Redis 6; of Redis 7, with a number that grows

log = logging.getLogger("waijiao")
libc = ctypes.CDLL(None, use_errno=True)


class RedisDisk:
    """The disk with the append-only file of the Redis that runs in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.can_reserve = hasattr(libc, "fallocate")
        self.options_sent: dict[str, str] = {}

    def options(self) -> dict[str, str]:
        """Redis's options for the disk as it is now: when to sync, and whether to rewrite the file when it has grown.

        A rewrite needs room for another file; while there is none, it would fail and be tried again all the time.
        """
        free_bytes = count_free_bytes(self.folder)
        writable_bytes, file_bytes = free_bytes, 0
        if file := self.find_file():
            writable_bytes += self.reserve_after(file)
            file_bytes = file.stat().st_size
        return {
            "appendfsync": "always" if writable_bytes >= MIN_RESERVE_BYTES else "everysec",
            "auto-aof-rewrite-percentage": "100" if free_bytes >= file_bytes else "0",
        }

    def keep_reserve(self, redis: "Redis") -> None:
        """Fill the reserve up, and tell the running Redis the options if they have changed."""
        try:
            options = self.options()
            if options != self.options_sent:
                for name, value in options.items():
                    redis.config_set(name, value)
                self.options_sent = options
        except (OSError, RedisError) as error:  # a file was just replaced, or Redis is starting: the next call succeeds
            log.info("the space that Redis needs on its disk was not checked: %s", error)

    def find_file(self) -> Path | None:
        """The file that Redis appends to; None before its first start."""
        files = {file: name for file in self.folder.rglob("appendonly*") if (name := FILE_NAME.fullmatch(file.name))}
        return max(files, key=lambda file: int(files[file][1] or 0), default=None)

    def reserve_after(self, file: Path) -> int:
        """The bytes that the file owns beyond its end, after it was given more if those are few."""
        state = file.stat()
        reserve_bytes = state.st_blocks * BLOCK_BYTES - state.st_size
        if reserve_bytes > RESERVE_BYTES // 2 or not self.can_reserve:
            return max(0, reserve_bytes)
        descriptor = os.open(file, os.O_WRONLY)
        try:
            for step_bytes in STEPS_BYTES:
                is_there = step_bytes <= reserve_bytes or self.allocate(descriptor, state.st_size, step_bytes)
                if is_there or not self.can_reserve:
                    break
        finally:
            os.close(descriptor)
        state = file.stat()
        return max(0, state.st_blocks * BLOCK_BYTES - state.st_size)

    def allocate(self, descriptor: int, offset: int, size: int) -> bool:
        """Whether the file owns these bytes now; False when the disk is too full, or the file system has no way."""
        arguments = (ctypes.c_int(FALLOC_FL_KEEP_SIZE), ctypes.c_int64(offset), ctypes.c_int64(size))
        if libc.fallocate(ctypes.c_int(descriptor), *arguments) == 0:
            return True
        if ctypes.get_errno() in {errno.EOPNOTSUPP, errno.ENOSYS}:
            log.warning(
                "%s: this file system cannot keep space for Redis, which stops writing on a full disk", self.folder
            )
            self.can_reserve = False
        return False


def count_free_bytes(folder: Path) -> int:
    """Bytes that this user may still write on the disk of a folder."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
