"""What the entries of a ZIP are called, whoever packed it: the format says only of some names how they are encoded."""

import struct
import zlib
from collections.abc import Sequence
from zipfile import ZipInfo

from pipeline.handing_in import charsets
from pipeline.handing_in.recording_names import label

UTF_8 = 1 << 11  # flag: the name is UTF-8 (APPNOTE.TXT 4.4.4); of others zipfile takes every byte for one of cp437
UNICODE_PATH = 0x7075  # extra field with the name in UTF-8 (APPNOTE.TXT 4.6.9)


def labels(entries: Sequence[ZipInfo]) -> list[str]:
    """The names as they are shown, none of which leads anywhere; two may be the same."""
    order = encodings([raw(entry) for entry in entries if not entry.flag_bits & UTF_8])
    return [label(unicode_path(entry) or name(entry, order)) for entry in entries]


def name(entry: ZipInfo, order: Sequence[str]) -> str:
    if entry.flag_bits & UTF_8:
        return entry.orig_filename
    return raw(entry).decode(next(encoding for encoding in order if charsets.decodes(raw(entry), encoding)))


def raw(entry: ZipInfo) -> bytes:
    """The name's bytes in the archive."""
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & UTF_8 else "cp437")


def encodings(names: Sequence[bytes]) -> tuple[str, ...]:
    """Which to try in turn: UTF-8 (macOS, Linux) if it fits most, or GB18030 (Chinese Windows); cp437 fits all."""
    foreign = [name for name in names if not name.isascii()]
    chinese = ("gb18030",) if any(map(charsets.is_gb18030, foreign)) else ()
    if 2 * sum(charsets.decodes(name, "utf-8") for name in foreign) >= len(foreign):
        return ("utf-8", *chinese, "cp437")
    return (*chinese, "utf-8", "cp437")


def unicode_path(entry: ZipInfo) -> str:
    """The name in the extra field that WinRAR and others add, "" if there is none or it is of another name."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and field[:5] == struct.pack("<BL", 1, zlib.crc32(raw(entry))):
            return field[5:].decode(errors="replace")
    return ""
