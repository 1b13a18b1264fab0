"""An edit's tokens and words, without a model."""

import pytest

from worker_llm.grammar.explanations.kinds import similarity, stem
from worker_llm.grammar.explanations.token_edit import TokenEdit
from worker_llm.grammar.libraries import Doc, spacy

VOCABULARY = spacy.blank("en").vocab


def sentence(text: str) -> Doc:
    """A sentence whose tokens stand between spaces; "_" before a token: no space stands there."""
    tokens = text.split()
    spaces = [not following.startswith("_") for following in [*tokens[1:], "_"]]
    return Doc(VOCABULARY, words=[token.removeprefix("_") for token in tokens], spaces=spaces)


@pytest.mark.parametrize(
    ("before", "after", "places", "words"),
    [
        ("He go home _.", "He goes home _.", (1, 2, 2), ("go", "goes")),
        ("He do _n't go _.", "He does _n't go _.", (1, 2, 2), ("don't", "doesn't")),
        ("My friend book _.", "My friend _'s book _.", (2, 2, 3), ("friend", "friend's")),
        ("Is it _?", "Are it _?", (0, 1, 1), ("is", "are")),
        ("A ten years old boy _.", "A ten _- _year _- _old boy _.", (2, 3, 5), ("ten years old", "ten-year-old")),
        ("Go home _!", "Go home now _!", (2, 2, 3), ("", "now")),
        ("I go _, he go _.", "I go _, he goes _.", (4, 5, 5), ("go", "goes")),
        ("So _, go _.", "So go _.", (1, 2, 1), ("", "")),
    ],
)
def test_whole_words_are_shown(before, after, places, words):
    assert TokenEdit(sentence(before), sentence(after), *places).words == words


@pytest.mark.parametrize(
    ("before", "after", "places", "smaller"),
    [
        ("Is raining _.", "It is raining _.", (0, 1, 2), (0, 0, 1)),
        ("I am agree _.", "I agree _.", (1, 3, 2), (1, 2, 1)),
        ("the old dog", "the new dog", (0, 3, 3), (1, 2, 2)),
        ("a dog", "a cat", (1, 2, 2), (1, 2, 2)),
    ],
)
def test_words_that_both_sides_have_at_an_end_are_no_part_of_an_edit(before, after, places, smaller):
    edit = TokenEdit(sentence(before), sentence(after), *places).without_equal_ends()

    assert (edit.start, edit.end, edit.after_end) == smaller


@pytest.mark.parametrize("places", [(0, 0, 0), (2, 1, 1), (0, 4, 1), (0, 1, 4), (-1, 0, 0)])
def test_an_edit_must_lie_within_its_sentences(places):
    with pytest.raises(ValueError, match="cannot become"):
        TokenEdit(sentence("a b"), sentence("a c"), *places)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("cat", "cat", 1.0), ("cat", "dog", 0.0), ("then", "than", 0.75), ("a", "an", 0.5), ("house", "horse", 0.8)],
)
def test_similarity_counts_letters_that_differ(one, other, expected):
    assert similarity(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("one", "other"), [("quick", "quickly"), ("happy", "happily"), ("bored", "boring"), ("swim", "swimming")]
)
def test_words_of_one_family_have_one_stem(one, other):
    assert stem(one) == stem(other)
