"""Proposals about how a clause is built mend what they are for, and are not made elsewhere."""

import pytest

from tests.support.tagged_sentences import list_kinds
from worker_llm.grammar.proposals.clauses import propose_clauses


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("I'm/PRP want/VBP tea./NN", "I want tea.", "be+verb"),
        ("He's/PRP like/IN tea./NN", "He likes tea.", "be+verb"),
        ("They're/PRP go/VBP home./RB", "They went home.", "be+verb"),
        ("I'm/PRP don't/VBP know./VB", "I don't know.", "be+verb"),
        ("I'm/PRP not/RB understand/VB it./PRP", "I don't understand it.", "not+verb"),
        ("She's/PRP not/RB likes/VBZ it./PRP", "She doesn't like it.", "not+verb"),
        ("We're/PRP live/VBP here./RB", "We have lived here.", "perfect"),
        ("She's/PRP sing/VB it./PRP", "She has sung it.", "perfect"),
        ("He's/PRP house/NN is/VBZ big./JJ", "His house is big.", "pronoun"),
        ("I/PRP like/VBP they're/PRP cat./NN", "I like their cat.", "pronoun"),
    ],
)
def test_a_short_be_that_does_not_belong_before_its_verb_is_left_out_or_exchanged(
    wrong: str, right: str, kind: str
) -> None:
    assert kind in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "right",
    ["I'm/PRP happy./JJ", "I'm,/PRP want/VBP it./PRP", "I'd/PRP want/VB it./PRP", "Tom's/NNP like/VBP it./PRP"],
)
def test_a_short_be_is_not_left_out_before_other_words_over_a_mark_or_of_a_noun(right: str) -> None:
    kinds = set().union(*list_kinds(right, propose_clauses).values())
    assert not kinds & {"be+verb", "not+verb", "perfect", "pronoun"}


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("I/PRP am/VBP known/VBN him./PRP", "I have known him.", "perfect"),
        ("She/PRP was/VBD went/VBD out./RP", "She had gone out.", "perfect"),
        ("Have/VBP you/PRP arrive/VBP late?/RB", "Did you arrive late?", "helper"),
        ("What/WP do/VBP you/PRP doing?/VBG", "What are you doing?", "helper"),
        ("Is/VBZ your/PRP$ little/JJ sister/NN like/IN tea?/NN", "Does your little sister like tea?", "helper"),
        ("Did/VBD they/PRP gone/VBN home?/RB", "Have they gone home?", "helper"),
    ],
)
def test_a_helping_verb_is_exchanged_with_the_form_that_follows_it(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "tagged",
    [
        "Do/VBP you,/PRP Tom,/NNP go?/VB",
        "Is/VBZ your/PRP$ very/RB little/JJ sister/NN like/IN tea?/NN",
        "Is/VBZ slowly/RB he/PRP go?/VB",
        "Is/VBZ he/PRP tall?/JJ",
    ],
)
def test_a_helping_verb_stays_where_no_subject_of_three_words_and_verb_follow(tagged: str) -> None:
    assert "helper" not in set().union(*list_kinds(tagged, propose_clauses).values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("I/PRP can't/MD hardly/RB see./VB", "I can hardly see."),
        ("I/PRP won't/MD never/RB go./VB", "I will never go."),
        ("He/PRP couldn't/MD see/VB nothing./NN", "He could see nothing."),
        ("He/PRP never/RB doesn't/VBZ answers/VBZ me./PRP", "He never answers me."),
        ("Nobody/NN didn't/VBD ate/VBD it./PRP", "Nobody ate it."),
        ("They/PRP never/RB don't/VBP goes/VBZ out./RP", "They never go out."),
        ("I/PRP don't/VBP hardly/RB sleep./VB", "I hardly sleep."),
    ],
)
def test_one_of_two_negations_goes(wrong: str, right: str) -> None:
    assert "negation" in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize("right", ["I/PRP can't/MD see./VB", "He/PRP doesn't/VBZ sing/VB now./RB"])
def test_the_only_negation_stays(right: str) -> None:
    assert "negation" not in set().union(*list_kinds(right, propose_clauses).values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("She/PRP asked/VBD me/PRP where/WRB did/VBD I/PRP live./VB", "She asked me where I lived."),
        ("Tell/VB me/PRP what/WP does/VBZ he/PRP want./VB", "Tell me what he wants."),
        ("I/PRP know/VBP where/WRB do/VBP your/PRP$ friends/NNS live./VB", "I know where your friends live."),
        ("Ask/VB him/PRP does/VBZ he/PRP want/VB tea./NN", "Ask him if he wants tea."),
    ],
)
def test_a_question_inside_a_sentence_loses_its_helping_verb(wrong: str, right: str) -> None:
    assert "question" in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "right",
    [
        "Where/WRB did/VBD I/PRP live?/VB",
        "Does/VBZ he/PRP want/VB tea?/NN",
        "Well,/UH then/RB do,/VBP I/PRP live/VBP here?/RB",
        "And/CC so/RB do/VBP you,/PRP I/PRP live/VBP here./RB",
    ],
)
def test_a_question_that_is_the_whole_sentence_keeps_its_helping_verb(right: str) -> None:
    assert "question" not in set().union(*list_kinds(right, propose_clauses).values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("My/PRP$ sister/NN she/PRP room/NN is/VBZ big./JJ", "My sister's room is big."),
        ("My/PRP$ sisters/NNS room/NN is/VBZ big./JJ", "My sister's room is big."),
        ("My/PRP$ parent's/NN names/NNS are/VBP long./JJ", "My parents' names are long."),
    ],
)
def test_an_owner_gets_its_ending(wrong: str, right: str) -> None:
    assert "possessive" in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "right",
    [
        "The/DT bus/NN stop/NN is/VBZ here./RB",
        "He's/PRP tall./JJ",
        "I/PRP like/VBP my/PRP$ sisters,/NNS room/NN and/CC house./NN",
        "The/DT teacher/NN she/PRP",
    ],
)
def test_what_owns_nothing_gets_no_ending(right: str) -> None:
    assert "possessive" not in set().union(*list_kinds(right, propose_clauses).values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("He/PRP has/VBZ six/CD years./NNS", "He is six."),
        ("He/PRP has/VBZ six/CD years./NNS", "He is six years old."),
        ("I/PRP have/VBP only/RB ten/CD years/NNS old./JJ", "I am only ten."),
        ("I/PRP have/VBP only/RB ten/CD years/NNS old./JJ", "I am only ten years old."),
        ("You/PRP must/MD have/VB ten/CD years./NNS", "You must be ten years old."),
        ("Tom/NNP doesn't/VBZ eighteen/CD years./NNS", "Tom isn't eighteen years old."),
        ("They/PRP haven't/VBP six/CD years./NNS", "They aren't six."),
    ],
)
def test_an_age_is_told_with_be(wrong: str, right: str) -> None:
    assert "have-be" in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "right",
    [
        "He/PRP has/VBZ six/CD books./NNS",
        "He/PRP told/VBD me/PRP six/CD years/NNS ago./RB",
        "I/PRP have/VBP years./NNS",
    ],
)
def test_nothing_but_an_age_is_told_so(right: str) -> None:
    assert "have-be" not in set().union(*list_kinds(right, propose_clauses).values())


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("Two/CD thiefs/NNS ran./VBD", "Two thieves ran.", "irregular"),
        ("He/PRP bited/VBD me./PRP", "He bit me.", "irregular"),
        ("Thiefs/NNS ran./VBD", "Thieves ran.", "irregular"),
        ("This/DT is/VBZ importanter./JJR", "This is more important.", "degree"),
        ("It/PRP is/VBZ more/RBR comfortabler./JJR", "It is more comfortable.", "degree"),
        ("The/DT importantest/JJS thing/NN is/VBZ this./DT", "The most important thing is this.", "degree"),
    ],
)
def test_a_form_made_by_rule_is_exchanged_for_the_one_in_use(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "right",
    [
        "He/PRP played/VBD chess./NN",
        "Dogs/NNS stopped./VBD",
        "My/PRP$ teacher/NN never/RB tried/VBD it./PRP",
        "Red./JJ",
    ],
)
def test_a_form_in_use_stays(right: str) -> None:
    assert not {"irregular", "degree"} & set().union(*list_kinds(right, propose_clauses).values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("I/PRP also/RB I/PRP have/VBP it./PRP", "I also have it."),
        ("We/PRP are/VBP we/PRP do/VBP it./PRP", "We do it."),
        ("I/PRP do/VBP also/RB I/PRP have/VBP it./PRP", "I have it."),
    ],
)
def test_a_subject_that_is_said_again_goes(wrong: str, right: str) -> None:
    assert "-pronoun" in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "right",
    [
        "I/PRP think,/VBP I/PRP have/VBP it./PRP",
        "I/PRP really/RB do/VBP think/VB I/PRP have/VBP it./PRP",
        "I/PRP know/VBP he/PRP sings./VBZ",
        "Dogs/NNS like/VBP dogs./NNS",
    ],
)
def test_a_subject_after_a_mark_of_another_or_far_away_stays(right: str) -> None:
    assert "-pronoun" not in set().union(*list_kinds(right, propose_clauses).values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("You/PRP like/VBP tea,/NN aren't/VBP you?/PRP", "You like tea, don't you?"),
        ("He/PRP sings/VBZ well,/RB isn't/VBZ it?/PRP", "He sings well, doesn't he?"),
        ("I/PRP can/MD swim,/VB isn't/VBZ it?/PRP", "I can swim, can't I?"),
        ("You/PRP don't/VBP smoke,/VB are/VBP you?/PRP", "You don't smoke, do you?"),
        ("There/EX is/VBZ time,/NN hasn't/VBZ there?/EX", "There is time, isn't there?"),
    ],
)
def test_the_short_question_at_the_end_fits_its_sentence(wrong: str, right: str) -> None:
    assert "tag" in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "tagged",
    [
        "You/PRP like/VBP tea/NN aren't/VBP you?/PRP",
        "You/PRP like/VBP tea,/NN aren't/VBP you./PRP",
        "You/PRP like/VBP tea,/NN isn't/VBZ Tom?/NNP",
        "Well,/UH aren't/VBP you?/PRP",
    ],
)
def test_a_short_question_is_told_by_its_comma_its_mark_and_its_pronoun(tagged: str) -> None:
    assert "tag" not in set().union(*list_kinds(tagged, propose_clauses).values())


def test_a_short_question_keeps_its_negation() -> None:
    proposed = list_kinds("You/PRP like/VBP tea,/NN aren't/VBP you?/PRP", propose_clauses)
    assert "You like tea, do you?" not in proposed


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("I/PRP know/VBP where/WRB my/PRP$ key./NN", "I know where my key is.", "+be:last"),
        ("Who/WP are/VBP you/PRP waiting?/VBG", "Who are you waiting for?", "+preposition:last"),
        ("I/PRP have/VBP friends/NNS to/TO play./VB", "I have friends to play with.", "+preposition:last"),
    ],
)
def test_a_word_that_is_missing_at_the_end_is_added(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_clauses).get(right, ())


@pytest.mark.parametrize(
    "right",
    [
        "I/PRP know/VBP where/WRB it/PRP is./VBZ",
        "Who/WP are/VBP you/PRP waiting/VBG for?/IN",
        "We/PRP go/VBP home/RB now./RB",
        "Where/WRB is/VBZ it?/PRP",
        "Who/WP are/VBP you/PRP waiting/VBG ?/.",
    ],
)
def test_nothing_is_added_at_an_end_that_needs_nothing(right: str) -> None:
    assert not {"+be:last", "+preposition:last"} & set().union(*list_kinds(right, propose_clauses).values())


def test_no_be_is_added_at_the_end_without_a_question_word() -> None:
    proposed = list_kinds("I/PRP have/VBP friends/NNS to/TO play./VB", propose_clauses)
    assert "+be:last" not in set().union(*proposed.values())
