"""A try is compared word by word with what was said before."""

import pytest

from pipeline.jobs.results import Figure, Reading, ReadingFluency, ReadWord, Transcript
from pipeline.practice.comparison import (
    CLEAR,
    CLEARER_BY,
    ComparedWord,
    ReadText,
    compare_words,
    find_change,
    rank,
    read_text,
    recognise_text,
)

TEXT = "I went home yesterday."
RANGE = Figure(2.0, 1.0, 3.0)
FLUENCY = ReadingFluency(RANGE, RANGE, RANGE, RANGE)


def word(state: str, clearness: float | None = None, text: str = "think") -> ReadWord:
    return ReadWord(text, state, 0.1, 0.5, "", clearness)


def changes(before: ReadText | None, now: ReadText) -> list[tuple[str, str]]:
    return [(each.read.word, each.change) for each in compare_words(before, now)]


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (word("misread"), word("said"), "heard"),
        (word("left_out"), word("said"), "heard"),
        (word("left_out"), word("said", -0.5), "heard"),
        (word("misread", -3.0), word("misread", -0.5), ""),
        (word("misread"), word("not_clear", -3.0), ""),
        (word("said"), word("said"), ""),
        (word("said"), word("left_out"), ""),
        (word("not_clear", -2.0), word("said", -1.9), "clearer"),
        (word("not_clear", -2.0), word("said", -2.1), ""),
        (word("not_clear", -4.0), word("not_clear", -4.0 + CLEARER_BY), "clearer"),
        (word("said", -2.5), word("said", -2.5 + CLEARER_BY), "clearer"),
        (word("said", -2.5), word("said", -2.4), ""),
        (word("said", CLEAR), word("said", CLEAR + CLEARER_BY), ""),
        (word("said", -1.5), word("not_clear", -3.5), ""),
        (word("not_clear", -3.0), word("said"), ""),
        (word("said"), word("said", -0.1), ""),
        (None, word("said", -0.1), ""),
    ],
)
def test_a_word_is_heard_or_clearer_only_where_that_is_a_fact(before, now, change):
    assert find_change(before, now) == change


def test_words_that_were_added_are_compared_with_nothing():
    before = recognise_text("Um I go home yesterday", TEXT)
    now = recognise_text("I well went home yesterday", TEXT)
    assert [each.state for each in before.words] == ["added", "said", "misread", "said", "said"]
    assert changes(before, now) == [("I", ""), ("well", ""), ("went", "heard"), ("home", ""), ("yesterday", "")]


@pytest.mark.parametrize("before", [None, recognise_text("Something else was said here", TEXT)])
def test_nothing_has_changed_where_nothing_was_said_before(before):
    assert changes(before, recognise_text("I went home yesterday", TEXT)) == [
        (each, "") for each in ("I", "went", "home", "yesterday")
    ]


def test_where_something_else_was_said_there_are_no_words():
    assert compare_words(recognise_text("I go home", TEXT), recognise_text("Elephants eat grass all day", TEXT)) == []


def test_a_measured_reading_counts_and_else_what_was_recognised():
    measured = Reading((word("not_clear", -3.2, "I"),), FLUENCY)
    assert read_text(Transcript("I", "en", 1.0, reading=measured), TEXT) == ReadText(measured.words, is_measured=True)
    recognised = read_text(Transcript("I home yesterday", "en", 1.0), TEXT)
    assert not recognised.is_measured
    assert [each.state for each in recognised.words] == ["said", "left_out", "said", "said"]
    assert compare_words(None, recognised)[0] == ComparedWord(ReadWord("I", "said"))


def test_the_best_try_has_the_most_words_and_of_those_the_clearest():
    def read(*words: ReadWord) -> ReadText:
        return ReadText(words, is_measured=True)

    tries = [
        read(word("said", -0.5), word("left_out")),
        read(word("said", -1.0), word("said", -2.0), word("added", -0.1)),
        read(word("said", -1.0), word("said", -2.0)),
        read(word("said", -1.0), word("said", -1.5)),
        read(),
    ]
    assert sorted(tries, key=rank) == [tries[4], tries[1], tries[0], tries[2], tries[3]]
