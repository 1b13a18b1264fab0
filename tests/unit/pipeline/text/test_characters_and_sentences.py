"""Invisible characters of untrusted text, its encodings, and where sentences end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.characters import can_decode, is_gb18030, is_invisible, remove_invisible
from pipeline.text.sentences import END_MARKS, SENTENCE, SENTENCE_OF_LINE, find_sentences, has_end_mark, is_last_word


@pytest.mark.parametrize("character", ["\x00", "\x07", "\n", "\u200b", "\u202e", "\u2066", "\ufeff", "\ud800"])
def test_controls_changes_of_direction_and_surrogates_are_invisible(character):
    assert is_invisible(character)
    assert remove_invisible(f"a{character}b") == "ab"


@pytest.mark.parametrize("character", ["a", " ", "课", "é", "\u0301", "\u200c", "\u200d", "👩"])
def test_letters_spaces_accents_and_joiners_are_visible(character):
    assert not is_invisible(character)


def test_characters_to_keep_are_not_removed():
    assert remove_invisible("a\n\tb\x00", keep="\n") == "a\nb"


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [("王小明", "gb18030", True), ("王小明", "utf-16-le", False), ("Noël", "cp1252", False), ("anna", "ascii", False)],
)
def test_gb18030_is_detected_by_a_common_chinese_character(text, encoding, expected):
    assert is_gb18030(text.encode(encoding)) is expected


def test_bytes_are_valid_in_an_encoding_or_not():
    assert can_decode("ë".encode(), "utf-8")
    assert not can_decode("ë".encode("cp1252"), "utf-8")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("zoo.", True), ("“Zoo!”", True), ("吗？", True), ("3.5", False), ("zoo,", False), ("", False)],
)
def test_a_sentence_ends_with_a_word_that_has_an_end_mark_and_then_only_punctuation(word, expected):
    assert is_last_word(word) is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], []),
        (["I", "go."], [range(2)]),
        (["I", "go.", "Now"], [range(2), range(2, 3)]),
        (["Go!", "Now?"], [range(1), range(1, 2)]),
    ],
)
def test_sentences_are_ranges_of_words_of_which_the_last_may_have_no_end_mark(words, expected):
    assert find_sentences(words) == expected


def test_an_end_mark_inside_quotes_is_not_at_the_very_end():
    assert has_end_mark("I like it.")
    assert has_end_mark("你好。")
    assert not has_end_mark('He said "Hello."')
    assert not has_end_mark("")


def test_a_line_s_end_and_closing_quotes_end_a_sentence_where_lines_count():
    assert SENTENCE.findall("One. Two? 三。Four") == ["One.", " Two?", " 三。", "Four"]
    assert SENTENCE_OF_LINE.findall('A title\n"Hello!" he said. (Yes.) No') == [
        "A title",
        '"Hello!"',
        " he said.",
        " (Yes.)",
        " No",
    ]


@given(st.text(f"ab {END_MARKS}”"))
def test_no_letter_is_lost_between_sentences(text):
    assert "".join(SENTENCE.findall(text)).strip(END_MARKS) == text.strip(END_MARKS)
