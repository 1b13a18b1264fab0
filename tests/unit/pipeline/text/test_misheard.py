"""The probability that a word was misheard: what raises it, what lowers it, and within which sentence."""

import pytest

from pipeline.text.misheard import BY_PROBABILITY, BY_SOUNDS, any_misheard, estimate_misheard, misheard_figures

WORDS = ["We", "like", "dogs."]


def test_each_figure_is_of_the_word_and_of_its_sentence():
    rows = misheard_figures(["I", "go.", "Now"], [0.5, 0.5, 0.5], [-1.0, -3.0, -2.0])
    assert rows == [(0.0, 0.0, -1.0), (0.0, 0.0, -3.0), (0.0, 0.0, -2.0)]


def test_the_sentence_s_odds_are_the_mean_of_its_words():
    (first, second) = misheard_figures(["I", "go."], [0.9, 0.5], [0.0, 0.0])
    assert first[0] == pytest.approx(2.197, abs=0.001)
    assert first[1] == second[1] == pytest.approx(first[0] / 2)


@pytest.mark.parametrize("clearness", [None, [-0.5, -0.5, -0.5]])
def test_a_word_with_a_lower_probability_is_likelier_misheard(clearness):
    clear, _, unclear = estimate_misheard(WORDS, [0.99, 0.9, 0.3], clearness)
    assert 0 < clear < unclear < 1


@pytest.mark.parametrize("clearness", [None, [-0.5, -0.5, -0.5]])
def test_a_word_among_improbable_ones_is_likelier_misheard(clearness):
    among_good = estimate_misheard(WORDS, [0.9, 0.99, 0.99], clearness)[0]
    among_bad = estimate_misheard(WORDS, [0.9, 0.3, 0.3], clearness)[0]
    assert among_good < among_bad


def test_a_probable_word_whose_sounds_are_not_heard_may_be_misheard():
    heard, _, not_heard = estimate_misheard(WORDS, [0.9, 0.9, 0.9], [-0.3, -0.3, -5.0])
    assert heard < 0.2 < 0.5 < not_heard


def test_an_improbable_word_whose_sounds_are_heard_is_likelier_right():
    by_probability = estimate_misheard(WORDS, [0.95, 0.95, 0.5])[2]
    by_sounds = estimate_misheard(WORDS, [0.95, 0.95, 0.5], [-0.2, -0.2, -0.2])[2]
    assert by_sounds < by_probability


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certainty_of_the_recogniser_is_not_certainty(probability):
    (estimate,) = estimate_misheard(["dogs"], [probability])
    assert 0 < estimate < 1


def test_no_words_have_no_estimates():
    assert estimate_misheard([], []) == []


@pytest.mark.parametrize(
    ("misheard", "expected"), [([], 0.0), ([0.3], 0.3), ([0.5, 0.5], 0.75), ([0.0, 1.0], 1.0), ([0.1] * 3, 0.271)]
)
def test_one_of_the_words_is_misheard_if_not_all_are_right(misheard, expected):
    assert any_misheard(misheard) == pytest.approx(expected)


def test_every_figure_that_is_weighed_lowers_the_odds():
    assert BY_PROBABILITY.word_odds < 0
    assert BY_PROBABILITY.clearness == 0
    assert BY_SOUNDS.word_odds < 0
    assert BY_SOUNDS.clearness < 0
