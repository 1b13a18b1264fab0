"""Audio formats: which one uploaded bytes have, and which ones an answer can have. Light to import."""

import re
from collections.abc import Callable
from typing import IO, NamedTuple

from pipeline.errors import NotAudio, UnknownFormat

HEAD_BYTES = 8192  # of a format's header; two frames of any mp3 or aac file
SEARCH_BYTES = 131_072  # in which the first frames of an mp3 or aac file are looked for
MAX_STARTS = 24  # places at which sound may begin: there may be several ID3 tags, and each may end at three
MAX_SEARCHES = 4  # of them after which frames are looked for
ID3_HEADER_BYTES = 10
HEADERS = {
    b"OggS\0": "ogg",
    b"fLaC": "flac",
    b"caff": "caf",
    b".snd": "au",
    b"#!AMR": "amr",
    b"riff\x2e\x91\xcf\x11": "w64",
}  # the first bytes of a file -> its demuxer
SYNC = re.compile(  # the beginning of a frame of mp3 or aac, or of an ogg, flac or wav file
    rb"\xff[\xe2\xe3\xf0-\xf3\xf8-\xfb][^\xf0-\xff]|OggS\0\x02|fLaC\0\0\0\x22|RIFF....WAVEfmt ", re.DOTALL
)

FORMATS = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "pcm": "audio/pcm",
}  # format of an answer -> its content type; ogg and opus are the same, Opus in Ogg; aac is in ADTS frames, and pcm is
# 16-bit little-endian samples at 24 kHz without a header

# kbit/s and Hz of MPEG-1 layer III (ISO/IEC 11172-3, 2.4.2.3), kbit/s of MPEG-2 and 2.5 (13818-3, 2.4.2.3)
MPEG1_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG2_KBITS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
MPEG1_RATES_HZ = (44_100, 48_000, 32_000)


def content_type(format: str) -> str:
    """The content type of an answer written in `format`; raises UnknownFormat."""
    try:
        return FORMATS[format]
    except KeyError:
        raise UnknownFormat(f"format {format!r}: expected one of {', '.join(FORMATS)}") from None


class FileFormat(NamedTuple):
    """The FFmpeg demuxer for a file, and the byte at which its sound begins: tags and junk come before it."""

    demuxer: str
    start: int


def sniff(file: IO[bytes]) -> FileFormat:
    """The format of a seekable file, by a few small reads. Raises NotAudio for an unknown one.

    Known are wav (also big-endian and w64), aiff, caf, au, amr, mp3, aac (ADTS), mov (mp4, m4a, 3gp), ogg, matroska
    (webm) and flac, each after any number of ID3 tags. mp3 and aac have no header of their own: two frames in a row
    begin there, or three after junk, zeros, the rest of a frame, or a tag whose length is wrong.
    """
    starts = find_starts(file)
    for start in reversed(starts):
        head = read_at(file, start, HEAD_BYTES)
        demuxer = sniff_header(head) or sniff_frames(head)
        if demuxer:
            return FileFormat(demuxer, start)
    for start in starts[:MAX_SEARCHES]:
        if file_format := search_frames(read_at(file, start, SEARCH_BYTES)):
            return FileFormat(file_format.demuxer, start + file_format.start)
    raise NotAudio


def read_at(file: IO[bytes], start: int, count: int) -> bytes:
    file.seek(start)
    return file.read(count)


def find_starts(file: IO[bytes]) -> list[int]:
    """Where sound may begin: at the file's start, and after each of the ID3 tags there.

    A tag's length is written with seven bits to a byte; some programs write eight, so it may end at two places.
    """
    starts = [0]
    for start in starts:  # which grows meanwhile
        if len(starts) > MAX_STARTS:
            break
        header = read_at(file, start, ID3_HEADER_BYTES)
        starts += sorted({start + size for size in id3_sizes(header)} - set(starts))
    return starts


def sniff_header(head: bytes) -> str:
    """The demuxer of a format that has a header; "" for anything else."""
    name, kind = head[:4], head[8:12]
    if name in (b"RIFF", b"RIFX", b"RF64", b"BW64") and kind == b"WAVE":
        return "wav"
    if name == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return "aiff"
    if name == b"\x1a\x45\xdf\xa3" and (b"webm" in head[:64] or b"matroska" in head[:64]):
        return "matroska"
    if is_mov(head):
        return "mov"
    return next((demuxer for start, demuxer in HEADERS.items() if head.startswith(start)), "")


def is_mov(head: bytes) -> bool:
    """Whether it begins with the boxes of a mov or mp4 file; old ones have no `ftyp`."""
    start, kind, size = 0, head[4:8], int.from_bytes(head[:4], "big")
    while kind in (b"wide", b"free", b"skip") and size >= 8:
        start += size
        kind, size = head[start + 4 : start + 8], int.from_bytes(head[start : start + 4], "big")
    if kind == b"ftyp":
        return 16 <= size <= HEAD_BYTES
    return kind in (b"mdat", b"moov") and (size in (0, 1) or size >= 8)


def sniff_frames(head: bytes) -> str:
    """The demuxer of two frames in a row; "" for anything else."""
    return next((name for name, size in FRAMES.items() if count_frames(head, 0, size, 2) == 2), "")


def search_frames(data: bytes) -> FileFormat | None:
    """The first three frames in a row that are alike, or the first header, wherever they begin."""
    for sync in SYNC.finditer(data):
        if sync[0][0] != 0xFF:
            return FileFormat(sniff_header(data[sync.start() :][:HEAD_BYTES]), sync.start())
        for demuxer, size in FRAMES.items():
            if count_frames(data, sync.start(), size, 3) == 3:
                return FileFormat(demuxer, sync.start())
    return None


def count_frames(data: bytes, start: int, size: Callable[[bytes], int], most: int) -> int:
    """How many frames of one kind, up to `most`, follow each other from `start` on."""
    first = data[start : start + 4]
    for count in range(most):
        header = data[start : start + 7]
        is_same_kind = header[1:2] == first[1:2] and (header[2:3] or b"\0")[0] & 0x0C == (first[2:3] or b"\0")[0] & 0x0C
        length = size(header)
        if not length or not is_same_kind:
            return count
        start += length
    return most


def id3_sizes(header: bytes) -> list[int]:
    """Bytes that the ID3v2 tag with this header may have; none if it is none (id3.org, ID3v2.4.0 structure, 3.1)."""
    sizes = header[6:10]
    if header[:3] != b"ID3" or header[3:4] not in (b"\2", b"\3", b"\4") or len(sizes) < 4:
        return []
    lengths = {int.from_bytes(sizes, "big")}
    if max(sizes) < 128:
        lengths.add(sizes[0] << 21 | sizes[1] << 14 | sizes[2] << 7 | sizes[3])
    footer = 10 if header[5] & 0x10 else 0
    return sorted(ID3_HEADER_BYTES + length + footer for length in {0, *lengths})


def adts_size(header: bytes) -> int:
    """Bytes of the AAC frame that begins with this header, 0 if it is not one (ISO/IEC 13818-7, 6.2)."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else 0


def mp3_size(header: bytes) -> int:
    """Bytes of the MPEG audio layer III frame with this header, 0 if it is not one (ISO/IEC 11172-3, 2.4.1.3)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2 or header[1] >> 3 & 3 == 1:
        return 0
    version, kbits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if kbits in (0, 15) or rate == 3:
        return 0
    halvings = {3: 0, 2: 1, 0: 2}[version]  # MPEG-1, MPEG-2, MPEG-2.5
    per_frame, table = (144, MPEG1_KBITS) if version == 3 else (72, MPEG2_KBITS)
    return per_frame * 1000 * table[kbits] // (MPEG1_RATES_HZ[rate] >> halvings) + (header[2] >> 1 & 1)


FRAMES = {"aac": adts_size, "mp3": mp3_size}  # demuxer -> bytes of the frame with this header, 0 if it is none
