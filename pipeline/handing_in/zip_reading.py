"""Bytes of a ZIP that nobody vouches for: never more at once than is expected, damage under its own name."""

import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import IO, BinaryIO, cast
from zipfile import BadZipFile, ZipFile, ZipInfo

from pipeline.errors import BadArchive, TooManyFiles

CHUNK = 1 << 16  # bytes of an entry in memory at once
TAIL = 1 << 17  # bytes, enough for the end record with the longest comment, which zipfile reads at once
PER_FILE = 512  # bytes of the directory for one file: 46, its path, extra fields


class Outside(BadZipFile, OSError):
    """Raised when zipfile looks where the file is not. It expects an OSError there, as of a file."""


class Guarded:
    """What zipfile reads an archive from. It would read the whole directory at once, however large that says it is."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.file, self.most = file, most
        self.size = file.seek(0, os.SEEK_END)

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(min(size, self.most + 1) if size >= 0 else self.most + 1)
        if len(data) > self.most:
            raise TooManyFiles
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.size}[whence]
        if not 0 <= start + offset <= self.size:
            raise Outside
        return self.file.seek(start + offset)

    def tell(self) -> int:
        return self.file.tell()

    def seekable(self) -> bool:
        return True


def directory(file: BinaryIO, files: int) -> ZipFile:
    """The archive in `file` with all its entries; raises BadArchive, and TooManyFiles if it has more than `files`."""
    guarded = Guarded(file, TAIL + files * PER_FILE)
    with undamaged():
        archive = ZipFile(cast(IO[bytes], guarded))
    if len(archive.infolist()) > files:
        raise TooManyFiles(f"The ZIP has {len(archive.infolist()):,} files: at most {files:,} are taken at once.")
    return archive


@contextmanager
def undamaged() -> Iterator[None]:
    """What zipfile raises over bytes that it cannot read, as BadArchive."""
    try:
        yield
    except (BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, zlib.error):
        raise BadArchive from None


class Inflated(io.RawIOBase):
    """An entry's bytes, as many as it declares and with the checksum that it declares; else BadArchive is raised."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self.source, self.left = source, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        with undamaged():
            chunk = self.source.read(len(buffer))
        self.left -= len(chunk)
        if self.left < 0 or (self.left > 0 and not chunk):
            raise BadArchive("The file has another size than the ZIP says.")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self.source.close()
        super().close()


def inflated(archive: ZipFile, entry: ZipInfo) -> BinaryIO:
    """A file to read the entry from. What is damaged shows at its end at the latest: read until nothing comes."""
    longer = copy(entry)
    longer.file_size += 1  # or else zipfile would drop what is more, and say nothing
    with undamaged():
        source = archive.open(longer)
    return io.BufferedReader(Inflated(source, entry.file_size), CHUNK)
