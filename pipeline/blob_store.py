"""Where audio bytes lie: a folder, behind five methods that an object store can fill as well.

A blob's name is `tenant/job/random`, made here and nowhere else: nothing that a client names becomes a path.
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

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){1,2}")
CHUNK = 1 << 20  # bytes copied at once


@dataclass(frozen=True)
class Blob:
    """A stored blob: its name, its size in bytes and its sha256 in hexadecimal."""

    name: str
    size: int
    sha256: str


def refusal(use: str, error: OSError) -> Unavailable:
    return Unavailable(f"The blob store cannot be {use}: {error.strerror}.")


@contextmanager
def disk_may_refuse(use: str) -> Iterator[None]:
    """Unavailable for whatever the disk says inside it, but that there is no such file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise refusal(use, error) from error


class FolderBlobs:
    """Blobs as files below one folder, written beside their place, synced, and renamed; never overwritten."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, job: str, source: IO[bytes]) -> Blob:
        """Keep the bytes of `source` for the job `tenant/id` under a new name. Unavailable when the disk refuses."""
        place = self.path(job) / secrets.token_hex(8)
        writing = place.with_suffix(".writing")
        digest = hashlib.sha256()
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with writing.open("xb") as file:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            writing.rename(place)
        except (OSError, WaijiaoError) as error:  # of the disk, or of what is read
            with suppress(OSError):  # a disk that cannot be written to may refuse this as well
                writing.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise refusal("written to", error) from error
            raise
        return Blob(f"{job}/{place.name}", size, digest.hexdigest())

    def open(self, name: str) -> BinaryIO:
        """The blob's bytes; FileNotFoundError when it was removed, Unavailable when the disk refuses."""
        with disk_may_refuse("read"):
            return self.path(name).open("rb")

    def delete(self, name: str) -> None:
        """Remove one blob; nothing happens when it is gone already."""
        self.path(name).unlink(missing_ok=True)

    def delete_job(self, job: str) -> None:
        """Remove every blob of the job `tenant/id`. Unavailable when the disk refuses."""
        with suppress(FileNotFoundError), disk_may_refuse("written to"):
            shutil.rmtree(self.path(job))

    def remove_orphans(self, wanted: Callable[[str], set[str]], older_than_s: float) -> None:
        """Remove every file that is older than `older_than_s` seconds and not among its job's `wanted` blobs."""
        limit = time.time() - older_than_s
        for folder in self.folder.glob("*/*/"):
            with suppress(FileNotFoundError):  # somebody else removed it meanwhile
                self._remove_orphans(folder, wanted, limit)

    def _remove_orphans(self, folder: Path, wanted: Callable[[str], set[str]], limit: float) -> None:
        unused = folder.stat().st_mtime < limit
        job = f"{folder.parent.name}/{folder.name}"
        old = [file for file in folder.iterdir() if file.stat().st_mtime < limit]
        needed = wanted(job) if old else set()
        for file in old:
            if f"{job}/{file.name}" not in needed:
                file.unlink()
        if unused and not any(folder.iterdir()):
            folder.rmdir()

    def path(self, name: str) -> Path:
        """Where a blob, or a job's folder of blobs, lies. ValueError for a name that was not made here."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a blob")
        return self.folder / name
