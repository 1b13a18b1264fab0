"""Chapters are written where a format has a place for them, and are read back from the file."""

import io

import av
import numpy as np
import pytest

from pipeline.audio.chapters import FileChapter, add_chapters
from pipeline.audio.decode import Waveform, decode
from pipeline.audio.encode import encode

SOUND = Waveform((0.1 * np.sin(np.arange(6 * 24_000) / 8)).astype(np.float32), 24_000)
CHAPTERS = [
    FileChapter("你说的话", 0, 2.5),
    FileChapter("The better sentence", 2.5, 4.25),
    FileChapter("Praise", 4.25, 6),
]


@pytest.mark.parametrize("format_", ["mp3", "ogg", "opus", "flac"])
def test_titles_and_times_of_chapters_are_read_back(format_):
    data = add_chapters(encode(SOUND, format_), format_, "学习卡", CHAPTERS)
    with av.open(io.BytesIO(data)) as container:
        chapters = [
            (each["metadata"]["title"], *(float(each[name] * each["time_base"]) for name in ("start", "end")))
            for each in container.chapters()
        ]
        tags = {**container.metadata, **container.streams.audio[0].metadata}
    assert [(title, start) for title, start, _ in chapters] == [(each.title, each.start_s) for each in CHAPTERS]
    assert [end for _, _, end in chapters] == pytest.approx([each.end_s for each in CHAPTERS], abs=0.02)
    assert tags["title"] == "学习卡"
    assert decode(io.BytesIO(data), 300, 24_000).duration_s == pytest.approx(6, abs=0.001)


def test_a_chapter_may_begin_after_an_hour():
    late = [FileChapter("One", 0, 3725.125), FileChapter("Two", 3725.125, 3726)]
    with av.open(io.BytesIO(add_chapters(encode(SOUND, "flac"), "flac", "", late))) as container:
        assert container.chapters()[1]["start"] == 3_725_125


@pytest.mark.parametrize("format_", ["wav", "aac", "pcm"])
def test_a_format_without_chapters_stays_as_it_is(format_):
    data = encode(SOUND, format_)
    assert add_chapters(data, format_, "Card", CHAPTERS) is data
