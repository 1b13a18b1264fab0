"""Free space on the disks: new work is refused while less than WAIJIAO_MIN_FREE_MB is left for what was accepted."""

import errno
import os
from pathlib import Path

from pipeline.errors import DiskFull
from pipeline.settings import Settings

MB = 1_000_000  # bytes
MIN_FREE_FILES = 1000  # that a file system must still have room for, where it has a limit
RETRY_AFTER_S = 10  # seconds after which a client may try again
COPIES = 2  # an upload is written to disk as it comes, and again as a blob
DISK_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def check_free_space(settings: Settings, upload_bytes: int = 0) -> None:
    """Raises DiskFull when an upload of this size would leave less than WAIJIAO_MIN_FREE_MB on a disk of ours."""
    needed_bytes = settings.min_free_mb * MB + COPIES * upload_bytes
    append_only_folder = settings.home / "redis"  # exists where the embedded Redis runs
    for folder in (existing_parent(settings.blobs_folder), append_only_folder):
        if folder.is_dir() and is_short_of_space(folder, needed_bytes):
            raise DiskFull(retry_after_s=RETRY_AFTER_S)


def is_short_of_space(folder: Path, needed_bytes: int) -> bool:
    """Whether less than `needed_bytes` are free on the folder's disk, or room for few more files."""
    disk = os.statvfs(folder)
    has_few_files_left = disk.f_files > 0 and disk.f_favail < MIN_FREE_FILES  # where there is no limit, f_files is 0
    return disk.f_bavail * disk.f_frsize < needed_bytes or (needed_bytes > 0 and has_few_files_left)


def existing_parent(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())
