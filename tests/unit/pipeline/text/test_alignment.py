"""A text is compared with its transcript so that only differences that can be heard count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.alignment import align, spoken_forms
from pipeline.text.corrections import WORD
from tests.support.recordings import TEXTS


def differences(heard: str, text: str) -> list[tuple[str, str]]:
    return [(span.edit.before, span.edit.after) for span in align(heard, text) if not span.sounds_same]


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        ("then he went to the park", "Then he went to the park."),
        ("“Well,” he said — and left…", "well he said and left"),
        ("I am sure that he will", "I'm sure that he'll"),
        ("he cannot swim", "He can't swim."),
        ("a theme park", "a themepark"),
        ("he sent an email", "He sent an e-mail."),
        ("they're house is over their", "Their house is over there."),
        ("I sea to hour son", "I see two, our sun."),
        ("what color is your neighbor's bike", "What colour is your neighbour’s bike?"),
        ("he has 3 dogs", "He has three dogs."),
        ("he is twenty one", "He is 21."),
        ("he is 21", "He is twenty-one."),
        ("the 2nd of May", "the second of May"),
        ("in nineteen ninety nine", "In 1999"),
        ("in 2026", "in twenty twenty-six"),
        ("a hundred and five", "105"),
        ("it costs five dollars", "It costs $5."),
        ("50% of us", "fifty per cent of us"),
        ("at 7:30 p.m.", "at seven thirty pm"),
        ("10,000 people", "ten thousand people"),
        ("on the 3rd of May 1998", "On 3 May 1998"),
        ("on the third of may", "On 3 May."),
        ("on the twenty first of May he left", "On 21 May he left."),
        ("may the third", "May 3"),
        ("on May 3rd, 1998", "On May 3, 1998"),
        ("on May 3", "On May 3rd"),
        ("on 3 May", "On the 3rd of May"),
        ("May three", "May 3"),
        ("at seven o'clock", "At 7:00"),
        ("at seven oh five", "At 7:05"),
        ("room one oh one", "Room 101"),
        ("我昨天去了公园", "我昨天去了公园。"),
        ("", ""),
    ],
)
def test_differences_that_cannot_be_heard_are_not_mistakes(heard, text):
    assert differences(heard, text) == []


@pytest.mark.parametrize(
    ("heard", "text", "mistakes"),
    [
        ("I sink he has free dogs", "I think he has three dogs.", [("sink", "think"), ("free", "three")]),
        ("I'm 21 and sink free", "I am twenty-one and think three.", [("sink", "think"), ("free", "three")]),
        ("he has 3 dogs", "He has two dogs.", [("3", "two")]),
        ("on the 4th of May", "On 3 May.", [("4th of", "3")]),
        ("on third of may", "On the 3rd of May.", [("", "the")]),
        ("at eight o'clock", "At 7:00", [("eight o'clock", "7:00")]),
        ("the cat", "The big cat.", [("", "big")]),
        ("the the cat", "The cat.", [("the", "")]),
        ("I was tired", "I'm tired.", [("I was", "I'm")]),
        ("", "Read this.", [("", "Read this")]),
        ("我昨天去公园", "我昨天去了公园。", [("", "了")]),
    ],
)
def test_every_other_difference_counts_word_by_word(heard, text, mistakes):
    assert differences(heard, text) == mistakes


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_read_correctly_has_no_mistake_and_an_extra_or_missing_word_is_one(text):
    words = text.lower().split()
    assert differences(", ".join(words), text) == []
    assert [after for _, after in differences(" ".join(words[1:]), text)] == [text.split()[0]]
    assert differences(f"xylophone {text}", text) == [("xylophone", "")]


MIXED = "I'm I am 21 twenty-one twenty one the a - … e-mail email 我 去 there they're $5"
TEXTS = st.lists(st.sampled_from(MIXED.split()))


@given(TEXTS, TEXTS)
def test_the_spans_are_both_sentences_in_their_order(heard, text):
    heard, text = " ".join(heard), " ".join(text)
    spans = align(heard, text)
    assert [word for span in spans for word in span.hypothesis] == (WORD.findall(heard) if spans else [])
    assert [word for span in spans for word in span.reference] == (WORD.findall(text) if spans else [])
    for span in spans:
        assert tuple(WORD.findall(heard)[slice(*span.hypothesis_at)]) == span.hypothesis
        assert tuple(WORD.findall(text)[slice(*span.reference_at)]) == span.reference


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_accepted(heard, text):
    assert all(span.sounds_same for span in align(text, text))
    align(heard, text)


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        ("0", "zero"),
        ("20th", "twentieth"),
        ("112", "one hundred twelve"),
        ("3.5", "three point five"),
        ("1,000,001", "one million one"),
        ("1234567890123", "one two three four five six seven eight nine zero one two three"),
        ("3pm", "three pm"),
        ("three", "three"),
    ],
)
def test_a_number_is_spoken_the_usual_way_first(number, spoken):
    assert spoken_forms(number)[0] == spoken
