"""English, another language, or noise."""

import pytest

from pipeline import personas
from pipeline.settings import Settings
from worker_llm.tutor.language import find_foreign_words, find_language, request_taught_language

WILLIAM = personas.load("william", Settings().personas)


@pytest.mark.parametrize(
    "text",
    [
        "I like dogs.",
        "hello",
        "42",
        "I like 苹果 very much.",
        "我 like this game very much",
        "naïve café",
        "We say 你好.",
    ],
)
def test_english_is_checked_also_with_some_words_of_another_language(text):
    assert find_language(text, "", "en") == "taught"


@pytest.mark.parametrize(
    "text",
    [
        "我喜欢狗",
        "你好！",
        "我不明白这个句子",
        "我 like 你的狗",
        "こんにちは",
        "안녕하세요",
        "Привет, как дела?",
        "我的QQ是什么呢",
    ],
)
def test_other_letters_are_another_language(text):
    assert find_language(text, "", "en") == "other"


@pytest.mark.parametrize("text", ["", "...", "?!", "♪ ♪", "Um, uh.", "Hmm…", "嗯", "😀"])
def test_noise_has_no_language(text):
    assert find_language(text, "en", "en") == "none"


@pytest.mark.parametrize(
    ("text", "recognised", "taught", "expected"),
    [
        ("I like dogs.", "zh", "en", "taught"),  # an accent
        ("Bonjour, je m'appelle Anne.", "fr", "en", "other"),
        ("我喜欢狗", "zh", "zh", "taught"),
        ("I like dogs", "", "zh", "other"),
        ("Tengo un perro", "es", "es", "taught"),
        ("Tengo un perro", "", "es", "taught"),
        ("I have a dog", "en", "es", "other"),
    ],
)
def test_the_recogniser_s_language_counts_where_letters_cannot_tell(text, recognised, taught, expected):
    assert find_language(text, recognised, taught) == expected


def test_the_request_for_english_is_kind_and_has_a_chinese_text():
    feedback = request_taught_language("我喜欢狗", WILLIAM)
    assert feedback.verdict == "other_language"
    assert "say it in English" in feedback.spoken
    assert find_language(feedback.explanation, "", "en") == "other"
    assert (feedback.heard, feedback.corrected, feedback.edits) == ("我喜欢狗", "我喜欢狗", ())


def test_words_of_other_alphabets_are_found():
    assert find_foreign_words(["I", "like", "苹果", "café", "и"]) == {2, 4}
