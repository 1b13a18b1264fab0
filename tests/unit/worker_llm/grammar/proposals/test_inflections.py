"""The forms of words, as lemminflect's tables have them."""

import pytest

from worker_llm.grammar.proposals.inflections import inflect, is_verb, list_forms, list_lemmas, list_related


@pytest.mark.parametrize(
    ("word", "part", "lemma"),
    [
        ("went", "VERB", "go"),
        ("children", "NOUN", "child"),
        ("bigger", "ADJ", "big"),
        ("dogs", "NOUN", "dog"),
        ("play", "VERB", "play"),
    ],
)
def test_a_word_has_its_base_form(word: str, part: str, lemma: str) -> None:
    assert lemma in list_lemmas(word, part)


@pytest.mark.parametrize(("word", "part"), [("tall", "VERB"), ("xqzzt", "NOUN"), ("", "VERB"), ("went", "NOUN")])
def test_a_word_that_is_no_such_part_of_speech_has_no_forms(word: str, part: str) -> None:
    assert list_lemmas(word, part) == ()
    assert list_forms(word, part) == ()


@pytest.mark.parametrize(
    ("word", "part", "forms"),
    [
        ("went", "VERB", {("go", "VB"), ("goes", "VBZ"), ("went", "VBD"), ("going", "VBG"), ("gone", "VBN")}),
        ("child", "NOUN", {("child", "NN"), ("children", "NNS")}),
        ("taller", "ADJ", {("tall", "JJ"), ("taller", "JJR"), ("tallest", "JJS")}),
        ("soon", "ADV", {("soon", "RB"), ("sooner", "RBR"), ("soonest", "RBS")}),
    ],
)
def test_all_forms_of_a_word_are_listed_with_their_tags(word: str, part: str, forms: set[tuple[str, str]]) -> None:
    assert forms <= set(list_forms(word, part))


@pytest.mark.parametrize("word", ["play", "buy", "walked"])
def test_a_participle_that_equals_the_past_is_listed_too(word: str) -> None:
    forms = {tag: form for form, tag in list_forms(word, "VERB")}
    assert forms["VBN"] == forms["VBD"]


def test_a_form_is_listed_once() -> None:
    for word in ("saw", "lay", "found"):
        forms = list_forms(word, "VERB")
        assert len(forms) == len(set(forms)) > 5


@pytest.mark.parametrize(
    ("word", "tag", "form"),
    [
        ("went", "VBZ", "goes"),
        ("swim", "VBG", "swimming"),
        ("eat", "VBN", "eaten"),
        ("studies", "VB", "study"),
        ("buy", "VBD", "bought"),
        ("tall", "VBZ", ""),
        ("xqzzt", "VB", ""),
    ],
)
def test_a_verb_is_inflected_and_another_word_has_no_such_form(word: str, tag: str, form: str) -> None:
    assert inflect(word, tag) == form


@pytest.mark.parametrize(("word", "answer"), [("goes", True), ("house", True), ("tall", False), ("xqzzt", False)])
def test_a_verb_is_known_by_its_base_form(word: str, answer: bool) -> None:
    assert is_verb(word) is answer


@pytest.mark.parametrize(
    ("word", "related"),
    [
        ("quick", ("quickly", "RB")),
        ("happy", ("happily", "RB")),
        ("gentle", ("gently", "RB")),
        ("basic", ("basically", "RB")),
        ("slowly", ("slow", "JJ")),
        ("happily", ("happy", "JJ")),
    ],
)
def test_an_adjective_has_its_adverb_and_an_adverb_its_adjective(word: str, related: tuple[str, str]) -> None:
    assert related in list_related(word)


@pytest.mark.parametrize("word", ["only", "fly", "table", "went", "xqzztly"])
def test_other_words_have_neither(word: str) -> None:
    assert list_related(word) == ()
