"""Formats are detected by their first bytes, and everything else is refused."""

import io
import os
import subprocess
import sys
import time

import pytest

from pipeline.audio.formats import FORMATS, HEAD_BYTES, SEARCH_BYTES, content_type, sniff
from pipeline.errors import NotAudio, UnknownFormat

ADTS = bytes.fromhex("fff15040021ffc") + bytes(9)  # a frame of 16 bytes
MP3 = bytes.fromhex("fffb9064") + bytes(413)  # 128 kbit/s at 44.1 kHz: 417 bytes
MP3_LOW = bytes.fromhex("ffe318c4") + bytes(68)  # MPEG-2.5, 8 kbit/s at 8 kHz: 72 bytes
ID3 = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)

KNOWN = {
    "wav": b"RIFF\xff\xff\xff\xffWAVEfmt ",
    "rf64": b"RF64\xff\xff\xff\xffWAVEds64",
    "m4a": b"\0\0\0\x1cftypM4A \0\0\0\0",
    "mp4": b"\0\0\0\x20ftypisom\0\0\x02\0",
    "quicktime": b"\0\0\0\x14ftypqt  \0\0\0\0",
    "ogg": b"OggS\0\x02" + bytes(20),
    "webm": b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm",
    "matroska": b"\x1a\x45\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska",
    "flac": b"fLaC\0\0\0\x22",
    "adts": ADTS * 3,
    "adts after id3": ID3 + ADTS * 3,
    "mp3": MP3 * 3,
    "mp3 at 8 kHz": MP3_LOW * 3,
    "mp3 after id3": ID3 + MP3 * 3,
    "mp3 after a picture": b"ID3\x03\0\0\0\x01\x7f\x7f" + bytes(0x7FFF) + MP3 * 3,
    "aiff": b"FORM\0\0\x01\0AIFFCOMM",
    "aifc": b"FORM\0\0\x01\0AIFCFVER",
    "caf": b"caff\0\x01\0\0desc",
    "amr": b"#!AMR\n" + bytes(32),
    "amr of wide band": b"#!AMR-WB\n" + bytes(32),
    "au": b".snd\0\0\0\x1c",
    "w64": b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb",
    "rifx": b"RIFX\0\0\x01\0WAVEfmt ",
    "an old quicktime file": b"\0\0\x10\0mdat" + bytes(100),
    "quicktime with its index first": b"\0\0\x10\0moov\0\0\0\x6cmvhd",
    "quicktime after a hundred boxes": b"\0\0\0\x08free" * 100 + b"\0\0\x10\0mdat",
    "quicktime after a free box": b"\0\0\0\x08wide\0\0\x10\0mdat",
    "flac after id3": ID3 + b"fLaC\0\0\0\x22",
    "ogg after id3": ID3 + b"OggS\0\x02" + bytes(20),
    "adts after two tags": ID3 * 2 + ADTS * 3,
    "mp3 after zeros": bytes(70_000) + MP3 * 3,
    "mp3 within a frame": MP3[100:] + MP3 * 3,
}
DEMUXERS = {
    "rf64": "wav",
    "m4a": "mov",
    "mp4": "mov",
    "quicktime": "mov",
    "webm": "matroska",
    "adts": "aac",
    "adts after id3": "aac",
    "adts after two tags": "aac",
    "aifc": "aiff",
    "rifx": "wav",
    "an old quicktime file": "mov",
    "quicktime with its index first": "mov",
    "quicktime after a free box": "mov",
    "quicktime after a hundred boxes": "mov",
}

UNKNOWN = {
    "nothing": b"",
    "text": b"Then he went to the park.\n" * 20,
    "ffconcat": b"ffconcat version 1.0\nfile segment.wav\n",
    "a playlist": b"#EXTM3U\n#EXTINF:10,\nsegment.wav\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "html": b"<!doctype html><html>",
    "zip": b"PK\x03\x04" + bytes(100),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "avi": b"RIFF\xff\xff\xff\xffAVI LIST",
    "zeros": bytes(HEAD_BYTES),
    "ones": b"\xff" * HEAD_BYTES,
    "empty boxes": b"\0\0\0\x08free" * HEAD_BYTES,
    "boxes of no size": b"\0\0\0\0free" * HEAD_BYTES,
    "one mp3 frame": MP3 + bytes(400),
    "an id3 tag and text": ID3 + b"and then text" * 100,
    "an id3 tag cut off": b"ID3\x03\0\0\0\x01\x7f\x7f" + bytes(100),
    "ebml of another kind": b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84else",
}


def find_demuxer(data: bytes) -> str:
    return sniff(io.BytesIO(data)).demuxer


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_format_is_detected_by_its_first_bytes(name):
    assert find_demuxer(KNOWN[name]) == DEMUXERS.get(name, name.split()[0])


@pytest.mark.parametrize("name", UNKNOWN)
def test_anything_else_is_not_audio(name):
    with pytest.raises(NotAudio):
        find_demuxer(UNKNOWN[name])


@pytest.mark.parametrize("name", KNOWN)
def test_a_truncated_header_gives_a_format_or_not_audio(name):
    for length in range(40):
        try:
            find_demuxer(KNOWN[name][:length])
        except NotAudio:
            continue


def test_random_bytes_are_not_audio():
    for _ in range(2_000):
        with pytest.raises(NotAudio):
            find_demuxer(os.urandom(HEAD_BYTES // 8))


@pytest.mark.parametrize(
    "piece",
    [b"ID3\x03\0\0\0\0\0\0", b"\xff", b"\xff\xfb\x92", MP3[:4] + bytes(3), ADTS[:7], b"ID3\x03\0\0\xff\xff\xff\xff"],
)
def test_what_is_refused_costs_little(piece):
    """However it is made; of 2 MB only SEARCH_BYTES are looked at, a few times."""
    started_at = time.process_time()
    with pytest.raises(NotAudio):
        find_demuxer(piece * (2_000_000 // len(piece)))
    assert time.process_time() - started_at < 1


def test_frames_further_away_are_not_found():
    with pytest.raises(NotAudio):
        find_demuxer(bytes(SEARCH_BYTES) + MP3 * 3)


def test_an_unknown_answer_format_names_the_known_ones():
    with pytest.raises(UnknownFormat, match=r"'wma': expected one of wav, mp3, ogg, opus, flac, aac, pcm"):
        content_type("wma")
    assert content_type("mp3") == FORMATS["mp3"] == "audio/mpeg"


def test_detecting_formats_imports_nothing_heavy():
    code = "import sys, pipeline.audio.formats; sys.exit(len({'numpy', 'av', 'soundfile'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
