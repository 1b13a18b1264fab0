"""The files that a source has: each of a model's files consists of one part or several, which are joined."""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from pipeline.model_files.catalogue import CHUNK_BYTES, File, Model

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
FileParts = Mapping[str, list[Opener]]  # our file's name: the parts to join to get it
SourceNames = Mapping[str, tuple[str, ...]]  # our file's name: a source's names of its parts, in order


class SourceError(Exception):
    """Raised when one source cannot provide a model, with a reason of one line. The next source is tried."""


@dataclass(frozen=True)
class DownloadedFile:
    """A complete file that was downloaded for this fetch alone, so that it may be moved into the model's folder."""

    path: Path

    def __call__(self) -> IO[bytes]:
        return self.path.open("rb")


def source_names(file: File, names: SourceNames) -> tuple[str, ...]:
    """The source's names of the file's parts, in order."""
    return names.get(file.name, (file.name,))


def find_parts(folder: Path, model: Model, names: SourceNames) -> FileParts:
    """The parts of the model's files in this folder. Raises SourceError when one is missing."""
    paths = {file.name: [folder / name for name in source_names(file, names)] for file in model.files}
    missing = [path for parts in paths.values() for path in parts if not path.is_file()]
    if missing:
        raise SourceError(f"{missing[0]} is not there")
    return {name: [partial(_open_file, path) for path in parts] for name, parts in paths.items()}


def _open_file(path: Path) -> IO[bytes]:
    return path.open("rb")


def read_parts(parts: list[Opener]) -> Iterator[bytes]:
    """The bytes of a file that consists of these parts. Raises SourceError when one cannot be read."""
    for opener in parts:
        try:
            with opener() as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    yield chunk
        except (FileNotFoundError, PermissionError, zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(" ".join(str(error).split())) from error
