"""Which words of a text were said, read otherwise or left out, and which ones were added."""

import pytest

from pipeline.text.reading import align_reading, place_words

TEXT = "I think he has three dogs. They live in a small house near the forest."


def states(transcript: str, text: str = TEXT) -> str:
    """The words with the first letter of their state, unless they were said."""
    placed = place_words(align_reading(transcript, text))
    return " ".join(each.word if each.state == "said" else f"{each.word}:{each.state[0]}" for each in placed)


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        (TEXT, "I think he has three dogs They live in a small house near the forest"),
        (
            "I sink he has three big dogs, they live in a house near the forest",
            "I think:m he has three big:a dogs They live in a small:l house near the forest",
        ),
        (
            "I think he has 3 dogs",
            "I think he has three dogs They:l live:l in:l a:l small:l house:l near:l the:l forest:l",
        ),
    ],
)
def test_each_word_of_the_text_has_a_state_and_added_ones_stand_where_they_were_heard(transcript, expected):
    assert states(transcript) == expected


def test_punctuation_alone_is_no_word_and_a_dash_is_not_left_out():
    assert states("well I know", "Well — I know!") == "Well I know"


def test_chinese_words_between_are_added_one_by_one():
    assert states("I like 苹果 apples", "I like apples.") == "I like 苹:a 果:a apples"


@pytest.mark.parametrize("transcript", ["", "Thank you for watching", "an elephant eats bananas under our umbrella"])
def test_another_text_has_no_words_of_this_one(transcript):
    assert states(transcript) == ""
