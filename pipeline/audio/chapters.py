"""Writes a file's title and chapters into it, where its format has a place for them.

MP3 has them in its ID3 tag (CHAP); Ogg and FLAC as Vorbis comments (CHAPTER000, CHAPTER000NAME). WAV, PCM and AAC in
ADTS frames have none: such a file stays as it is.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

CONTAINERS = {"mp3": "mp3", "ogg": "ogg", "opus": "ogg", "flac": "flac"}  # format of an answer -> FFmpeg's muxer
MUXER_OPTIONS = {"mp3": {"id3v2_version": "3"}}  # which more players read than version 4
MILLISECONDS = Fraction(1, 1000)


@dataclass(frozen=True)
class FileChapter:
    """A chapter, from `start_s` to `end_s` seconds."""

    title: str
    start_s: float
    end_s: float


def add_chapters(data: bytes, format: str, title: str, chapters: Sequence[FileChapter]) -> bytes:
    """The file with its title and its chapters; its sound is copied, not encoded again."""
    if format not in CONTAINERS:
        return data
    file = io.BytesIO()
    container = CONTAINERS[format]
    options = MUXER_OPTIONS.get(container, {})
    encoded: Any = av.open(io.BytesIO(data))
    with encoded as source, av.open(file, "w", format=container, options=options) as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        if container == "mp3":
            target.metadata["title"] = title
            target.set_chapters([to_ffmpeg(*numbered) for numbered in enumerate(chapters)])
        else:
            target.metadata.update({"title": title, **vorbis_chapters(chapters)})
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:  # else it is the empty packet that ends the stream
                packet.stream = stream
                target.mux(packet)
    return file.getvalue()


def to_ffmpeg(number: int, chapter: FileChapter) -> Any:
    """The chapter as PyAV takes it."""
    return {
        "id": number,
        "start": round(1000 * chapter.start_s),
        "end": round(1000 * chapter.end_s),
        "time_base": MILLISECONDS,
        "metadata": {"title": chapter.title},
    }


def vorbis_chapters(chapters: Sequence[FileChapter]) -> dict[str, str]:
    """Chapters as Vorbis comments. FFmpeg reads them, but writes none in FLAC, and in Ogg wrong half seconds."""
    comments = {}
    for number, chapter in enumerate(chapters):
        minutes, seconds = divmod(chapter.start_s, 60)
        comments[f"CHAPTER{number:03}"] = f"{int(minutes) // 60:02}:{int(minutes) % 60:02}:{seconds:06.3f}"
        comments[f"CHAPTER{number:03}NAME"] = chapter.title
    return comments
