"""Read the files of an untrusted ZIP, one at a time; nothing is written to the paths in it.

A bad file is refused by its name, and the others are read. What a hostile ZIP may try, and the defence:

- names that lead out of the folder, or mislead the reader: they are shown cleaned, and never used as a path;
- links and devices, encryption, archives in archives, rare compressions: refused (`check_entry`, `check_content`);
- bombs: a file may not be longer than it declares; what it declares is bounded, for one file, for all, and in
  proportion to the ZIP itself; no two files may share bytes (`check_size`, `EntryReader`, `find_overlapping`);
- an endless directory: it is read only as far as a class may have files (`BoundedFile`);
- damage: a wrong checksum, size or structure raises BadArchive, when the ZIP or when the file is read.
"""

import io
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pipeline.errors import (
    BadArchive,
    EmptyArchive,
    Encrypted,
    NestedArchive,
    NotAudio,
    TooLarge,
    TooManyFiles,
    WaijiaoError,
)
from pipeline.homework.assignments import Student
from pipeline.homework.encodings import choose_encoding_of_names, decode_first
from pipeline.homework.filenames import display_path, is_clutter
from pipeline.homework.match_students import NameIndex, find_owner
from pipeline.text.characters import can_decode, is_gb18030

MAX_EXPANSION = 100  # bytes in all for one byte of the ZIP, of which Deflate can make 1,032: speech gives up to 10
MIN_TOTAL_BYTES = 64_000_000  # that any ZIP may have in all, so that short silent recordings are taken
CHUNK_BYTES = 1 << 16  # of a file in memory at once

# Numbers of PKWARE's APPNOTE.TXT, with its sections.
ENTRY_HEADER_BYTES = 30  # of a file's own header without its name (4.3.7)
UTF_8_FLAG = 1 << 11  # the name is UTF-8 (4.4.4); of other names zipfile takes every byte for one of cp437
ENCRYPTION_FLAGS = 1 << 0 | 1 << 6 | 1 << 13  # of every sort of encryption (4.4.4)
UNICODE_PATH_FIELD = 0x7075  # extra field with the name in UTF-8 (4.6.9)
END_RECORD_BYTES = 1 << 17  # enough for the end record with the longest comment, which zipfile reads at once (4.3.16)
DIRECTORY_BYTES_PER_FILE = 512  # 46, its path, extra fields (4.3.12)

ARCHIVE_BY_MAGIC = {
    b"PK\3\4": "a ZIP",
    b"PK\5\6": "a ZIP",
    b"PK\7\10": "a ZIP",
    b"Rar!\x1a\7": "a RAR",
    b"7z\xbc\xaf\x27\x1c": "a 7z",
    b"\x1f\x8b": "a gzip",
    b"BZh": "a bzip2",
    b"\xfd7zXZ\0": "an xz",
    b"\x28\xb5\x2f\xfd": "a Zstandard",
    b"MSCF": "a CAB",
}
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", slice(257, 262)
MAGIC_BYTES = 512  # from the start of a file, which `check_content` needs

# Documents that are ZIPs: by their endings, or by their parts (ECMA-376 part 2, 7.2; OpenDocument part 2, 3.3).
DOCUMENT_ENDING = re.compile(
    r"\.(docx|docm|dotx|xlsx|xlsm|pptx|pptm|ppsx|od[tspg]|pages|numbers|key|epub|xmind|apk|jar)\s*$", re.IGNORECASE
)
DOCUMENT_PARTS = ("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF", "Index/Document.iwa")
DOCUMENT_DETAIL = "It is a document, not a recording."


@dataclass(frozen=True)
class ZipLimits:
    """How much is accepted: entries, folders included; bytes of one file, and of all files, when inflated."""

    files: int
    entry_bytes: int
    total_bytes: int


@dataclass
class Usage:
    """How much of the limits was used by the ZIPs, and other files, that came before: they hold for all together."""

    files: int = 0
    total_bytes: int = 0


@dataclass(frozen=True)
class ZipMember:
    """A file of the ZIP: its name as it is shown, and its declared size in bytes, which it never exceeds."""

    name: str
    size: int
    archive: ZipFile = field(repr=False)
    entry: ZipInfo = field(repr=False)

    def open(self) -> BinaryIO:
        """A new stream of its bytes. Reading raises BadArchive if they are damaged, at the end at the latest."""
        return open_entry(self.archive, self.entry)


@dataclass(frozen=True)
class RefusedFile:
    """A file that is not accepted, and why."""

    name: str
    code: str
    detail: str


def list_members(
    file: BinaryIO, limits: ZipLimits, students: Sequence[Student] = (), usage: Usage | None = None
) -> Iterator[ZipMember | RefusedFile]:
    """Every file of the ZIP in `file`, which has to stay open; folders and clutter are skipped.

    With `usage` the limits are those of several ZIPs together. Raises BadArchive, EmptyArchive, TooManyFiles, and
    NotAudio for a document that is a ZIP, at once, before the first file is yielded. All may be listed before the first
    is opened. Names whose encoding is not stated are read so that they name `students`, if any way does.
    """
    usage = usage or Usage()
    if usage.files >= limits.files:
        raise TooManyFiles(f"More than {limits.files:,} files in one request. Send it in a request of its own.")
    archive = open_archive(file, limits.files - usage.files)
    if any(entry.orig_filename in DOCUMENT_PARTS for entry in archive.infolist()):
        raise NotAudio(DOCUMENT_DETAIL)
    names = display_names(archive.infolist(), students)
    if all(is_folder(entry) or is_clutter(name) for entry, name in zip(archive.infolist(), names, strict=True)):
        raise EmptyArchive
    usage.files += len(names)
    expanded_bytes = max(MIN_TOTAL_BYTES, MAX_EXPANSION * file.seek(0, os.SEEK_END))
    total_bytes = min(limits.total_bytes - usage.total_bytes, expanded_bytes)
    return check_members(archive, names, limits.entry_bytes, total_bytes, usage)


def check_members(
    archive: ZipFile, names: Sequence[str], entry_bytes: int, total_bytes: int, usage: Usage
) -> Iterator[ZipMember | RefusedFile]:
    """The files of at most `entry_bytes` each, and of `total_bytes` together; the others are refused."""
    entries = archive.infolist()
    overlapping = find_overlapping(entries)
    for entry, name in zip(entries, names, strict=True):
        if is_folder(entry) or is_clutter(name):
            continue
        try:
            check_entry(entry, entry.header_offset in overlapping)
            check_size(entry, entry_bytes, total_bytes)
            with open_entry(archive, entry) as stream:
                check_content(stream.read(MAGIC_BYTES), name)
        except WaijiaoError as error:
            yield RefusedFile(name, error.code, error.detail)
        else:
            total_bytes -= entry.file_size
            usage.total_bytes += entry.file_size
            yield ZipMember(name, entry.file_size, archive, entry)


# Reasons to refuse a file


def is_folder(entry: ZipInfo) -> bool:
    return entry.orig_filename.endswith(("/", "\\")) or stat.S_ISDIR(entry.external_attr >> 16)


def check_entry(entry: ZipInfo, overlaps: bool) -> None:
    """Raises NotAudio, Encrypted or BadArchive for a file that is refused whatever its size and content."""
    file_type = stat.S_IFMT(entry.external_attr >> 16)
    if file_type not in (0, stat.S_IFREG):
        raise NotAudio("It is a link or a device, not a file.")
    if entry.flag_bits & ENCRYPTION_FLAGS:
        raise Encrypted
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadArchive("Its compression is not supported. Pack it with Deflate, the usual one.")
    if overlaps:
        raise BadArchive("It overlaps another file of the ZIP.")


def check_size(entry: ZipInfo, entry_bytes: int, total_bytes: int) -> None:
    """Raises TooLarge for a file that declares more than `entry_bytes`, or than the `total_bytes` that are left."""
    if entry.file_size > entry_bytes:
        raise TooLarge(f"It has {entry.file_size:,} bytes: at most {entry_bytes:,} are taken.")
    if entry.file_size > total_bytes:
        raise TooLarge(
            "With it the total size exceeds the limit. Split the ZIP into several, and send them one by one."
        )


def check_content(start: bytes, name: str) -> None:
    """Raises NestedArchive for a file that starts as an archive does, and NotAudio for one that is a document."""
    if start.startswith(b"PK") and (is_document(name) or has_document_part(start)):
        raise NotAudio(DOCUMENT_DETAIL)
    for magic, name in ARCHIVE_BY_MAGIC.items():
        if start.startswith(magic):
            raise NestedArchive(f"It is {name}, which is not opened. Pack only the recordings.")
    if start[TAR_MAGIC_AT] == TAR_MAGIC:
        raise NestedArchive("It is a tar, which is not opened. Pack only the recordings.")


def is_document(name: str) -> bool:
    """Whether its ending is that of a document that is a ZIP."""
    return bool(DOCUMENT_ENDING.search(name))


def has_document_part(start: bytes) -> bool:
    """Whether the first file of the ZIP that starts with these bytes is one that only documents have."""
    return start[ENTRY_HEADER_BYTES:].startswith(tuple(map(str.encode, DOCUMENT_PARTS)))


def find_overlapping(entries: Sequence[ZipInfo]) -> set[int]:
    """The `header_offset` of each that shares bytes with another, as in Fifield's "A better zip bomb" (WOOT 2019)."""
    overlapping: set[int] = set()
    farthest: ZipInfo | None = None
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if farthest and entry.header_offset < end_offset(farthest):
            overlapping |= {farthest.header_offset, entry.header_offset}
        if not farthest or end_offset(entry) > end_offset(farthest):
            farthest = entry
    return overlapping


def end_offset(entry: ZipInfo) -> int:
    return entry.header_offset + ENTRY_HEADER_BYTES + len(raw_name(entry)) + entry.compress_size


# Names: only some entries declare their encoding


def display_names(entries: Sequence[ZipInfo], students: Sequence[Student]) -> list[str]:
    """The names for display, none of which is a usable path; two may be the same."""
    names = [raw_name(entry) for entry in entries if not entry.flag_bits & UTF_8_FLAG]
    encodings = encodings_to_try(names)
    if students and not all(map(bytes.isascii, names)):
        index = NameIndex(students)

        def names_student(name: str) -> bool:
            return isinstance(find_owner(display_path(name), index), str)

        encodings = choose_encoding_of_names((name for name in names if not name.isascii()), encodings, names_student)
    return [display_path(unicode_path(entry) or decode_name(entry, encodings)) for entry in entries]


def decode_name(entry: ZipInfo, encodings: Sequence[str]) -> str:
    if entry.flag_bits & UTF_8_FLAG:
        return entry.orig_filename
    return decode_first(raw_name(entry), encodings)


def raw_name(entry: ZipInfo) -> bytes:
    """The name's bytes in the ZIP."""
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & UTF_8_FLAG else "cp437")


def encodings_to_try(names: Sequence[bytes]) -> tuple[str, ...]:
    """In order: UTF-8 (macOS, Linux) first if it fits most names, else GB18030 (Chinese Windows); cp437 fits all."""
    not_ascii = [name for name in names if not name.isascii()]
    chinese = ("gb18030",) if any(map(is_gb18030, not_ascii)) else ()
    if 2 * sum(can_decode(name, "utf-8") for name in not_ascii) >= len(not_ascii):
        return ("utf-8", *chinese, "cp437")
    return (*chinese, "utf-8", "cp437")


def unicode_path(entry: ZipInfo) -> str:
    """The name in the extra field that WinRAR and others add; "" if there is none, or it belongs to another name."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH_FIELD and content[:5] == struct.pack("<BL", 1, zlib.crc32(raw_name(entry))):
            return content[5:].decode(errors="replace")
    return ""


# Reading bytes: never more at once than expected; damage raises BadArchive


def open_archive(file: BinaryIO, max_files: int) -> ZipFile:
    """The ZIP in `file` with its directory. Raises BadArchive, and TooManyFiles if it has more than `max_files`."""
    bounded_file = BoundedFile(file, END_RECORD_BYTES + max_files * DIRECTORY_BYTES_PER_FILE)
    with damage_as_bad_archive():
        archive = ZipFile(cast(IO[bytes], bounded_file))
    if len(archive.infolist()) > max_files:
        raise TooManyFiles(
            f"The ZIP has {len(archive.infolist()):,} files: at most {max_files:,} more are taken at once."
        )
    return archive


def open_entry(archive: ZipFile, entry: ZipInfo) -> BinaryIO:
    """A stream of the file's bytes. Damage raises BadArchive by its end at the latest: read until no bytes come."""
    longer = copy(entry)
    longer.file_size += 1  # otherwise zipfile would silently drop what exceeds the declared size
    with damage_as_bad_archive():
        source = archive.open(longer)
    return io.BufferedReader(EntryReader(source, entry.file_size), CHUNK_BYTES)


@contextmanager
def damage_as_bad_archive() -> Iterator[None]:
    """Raises BadArchive instead of what zipfile raises for bytes that it cannot read."""
    try:
        yield
    except (BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, zlib.error):
        raise BadArchive from None


class EntryReader(io.RawIOBase):
    """A file's bytes, exactly as many as it declares and with the checksum that it declares; else BadArchive."""

    def __init__(self, source: IO[bytes], declared_bytes: int) -> None:
        self.source, self.declared_bytes, self.bytes_left = source, declared_bytes, declared_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.declared_bytes - self.bytes_left

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """At most to the declared end. Going back reads the file from its start again, without its checksum."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.declared_bytes}[whence]
        position = min(max(0, origin + offset), self.declared_bytes)
        if position < self.tell():
            with damage_as_bad_archive():
                self.source.seek(0)
            self.bytes_left = self.declared_bytes
        while self.tell() < position:  # zipfile's own seek would read too much at once
            self.read(min(CHUNK_BYTES, position - self.tell()))
        return position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        with damage_as_bad_archive():
            chunk = self.source.read(len(buffer))
        self.bytes_left -= len(chunk)
        if self.bytes_left < 0 or (self.bytes_left > 0 and not chunk):
            raise BadArchive("The file's size is not the one that the ZIP declares.")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self.source.close()
        super().close()


class OutsideFile(BadZipFile, OSError):
    """Raised when zipfile seeks outside of the file. It expects an OSError, such as a real file raises."""


class BoundedFile:
    """A file that limits how much zipfile reads at once. Otherwise it would read a directory of any size at once."""

    def __init__(self, file: BinaryIO, max_read_bytes: int) -> None:
        self.file, self.max_read_bytes = file, max_read_bytes
        self.size = file.seek(0, os.SEEK_END)

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(min(size, self.max_read_bytes + 1) if size >= 0 else self.max_read_bytes + 1)
        if len(data) > self.max_read_bytes:
            raise TooManyFiles
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.size}[whence]
        if not 0 <= start + offset <= self.size:
            raise OutsideFile
        return self.file.seek(start + offset)

    def tell(self) -> int:
        return self.file.tell()

    def seekable(self) -> bool:
        return True
