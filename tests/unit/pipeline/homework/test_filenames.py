"""Whatever the name of a recording, the name of its answer's file is valid, visible and unique on every system."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.homework.filenames import collision_key, make_unique, safe_name, stem


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("essay.wav", "essay"),
        ("essay.final.wav", "essay.final"),
        ("homework/anna/essay.wav", "essay"),
        ("C:\\Users\\Anna\\essay.wav", "essay"),
        ("../../../etc/passwd", "passwd"),
        ("..", "."),
        (".wav", ".wav"),
        ("作业 3.m4a", "作业 3"),
        ("folder/", ""),
        ("", ""),
    ],
)
def test_the_stem_of_a_recording_has_neither_folders_nor_an_extension(path, expected):
    assert stem(path) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("作业 三", "作业 三"),
        ("Zoë’s essay", "Zoë’s essay"),
        ("Zoe\u0308", "Zoë"),
        ("👩\u200d🏫 lesson", "👩\u200d🏫 lesson"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("a\x00b\nc\x7fd\u2028e", "abcd e"),
        ("invoice\u202egpj", "invoicegpj"),
        ("\ud800lone", "lone"),
        ("  .hidden. ", "hidden"),
        ("CON", "_CON"),
        ("nul.final", "_nul.final"),
        ("Com1 ", "_Com1"),
        ("lpt²", "_lpt²"),
        ("console", "console"),
    ],
)
def test_characters_that_are_forbidden_in_filenames_are_removed(name, expected):
    assert safe_name(name) == expected


def test_the_next_name_is_used_when_nothing_is_left_of_the_first():
    assert safe_name("..", "anna") == "anna"
    assert safe_name("", " \x00 ", "...") == "answer"


def test_a_long_name_is_cut_between_two_characters():
    assert safe_name("x" * 500) == "x" * 80
    assert safe_name("课" * 500) == "课" * 66  # 3 bytes each, and most file systems take 255


@given(st.text())
def test_any_text_becomes_a_name_that_every_system_takes(text):
    name = safe_name(text)
    assert 1 <= len(name) <= 81
    assert len(name.encode()) <= 201
    assert not re.search(r'[\x00-\x1f\x7f<>:"/\\|?*]', name)
    assert name == name.strip(" .")


def test_names_that_collide_get_the_students_numbers():
    assert list(make_unique([("essay", 1), ("letter", 2), ("essay", 3)])) == ["essay-1", "letter", "essay-3"]
    assert list(make_unique([("Essay", 1), ("essay", 1), ("ESSAY", 1)])) == ["Essay-1", "essay-1-2", "ESSAY-1-3"]
    assert list(make_unique([("essay", 1), ("essay-1", 1), ("essay", 2)])) == ["essay-1-2", "essay-1", "essay-2"]


@given(st.lists(st.tuples(st.sampled_from(["a", "A", "a-1", "a-1-2", "ß", "SS"]), st.integers(1, 3))))
def test_no_two_names_are_the_same_to_any_system(numbered_names):
    unique_names = list(make_unique(numbered_names))
    assert len({collision_key(name) for name in unique_names}) == len(unique_names) == len(numbered_names)
