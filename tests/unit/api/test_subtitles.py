"""Subtitles that can be read: short lines, short times, in order, and every word that was said."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.subtitles import MAX_CUE_LINES, MAX_CUE_S, MAX_LINE_COLUMNS, cues, srt, text_columns, vtt
from pipeline.jobs.results import Gap, Segment, Transcript, Word

TIMES = re.compile(r"(\d\d:\d\d:\d\d[.,]\d{3}) --> (\d\d:\d\d:\d\d[.,]\d{3})")


def make_words(text: str, start: float = 0.0, each_s: float = 0.4) -> tuple[Word, ...]:
    pairs = enumerate(text.split())
    return tuple(Word(word, start + at * each_s, start + (at + 1) * each_s, 0.9) for at, word in pairs)


def segment(text: str, words: tuple[Word, ...]) -> Segment:
    return Segment(words[0].start, words[-1].end, text, -0.2, 1.0, 0.0)


def make_transcript(*sentences: tuple[str, float]) -> Transcript:
    """Sentences, each with the second at which it begins; they are segments of their own."""
    parts = [(text, make_words(text, start)) for text, start in sentences]
    words = tuple(word for _, words in parts for word in words)
    segments = tuple(segment(*part) for part in parts)
    return Transcript(" ".join(text for text, _ in parts), "en", words[-1].end + 1, words, segments)


def lines(transcript: Transcript) -> list[tuple[str, ...]]:
    return [cue.lines for cue in cues(transcript)]


def test_a_short_sentence_is_one_cue():
    assert srt(make_transcript(("I go home.", 1.0))) == "1\n00:00:01,000 --> 00:00:02,200\nI go home.\n\n"
    assert vtt(make_transcript(("I go home.", 1.0))) == "WEBVTT\n\n00:00:01.000 --> 00:00:02.200\nI go home.\n\n"


def test_hours_are_counted():
    assert "\n01:02:03,500 --> " in srt(make_transcript(("Late.", 3723.5)))


def test_a_long_sentence_is_broken_into_lines_and_cues():
    long = "Yesterday I went to the library with my sister and we read three books about the sea and its fish"
    first, *_ = lines(make_transcript((long, 0.0)))
    assert (
        first == ("Yesterday I went to the library with my", "sister and we read three books about the")[: len(first)]
    )
    assert all(text_columns(line) <= MAX_LINE_COLUMNS for cue in lines(make_transcript((long, 0.0))) for line in cue)


def test_segments_and_pauses_begin_a_new_cue():
    assert lines(make_transcript(("Hello.", 0.0), ("How are you?", 1.0))) == [("Hello.",), ("How are you?",)]
    words = (*make_words("Well then", 0.0), *make_words("let us go", 5.0))
    once = Transcript("Well then let us go", "en", 8.0, words, (segment("Well then let us go", words),))
    assert lines(once) == [("Well then",), ("let us go",)]


def test_a_brief_word_is_shown_for_a_second_unless_the_next_one_comes():
    (alone,) = cues(replace(make_transcript(("Yes.", 1.0)), duration_s=9.0))
    assert (alone.start, alone.end) == (1.0, 2.0)
    followed, _ = cues(make_transcript(("Yes.", 1.0), ("I do.", 1.5)))
    assert followed.end == 1.5


def test_chinese_has_no_spaces_and_takes_two_columns():
    text = "我昨天和我的姐姐一起去图书馆读了三本关于大海的书。"
    words = tuple(Word(letter, at * 0.2, at * 0.2 + 0.2, 0.9) for at, letter in enumerate(text))
    (cue,) = cues(Transcript(text, "zh", 6.0, words, (segment(text, words),)))
    assert cue.lines == (text[:21], text[21:])


def test_a_word_longer_than_a_line_is_broken():
    shown = lines(make_transcript(("a" * 100, 0.0)))
    assert "".join(line for cue in shown for line in cue) == "a" * 100
    assert max(text_columns(line) for cue in shown for line in cue) == MAX_LINE_COLUMNS


def test_markup_in_a_transcript_is_escaped():
    marked = make_transcript(("a <b> & --> c", 0.0))
    assert "a &lt;b&gt; &amp; --&gt; c" in vtt(marked)
    assert len(TIMES.findall(srt(marked))) == len(re.findall("-->", srt(marked))) == 1


def test_segments_alone_are_shown_too():
    assert lines(replace(make_transcript(("Hello.", 0.0), ("Bye.", 2.0)), words=())) == [("Hello.",), ("Bye.",)]


def test_an_empty_transcript_has_no_cue():
    assert (srt(Transcript("", "en", 1.0)), vtt(Transcript("", "en", 1.0))) == ("", "WEBVTT\n\n")


WORDS = st.lists(
    st.tuples(st.text("abc好.,!？<&", min_size=1, max_size=60), st.floats(0, 9), st.floats(0, 3)),
    min_size=1,
    max_size=60,
)


@given(WORDS, st.integers(1, 20))
def test_any_transcript_gives_valid_subtitles(spoken, per_segment):
    words, at = [], 0.0
    for text, seconds, pause in spoken:
        words.append(Word(text, at, at + seconds, 0.5))
        at += seconds + pause
    groups = [tuple(words[first : first + per_segment]) for first in range(0, len(words), per_segment)]
    segments = tuple(segment(" ".join(word.word for word in group), group) for group in groups)
    text = " ".join(word.word for word in words)
    transcript = Transcript(text, "en", at, tuple(words), segments)
    found = cues(transcript)
    assert "".join("".join(line.split()) for cue in found for line in cue.lines) == "".join(text.split())
    assert all(
        1 <= len(cue.lines) <= MAX_CUE_LINES and text_columns(line) <= MAX_LINE_COLUMNS
        for cue in found
        for line in cue.lines
    )
    assert all(0 < cue.end - cue.start <= MAX_CUE_S + 1e-6 for cue in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    times = [each for pair in TIMES.findall(vtt(transcript)) for each in pair]
    assert times == sorted(times)


@pytest.mark.parametrize("seconds", [0.0, 0.0004, 59.9996])
def test_times_are_rounded_in_milliseconds(seconds):
    assert re.search(r"\n00:0[01]:\d\d,\d{3} --> ", srt(make_transcript(("Hm.", seconds))))


@pytest.mark.parametrize(
    ("language", "text"), [("en", "[unintelligible]"), ("fr", "[unintelligible]"), ("zh", "[听不清]")]
)
def test_a_cue_says_where_no_words_could_be_made_out(language, text):
    transcript = make_transcript(("I go home.", 3.0), ("How are you?", 9.0))
    gaps = (Gap(0.5, 1.2), Gap(5.0, 8.0), Gap(11.0, 12.0))
    shown = cues(replace(transcript, language=language, gaps=gaps, duration_s=12.0))
    assert [cue.lines for cue in shown] == [(text,), ("I go home.",), (text,), ("How are you?",), (text,)]
    assert all(before.end <= after.start for before, after in pairwise(shown))
    assert (shown[2].start, shown[2].end) == (5.0, 8.0)
