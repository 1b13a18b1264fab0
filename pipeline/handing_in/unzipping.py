"""Recordings out of a ZIP that nobody vouches for, one at a time; nothing is written to where the ZIP says.

One bad entry is refused by its name and stops nothing else. What a hostile ZIP tries, and what it meets:

- names that lead elsewhere, or mislead the eye: they are labels, shown cleaned (zip_names), and never a path;
- links and devices, encryption, archives in archives, compressions that are seldom met: refused (zip_checks);
- bombs: an entry may not be longer than it declares (zip_reading); what it declares has bounds, for one, for all, and
  in proportion to the ZIP itself; no two may share bytes;
- a directory without end: it is read only as far as a class may have files (zip_reading);
- damage: a checksum, a size or a structure that is wrong raises BadArchive (zip_reading).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from pipeline.errors import WaijiaoError
from pipeline.handing_in import zip_checks, zip_names
from pipeline.handing_in.recording_names import is_clutter
from pipeline.handing_in.zip_reading import directory, inflated

RATIO = 100  # bytes in all for one byte of the ZIP, of which Deflate can make 1,032: speech gives up to 10
ALWAYS = 64_000_000  # bytes in all that it may have in any case, so that short silent recordings are taken


@dataclass(frozen=True)
class Limits:
    """How much is taken: files with folders and all, bytes of one, bytes of all, as they are when inflated."""

    files: int
    entry_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Member:
    """A file of the archive: its label, the bytes that it declares and never exceeds. It may be opened repeatedly."""

    name: str
    size: int
    archive: ZipFile = field(repr=False)
    entry: ZipInfo = field(repr=False)

    def open(self) -> BinaryIO:
        """Its bytes; reading raises BadArchive where they are damaged, at the end at the latest."""
        return inflated(self.archive, self.entry)


@dataclass(frozen=True)
class Refused:
    """A file of the archive that is not taken, and why."""

    name: str
    code: str
    detail: str


def members(file: BinaryIO, limits: Limits) -> Iterator[Member | Refused]:
    """Every file of the ZIP in `file`, which stays open meanwhile; folders and clutter are passed over.

    Raises BadArchive and TooManyFiles at once. All may be listed before the first is opened.
    """
    room = min(limits.total_bytes, max(ALWAYS, RATIO * file.seek(0, os.SEEK_END)))
    return listed(directory(file, limits.files), limits.entry_bytes, room)


def listed(archive: ZipFile, most: int, room: int) -> Iterator[Member | Refused]:
    """The files of at most `most` bytes each, as far as there is `room` for them."""
    entries = archive.infolist()
    shared = zip_checks.overlapping(entries)
    for entry, name in zip(entries, zip_names.labels(entries), strict=True):
        if zip_checks.is_folder(entry) or is_clutter(name):
            continue
        try:
            zip_checks.refuse(entry, entry.header_offset in shared)
            zip_checks.refuse_size(entry, most, room)
            with inflated(archive, entry) as start:
                zip_checks.refuse_archive(start.read(zip_checks.HEAD))
        except WaijiaoError as error:
            yield Refused(name, error.code, error.detail)
        else:
            room -= entry.file_size
            yield Member(name, entry.file_size, archive, entry)
