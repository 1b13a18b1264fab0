"""A text is split into parts of one language each, none longer than Bark can say."""

import pytest

from worker_tts.text_cleaning import SCRIPTS, clean_text, split_by_language


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Yesterday I read two books.", "en", [("en", "Yesterday I read two books.")]),
        ("I went to 图书馆 with her.", "en", [("en", "I went to"), ("zh", "图书馆"), ("en", "with her.")]),
        ("我说 hello 你好", "zh", [("zh", "我说"), ("en", "hello"), ("zh", "你好")]),
        ("3.5 apples and 两 2 个!", "en", [("en", "three point five apples and"), ("zh", "两 2 个!")]),
        ("12:30", "zh", [("zh", "12:30")]),
        ("12:30", "sv", [("en", "twelve thirty")]),
        ("日本語です。OK?", "ja", [("ja", "日本語です。"), ("en", "OK?")]),
        ("한국어 漢字", "ko", [("ko", "한국어 漢字")]),
        ("Привет 你好", "en", [("ru", "Привет"), ("zh", "你好")]),
        ("नमस्ते दोस्त", "hi", [("hi", "नमस्ते दोस्त")]),
        ("Güle güle", "tr", [("tr", "Güle güle")]),
        ("Hej då", "sv", [("en", "Hej då")]),
        ("", "en", []),
    ],
)
def test_each_part_is_of_one_language_and_all_are_in_order(text, language, expected):
    assert split_by_language(text, language) == expected


@pytest.mark.parametrize(
    ("text", "longest"), [("I go to school, " * 40, 160), ("你好，老师。" * 40, 45), ("x" * 999, 160)]
)
def test_a_long_part_is_split_and_nothing_is_lost(text, longest):
    pieces = [piece for _, piece in split_by_language(text, "en")]

    assert max(map(len, pieces)) <= longest
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_vowel_signs_of_devanagari_are_kept_and_unspeakable_text_is_not():
    assert clean_text("नमस्ते [laughs] 😀 Приве́т سلام", SCRIPTS) == "नमस्ते Привет"
    assert clean_text("नमस्ते ok", frozenset({"LATIN"})) == "ok"
