"""From what a source brought to a model's files: checked, complete, synced to disk; and what a broken fetch leaves."""

import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.model_downloads import Bench, SourceError
from pipeline.model_entries import LOCK, File, Model, lock_text
from pipeline.model_parts import Fetched, Opener, Parts, read
from pipeline.model_sources import KEPT

SPARE = 100_000_000  # bytes of a disk that stay free: logs, Redis and recordings live there too


def assemble(model: Model, parts: Parts, bench: Bench, done: int) -> Model:
    """Leave the model's files in room/files; `done` bytes were told before.

    Returns the model with the sha256 of each file. Raises SourceError when one is not what it should be.
    """
    target = bench.folder("files")
    found = []
    for file in model.files:
        found.append(_put(file, parts[file.name], target / file.name, bench, done))
        done += file.size
    sync(target)
    return replace(model, files=tuple(found))


def write_lock(model: Model, bench: Bench) -> None:
    """Leave beside the files which they are, so that they can be checked from now on."""
    path = bench.folder("files") / LOCK
    path.write_text(lock_text(model), encoding="utf-8")
    sync(path)


def check_room(model: Model, room: Path, download: int) -> None:
    """Raises ConfigurationError when the disk has not enough room for the model and what is downloaded besides."""
    needed = model.size + download + SPARE - _bytes_kept(room)
    free = shutil.disk_usage(room.parent).free
    if needed > free:
        raise ConfigurationError(
            f"model {model.name} needs {needed / 1e9:.1f} GB in {room.parent}, where {free / 1e9:.1f} GB are free; "
            "free some, or name a folder on another disk with WAIJIAO_MODELS"
        )


def tidy(room: Path) -> None:
    """Remove all but the files that a hub's client has fetched whole: the next fetch goes on with them."""
    for path in room.glob("*"):
        if path.name.startswith(KEPT) and any(each.is_file() for each in path.iterdir()):
            for half in path.rglob("*.incomplete"):  # the client never goes on with one that it left
                half.unlink(missing_ok=True)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):
        room.rmdir()


def sync(path: Path) -> None:
    """A file, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Checked:
    """Hashes what passes, and says whether it was the file that was meant."""

    def __init__(self, file: File) -> None:
        self.file, self.size = file, 0
        self.sha256 = hashlib.sha256()
        self.blob = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)  # what git calls a file

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.file.size:
            raise SourceError(f"{self.file.name} has more than {self.file.size} bytes")
        self.sha256.update(chunk)
        if not self.file.sha256:
            self.blob.update(chunk)

    def found(self) -> File:
        """The file with its sha256. Raises SourceError when it is another."""
        digest = self.sha256.hexdigest()
        same = digest == self.file.sha256 if self.file.sha256 else self.blob.hexdigest() == self.file.blob
        if not same or self.size != self.file.size:
            wrong = f"{self.size} of {self.file.size} bytes, sha256 {digest}"
            raise SourceError(f"{self.file.name} is not the file of the catalogue: {wrong}")
        return replace(self.file, sha256=digest, blob="")


def _put(file: File, parts: list[Opener], place: Path, bench: Bench, done: int) -> File:
    """Join the parts at this place; a file that was fetched whole for us is only given its name there."""
    checked = _Checked(file)
    match parts:
        case [Fetched(path)]:
            try:
                for chunk in read(parts):
                    checked.take(chunk)
                    bench.tell(done + checked.size)
                found = checked.found()
            except SourceError:
                path.unlink(missing_ok=True)  # else the next fetch would take it for whole
                raise
            try:
                os.link(path, place)
            except OSError:  # not every file system has links
                shutil.copyfile(path, place)
        case _:
            with place.open("xb") as out:
                for chunk in read(parts):
                    checked.take(chunk)
                    out.write(chunk)
                    bench.tell(done + checked.size)
            found = checked.found()
    sync(place)
    return found


def _bytes_kept(room: Path) -> int:
    return sum(path.stat().st_size for path in room.glob(f"{KEPT}*/*") if path.is_file())
