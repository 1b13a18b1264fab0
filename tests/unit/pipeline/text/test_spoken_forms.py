"""A text that is read aloud has digits, signs and abbreviations, which a reader may speak in several ways."""

import pytest

from pipeline.text.alignment import align

READINGS = [
    ("I get up at 7:45.", "I get up at a quarter to eight"),
    ("I get up at 7:45.", "I get up at seven forty-five."),
    ("School begins at 8:05", "school begins at five past eight"),
    ("School begins at 8:05", "school begins at eight oh five"),
    ("Dinner is at 6:30.", "dinner is at half past six"),
    ("We meet at 12:40.", "we meet at twenty to one"),
    ("We meet at 12:40.", "we meet at twenty minutes before one"),
    ("The train leaves at 7:30 p.m. today", "the train leaves at half past seven in the evening today"),
    ("The train leaves at 7:30 p.m. today", "the train leaves at seven thirty pm today"),
    ("He comes at a quarter to eight", "he comes at 7:45"),
    ("It costs $3.50.", "it costs three dollars fifty"),
    ("It costs $3.50.", "it costs three fifty"),
    ("It costs $3.50.", "it costs three dollars and fifty cents"),
    ("It costs £12.", "it costs twelve pounds"),
    ("The bag was ¥80.", "the bag was eighty yuan"),
    ("It is 5 km away.", "it is five kilometres away"),
    ("It is 5 km away.", "it is five kilometers away"),
    ("The fish weighs 3.5 kg.", "the fish weighs three and a half kilos"),
    ("The fish weighs 3.5 kg.", "the fish weighs three point five kilograms"),
    ("He is 120 cm tall.", "he is one hundred and twenty centimetres tall"),
    ("It is -5°C today.", "it is minus five degrees today"),
    ("It is -5°C today.", "it is minus five degrees celsius today"),
    ("1/2 of the class came.", "half of the class came"),
    ("1/2 of the class came.", "one half of the class came"),
    ("3/4 of us came.", "three quarters of us came"),
    ("50% of them came.", "fifty per cent of them came"),
    ("He lives at 12 King St.", "he lives at twelve king street"),
    ("I waited 10 min.", "I waited ten minutes"),
    ("We like fruit, e.g. apples.", "we like fruit for example apples"),
    ("Prof. Li is here.", "professor li is here"),
    ("Class 3 vs. class 4", "class three versus class four"),
]


@pytest.mark.parametrize(("text", "heard"), READINGS)
def test_what_may_be_spoken_in_several_ways_is_read_right(text, heard):
    assert [span.reference for span in align(heard, text) if not span.sounds_same] == []


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("I get up at 7:45.", "I get up at a quarter past eight"),
        ("I get up at 7:45.", "I get up at seven fifty"),
        ("It costs $3.50.", "it costs three dollars fifteen"),
        ("It costs £12.", "it costs twelve dollars"),
        ("It is 5 km away.", "it is five metres away"),
        ("3/4 of us came.", "three fifths of us came"),
        ("It is -5°C today.", "it is five degrees today"),
        ("He lives at 12 King St.", "he lives at twelve king road"),
        ("The train leaves at 7:30 p.m. today", "the train leaves at half past seven today"),
        ("The train leaves at 7:30 p.m. today", "the train leaves at half past seven in the morning today"),
        ("No, thank you.", "number thank you"),
    ],
)
def test_another_number_or_unit_is_a_mistake(text, heard):
    assert [span for span in align(heard, text) if not span.sounds_same]
