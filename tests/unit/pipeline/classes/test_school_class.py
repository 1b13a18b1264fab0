"""How a list of pupils changes: whoever shares a name has a number, and keeps it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.classes.school_class import ClassChanges, Pupil, SchoolClass, apply_changes, make_class, tell_apart
from pipeline.homework.match_students import fold_case


def labels(*names: str) -> list[str]:
    return [pupil.label for pupil in tell_apart([Pupil(name) for name in names])]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("Anna", "Bo"), ["Anna", "Bo"]),
        (("Anna", "anna", "ＡＮＮＡ"), ["Anna (1)", "anna (2)", "ＡＮＮＡ (3)"]),
        (("Anna (1)", "Anna", "Anna"), ["Anna (1)", "Anna (2)", "Anna (3)"]),
        (("Anna", "Anna", "Anna (2)"), ["Anna (1)", "Anna (3)", "Anna (2)"]),
    ],
)
def test_pupils_of_one_name_get_numbers(names, shown):
    assert labels(*names) == shown


@given(st.lists(st.sampled_from(["A", "a", "A (1)", "A (2)", "A (1) (1)", "B"]), max_size=8))
def test_no_two_pupils_have_one_label(names):
    shown = [fold_case(label) for label in labels(*names)]
    assert len(set(shown)) == len(shown)


def test_a_written_name_that_is_another_one_s_label_gets_a_number():
    both = make_class("north", "7B", [Pupil("Anna"), Pupil("Anna")])
    changed = apply_changes(both, ClassChanges(add=(Pupil("Anna (1)"),)))
    assert [pupil.label for pupil in changed.pupils] == ["Anna (1)", "Anna (2)", "Anna (1) (1)"]


def test_a_renamed_pupil_keeps_the_id_and_loses_the_number_of_the_name():
    school_class = make_class("north", "7B", [Pupil("Anna"), Pupil("Anna")])
    first, second = school_class.pupils
    changed = apply_changes(school_class, ClassChanges(change={first.id: {"name": "Ann"}}))
    assert [(pupil.id, pupil.label) for pupil in changed.pupils] == [(first.id, "Ann"), (second.id, "Anna (2)")]
    respelt = apply_changes(school_class, ClassChanges(change={second.id: {"name": "ANNA"}}))
    assert respelt.pupils[1].label == "ANNA (2)"


def test_ids_cannot_be_chosen():
    school_class = apply_changes(SchoolClass("7b", "north", "7B"), ClassChanges(add=(Pupil("Anna", id="mine"),)))
    assert school_class.pupils[0].id != "mine"


def test_two_thousand_pupils_of_one_name_are_told_apart():
    assert labels(*["Anna"] * 2000)[-1] == "Anna (2000)"
