"""What a level and an assignment's instructions change."""

from itertools import pairwise

import pytest

from pipeline.jobs.results import Edit
from pipeline.levels import (
    LEVELS,
    NO_FOCUS,
    NO_LEVEL,
    choose_explained,
    choose_speed,
    find_focus,
    find_level,
    is_of_kind,
)

EDITS = [
    Edit("a", "an", (0, 1), "R:DET"),
    Edit("go", "went", (2, 3), "R:VERB:TENSE"),
    Edit("in", "on", (4, 5), "R:PREP"),
    Edit("dog", "dogs", (6, 7), "R:NOUN:NUM"),
    Edit("have", "has", (8, 9), "R:VERB:SVA"),
]


@pytest.mark.parametrize(("name", "level"), LEVELS.items())
def test_a_level_is_found_by_its_name(name, level):
    assert find_level(name) == find_level(name.lower()) == level


@pytest.mark.parametrize("name", ["", "D1", None, 3])
def test_another_name_changes_nothing(name):
    assert find_level(name) == NO_LEVEL


def test_beginners_hear_less_in_shorter_words_and_more_slowly():
    levels = list(LEVELS.values())
    for lower, higher in pairwise(levels):
        assert lower.max_explained <= higher.max_explained
        assert lower.max_question_words <= higher.max_question_words
        assert lower.pace <= higher.pace
    assert LEVELS["A1"] != LEVELS["C1"]


@pytest.mark.parametrize(
    ("level", "instructions", "expected"),
    [
        ("", "", ["an", "went", "on"]),
        ("A1", "", ["went", "has"]),
        ("C1", "", ["an", "went", "on", "dogs"]),
        ("", "Use the past tense.", ["an", "went", "on"]),
        ("A1", "Mind the articles.", ["an", "has"]),
        ("A1", "注意介词和复数", ["on", "dogs"]),
        ("", "注意复数", ["an", "went", "dogs"]),
        ("", "Only correct the past tense.", ["went"]),
        ("C1", "Please explain articles only, nothing else.", ["an"]),
        ("", "请只纠正冠词。", ["an"]),
        ("C1", "仅指出介词和复数的错误", ["on", "dogs"]),
        ("", "Use only the past tense.", ["an", "went", "on"]),
        ("", "Don't correct articles.", ["went", "on", "dogs"]),
        ("C1", "Correct plurals, but ignore prepositions", ["an", "went", "dogs", "has"]),
        ("", "不要纠正介词。", ["an", "went", "dogs"]),
        ("A1", "Do not forget the articles!", ["an", "has"]),
    ],
)
def test_level_and_instructions_choose_what_is_explained(level, instructions, expected):
    chosen = choose_explained(EDITS, find_level(level), find_focus(instructions))
    assert [edit.after for edit in chosen] == expected


@pytest.mark.parametrize(
    ("instructions", "kind", "time"),
    [
        ("Use the past tense.", "VERB:TENSE", "past"),
        ("请用过去时讲讲你的周末。", "VERB:TENSE", "past"),
        ("What did you do last weekend?", "VERB:TENSE", "past"),
        ("Tell me about your plans.", "VERB:TENSE", "future"),
        ("用将来时说说你明天的打算", "VERB:TENSE", "future"),
        ("What do you do every day?", "VERB:SVA", "present"),
        ("注意第三人称单数", "VERB:SVA", None),
        ("Mind the articles.", "DET", None),
        ("冠词", "DET", None),
        ("Practise prepositions", "PREP", None),
        ("练习疑问句", "WO", None),
        ("Compare two animals with comparatives: compare them.", "ADJ:FORM", None),
    ],
)
def test_instructions_in_both_languages_name_kinds_and_a_time(instructions, kind, time):
    focus = find_focus(instructions)
    assert kind in focus.kinds
    assert focus.time == time


@pytest.mark.parametrize("instructions", ["", "Tell me about a river.", "介绍你的朋友"])
def test_other_instructions_ask_for_nothing(instructions):
    assert find_focus(instructions) == NO_FOCUS


def test_a_kind_includes_those_below_it_and_no_other():
    assert is_of_kind(EDITS[1], "VERB")
    assert is_of_kind(EDITS[1], "VERB:TENSE")
    assert not is_of_kind(EDITS[1], "VERB:TEN")
    assert not is_of_kind(Edit("a", "b", (0, 1)), "DET")


@pytest.mark.parametrize(
    ("speed", "level", "expected"),
    [(1.0, "A1", 0.85), (1.2, "A1", 1.2), (0.7, "C1", 0.7), (1.0, "", 1.0), (1.0, "C1", 1)],
)
def test_the_voice_is_slow_for_beginners_unless_a_speed_was_chosen(speed, level, expected):
    assert choose_speed(speed, level) == expected


@pytest.mark.parametrize(
    ("instructions", "about"),
    [
        ("Ask about their family", "their family"),
        ("Please ask two questions about food.", "food"),
        ("问问他们的家人", "他们的家人"),
        ("和他们聊聊周末", "周末"),
        ("Talk about your family.", ""),
        ("Only correct articles", ""),
    ],
)
def test_instructions_say_what_the_questions_are_to_be_about(instructions, about):
    assert find_focus(instructions).ask_about == about
