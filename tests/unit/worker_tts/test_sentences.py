import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.decode import Waveform
from pipeline.errors import UnknownEngine
from pipeline.settings import Settings
from worker_tts.engine import load
from worker_tts.sentences import MAX_SENTENCE_CHARS, join_waveforms, split_sentences
from worker_tts.text_cleaning import SPEAKABLE_SIGNS, clean_text

LATIN = frozenset({"LATIN"})
RATE = 24_000


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Mr. Smith paid 3.5 dollars. He left!", ["Mr. Smith paid 3.5 dollars.", "He left!"]),
        ("Eat fruit, e.g. Apples. Good.", ["Eat fruit, e.g. Apples.", "Good."]),
        ("J. K. Rowling wrote it. Read it.", ["J. K. Rowling wrote it.", "Read it."]),
        ("No. I did not. See no. 5 there.", ["No.", "I did not.", "See no. 5 there."]),
        ("Come on Dec. 25. Read pp. 5 to 7.", ["Come on Dec. 25.", "Read pp. 5 to 7."]),
        ("Add .5 to it. 3 more.", ["Add .5 to it.", "3 more."]),
        ("Well... you know. Yes", ["Well... you know.", "Yes"]),
        ('"I went home." Well said! Why?', ['"I went home."', "Well said!", "Why?"]),
        ("你好。我是威廉！你呢？好", ["你好。", "我是威廉！", "你呢？", "好"]),
        ("One line\nAnother line", ["One line", "Another line"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_text_is_split_into_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_a_long_sentence_is_split_after_a_clause():
    first, second = "a word " * 20 + "here,", "and then " * 15 + "it ends."

    assert split_sentences(f"{first} {second}") == [first, second]


def test_a_long_sentence_without_clauses_is_split_between_words():
    pieces = split_sentences("word " * 200)

    assert {word for piece in pieces for word in piece.split()} == {"word"}
    assert max(map(len, pieces)) <= MAX_SENTENCE_CHARS


@given(st.text(alphabet=st.sampled_from("aB1 .,!?…\n\"')，。你Mr"), max_size=900) | st.text(max_size=300))
def test_splitting_loses_nothing_but_spaces(text):
    pieces = split_sentences(text)

    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece.strip() == piece and 0 < len(piece) <= MAX_SENTENCE_CHARS for piece in pieces)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yesterday I went to 图书馆 with Li.", "Yesterday I went to with Li."),
        ("The library（图书馆）is open。", "The library is open."),
        ("I like 苹果，香蕉，and pears", "I like, and pears"),
        ("**Great** `work` 😀!", "Great work!"),
        ("[hibari](/xx/) [laughs] yes", "hibari yes"),
        ("café 1/2 ½ ＡＢＣ", "café 1/2 1/2 ABC"),
        ("\x00\x07hi\u200b there", "hi there"),
        ("<b>go</b> -> went", "go, went"),
        ("3 * 4 = 12", "3 times 4 = 12"),
        ("Привет", ""),
        ("你好。", ""),
        ("😀", ""),
        ("...", ""),
        ("", ""),
    ],
)
def test_text_that_a_latin_voice_cannot_speak_is_left_out(text, said):
    assert clean_text(text, LATIN) == said


def test_a_chinese_voice_keeps_chinese():
    assert clean_text("你好，Anna！", frozenset({"LATIN", "CJK"})) == "你好, Anna!"


@given(st.text(max_size=200))
def test_nothing_unspeakable_is_left(text):
    said = clean_text(text, LATIN)

    assert said == "" or any(map(str.isalnum, said))
    assert all(char.isascii() or char.isalpha() or char in SPEAKABLE_SIGNS for char in said)


def test_sounds_are_joined_with_a_pause_and_without_clicks():
    loud = Waveform(np.ones(RATE, np.float32), RATE)

    joined = join_waveforms([loud, loud], pause_s=0.25)

    assert joined.duration_s == 2.25
    assert joined.samples[0] == joined.samples[-1] == joined.samples[RATE - 1] == 0
    assert np.abs(np.diff(joined.samples)).max() < 0.01
    assert joined.samples.dtype == np.float32


@given(st.lists(st.integers(0, 500), min_size=1, max_size=5), st.floats(0, 1))
def test_joining_keeps_every_sample(lengths, pause_s):
    joined = join_waveforms([Waveform(np.ones(n, np.float32), 8_000) for n in lengths], pause_s)

    assert len(joined.samples) == sum(lengths) + (len(lengths) - 1) * round(pause_s * 8_000)


def test_an_unknown_engine_lists_the_known_ones():
    with pytest.raises(UnknownEngine, match="WAIJIAO_TTS_ENGINE='parrot': expected one of bark, hibari"):
        load(Settings(tts_engine="parrot"))
