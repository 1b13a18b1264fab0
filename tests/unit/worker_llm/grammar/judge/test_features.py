"""What the judge knows of a proposal."""

from collections import Counter

import pytest

from worker_llm.grammar.judge.features import Expectation, Features, describe, describe_gain, name_change
from worker_llm.grammar.proposals.word_lists import as_words
from worker_llm.grammar.sentence import Proposal, Word

HE_GO = (*as_words("he/PRP go/VBP to/TO"), Word("school", "NN", after="."))
GOES = Proposal(1, 2, as_words("goes/VBZ"), "verb:VBZ")


def describe_edit(words: tuple[Word, ...], proposal: Proposal, expectation: Expectation | None = None) -> Features:
    return describe(words, proposal, expectation or Expectation(), Counter(), Counter())


def test_a_change_is_named_by_its_kind_its_small_words_and_tags() -> None:
    assert name_change(HE_GO, GOES) == "verb go>goes"
    assert name_change(as_words("she/PRP run/VB"), Proposal(1, 2, as_words("runs/VBZ"), "verb:VBZ")) == "verb VB>VBZ"


@pytest.mark.parametrize(
    ("proposal", "names"),
    [
        (GOES, {"he|go>goes", "go>goes|to", "he|go>goes|to", "^ he|go>goes", "=go>goes"}),
        (Proposal(2, 3, (), "-preposition"), {"go|to>", "to>|NN", "=go|to>", "=to>|school"}),
        (Proposal(3, 3, as_words("the/DT"), "+the"), {"to|>the", ">the|NN", "=to|>the", "=>the|school"}),
        (Proposal(0, 1, as_words("she/PRP"), "gender"), {"^|he>she", "he>she|go", "=he>she"}),
        (Proposal(3, 4, as_words("home/RB"), "family"), {"to|NN>RB", "NN>RB|$", "=school>home"}),
    ],
)
def test_the_words_around_an_edit_are_named(proposal: Proposal, names: set[str]) -> None:
    assert names <= describe_edit(HE_GO, proposal).keys()


def test_a_mark_ends_what_surrounds_an_edit() -> None:
    words = (Word("Yesterday", "NN", after=","), *as_words("i/PRP go/VBP home/RB"))
    features = describe_edit(words, Proposal(1, 2, as_words("we/PRP"), "pronoun"))
    assert "^|i>we" in features
    assert not any(name.startswith("yesterday") for name in features)


def test_rules_that_an_edit_mends_or_breaks_are_named() -> None:
    features = describe(HE_GO, GOES, Expectation(), Counter(agreement=2, time=1), Counter(agreement=1, order=1, time=1))
    assert {"fixes agreement", "breaks order"} <= features.keys()
    assert not {"fixes time", "breaks time"} & features.keys()
    assert (features["had"], features["left"]) == (1.5, 1.5)


def test_a_verb_that_moves_into_the_past_is_named_with_the_time_that_was_told() -> None:
    went = Proposal(1, 2, as_words("went/VBD"), "verb:VBD")
    assert "into past" in describe_edit(HE_GO, went)
    words = (*HE_GO[:3], Word("school", "NN"), Word("yesterday", "NN", after="."))
    assert "into past as told" in describe_edit(words, went)


def test_what_the_model_expected_is_kept_within_limits() -> None:
    features = describe_edit(HE_GO, GOES, Expectation(new=-1.0, old=-99.0, best=-0.4))
    assert features["local"] == 3.0
    assert features["old"] == -3.5
    assert features["new"] == -0.25
    assert features["best"] == -0.1
    assert features["room"] == -3.0


@pytest.mark.parametrize(
    ("gain", "expected"), [(2.0, (0.5, 0.0, 0.25)), (-4.0, (-1.0, -1.0, -1.25)), (99.0, (3.0, 0.0, 2.75))]
)
def test_the_gain_of_the_whole_sentence_is_told_from_its_first_token(
    gain: float, expected: tuple[float, float, float]
) -> None:
    features = describe_gain(GOES, Expectation(new=-1.0, old=-2.0), gain)
    assert (features["gain"], features["loss"], features["rest"]) == expected
    assert features["gain verb"] == features["gain"] / 2
