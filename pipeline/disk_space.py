"""Free space on the disks: new work is refused while less than WAIJIAO_MIN_FREE_MB is left for what was accepted."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import DiskFull
from pipeline.settings import Settings

MB = 1_000_000  # bytes
MIN_FREE_FILES = 1000  # that a file system must still have room for, where it has a limit
RETRY_AFTER_S = 10  # seconds after which a client may try again
COPIES = 2  # an upload is written to disk as it comes, and again as a blob
LOW_FACTOR = 5  # a disk is nearly full below this many times WAIJIAO_MIN_FREE_MB
DISK_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


DiskState = Literal["enough", "low", "full"]  # full: new work is refused
DISK_STATES: tuple[DiskState, ...] = ("enough", "low", "full")  # from the best to the worst


@dataclass(frozen=True)
class DiskSpace:
    """The disk of one of our folders: how many bytes are free, and how many must be, or new work is refused."""

    folder: Path
    state: DiskState
    free_bytes: int
    needed_bytes: int


def measure_disks(settings: Settings) -> list[DiskSpace]:
    """The disks that accepted work is written to."""
    return [measure_disk(folder, settings.min_free_mb * MB) for folder in list_folders(settings)]


def measure_disk(folder: Path, needed_bytes: int) -> DiskSpace:
    state: DiskState = "enough"
    if is_short_of_space(folder, max(1, needed_bytes)):
        state = "full"
    elif is_short_of_space(folder, LOW_FACTOR * needed_bytes):
        state = "low"
    disk = os.statvfs(folder)
    return DiskSpace(folder, state, disk.f_bavail * disk.f_frsize, needed_bytes)


def find_fullest(disks: list[DiskSpace]) -> DiskSpace:
    """The disk in the worst state; of several, the one with the fewest free bytes."""
    return max(disks, key=lambda disk: (DISK_STATES.index(disk.state), -disk.free_bytes))


def list_folders(settings: Settings) -> list[Path]:
    """Existing folders on the disks of the blobs and of the embedded Redis, if that runs here."""
    redis_folder = settings.home / "redis"
    return [existing_parent(settings.blobs_folder), *([redis_folder] if redis_folder.is_dir() else [])]


def check_free_space(settings: Settings, upload_bytes: int = 0) -> None:
    """Raises DiskFull when an upload of this size would leave less than WAIJIAO_MIN_FREE_MB on a disk of ours."""
    needed_bytes = settings.min_free_mb * MB + COPIES * upload_bytes
    for folder in list_folders(settings):
        if is_short_of_space(folder, needed_bytes):
            raise DiskFull(retry_after_s=RETRY_AFTER_S)


def is_short_of_space(folder: Path, needed_bytes: int) -> bool:
    """Whether less than `needed_bytes` are free on the folder's disk, or room for few more files."""
    disk = os.statvfs(folder)
    has_few_files_left = disk.f_files > 0 and disk.f_favail < MIN_FREE_FILES  # where there is no limit, f_files is 0
    return disk.f_bavail * disk.f_frsize < needed_bytes or (needed_bytes > 0 and has_few_files_left)


def existing_parent(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())
