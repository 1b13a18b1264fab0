"""Some edits are refused whatever their score, and their neighbours are not."""

import pytest

from worker_llm.grammar.judge.refusals import is_refused
from worker_llm.grammar.proposals.word_lists import as_words
from worker_llm.grammar.sentence import Proposal, apply


def refuses(tagged, start, end, after, kind="test", frozen=()):
    words, proposal = as_words(tagged), Proposal(start, end, as_words(after), kind)
    return is_refused(words, proposal, apply(words, proposal), frozen)


@pytest.mark.parametrize(
    ("tagged", "start", "end", "after", "kind"),
    [
        ("So/RB I/PRP went/VBD home/NN", 0, 1, "", "-conjunction"),
        ("But/CC he/PRP is/VBZ nice/JJ", 0, 1, "", "-conjunction"),
        ("I/PRP do/VBP not/RB know/VB", 2, 3, "", "test"),
        ("I/PRP can/MD swim/VB", 1, 2, "can't/MD", "test"),
        ("I/PRP lost/VBD my/PRP$ bag/NN", 2, 3, "your/PRP$", "pronoun"),
        ("I/PRP like/VBP tea/NN", 0, 1, "Me/PRP", "pronoun"),
        ("She/PRP has/VBZ got/VBN it/PRP", 2, 3, "gotten/VBN", "verb:VBN"),
        ("He/PRP learned/VBD it/PRP", 1, 2, "learnt/VBD", "verb:VBD"),
        ("He/PRP plays/VBZ chess/NN", 1, 1, "is/VBZ", "+be"),
        ("It/PRP is/VBZ big/JJ", 2, 3, "more/RBR bigger/JJR", "degree"),
        ("I/PRP met/VBD Tom/NNP today/NN", 2, 3, "Tim/NNP", "test"),
        ("I/PRP saw/VBD it/PRP", 2, 3, "the/DT", "test"),
        ("I/PRP like/VBP it/PRP", 1, 1, "like/VBP", "test"),
        ("Yesterday/NN I/PRP went/VBD home/NN", 0, 4, "I/PRP went/VBD home/NN yesterday/NN", "order"),
        ("I/PRP am/VBP here/RB", 2, 2, "my/PRP$ you/PRP", "+pronoun"),
        ("The/DT film/NN was/VBD was/VBD good/JJ", 3, 3, "it/PRP", "+pronoun"),
        ("I/PRP have/VBP have/VBP dogs/NNS", 2, 2, "a/DT", "+a"),
        ("We/PRP go/VBP go/VB home/NN", 2, 2, "to/TO", "+to"),
        ("My/PRP$ dad/NN play/VBP chess/NN", 2, 3, "playing/VBG", "verb:VBG"),
        ("She/PRP sings/VBZ well/RB", 1, 2, "sung/VBN", "verb:VBN"),
    ],
)
def test_what_changes_what_is_said_is_refused(tagged, start, end, after, kind):
    assert refuses(tagged, start, end, after, kind)


@pytest.mark.parametrize(
    ("tagged", "start", "end", "after", "kind"),
    [
        ("He/PRP go/VBP home/NN", 1, 2, "goes/VBZ", "verb:VBZ"),
        ("I/PRP don't/VBP know/VB nothing/NN", 3, 4, "anything/NN", "quantity"),
        ("Him/PRP likes/VBZ tea/NN", 0, 1, "He/PRP", "pronoun"),
        ("He/PRP is/VBZ play/VB chess/NN", 1, 3, "plays/VBZ", "be+verb"),
        ("The/DT door/NN closed/VBD now/RB", 2, 2, "is/VBZ", "+be"),
        ("I/PRP have/VBP dog/NN", 2, 2, "a/DT", "+a"),
        ("My/PRP$ dad/NN is/VBZ busy/JJ because/IN has/VBZ work/NN", 5, 5, "he/PRP", "+pronoun"),
        ("I/PRP met/VBD Tom/NNP friend/NN", 2, 3, "Tom's/NNP", "possessive"),
        ("So/RB I/PRP go/VBP home/NN yesterday/NN", 2, 3, "went/VBD", "verb:VBD"),
        ("I've/PRP broke/VBD it/PRP", 1, 2, "broken/VBN", "verb:VBN"),
        ("Tigers/NNS runs/VBZ fast/RB", 1, 2, "run/VBN", "verb:VBN"),
        ("I/PRP like/VBP play/VB chess/NN", 2, 3, "playing/VBG", "verb:VBG"),
    ],
)
def test_what_mends_a_mistake_is_not(tagged, start, end, after, kind):
    assert not refuses(tagged, start, end, after, kind)


def test_words_that_were_not_heard_well_stay():
    assert refuses("He/PRP go/VBP home/NN", 1, 2, "goes/VBZ", frozen={1})
    assert not refuses("He/PRP go/VBP home/NN", 1, 2, "goes/VBZ", frozen={0, 2})


@pytest.mark.parametrize(
    ("tagged", "start", "end", "after", "kind"),
    [
        ("I/PRP can't/MD hardly/RB see/VB", 1, 2, "can/MD", "negation"),
        ("He/PRP never/RB doesn't/VBZ answer/VB", 2, 4, "answers/VBZ", "negation"),
        ("Nobody/NN didn't/VBD eat/VB it/PRP", 1, 3, "ate/VBD", "negation"),
        ("I/PRP cannot/MD see/VB nothing/NN", 3, 4, "something/NN", "quantity"),
        ("They/PRP house/VBP is/VBZ big/JJ", 0, 1, "Their/PRP$", "pronoun"),
        ("I/PRP think/VBP he/PRP works/VBZ pays/VBZ well/RB", 2, 3, "his/PRP$", "pronoun"),
        ("I/PRP like/VBP bannana/NNP a/DT lot/NN", 2, 3, "bananas/NNS", "noun:NNS"),
        ("I/PRP met/VBD a/DT freind/NNP", 3, 4, "friend/NN", "test"),
        ("I'm/PRP want/VBP tea/NN", 0, 1, "I/PRP", "be+verb"),
        ("He's/PRP house/NN burned/VBD down/RP", 0, 1, "His/PRP$", "pronoun"),
    ],
)
def test_a_second_negation_an_owner_before_a_verb_and_a_small_name_may_change(tagged, start, end, after, kind):
    assert not refuses(tagged, start, end, after, kind)


@pytest.mark.parametrize(
    ("tagged", "start", "end", "after", "kind"),
    [
        ("I/PRP can't/MD see/VB", 1, 2, "can/MD", "negation"),
        ("He/PRP doesn't/VBZ answer/VB", 1, 3, "answers/VBZ", "negation"),
        ("He/PRP never/RB doesn't/VBZ answer/VB", 1, 4, "answers/VBZ", "negation"),
        ("I/PRP cannot/MD see/VB", 1, 2, "can/MD", "negation"),
        ("They/PRP like/VBP it/PRP", 0, 1, "Them/PRP", "pronoun"),
        ("They/PRP like/VBP it/PRP", 0, 1, "Theirs/PRP", "pronoun"),
        ("I/PRP like/VBP Banana/NNP a/DT lot/NN", 2, 3, "bananas/NNS", "noun:NNS"),
        ("I'm/PRP want/VBP tea/NN", 0, 1, "You/PRP", "be+verb"),
        ("He's/PRP house/NN burned/VBD down/RP", 0, 1, "Our/PRP$", "pronoun"),
    ],
)
def test_the_only_negation_the_subject_a_name_and_a_person_may_not(tagged, start, end, after, kind):
    assert refuses(tagged, start, end, after, kind)
