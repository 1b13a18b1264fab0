"""Audio formats: which one uploaded bytes have, and which ones an answer can have. Light to import."""

from collections.abc import Callable

from pipeline.errors import NotAudio, UnknownFormat

HEAD_BYTES = 8192  # bytes that `sniff` needs: two frames of any mp3 or aac file

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


def sniff(head: bytes) -> str:
    """The FFmpeg demuxer for a file whose first HEAD_BYTES bytes are `head`; a shorter file is given whole.

    One of wav, mp3, aac (ADTS), mov (mp4, m4a, 3gp), ogg, matroska (webm), flac. Raises NotAudio for anything else.
    """
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp" and 16 <= int.from_bytes(head[:4], "big") <= HEAD_BYTES:
        return "mov"
    if head[:5] == b"OggS\0":
        return "ogg"
    if head[:4] == b"\x1a\x45\xdf\xa3" and (b"webm" in head[:64] or b"matroska" in head[:64]):
        return "matroska"
    if head[:4] == b"fLaC":
        return "flac"
    return sniff_frames(head)


def sniff_frames(head: bytes) -> str:
    """mp3 or aac, which have no header of their own: two frames in a row, or an ID3 tag longer than HEAD_BYTES."""
    start = id3_size(head)
    if starts_with_two_frames(head[start:], adts_size):
        return "aac"
    if starts_with_two_frames(head[start:], mp3_size) or start > len(head) - 4 >= HEAD_BYTES - 4:
        return "mp3"
    raise NotAudio


def starts_with_two_frames(head: bytes, size: Callable[[bytes], int]) -> bool:
    first = size(head[:7])
    return bool(first and size(head[first : first + 7]))


def id3_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag that `head` begins with, 0 if none (id3.org, ID3v2.4.0 structure, 3.1)."""
    sizes = head[6:10]
    if head[:3] != b"ID3" or head[3:4] not in (b"\2", b"\3", b"\4") or len(sizes) < 4 or max(sizes) > 127:
        return 0
    return 10 + (sizes[0] << 21 | sizes[1] << 14 | sizes[2] << 7 | sizes[3])


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
