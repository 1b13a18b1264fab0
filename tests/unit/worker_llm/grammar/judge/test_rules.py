"""Rules of grammar notice what is wrong, and nothing in the same sentence put right."""

import pytest

from worker_llm.grammar.judge.rules import count_violations
from worker_llm.grammar.proposals.word_lists import as_words


@pytest.mark.parametrize(
    ("rule", "wrong", "right"),
    [
        ("agreement_pronoun", "he/PRP go/VBP home/RB", "he/PRP goes/VBZ home/RB"),
        ("agreement_noun", "dogs/NNS is/VBZ nice/JJ", "dogs/NNS are/VBP nice/JJ"),
        ("modal_base", "he/PRP can/MD goes/VBZ home/RB", "he/PRP can/MD go/VB home/RB"),
        ("be_verb", "she/PRP is/VBZ go/VB home/RB", "she/PRP is/VBZ going/VBG home/RB"),
        ("present_in_past", "yesterday/NN I/PRP go/VBP home/RB", "yesterday/NN I/PRP went/VBD home/RB"),
        ("plural_determiner", "two/CD cat/NN sat/VBD", "two/CD cats/NNS sat/VBD"),
        ("singular_determiner", "this/DT cats/NNS sat/VBD", "this/DT cat/NN sat/VBD"),
        ("much_many", "much/JJ friends/NNS came/VBD", "many/JJ friends/NNS came/VBD"),
        ("bare_noun", "I/PRP have/VBP dog/NN", "I/PRP have/VBP a/DT dog/NN"),
        ("double_determiner", "the/DT my/PRP$ dog/NN sat/VBD", "my/PRP$ dog/NN sat/VBD"),
        ("double_degree", "it/PRP is/VBZ more/RBR bigger/JJR", "it/PRP is/VBZ bigger/JJR"),
        ("more_short", "it/PRP is/VBZ more/RBR old/JJ", "it/PRP is/VBZ older/JJR"),
        ("no_finite_verb", "she/PRP very/RB happy/JJ today/NN", "she/PRP is/VBZ very/RB happy/JJ today/NN"),
        ("two_finite", "he/PRP is/VBZ likes/VBZ it/PRP", "he/PRP likes/VBZ it/PRP"),
        ("object_as_subject", "him/PRP likes/VBZ it/PRP", "he/PRP likes/VBZ it/PRP"),
        ("subject_as_object", "it/PRP is/VBZ for/IN he/PRP", "it/PRP is/VBZ for/IN him/PRP"),
        ("verb_verb", "I/PRP like/VBP swim/VB", "I/PRP like/VBP swimming/VBG"),
        ("preposition_verb", "good/JJ at/IN swim/VB", "good/JJ at/IN swimming/VBG"),
        ("causative_base", "let/VB him/PRP goes/VBZ", "let/VB him/PRP go/VB"),
    ],
)
def test_a_rule_notices_the_mistake_and_not_its_correction(rule, wrong, right):
    assert count_violations(as_words(wrong))[rule]
    assert not count_violations(as_words(right))[rule]


@pytest.mark.parametrize(
    "right",
    [
        "I/PRP am/VBP here/RB",
        "she/PRP let/VBD him/PRP go/VB",
        "my/PRP$ family/NN are/VBP doctors/NNS",
        "he/PRP often/RB goes/VBZ there/RB",
        "my/PRP$ mother/NN and/CC I/PRP like/VBP it/PRP",
    ],
)
def test_right_sentences_break_no_rule(right):
    assert not count_violations(as_words(right))
