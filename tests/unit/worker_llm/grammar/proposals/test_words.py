"""Proposals that exchange, add or leave out one word mend what they are for, and are not made elsewhere."""

import pytest

from tests.support.tagged_sentences import list_kinds, read_tagged
from worker_llm.grammar.proposals.words import propose_words


@pytest.mark.parametrize("tagged", ["I/PRP have/VBP a/DT apple./NN", "An/DT dog/NN barks./VBZ"])
def test_a_article_that_does_not_fit_the_sound_is_certainly_wrong(tagged: str) -> None:
    (certain,) = (each for each in propose_words(read_tagged(tagged)) if each.is_certain)
    assert (certain.kind, certain.topic) == ("certain", "article_sound")


@pytest.mark.parametrize(
    "right",
    [
        "I/PRP have/VBP an/DT apple./NN",
        "A/DT university/NN is/VBZ big./JJ",
        "Say/VB a,/DT e/NN and/CC o./NN",
        "This/DT is/VBZ an/DT",
    ],
)
def test_an_article_that_fits_is_not(right: str) -> None:
    assert not any(each.is_certain for each in propose_words(read_tagged(right)))


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("I/PRP have/VBP a/DT apple./NN", "I have an apple.", "certain"),
        ("I/PRP live/VBP at/IN Paris./NNP", "I live in Paris.", "preposition"),
        ("This/DT dogs/NNS bark./VBP", "These dogs bark.", "demonstrative"),
        ("An/DT apple/NN I/PRP ate./VBD", "The apple I ate.", "article"),
        ("They/PRP is/VBZ here./RB", "They are here.", "be"),
        ("She/PRP don't/VBP know./VB", "She doesn't know.", "negation"),
        ("Me/PRP like/VBP it./PRP", "I like it.", "pronoun"),
        ("My/PRP$ mum,/NN he/PRP sings./VBZ", "My mum, she sings.", "gender"),
        ("I/PRP have/VBP much/JJ friends./NNS", "I have many friends.", "quantity"),
        ("He/PRP is/VBZ taller/JJR then/RB me./PRP", "He is taller than me.", "confusion"),
        ("The/DT two/CD day/NN came./VBD", "The second day came.", "ordinal"),
        ("It/PRP is/VBZ danger/NN here./RB", "It is dangerous here.", "family"),
        ("I/PRP have/VBP ten/CD years./NNS", "I am ten years.", "have-be"),
        ("He/PRP had/VBD ten/CD years./NNS", "He was ten years.", "have-be"),
    ],
)
def test_a_word_is_exchanged_for_one_that_learners_mix_it_up_with(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_words).get(right, ())


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("He/PRP go/VBP home./RB", "He goes home.", "verb:VBZ"),
        ("Yesterday/NN I/PRP go/VBP home./RB", "Yesterday I went home.", "verb:VBD"),
        ("I/PRP like/VBP swim./VB", "I like swimming.", "verb:VBG"),
        ("Two/CD child/NN sang./VBD", "Two children sang.", "noun:NNS"),
        ("He/PRP is/VBZ tall/JJ than/IN me./PRP", "He is taller than me.", "adjective:JJR"),
        ("He/PRP runs/VBZ quick./JJ", "He runs quickly.", "adverb"),
        ("The/DT train/NN is/VBZ slowly./RB", "The train is slow.", "adjective"),
        ("Dog/NNP bark./VBP", "Dogs bark.", "noun:NNS"),
    ],
)
def test_a_word_gets_another_of_its_forms(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_words).get(right, ())


@pytest.mark.parametrize(
    ("right", "word"),
    [
        ("I/PRP met/VBD Rose/NNP there./RB", "Rose"),
        ("He/PRP can/MD sing./VB", "can"),
        ("He/PRP does/VBZ it./PRP", "does"),
        ("I/PRP don't/VBP know./VB", "don't"),
    ],
)
def test_names_and_small_words_are_not_inflected(right: str, word: str) -> None:
    words = read_tagged(right)
    place = [each.text for each in words].index(word)
    kinds = {each.kind for each in propose_words(words) if (each.start, each.end) == (place, place + 1)}
    assert not {kind for kind in kinds if kind.startswith(("verb:", "noun:", "adjective", "adverb"))}


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("I/PRP play/VBP the/DT football./NN", "I play football.", "-article"),
        ("I/PRP went/VBD to/TO home./NN", "I went home.", "-preposition"),
        ("I/PRP am/VBP agree./VB", "I agree.", "-be"),
        ("He/PRP did/VBD went/VBD home./RB", "He went home.", "-auxiliary"),
        ("He/PRP is/VBZ more/RBR taller./JJR", "He is taller.", "-degree"),
        ("As/IN I/PRP ran,/VBD so/IN I/PRP fell./VBD", "As I ran, I fell.", "-conjunction"),
        ("I/PRP returned/VBD back/RB home./RB", "I returned home.", "-adverb"),
        ("My/PRP$ mother/NN she/PRP works./VBZ", "My mother works.", "-pronoun"),
        ("A/DT man/NN who/WP he/PRP sings/VBZ came./VBD", "A man who sings came.", "-pronoun"),
        ("The/DT book/NN I/PRP bought/VBD it/PRP is/VBZ new./JJ", "The book I bought is new.", "-pronoun"),
    ],
)
def test_a_word_that_is_too_much_goes(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_words).get(right, ())


@pytest.mark.parametrize(
    ("right", "without"),
    [
        ("Then/RB he/PRP sang./VBD", "Then sang."),
        ("He/PRP sang./VBD", "Sang."),
        ("Take/VB it/PRP home./RB", "Take home."),
        ("I/PRP like/VBP my/PRP$ dog./NN", "I like dog."),
        ("I/PRP never/RB sing./VB", "I sing."),
    ],
)
def test_a_word_that_repeats_nothing_stays(right: str, without: str) -> None:
    assert without not in list_kinds(right, propose_words)


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("I/PRP have/VBP dog./NN", "I have a dog.", "+a"),
        ("I/PRP ate/VBD apple./NN", "I ate an apple.", "+a"),
        ("Sun/NN is/VBZ hot./JJ", "The sun is hot.", "+the"),
        ("It/PRP is/VBZ such/JJ nice/JJ day./NN", "It is such a nice day.", "+a"),
        ("I/PRP listen/VBP music./NN", "I listen to music.", "+preposition"),
        ("I/PRP want/VBP go/VB home./RB", "I want to go home.", "+to"),
        ("She/PRP happy./JJ", "She is happy.", "+be"),
        ("It/PRP has/VBZ broken./VBN", "It has been broken.", "+be"),
        ("It/PRP rain/VB tomorrow./NN", "It will rain tomorrow.", "+auxiliary"),
        ("You/PRP like/VBP tea?/NN", "Do you like tea?", "+auxiliary"),
        ("Is/VBZ a/DT cat/NN here./RB", "There is a cat here.", "+there"),
        ("Is/VBZ raining./VBG", "It is raining.", "+pronoun"),
        ("I/PRP love/VBP mother./NN", "I love my mother.", "+possessive"),
        ("I/PRP like/VBP bread/NN butter./NN", "I like bread and butter.", "+conjunction"),
    ],
)
def test_a_word_that_is_missing_is_added(wrong: str, right: str, kind: str) -> None:
    assert kind in list_kinds(wrong, propose_words).get(right, ())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("I/PRP have/VBP my/PRP$ dog./NN", "I have my a dog."),
        ("I/PRP have/VBP big/JJ dogs./NNS", "I have big the dogs."),
        ("I/PRP have/VBP the/DT dog./NN", "I have a the dog."),
        ("He/PRP often/RB sings./VBZ", "He often the sings."),
        ("I/PRP listen/VBP to/TO music./NN", "I listen to with music."),
        ("Yes,/UH music./NN", "Yes, with music."),
        ("She/PRP is/VBZ happy./JJ", "She is was happy."),
        ("She/PRP is/VBZ happy./JJ", "She was is happy."),
        ("He/PRP can/MD sing./VB", "He will can sing."),
        ("I/PRP love/VBP my/PRP$ mother./NN", "I love my her mother."),
        ("He/PRP sings/VBZ well./RB", "He there sings well."),
        ("Bread/NN or/CC butter?/NN", "Bread or and butter?"),
        ("Bread,/NN butter?/NN", "Bread, and butter?"),
    ],
)
def test_nothing_is_added_beside_a_word_that_leaves_no_place_for_it(right: str, wrong: str) -> None:
    assert wrong not in list_kinds(right, propose_words)


def test_a_mark_on_its_own_is_passed_over() -> None:
    proposed = list_kinds("He/PRP go/VBP home/RB !/.", propose_words)
    assert "verb:VBZ" in proposed["He goes home !"]
    assert all(sentence.endswith("!") for sentence in proposed)
