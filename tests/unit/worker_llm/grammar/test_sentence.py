"""Sentences are divided, written and edited as a careful writer would."""

import pytest

from worker_llm.grammar.sentence import (
    Proposal,
    Word,
    apply,
    join_words,
    split_sentences,
    split_words,
    starts_with_vowel_sound,
    write_as_sentence,
)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("I go home. I eat.", ["I go home.", "I eat."]),
        ("Mr. Li teaches us. He is kind!", ["Mr. Li teaches us.", "He is kind!"]),
        ("We meet at 5 p.m. today.", ["We meet at 5 p.m. today."]),
        ("It costs 3.50 euros.", ["It costs 3.50 euros."]),
        ("  two   words ", ["two words"]),
        ("Really?! Yes.", ["Really?!", "Yes."]),
        ("", []),
        ("...", []),
    ],
)
def test_a_text_is_divided_into_sentences(text, sentences):
    assert split_sentences(text) == sentences


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("i like tea", "I like tea."),
        ("where do you go?", "Where do you go?"),
        ("i'm sure i’ll go", "I'm sure I'll go."),
        ('she said "no."', 'She said "no."'),
    ],
)
def test_a_sentence_is_written_with_a_capital_and_an_end_mark(text, written):
    assert write_as_sentence(text) == written


@pytest.mark.parametrize(
    ("sentence", "start", "end", "after", "result"),
    [
        ("He have a dog.", 1, 2, "has", "He has a dog."),
        ("I have a apple.", 2, 3, "a", "I have an apple."),
        ("I saw a old, big dog.", 3, 4, "", "I saw a, big dog."),
        ("Is raining today.", 0, 0, "It", "It is raining today."),
        ("My sister, she sings.", 2, 3, "", "My sister, sings."),
        ("Yesterday I goed home!", 2, 3, "went", "Yesterday I went home!"),
        ("The dogs is here.", 0, 1, "", "Dogs is here."),
        ('"The dogs" is here.', 0, 1, "", '"Dogs" is here.'),
        ("He sang (the songs).", 2, 3, "", "He sang (songs)."),
    ],
)
def test_an_edit_keeps_marks_and_capitals_and_fits_the_article(sentence, start, end, after, result):
    words = tuple(Word(word, "") for word in after.split())
    assert join_words(apply(split_words(sentence), Proposal(start, end, words, "test"))) == result


def test_marks_stand_around_a_word_and_an_apostrophe_after_an_s_belongs_to_it():
    (word,) = split_words('("dogs,")')
    assert (word.before, word.text, word.after) == ('("', "dogs", ',")')
    assert [each.text for each in split_words("the girls' room")] == ["the", "girls'", "room"]


@pytest.mark.parametrize("word", ["apple", "hour", "honest", "8", "umbrella", "uncle"])
def test_an_stands_before_a_vowel_sound(word):
    assert starts_with_vowel_sound(word)


@pytest.mark.parametrize("word", ["university", "uniform", "european", "one", "useful", "dog"])
def test_a_stands_before_a_consonant_sound(word):
    assert not starts_with_vowel_sound(word)
