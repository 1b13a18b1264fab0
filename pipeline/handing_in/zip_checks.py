"""Why an entry of a ZIP is refused before it is read, and what its first bytes may not be."""

import stat
from collections.abc import Sequence
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipInfo

from pipeline.errors import BadArchive, Encrypted, NestedArchive, NotAudio, TooLarge
from pipeline.handing_in.zip_names import raw

HEAD = 512  # bytes that `refuse_archive` wants to see
HEADER = 30  # bytes of an entry's own header without its name (APPNOTE.TXT 4.3.7)
ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13  # flags of every sort of encryption (4.4.4)
ARCHIVES = {
    b"PK\3\4": "a ZIP, or an office document",
    b"PK\5\6": "a ZIP",
    b"PK\7\10": "a ZIP",
    b"Rar!\x1a\7": "a RAR",
    b"7z\xbc\xaf\x27\x1c": "a 7z",
    b"\x1f\x8b": "a gzip",
    b"BZh": "a bzip2",
    b"\xfd7zXZ\0": "an xz",
    b"\x28\xb5\x2f\xfd": "a Zstandard",
    b"MSCF": "a CAB",
}  # first bytes -> what begins so
TAR = slice(257, 262)  # where a tar says "ustar"


def is_folder(entry: ZipInfo) -> bool:
    return entry.orig_filename.endswith(("/", "\\")) or stat.S_ISDIR(entry.external_attr >> 16)


def refuse(entry: ZipInfo, overlapping: bool) -> None:
    """Raises what is wrong with an entry whatever its size."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise NotAudio("It is a link or a device, and no file.")
    if entry.flag_bits & ENCRYPTED:
        raise Encrypted
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadArchive("It is compressed in a way that is not read here. Pack it with the usual one, Deflate.")
    if overlapping:
        raise BadArchive("It lies over another file of the ZIP.")


def refuse_size(entry: ZipInfo, most: int, room: int) -> None:
    """Raises TooLarge for what says that it has more than `most` bytes, or than there is `room` for."""
    if entry.file_size > most:
        raise TooLarge(f"It has {entry.file_size:,} bytes: at most {most:,} are taken.")
    if entry.file_size > room:
        raise TooLarge("With it the ZIP has more bytes in all than are taken at once. Send it in several.")


def refuse_archive(head: bytes) -> None:
    """Raises NestedArchive for what begins as an archive, whatever it is called."""
    for magic, name in ARCHIVES.items():
        if head.startswith(magic):
            raise NestedArchive(f"It is {name}, which is not opened. Pack the recordings alone.")
    if head[TAR] == b"ustar":
        raise NestedArchive("It is a tar, which is not opened. Pack the recordings alone.")


def overlapping(entries: Sequence[ZipInfo]) -> set[int]:
    """The `header_offset` of each that shares bytes with another, as in Fifield's "A better zip bomb" (WOOT 2019)."""
    found: set[int] = set()
    last: ZipInfo | None = None
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if last and entry.header_offset < end(last):
            found |= {last.header_offset, entry.header_offset}
        if not last or end(entry) > end(last):
            last = entry
    return found


def end(entry: ZipInfo) -> int:
    return entry.header_offset + HEADER + len(raw(entry)) + entry.compress_size
