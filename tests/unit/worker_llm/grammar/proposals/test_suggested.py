"""What is used of a sentence that a larger model wrote in place of the learner's: small corrections alone."""

import pytest

from tests.support.tagged_sentences import list_kinds, read_tagged
from worker_llm.grammar.proposals import propose
from worker_llm.grammar.proposals.suggested import divide_suggestion, find_way, propose_suggested
from worker_llm.grammar.sentence import split_words


def propose_from(tagged: str, suggested: str) -> dict[str, set[str]]:
    """The kinds of the edits on the way to the suggested sentence, by what they make."""
    return list_kinds(tagged, lambda words: propose_suggested(words, read_tagged(suggested)))


@pytest.mark.parametrize(
    ("tagged", "suggested", "result", "kind"),
    [
        ("It/PRP is/VBZ beatiful./JJ", "It/PRP is/VBZ beautiful./JJ", "It is beautiful.", "adjective"),
        ("I/PRP sat/VBD near/IN of/IN it./PRP", "I/PRP sat/VBD near/IN it./PRP", "I sat near it.", "-preposition"),
        ("I/PRP saw/VBD dog./NN", "I/PRP saw/VBD a/DT dog./NN", "I saw a dog.", "+a"),
        ("I/PRP often/RB am/VBP late./JJ", "I/PRP am/VBP often/RB late./JJ", "I am often late.", "order"),
        ("Is/VBZ it/PRP of/IN he?/PRP", "Was/VBD it/PRP of/IN him?/PRP", "Is it of him?", "pronoun"),
        ("She/PRP don't/VBP goes./VBZ", "She/PRP doesn't/VBZ go./VB", "She doesn't go.", "verb"),
        ("She/PRP don't/VBP goes./VBZ", "She/PRP doesn't/VBZ go./VB", "She don't go.", "verb"),
        ("I/PRP look/VBP moon./NN", "I/PRP look/VBP at/IN the/DT moon./NN", "I look at the moon.", "model"),
        ("Yesterday/NN go/VBP I./PRP", "I/PRP go/VBP yesterday./NN", "I go yesterday.", "order"),
    ],
)  # fmt: skip
def test_small_corrections_are_proposed_with_the_kind_that_rules_give_them(tagged, suggested, result, kind):
    assert kind in propose_from(tagged, suggested).get(result, ())


@pytest.mark.parametrize(
    ("tagged", "suggested"),
    [
        ("I/PRP like/VBP dogs./NNS", "I/PRP adore/VBP canines./NNS"),
        ("My/PRP$ big/JJ dog/NN sleeps./VBZ", "My/PRP$ large/JJ dog/NN sleeps./VBZ"),
        ("I/PRP like/VBP cats./NNS", "I/PRP like/VBP cars./NNS"),
        ("I/PRP like/VBP dogs./NNS", "I/PRP like/VBP dogs/NNS very/RB much/RB today./NN"),
        ("He/PRP has/VBZ a/DT big/JJ dog./NN", "He/PRP has/VBZ a/DT dog./NN"),
        ("I/PRP am/VBP here./RB", "I'm/PRP here!/RB"),
        ("I/PRP like/VBP dogs./NNS", ""),
    ],
)
def test_synonyms_rewritings_and_what_was_not_said_are_not_proposed(tagged, suggested):
    assert propose_from(tagged, suggested) == {}


def test_a_rule_s_proposal_keeps_its_kind_and_topic():
    words = read_tagged("He/PRP can/MD plays/VBZ chess./NN")
    suggested = read_tagged("He/PRP can/MD play/VB chess./NN")
    assert propose(words, suggested)["He can play chess."] == propose(words)["He can play chess."]
    assert propose(words, suggested).keys() == propose(words).keys()


def test_nothing_changes_without_a_suggestion():
    words = read_tagged("He/PRP can/MD plays/VBZ chess./NN")
    assert propose(words, ()) == propose(words)


@pytest.mark.parametrize(
    ("after", "is_there"),
    [
        ("She goes to the school by bus.", True),
        ("She go to school by bus.", True),
        ("She goes to school by bus.", True),
        ("She went to the school by bus.", False),
        ("She goes to a school by bus.", False),
        ("She goes to the school with bus.", False),
        ("She go to the school by bus.", False),  # nothing was changed
        ("She go the school by bus.", False),
    ],
)
def test_what_lies_on_the_way_changes_nothing_that_need_not_be_changed(after, is_there):
    is_on_the_way = find_way(split_words("She go to the school by bus."), split_words("She goes to school by bus."))
    assert is_on_the_way(split_words(after)) is is_there


def test_without_a_suggestion_nothing_lies_on_the_way():
    assert not find_way(split_words("She go home."), ())(split_words("She home."))


def test_contractions_are_no_difference_on_the_way():
    is_on_the_way = find_way(split_words("He don't know it."), split_words("He does not know."))
    assert is_on_the_way(split_words("He doesn't know it."))


@pytest.mark.parametrize(
    ("sentences", "suggestion", "parts"),
    [
        (["I go home.", "I eat rice."], "I went home. I ate rice.", ["I went home.", "I ate rice."]),
        (["I go home.", "I eat rice."], "I went home. Then I ate rice.", ["I went home.", "Then I ate rice."]),
        (["I like.", "I eat rice."], "I like it. I eat rice.", ["I like it.", "I eat rice."]),
        (["I go home.", "I eat rice."], "I went home and I ate rice.", ["I went home", "and I ate rice."]),
        (["I go home.", "I eat rice."], "I ate rice.", ["", "I ate rice."]),
        (["I go home.", "He eat rice."], "I went home.", ["I went home.", ""]),
        (["I go home I eat rice."], "I went home. I ate rice.", ["I went home. I ate rice."]),
        (["I go home.", "I eat rice."], "Paris is in France. It is big.", ["", ""]),
        (["I go home."], "", [""]),
        ([], "I went home.", []),
    ],
)
def test_each_sentence_gets_the_part_of_the_suggestion_that_stands_in_its_place(sentences, suggestion, parts):
    assert divide_suggestion(sentences, suggestion) == parts
