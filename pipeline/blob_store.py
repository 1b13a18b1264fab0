"""Stores audio as files in a folder. Its few methods could be implemented on an object store as well.

A blob's name is `tenant/job/random`, made only here: no name that a client gives becomes a path.
"""

import hashlib
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

from pipeline.errors import Unavailable, WaijiaoError

BLOB_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){1,2}")
CHUNK_BYTES = 1 << 20  # copied at once


@dataclass(frozen=True)
class Blob:
    """A stored blob: its name, its size in bytes and its sha256 in hexadecimal."""

    name: str
    size: int
    sha256: str


def unavailable(use: str, error: OSError) -> Unavailable:
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


class FolderBlobs:
    """Blobs as files below one folder: written under a temporary name, synced, then renamed; never overwritten."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, job: str, source: IO[bytes]) -> Blob:
        """Store the bytes of `source` for the job `tenant/id` under a new name. Raises Unavailable on a disk error."""
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

    def delete(self, name: str) -> None:
        """Remove one blob, if it still exists."""
        self.path(name).unlink(missing_ok=True)

    def delete_job(self, job: str) -> None:
        """Remove every blob of the job `tenant/id`. Raises Unavailable on a disk error."""
        with suppress(FileNotFoundError), disk_errors_as_unavailable("written to"):
            shutil.rmtree(self.path(job))

    def remove_orphans(self, find_needed: Callable[[str], set[str]], older_than_s: float) -> None:
        """Remove the files that are older than `older_than_s` seconds and not among those that their job needs.

        `find_needed` gets a job `tenant/id` and returns the names of its blobs.
        """
        limit = time.time() - older_than_s
        for folder in self.folder.glob("*/*/"):
            with suppress(FileNotFoundError):  # another process removed it meanwhile
                self._remove_orphans(folder, find_needed, limit)

    def _remove_orphans(self, folder: Path, find_needed: Callable[[str], set[str]], limit: float) -> None:
        is_old_folder = folder.stat().st_mtime < limit
        job = f"{folder.parent.name}/{folder.name}"
        old_files = [file for file in folder.iterdir() if file.stat().st_mtime < limit]
        needed_names = find_needed(job) if old_files else set()
        for file in old_files:
            if f"{job}/{file.name}" not in needed_names:
                file.unlink()
        if is_old_folder and not any(folder.iterdir()):
            folder.rmdir()

    def path(self, name: str) -> Path:
        """The path of a blob, or of a job's folder. Raises ValueError for a name that was not made by `put`."""
        if not BLOB_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a blob")
        return self.folder / name
