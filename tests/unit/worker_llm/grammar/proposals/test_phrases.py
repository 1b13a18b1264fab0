"""Proposals that change several words at once mend what they are for, and are not made elsewhere."""

import pytest

from tests.support.tagged_sentences import list_kinds
from worker_llm.grammar.proposals.phrases import propose_phrases


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("I/PRP am/VBP agree/VB with/IN you./PRP", "I agree with you.", "be+verb"),
        ("I/PRP am/VBP agree./VB", "I agree.", "be+verb"),
        ("Yesterday/NN I/PRP am/VBP play/VB chess./NN", "Yesterday I played chess.", "be+verb"),
        ("He/PRP did/VBD go/VB home./RB", "He went home.", "auxiliary+verb"),
        ("He/PRP will/MD goes/VBZ home./RB", "He goes home.", "auxiliary+verb"),
        ("They/PRP has/VBZ went/VBD home./RB", "They have gone home.", "perfect"),
        ("She/PRP have/VBP eat/VB it./PRP", "She had eaten it.", "perfect"),
        ("I/PRP live/VBP here/RB since/IN May./NNP", "I have lived here since May.", "perfect"),
        ("She/PRP is/VBZ ill/JJ since/IN May./NNP", "She has been ill since May.", "perfect"),
        ("He/PRP play/VBP chess/NN now./RB", "He is playing chess now.", "continuous"),
        ("Dogs/NNS sleep/VBP when/WRB I/PRP came./VBD", "Dogs were sleeping when I came.", "continuous"),
    ],
)
def test_a_verb_fits_what_helps_it(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_phrases).get(right, ())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("I/PRP am/VBP interested/JJ to/TO learn/VB it./PRP", "I am interested in learning it."),
        ("I/PRP enjoy/VBP to/TO swim./VB", "I enjoy swimming."),
        ("I/PRP went/VBD for/IN buy/VB milk./NN", "I went to buy milk."),
        ("He/PRP is/VBZ good/JJ at/IN swim./VB", "He is good at swimming."),
        ("I/PRP want/VBP going/VBG home./RB", "I want to go home."),
        ("It/PRP is/VBZ easy/JJ going/VBG home./RB", "It is easy to go home."),
    ],
)
def test_a_verb_fits_the_preposition_or_to_before_it(wrong: str, right: str) -> None:
    assert "to+verb" in list_kinds(wrong, propose_phrases).get(right, ())


@pytest.mark.parametrize(
    "right",
    ["I,/PRP agree/VBP", "To,/TO go/VB", "Tom/NNP tall./JJ", "We/PRP soon/RB there./RB", "Will/MD Tom/NNP there?/RB"],
)
def test_a_verb_group_is_of_a_verb_and_ends_at_a_mark(right: str) -> None:
    kinds = set().union(*list_kinds(right, propose_phrases).values())
    assert not kinds & {"be+verb", "auxiliary+verb", "perfect", "continuous", "to+verb"}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("He/PRP is/VBZ more/RBR tall/JJ than/IN me./PRP", "He is taller than me."),
        ("He/PRP is/VBZ the/DT most/RBS tall/JJ boy./NN", "He is the tallest boy."),
        ("He/PRP is/VBZ more/RBR taller./JJR", "He is taller."),
        ("This/DT is/VBZ the/DT most/RBS best/JJS day./NN", "This is the best day."),
        ("It/PRP is/VBZ beautiful/JJ than/IN that./DT", "It is more beautiful than that."),
        ("He/PRP runs/VBZ more/RBR fast/RB than/IN me./PRP", "He runs faster than me."),
        ("This/DT is/VBZ commoner/JJR here./RB", "This is more common here."),
    ],
)
def test_a_comparison_is_made_in_one_way(wrong: str, right: str) -> None:
    assert "degree" in list_kinds(wrong, propose_phrases).get(right, ())


def test_no_degree_is_added_to_one_that_is_there() -> None:
    proposed = list_kinds("It/PRP is/VBZ more/RBR beautiful/JJ now./RB", propose_phrases)
    assert "It is more most beautiful now." not in proposed
    assert "It is more more beautiful now." not in proposed


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("My/PRP$ father/NN car/NN is/VBZ old./JJ", "My father's car is old."),
        ("The/DT girls/NNS room/NN is/VBZ big./JJ", "The girls' room is big."),
        ("My/PRP$ friend's/NN are/VBP here./RB", "My friend are here."),
    ],
)
def test_an_owner_gets_its_ending_and_what_owns_nothing_loses_it(wrong: str, right: str) -> None:
    assert "possessive" in list_kinds(wrong, propose_phrases).get(right, ())


@pytest.mark.parametrize(
    "right",
    ["My/PRP$ father,/NN cars/NNS and/CC I./PRP", "He's/PRP tall./JJ", "My/PRP$ father/NN sings./VBZ"],
)
def test_other_words_get_and_lose_no_ending_of_an_owner(right: str) -> None:
    assert "possessive" not in set().union(*list_kinds(right, propose_phrases).values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("I/PRP tea/NN like./VBP", "I like tea."),
        ("I/PRP like/VBP very/RB much/RB tea./NN", "I like tea very much."),
        ("Where/WRB go/VBP do/VBP you?/PRP", "Where do you go?"),
        ("Always/RB I/PRP sing/VBP there./RB", "I always sing there."),
        ("I/PRP play/VBP often/RB tennis./NN", "I often play tennis."),
        ("I/PRP play/VBP tennis/NN often./RB", "I often play tennis."),
        ("We/PRP last/JJ year/NN went/VBD home./RB", "We went home last year."),
        ("I/PRP yesterday/NN saw/VBD him/PRP at/IN the/DT shop./NN", "I saw him at the shop yesterday."),
        ("I/PRP went/VBD there/RB every/DT day./NN", "Every day I went there."),
    ],
)
def test_words_change_places(wrong: str, right: str) -> None:
    assert "order" in list_kinds(wrong, propose_phrases).get(right, ())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("He/PRP sings,/VBZ I/PRP play/VBP often./RB", "Often he sings I play."),
        ("Tea,/NN I/PRP like./VBP", "I, tea like."),
        ("We/PRP last/JJ week,/NN she/PRP said,/VBD went./VBD", "We she said went last week."),
        ("We/PRP ate/VBD big/JJ cakes/NNS at/IN home./NN", "Big we ate cakes at home."),
        ("One/CD two/CD three/CD four/CD five/CD often./RB", "Often one two three four five."),
    ],
)
def test_words_move_over_no_mark_and_not_far(right: str, wrong: str) -> None:
    assert wrong not in list_kinds(right, propose_phrases)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("I/PRP have/VBP many/JJ homework./NN", "I have a lot of homework."),
        ("I/PRP have/VBP many/JJ friend./NN", "I have many friends."),
        ("I/PRP have/VBP much/JJ friend./NN", "I have many friends."),
        ("I/PRP have/VBP few/JJ moneys./NNS", "I have little money."),
    ],
)
def test_a_quantity_fits_its_noun(wrong: str, right: str) -> None:
    assert "lot" in list_kinds(wrong, propose_phrases).get(right, ())


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("He/PRP don't/VBP likes/VBZ it./PRP", "He doesn't like it.", "do+verb"),
        ("I/PRP didn't/VBD went/VBD home./RB", "I didn't go home.", "do+verb"),
        ("What/WP does/VBZ went/VBD wrong?/JJ", "What did go wrong?", "do+verb"),
        ("I/PRP not/RB like/VBP it./PRP", "I don't like it.", "not+verb"),
        ("I/PRP no/DT have/VBP it./PRP", "I don't have it.", "not+verb"),
        ("I/PRP am/VBP not/RB like/IN it./PRP", "I don't like it.", "not+verb"),
        ("He/PRP do/VBP not/RB likes/VBZ it./PRP", "He doesn't like it.", "not+verb"),
    ],
)
def test_a_negation_is_made_with_do(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_phrases).get(right, ())


@pytest.mark.parametrize("right", ["I/PRP am/VBP not/RB tall./JJ", "No,/UH have/VB it./PRP", "It/PRP is/VBZ not./RB"])
def test_a_negation_of_no_verb_is_not(right: str) -> None:
    assert not {"do+verb", "not+verb"} & set().union(*list_kinds(right, propose_phrases).values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Where/WRB you/PRP go?/VBP", "Where do you go?"),
        ("What/WP your/PRP$ sister/NN likes?/VBZ", "What does your sister like?"),
        ("Why/WRB he/PRP is/VBZ sad?/JJ", "Why is he sad?"),
        ("Does/VBZ she/PRP likes/VBZ it?/PRP", "Does she like it?"),
        ("Do/VBP she/PRP like/VBP it?/PRP", "Does she like it?"),
        ("Can/MD she/PRP sings/VBZ it?/PRP", "Can she sing it?"),
        ("Are/VBP you/PRP like/IN tea?/NN", "Do you like tea?"),
        ("You/PRP like/VBP tea?/NN", "Do you like tea?"),
        ("He/PRP is/VBZ sad?/JJ", "Is he sad?"),
        ("I/PRP can/MD go?/VB", "Can I go?"),
        ("Tom/NNP has/VBZ gone?/VBN", "Has Tom gone?"),
    ],
)
def test_a_question_begins_with_its_helping_verb(wrong: str, right: str) -> None:
    assert "question" in list_kinds(wrong, propose_phrases).get(right, ())


def test_a_subject_longer_than_three_words_does_not_follow_a_helping_verb() -> None:
    tagged = "My/PRP$ very/RB little/JJ sister/NN is/VBZ sad?/JJ"
    assert "Is my very little sister sad?" not in list_kinds(tagged, propose_phrases)


@pytest.mark.parametrize("right", ["I really like it.", "I like it very much."])
def test_very_before_a_verb_is_really_or_very_much(right: str) -> None:
    assert "very" in list_kinds("I/PRP very/RB like/VBP it./PRP", propose_phrases).get(right, ())


@pytest.mark.parametrize(
    ("tagged", "wrong"),
    [
        ("He/PRP is/VBZ very/RB tall./JJ", "He is really tall."),
        ("I/PRP very/RB like/VBP it,/PRP yes./UH", "I like it yes very much."),
    ],
)
def test_very_stays_before_other_words_and_moves_over_no_mark(tagged: str, wrong: str) -> None:
    assert wrong not in list_kinds(tagged, propose_phrases)
