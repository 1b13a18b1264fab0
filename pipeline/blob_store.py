"""Stores audio as files in a folder. Its few methods could be implemented on an object store as well.

A blob's name is `tenant/job/random`, made only here: no name that a client gives becomes a path.
"""

import errno
import hashlib
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from pipeline.disk_space import DISK_FULL_ERRORS, RETRY_AFTER_S
from pipeline.errors import BrokenRecord, DiskFull, Unavailable, WaijiaoError

log = logging.getLogger("waijiao")
BLOB_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){1,2}")
CHUNK_BYTES = 1 << 20  # copied at once
MAX_REMOVALS = 5  # attempts to remove a folder in which files are still written


@dataclass(frozen=True)
class Blob:
    """A stored blob: its name, its size in bytes and its sha256 in hexadecimal."""

    name: str
    size: int
    sha256: str


def unavailable(use: str, error: OSError) -> Unavailable:
    if error.errno in DISK_FULL_ERRORS:
        return DiskFull(retry_after_s=RETRY_AFTER_S)
    return Unavailable(f"The blob store cannot be {use}: {error.strerror}.")


@contextmanager
def disk_errors_as_unavailable(use: str) -> Iterator[None]:
    """Raises Unavailable in place of any OSError, except FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unavailable(use, error) from error


def is_there(folder: Path) -> bool:
    """Raises OSError if that cannot be known, where Path.exists says that it is not."""
    try:
        folder.lstat()
    except FileNotFoundError:
        return False
    return True


def subfolders(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted; none when it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
    except OSError as error:
        log.error("%s cannot be looked through: %s", folder, error.strerror)
        return []


class FolderBlobs:
    """Blobs as files below one folder: written under a temporary name, synced, then renamed; never overwritten."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, job: str, source: IO[bytes]) -> Blob:
        """Store the bytes of `source` for the job `tenant/id` under a new name. Raises Unavailable on a disk error.

        That is DiskFull when there is no space.
        """
        path = self.path(job) / secrets.token_hex(8)
        temporary = path.with_suffix(".temporary")
        digest = hashlib.sha256()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                while chunk := source.read(CHUNK_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            temporary.rename(path)
        except (OSError, WaijiaoError) as error:  # the disk failed, or reading `source` did
            with suppress(OSError):  # a failing disk may fail here, too
                temporary.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise unavailable("written to", error) from error
            raise
        return Blob(f"{job}/{path.name}", size, digest.hexdigest())

    def open(self, name: str) -> BinaryIO:
        """Open the blob. Raises FileNotFoundError when it was removed, Unavailable on a disk error."""
        with disk_errors_as_unavailable("read"):
            return self.path(name).open("rb")

    def exists(self, name: str) -> bool:
        """Whether the blob is still there; no blob has the name ""."""
        with disk_errors_as_unavailable("read"):
            return bool(name) and is_there(self.path(name))

    def count(self, job: str) -> int:
        """How many blobs the job `tenant/id` has."""
        folder = self.path(job)
        with disk_errors_as_unavailable("read"):
            return sum(path.suffix != ".temporary" for path in folder.iterdir()) if is_there(folder) else 0

    def delete(self, name: str) -> None:
        """Remove one blob, if it still exists."""
        self.path(name).unlink(missing_ok=True)

    def delete_job(self, job: str) -> None:
        """Remove every blob of the job `tenant/id`. Raises Unavailable on a disk error.

        A worker may just be writing one, whose result is refused later: then the folder is not empty when it should be,
        or a file has another name than when it was listed.
        """
        folder = self.path(job)
        with disk_errors_as_unavailable("written to"):
            for _ in range(MAX_REMOVALS):
                if not is_there(folder):
                    return
                try:
                    shutil.rmtree(folder)
                except OSError as error:
                    if error.errno not in {errno.ENOTEMPTY, errno.ENOENT}:
                        raise
            if is_there(folder):
                raise OSError(errno.ENOTEMPTY, "files are still being written")

    def remove_orphans(
        self,
        find_needed: Callable[[str], set[str]],
        older_than_s: float,
        after: str = "",
        walk_s: float = float("inf"),
    ) -> str:
        """Remove the files that are older than `older_than_s` seconds and not among those that their job needs.

        `find_needed` gets a job `tenant/id` and returns the names of its blobs. The folders are looked through in the
        order of their jobs' names, those behind `after`, for `walk_s` seconds. Returns the last job that was reached,
        behind which the next call goes on; "" when there are no more. A folder that cannot be read stops no other.
        """
        limit, deadline = time.time() - older_than_s, time.monotonic() + walk_s
        failure_count, reached = 0, ""
        for job in self.jobs_after(after):
            if reached and time.monotonic() > deadline:
                break
            reached = job
            try:
                self._remove_orphans(self.folder / job, find_needed, limit)
            except FileNotFoundError:  # another process removed it meanwhile
                continue
            except OSError as error:
                failure_count += 1
                log.warning("the folder %s was passed over: %s", job, error.strerror)
            except BrokenRecord as error:  # its audio stays for as long as the record does
                failure_count += 1
                log.warning("the folder %s was passed over: %s", job, error)
        else:
            reached = ""
        if failure_count:
            log.error("%s folders of recordings and answers were passed over.", failure_count)
        return reached

    def jobs_after(self, name: str) -> Iterator[str]:
        """The jobs that have a folder and whose names come after `name`, in their order."""
        for tenant in subfolders(self.folder):
            if tenant >= name.partition("/")[0]:
                for job in subfolders(self.folder / tenant):
                    is_behind = tenant > name.partition("/")[0] or f"{tenant}/{job}" > name
                    if is_behind and BLOB_NAME.fullmatch(f"{tenant}/{job}"):  # else it is none that `put` made
                        yield f"{tenant}/{job}"

    def _remove_orphans(self, folder: Path, find_needed: Callable[[str], set[str]], limit: float) -> None:
        is_old_folder = folder.stat().st_mtime < limit
        job = f"{folder.parent.name}/{folder.name}"
        old_files = [file for file in folder.iterdir() if file.lstat().st_mtime < limit]
        needed_names = find_needed(job) if old_files else set()
        for file in old_files:
            if f"{job}/{file.name}" not in needed_names:
                if file.is_dir() and not file.is_symlink():
                    shutil.rmtree(file)
                else:
                    file.unlink()
        if is_old_folder and not any(folder.iterdir()):
            folder.rmdir()

    def path(self, name: str) -> Path:
        """The path of a blob, or of a job's folder. Raises ValueError for a name that was not made by `put`."""
        if not BLOB_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a blob")
        return self.folder / name
